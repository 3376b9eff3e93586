"""The receiver's scan beside pydicom, fed whole, in pieces and cut anywhere."""

from __future__ import annotations

import warnings

import pytest
from dicom_files import DicomFile, all_files, oracle, pydicom_file
from element_bytes import CLOSE_ITEM, CLOSE_SEQUENCE, OPEN_ITEM, explicit, implicit

from filmless.standards.dicom import tags
from filmless.standards.dicom.elements import UNDEFINED_LENGTH
from filmless.standards.dicom.header import (
    WANTED_TAGS,
    WANTED_VALUE_BYTES_MAX,
    HeaderScanner,
    find_pixel_data,
    scan_header,
)
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, IMPLICIT_LE

DAMAGED = {"badVR.dcm"}  # Number of Frames "1A" and the like: see the problems test.


def said_by_pydicom(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str) or not hasattr(value, "__iter__") or type(value).__name__ == "PersonName":
        values: list[object] = [value]
    else:
        values = list(value)
    return "\\".join(str(one).strip(" \0") for one in values)


@pytest.mark.parametrize("file", all_files(), ids=lambda file: file.path.name)
def test_every_wanted_element_reads_as_pydicom_reads_it(file: DicomFile) -> None:
    scan = scan_header(file.data_set, file.transfer_syntax_uid)
    assert scan.complete
    if file.path.name in DAMAGED:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data_set = oracle(file)
        for tag, keyword in WANTED_TAGS.items():
            if tag not in data_set or data_set[tag].VR == "SQ":
                continue
            value = data_set[tag].value
            found = scan.values.get(tag, "")
            if isinstance(found, int):
                assert found == int(value), keyword
            else:
                # pydicom keeps idle name delimiters apart from the text.
                assert found.rstrip("=") == said_by_pydicom(value).rstrip("="), keyword


@pytest.mark.parametrize("file", all_files(), ids=lambda file: file.path.name)
def test_pixel_data_is_where_pydicom_finds_it(file: DicomFile) -> None:
    position = find_pixel_data(file.data, file.transfer_syntax_uid, start=file.start)
    scanned = scan_header(file.data_set, file.transfer_syntax_uid).pixel_data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        element = oracle(file).get("PixelData")
    if element is None:
        assert position is None
        return
    assert position is not None
    assert scanned is not None
    assert scanned.shifted(file.start) == position
    length = position.value_length
    if length is not None:
        assert file.data[position.value_offset :][:length] == element
    else:
        assert file.data[position.value_offset :].startswith(element[:64])


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "chrH32.dcm"]
)
def test_feeding_in_pieces_gives_what_feeding_at_once_gives(name: str) -> None:
    file = pydicom_file(name)
    whole = scan_header(file.data_set, file.transfer_syntax_uid)
    for piece in (1, 7, 512, 65_536):
        scanner = HeaderScanner(file.transfer_syntax_uid)
        received = bytearray()
        for offset in range(0, len(file.data_set), piece):
            received += file.data_set[offset : offset + piece]
            scan = scanner.feed(received)
            if scan.complete:
                break
            assert scan.needs_bytes > len(received) or piece == 1
        else:
            scan = scanner.feed(received, final=True)
        assert (scan.values, scan.problems) == (whole.values, whole.problems)


def test_it_asks_for_no_more_than_the_last_wanted_element() -> None:
    head = explicit(tags.PATIENT_ID, b"LO", b"P1") + explicit(tags.ROWS, b"US", b"\x00\x02")
    later = explicit(0x00420011, b"OB", b"", 500_000_000)
    scan = scan_header(head + later, EXPLICIT_LE, final=False)
    assert scan.complete
    assert scan.text(tags.PATIENT_ID) == "P1"
    assert scan.number(tags.ROWS) == 512
    assert scan.pixel_data is None
    assert scan.malformed_at is None


def test_a_long_private_value_before_the_image_group_is_asked_for() -> None:
    head = explicit(tags.PATIENT_NAME, b"PN", b"A^B ") + explicit(0x00191010, b"OB", b"", 100_000)
    scanner = HeaderScanner(EXPLICIT_LE)
    scan = scanner.feed(head)
    assert not scan.complete
    assert scan.needs_bytes >= len(head) + 100_000
    rest = bytes(100_000) + explicit(tags.ROWS, b"US", b"\x00\x02")
    assert scanner.feed(head + rest, final=True).number(tags.ROWS) == 512


