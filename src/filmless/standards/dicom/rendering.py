"""Decoded pixels to something a screen shows: windows, palettes, colours, size, then JPEG or PNG.

The pipeline of PS3.3 C.11 and PS3.4 N.2: stored values, modality LUT, VOI LUT, inversion of MONOCHROME1,
eight bits. Not here: decoding (`pixels`), reading the parameters from an object (`object_rendering`).
Start at `render`.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy
from numpy.typing import NDArray
from PIL import Image

from filmless.standards.dicom.pixel_description import PixelDescription, UndecodableFrame

Pixels = NDArray[Any]
WindowFunction = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]
MediaType = Literal["image/jpeg", "image/png"]

VIEWPORT_SIDE_MAX = 8192  # An 8K screen; more than that is not for looking at.
FALLBACK_SAMPLES_MAX = 1 << 17  # Percentiles of every n-th pixel are as good, and do not sort megapixels.
FALLBACK_PERCENTILES = (0.5, 99.5)  # Metal, burned-in text and dead pixels must not flatten the rest.


@dataclass(frozen=True, slots=True)
class Window:
    """Window center and width in modality units (PS3.3 C.11.2.1.2).

    Raises UndecodableFrame for one that shows nothing.
    """

    center: float
    width: float
    function: WindowFunction = "LINEAR"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.center) and math.isfinite(self.width)):
            raise UndecodableFrame("The window is not a number.")
        # C.11.2.1.2.1: width >= 1 for LINEAR; C.11.2.1.3.1-2: greater than 0 for the others.
        if self.width < 1 if self.function == "LINEAR" else self.width <= 0:
            raise UndecodableFrame(f"A window of width {self.width:g} shows nothing; take 1 or more.")


@dataclass(frozen=True, slots=True)
class LookupTable:
    """A modality or VOI LUT (PS3.3 C.11.1, C.11.2): `first_mapped` is the input of `entries[0]`."""

    first_mapped: int
    entries: Pixels
    bits: int

    def apply(self, values: Pixels) -> Pixels:
        """Look up; inputs outside the table take its first or last entry."""
        index = numpy.clip(values.astype(numpy.int64) - self.first_mapped, 0, len(self.entries) - 1)
        looked_up: Pixels = self.entries[index]
        return looked_up


@dataclass(frozen=True, slots=True)
class RenderingParameters:
    """What the data set says about how its stored values are to be shown.

    `voi_lut` goes before `window`. `pixel_padding` is an inclusive range of stored values that are not image.
    `pixel_aspect_ratio` is the height of a pixel by its width. `stretch`: brighten to the full range even
    eight-bit images without a window (label maps).
    """

    rescale_slope: float = 1.0
    rescale_intercept: float = 0.0
    modality_lut: LookupTable | None = None
    voi_lut: LookupTable | None = None
    window: Window | None = None
    palette: LookupTable | None = None
    pixel_padding: tuple[int, int] | None = None
    pixel_aspect_ratio: float = 1.0
    stretch: bool = False


@dataclass(frozen=True, slots=True)
class Viewport:
    """Where the image goes (PS3.18 8.3.5.1.3): fitted into `width` x `height`, keeping its proportions.

    The source rectangle is in pixels of the image; a negative source width or height mirrors.
    Raises UndecodableFrame for sizes beyond `VIEWPORT_SIDE_MAX`.
    """

    width: int
    height: int
    source_x: float = 0.0
    source_y: float = 0.0
    source_width: float | None = None
    source_height: float | None = None
    enlarge: bool = True

    def __post_init__(self) -> None:
        if not (0 < self.width <= VIEWPORT_SIDE_MAX and 0 < self.height <= VIEWPORT_SIDE_MAX):
            raise UndecodableFrame(
                f"A viewport of {self.width} x {self.height} cannot be filled; take 1 to {VIEWPORT_SIDE_MAX}."
            )


@dataclass(frozen=True, slots=True)
class Rendition:
    """How the asker wants it: size, window instead of the object's own, JPEG quality (1-100), format."""

    viewport: Viewport | None = None
    window: Window | None = None
    quality: int = 90
    media_type: MediaType = "image/jpeg"


def thumbnail_rendition(longest_side: int = 256, quality: int = 80) -> Rendition:
    """A small JPEG for a study list: never larger than the image itself."""
    return Rendition(Viewport(longest_side, longest_side, enlarge=False), quality=quality)


