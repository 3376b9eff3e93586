"""Instances in another transfer syntax than the stored one, for peers that do not take that.

Nothing is lost on the way: values stay, pixels are decoded to what was stored or encoded without loss, so
the instance keeps its SOP Instance UID (PS3.4 C.4.2.2 and PS3.3 C.7.6.1.1.5 agree). Codecs run in the
sandbox, frame batch by frame batch; everything else streams. Video goes out as it is or not at all.
Start at `choose_syntax`, `transcoded_chunks`. Not here: sending (`edge/dimse/sending`).
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from filmless.features.archive.frame_positions import find_pixels
from filmless.features.archive.read_errors import CannotTranscode
from filmless.features.archive.stored_object import INFLATED_BYTES_MAX
from filmless.infra import limits
from filmless.infra.object_store.base import Buffer
from filmless.infra.sandbox import Sandbox, SandboxCallFailed, SandboxCrashed
from filmless.standards.dicom import tags
from filmless.standards.dicom import transfer_syntaxes as ts
from filmless.standards.dicom.elements import InflateLimit, MalformedDataSet, inflate
from filmless.standards.dicom.frames import FrameIndex, FrameLayout, build_frame_index, frame_bytes
from filmless.standards.dicom.header import HeaderScan, PixelDataPosition
from filmless.standards.dicom.pixel_description import UndecodableFrame
from filmless.standards.dicom.recoding import Recoding, description_of
from filmless.standards.dicom.reencoding import (
    Changes,
    Chunk,
    PixelElement,
    encapsulated,
    reencode,
    target_encoding,
)

TRANSCODING_TARGETS = (
    ts.JPEG_LS_LOSSLESS,
    ts.HTJ2K_LOSSLESS,
    ts.JPEG_2000_LOSSLESS,
    ts.JPEG_LOSSLESS_SV1,
    ts.JPEG_LOSSLESS,
    ts.RLE_LOSSLESS,
    ts.DEFLATED_EXPLICIT_LE,
    ts.EXPLICIT_BE,
)
"""What we can turn instances into beside plain little endian, best first; all without loss."""

RECODE_FUNCTION = "filmless.standards.dicom.frame_recoding:recode_frames"
BATCH_BYTES = 4 * limits.MIB  # Of decoded frames in one call: the way to the sandbox costs little then.
BATCH_FRAMES_MAX = 64  # Small frames compress a hundredfold; the answer must stay small too.
JOINED_BYTES_MAX = limits.GIB  # Objects of a store that is no folder, held in memory while they are changed.
NATIVE_BYTES_MAX = 0xFFFFFFFE  # PS3.5 section 7.1.1: a length of 32 bits, even.

_PREFERRED = (ts.EXPLICIT_LE, ts.IMPLICIT_LE, *TRANSCODING_TARGETS)
_OFFSET_TABLES = frozenset((tags.EXTENDED_OFFSET_TABLE, tags.EXTENDED_OFFSET_TABLE_LENGTHS))

# Every stream of the first syntax is one of the second: its bytes may go out under that name.
_ALSO_VALID_AS = {
    ts.JPEG_LOSSLESS_SV1: (ts.JPEG_LOSSLESS,),
    ts.JPEG_LS_LOSSLESS: (ts.JPEG_LS_NEAR_LOSSLESS,),
    ts.JPEG_2000_LOSSLESS: (ts.JPEG_2000,),
    ts.JPEG_2000_PART_2_LOSSLESS: (ts.JPEG_2000_PART_2,),
    ts.HTJ2K_LOSSLESS_RPCL: (ts.HTJ2K_LOSSLESS, ts.HTJ2K),
    ts.HTJ2K_LOSSLESS: (ts.HTJ2K,),
    ts.JPEG_XL_LOSSLESS: (ts.JPEG_XL,),
}


def choose_syntax(stored: str, accepted: Collection[str], preferred: Sequence[str] = ()) -> str | None:
    """The transfer syntax in which to send what is stored, of those the peer accepts; None: there is none.

    What is preferred, if it can be had; as stored; then what needs no change of the bytes; then plain; then
    compressed without loss.
    """
    same = (stored, *_ALSO_VALID_AS.get(stored, ()))
    syntax = ts.find_transfer_syntax(stored)
    stays = syntax is None or syntax.video or syntax.referenced
    possible = same if stays else (*same, *_PREFERRED)
    wanted = (*(uid for uid in preferred if uid in possible), *possible)
    return next((uid for uid in wanted if uid in accepted), None)


def needs_transcoding(stored: str, target: str) -> bool:
    """Whether the bytes must change to go from one transfer syntax to the other."""
    return stored != target and target not in _ALSO_VALID_AS.get(stored, ())


def transcoded_chunks(
    sandbox: Sandbox, chunks: Iterable[Buffer], stored: str, target: str
) -> Iterator[Chunk]:
    """The data set `chunks`, encoded as `stored`, in the transfer syntax `target`.

    Raises CannotTranscode when its bytes do not allow it, SandboxBusy, SandboxTimedOut; nearly always before
    the first chunk is given, for a damaged frame later.
    """
    syntax, target_syntax = ts.find_transfer_syntax(stored), ts.find_transfer_syntax(target)
    if syntax is None or target_syntax is None or syntax.video or syntax.referenced:
        raise CannotTranscode("The transfer syntax in which it is stored goes out as it is or not at all.")
    try:
        data = _whole(chunks)
        if syntax.deflated:
            data, stored = memoryview(inflate(data, INFLATED_BYTES_MAX)), ts.EXPLICIT_LE
        if target_syntax.encapsulated and stored == ts.EXPLICIT_BE:
            little = reencode(data, stored, target_encoding(explicit=True, little_endian=True))
            data, stored = memoryview(b"".join(little)), ts.EXPLICIT_LE
        encoding = target_encoding(
            explicit=target_syntax.explicit_vr, little_endian=target_syntax.little_endian
        )
        changes = _changes(sandbox, data, stored, target_syntax)
        encoded = reencode(data, stored, encoding, changes=changes)
        yield from _deflated(encoded) if target_syntax.deflated else encoded
    except (MalformedDataSet, InflateLimit, UndecodableFrame) as error:
        raise CannotTranscode(f"It cannot be turned into {target_syntax.name}: {error}") from error
    except (SandboxCallFailed, SandboxCrashed) as error:
        raise CannotTranscode(f"Its pixels cannot be turned into {target_syntax.name}.") from error


def _whole(chunks: Iterable[Buffer]) -> memoryview:
    """The data set as one run of bytes: the mapped file where it is one, else joined up to a limit."""
    iterator = iter(chunks)
    first = next(iterator, b"")
    second = next(iterator, None)
    if second is None:
        return memoryview(first)
    joined = bytearray(first)
    for chunk in chain((second,), iterator):
        joined += chunk
        if len(joined) > JOINED_BYTES_MAX:
            raise CannotTranscode("It is too large to be turned into another transfer syntax here.")
    return memoryview(joined)


def _changes(sandbox: Sandbox, data: memoryview, stored: str, target: ts.TransferSyntax) -> Changes:
    """What happens to the pixels: nothing where both sides carry them natively."""
    position, scan = find_pixels(data, 0, stored)
    if position is None or (position.value_length is not None and not target.encapsulated):
        return Changes()
    if position.tag != tags.PIXEL_DATA:
        raise CannotTranscode("Floating point pixels are not compressed.")
    return _Frames(sandbox, data, stored, target, position, scan).changes()


def _deflated(chunks: Iterable[Chunk]) -> Iterator[bytes]:
    """PS3.5 annex A.5: one raw deflate stream, padded to even length."""
    deflater = zlib.compressobj(level=1, wbits=-zlib.MAX_WBITS)
    size = 0
    for chunk in chunks:
        piece = deflater.compress(chunk)
        size += len(piece)
        if piece:
            yield piece
    last = deflater.flush()
    yield last + b"\0" * ((size + len(last)) % 2)


@dataclass(frozen=True, slots=True)
class _Frames:
    """The frames of one instance on their way from one transfer syntax to another."""

    sandbox: Sandbox
    data: memoryview
    stored: str
    target: ts.TransferSyntax
    position: PixelDataPosition
    scan: HeaderScan

    def changes(self) -> Changes:
        """The new pixel data and what must be said about it."""
        description = description_of(self.scan)
        layout = FrameLayout.from_scan(self.scan)
        index = build_frame_index(self.data, self.position, layout, self.stored)
        if index.number_of_frames != layout.number_of_frames:
            raise CannotTranscode("Some of the frames that it declares are missing.")
        source = self.stored if index.encapsulated else ts.EXPLICIT_LE
        native = not self.target.encapsulated
        recoding = Recoding(description, source, ts.EXPLICIT_LE if native else self.target.uid)
        frame_bits = description.sample_count * description.bits_allocated
        if frame_bits % 8 and (index.number_of_frames > 1 or not index.encapsulated):
            raise CannotTranscode("Its frames do not begin at whole bytes.")
        batches = self._batches(index, recoding)
        colour, is_lossy, first = next(batches)
        frames = chain(first, (frame for _, _, more in batches for frame in more))
        values = self._values(recoding, colour, is_lossy=is_lossy)
        if not native:
            return Changes(values, _OFFSET_TABLES, PixelElement("OB", None, encapsulated(frames)))
        size = index.number_of_frames * ((frame_bits + 7) // 8)
        if size > NATIVE_BYTES_MAX:
            raise CannotTranscode("Its pixels are larger than a transfer syntax without compression can say.")
        vr = "OW" if description.bits_allocated > 8 or not self.target.explicit_vr else "OB"
        padded = chain(frames, (b"\0",) * (size % 2))
        return Changes(values, _OFFSET_TABLES, PixelElement(vr, size + size % 2, padded))

    def _batches(self, index: FrameIndex, recoding: Recoding) -> Iterator[tuple[str, bool, list[bytes]]]:
        """Recoded frames, some at a time, with their colour and whether they had lost something before."""
        each = max(1, min(BATCH_FRAMES_MAX, BATCH_BYTES // recoding.description.decoded_bytes))
        for start in range(1, index.number_of_frames + 1, each):
            numbers = range(start, min(start + each, index.number_of_frames + 1))
            frames = [frame_bytes(self.data, index.frame(number)) for number in numbers]
            lengths = [len(frame) for frame in frames]
            colour, is_lossy, recoded = self.sandbox.call(
                RECODE_FUNCTION, recoding, b"".join(frames), lengths
            )
            yield colour, is_lossy, recoded

    def _values(self, recoding: Recoding, colour: str, *, is_lossy: bool) -> dict[int, tuple[str, bytes]]:
        """The attributes that the new pixels change (PS3.5 section 8.2, PS3.3 C.7.6.3, C.7.6.1.1.5)."""
        described = recoding.description
        values = {}
        if colour != self.scan.text(tags.PHOTOMETRIC_INTERPRETATION):
            text = colour.encode()
            values[tags.PHOTOMETRIC_INTERPRETATION] = ("CS", text + b" " * (len(text) % 2))
        if described.samples_per_pixel > 1:
            values[tags.PLANAR_CONFIGURATION] = _us(recoding.planar_configuration)
        if not recoding.keeps_cells and described.high_bit != described.bits_stored - 1:
            values[tags.HIGH_BIT] = _us(described.bits_stored - 1)
        said = self.scan.text(tags.LOSSY_IMAGE_COMPRESSION)
        syntax = ts.find_transfer_syntax(recoding.source)
        perhaps = syntax is not None and syntax.lossy and recoding.source not in _TELLS_LOSS
        if said != "01" and (is_lossy or (perhaps and not said)):
            values[tags.LOSSY_IMAGE_COMPRESSION] = ("CS", b"01")
        return values


_TELLS_LOSS = frozenset((ts.JPEG_2000, ts.JPEG_2000_PART_2, ts.HTJ2K))
"""Lossy syntaxes whose streams say whether they used the reversible path."""


def _us(number: int) -> tuple[str, bytes]:
    return "US", number.to_bytes(2, "little")
