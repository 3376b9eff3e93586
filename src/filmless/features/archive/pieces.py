"""Frames and bulk values on their way out: each with its length, in chunks, so that none fills the memory.

Everything leaves in little endian. Not here: who may have it (`viewing`). Start at `frame_pieces`.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from filmless.features.archive.read_errors import FrameNotFound
from filmless.features.archive.rows import InstanceRow
from filmless.features.archive.stored_object import OpenedObject, is_deflated, opened, read_object
from filmless.features.archive.stores import ReadableArchive
from filmless.standards.dicom.frames import FrameIndex, FrameSpan, frame_bytes
from filmless.standards.dicom.header import find_pixel_data
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_BE

CHUNK_BYTES = 4 << 20  # A usual frame is one chunk; a multiple of every word that may have to be swapped.

_UNIT_OF_VR = {
    **dict.fromkeys(("OW", "US", "SS", "AT"), 2),
    **dict.fromkeys(("OL", "OF", "UL", "SL", "FL"), 4),
    **dict.fromkeys(("OD", "FD", "OV", "UV", "SV"), 8),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One frame or value; `chunks` can be read once and hold `length` bytes."""

    length: int
    chunks: Iterator[bytes]

    def read(self) -> bytes:
        """All of it at once."""
        return b"".join(self.chunks)


def piece_of(data: bytes) -> Piece:
    """Bytes that are in memory already."""
    return Piece(len(data), iter((data,)))


def is_as_stored(row: InstanceRow, index: FrameIndex) -> bool:
    """Whether frames leave exactly as they lie in the object: not inflated, not swapped, not shifted."""
    is_whole_bytes = index.encapsulated or index.native_frame_bits % 8 == 0
    return is_whole_bytes and row.transfer_syntax_uid != EXPLICIT_BE and not is_deflated(row)


def frame_pieces(
    archive: ReadableArchive, row: InstanceRow, index: FrameIndex, spans: Sequence[FrameSpan]
) -> Iterator[Piece]:
    """The frames at these spans of the index, one after another; raises Unavailable."""
    if is_as_stored(row, index):
        for span in spans:
            yield Piece(span.length, _stored_chunks(archive, row, span.fragments))
        return
    with opened(archive, row) as stored:
        for span in spans:
            frame = frame_bytes(stored.data, span)
            if row.transfer_syntax_uid == EXPLICIT_BE and not index.encapsulated:
                frame = _swapped_frame(stored, row, span)
            yield piece_of(_aligned(frame, span, index))


def value_piece(archive: ReadableArchive, row: InstanceRow, offset: int, length: int, vr: str) -> Piece:
    """A value that lies there, counted from the start of the object (deflated: of what it inflates to)."""
    if is_deflated(row):
        with opened(archive, row) as stored:
            return piece_of(bytes(memoryview(stored.data)[offset : offset + length]))
    chunks = _stored_chunks(archive, row, ((offset, length),))
    if row.transfer_syntax_uid == EXPLICIT_BE:
        unit = _UNIT_OF_VR.get(vr, 1)
        chunks = (_swapped(chunk, unit) for chunk in chunks)
    return Piece(length, chunks)


def _stored_chunks(
    archive: ReadableArchive, row: InstanceRow, fragments: Sequence[tuple[int, int]]
) -> Iterator[bytes]:
    for start, length in fragments:
        for offset in range(start, start + length, CHUNK_BYTES):
            yield read_object(archive, row, offset, min(CHUNK_BYTES, start + length - offset))


def _swapped_frame(stored: OpenedObject, row: InstanceRow, span: FrameSpan) -> bytes:
    """A frame of a big endian data set: one of odd length shares its last word with the next."""
    position = find_pixel_data(stored.data, stored.transfer_syntax_uid, start=stored.start)
    if position is None:
        raise FrameNotFound("The instance has no pixel data in which frames can be found.")
    unit = max((row.bits_allocated or 8) // 8, 2 if position.vr == "OW" else 1)
    ((offset, length),) = span.fragments
    first = offset - (offset - position.value_offset) % unit
    words = stored.data[first : first + -(-(offset + length - first) // unit) * unit]
    return _swapped(words, unit)[offset - first : offset - first + length]


def _aligned(frame: bytes, span: FrameSpan, index: FrameIndex) -> bytes:
    """A 1-bit frame may begin inside a byte (PS3.5 section 8.1.1); it leaves beginning with its first bit."""
    if index.encapsulated or index.native_frame_bits % 8 == 0:
        return frame
    bits = index.native_frame_bits
    number = int.from_bytes(frame, "little") >> span.first_bit & ((1 << bits) - 1)
    return number.to_bytes((bits + 7) // 8, "little")


def _swapped(value: bytes, unit: int) -> bytes:
    """Big endian to little, `unit` bytes at a time; what does not fill a unit stays."""
    kind = {2: "H", 4: "I", 8: "Q"}.get(unit)
    if kind is None:
        return value
    whole = len(value) // unit * unit
    numbers = array(kind, value[:whole])
    assert numbers.itemsize == unit
    numbers.byteswap()
    return numbers.tobytes() + value[whole:]
