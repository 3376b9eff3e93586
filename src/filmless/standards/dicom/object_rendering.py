"""A stored DICOM object (Part 10 bytes) to a picture: rendered frames, and thumbnails of anything.

Reads the object with pydicom and decodes with native codecs: call it in `infra.sandbox` only.
Not here: the picture itself (`rendering`, `pixels`), pictograms of objects without pixels (`pictograms`).
Start at `render_object` and `thumbnail_of_object`.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy
import pydicom
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame

from filmless.standards.dicom import transfer_syntaxes as ts
from filmless.standards.dicom.palettes import read_palette
from filmless.standards.dicom.pictograms import label_of, pictogram
from filmless.standards.dicom.pixel_description import PixelDescription, UndecodableFrame
from filmless.standards.dicom.pixels import colour_of_frame, decode_frame
from filmless.standards.dicom.rendering import (
    LookupTable,
    RenderingParameters,
    Rendition,
    Window,
    WindowFunction,
    render,
    thumbnail_rendition,
)

_PIXEL_TAGS = {b"\xe0\x7f\x10\x00", b"\xe0\x7f\x08\x00", b"\xe0\x7f\x09\x00"}
_PIXEL_TAGS_BE = {b"\x7f\xe0\x00\x10", b"\x7f\xe0\x00\x08", b"\x7f\xe0\x00\x09"}
_ASPECT_RATIO_MAX = 16.0  # Beyond this the header is wrong, not the pixels oblong.


class NotAnImage(UndecodableFrame):
    """The object has no pixels: a report, a document, a waveform, a plan."""


def render_object(
    part10: bytes | memoryview, frame_number: int | None = None, rendition: Rendition | None = None
) -> bytes:
    """Render one frame (counted from 1; None = the most telling one) of a Part 10 object.

    Raises NotAnImage when it has no pixels, UndecodableFrame when they cannot be shown.
    """
    stored = _open(part10)
    if stored is None:
        raise NotAnImage("The object has no pixels to render.")
    description = stored.description()
    frames = stored.frame_count()
    number = frame_number or stored.representative_frame()
    if not 1 <= number <= frames:
        raise UndecodableFrame(f"The object has {frames} frames; there is no frame {number}.")
    frame, bit_offset = stored.frame(description, number, frames)
    pixels = decode_frame(description, stored.transfer_syntax_uid, frame, bit_offset)
    colour = colour_of_frame(description, stored.transfer_syntax_uid, frame)
    parameters = rendering_parameters(stored.dataset, number, bool(description.pixel_representation))
    return render(
        pixels, replace(description, photometric_interpretation=colour), parameters, rendition or Rendition()
    )


def thumbnail_of_object(part10: bytes | memoryview, longest_side: int = 256, quality: int = 80) -> bytes:
    """A small JPEG of any object: its most telling frame, or a pictogram with its kind ("SR", "PDF", "ECG").

    Raises UndecodableFrame only for pixels that should be readable and are not.
    """
    rendition = thumbnail_rendition(longest_side, quality)
    try:
        return render_object(part10, None, rendition)
    except NotAnImage:
        dataset = _read(_View(memoryview(part10)), stop_before_pixels=True)
        if not (dataset.get("SOPClassUID") or dataset.get("Modality")):
            raise UndecodableFrame("The object says nothing of its kind; it is damaged.") from None
        return pictogram(label_of(dataset), longest_side, rendition)
    except UndecodableFrame:
        dataset = _read(_View(memoryview(part10)), stop_before_pixels=True)
        syntax = ts.find_transfer_syntax(_transfer_syntax_uid(dataset))
        if syntax is not None and syntax.video:
            return pictogram("VIDEO", longest_side, rendition)
        raise


# --- Reading the object ------------------------------------------------------------------------------------


class _View(io.RawIOBase):
    """A memoryview as a file: pydicom reads headers from it, pixels stay where they are."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self.data)}[whence]
        self._at = max(0, start + offset)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        end = len(self.data) if size is None or size < 0 else self._at + size
        piece = bytes(self.data[self._at : end])
        self._at += len(piece)
        return piece


