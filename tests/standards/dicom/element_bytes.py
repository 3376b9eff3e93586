"""Elements written by hand, byte for byte, for tests that need awkward ones."""

from __future__ import annotations

import struct

from filmless.standards.dicom.elements import UNDEFINED_LENGTH

ITEM_HEADER = struct.Struct("<HHI")
OPEN_ITEM = ITEM_HEADER.pack(0xFFFE, 0xE000, UNDEFINED_LENGTH)
CLOSE_ITEM = ITEM_HEADER.pack(0xFFFE, 0xE00D, 0)
CLOSE_SEQUENCE = ITEM_HEADER.pack(0xFFFE, 0xE0DD, 0)


def implicit(tag: int, value: bytes, length: int | None = None) -> bytes:
    return ITEM_HEADER.pack(tag >> 16, tag & 0xFFFF, len(value) if length is None else length) + value


def explicit(tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    declared = len(value) if length is None else length
    if vr in (b"SQ", b"UN", b"OB", b"OW", b"UT"):
        return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, declared) + value
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, declared) + value
