"""Whole objects to pictures: real files, enhanced multi-frames, reports, and rubbish."""

import io
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_color_lut, apply_voi_lut
from pydicom.sequence import Sequence

from filmless.infra.sandbox import FileSlice, Sandbox
from filmless.standards.dicom.object_rendering import (
    NotAnImage,
    Rendition,
    UndecodableFrame,
    render_object,
    thumbnail_of_object,
)
from filmless.standards.dicom.rendering import Window

PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"
PALETTES = Path(pydicom.__file__).parent / "data" / "palettes"
SHARED_DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
PNG = Rendition(media_type="image/png")
DAMAGED = {"JPEG2000-embedded-sequence-delimiter.dcm", "MR_truncated.dcm", "SC_rgb_jpeg.dcm"}
WITHOUT_PART_10 = {
    "ExplVR_BigEndNoMeta.dcm",
    "ExplVR_LitEndNoMeta.dcm",
    "no_meta.dcm",
    "rtstruct.dcm",
}
WITHOUT_SIZE_OR_CLASS = {
    "UN_sequence.dcm",
    "empty_charset_LEI.dcm",
    "no_meta_group_length.dcm",
    "priv_SQ.dcm",
    "meta_missing_tsyntax.dcm",
    "nested_priv_SQ.dcm",
}


@pytest.fixture(autouse=True)
def _quiet_pydicom() -> Any:
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def shown(part10: bytes, frame_number: int | None = None, rendition: Rendition = PNG) -> Any:
    return numpy.asarray(Image.open(io.BytesIO(render_object(part10, frame_number, rendition))))


