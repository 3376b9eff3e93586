"""The data dictionary of PS3.6: tag to VR and keyword, keyword to tag.

Not here: private elements (nobody can know their VR for certain; they stay UN).
The table is text (`dictionary_table`), parsed once into compact dicts at import, about 3 ms.
"""

from __future__ import annotations

import re
from functools import cache
from sys import intern

from filmless.standards.dicom import dictionary_table

UNKNOWN_VR = "UN"


def _parse() -> tuple[dict[int, str], dict[int, str]]:
    vrs: dict[int, str] = {}
    keywords: dict[int, str] = {}
    for line in dictionary_table.ELEMENTS.splitlines():
        tag_text, vr, *keyword = line.split(" ")
        tag = int(tag_text, 16)
        vrs[tag] = intern(vr.replace("/", " or "))
        if keyword:
            keywords[tag] = keyword[0]
    return vrs, keywords


VR_BY_TAG, _KEYWORDS = _parse()
"""VR of every public element; ambiguous ones read "US or SS". For hot loops; else use `vr_of`."""


@cache
def _tags_by_keyword() -> dict[str, int]:
    return {keyword: tag for tag, keyword in _KEYWORDS.items()}


@cache
def _repeating_groups() -> dict[int, tuple[str, str]]:
    """Curve (50xx), overlay (60xx) and variable pixel data (7Fxx): element of group base to VR, keyword."""
    rows: dict[int, tuple[str, str]] = {}
    for line in dictionary_table.REPEATING_ELEMENTS.splitlines():
        mask, vr, keyword = line.split(" ")
        if mask[2:4] == "xx":
            rows[int(mask.replace("xx", "00"), 16)] = (intern(vr.replace("/", " or ")), keyword)
    return rows


def _repeating(tag: int) -> tuple[str, str] | None:
    group = tag >> 16
    if group & 1 or group >> 8 not in (0x50, 0x60, 0x7F):
        return None
    return _repeating_groups().get(tag & 0xFF00FFFF)


def vr_of(tag: int) -> str:
    """The VR of an element; "UL" for group lengths, "LO" for private creators, "UN" when unknown."""
    known = VR_BY_TAG.get(tag)
    if known is not None:
        return known
    element = tag & 0xFFFF
    if element == 0:
        return "UL"  # PS3.5 section 7.2: every group may have a length.
    if (tag >> 16) & 1:
        return "LO" if 0x10 <= element <= 0xFF else UNKNOWN_VR  # PS3.5 section 7.8.1.
    repeating = _repeating(tag)
    return repeating[0] if repeating else UNKNOWN_VR


def keyword_of(tag: int) -> str:
    """The keyword of an element ("PatientID"); empty when the standard has none."""
    known = _KEYWORDS.get(tag)
    if known is not None:
        return known
    repeating = _repeating(tag)
    return repeating[1] if repeating else ""


def tag_of(keyword: str) -> int | None:
    """The tag with this keyword, or None."""
    return _tags_by_keyword().get(keyword)


_TAG = re.compile(r"\(?([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})\)?")


def parse_tag(text: str) -> int | None:
    """Read "00100020", "0010,0020", "(0010,0020)" or "PatientID"; None when it is none of them."""
    match = _TAG.fullmatch(text)
    if match is not None:
        return int(match[1] + match[2], 16)
    return tag_of(text)
