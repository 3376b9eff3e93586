"""The frame index: where each frame of an instance lies in its bytes, made once at ingest.

Native frames are counted; encapsulated ones are found by the Extended Offset Table, the Basic Offset Table,
or by looking at the fragments (PS3.5 annex A.4). Only item headers and code stream markers are read, so a
memory-mapped file stays on disk. Not here: decoding (`pixels`). Start at `build_frame_index`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from filmless.standards.dicom import tags, transfer_syntaxes
from filmless.standards.dicom.elements import Buffer, MalformedDataSet
from filmless.standards.dicom.frame_index import FrameIndex, FrameSpan, Spans
from filmless.standards.dicom.header import HeaderScan, PixelDataPosition

__all__ = ["FrameIndex", "FrameLayout", "FrameSpan", "build_frame_index", "frame_bytes"]

FRAMES_MAX = 1_000_000  # A whole slide at 40x has some 300,000 tiles.
FRAGMENTS_MAX = 1_000_000  # About 120 bytes of memory each while the index is made.

_ITEM = struct.Struct("<HHI")
_ITEM_TAG = (0xFFFE, 0xE000)
_DELIMITER_TAG = (0xFFFE, 0xE0DD)
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_J2K_START = b"\xff\x4f\xff\x51"
_BOX_START = re.compile(rb"\x00\x00\x00\x0c(?:jP  |JXL )\x0d\x0a\x87\x0a")


@dataclass(frozen=True, slots=True)
class FrameLayout:
    """What the data set declares about its frames. Zero means: not said."""

    rows: int
    columns: int
    number_of_frames: int
    samples_per_pixel: int
    bits_allocated: int
    photometric_interpretation: str = ""

    @classmethod
    def from_scan(cls, scan: HeaderScan) -> FrameLayout:
        """The layout a header scan found. Number of Frames is 1 when absent (PS3.3 C.7.6.6)."""
        return cls(
            rows=scan.number(tags.ROWS) or 0,
            columns=scan.number(tags.COLUMNS) or 0,
            number_of_frames=max(scan.number(tags.NUMBER_OF_FRAMES) or 1, 1),
            samples_per_pixel=scan.number(tags.SAMPLES_PER_PIXEL) or 1,
            bits_allocated=scan.number(tags.BITS_ALLOCATED) or 0,
            photometric_interpretation=scan.text(tags.PHOTOMETRIC_INTERPRETATION),
        )

    def frame_bits(self) -> int:
        """The bits of one native frame; 0 when the layout says too little."""
        samples = self.samples_per_pixel
        if self.photometric_interpretation == "YBR_FULL_422" and samples == 3:
            samples = 2  # PS3.3 C.7.6.3.1.2: chrominance at half the width, two samples per pixel on average.
        return self.rows * self.columns * samples * self.bits_allocated


def build_frame_index(
    data: Buffer, position: PixelDataPosition, layout: FrameLayout, transfer_syntax_uid: str
) -> FrameIndex:
    """Where every frame lies, in offsets from data[0]. What does not fit goes to `problems`.

    Raises MalformedDataSet only when no frame can be found at all. Declared sizes are compared with the bytes
    that are there; none is allocated.
    """
    if layout.number_of_frames > FRAMES_MAX:
        raise MalformedDataSet(position.value_offset, f"it declares more than {FRAMES_MAX} frames")
    if position.value_length is None:
        return _encapsulated(data, position, layout, transfer_syntax_uid)
    return _native(data, position, layout)


def frame_bytes(data: Buffer, span: FrameSpan) -> bytes:
    """The bytes of one frame, its fragments joined. Never more than `data` holds."""
    if len(span.fragments) == 1:
        offset, length = span.fragments[0]
        return bytes(data[offset : offset + length])
    return b"".join(bytes(data[offset : offset + length]) for offset, length in span.fragments)


def _native(data: Buffer, position: PixelDataPosition, layout: FrameLayout) -> FrameIndex:
    assert position.value_length is not None
    bits = layout.frame_bits()
    available = min(position.value_length, max(len(data) - position.value_offset, 0))
    if bits == 0:
        raise MalformedDataSet(position.value_offset, "Rows, Columns or Bits Allocated is missing or zero")
    problems = []
    if available < position.value_length:
        problems.append("the pixel data is cut short")
    whole = available * 8 // bits
    frames = min(layout.number_of_frames, whole)
    if frames < layout.number_of_frames:
        problems.append(f"it declares {layout.number_of_frames} frames, {frames} are there")
    elif available - (frames * bits + 7) // 8 > 1:  # One byte more is padding to even length.
        problems.append("the pixel data is longer than its frames")
    if frames == 0:
        raise MalformedDataSet(position.value_offset, "the pixel data is shorter than one frame")
    return FrameIndex.native(position.value_offset, bits, frames, tuple(problems))


def _fragments(data: Buffer, offset: int, problems: list[str]) -> tuple[Spans, int]:
    """(offset, length) of every item from `offset` on, the offset table first, and where they end."""
    spans: Spans = []
    limit, position = len(data), offset
    while position + 8 <= limit:
        group, element, length = _ITEM.unpack_from(data, position)
        if (group, element) == _DELIMITER_TAG:
            return spans, position
        if (group, element) != _ITEM_TAG:
            problems.append("the pixel data holds something that is not a fragment")
            return spans, position
        if position + 8 + length > limit:
            problems.append("the last fragment is cut short")
            if position + 8 < limit and spans:
                spans.append((position + 8, limit - position - 8))
            return spans, limit
        spans.append((position + 8, length))
        if len(spans) > FRAGMENTS_MAX:
            raise MalformedDataSet(position, f"it has more than {FRAGMENTS_MAX} fragments")
        position += 8 + length
    problems.append("the pixel data has no closing delimiter")
    return spans, position


def _encapsulated(
    data: Buffer, position: PixelDataPosition, layout: FrameLayout, transfer_syntax_uid: str
) -> FrameIndex:
    problems: list[str] = []
    items, _ = _fragments(data, position.value_offset, problems)
    if not items:
        raise MalformedDataSet(position.value_offset, "the encapsulated pixel data has no items")
    table, fragments = items[0], items[1:]
    if not fragments:
        raise MalformedDataSet(position.value_offset, "the encapsulated pixel data has no fragments")
    syntax = transfer_syntaxes.find_transfer_syntax(transfer_syntax_uid)
    if syntax is not None and syntax.video:
        # PS3.5 annex A.4.5 on: one stream of all frames, which only a video decoder can part.
        return FrameIndex.encapsulated_of([fragments], problems)
    wanted = layout.number_of_frames
    first = fragments[0][0] - 8
    frames = _by_extended_table(data, position, fragments, wanted, problems)
    if frames is None:
        frames = _by_basic_table(data, table, fragments, first, wanted, problems)
    if frames is None:
        frames = _by_looking(data, fragments, wanted, transfer_syntax_uid)
    if len(frames) != wanted:
        problems.append(f"it declares {wanted} frames, {len(frames)} are there")
    return FrameIndex.encapsulated_of(frames, problems)


def _by_extended_table(
    data: Buffer, position: PixelDataPosition, fragments: Spans, wanted: int, problems: list[str]
) -> list[Spans] | None:
    """Extended Offset Table (PS3.5 A.4): one fragment per frame; 64-bit offsets from the first fragment."""
    if position.extended_offsets is None:
        return None
    offset, length = position.extended_offsets
    if length != 8 * wanted or offset + length > len(data):
        problems.append("the Extended Offset Table has not one entry per frame; it was ignored")
        return None
    starts = struct.unpack_from(f"<{wanted}Q", data, offset)
    frames = _group(fragments, starts, fragments[0][0] - 8)
    if frames is None:
        problems.append("the Extended Offset Table points beside the fragments; it was ignored")
        return None
    lengths = position.extended_lengths
    if lengths is not None and lengths[1] == 8 * wanted and sum(lengths) <= len(data):
        real = struct.unpack_from(f"<{wanted}Q", data, lengths[0])
        return [
            [(frame[0][0], size)] if len(frame) == 1 and frame[0][1] - 1 <= size <= frame[0][1] else frame
            for frame, size in zip(frames, real, strict=True)
        ]
    return frames


def _by_basic_table(
    data: Buffer, table: tuple[int, int], fragments: Spans, first: int, wanted: int, problems: list[str]
) -> list[Spans] | None:
    offset, length = table
    if length == 0:
        return None
    entries = length // 4
    if entries != wanted:
        problems.append("the Basic Offset Table has not one entry per frame; it was ignored")
        return None
    starts = struct.unpack_from(f"<{entries}I", data, offset)
    frames = _group(fragments, starts, first)
    if frames is None:
        problems.append("the Basic Offset Table points beside the fragments; it was ignored")
    return frames


def _group(fragments: Spans, starts: Sequence[int], first: int) -> list[Spans] | None:
    """Fragments by frame, or None unless every start is the item header of a fragment, in rising order."""
    frames: list[Spans] = []
    entry = 0
    for fragment in fragments:
        relative = fragment[0] - 8 - first
        if entry < len(starts) and starts[entry] == relative:
            frames.append([fragment])
            entry += 1
        elif frames and (entry == len(starts) or relative < starts[entry]):
            frames[-1].append(fragment)
        else:
            return None
    return frames if entry == len(starts) else None


def _by_looking(data: Buffer, fragments: Spans, wanted: int, transfer_syntax_uid: str) -> list[Spans]:
    """Fragments by frame with no table to go by."""
    one_each = [[fragment] for fragment in fragments]
    # PS3.5 annex A.4.2: an RLE frame is one fragment; so is a deflated one (A.4.13).
    single = (transfer_syntaxes.RLE_LOSSLESS, transfer_syntaxes.DEFLATED_IMAGE_FRAME)
    if len(fragments) == wanted or transfer_syntax_uid in single:
        return one_each
    if wanted == 1:
        return [fragments]
    by_start = _by_start(data, fragments)
    if len(by_start) == wanted:
        return by_start
    by_end = _by_end(data, fragments)
    if len(by_end) == wanted:
        return by_end
    if len(fragments) % wanted == 0 and len(fragments) > wanted:
        # Encoders that cut every frame into the same number of pieces.
        each = len(fragments) // wanted
        return [fragments[i : i + each] for i in range(0, len(fragments), each)]
    return by_start if len(by_start) > 1 else one_each


def _starts_code_stream(head: bytes) -> bool:
    return head.startswith((_JPEG_START, _J2K_START, b"\xff\x0a")) or _BOX_START.match(head) is not None


def _by_start(data: Buffer, fragments: Spans) -> list[Spans]:
    """A frame begins with the fragment that begins with a code stream's first marker."""
    frames: list[Spans] = []
    for offset, length in fragments:
        if not frames or _starts_code_stream(bytes(data[offset : offset + min(length, 12)])):
            frames.append([])
        frames[-1].append((offset, length))
    return frames


def _by_end(data: Buffer, fragments: Spans) -> list[Spans]:
    """A frame ends with the fragment that ends in an end marker: EOI and EOC are both FFD9."""
    frames: list[Spans] = [[]]
    for offset, length in fragments:
        frames[-1].append((offset, length))
        tail = bytes(data[offset + max(length - 10, 0) : offset + length])
        if tail.rstrip(b"\0").endswith(_JPEG_END):
            frames.append([])
    return frames if frames[-1] else frames[:-1]
