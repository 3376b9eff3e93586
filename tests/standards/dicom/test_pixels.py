"""Every still-image syntax decodes to the stored values, and hostile frames get one clear error."""

import logging
import warnings
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy
import openjpeg
import pydicom
import pytest
from pydicom.encaps import get_frame
from pydicom.pixels import pixel_array
from rle.rle import encode_frame

from filmless.standards.dicom import transfer_syntaxes as ts
from filmless.standards.dicom.codestreams import read_codestream
from filmless.standards.dicom.pixels import (
    PixelDescription,
    UndecodableFrame,
    colour_of_frame,
    decode_frame,
)

PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"
SHARED_DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
HTJ2K_FILES = SHARED_DATA / "wg04_htj2k" / "test" / "fixtures"

GREY_8 = PixelDescription(37, 54, bits_allocated=8, bits_stored=8, high_bit=7)
GREY_16 = PixelDescription(37, 54)
SIGNED_16 = replace(GREY_16, pixel_representation=1)
SIGNED_12 = replace(SIGNED_16, bits_stored=12, high_bit=11)
RGB = replace(GREY_8, samples_per_pixel=3, photometric_interpretation="RGB")
RANDOM = numpy.random.default_rng(seed=4711)


def an_image(description: PixelDescription) -> Any:
    """Smooth enough for codecs, with every extreme value in it."""
    low, high = 0, (1 << description.bits_stored) - 1
    if description.pixel_representation:
        low, high = -(1 << (description.bits_stored - 1)), (1 << (description.bits_stored - 1)) - 1
    steps = RANDOM.integers(-9, 10, description.shape).cumsum(axis=1) + (low + high) // 2
    steps[0], steps[1] = low, high
    kind = "i" if description.pixel_representation else "u"
    return steps.clip(low, high).astype(f"{kind}{description.bits_allocated // 8}")


def files_with_pixels() -> list[Path]:
    files = sorted(PYDICOM_FILES.glob("*.dcm"))
    if SHARED_DATA.exists():
        files += sorted(SHARED_DATA.glob("highdicom/**/*.dcm")) + sorted((HTJ2K_FILES / "dicomp10").glob("*"))
    return files


def description_of(dataset: Any) -> PixelDescription:
    swapped = dataset.file_meta.TransferSyntaxUID == ts.EXPLICIT_BE and dataset["PixelData"].VR == "OW"
    return PixelDescription(
        dataset.Rows,
        dataset.Columns,
        dataset.SamplesPerPixel,
        dataset.PhotometricInterpretation,
        dataset.get("PlanarConfiguration") or 0,
        dataset.BitsAllocated,
        dataset.BitsStored,
        dataset.HighBit,
        dataset.PixelRepresentation,
        words_swapped=swapped and dataset.BitsAllocated == 8,
    )


def first_frame(dataset: Any) -> bytes:
    frames = int(dataset.get("NumberOfFrames") or 1)
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return get_frame(dataset.PixelData, 0, number_of_frames=frames)
    return bytes(dataset.PixelData)


def decoded_by_pydicom(path: Path) -> Any:
    """Stored values of the first frame, or None where pydicom has no decoder that can."""
    try:
        return pixel_array(path, index=0, raw=True)
    except (AttributeError, NotImplementedError, RuntimeError, ValueError):
        return None


@pytest.mark.parametrize("path", files_with_pixels(), ids=lambda path: path.name)
def test_stored_values_equal_those_of_pydicom(path: Path) -> None:
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, force=True)
        expect = decoded_by_pydicom(path) if "PixelData" in dataset else None
        if expect is None:
            return  # No pixels, or damaged ones, or a codec that plain pydicom lacks: see the other tests.
        decoded = decode_frame(
            description_of(dataset), str(dataset.file_meta.TransferSyntaxUID), first_frame(dataset)
        )
    assert decoded.dtype == expect.dtype.newbyteorder("=")
    numpy.testing.assert_array_equal(decoded, expect)


