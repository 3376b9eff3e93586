"""Values of elements as DICOM JSON wants them, VR by VR (PS3.18 table F.2.3-1).

Not here: the structure of a data set (`json_model`). Start at `json_value`. Nothing raises on bad values:
what is no number stays text, what is no text becomes U+FFFD.
"""

from __future__ import annotations

import math
import struct
from base64 import b64encode
from collections.abc import Callable

from filmless.standards.dicom.character_sets import CharacterSet
from filmless.standards.dicom.elements import Encoding

JsonNumber = int | float | str
JsonAttribute = dict[str, object]

SAFE_INTEGER_MAX = 2**53 - 1  # Beyond it JavaScript rounds; F.2.3 allows SV and UV as strings.
_INTEGER_CHARACTERS_MAX = 15  # Every integer this short is below SAFE_INTEGER_MAX.

BINARY_VRS = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
_UNIT_BYTES = {"OB": 1, "UN": 1, "OW": 2, "OL": 4, "OF": 4, "OD": 8, "OV": 8}
_NUMBER_CODES = {
    "US": ("H", 2), "SS": ("h", 2), "UL": ("I", 4), "SL": ("i", 4),
    "UV": ("Q", 8), "SV": ("q", 8), "FL": ("f", 4), "FD": ("d", 8),
}  # fmt: skip
_ONE_VALUE_VRS = frozenset(("LT", "ST", "UT", "UR"))  # A backslash in these is text (PS3.5 section 6.2).


def _number_from_text(text: str, whole: bool) -> JsonNumber | None:
    """IS (`whole`) or DS text as a number; as the text itself when it is none; None when empty."""
    text = text.strip(" \0")
    if not text:
        return None
    if (
        len(text) <= _INTEGER_CHARACTERS_MAX
        and (text.isdigit() or text[1:].isdigit())
        and text[0] in "+-0123456789"
    ):
        return int(text)
    if "_" in text:  # Python would read 1_000.
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number) or (whole and not number.is_integer()):
        return text
    return int(number) if whole and abs(number) <= SAFE_INTEGER_MAX else number


def _decimal_strings(text: str) -> list[object]:
    return [_number_from_text(part, whole=False) for part in text.split("\\")]


def _integer_strings(text: str) -> list[object]:
    return [_number_from_text(part, whole=True) for part in text.split("\\")]


def _plain(text: str) -> list[object]:
    return [part.strip(" \0") or None for part in text.split("\\")]


def _text(raw: bytes, characters: CharacterSet) -> list[object]:
    return [part.strip(" \0") or None for part in characters.decode(raw).split("\\")]


def _unlimited(raw: bytes, characters: CharacterSet) -> list[object]:
    return [part.rstrip(" \0") or None for part in characters.decode(raw).split("\\")]


def _one_text(raw: bytes, characters: CharacterSet) -> list[object]:
    text = characters.decode(raw).rstrip(" \0")
    return [text] if text else []


def _person_names(raw: bytes, characters: CharacterSet) -> list[object]:
    return [person_name_json(part) for part in characters.decode(raw, person_name=True).split("\\")]


def person_name_json(text: str) -> dict[str, str] | None:
    """One PN value as the object of F.2.2; None when it is empty."""
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), text.strip(" \0").split("="), strict=False)
    name = {key: group.strip(" \0") for key, group in groups if group.strip(" \0^")}
    return name or None


# VRs of the default repertoire, whatever the character set (PS3.5 section 6.1.2.2).
_ASCII_READERS: dict[str, Callable[[str], list[object]]] = {
    "DS": _decimal_strings,
    "IS": _integer_strings,
    **dict.fromkeys(("AE", "AS", "CS", "DA", "DT", "TM", "UI"), _plain),
}
_TEXT_READERS: dict[str, Callable[[bytes, CharacterSet], list[object]]] = {
    "LO": _text,
    "SH": _text,
    "UC": _unlimited,
    "PN": _person_names,
    **dict.fromkeys(_ONE_VALUE_VRS, _one_text),
}


def _float_json(number: float) -> JsonNumber:
    # What dcm4che and dicom-rs write and read; the standard gives JSON numbers no other way to say it.
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "inf" if number > 0 else "-inf"


def _numbers(raw: bytes, vr: str, encoding: Encoding) -> list[object]:
    code, size = _NUMBER_CODES[vr]
    count = len(raw) // size
    numbers = struct.unpack_from(f"{'<' if encoding.little_endian else '>'}{count}{code}", raw)
    if code in "fd":
        return [_float_json(number) for number in numbers]
    if size == 8:
        return [number if abs(number) <= SAFE_INTEGER_MAX else str(number) for number in numbers]
    return list(numbers)


def _tags(raw: bytes, encoding: Encoding) -> list[object]:
    order = "<" if encoding.little_endian else ">"
    whole = raw[: len(raw) // 4 * 4]
    return [f"{group:04X}{element:04X}" for group, element in struct.iter_unpack(f"{order}HH", whole)]


def inline_binary(raw: bytes, vr: str, encoding: Encoding) -> str:
    """Base64 of the value in little endian, as F.2.7 asks."""
    unit = _UNIT_BYTES.get(vr, 1)
    if not encoding.little_endian and unit > 1:
        raw = raw[: len(raw) // unit * unit]
        swapped = bytearray(len(raw))
        for byte in range(unit):
            swapped[byte::unit] = raw[unit - 1 - byte :: unit]
        raw = bytes(swapped)
    return b64encode(raw).decode("ascii")


def json_value(raw: bytes, vr: str, encoding: Encoding, characters: CharacterSet) -> JsonAttribute:
    """The JSON attribute of an element with this value: vr, and Value or InlineBinary unless it is empty."""
    if not raw:
        return {"vr": vr}
    if vr in _ASCII_READERS:
        values = _ASCII_READERS[vr](raw.decode("ascii", "replace"))
    elif vr in _TEXT_READERS:
        values = _TEXT_READERS[vr](raw, characters)
    elif vr in _NUMBER_CODES:
        values = _numbers(raw, vr, encoding)
    elif vr == "AT":
        values = _tags(raw, encoding)
    else:
        return {"vr": vr, "InlineBinary": inline_binary(raw, vr, encoding)}
    return {"vr": vr} if not values or values == [None] else {"vr": vr, "Value": values}


def json_text(vr: str, text: str) -> JsonAttribute:
    """The JSON attribute of a text VR from decoded text, such as an indexed value; "\\\\" parts values."""
    parts: list[object]
    if not text:
        return {"vr": vr}
    if vr == "PN":
        parts = [person_name_json(part) for part in text.split("\\")]
    elif vr in ("IS", "DS"):
        parts = [_number_from_text(part, vr == "IS") for part in text.split("\\")]
    elif vr in _ONE_VALUE_VRS:
        parts = [text]
    else:
        parts = [part or None for part in text.split("\\")]
    if all(part is None for part in parts):  # Such as "^^^^": no value at all (PS3.18 F.2.5).
        return {"vr": vr}
    return {"vr": vr, "Value": parts}