def _read(file: _View | io.BytesIO, *, stop_before_pixels: bool) -> Dataset:
    """Read with pydicom; whatever goes wrong in it is one error of ours, without its text (it may quote)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return pydicom.dcmread(file, stop_before_pixels=stop_before_pixels)
        except MemoryError:
            raise
        except Exception as error:  # pydicom raises whatever it stumbles over.
            raise UndecodableFrame("The object is not a readable DICOM file.") from error


def _transfer_syntax_uid(dataset: Dataset) -> str:
    file_meta = getattr(dataset, "file_meta", None)
    return str(file_meta.get("TransferSyntaxUID", ts.IMPLICIT_LE)) if file_meta else ts.IMPLICIT_LE


def _open(part10: bytes | memoryview) -> _StoredPixels | None:
    """The header and the place of the pixels, or None when there are none."""
    view = _View(memoryview(part10))
    dataset = _read(view, stop_before_pixels=True)
    syntax = _transfer_syntax_uid(dataset)
    if syntax == ts.DEFLATED_EXPLICIT_LE:
        # The pixels are inside the deflated stream: inflate it all. The sandbox bounds the memory.
        whole = _read(_View(memoryview(part10)), stop_before_pixels=False)
        for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
            if keyword in whole:
                return _StoredPixels(
                    whole, syntax, memoryview(whole[keyword].value), whole[keyword].VR, keyword
                )
        return None
    at = view.tell()
    head = bytes(view.data[at : at + 12])
    big_endian = syntax == ts.EXPLICIT_BE
    if head[:4] not in (_PIXEL_TAGS_BE if big_endian else _PIXEL_TAGS):
        return None
    keyword = {8: "FloatPixelData", 9: "DoubleFloatPixelData"}.get(
        head[3] if big_endian else head[2], "PixelData"
    )
    order = "big" if big_endian else "little"
    if syntax == ts.IMPLICIT_LE:
        vr, start, length = "OW", at + 8, int.from_bytes(head[4:8], "little")
    else:
        vr, start = head[4:6].decode("latin-1"), at + 12
        length = int.from_bytes(head[8:12], cast(Any, order))
    end = len(view.data) if length == 0xFFFFFFFF else start + length
    return _StoredPixels(dataset, syntax, view.data[start:end], vr, keyword)


@dataclass(frozen=True, slots=True)
class _StoredPixels:
    """The header of an object and the value of its pixel element."""

    dataset: Dataset
    transfer_syntax_uid: str
    value: memoryview
    vr: str
    keyword: str

    def description(self) -> PixelDescription:
        dataset = self.dataset
        is_float = self.keyword != "PixelData"
        allocated = _integer(dataset, "BitsAllocated", 16)
        stored = allocated if is_float else _integer(dataset, "BitsStored", allocated)
        big_endian_words = self.transfer_syntax_uid == ts.EXPLICIT_BE and self.vr == "OW" and allocated == 8
        return PixelDescription(
            rows=_integer(dataset, "Rows", 0),
            columns=_integer(dataset, "Columns", 0),
            samples_per_pixel=_integer(dataset, "SamplesPerPixel", 1),
            photometric_interpretation=str(dataset.get("PhotometricInterpretation") or "MONOCHROME2"),
            planar_configuration=_integer(dataset, "PlanarConfiguration", 0),
            bits_allocated=allocated,
            bits_stored=stored,
            high_bit=stored - 1 if is_float else _integer(dataset, "HighBit", stored - 1),
            pixel_representation=0 if is_float else _integer(dataset, "PixelRepresentation", 0),
            is_float=is_float,
            words_swapped=big_endian_words,
        )

    def frame_count(self) -> int:
        return max(1, _integer(self.dataset, "NumberOfFrames", 1))

    def representative_frame(self) -> int:
        """The frame to show of many: the one the object names, or the middle of the stack or loop."""
        frames = self.frame_count()
        named = _integer(self.dataset, "RepresentativeFrameNumber", 0)
        return named if 1 <= named <= frames else frames // 2 + 1

    def frame(
        self, description: PixelDescription, number: int, frames: int
    ) -> tuple[bytes | memoryview, int]:
        """The bytes of frame `number`, and the bit at which it begins in the first of them."""
        syntax = ts.find_transfer_syntax(self.transfer_syntax_uid)
        if syntax is not None and syntax.encapsulated:
            return self._encapsulated_frame(number, frames), 0
        bits = description.sample_count * description.bits_allocated
        if description.photometric_interpretation == "YBR_FULL_422" and len(self.value) * 8 < bits * frames:
            bits = bits * 2 // 3
        start, end = bits * (number - 1), bits * number
        if description.words_swapped:
            if start % 16:
                raise UndecodableFrame("A frame that begins amid a big-endian word is not decoded.")
            end += end % 16
        return self.value[start // 8 : (end + 7) // 8], start % 8

    def _encapsulated_frame(self, number: int, frames: int) -> bytes:
        extended = None
        if "ExtendedOffsetTable" in self.dataset and "ExtendedOffsetTableLengths" in self.dataset:
            extended = (self.dataset.ExtendedOffsetTable, self.dataset.ExtendedOffsetTableLengths)
        try:
            # pydicom types the buffer as BufferedIOBase and only reads and seeks in it.
            return get_frame(
                cast(Any, _View(self.value)), number - 1, number_of_frames=frames, extended_offsets=extended
            )
        except MemoryError:
            raise
        except Exception as error:  # As in `_read`.
            raise UndecodableFrame(
                f"Frame {number} cannot be found in the encapsulated pixel data."
            ) from error


def _integer(dataset: Dataset, keyword: str, default: int) -> int:
    """The first value of an attribute as a number; `default` when it is absent or no number."""
    value = _first(dataset, keyword)
    try:
        return int(value) if value is not None else default
    except (TypeError, ValueError):
        return default


def _number(dataset: Dataset, keyword: str) -> float | None:
    value = _first(dataset, keyword)
    try:
        return float(value) if value is not None else None
    except (TypeError, ValueError):
        return None


def _first(dataset: Dataset, keyword: str) -> Any:
    try:
        value = dataset.get(keyword)
    except Exception:  # noqa: BLE001 - pydicom converts here, and a malformed value may raise anything.
        return None
    if isinstance(value, pydicom.multival.MultiValue | list | tuple):
        return value[0] if len(value) else None
    return None if value in ("", b"") else value


# --- Rendering parameters ----------------------------------------------------------------------------------


def rendering_parameters(dataset: Dataset, frame_number: int, signed: bool) -> RenderingParameters:
    """What the data set, or the functional groups of the frame, say about showing it."""
    transform = _functional_group(dataset, frame_number, "PixelValueTransformationSequence")
    voi = _functional_group(dataset, frame_number, "FrameVOILUTSequence")
    slope, intercept = _number(transform, "RescaleSlope"), _number(transform, "RescaleIntercept")
    modality_lut = _table(dataset, "ModalityLUTSequence", signed)
    return RenderingParameters(
        rescale_slope=slope if slope else 1.0,
        rescale_intercept=intercept or 0.0,
        modality_lut=modality_lut,
        voi_lut=_table(voi, "VOILUTSequence", signed and modality_lut is None),
        window=_window(voi),
        palette=read_palette(dataset, signed),
        pixel_padding=_pixel_padding(dataset, signed),
        pixel_aspect_ratio=_pixel_aspect_ratio(dataset, frame_number),
        stretch=str(dataset.get("Modality", "")) == "SEG",
    )


def _pixel_padding(dataset: Dataset, signed: bool) -> tuple[int, int] | None:
    """The range of stored values that are no image (PS3.3 C.7.5.1.1.2)."""
    first, last = _number(dataset, "PixelPaddingValue"), _number(dataset, "PixelPaddingRangeLimit")
    if first is None:
        return None
    # Explicit VR writers put US where the pixels make it SS: 63536 stands for -2000.
    wrap = 65536 if signed else 1 << 32
    low, high = sorted(
        int(value) - wrap if value >= wrap // 2 else int(value)
        for value in (first, first if last is None else last)
    )
    return low, high


def _functional_group(dataset: Dataset, frame_number: int, keyword: str) -> Dataset:
    """The macro of the frame in an enhanced object (PS3.3 C.7.6.16), else the data set itself."""
    for groups in _groups_of_frame(dataset, frame_number):
        macro = groups.get(keyword)
        if macro:
            return cast(Dataset, macro[0])
    return dataset


def _groups_of_frame(dataset: Dataset, frame_number: int) -> Iterator[Dataset]:
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    if frame_number <= len(per_frame):
        yield per_frame[frame_number - 1]
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    if shared:
        yield shared[0]


def _window(dataset: Dataset) -> Window | None:
    center, width = _number(dataset, "WindowCenter"), _number(dataset, "WindowWidth")
    if center is None or width is None:
        return None
    function = str(dataset.get("VOILUTFunction") or "LINEAR")
    known = cast(WindowFunction, function if function in ("LINEAR_EXACT", "SIGMOID") else "LINEAR")
    try:
        return Window(center, width, known)
    except UndecodableFrame:
        return None  # Width 0 is written by devices that mean "none".


def _table(dataset: Dataset, keyword: str, signed: bool) -> LookupTable | None:
    """A modality or VOI LUT; None when there is none or it is malformed (the window serves then)."""
    items = dataset.get(keyword) or []
    if not items:
        return None
    try:
        count, first, bits = (int(value) for value in items[0].LUTDescriptor)
        data = items[0].LUTData
    except (AttributeError, TypeError, ValueError):
        return None
    if isinstance(data, bytes):
        entries = numpy.frombuffer(data, "<u1" if len(data) == count else "<u2")
    else:
        entries = numpy.atleast_1d(numpy.asarray(data, dtype=numpy.uint16))
    entries = entries[: count or 65536]
    if not entries.size or not 1 <= bits <= 16:
        return None
    if signed and first >= 32768:  # pydicom reads US where the pixels make it SS (C.11.1.1.1).
        first -= 65536
    return LookupTable(first, entries, bits)


def _pixel_aspect_ratio(dataset: Dataset, frame_number: int) -> float:
    """Height of a pixel by its width: Pixel Aspect Ratio, or from the spacing (PS3.3 C.7.6.3.1.7)."""
    measures = _functional_group(dataset, frame_number, "PixelMeasuresSequence")
    for source, keyword in (
        (dataset, "PixelAspectRatio"),
        (measures, "PixelSpacing"),
        (dataset, "ImagerPixelSpacing"),
    ):
        try:
            vertical, horizontal = (float(value) for value in source.get(keyword) or ())
        except (TypeError, ValueError):
            continue
        if (
            vertical > 0
            and horizontal > 0
            and 1 / _ASPECT_RATIO_MAX < vertical / horizontal < _ASPECT_RATIO_MAX
        ):
            return vertical / horizontal
    return 1.0
