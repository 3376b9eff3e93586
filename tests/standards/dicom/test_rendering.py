"""Stored values to grey levels, exactly as PS3.3 C.11 says; then size and format."""

import io
from dataclasses import replace
from typing import Any

import numpy
import pytest
from PIL import Image

from filmless.standards.dicom.palettes import expand_segments
from filmless.standards.dicom.pixel_description import PixelDescription, UndecodableFrame
from filmless.standards.dicom.rendering import (
    LookupTable,
    RenderingParameters,
    Rendition,
    Viewport,
    Window,
    apply_window,
    render,
    thumbnail_rendition,
    to_eight_bits,
)

GREY = PixelDescription(8, 8, bits_stored=16, pixel_representation=1)
RANDOM = numpy.random.default_rng(seed=4711)


def levels(values: list[int], parameters: RenderingParameters, **changed: Any) -> list[int]:
    description = replace(GREY, rows=1, columns=len(values), **changed)
    dtype = "i2" if description.pixel_representation else "u2"
    return to_eight_bits(numpy.array([values], dtype), description, parameters)[0].tolist()


@pytest.mark.parametrize(
    ("window", "x", "level"),
    [
        # C.11.2.1.2.1: c=2048, w=4096 is the note's example: 0 is black, 4095 is white.
        (Window(2048, 4096), -1, 0),
        (Window(2048, 4096), 0, 0),
        (Window(2048, 4096), 4095, 255),
        (Window(2048, 4096), 4096, 255),
        (Window(2048, 4096), 2047, 255 * ((2047 - 2047.5) / 4095 + 0.5)),
        # c=2048, w=1: up to 2047 black, from 2048 white.
        (Window(2048, 1), 2047, 0),
        (Window(2048, 1), 2048, 255),
        # c=0, w=100: up to -50 black, from 49 white.
        (Window(0, 100), -50, 0),
        (Window(0, 100), -49, 255 / 99),
        (Window(0, 100), 48, 255 - 255 / 99),
        (Window(0, 100), 49, 255),
        (Window(0, 2), -1, 0),
        (Window(0, 2), 0, 255),
        # C.11.2.1.3.2: c=2048, w=4096 maps 0 to black and 4096 to white.
        (Window(2048, 4096, "LINEAR_EXACT"), 0, 0),
        (Window(2048, 4096, "LINEAR_EXACT"), 2048, 127.5),
        (Window(2048, 4096, "LINEAR_EXACT"), 4096, 255),
        (Window(0, 100, "LINEAR_EXACT"), -50, 0),
        (Window(0, 100, "LINEAR_EXACT"), -49, 2.55),
        (Window(0, 100, "LINEAR_EXACT"), 50, 255),
        (Window(0.5, 0.5, "LINEAR_EXACT"), 0.75, 255),
        # C.11.2.1.3.1: half way at the center, 255 / (1 + e^-2) at half a width above.
        (Window(40, 400, "SIGMOID"), 40, 127.5),
        (Window(40, 400, "SIGMOID"), 240, 255 / (1 + numpy.exp(-2.0))),
        (Window(40, 400, "SIGMOID"), -160, 255 / (1 + numpy.exp(2.0))),
        (Window(0, 1, "SIGMOID"), -30000, 0),
    ],
)
def test_window_edges_are_exact(window: Window, x: float, level: float) -> None:
    assert apply_window(numpy.array([x]), window)[0] == pytest.approx(level, abs=1e-9)


@pytest.mark.parametrize(
    ("center", "width", "function"),
    [
        (0, 0, "LINEAR"),
        (0, 0.5, "LINEAR"),
        (0, 0, "SIGMOID"),
        (0, -1, "LINEAR_EXACT"),
        (float("nan"), 1, "LINEAR"),
    ],
)
def test_a_window_that_shows_nothing_is_refused(center: float, width: float, function: Any) -> None:
    with pytest.raises(UndecodableFrame):
        Window(center, width, function)


def test_rescale_comes_before_the_window() -> None:
    parameters = RenderingParameters(rescale_intercept=-1024, window=Window(40, 400, "LINEAR_EXACT"))
    assert levels([863, 864, 1064, 1264, 1265], parameters) == [0, 0, 128, 255, 255]


def test_monochrome1_is_the_negative_of_monochrome2() -> None:
    parameters = RenderingParameters(window=Window(40, 400))
    values = [-500, -100, 0, 40, 41, 100, 500]
    positive = levels(values, parameters)
    negative = levels(values, parameters, photometric_interpretation="MONOCHROME1")
    assert [a + b for a, b in zip(positive, negative, strict=True)] == [255] * len(values)


