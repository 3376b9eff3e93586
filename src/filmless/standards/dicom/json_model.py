"""DICOM JSON (PS3.18 annex F) straight from the bytes of a stored data set.

Ingest makes it once per instance; DICOMweb serves it. Long binary values and pixel data become BulkDataURIs
whose last part says where the value is; `find_bulk_value` finds it again.
Not here: HTTP, and reading of JSON. Start at `dataset_to_json`; single values are in `json_values`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import orjson

from filmless.standards.dicom import tags
from filmless.standards.dicom.character_sets import UTF_8_TERM, CharacterSet, character_set
from filmless.standards.dicom.dictionary import vr_of
from filmless.standards.dicom.elements import (
    DEPTH_MAX,
    ELEMENT,
    ENCODING_IMPLICIT_LE,
    END_ITEM,
    END_SEQUENCE,
    FRAGMENTS,
    ITEM,
    SEQUENCE,
    UNDEFINED_LENGTH,
    Buffer,
    Encoding,
    MalformedDataSet,
    encoding_of,
    skip_undefined_length,
    top_level,
    walk,
    walk_sequence,
)
from filmless.standards.dicom.json_values import BINARY_VRS, JsonAttribute, json_text, json_value

__all__ = ["BulkValue", "JsonDataSet", "dataset_to_json", "find_bulk_value", "json_text"]

INLINE_BYTES_MAX = 1_024  # Keys and small tables travel inside; anything longer is fetched when it is wanted.
VALUE_BYTES_MAX = (
    1_048_576  # Longer text and number lists are bulk data too, as F.2.7 allows; seen in RT contours.
)
ELEMENTS_PER_LEVEL_MAX = (
    100_000  # Real data sets have hundreds; each costs memory until its level is written.
)
UNKNOWN_ELEMENTS_MAX = 100_000  # Inside one sequence that came as UN; it is walked before it is written.
PATH_PARTS_MAX = 129  # Tag and item for each of 64 levels of nesting, and the last tag.
PROBLEMS_MAX = 100  # More than that helps nobody; a hostile data set could give millions.

_PIXEL_TAGS = frozenset((tags.PIXEL_DATA, tags.FLOAT_PIXEL_DATA, tags.DOUBLE_FLOAT_PIXEL_DATA))
_TRAILING_PADDING = 0xFFFCFFFC
_PATH = re.compile(r"[0-9A-F]{8}(?:/[1-9][0-9]{0,8}/[0-9A-F]{8})*")


@dataclass(frozen=True, slots=True)
class JsonDataSet:
    """One JSON object in UTF-8, and what could not be read on the way."""

    body: bytes
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BulkValue:
    """Where a bulk value lies. Encapsulated pixel data: its items up to and with the closing delimiter."""

    offset: int
    length: int
    vr: str


@dataclass(slots=True)
class _Level:
    """The data set or item being written."""

    attributes: dict[str, JsonAttribute]
    characters: CharacterSet
    signed: bool
    path: str
    items: bytearray = field(default_factory=bytearray)
    """The items of the open sequence, already written as JSON."""
    number_of_items: int = 0
    open_sequence: int | None = None
    """The tag of that sequence."""


class _Builder:
    def __init__(self, data: Buffer, encoding: Encoding, bulk_data_uri: str, inline_bytes_max: int) -> None:
        self.data = data
        self.encoding = encoding
        self.bulk_data_uri = bulk_data_uri
        self.inline_bytes_max = inline_bytes_max
        self.levels = [_Level({}, character_set(), False, "")]
        self.problems: list[str] = []

    def event(self, event: int, tag: int, vr: str, offset: int, length: int) -> None:
        level = self.levels[-1]
        if event == ELEMENT:
            self.element(level, tag, vr, offset, length)
        elif event == ITEM:
            level.number_of_items += 1
            path = f"{level.path}{tag:08X}/{level.number_of_items}/"
            self.levels.append(_Level({}, level.characters, level.signed, path))
        elif event == END_ITEM:
            self.end_item()
        elif event == SEQUENCE:
            level.items, level.number_of_items, level.open_sequence = bytearray(), 0, tag
        elif event == FRAGMENTS:
            level.attributes[f"{tag:08X}"] = self.bulk(level, tag, "OW" if vr == "OW" else "OB")
        else:
            self.end_sequence(level, tag)

    def end_item(self) -> None:
        item = self.levels.pop()
        # Written at once: as text it takes a tenth of the memory, and depth does not add up. One buffer for
        # all items: a million small bytes objects from orjson would hold a KiB each.
        items = self.levels[-1].items
        items += b"," if items else b"["
        items += orjson.dumps(item.attributes)

    def end_sequence(self, level: _Level, tag: int) -> None:
        attribute: JsonAttribute = {"vr": "SQ"}
        if level.items:
            level.items += b"]"
            attribute["Value"] = orjson.Fragment(bytes(level.items))
        level.attributes[f"{tag:08X}"] = attribute
        level.items, level.open_sequence = bytearray(), None

    def bulk(self, level: _Level, tag: int, vr: str) -> JsonAttribute:
        return {"vr": vr, "BulkDataURI": f"{self.bulk_data_uri}/{level.path}{tag:08X}"}

    def element(self, level: _Level, tag: int, vr: str, offset: int, length: int) -> None:
        if tag & 0xFFFF == 0 or tag == _TRAILING_PADDING:
            return  # F.2.2: group lengths are not part of the JSON.
        if len(level.attributes) >= ELEMENTS_PER_LEVEL_MAX:
            raise MalformedDataSet(offset, f"one level has more than {ELEMENTS_PER_LEVEL_MAX} elements")
        encoding = self.encoding
        if vr == "UN":
            # PS3.5 section 6.2.2: a known attribute that a gateway wrote as UN keeps its implicit LE bytes.
            vr, encoding = vr_of(tag), ENCODING_IMPLICIT_LE
            if vr == "SQ":
                if self.unknown_sequence(tag, offset, length):
                    return
                vr = "UN"
        if len(vr) > 2:
            vr = self.decided(level, vr)
        limit = self.inline_bytes_max if vr in BINARY_VRS else VALUE_BYTES_MAX
        if length > limit or (tag in _PIXEL_TAGS and length):
            level.attributes[f"{tag:08X}"] = self.bulk(level, tag, vr)
            return
        raw = bytes(self.data[offset : offset + length])
        if tag == tags.SPECIFIC_CHARACTER_SET:
            level.characters = character_set(raw.decode("ascii", "replace").strip(" \0"))
            if len(self.problems) < PROBLEMS_MAX:
                self.problems.extend(level.characters.problems)
            if len(self.levels) == 1:
                level.attributes["00080005"] = {"vr": "CS", "Value": [UTF_8_TERM]}
            return
        if tag == tags.PIXEL_REPRESENTATION:
            level.signed = raw[:2] in (b"\x01\x00", b"\x00\x01")
        level.attributes[f"{tag:08X}"] = json_value(raw, vr, encoding, level.characters)

    def unknown_sequence(self, tag: int, offset: int, length: int) -> bool:
        """Write a sequence that came as UN of defined length. False: it cannot be read as one."""
        if len(self.levels) > DEPTH_MAX:
            return False
        inside = walk_sequence(self.data, tag, offset, length, ENCODING_IMPLICIT_LE, UNKNOWN_ELEMENTS_MAX)
        try:
            events = list(inside)
        except MalformedDataSet:
            return False
        self.event(SEQUENCE, tag, "SQ", offset, length)
        for event in events:
            self.event(*event)
        self.event(END_SEQUENCE, tag, "", offset + length, 0)
        return True

    def decided(self, level: _Level, vr: str) -> str:
        """One VR for an ambiguous one, by the rules of PS3.5 annex A.1 and the attribute's own."""
        if vr == "US or SS":
            return "SS" if level.signed else "US"
        if vr == "US or OW" and self.lut_entries(level) == 1:
            return "US"
        return "OW"

    def lut_entries(self, level: _Level) -> object:
        descriptor = level.attributes.get("00283002")
        values = descriptor.get("Value") if isinstance(descriptor, dict) else None
        return values[0] if isinstance(values, list) and values else None

    def finish(self) -> bytes:
        """Close what a damaged data set left open, and write the object."""
        while True:
            level = self.levels[-1]
            if level.open_sequence is not None:
                self.end_sequence(level, level.open_sequence)
            if len(self.levels) == 1:
                return orjson.dumps(level.attributes)
            self.end_item()


