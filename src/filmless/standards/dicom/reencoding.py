"""A data set in another encoding: explicit or implicit VR, little or big endian, streamed element by element.

Values stay what they are; large ones go through as views of the source. Sequences are written with undefined
length, group lengths (retired, and wrong afterwards) are left out. Pixel data that itself changes is given by
the caller. Not here: pixels (`frame_recoding`), deflating as a whole. Start at `reencode`.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from filmless.standards.dicom import tags
from filmless.standards.dicom.dictionary import vr_of
from filmless.standards.dicom.elements import (
    ELEMENT,
    ENCODING_EXPLICIT_BE,
    ENCODING_EXPLICIT_LE,
    ENCODING_IMPLICIT_LE,
    END_ITEM,
    END_SEQUENCE,
    FRAGMENTS,
    ITEM,
    LONG_VRS,
    SEQUENCE,
    UNDEFINED_LENGTH,
    Buffer,
    Encoding,
    MalformedDataSet,
    encoding_of,
    walk,
    walk_sequence,
)

CHUNK_BYTES = 256 * 1024  # Small elements are joined up to this; larger values go out by themselves.
SWAPPED_AT_ONCE_BYTES = 1024 * 1024  # Of a value whose byte order is turned round.
SHORT_VALUE_BYTES_MAX = 65_534  # PS3.5 section 6.2.2: what is longer than a 16-bit length tells goes as UN.

# PS3.5 section 7.3: the size of what a byte order turns round, by VR; all others are bytes or text.
_UNIT_BYTES = {
    "AT": 2, "OW": 2, "SS": 2, "US": 2, "FL": 4, "OF": 4, "OL": 4, "SL": 4, "UL": 4,
    "FD": 8, "OD": 8, "OV": 8, "SV": 8, "UV": 8,
}  # fmt: skip
_ARRAY_CODES = {2: "H", 4: "I", 8: "Q"}
# What an attribute whose VR depends on others is in explicit VR (PS3.5 annex A.2): words suit every case.
_DECIDED = {"OB or OW": "OW", "US or OW": "OW", "US or SS or OW": "OW"}

Chunk = bytes | memoryview


@dataclass(frozen=True, slots=True)
class PixelElement:
    """Pixel data in the place of the stored one; `length` None: encapsulated, with all its items."""

    vr: str
    length: int | None
    chunks: Iterable[Chunk]


@dataclass(frozen=True, slots=True)
class Changes:
    """What else changes at the top level of the data set, values in little endian."""

    values: Mapping[int, tuple[str, bytes]] = field(default_factory=dict)
    without: AbstractSet[int] = frozenset()
    pixel_data: PixelElement | None = None


def reencode(
    data: Buffer,
    source_uid: str,
    target: Encoding,
    *,
    start: int = 0,
    changes: Changes = Changes(),
) -> Iterator[Chunk]:
    """The data set that begins at `data[start]`, encoded as `target`, in chunks.

    Raises MalformedDataSet for a data set that cannot be read to its end, also after some chunks.
    """
    yield from _Writer(memoryview(data), encoding_of(source_uid, data, start), target, changes).run(
        walk(data, source_uid, start=start)
    )


def target_encoding(*, explicit: bool, little_endian: bool) -> Encoding:
    """The encoding that is explicit or not, little endian or not; implicit is always little endian."""
    if not explicit:
        return ENCODING_IMPLICIT_LE
    return ENCODING_EXPLICIT_LE if little_endian else ENCODING_EXPLICIT_BE


class _Writer:
    """Writes one data set; `depth` is how many sequences are open."""

    def __init__(self, view: memoryview, source: Encoding, target: Encoding, changes: Changes) -> None:
        self.view = view
        self.source = source
        self.target = target
        self.changes = changes
        self.pending = sorted(changes.values)
        self.out = bytearray()
        self.depth = 0
        self.skipping = 0  # Sequences open inside one that is left out.
        self.signed = [False]  # Pixel Representation, by level.
        self.bits_allocated = 0
        self.little_endian = [source.little_endian]  # Of what is read, by sequence.

    def run(self, events: Iterable[tuple[int, int, str, int, int]]) -> Iterator[Chunk]:
        for event, tag, vr, offset, length in events:
            if self.skipping:
                self.skipping += (event == SEQUENCE) - (event == END_SEQUENCE)
                continue
            if not self.depth and event in (ELEMENT, SEQUENCE, FRAGMENTS):
                self.insert_before(tag)
                if tag in self.changes.without or tag in self.changes.values:
                    self.skipping = int(event == SEQUENCE)
                    continue
            if event == ELEMENT:
                yield from self.element(tag, vr, offset, length)
            elif event == FRAGMENTS:
                yield from self.fragments(tag, offset)
            else:
                self.structure(event, tag, vr, offset, length)
            if len(self.out) >= CHUNK_BYTES:
                yield self.flushed()
        self.insert_before(tags.ITEM)
        if self.out:
            yield self.flushed()

    def flushed(self) -> bytes:
        joined = bytes(self.out)
        self.out.clear()
        return joined

    def insert_before(self, tag: int) -> None:
        """Write the changed elements that belong before `tag`, or in its place."""
        while self.pending and self.pending[0] <= tag:
            changed = self.pending.pop(0)
            vr, value = self.changes.values[changed]
            self.header(changed, vr, len(value))
            unit = 1 if self.target.little_endian else _UNIT_BYTES.get(vr, 1)
            self.out += _swapped(memoryview(value), unit)

    def element(self, tag: int, vr: str, offset: int, length: int) -> Iterator[Chunk]:
        if tag & 0xFFFF == 0:
            return  # Group lengths.
        if not self.depth and tag == tags.PIXEL_DATA and self.changes.pixel_data is not None:
            yield from self.pixel_data(self.changes.pixel_data)
            return
        value = self.view[offset : offset + length]
        if tag == tags.PIXEL_REPRESENTATION:
            self.signed[-1] = bytes(value[:2]) in (b"\x01\x00", b"\x00\x01")
        elif tag == tags.BITS_ALLOCATED and not self.depth:
            self.bits_allocated = int.from_bytes(value[:2], "little" if self.little_endian[-1] else "big")
        if vr == "UN" and self.source.little_endian and vr_of(tag) != "SQ":
            vr = vr_of(tag)  # PS3.5 section 6.2.2: a gateway that did not know the attribute; we do.
        if len(vr) > 2:
            vr = ("SS" if self.signed[-1] else "US") if vr == "US or SS" else _DECIDED.get(vr, "UN")
        self.header(tag, vr, length)
        unit = self.swapped_unit(tag, vr)
        if length < CHUNK_BYTES:
            self.out += _swapped(value, unit) if unit > 1 else value
            return
        yield self.flushed()
        if unit == 1:
            yield value
            return
        for at in range(0, length, SWAPPED_AT_ONCE_BYTES):
            yield _swapped(value[at : at + SWAPPED_AT_ONCE_BYTES], unit)

    def swapped_unit(self, tag: int, vr: str) -> int:
        """The size of what is turned round in this value; 1: nothing."""
        unit = _UNIT_BYTES.get(vr, 1)
        if unit == 1 or self.little_endian[-1] == self.target.little_endian:
            return 1
        # Cells of 32 bits are turned round whole, as every toolkit reads them.
        return max(unit, self.bits_allocated // 8) if tag == tags.PIXEL_DATA and not self.depth else unit

    def fragments(self, tag: int, offset: int) -> Iterator[Chunk]:
        """Encapsulated pixel data: always replaced, for nobody re-encodes a data set to keep it."""
        if self.depth or self.changes.pixel_data is None:
            raise MalformedDataSet(offset, f"{tag:08X} holds compressed pixels, which this encoding cannot")
        yield from self.pixel_data(self.changes.pixel_data)

    def pixel_data(self, pixels: PixelElement) -> Iterator[Chunk]:
        self.header(tags.PIXEL_DATA, pixels.vr, UNDEFINED_LENGTH if pixels.length is None else pixels.length)
        yield self.flushed()
        unit = self.swapped_unit(tags.PIXEL_DATA, pixels.vr)
        for chunk in pixels.chunks:
            yield _swapped(memoryview(chunk), unit) if unit > 1 else chunk

    def structure(self, event: int, tag: int, vr: str, offset: int, length: int) -> None:
        if event == SEQUENCE:
            if self.changes.pixel_data is not None and self.holds_fragments(tag, vr, offset, length):
                if tag != tags.ICON_IMAGE_SEQUENCE:
                    raise MalformedDataSet(offset, f"{tag:08X} holds compressed pixels inside a sequence")
                self.skipping = 1  # An icon is optional (PS3.3 C.7.6.1.1.6), and a smaller copy of the image.
                return
            self.depth += 1
            # PS3.5 section 6.2.2 note 4: what is inside UN of undefined length is implicit little endian.
            self.little_endian.append(vr == "UN" or self.little_endian[-1])
            self.header(tag, "SQ", UNDEFINED_LENGTH)
        elif event == ITEM:
            self.signed.append(self.signed[-1])
            self.out += self.target.implicit.pack(0xFFFE, 0xE000, UNDEFINED_LENGTH)
        elif event == END_ITEM:
            self.signed.pop()
            self.out += self.target.implicit.pack(0xFFFE, 0xE00D, 0)
        else:
            self.depth -= 1
            self.little_endian.pop()
            self.out += self.target.implicit.pack(0xFFFE, 0xE0DD, 0)

    def holds_fragments(self, tag: int, vr: str, offset: int, length: int) -> bool:
        if self.depth and tag != tags.ICON_IMAGE_SEQUENCE:
            return False  # The outermost sequence was looked through already, all but its icons.
        inside = ENCODING_IMPLICIT_LE if vr == "UN" else self.source
        return any(event[0] == FRAGMENTS for event in walk_sequence(self.view, tag, offset, length, inside))

    def header(self, tag: int, vr: str, length: int) -> None:
        target = self.target
        group, element = tag >> 16, tag & 0xFFFF
        if not target.explicit:
            self.out += target.implicit.pack(group, element, length)
            return
        if vr not in LONG_VRS and length > SHORT_VALUE_BYTES_MAX:
            vr = "UN"
        if vr in LONG_VRS:
            self.out += target.short.pack(group, element, vr.encode(), 0) + target.long.pack(length)
        else:
            self.out += target.short.pack(group, element, vr.encode(), length)


def _swapped(value: memoryview, unit: int) -> bytes:
    """The value with the bytes of each unit turned round; stray bytes at its end stay."""
    if unit == 1:
        return bytes(value)
    whole = len(value) - len(value) % unit
    numbers = array(_ARRAY_CODES[unit], bytes(value[:whole]))
    numbers.byteswap()
    return numbers.tobytes() + bytes(value[whole:])


def encapsulated(frames: Iterable[bytes]) -> Iterator[bytes]:
    """Frames as the value of encapsulated pixel data, a fragment each, without offset table (PS3.5 A.4)."""
    yield struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    for frame in frames:
        padding = b"\0" * (len(frame) % 2)
        yield struct.pack("<HHI", 0xFFFE, 0xE000, len(frame) + len(padding)) + frame + padding
    yield struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