def test_a_sequence_cut_by_the_prefix_asks_for_more() -> None:
    item = OPEN_ITEM + explicit(0x00080100, b"SH", b"CODE") + CLOSE_ITEM
    sequence = explicit(0x00081032, b"SQ", item * 50 + CLOSE_SEQUENCE, UNDEFINED_LENGTH)
    data = sequence + explicit(tags.PATIENT_ID, b"LO", b"P1") + explicit(0x7FE00010, b"OW", b"12")
    scanner = HeaderScanner(EXPLICIT_LE)
    for size in range(len(data)):
        assert not scanner.feed(data[:size]).complete
    scan = scanner.feed(data, final=True)
    assert scan.text(tags.PATIENT_ID) == "P1"
    assert scan.pixel_data is not None


@pytest.mark.parametrize(
    ("item", "issuer"),
    [
        (explicit(tags.LOCAL_NAMESPACE_ENTITY_ID, b"UT", b"RIS1"), "RIS1"),
        (explicit(tags.UNIVERSAL_ENTITY_ID, b"UT", b"1.2.3 "), "1.2.3"),
        (b"", ""),
    ],
)
def test_the_issuer_of_the_accession_number_is_found_in_its_sequence(item: bytes, issuer: str) -> None:
    value = OPEN_ITEM + item + CLOSE_ITEM + CLOSE_SEQUENCE
    data = explicit(tags.ISSUER_OF_ACCESSION_NUMBER_SEQUENCE, b"SQ", value, UNDEFINED_LENGTH)
    scan = scan_header(data + explicit(tags.PATIENT_ID, b"LO", b"P1"), EXPLICIT_LE)
    assert scan.text(tags.ISSUER_OF_ACCESSION_NUMBER_SEQUENCE) == issuer
    assert scan.text(tags.PATIENT_ID) == "P1"


PROBLEMS = {
    "a number that is none": (
        explicit(tags.SERIES_NUMBER, b"IS", b"1A"),
        "SeriesNumber is not a whole number",
    ),
    "an endless patient name": (
        implicit(tags.PATIENT_NAME, b"A" * (WANTED_VALUE_BYTES_MAX + 2)),
        "PatientName has 65546 bytes and was ignored",
    ),
    "bytes outside the character set": (
        explicit(tags.SPECIFIC_CHARACTER_SET, b"CS", b"ISO_IR 192")
        + explicit(tags.PATIENT_ID, b"LO", b"\xff "),
        "PatientID: it has bytes",
    ),
    "an unknown character set": (
        explicit(tags.SPECIFIC_CHARACTER_SET, b"CS", b"KLINGON "),
        "Specific Character Set names a term",
    ),
    "a UID said twice": (
        explicit(tags.SOP_INSTANCE_UID, b"UI", b"1.2\0") + explicit(tags.SOP_INSTANCE_UID, b"UI", b"1.3\0"),
        "SOPInstanceUID is there more than once",
    ),
    "a cut value": (explicit(tags.STUDY_ID, b"SH", b"4", 80), "cut short"),
    "a stray item": (OPEN_ITEM, "stands outside a sequence"),
}


@pytest.mark.parametrize("what", PROBLEMS)
def test_what_is_wrong_is_told_without_raising_and_without_the_value(what: str) -> None:
    data, problem = PROBLEMS[what]
    syntax = IMPLICIT_LE if what == "an endless patient name" else EXPLICIT_LE
    scan = scan_header(data, syntax)
    assert scan.complete
    assert any(problem in told for told in scan.problems), scan.problems
    assert not any("1A" in told or "AAAA" in told for told in scan.problems)


def test_a_data_set_cut_before_the_last_wanted_element_is_marked() -> None:
    data = explicit(tags.STUDY_ID, b"SH", b"4", 80)
    assert scan_header(data, EXPLICIT_LE).malformed_at == 0
    assert scan_header(pydicom_file("CT_small.dcm").data_set, EXPLICIT_LE).malformed_at is None


def test_values_read_from_a_bytearray_or_a_memoryview_are_the_same() -> None:
    file = pydicom_file("CT_small.dcm")
    expected = scan_header(file.data_set, EXPLICIT_LE).values
    for kind in (bytearray, memoryview):
        assert scan_header(kind(file.data_set), EXPLICIT_LE).values == expected
