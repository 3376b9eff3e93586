"""The walk over a data set, on real files beside pydicom and on bytes made to be awkward."""

from __future__ import annotations

import mmap
import struct
import warnings
import zlib
from pathlib import Path

import pydicom
import pytest
from dicom_files import SHARED, DicomFile, all_files, oracle, pydicom_file
from element_bytes import CLOSE_ITEM, CLOSE_SEQUENCE, ITEM_HEADER, OPEN_ITEM, explicit, implicit

from filmless.standards.dicom import tags
from filmless.standards.dicom.elements import (
    DEPTH_MAX,
    ELEMENT,
    ENCODING_EXPLICIT_LE,
    END_ITEM,
    END_SEQUENCE,
    FRAGMENTS,
    ITEM,
    SEQUENCE,
    UNDEFINED_LENGTH,
    InflateLimit,
    MalformedDataSet,
    TruncatedDataSet,
    encoding_of,
    inflate,
    top_level,
    walk,
)
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE


def names(data: bytes, syntax: str = EXPLICIT_LE) -> list[tuple[int, int]]:
    return [(event, tag) for event, tag, *_ in walk(data, syntax)]


def elements_seen_by_pydicom(data_set: pydicom.Dataset) -> list[int]:
    found = []
    for tag in sorted(data_set.keys()):
        element = data_set[tag]
        found.append(int(tag))
        if element.VR == "SQ":
            for item in element.value:
                found += elements_seen_by_pydicom(item)
    return found


# The walk stops where these files are damaged; pydicom goes on guessing.
DAMAGED = {"MR_truncated.dcm", "rtplan_truncated.dcm", "DICOMDIR-nooffset"}
# A sequence written as UN of defined length stays one element here; `json_model` looks inside.
UNKNOWN_SEQUENCES = {"rtdose_rle.dcm", "rtdose_rle_1frame.dcm", "UN_sequence.dcm"}

# This palette says its SOP Instance UID twice.
REPEATED = {"winter.dcm": [0x00080018]}


