"""The frame index as a value, and its compact form for the database.

Not here: how it is found (`frames`). A native index is three numbers; an encapsulated one keeps per frame
its fragments, written as variable-length integers: about 5 bytes per frame.
"""

from __future__ import annotations

from dataclasses import dataclass

Span = tuple[int, int]
Spans = list[Span]

FORMAT_VERSION = 1
FRAMES_MAX = 1_000_000  # As in `frames`: a damaged row in the database must not allocate without bound.

_NATIVE, _ENCAPSULATED = 0, 1


@dataclass(frozen=True, slots=True)
class FrameSpan:
    """One frame: (offset, length) of its fragments in order.

    `first_bit`: for 1-bit images the frame may begin inside its first byte, that many bits in from the least
    significant one (PS3.5 section 8.1.1); 0 otherwise.
    """

    fragments: tuple[Span, ...]
    first_bit: int = 0

    @property
    def length(self) -> int:
        """Bytes of all fragments together."""
        return sum(length for _, length in self.fragments)


def _put(out: bytearray, number: int) -> None:
    """One unsigned integer, seven bits per byte, low bits first."""
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.position = 0

    def number(self) -> int:
        result = shift = 0
        while True:
            if self.position >= len(self.raw) or shift > 63:
                raise ValueError("The stored frame index is damaged; build it again from the object.")
            byte = self.raw[self.position]
            self.position += 1
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                return result
            shift += 7


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """Where the frames of one instance lie. Make it with `frames.build_frame_index`."""

    encapsulated: bool
    number_of_frames: int
    problems: tuple[str, ...] = ()
    native_offset: int = 0
    native_frame_bits: int = 0
    spans: tuple[tuple[Span, ...], ...] = ()

    @classmethod
    def native(cls, offset: int, frame_bits: int, frames: int, problems: tuple[str, ...] = ()) -> FrameIndex:
        """Frames of equal size one after the other, packed to the bit."""
        return cls(False, frames, problems, native_offset=offset, native_frame_bits=frame_bits)

    @classmethod
    def encapsulated_of(cls, frames: list[Spans], problems: list[str]) -> FrameIndex:
        """Frames given by their fragments."""
        spans = tuple(tuple(frame) for frame in frames)
        return cls(True, len(spans), tuple(problems), spans=spans)

    def frame(self, frame_number: int) -> FrameSpan:
        """The frame with this number, counted from 1. Raises IndexError when there is none."""
        if not 1 <= frame_number <= self.number_of_frames:
            raise IndexError(
                f"There is no frame {frame_number}; the frames are 1 to {self.number_of_frames}."
            )
        if self.encapsulated:
            return FrameSpan(self.spans[frame_number - 1])
        first = (frame_number - 1) * self.native_frame_bits
        last = first + self.native_frame_bits
        start = first // 8
        return FrameSpan(((self.native_offset + start, (last + 7) // 8 - start),), first % 8)

    def shifted(self, by: int) -> FrameIndex:
        """The same, counted from a point `by` bytes earlier."""
        spans = tuple(tuple((offset + by, length) for offset, length in frame) for frame in self.spans)
        return FrameIndex(
            self.encapsulated,
            self.number_of_frames,
            self.problems,
            self.native_offset + by,
            self.native_frame_bits,
            spans,
        )

    def to_bytes(self) -> bytes:
        """The compact form. Problems are not kept: they belong to the ingest's report."""
        out = bytearray((FORMAT_VERSION, _ENCAPSULATED if self.encapsulated else _NATIVE))
        _put(out, self.number_of_frames)
        if not self.encapsulated:
            _put(out, self.native_offset)
            _put(out, self.native_frame_bits)
            return bytes(out)
        position = 0
        for frame in self.spans:
            _put(out, len(frame))
            for offset, length in frame:
                _put(out, offset - position)
                _put(out, length)
                position = offset + length
        return bytes(out)

    @classmethod
    def from_bytes(cls, raw: bytes) -> FrameIndex:
        """Read the compact form. Raises ValueError when it is damaged or of a later format."""
        if len(raw) < 3 or raw[0] != FORMAT_VERSION or raw[1] not in (_NATIVE, _ENCAPSULATED):
            raise ValueError("The stored frame index has an unknown format; build it again from the object.")
        reader = _Reader(raw)
        reader.position = 2
        frames = reader.number()
        if raw[1] == _NATIVE:
            return cls.native(reader.number(), reader.number(), frames)
        if frames > min(FRAMES_MAX, len(raw)):
            raise ValueError("The stored frame index is damaged; build it again from the object.")
        position = 0
        spans = []
        for _ in range(frames):
            frame = []
            for _ in range(reader.number()):
                offset = position + reader.number()
                length = reader.number()
                position = offset + length
                frame.append((offset, length))
            spans.append(tuple(frame))
        return cls(True, frames, spans=tuple(spans))