@pytest.mark.skipif(not HTJ2K_FILES.exists(), reason="../shared/data is absent")
@pytest.mark.parametrize("name", ["CT1", "CT2", "MR1", "MR3", "NM1", "US1", "VL1", "XA1"])
def test_htj2k_files_equal_their_uncompressed_twins(name: str) -> None:
    plain = pydicom.dcmread(HTJ2K_FILES / "dicomp10" / f"{name}_UNC")
    packed = pydicom.dcmread(HTJ2K_FILES / "htj2k" / f"{name}_JPH")
    decoded = [
        decode_frame(description_of(each), str(each.file_meta.TransferSyntaxUID), first_frame(each))
        for each in (plain, packed)
    ]
    numpy.testing.assert_array_equal(decoded[0], decoded[1])
    assert colour_of_frame(
        description_of(packed), str(packed.file_meta.TransferSyntaxUID), first_frame(packed)
    ) in ("MONOCHROME2", "RGB")


def rle(image: Any) -> bytes:
    samples = 1 if image.ndim == 2 else image.shape[2]
    rows, columns = image.shape[:2]
    return bytes(encode_frame(image.tobytes(), rows, columns, samples, image.itemsize * 8, "<"))


def deflated(image: Any) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(image.tobytes()) + compressor.flush()


LOSSLESS = {
    "native": (ts.EXPLICIT_LE, lambda image: image.tobytes()),
    "big_endian": (ts.EXPLICIT_BE, lambda image: image.astype(image.dtype.newbyteorder(">")).tobytes()),
    "encapsulated_native": (ts.ENCAPSULATED_UNCOMPRESSED_EXPLICIT_LE, lambda image: image.tobytes()),
    "deflated_frame": (ts.DEFLATED_IMAGE_FRAME, deflated),
    "rle": (ts.RLE_LOSSLESS, rle),
    "jpeg_ls": (
        ts.JPEG_LS_LOSSLESS,
        lambda image: imagecodecs.jpegls_encode(image.view(f"u{image.itemsize}")),
    ),
    "j2k": (
        ts.JPEG_2000_LOSSLESS,
        lambda image: imagecodecs.jpeg2k_encode(image, level=0, codecformat="j2k", reversible=True),
    ),
    "jp2_wrapped": (
        ts.JPEG_2000_LOSSLESS,
        lambda image: imagecodecs.jpeg2k_encode(image, level=0, codecformat="jp2", reversible=True),
    ),
    "htj2k": (ts.HTJ2K_LOSSLESS, lambda image: imagecodecs.htj2k_encode(image, reversible=True)),
    "htj2k_rpcl": (ts.HTJ2K_LOSSLESS_RPCL, lambda image: imagecodecs.htj2k_encode(image, reversible=True)),
    "jpeg_xl": (
        ts.JPEG_XL_LOSSLESS,
        lambda image: imagecodecs.jpegxl_encode(image.view(f"u{image.itemsize}"), lossless=True, effort=1),
    ),
    "jpeg_lossless": (
        ts.JPEG_LOSSLESS_SV1,
        lambda image: imagecodecs.ljpeg_encode(image.view(f"u{image.itemsize}")),
    ),
}
KINDS = {"grey_8": GREY_8, "grey_16": GREY_16, "signed_16": SIGNED_16, "signed_12": SIGNED_12, "rgb": RGB}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("codec", LOSSLESS)
def test_a_lossless_round_trip_changes_nothing(codec: str, kind: str) -> None:
    if codec == "jpeg_lossless" and kind == "rgb":
        return  # The encoder knows grey only.
    description = KINDS[kind]
    image = an_image(description)
    syntax, encode = LOSSLESS[codec]
    decoded = decode_frame(description, syntax, encode(image))
    assert decoded.dtype == image.dtype
    numpy.testing.assert_array_equal(decoded, image)


@pytest.mark.parametrize("buffer", [bytes, bytearray, memoryview])
def test_any_buffer_will_do(buffer: Any) -> None:
    image = an_image(GREY_16)
    for syntax, encode in LOSSLESS.values():
        numpy.testing.assert_array_equal(decode_frame(GREY_16, syntax, buffer(encode(image))), image)


def test_irreversible_htj2k_is_clamped_not_wrapped() -> None:
    description = replace(RGB, rows=64, columns=64, photometric_interpretation="YBR_ICT")
    image = RANDOM.choice(numpy.array([0, 255], "u1"), (64, 64, 3))  # Nothing overshoots more than edges.
    frame = imagecodecs.htj2k_encode(image, reversible=False)
    assert not read_codestream(frame).reversible
    decoded = decode_frame(description, ts.HTJ2K, frame)
    expect = openjpeg.decode(bytes(frame))
    assert numpy.abs(decoded.astype(int) - expect.astype(int)).max() <= 3


