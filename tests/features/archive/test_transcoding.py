"""Instances in other transfer syntaxes: every value and every pixel stays, checked with pydicom.

Not one of pydicom's files may come out different from what pydicom itself reads in the original.
"""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

import numpy
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID

from builders import a_ct_slice, encoded, part10
from filmless.features.archive import CannotTranscode, choose_syntax, needs_transcoding, transcoded_chunks
from filmless.infra.sandbox import Sandbox
from filmless.standards.dicom import transfer_syntaxes as ts
from filmless.standards.dicom.part10 import read_part10_header
from made_instances import pydicom_files
from transcoding_reference import decoded_values

PLAIN = (ts.EXPLICIT_LE, ts.IMPLICIT_LE, ts.EXPLICIT_BE, ts.DEFLATED_EXPLICIT_LE)
COMPRESSED = (
    ts.JPEG_LS_LOSSLESS,
    ts.HTJ2K_LOSSLESS,
    ts.JPEG_2000_LOSSLESS,
    ts.JPEG_LOSSLESS_SV1,
    ts.RLE_LOSSLESS,
)
# What new pixels may change; everything else must be as it was.
OF_PIXELS = {0x00280004, 0x00280006, 0x00280102, 0x00282110, 0x7FE00010, 0x7FE00001, 0x7FE00002}
ICON = 0x00880200
# Files without file meta information: nothing says how they are encoded.
NO_META = ("ExplVR_BigEndNoMeta.dcm", "ExplVR_LitEndNoMeta.dcm", "no_meta.dcm", "rtstruct.dcm")
EXPLICIT = (ts.EXPLICIT_LE, ts.DEFLATED_EXPLICIT_LE, *COMPRESSED)


def transcoded(sandbox: Sandbox, file: bytes, target: str) -> bytes:
    """The file with its data set in the target syntax."""
    head = read_part10_header(file)
    stored = head.meta.transfer_syntax_uid
    data = b"".join(transcoded_chunks(sandbox, [file[head.dataset_offset :]], stored, target))
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(target)
    meta.MediaStorageSOPClassUID = meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    start = io.BytesIO()
    pydicom.dcmwrite(start, FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128))
    bare = start.getvalue()
    if target == ts.DEFLATED_EXPLICIT_LE:  # pydicom has deflated the nothing that it wrote.
        bare = bare[: -len(pydicom_deflated_nothing())]
    return bare + data


def pydicom_deflated_nothing() -> bytes:
    """What pydicom writes for an empty data set."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    nothing = deflater.compress(b"") + deflater.flush()
    return nothing + b"\0" * (len(nothing) % 2)


def differences(one: Dataset, other: Dataset, *, same_kind: bool) -> list[str]:
    """Tags whose values differ, at any depth, apart from those of pixels.

    Without `same_kind`, implicit VR or the other byte order is in play: then pydicom reads private values as
    bytes, and gives words as they lie.
    """
    found = []
    tags = {element.tag for element in one} | {element.tag for element in other}
    for tag in sorted(tags):
        if tag in OF_PIXELS or tag.element == 0 or tag == ICON:
            continue
        if not same_kind and tag in one and (tag.is_private or one[tag].VR == "OW"):
            continue
        if tag not in one or tag not in other:
            found.append(f"{tag} is missing")
        elif one[tag].VR == "SQ" and other[tag].VR == "SQ":
            pairs = zip(one[tag].value, other[tag].value, strict=True)
            found += [f"{tag} {inner}" for a, b in pairs for inner in differences(a, b, same_kind=same_kind)]
        elif not same(one[tag], other[tag]):
            found.append(f"{tag} {one[tag].VR} {other[tag].VR}")
    return found


def same(one: Any, other: Any) -> bool:
    if one.value == other.value or (not one.value and not other.value):
        return True
    if {one.VR, other.VR} == {"US", "SS"} and isinstance(one.value, int):
        return int(one.value) % 65536 == int(other.value) % 65536  # Implicit VR does not say which.
    return str(one.value).strip("\0 ") == str(other.value).strip("\0 ")


def values_of(file: bytes) -> list[list[object]]:
    """Colour and values of each frame, by our own decoder; what pydicom's plug-ins cannot read as well."""
    head = read_part10_header(file)
    data, syntax = file[head.dataset_offset :], head.meta.transfer_syntax_uid
    if syntax == ts.DEFLATED_EXPLICIT_LE:
        data, syntax = zlib.decompress(data, wbits=-zlib.MAX_WBITS), ts.EXPLICIT_LE
    return decoded_values(data, 0, syntax)


