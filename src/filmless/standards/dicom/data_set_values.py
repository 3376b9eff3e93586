"""Values of elements in a small data set: bytes to Python values and back, by VR (PS3.5 section 6.2).

Not here: where elements begin and end (`elements`), data sets (`data_set`, which these functions serve).
Start at `read_values` and `write_values`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from filmless.standards.dicom.character_sets import CharacterSet, encode
from filmless.standards.dicom.elements import VR_FORMS

DECIMAL_STRING_CHARS_MAX = 16  # PS3.5 table 6.2-1, DS.

Scalar = str | int | float | bytes
Value = Scalar | Sequence[Scalar] | None

Order = str
"""The byte order in struct's letters: "<" little endian, ">" big endian."""

# PS3.5 section 6.2: how many bytes a binary number has, and its struct code.
_NUMBER_CODES = {
    "US": (2, "H"), "SS": (2, "h"), "UL": (4, "I"), "SL": (4, "i"), "SV": (8, "q"), "UV": (8, "Q"),
    "FL": (4, "f"), "FD": (8, "d"),
}  # fmt: skip
BYTES_VRS = {"OB": 1, "OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8, "UN": 1}
"""VRs kept as bytes, always little endian in memory: VR to the size of what a byte order turns round."""
_SINGLE_TEXT_VRS = frozenset({"ST", "LT", "UT", "UR"})  # A backslash in these is a backslash.
# PS3.5 table 6.2-1: leading spaces mean nothing in these; in the other text VRs they may.
_BOTH_ENDS_VRS = frozenset({"AE", "CS", "DS", "IS", "LO", "SH", "UI", "DA", "TM", "DT", "AS"})
_FLOAT_VRS = frozenset({"FL", "FD"})
# Which VR an element gets whose VR depends on others: nothing in small data sets needs the other one.
_CHOSEN = {"OB or OW": "OW", "US or OW": "OW", "US or SS or OW": "OW", "US or SS": "US"}

KEPT_VRS = frozenset(vr for vr, _ in VR_FORMS.values()) - {"SQ"}


class CannotCarry(ValueError):
    """Some text has a character that the asked character set does not have."""


def chosen_vr(vr: str) -> str:
    """The VR to keep values in: one of two where the dictionary leaves it open, UN for none that exists."""
    if vr in KEPT_VRS:
        return vr
    return _CHOSEN.get(vr, "UN")


def split_text(text: str, vr: str) -> list[Scalar]:
    """The values in one text: parted at backslashes where the VR has several values; none in ""."""
    if not text:
        return []
    return [text] if vr in _SINGLE_TEXT_VRS else list(text.split("\\"))


def fitting(value: Scalar, vr: str) -> Scalar:
    """The value in the type that the VR is kept in. Raises ValueError."""
    if vr in BYTES_VRS:
        if not isinstance(value, bytes):
            raise ValueError(f"A value of VR {vr} is bytes.")
        return value
    if isinstance(value, bytes):
        raise ValueError(f"A value of VR {vr} is not bytes.")
    if vr == "AT":
        return int(value, 16) if isinstance(value, str) else int(value)
    if vr in _FLOAT_VRS:
        return float(value)
    if vr in _NUMBER_CODES:
        return int(value)
    if isinstance(value, float) and vr == "DS":
        return _decimal_string(value)
    return str(value)


def _decimal_string(value: float) -> str:
    """A DS of at most 16 characters, as exact as they allow."""
    text = repr(value)
    digits = DECIMAL_STRING_CHARS_MAX
    while len(text) > DECIMAL_STRING_CHARS_MAX:
        digits -= 1
        text = f"{value:.{digits}g}"
    return text


def read_values(raw: bytes, vr: str, text: CharacterSet, order: Order) -> list[Scalar]:
    """The values in these bytes, padding trimmed; none for zero length. Never raises.

    Text keeps leading spaces where they may mean something. Bytes are turned to little endian.
    """
    if vr in _NUMBER_CODES:
        size, code = _NUMBER_CODES[vr]
        return list(struct.unpack_from(f"{order}{len(raw) // size}{code}", raw))
    if vr in BYTES_VRS:
        return [_ordered(raw, BYTES_VRS[vr], order)] if raw else []
    if vr == "AT":
        halves = struct.unpack_from(f"{order}{len(raw) // 4 * 2}H", raw)
        return [group << 16 | element for group, element in zip(halves[::2], halves[1::2], strict=True)]
    # Trimmed after decoding: a character of two bytes may end in what looks like a space or a backslash.
    whole = text.decode(raw, person_name=vr == "PN").rstrip(" \0")
    if not whole:
        return []
    if vr in _SINGLE_TEXT_VRS:
        return [whole]
    if vr in _BOTH_ENDS_VRS:
        return [part.strip(" \0") for part in whole.split("\\")]
    return [part.rstrip(" \0") for part in whole.split("\\")]


def write_values(values: Sequence[Scalar], vr: str, specific: str, order: Order) -> bytes:
    """The bytes of these values, padded to an even length. Raises CannotCarry, ValueError."""
    if not values:
        return b""
    if vr in _NUMBER_CODES:
        return _write_numbers(values, order + str(len(values)) + _NUMBER_CODES[vr][1])
    if vr == "AT":
        return b"".join(struct.pack(order + "HH", int(value) >> 16, int(value) & 0xFFFF) for value in values)
    if vr in BYTES_VRS:
        raw = _ordered(b"".join(value for value in values if isinstance(value, bytes)), BYTES_VRS[vr], order)
        return raw + b"\0" * (len(raw) & 1)
    encoded = _write_text("\\".join(map(str, values)), vr, specific)
    if len(encoded) & 1:
        encoded += b"\0" if vr == "UI" else b" "  # PS3.5 section 6.2.
    return encoded


def _write_numbers(values: Sequence[Scalar], form: str) -> bytes:
    try:
        return struct.pack(form, *values)
    except struct.error as error:
        raise ValueError("A number does not fit its VR.") from error


def _write_text(text: str, vr: str, specific: str) -> bytes:
    if text.isascii():
        return text.encode("ascii")
    encoded, used = encode(text, specific, person_name=vr == "PN")
    if used != specific:
        raise CannotCarry("The character set has not all characters of the text.")
    return encoded


def _ordered(raw: bytes, size: int, order: Order) -> bytes:
    """Units of `size` bytes turned from one byte order to the other, or as they are in little endian."""
    if size == 1 or order == "<":
        return bytes(raw)
    whole = len(raw) - len(raw) % size
    turned = bytearray(raw)
    for i in range(size):
        turned[i:whole:size] = raw[size - 1 - i : whole : size]
    return bytes(turned)