def render(
    pixels: Pixels,
    description: PixelDescription,
    parameters: RenderingParameters,
    rendition: Rendition,
) -> bytes:
    """Render stored values as JPEG or PNG.

    `description.photometric_interpretation` must be that of `pixels` (see `pixels.colour_of_frame`).
    Raises UndecodableFrame when the object lacks what its photometric interpretation needs.
    """
    image = _to_image(pixels, description, parameters, rendition.window)
    image = _fit(image, parameters.pixel_aspect_ratio, rendition.viewport)
    return encode(image, rendition)


def encode(image: Image.Image, rendition: Rendition) -> bytes:
    """Compress an eight-bit image as the rendition says."""
    output = io.BytesIO()
    if rendition.media_type == "image/png":
        image.save(output, "PNG", compress_level=3)
    else:
        image.save(output, "JPEG", quality=min(100, max(1, rendition.quality)))
    return output.getvalue()


# --- Stored values to eight bits ---------------------------------------------------------------------------


def _to_image(
    pixels: Pixels, description: PixelDescription, parameters: RenderingParameters, window: Window | None
) -> Image.Image:
    colour = description.photometric_interpretation
    if description.samples_per_pixel == 3:
        mode = "YCbCr" if colour.startswith("YBR") and colour not in ("YBR_RCT", "YBR_ICT") else "RGB"
        image = Image.fromarray(_top_eight_bits(pixels, description.bits_stored))
        if mode == "YCbCr":
            # Pillow's coefficients are those of PS3.3 C.7.6.3.1.2 (ITU-R BT.601, full range).
            return Image.merge("YCbCr", image.split()).convert("RGB")
        return image
    if colour == "PALETTE COLOR":
        if parameters.palette is None:
            raise UndecodableFrame("The image is PALETTE COLOR and has no palette.")
        return Image.fromarray(numpy.ascontiguousarray(parameters.palette.apply(pixels)))
    return Image.fromarray(to_eight_bits(pixels, description, parameters, window))