def pixels_by_pydicom(data_set: Dataset) -> Any:
    """What pydicom decodes, None where it has no decoder for it or does not understand the data set."""
    try:
        return pydicom.pixels.pixel_array(data_set, raw=True)
    except (RuntimeError, NotImplementedError, AttributeError, ValueError):
        return None


def is_refused(name: str, data_set: Dataset, target: str) -> bool:
    """Whether this file cannot be had in that syntax, for a reason."""
    if name in ("MR_truncated.dcm", "rtplan_truncated.dcm"):  # They break off.
        return True
    if "PixelData" not in data_set:
        return False
    if name == "JPEG2000-embedded-sequence-delimiter.dcm":  # Its only frame is three lines of noise.
        return True
    if target not in COMPRESSED:
        return False
    bits = data_set.get("BitsAllocated")
    # JPEG 2000 of 32 bits depends on the values: these use all of them.
    no_32_bits = (ts.JPEG_LS_LOSSLESS, ts.JPEG_LOSSLESS_SV1)
    if name.startswith("SC_rgb_rle_32bit"):
        no_32_bits = (*no_32_bits, ts.JPEG_2000_LOSSLESS)
    return bits in (1, None) or (bits == 32 and target in no_32_bits)


@pytest.mark.parametrize("target", [*PLAIN, *COMPRESSED], ids=lambda uid: ts.TRANSFER_SYNTAXES[uid].name)
@pytest.mark.parametrize("path", [one for one in pydicom_files() if one.values[0].name not in NO_META])
def test_pydicom_files_stay_what_they_are(sandbox: Sandbox, path: Path, target: str) -> None:
    file = path.read_bytes()
    before = pydicom.dcmread(path, force=True)
    if is_refused(path.name, before, target):
        with pytest.raises(CannotTranscode):
            transcoded(sandbox, file, target)
        return
    result = transcoded(sandbox, file, target)
    after = pydicom.dcmread(io.BytesIO(result))
    stored = read_part10_header(file).meta.transfer_syntax_uid
    if not (path.name.startswith("rtdose_rle") and target == ts.EXPLICIT_BE):
        # Its sequences came as UN, which pydicom reads in little endian only.
        assert differences(before, after, same_kind=stored != ts.EXPLICIT_BE and target in EXPLICIT) == []
    if "PixelData" in before and path.name != "meta_missing_tsyntax.dcm":  # That one has no Rows.
        assert values_of(file) == values_of(result)
        one, other = pixels_by_pydicom(before), pixels_by_pydicom(after)
        if one is not None and other is not None:
            assert numpy.array_equal(one, other)


CHOICES = [
    ("as stored", ts.RLE_LOSSLESS, (ts.EXPLICIT_LE, ts.RLE_LOSSLESS), ts.RLE_LOSSLESS),
    ("the same bytes under a wider name", ts.JPEG_LOSSLESS_SV1, (ts.JPEG_LOSSLESS,), ts.JPEG_LOSSLESS),
    (
        "plain rather than compressed anew",
        ts.JPEG_BASELINE,
        (ts.JPEG_LS_LOSSLESS, ts.IMPLICIT_LE),
        ts.IMPLICIT_LE,
    ),
    ("explicit rather than implicit", ts.RLE_LOSSLESS, (ts.IMPLICIT_LE, ts.EXPLICIT_LE), ts.EXPLICIT_LE),
    ("compressed without loss", ts.EXPLICIT_LE, (ts.JPEG_BASELINE, ts.RLE_LOSSLESS), ts.RLE_LOSSLESS),
    ("never with loss", ts.EXPLICIT_LE, (ts.JPEG_BASELINE, ts.JPEG_2000), None),
    ("video only as it is", "1.2.840.10008.1.2.4.102", (ts.EXPLICIT_LE,), None),
    ("what nobody knows only as it is", "1.2.3.4", (ts.EXPLICIT_LE,), None),
    ("what nobody knows as it is", "1.2.3.4", ("1.2.3.4",), "1.2.3.4"),
]


@pytest.mark.parametrize(("why", "stored", "accepted", "chosen"), CHOICES, ids=[row[0] for row in CHOICES])
def test_the_syntax_to_send_in(why: str, stored: str, accepted: tuple[str, ...], chosen: str | None) -> None:
    assert choose_syntax(stored, accepted) == chosen
    if chosen in (stored, ts.JPEG_LOSSLESS):
        assert not needs_transcoding(stored, chosen)