def part10(**changed: Any) -> bytes:
    """An object with the attributes that matter for showing it."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    dataset.Modality = "OT"
    for keyword, value in changed.items():
        if keyword != "syntax":
            setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = changed.get("syntax", "1.2.840.10008.1.2.1")
    output = io.BytesIO()
    pydicom.dcmwrite(output, dataset, enforce_file_format=True)
    return output.getvalue()


def grey(pixels: list[Any], **changed: Any) -> bytes:
    array = numpy.array(pixels, "<i2")
    frames = {"NumberOfFrames": array.shape[0]} if array.ndim == 3 else {}
    return part10(
        Rows=array.shape[-2],
        Columns=array.shape[-1],
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        BitsAllocated=16,
        BitsStored=16,
        HighBit=15,
        PixelRepresentation=1,
        PixelData=array.tobytes(),
        **(frames | changed),
    )


@pytest.mark.parametrize("path", sorted(PYDICOM_FILES.glob("*.dcm")), ids=lambda path: path.name)
def test_every_file_has_a_thumbnail_or_a_reason(path: Path) -> None:
    data = path.read_bytes()
    if path.name in DAMAGED | WITHOUT_PART_10 | WITHOUT_SIZE_OR_CLASS:
        with pytest.raises(UndecodableFrame):
            thumbnail_of_object(data)
        return
    picture = Image.open(io.BytesIO(thumbnail_of_object(data, 128)))
    assert picture.format == "JPEG"
    assert max(picture.size) <= 128


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm"])
def test_grey_levels_are_those_of_pydicom(name: str) -> None:
    dataset = pydicom.dcmread(PYDICOM_FILES / name)
    window = Window(float(dataset.get("WindowCenter") or 600), float(dataset.get("WindowWidth") or 1600))
    dataset.WindowCenter, dataset.WindowWidth = window.center, window.width
    modality = dataset.pixel_array * float(dataset.get("RescaleSlope", 1)) + float(
        dataset.get("RescaleIntercept", 0)
    )
    expect = apply_voi_lut(modality, dataset)
    full = (1 << dataset.BitsStored) - 1
    floor = -(1 << (dataset.BitsStored - 1)) if dataset.PixelRepresentation else 0
    levels = (expect - floor) / full * 255
    rendered = shown((PYDICOM_FILES / name).read_bytes(), 1, Rendition(window=window, media_type="image/png"))
    # pydicom's output range depends on slope and intercept; equal up to a linear map is equal.
    slope, intercept = numpy.polyfit(levels.reshape(-1), rendered.reshape(-1), 1)
    assert numpy.abs(levels * slope + intercept - rendered).max() < 1.5


@pytest.mark.parametrize(
    ("sop_class", "modality"),
    [
        ("1.2.840.10008.5.1.4.1.1.88.11", "SR"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "DOC"),
        ("1.2.840.10008.5.1.4.1.1.9.1.1", "ECG"),
        ("1.2.3.4", "A very/strange^modality"),
        ("1.2.3.4", ""),
    ],
)
def test_an_object_without_pixels_gets_a_pictogram(sop_class: str, modality: str) -> None:
    data = part10(SOPClassUID=sop_class, Modality=modality)
    with pytest.raises(NotAnImage):
        render_object(data)
    picture = Image.open(io.BytesIO(thumbnail_of_object(data, 128)))
    assert picture.size == (128, 128)
    assert len(set(numpy.asarray(picture.convert("L")).reshape(-1).tolist())) > 20


def test_video_gets_a_pictogram() -> None:
    data = part10(
        syntax="1.2.840.10008.1.2.4.102",
        Rows=4,
        Columns=4,
        SamplesPerPixel=3,
        PhotometricInterpretation="YBR_PARTIAL_420",
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
        PixelData=encapsulate([b"not shown frame by frame"]),
    )
    assert Image.open(io.BytesIO(thumbnail_of_object(data))).size == (256, 256)


@pytest.mark.parametrize(
    "data", [b"", b"no DICOM", bytes(132), bytes(128) + b"DICM", bytes(128) + b"DICM" + b"\xff" * 99]
)
def test_rubbish_is_refused(data: bytes) -> None:
    with pytest.raises(UndecodableFrame):
        thumbnail_of_object(data)


def test_each_frame_has_its_own_window_and_rescale() -> None:
    def groups(center: float, intercept: float) -> Dataset:
        item, voi, transform = Dataset(), Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth, voi.VOILUTFunction = center, 100, "LINEAR_EXACT"
        transform.RescaleSlope, transform.RescaleIntercept = 1, intercept
        item.FrameVOILUTSequence = Sequence([voi])
        item.PixelValueTransformationSequence = Sequence([transform])
        return item

    frames = [groups(50, 0), groups(50, -100), groups(150, 0)]
    data = grey([[[0, 100]], [[0, 100]], [[0, 100]]], PerFrameFunctionalGroupsSequence=Sequence(frames))
    assert [shown(data, number).tolist() for number in (1, 2, 3)] == [[[0, 255]], [[0, 0]], [[0, 0]]]


@pytest.mark.parametrize(("named", "expect"), [({}, 255), ({"RepresentativeFrameNumber": 1}, 0)])
def test_the_middle_frame_stands_for_all_unless_another_is_named(named: dict[str, int], expect: int) -> None:
    data = grey([[[0, 0]], [[9, 9]], [[0, 0]]], WindowCenter=5, WindowWidth=2, **named)
    assert shown(data).tolist() == [[expect, expect]]


@pytest.mark.parametrize("number", [-1, 3, 1000])
def test_a_frame_that_is_not_there_is_refused(number: int) -> None:
    with pytest.raises(UndecodableFrame, match="has 2 frames"):
        shown(grey([[[0, 0]], [[9, 9]]]), number)


def test_a_signed_padding_value_written_as_unsigned_is_understood() -> None:
    data = grey([[-2000] * 20 + [0, 500, 1000]], PixelPaddingValue=-2000)
    at = data.index(b"\x28\x00\x20\x01SS")
    relabelled = data[: at + 4] + b"US" + data[at + 6 :]
    numpy.testing.assert_array_equal(shown(data), shown(relabelled))


def test_oblong_pixels_become_square() -> None:
    assert shown(grey([[1, 2], [3, 4]], PixelSpacing=[2.0, 1.0])).shape == (4, 2)
    assert shown(grey([[1, 2], [3, 4]], PixelAspectRatio=[1, 2])).shape == (2, 4)


def test_a_window_of_width_zero_is_no_window() -> None:
    assert shown(grey([[0, 100]], WindowCenter=1, WindowWidth=0)).tolist() == [[0, 255]]


@pytest.mark.parametrize("name", ["hotiron", "pet", "winter", "spring", "fall"])
def test_wellknown_palettes_run_through(name: str) -> None:
    palette = pydicom.dcmread(PALETTES / f"{name}.dcm")
    attributes = {element.keyword: element.value for element in palette if "Palette" in element.keyword}
    attributes.pop("PaletteColorLookupTableUID", None)
    data = part10(
        Rows=16,
        Columns=16,
        SamplesPerPixel=1,
        PhotometricInterpretation="PALETTE COLOR",
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
        PixelData=bytes(range(256)),
        **attributes,
    )
    expect = apply_color_lut(numpy.arange(256, dtype="u1").reshape(16, 16), palette)
    if expect.dtype == "u2":
        expect = expect >> 8
    numpy.testing.assert_array_equal(shown(data), expect)


@pytest.mark.skipif(not SHARED_DATA.exists(), reason="../shared/data is absent")
def test_a_sandbox_renders_a_stored_file() -> None:
    path = next((SHARED_DATA / "mr_t1_datalad" / "dicoms").glob("**/*.dcm"))
    with Sandbox(errors_passed=(UndecodableFrame, NotAnImage)) as sandbox:
        module = "filmless.standards.dicom.object_rendering"
        thumbnail = sandbox.call(f"{module}:thumbnail_of_object", FileSlice(str(path)), 128)
        assert thumbnail == thumbnail_of_object(path.read_bytes(), 128)
        with pytest.raises(UndecodableFrame):
            sandbox.call(f"{module}:render_object", FileSlice(str(path), 0, 200))