def test_the_askers_window_replaces_the_objects_own() -> None:
    lut = LookupTable(0, numpy.zeros(4, "u2"), 16)
    image = numpy.array([[0, 100]], "u2")
    description = replace(GREY, rows=1, columns=2, pixel_representation=0)
    shown = to_eight_bits(
        image, description, RenderingParameters(voi_lut=lut, window=Window(5000, 2)), Window(50, 100)
    )
    assert shown.tolist() == [[0, 255]]


@pytest.mark.parametrize(
    ("bits", "entries", "expect"),
    [(8, [0, 128, 255], [0, 0, 128, 255, 255]), (16, [0, 32896, 65535], [0, 0, 128, 255, 255])],
)
def test_a_voi_lut_clamps_at_both_ends(bits: int, entries: list[int], expect: list[int]) -> None:
    parameters = RenderingParameters(voi_lut=LookupTable(-10, numpy.array(entries, "u2"), bits))
    assert levels([-100, -10, -9, -8, 100], parameters) == expect


def test_a_modality_lut_replaces_rescale() -> None:
    parameters = RenderingParameters(
        rescale_slope=99.0,
        modality_lut=LookupTable(1, numpy.array([100, 0], "u2"), 16),
        window=Window(50, 100, "LINEAR_EXACT"),
    )
    assert levels([1, 2], parameters) == [255, 0]


def test_one_level_a_value_whatever_path_computes_it() -> None:
    parameters = RenderingParameters(window=Window(100, 3000), rescale_slope=0.5, rescale_intercept=3)
    image = RANDOM.integers(-32768, 32768, (64, 64)).astype("i2")
    few = image // 4096
    for values in (image, few, few.astype("i4"), few.clip(0).astype("u2")):
        shown = to_eight_bits(values, GREY, parameters)
        straight = apply_window(values * 0.5 + 3, Window(100, 3000))
        numpy.testing.assert_array_equal(shown, (straight + 0.5).astype("u1"))


@pytest.mark.parametrize(
    ("values", "parameters", "changed", "expect"),
    [
        ([0, 100, 255], {}, {"bits_stored": 8, "high_bit": 7, "pixel_representation": 0}, [0, 100, 255]),
        ([0, 1], {}, {"bits_stored": 1, "high_bit": 0, "pixel_representation": 0}, [0, 255]),
        ([-128, 0, 127], {}, {"bits_stored": 8, "high_bit": 7}, [0, 128, 255]),
        ([0, 1000], {}, {}, [0, 255]),
        ([-2000] * 9 + [0, 500, 1000], {"pixel_padding": (-2000, -2000)}, {}, [0] * 10 + [128, 255]),
        ([7, 7, 7], {}, {}, [255] * 3),
        ([0, 0, 0], {}, {}, [0] * 3),
        ([0, 3], {"stretch": True}, {"bits_stored": 8, "high_bit": 7, "pixel_representation": 0}, [0, 255]),
    ],
)
def test_without_a_window_the_image_makes_its_own(
    values: list[int], parameters: dict[str, Any], changed: dict[str, Any], expect: list[int]
) -> None:
    shown = levels(values, RenderingParameters(**parameters), **changed)
    assert numpy.abs(numpy.array(shown) - numpy.array(expect)).max() <= 3  # Percentiles cut a little.


def test_floating_point_pixels_may_hold_anything() -> None:
    image = numpy.array([[numpy.nan, numpy.inf, -numpy.inf, 0.0, 1.0]], "f4")
    description = PixelDescription(1, 5, bits_allocated=32, bits_stored=32, high_bit=31, is_float=True)
    assert to_eight_bits(image, description, RenderingParameters())[0].tolist()[3:] == [0, 255]


# --- Pictures ----------------------------------------------------------------------------------------------


def picture(
    pixels: Any, description: PixelDescription, rendition: Rendition, **parameters: Any
) -> Image.Image:
    rendered = render(pixels, description, RenderingParameters(**parameters), rendition)
    return Image.open(io.BytesIO(rendered))


PNG = Rendition(media_type="image/png")
GREY_8 = PixelDescription(2, 4, 1, "MONOCHROME2", 0, 8, 8, 7)


@pytest.mark.parametrize(
    ("photometric", "bits", "pixel", "expect"),
    [
        ("RGB", 8, (1, 2, 3), (1, 2, 3)),
        ("RGB", 16, (257, 514, 65535), (1, 2, 255)),
        ("RGB", 12, (16, 32, 4095), (1, 2, 255)),
        ("YBR_FULL", 8, (128, 128, 128), (128, 128, 128)),
        ("YBR_FULL", 8, (76, 85, 255), (254, 0, 0)),
        ("YBR_FULL_422", 8, (29, 255, 107), (0, 0, 254)),
        ("YBR_RCT", 8, (9, 8, 7), (9, 8, 7)),
    ],
)
def test_colours(photometric: str, bits: int, pixel: tuple[int, ...], expect: tuple[int, ...]) -> None:
    allocated = 8 if bits == 8 else 16
    description = PixelDescription(2, 2, 3, photometric, 0, allocated, bits, bits - 1)
    image = numpy.full((2, 2, 3), pixel, f"u{allocated // 8}")
    shown = picture(image, description, PNG).getpixel((0, 0))
    assert numpy.abs(numpy.array(shown) - numpy.array(expect)).max() <= 1