def _top_eight_bits(pixels: Pixels, bits_stored: int) -> NDArray[numpy.uint8]:
    if bits_stored > 8:
        pixels = pixels >> (bits_stored - 8)
    elif bits_stored < 8:
        pixels = pixels * (255 // ((1 << bits_stored) - 1))
    return numpy.ascontiguousarray(pixels, dtype=numpy.uint8)


def to_eight_bits(
    pixels: Pixels,
    description: PixelDescription,
    parameters: RenderingParameters,
    window: Window | None = None,
) -> NDArray[numpy.uint8]:
    """Grey stored values to grey levels, black 0 to white 255, by `window` or the object's own VOI.

    Without any, the range of the image itself is taken, less its extremes and its padding.
    """
    inverted = description.photometric_interpretation == "MONOCHROME1"
    voi = parameters.voi_lut if window is None else None
    chosen = window or parameters.window
    if voi is None and chosen is None:
        chosen = _fallback_window(pixels, description, parameters)
    if pixels.dtype.kind == "f":
        return _levels(_modality(pixels, parameters), voi, chosen, inverted)
    # Each stored value has one level: compute it once per value, not once per pixel.
    low, high = (int(pixels.min()), int(pixels.max())) if pixels.size else (0, 0)
    if high - low >= 1 << 20 or high - low >= pixels.size:
        return _levels(_modality(pixels, parameters), voi, chosen, inverted)
    table = _levels(_modality(numpy.arange(low, high + 1), parameters), voi, chosen, inverted)
    if low == 0 or pixels.itemsize > 2:
        return cast(NDArray[numpy.uint8], table[pixels - pixels.dtype.type(low)])
    # 16 bits wrap around as the stored values do: an index table of the whole range needs no subtraction.
    whole = numpy.zeros(1 << (8 * pixels.itemsize), numpy.uint8)
    whole[numpy.arange(low, high + 1) & (len(whole) - 1)] = table
    return cast(NDArray[numpy.uint8], whole[pixels.view(f"u{pixels.itemsize}")])


def _modality(values: Pixels, parameters: RenderingParameters) -> Pixels:
    """Stored values to modality units (PS3.3 C.11.1)."""
    if parameters.modality_lut is not None:
        return parameters.modality_lut.apply(values)
    if parameters.rescale_slope == 1 and parameters.rescale_intercept == 0:
        return values
    return values * parameters.rescale_slope + parameters.rescale_intercept


def _levels(
    values: Pixels, voi: LookupTable | None, window: Window | None, inverted: bool
) -> NDArray[numpy.uint8]:
    """Modality units to grey levels, by a VOI LUT or a window."""
    if voi is not None:
        levels = voi.apply(values) * (255.0 / ((1 << voi.bits) - 1))
    else:
        assert window is not None  # The caller falls back to a window.
        levels = apply_window(values, window)
    rounded = (numpy.nan_to_num(levels, nan=0.0).clip(0, 255) + 0.5).astype(numpy.uint8)
    return 255 - rounded if inverted else rounded


def apply_window(values: Pixels, window: Window) -> NDArray[numpy.float64]:
    """PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.1 (SIGMOID), C.11.2.1.3.2 (LINEAR_EXACT), to 0.0 - 255.0."""
    x = values.astype(numpy.float64)
    center, width = window.center, window.width
    if window.function == "SIGMOID":
        # Beyond the clip the curve is flat to the last bit of a double, and exp would overflow.
        return 255.0 / (1.0 + numpy.exp(numpy.clip(-4.0 * (x - center) / width, -700, 700)))
    if window.function == "LINEAR":
        center, width = center - 0.5, width - 1.0
        if width == 0:  # x <= center is black, all above is white.
            return numpy.where(x <= center, 0.0, 255.0)
    return numpy.clip((x - center) / width + 0.5, 0.0, 1.0) * 255.0


def _fallback_window(
    pixels: Pixels, description: PixelDescription, parameters: RenderingParameters
) -> Window:
    """A window from the image itself, for the many objects that bring none."""
    if description.bits_stored <= 8 and not parameters.stretch and parameters.modality_lut is None:
        ends = numpy.array([0, (1 << description.bits_stored) - 1])
        if description.pixel_representation:
            ends -= 1 << (description.bits_stored - 1)
        low, high = sorted(float(end) for end in _modality(ends, parameters))
        return Window((low + high) / 2, max(high - low, 1.0), "LINEAR_EXACT")
    samples = pixels.reshape(-1)[:: max(1, pixels.size // FALLBACK_SAMPLES_MAX)]
    if parameters.pixel_padding is not None:
        first, last = parameters.pixel_padding
        image_only = samples[(samples < first) | (samples > last)]
        samples = image_only if image_only.size else samples
    values = _modality(samples, parameters).astype(numpy.float64)
    values = values[numpy.isfinite(values)]
    if not values.size:
        return Window(0.0, 1.0, "LINEAR_EXACT")
    low, high = (float(end) for end in numpy.percentile(values, FALLBACK_PERCENTILES))
    if high <= low:  # Mostly background: what little there is counts.
        low, high = float(values.min()), float(values.max())
    if high <= low:  # One value only: show it as it is, black for nothing.
        return Window(high + (0.5 if high <= 0 else -0.5), 1.0, "LINEAR_EXACT")
    return Window((low + high) / 2, high - low, "LINEAR_EXACT")


# --- Size --------------------------------------------------------------------------------------------------


def _fit(image: Image.Image, pixel_aspect_ratio: float, viewport: Viewport | None) -> Image.Image:
    """Cut, mirror and scale to the viewport; make oblong pixels square."""
    width, height = float(image.width), float(image.height)
    box = None
    if viewport is not None:
        source_width = viewport.source_width or width - viewport.source_x
        source_height = viewport.source_height or height - viewport.source_y
        box = _clipped(
            viewport.source_x, viewport.source_y, abs(source_width), abs(source_height), image.size
        )
        width, height = box[2] - box[0], box[3] - box[1]
        if source_width < 0:
            image, box = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), _mirrored(box, 0, image.width)
        if source_height < 0:
            image, box = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM), _mirrored(box, 1, image.height)
    if pixel_aspect_ratio > 1:
        height *= pixel_aspect_ratio
    else:
        width /= pixel_aspect_ratio
    scale = 1.0
    if viewport is not None:
        scale = min(viewport.width / width, viewport.height / height)
        scale = scale if viewport.enlarge else min(scale, 1.0)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == image.size and box in (None, (0.0, 0.0, *map(float, image.size))):
        return image
    # The gap lets Pillow average whole blocks first: three times as fast, no visible difference.
    return image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=2.0)


_Box = tuple[float, float, float, float]


def _clipped(x: float, y: float, width: float, height: float, size: tuple[int, int]) -> _Box:
    left, top = min(max(x, 0.0), size[0] - 1.0), min(max(y, 0.0), size[1] - 1.0)
    return (
        left,
        top,
        min(max(x + width, left + 1.0), float(size[0])),
        min(max(y + height, top + 1.0), float(size[1])),
    )


def _mirrored(box: _Box, axis: int, length: int) -> _Box:
    left, top, right, bottom = box
    if axis == 0:
        return length - right, top, length - left, bottom
    return left, length - bottom, right, length - top