def test_colour_planes_become_colour_pixels() -> None:
    image = an_image(RGB)
    planes = image.transpose(2, 0, 1).tobytes()
    numpy.testing.assert_array_equal(
        decode_frame(replace(RGB, planar_configuration=1), ts.EXPLICIT_LE, planes), image
    )


@pytest.mark.parametrize(
    ("bit_offset", "octets", "expect"),
    [
        (0, [0b10100101, 0b1], [1, 0, 1, 0, 0, 1, 0, 1, 1]),
        (3, [0b10101000, 0b1010], [1, 0, 1, 0, 1, 0, 1, 0, 1]),
    ],
)
def test_one_bit_frames_may_begin_within_a_byte(
    bit_offset: int, octets: list[int], expect: list[int]
) -> None:
    description = PixelDescription(3, 3, bits_allocated=1, bits_stored=1, high_bit=0)
    decoded = decode_frame(description, ts.EXPLICIT_LE, bytes(octets), bit_offset)
    assert decoded.reshape(-1).tolist() == expect


def test_ybr_full_422_gives_both_pixels_the_shared_colour() -> None:
    description = PixelDescription(1, 4, 3, "YBR_FULL_422", 0, 8, 8, 7)
    decoded = decode_frame(description, ts.EXPLICIT_LE, bytes([10, 11, 1, 2, 12, 13, 3, 4]))
    assert decoded.tolist() == [[[10, 1, 2], [11, 1, 2], [12, 3, 4], [13, 3, 4]]]


@pytest.mark.parametrize(
    ("stored", "high_bit", "representation", "word", "expect"),
    [
        (12, 11, 0, 0xF123, 0x123),  # Overlay bits above High Bit are not image.
        (12, 15, 0, 0x1234, 0x123),  # High Bit at the top: the value lies above four other bits.
        (12, 11, 1, 0x0FFF, -1),
        (12, 15, 1, 0x800F, -2048),
        (16, 15, 1, 0x8000, -32768),
    ],
)
def test_only_bits_stored_count(
    stored: int, high_bit: int, representation: int, word: int, expect: int
) -> None:
    description = PixelDescription(
        1, 1, bits_stored=stored, high_bit=high_bit, pixel_representation=representation
    )
    assert decode_frame(description, ts.EXPLICIT_LE, word.to_bytes(2, "little")).tolist() == [[expect]]


@pytest.mark.parametrize(("dtype", "bits"), [("f4", 32), ("f8", 64)])
def test_floating_point_pixels_stay_as_they_are(dtype: str, bits: int) -> None:
    image = RANDOM.normal(size=(3, 5)).astype(dtype)
    description = PixelDescription(
        3, 5, bits_allocated=bits, bits_stored=bits, high_bit=bits - 1, is_float=True
    )
    numpy.testing.assert_array_equal(decode_frame(description, ts.EXPLICIT_LE, image.tobytes()), image)


def jpeg_with(marker: bytes) -> bytes:
    """A colour JPEG whose own APP markers are replaced by `marker`."""
    data = imagecodecs.jpeg8_encode(an_image(RGB), subsampling="444")
    at = 2
    while data[at + 1] & 0xF0 == 0xE0:
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data[:2] + marker + data[at:]


JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"


@pytest.mark.parametrize(
    ("declared", "marker", "expect"),
    [
        ("RGB", b"", "RGB"),
        ("YBR_FULL_422", b"", "YBR_FULL_422"),
        ("RGB", JFIF, "YBR_FULL"),
        ("RGB", ADOBE + b"\x01", "YBR_FULL"),
        ("YBR_FULL", ADOBE + b"\x00", "RGB"),
    ],
)
def test_a_jpeg_stream_knows_its_colours_better_than_the_header(
    declared: str, marker: bytes, expect: str
) -> None:
    description = replace(RGB, photometric_interpretation=declared)
    frame = jpeg_with(marker)
    assert colour_of_frame(description, ts.JPEG_BASELINE, frame) == expect
    assert decode_frame(description, ts.JPEG_BASELINE, frame).shape == (37, 54, 3)