def test_a_palette_colours_each_index() -> None:
    table = LookupTable(10, numpy.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], "u1"), 8)
    description = replace(GREY_8, rows=1, photometric_interpretation="PALETTE COLOR")
    shown = picture(numpy.array([[0, 10, 11, 99]], "u1"), description, PNG, palette=table)
    assert [shown.getpixel((x, 0)) for x in range(4)] == [(255, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255)]
    with pytest.raises(UndecodableFrame, match="no palette"):
        picture(numpy.zeros((1, 4), "u1"), description, PNG)


@pytest.mark.parametrize(
    ("segments", "expect"),
    [
        ([0, 3, 7, 8, 9], [7, 8, 9]),
        ([0, 1, 0, 1, 4, 100], [0, 25, 50, 75, 100]),
        ([0, 2, 5, 6, 2, 1, 0, 0], [5, 6, 5, 6]),
        ([0, 1, 3, 1, 2, 7, 2, 1, 6, 0], [3, 5, 7, 7, 7]),
    ],
    ids=["discrete", "linear", "indirect", "indirect to a linear segment"],
)
def test_segmented_palettes_are_expanded(segments: list[int], expect: list[int]) -> None:
    assert expand_segments(segments, len(expect)) == expect


@pytest.mark.parametrize(
    "segments", [[1, 3, 5], [2, 1, 0, 0], [0, 1, 5, 2, 1, 99, 0], [0, 1, 5, 9, 9], [0, 1, 5, 2, 1]]
)
def test_malformed_segments_are_refused(segments: list[int]) -> None:
    with pytest.raises(ValueError):
        expand_segments(segments, 10)


def test_eight_bit_segments_have_four_byte_offsets() -> None:
    assert expand_segments([0, 2, 5, 6, 2, 1, 0, 0, 0, 0], 4, unit_bytes=1) == [5, 6, 5, 6]


@pytest.mark.parametrize(
    ("rows", "columns", "aspect", "viewport", "size"),
    [
        (100, 200, 1.0, None, (200, 100)),
        (100, 200, 1.0, Viewport(50, 50), (50, 25)),
        (100, 200, 1.0, Viewport(400, 400), (400, 200)),
        (100, 200, 1.0, Viewport(400, 400, enlarge=False), (200, 100)),
        (100, 200, 2.0, Viewport(100, 100), (100, 100)),
        (100, 200, 0.5, None, (400, 100)),
        (100, 200, 1.0, Viewport(50, 50, 0, 0, 50, 100), (25, 50)),
        (3000, 1, 1.0, Viewport(100, 100), (1, 100)),
    ],
)
def test_the_viewport_is_filled_and_proportions_are_kept(
    rows: int, columns: int, aspect: float, viewport: Viewport | None, size: tuple[int, int]
) -> None:
    description = replace(GREY_8, rows=rows, columns=columns)
    shown = picture(
        numpy.zeros((rows, columns), "u1"), description, Rendition(viewport), pixel_aspect_ratio=aspect
    )
    assert shown.size == size


def test_a_negative_source_size_mirrors() -> None:
    image = numpy.array([[0, 50, 100, 150], [10, 60, 110, 160]], "u1")
    for viewport, expect in (
        (Viewport(4, 2, 0, 0, -4, 2), image[:, ::-1]),
        (Viewport(4, 2, 0, 0, 4, -2), image[::-1]),
    ):
        shown = picture(image, GREY_8, Rendition(viewport, media_type="image/png"))
        numpy.testing.assert_array_equal(numpy.asarray(shown), expect)


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (9000, 10)])
def test_an_impossible_viewport_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(UndecodableFrame):
        Viewport(*size)


def test_a_thumbnail_is_a_small_jpeg() -> None:
    image = RANDOM.integers(0, 255, (512, 512)).astype("u1")
    rendered = render(
        image, replace(GREY_8, rows=512, columns=512), RenderingParameters(), thumbnail_rendition()
    )
    shown = Image.open(io.BytesIO(rendered))
    assert (shown.format, shown.size) == ("JPEG", (256, 256))


def test_quality_decides_the_size() -> None:
    image = RANDOM.integers(0, 255, (64, 64)).astype("u1")
    description = replace(GREY_8, rows=64, columns=64)
    sizes = [
        len(render(image, description, RenderingParameters(), Rendition(quality=quality)))
        for quality in (10, 50, 95)
    ]
    assert sizes == sorted(sizes)
    assert picture(image, description, PNG).format == "PNG"