def dataset_to_json(
    data: Buffer,
    transfer_syntax_uid: str,
    *,
    bulk_data_uri: str,
    start: int = 0,
    end: int | None = None,
    inline_bytes_max: int = INLINE_BYTES_MAX,
) -> JsonDataSet:
    """The data set at `start` as one JSON object. Deflated data sets must be inflated first.

    Bulk values get `bulk_data_uri` + "/" + their path: "7FE00010", or "54000100/1/54001010" for a value in an
    item. All text is UTF-8 and Specific Character Set says so. Of a damaged data set everything readable is
    given, and a problem.
    """
    builder = _Builder(data, encoding_of(transfer_syntax_uid, data, start), bulk_data_uri, inline_bytes_max)
    try:
        for event in walk(data, transfer_syntax_uid, start=start, end=end):
            builder.event(*event)
    except MalformedDataSet as error:
        builder.problems.append(str(error))
    return JsonDataSet(builder.finish(), tuple(builder.problems))


def find_bulk_value(data: Buffer, transfer_syntax_uid: str, path: str, *, start: int = 0) -> BulkValue | None:
    """Where the value of a BulkDataURI's path lies, in offsets from data[0]; None when there is none.

    Any path is safe to ask for: one that is malformed or names nothing gives None. Works on a mapped file:
    only element headers on the way are read. Values of big endian data sets are as stored.
    """
    if _PATH.fullmatch(path) is None or path.count("/") >= PATH_PARTS_MAX:
        return None
    wanted = path.partition("/")
    tag = int(wanted[0], 16)
    encoding = encoding_of(transfer_syntax_uid, data, start)
    try:
        for found, vr, value, length in top_level(data, transfer_syntax_uid, start=start):
            if found != tag:
                continue
            if wanted[2]:
                # PS3.5 section 6.2.2: a sequence that came as UN is implicit inside.
                inner = ENCODING_IMPLICIT_LE if vr == "UN" else encoding
                return _find_inside(data, (tag, value, length), inner, path)
            if length == UNDEFINED_LENGTH:
                length = skip_undefined_length(data, value, len(data), vr, encoding) - value
            return BulkValue(value, length, vr) if value + length <= len(data) else None
    except MalformedDataSet:
        return None
    return None


def _find_inside(
    data: Buffer, sequence: tuple[int, int, int], encoding: Encoding, path: str
) -> BulkValue | None:
    tag, start, length = sequence
    prefixes, counts = [""], [0]
    for event, found, vr, value, size in walk_sequence(data, tag, start, length, encoding):
        if event == ITEM:
            counts[-1] += 1
            prefixes.append(f"{prefixes[-1]}{found:08X}/{counts[-1]}/")
            counts.append(0)
        elif event == END_ITEM:
            prefixes.pop()
            counts.pop()
        elif event == SEQUENCE:
            counts[-1] = 0
        elif event not in (ELEMENT, FRAGMENTS) or not path.startswith(f"{prefixes[-1]}{found:08X}"):
            continue
        elif len(path) == len(prefixes[-1]) + 8:
            if event == FRAGMENTS:
                size = skip_undefined_length(data, value, len(data), vr, encoding) - value
            return BulkValue(value, size, vr)
        elif vr == "UN" and event == ELEMENT:
            return _find_inside(data, (found, value, size), ENCODING_IMPLICIT_LE, path[len(prefixes[-1]) :])
    return None