@pytest.mark.parametrize("file", all_files(), ids=lambda file: file.path.name)
def test_every_element_pydicom_sees_is_walked(file: DicomFile) -> None:
    if file.path.name in DAMAGED:
        with pytest.raises(TruncatedDataSet):
            list(walk(file.data, file.transfer_syntax_uid, start=file.start))
        return
    walked = [
        tag
        for event, tag, *_ in walk(file.data, file.transfer_syntax_uid, start=file.start)
        if event in (ELEMENT, SEQUENCE, FRAGMENTS)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = elements_seen_by_pydicom(oracle(file))
    if file.path.name in UNKNOWN_SEQUENCES:
        assert set(walked) <= set(expected)
    else:
        assert sorted(walked) == sorted(expected + REPEATED.get(file.path.name, []))


def test_events_nest_as_the_data_set_does() -> None:
    inner = explicit(0x00080100, b"SH", b"CODE")
    data = explicit(0x00081110, b"SQ", OPEN_ITEM + inner + CLOSE_ITEM + CLOSE_SEQUENCE, UNDEFINED_LENGTH)
    assert names(data + explicit(0x00100020, b"LO", b"P1")) == [
        (SEQUENCE, 0x00081110),
        (ITEM, 0x00081110),
        (ELEMENT, 0x00080100),
        (END_ITEM, 0x00081110),
        (END_SEQUENCE, 0x00081110),
        (ELEMENT, 0x00100020),
    ]


def test_unknown_vr_of_undefined_length_is_an_implicit_sequence() -> None:
    item = OPEN_ITEM + implicit(0x00080100, b"CODE") + CLOSE_ITEM + CLOSE_SEQUENCE
    data = explicit(0x00091010, b"UN", item, UNDEFINED_LENGTH) + explicit(0x00100020, b"LO", b"P1")
    assert [tag for event, tag in names(data) if event == ELEMENT] == [0x00080100, 0x00100020]


TOLERATED = {
    "an odd length": explicit(0x00100020, b"LO", b"P12"),
    "a VR of two blanks, as implicit": implicit(0x00100020, b"P1"),
    "an unknown VR with a 16-bit length": explicit(0x00100020, b"ZZ", b"P1"),
    "an unknown VR with a 32-bit length": struct.pack("<HH2sHI", 0x10, 0x20, b"ZZ", 0, 2) + b"P1",
    "zero padding at the end": explicit(0x00100020, b"LO", b"P1") + bytes(16),
    "pixel data without a closing delimiter": explicit(0x00100020, b"LO", b"P1")
    + explicit(tags.PIXEL_DATA, b"OB", ITEM_HEADER.pack(0xFFFE, 0xE000, 0), UNDEFINED_LENGTH),
    "a superfluous delimiter in a defined item": explicit(0x00100020, b"LO", b"P1")
    + explicit(0x00401111, b"SQ", ITEM_HEADER.pack(0xFFFE, 0xE000, 8) + CLOSE_ITEM),
    "an item whose delimiter is missing": explicit(0x00100020, b"LO", b"P1")
    + explicit(0x00401111, b"SQ", OPEN_ITEM + CLOSE_SEQUENCE, UNDEFINED_LENGTH),
}


@pytest.mark.parametrize("what", TOLERATED)
def test_what_real_devices_write_is_tolerated(what: str) -> None:
    first = explicit(0x00080060, b"CS", b"CT")
    assert (ELEMENT, 0x00100020) in names(first + TOLERATED[what])


def test_thousands_of_superfluous_delimiters_are_walked_without_recursion() -> None:
    stray = CLOSE_ITEM * 20_000
    data = explicit(0x00401111, b"SQ", ITEM_HEADER.pack(0xFFFE, 0xE000, len(stray)) + stray)
    assert names(data)[-1] == (END_SEQUENCE, 0x00401111)


REFUSED = {
    "a header cut in two": (explicit(0x00100020, b"LO", b"P1")[:5], TruncatedDataSet),
    "a value cut short": (explicit(0x00100020, b"LO", b"P1", 400), TruncatedDataSet),
    "four gigabytes declared": (explicit(0x00100020, b"UT", b"P1", 0xFFFFFFF0), TruncatedDataSet),
    "an item outside a sequence": (OPEN_ITEM, MalformedDataSet),
    "an item longer than its sequence": (
        explicit(0x00401111, b"SQ", ITEM_HEADER.pack(0xFFFE, 0xE000, 9)) + bytes(9),
        MalformedDataSet,
    ),
    "a sequence of no items": (explicit(0x00401111, b"SQ", b"\x08\0\0\1" * 4), MalformedDataSet),
    "a sequence never closed": (explicit(0x00401111, b"SQ", OPEN_ITEM, UNDEFINED_LENGTH), TruncatedDataSet),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_read_gives_its_position(what: str) -> None:
    first = explicit(0x00080060, b"CS", b"CT")
    data, error = REFUSED[what]
    with pytest.raises(error) as refused:
        list(walk(first + data, EXPLICIT_LE))
    assert len(first) <= refused.value.position <= len(first) + len(data)
    assert "cannot be read at byte" in str(refused.value)


@pytest.mark.parametrize("depth", [DEPTH_MAX, DEPTH_MAX + 1, 50_000])
def test_nesting_is_bounded(depth: int) -> None:
    data = b"".join(explicit(0x00401111, b"SQ", OPEN_ITEM, UNDEFINED_LENGTH) for _ in range(depth))
    data += (CLOSE_ITEM + CLOSE_SEQUENCE) * depth
    if depth <= DEPTH_MAX:
        assert len(list(walk(data, EXPLICIT_LE))) == 4 * depth
        assert len(list(top_level(data, EXPLICIT_LE))) == 1
    else:
        for walked in (walk(data, EXPLICIT_LE), top_level(data, EXPLICIT_LE)):
            with pytest.raises(MalformedDataSet, match="deep"):
                list(walked)


def test_the_number_of_elements_is_bounded() -> None:
    data = explicit(0x00080060, b"CS", b"CT") * 11
    with pytest.raises(MalformedDataSet, match="more than 10 elements"):
        list(walk(data, EXPLICIT_LE, elements_max=10))


@pytest.mark.parametrize(
    ("name", "wrong_syntax"),
    [("CT_small.dcm", IMPLICIT_LE), ("MR_small_implicit.dcm", EXPLICIT_LE)],
)
def test_a_wrong_transfer_syntax_is_seen_in_the_first_element(name: str, wrong_syntax: str) -> None:
    file = pydicom_file(name)
    right = list(walk(file.data, file.transfer_syntax_uid, start=file.start))
    assert list(walk(file.data, wrong_syntax, start=file.start)) == right


def test_one_element_without_vr_letters_does_not_make_a_data_set_implicit() -> None:
    data = explicit(0x00080005, b"  ", b"ISO_IR 100") + explicit(0x00080008, b"CS", b"A ")
    assert encoding_of(EXPLICIT_LE, data) is ENCODING_EXPLICIT_LE


def test_a_mapped_file_is_walked_in_place(tmp_path: Path) -> None:
    file = pydicom_file("CT_small.dcm")
    (tmp_path / "object").write_bytes(file.data)
    with (
        (tmp_path / "object").open("rb") as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        walked = list(walk(mapped, EXPLICIT_LE, start=file.start))
    assert walked == list(walk(file.data, EXPLICIT_LE, start=file.start))


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not here: its files were not walked")
def test_the_shared_files_are_among_those_walked() -> None:
    assert {"N2D_0152.dcm", "CT1_UNC"} <= {file.path.name for file in all_files()}


def test_top_level_jumps_over_sequences() -> None:
    for file in all_files():
        if file.path.name in DAMAGED:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = sorted(int(tag) for tag in oracle(file).keys())  # noqa: SIM118  A Dataset iterates elements.
        found = [tag for tag, *_ in top_level(file.data, file.transfer_syntax_uid, start=file.start)]
        assert sorted(set(found)) == expected, file.path.name


def test_big_endian_is_walked_as_little_endian_is() -> None:
    big, little = pydicom_file("MR_small_bigendian.dcm"), pydicom_file("MR_small.dcm")
    assert big.transfer_syntax_uid == EXPLICIT_BE
    first = [tag for _, tag, *_ in walk(big.data, EXPLICIT_BE, start=big.start)]
    second = [tag for _, tag, *_ in walk(little.data, EXPLICIT_LE, start=little.start)]
    assert set(first) == set(second) - {0xFFFCFFFC}


class TestInflate:
    RAW = explicit(0x00100020, b"LO", b"P1") * 1000

    def deflated(self) -> bytes:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return packer.compress(self.RAW) + packer.flush()

    def test_gives_the_data_set(self) -> None:
        assert inflate(self.deflated(), len(self.RAW)) == self.RAW

    def test_refuses_more_than_the_cap(self) -> None:
        with pytest.raises(InflateLimit):
            inflate(self.deflated(), len(self.RAW) - 1)

    def test_gives_a_prefix_of_a_prefix(self) -> None:
        half = inflate(self.deflated()[:-5], len(self.RAW))
        assert half
        assert self.RAW.startswith(half)
        assert inflate(self.deflated(), 100, whole=False) == self.RAW[:100]

    def test_refuses_bytes_that_are_not_deflated(self) -> None:
        with pytest.raises(MalformedDataSet, match="not deflated"):
            inflate(b"\xff" * 100, 1000)