LOSSY = ["JPEG-lossy.dcm", "SC_rgb_jpeg_gdcm.dcm", "JPEGLSNearLossless_08.dcm", "SC_rgb_jpeg_lossy_gdcm.dcm"]


@pytest.mark.parametrize("name", LOSSY)
def test_what_was_lossy_still_says_so(sandbox: Sandbox, name: str) -> None:
    path = pydicom.data.get_testdata_file(name)
    file = Path(str(path)).read_bytes()
    after = pydicom.dcmread(io.BytesIO(transcoded(sandbox, file, ts.EXPLICIT_LE)))
    stored = ts.TRANSFER_SYNTAXES[read_part10_header(file).meta.transfer_syntax_uid]
    assert after.get("LossyImageCompression", "") == ("01" if stored.lossy else "")
    assert after.SOPInstanceUID == pydicom.dcmread(str(path)).SOPInstanceUID


def test_a_large_value_goes_through_uncopied(sandbox: Sandbox) -> None:
    slice_ = a_ct_slice(Rows=1024, Columns=512, PixelData=bytes(1024 * 1024))
    data = encoded(slice_)
    chunks = list(transcoded_chunks(sandbox, [data], ts.EXPLICIT_LE, ts.IMPLICIT_LE))
    views = [chunk for chunk in chunks if isinstance(chunk, memoryview)]
    assert [len(view) for view in views] == [1024 * 1024]
    assert views[0].obj is data


def test_damaged_frames_are_refused(sandbox: Sandbox) -> None:
    path = pydicom.data.get_testdata_file("MR_small_RLE.dcm")
    file = bytearray(Path(str(path)).read_bytes())
    file[-2000:-1000] = b"\xff" * 1000
    with pytest.raises(CannotTranscode):
        transcoded(sandbox, bytes(file), ts.EXPLICIT_LE)


def test_a_compressed_icon_is_left_out_with_the_compression(sandbox: Sandbox) -> None:
    path = pydicom.data.get_testdata_file("MR_small_RLE.dcm")
    data_set = pydicom.dcmread(str(path))
    icon = Dataset()
    icon.Rows = icon.Columns = 8
    icon.SamplesPerPixel = 1
    icon.BitsAllocated = 8
    icon.PixelData = pydicom.encaps.encapsulate([b"\0" * 64])
    icon["PixelData"].VR = "OB"
    icon["PixelData"].is_undefined_length = True
    data_set.IconImageSequence = [icon]
    file = io.BytesIO()
    data_set.save_as(file)
    after = pydicom.dcmread(io.BytesIO(transcoded(sandbox, file.getvalue(), ts.EXPLICIT_LE)))
    assert "IconImageSequence" not in after
    assert after.PixelData == pydicom.dcmread(pydicom.data.get_testdata_file("MR_small.dcm")).PixelData


def test_an_implicit_value_too_long_for_its_vr_becomes_unknown(sandbox: Sandbox) -> None:
    slice_ = a_ct_slice(ImageComments="x" * 70_000)
    del slice_.PixelData
    after = pydicom.dcmread(io.BytesIO(transcoded(sandbox, part10(slice_, ts.IMPLICIT_LE), ts.EXPLICIT_LE)))
    assert after["ImageComments"].VR == "UN"
    assert after.ImageComments == b"x" * 70_000


SHARED_DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def shared_files() -> list[Any]:
    paths = sorted(path for path in SHARED_DATA.rglob("*") if path.is_file())
    # Eighty slices of one series are alike: every twentieth.
    series = [path for path in paths if "dicoms" in path.parts][::20]
    others = [path for path in paths if "dicoms" not in path.parts]
    return [pytest.param(path, id=path.name) for path in (*series, *others) if is_part10(path)]


def is_part10(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132).endswith(b"DICM")


@pytest.mark.skipif(not SHARED_DATA.exists(), reason="../shared/data is absent")
@pytest.mark.parametrize("path", shared_files())
def test_real_instances_stay_what_they_are(sandbox: Sandbox, path: Path) -> None:
    file = path.read_bytes()
    before = pydicom.dcmread(path)
    for target in (ts.EXPLICIT_LE, ts.IMPLICIT_LE, ts.JPEG_LS_LOSSLESS):
        if is_refused(path.name, before, target):
            continue
        result = transcoded(sandbox, file, target)
        after = pydicom.dcmread(io.BytesIO(result))
        assert differences(before, after, same_kind=target in EXPLICIT) == []
        if "PixelData" in before:
            assert values_of(file) == values_of(result)