def sized(frame: bytes, rows: int, columns: int) -> bytes:
    """The JPEG with another size written into its frame header."""
    at = frame.index(b"\xff\xc0") + 5
    return frame[:at] + rows.to_bytes(2, "big") + columns.to_bytes(2, "big") + frame[at + 4 :]


GOOD_JPEG = imagecodecs.jpeg8_encode(an_image(GREY_8))


@pytest.mark.parametrize(
    ("syntax", "frame"),
    [
        (ts.EXPLICIT_LE, b""),
        (ts.EXPLICIT_LE, bytes(37 * 54 - 1)),
        (ts.RLE_LOSSLESS, b""),
        (ts.RLE_LOSSLESS, bytes(64)),
        (ts.RLE_LOSSLESS, (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(70)),
        (ts.DEFLATED_IMAGE_FRAME, b"\x00\xff\xff"),
        (ts.JPEG_BASELINE, b""),
        (ts.JPEG_BASELINE, b"\xff\xd8"),
        (ts.JPEG_BASELINE, GOOD_JPEG[:100]),
        (ts.JPEG_BASELINE, sized(GOOD_JPEG, 65535, 65535)),
        (ts.JPEG_BASELINE, b"BM not a JPEG at all"),
        (ts.JPEG_LS_LOSSLESS, b"\xff\xd8\xff\xf7\x00\x0b"),
        (ts.JPEG_2000, b"\xff\x4f\xff\x51\x00\x29"),
        (ts.HTJ2K, b"\xff\x4f\xff\x51" + bytes(60)),
        (ts.JPEG_XL, b"\xff\x0a"),
        ("1.2.840.10008.1.2.4.102", b"\x00\x00\x00\x01"),
        ("1.2.840.10008.1.2.4.94", b""),
        ("1.2.3.4", b""),
    ],
)
def test_a_frame_that_cannot_be_decoded_says_why(syntax: str, frame: bytes) -> None:
    with pytest.raises(UndecodableFrame) as caught:
        decode_frame(GREY_8, syntax, frame)
    assert len(str(caught.value)) > 20


def test_an_htj2k_frame_cut_short_does_not_show_what_was_in_memory() -> None:
    frame = imagecodecs.htj2k_encode(an_image(GREY_16), reversible=True)
    with pytest.raises(UndecodableFrame):
        decode_frame(GREY_16, ts.HTJ2K_LOSSLESS, frame[: len(frame) // 3])


def test_video_is_told_from_stills() -> None:
    with pytest.raises(UndecodableFrame, match="is video"):
        decode_frame(RGB, "1.2.840.10008.1.2.4.102", b"")


def test_a_deflate_bomb_is_not_inflated_beyond_the_frame() -> None:
    compressor = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = compressor.compress(bytes(1 << 26)) + compressor.flush()
    assert not decode_frame(GREY_8, ts.DEFLATED_IMAGE_FRAME, bomb).any()


@pytest.mark.parametrize(
    "changed",
    [
        {"rows": 0},
        {"columns": 70000},
        {"samples_per_pixel": 2},
        {"bits_allocated": 12},
        {"bits_stored": 17},
        {"bits_stored": 12, "high_bit": 16},
        {"rows": 65535, "columns": 65535},
        {"is_float": True},
    ],
    ids=str,
)
def test_an_impossible_description_is_refused_before_anything_is_allocated(changed: dict[str, Any]) -> None:
    with pytest.raises(UndecodableFrame):
        replace(GREY_16, **changed)


@pytest.mark.parametrize(
    "codec", [name for name in LOSSLESS if "native" not in name and name != "big_endian"]
)
def test_damaged_frames_decode_to_something_or_raise_one_error(codec: str) -> None:
    syntax, encode = LOSSLESS[codec]
    good = bytes(encode(an_image(GREY_16)))
    for _ in range(60):
        damaged = bytearray(good)
        # Headers only: what lies behind may crash a codec, which is the sandbox's business.
        for _ in range(RANDOM.integers(1, 4)):
            damaged[RANDOM.integers(0, min(40, len(damaged)))] = RANDOM.integers(0, 256)
        try:
            decoded = decode_frame(GREY_16, syntax, damaged)
        except UndecodableFrame:
            continue
        assert decoded.shape == GREY_16.shape
