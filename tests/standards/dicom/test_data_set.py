"""Small data sets to Python values and back, beside pydicom."""

from __future__ import annotations

import struct
import warnings
import zlib
from contextlib import suppress
from io import BytesIO
from typing import Any

import pydicom
import pytest
from dicom_files import DicomFile, all_files
from element_bytes import CLOSE_ITEM, CLOSE_SEQUENCE, OPEN_ITEM, explicit, implicit
from hypothesis import given
from hypothesis import strategies as st
from pydicom.filereader import read_dataset

from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet, decode_data_set, decode_elements, encode_data_set
from filmless.standards.dicom.data_set_values import Scalar, Value
from filmless.standards.dicom.elements import UNDEFINED_LENGTH, MalformedDataSet, top_level
from filmless.standards.dicom.transfer_syntaxes import (
    DEFLATED_EXPLICIT_LE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
)

BYTES_MAX = 4_000_000
SYNTAXES = (EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE, DEFLATED_EXPLICIT_LE)


def decode(data: bytes, syntax: str = EXPLICIT_LE) -> DataSet:
    return decode_data_set(data, syntax, bytes_max=BYTES_MAX)


def pydicom_reads(data: bytes, syntax: str) -> pydicom.Dataset:
    if syntax == DEFLATED_EXPLICIT_LE:
        data, syntax = zlib.decompress(data, -15), EXPLICIT_LE
    stream = BytesIO(data)
    found = read_dataset(stream, syntax == IMPLICIT_LE, syntax != EXPLICIT_BE)
    found.decode()
    return found


def comparable(value: Any) -> list[Any]:
    """pydicom's value as ours would be: a list of text, numbers or bytes."""
    if value is None or value == "" or value == b"":
        return []
    if isinstance(value, pydicom.multival.MultiValue | list | tuple):
        return [one for each in value for one in (comparable(each) or [""])]
    if isinstance(value, pydicom.valuerep.DSfloat | pydicom.valuerep.IS | pydicom.valuerep.DSdecimal):
        return [float(value)]
    if isinstance(value, pydicom.valuerep.PersonName):
        return [str(value).strip(" \0=")]
    if isinstance(value, str):
        return [value.strip(" \0")]
    return [value]


def number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def same(ours: DataSet, theirs: pydicom.Dataset, differences: list[str], big_endian: bool = False) -> None:
    seen = {tag for tag in map(int, theirs.keys()) if tag & 0xFFFF}
    if set(ours) != seen:
        differences.append(f"tags {[f'{tag:08X}' for tag in set(ours) ^ seen]}")
    for tag in ours:
        if tag not in seen:
            continue
        element, expected = ours.element(tag), theirs[tag]
        assert element is not None
        if element.items is not None:
            if expected.VR != "SQ":
                differences.append(f"{tag:08X} {expected.VR}")
                continue
            assert len(element.items) == len(expected.value)
            for item, expected_item in zip(element.items, expected.value, strict=True):
                same(item, expected_item, differences, big_endian)
        else:
            found: list[Any] = list(element.values or [])
            if element.vr in ("DS", "IS"):
                found = [number(str(one)) for one in found if one != ""]
            found = [one.strip(" \0=") if isinstance(one, str) else one for one in found]
            wanted = comparable(expected.value)
            if element.vr in ("DS", "IS"):
                wanted = [number(str(one)) for one in wanted if one != ""]
            if element.vr in ("OW", "OF", "OD", "OL", "OV") and big_endian:
                continue  # pydicom leaves these in the byte order they came in.
            if found != wanted and not (element.vr == "UN" and expected.VR != "UN"):
                differences.append(f"{tag:08X} {element.vr} {found!r:.80} {expected.VR} {wanted!r:.80}")


def small_part(file: DicomFile) -> tuple[bytes, str]:
    """The data set up to its pixel data, and its transfer syntax (a deflated one is inflated already)."""
    end = len(file.data)
    with suppress(MalformedDataSet):
        for tag, _, value, _ in top_level(file.data, file.transfer_syntax_uid, start=file.start):
            if tag >= 0x7FE00000:
                group = file.data[value - 12 : value - 10]
                end = value - (12 if group in (b"\xe0\x7f", b"\x7f\xe0") else 8)
                break
    deflated = file.transfer_syntax_uid == DEFLATED_EXPLICIT_LE
    return file.data[file.start : end], EXPLICIT_LE if deflated else file.transfer_syntax_uid


# What is wrong with these is told (see test_elements).
DAMAGED = {"rtplan_truncated.dcm", "DICOMDIR-nooffset"}


@pytest.mark.parametrize("file", all_files(), ids=lambda file: file.path.name)
def test_values_are_those_that_pydicom_reads(file: DicomFile) -> None:
    data, syntax = small_part(file)
    if file.path.name in DAMAGED:
        with pytest.raises(MalformedDataSet):
            decode(data, syntax)
        return
    ours = decode(data, syntax)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pydicom.dcmread(BytesIO(file.raw), force=True, stop_before_pixels=True)
        theirs.decode()
        differences: list[str] = []
        same(ours, theirs, differences)
    assert differences == []


@pytest.mark.parametrize("file", all_files(), ids=lambda file: file.path.name)
def test_pydicom_reads_what_is_written(file: DicomFile) -> None:
    if file.path.name in DAMAGED:
        return
    ours = decode(*small_part(file))
    for syntax in SYNTAXES:
        written = encode_data_set(ours, syntax)
        assert len(written) % 2 == 0
        again = decode(written, syntax)
        differences: list[str] = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            same(again, pydicom_reads(written, syntax), differences, syntax == EXPLICIT_BE)
        assert differences == []
        assert encode_data_set(again, syntax) == written


# By hand: what real senders do, and what breaks readers.

LATIN = explicit(0x00080005, b"CS", b"ISO_IR 100")


def item(content: bytes) -> bytes:
    return OPEN_ITEM + content + CLOSE_ITEM


def sequence(tag: int, *items: bytes) -> bytes:
    return explicit(tag, b"SQ", b"".join(items) + CLOSE_SEQUENCE, UNDEFINED_LENGTH)


def test_an_item_may_have_a_character_set_of_its_own() -> None:
    greek = explicit(0x00080005, b"CS", b"ISO_IR 126") + explicit(
        tags.REQUESTED_PROCEDURE_ID, b"SH", b"\xc1\xc2"
    )
    inherits = explicit(tags.REQUESTED_PROCEDURE_ID, b"SH", b"\xc4\xd6")
    data = (
        LATIN
        + sequence(tags.REQUEST_ATTRIBUTES_SEQUENCE, item(greek), item(inherits))
        + explicit(0x00401400, b"LT", b"\xdc ")
    )
    found = decode(data)
    ids = [one.text(tags.REQUESTED_PROCEDURE_ID) for one in found.items(tags.REQUEST_ATTRIBUTES_SEQUENCE)]
    assert ids == ["ΑΒ", "ÄÖ"]
    assert found.text(0x00401400) == "Ü"
    written = encode_data_set(found, EXPLICIT_LE)
    again = decode(written)
    assert again.character_set == "ISO_IR 192"
    assert tags.SPECIFIC_CHARACTER_SET not in again.items(tags.REQUEST_ATTRIBUTES_SEQUENCE)[0]
    ids = [one.text(tags.REQUESTED_PROCEDURE_ID) for one in again.items(tags.REQUEST_ATTRIBUTES_SEQUENCE)]
    assert ids == ["ΑΒ", "ÄÖ"]


@pytest.mark.parametrize(
    ("what", "data"),
    [
        (
            "UN of undefined length",
            explicit(
                0x00111001, b"UN", item(implicit(tags.PATIENT_ID, b"P1")) + CLOSE_SEQUENCE, UNDEFINED_LENGTH
            ),
        ),
        (
            "UN of defined length whose tag the dictionary has",
            explicit(tags.REQUEST_ATTRIBUTES_SEQUENCE, b"UN", item(implicit(tags.PATIENT_ID, b"P1"))),
        ),
        (
            "a sequence of defined length",
            explicit(0x00081140, b"SQ", item(explicit(tags.PATIENT_ID, b"LO", b"P1"))),
        ),
    ],
)
def test_sequences_in_all_their_forms(what: str, data: bytes) -> None:
    found = decode(data)
    (tag,) = found
    assert [one.text(tags.PATIENT_ID) for one in found.items(tag)] == ["P1"], what


def test_an_element_of_vr_un_that_the_dictionary_knows_is_read_as_little_endian() -> None:
    big = struct.pack(">HH2sHI", 0x0028, 0x0010, b"UN", 0, 2) + b"\x00\x02"
    assert decode(big, EXPLICIT_BE).number(tags.ROWS) == 512


def test_group_lengths_are_neither_read_nor_written() -> None:
    found = decode(explicit(0x00100000, b"UL", b"\x08\0\0\0") + explicit(tags.PATIENT_ID, b"LO", b"P1"))
    assert list(found) == [tags.PATIENT_ID]
    found.set(0x00100000, 8)
    assert decode(encode_data_set(found, EXPLICIT_LE)).number(0x00100000) is None


@pytest.mark.parametrize(
    ("problem", "data", "syntax"),
    [
        ("cut short", explicit(tags.PATIENT_ID, b"LO", b"P1", 12), EXPLICIT_LE),
        ("ends inside an element header", b"\x10\x00\x20\x00LO", EXPLICIT_LE),
        (
            "more than 64 deep",
            (explicit(0x00081140, b"SQ", OPEN_ITEM, UNDEFINED_LENGTH)) * 10_000,
            EXPLICIT_LE,
        ),
        (
            "encapsulated pixel data",
            explicit(tags.PIXEL_DATA, b"OB", item(b"") + CLOSE_SEQUENCE, UNDEFINED_LENGTH),
            EXPLICIT_LE,
        ),
        ("not deflated", b"\xff" * 64, DEFLATED_EXPLICIT_LE),
        ("inflates to more", zlib.compress(b"\0" * 2 * BYTES_MAX, wbits=-15), DEFLATED_EXPLICIT_LE),
        ("more than 4000000 bytes", b"\0" * (BYTES_MAX + 2), EXPLICIT_LE),
        ("more than 4000 elements", explicit(tags.PATIENT_ID, b"LO", b"") * 4001, EXPLICIT_LE),
    ],
)
def test_what_is_no_data_set_is_refused(problem: str, data: bytes, syntax: str) -> None:
    with pytest.raises(MalformedDataSet, match=problem):
        decode_data_set(data, syntax, bytes_max=BYTES_MAX, events_max=4000)


def test_nesting_can_be_limited_further() -> None:
    nested = sequence(0x00081140, item(sequence(0x00081140, item(b""))))
    hidden = explicit(0x00081140, b"UN", item(implicit(0x00081140, item(b""))))
    for data in (nested, hidden):
        assert decode_data_set(data, EXPLICIT_LE, bytes_max=BYTES_MAX, depth_max=2)
        with pytest.raises(MalformedDataSet, match="more than 1 deep"):
            decode_data_set(data, EXPLICIT_LE, bytes_max=BYTES_MAX, depth_max=1)


@pytest.mark.parametrize(
    ("asked", "text", "written"),
    [
        ("", "plain", ""),
        ("", "Müller", "ISO_IR 192"),
        ("ISO_IR 100", "plain", "ISO_IR 100"),
        ("ISO_IR 100", "Müller", "ISO_IR 100"),
        ("ISO_IR 100", "山田", "ISO_IR 192"),
        ("\\ISO 2022 IR 87", "山田", "\\ISO 2022 IR 87"),
        ("\\ISO 2022 IR 87", "김", "ISO_IR 192"),
        ("GB18030", "王小东", "GB18030"),
        ("ISO_IR 999", "plain", ""),
        ("ISO_IR 999", "Müller", "ISO_IR 192"),
    ],
)
def test_text_is_written_in_the_asked_character_set_if_that_has_it(
    asked: str, text: str, written: str
) -> None:
    data_set = DataSet()
    data_set.set(tags.PATIENT_NAME, text)
    found = decode(encode_data_set(data_set, EXPLICIT_LE, character_set=asked))
    assert (found.character_set, found.text(tags.PATIENT_NAME)) == (written, text)


def test_text_deep_in_an_item_decides_about_the_character_set_too() -> None:
    inner, outer = DataSet(), DataSet()
    inner.set(tags.REQUESTED_PROCEDURE_ID, "山")
    outer.set(tags.SPECIFIC_CHARACTER_SET, "ISO_IR 100")
    outer.set(tags.PATIENT_NAME, "Müller")
    outer.set_items(tags.REQUEST_ATTRIBUTES_SEQUENCE, [inner])
    found = decode(encode_data_set(outer, EXPLICIT_LE))
    assert found.character_set == "ISO_IR 192"
    assert found.text(tags.PATIENT_NAME) == "Müller"
    assert found.items(tags.REQUEST_ATTRIBUTES_SEQUENCE) == [inner]


# Some elements of a large data set.


@pytest.mark.parametrize("file", all_files(), ids=lambda file: file.path.name)
def test_single_elements_are_those_of_the_whole(file: DicomFile) -> None:
    if file.path.name in DAMAGED:
        return
    data, syntax = small_part(file)
    whole = decode(data, syntax)
    wanted = set(list(whole)[::2])
    if file.transfer_syntax_uid == DEFLATED_EXPLICIT_LE:
        some, _ = decode_elements(data, syntax, wanted, bytes_max=BYTES_MAX)
    else:
        some, _ = decode_elements(
            file.data, file.transfer_syntax_uid, wanted, start=file.start, bytes_max=BYTES_MAX
        )
    assert list(some) == sorted(wanted)
    for tag in some:
        assert some.element(tag) == whole.element(tag)


def test_what_is_cut_off_is_left_out() -> None:
    name = explicit(tags.PATIENT_NAME, b"PN", b"A^B ")
    requests = sequence(tags.REQUEST_ATTRIBUTES_SEQUENCE, item(explicit(tags.PATIENT_ID, b"LO", b"P1")))
    wanted = {tags.PATIENT_NAME, tags.REQUEST_ATTRIBUTES_SEQUENCE}
    whole, needs_bytes = decode_elements(name + requests, EXPLICIT_LE, wanted, bytes_max=100)
    assert (set(whole), needs_bytes) == (wanted, 0)
    for cut in range(1, len(requests)):
        cut_off = (name + requests)[:-cut]
        some, needs_bytes = decode_elements(cut_off, EXPLICIT_LE, wanted, bytes_max=100)
        assert list(some) == [tags.PATIENT_NAME]
        assert needs_bytes > len(cut_off) or cut == len(requests)


def test_a_long_element_is_left_out() -> None:
    data = explicit(tags.PATIENT_NAME, b"PN", b"A^B ") + explicit(tags.PATIENT_ID, b"LO", b"P" * 12)
    some, _ = decode_elements(data, EXPLICIT_LE, {tags.PATIENT_NAME, tags.PATIENT_ID}, bytes_max=10)
    assert list(some) == [tags.PATIENT_NAME]


# Values.

VALUES: list[tuple[int, Value, list[Scalar], str]] = [
    (tags.PATIENT_ID, " P1 ", [" P1 "], " P1 "),
    (tags.IMAGE_TYPE, "ORIGINAL\\PRIMARY", ["ORIGINAL", "PRIMARY"], "ORIGINAL\\PRIMARY"),
    (tags.PATIENT_COMMENTS, "a\\b", ["a\\b"], "a\\b"),
    (tags.PATIENT_ID, None, [], ""),
    (tags.PATIENT_ID, "", [], ""),
    (tags.ROWS, 512, [512], "512"),
    (tags.ROWS, "512", [512], "512"),
    (tags.SERIES_NUMBER, 3, ["3"], "3"),
    (tags.PATIENT_WEIGHT, 1 / 3, ["0.33333333333333"], "0.33333333333333"),
    (tags.PATIENT_WEIGHT, -1.2345678901234567e-200, ["-1.23456789e-200"], "-1.23456789e-200"),
    (0x00280009, "00181063", [0x00181063], "00181063"),
    (0x00189087, 1.5, [1.5], "1.5"),
    (0x00420011, b"PDF!", [b"PDF!"], ""),
    (0x00111001, b"\x01\x02", [b"\x01\x02"], ""),
    (tags.SMALLEST_IMAGE_PIXEL_VALUE, 7, [7], "7"),
    (tags.PIXEL_SPACING, ["0.5", 0.25], ["0.5", "0.25"], "0.5\\0.25"),
]


@pytest.mark.parametrize(("tag", "value", "kept", "text"), VALUES)
def test_values_are_kept_in_the_type_of_their_vr(
    tag: int, value: Value, kept: list[Scalar], text: str
) -> None:
    data_set = DataSet()
    data_set.set(tag, value)
    element = data_set.element(tag)
    assert element is not None
    assert element.values == kept
    assert data_set.text(tag) == text
    assert data_set.is_empty(tag) == (kept == [])


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (tags.ROWS, "many"),
        (tags.ROWS, b"xx"),
        (tags.PIXEL_DATA, "text"),
        (tags.REQUEST_ATTRIBUTES_SEQUENCE, "text"),
        (0x00280009, "zz"),
    ],
)
def test_a_value_that_does_not_fit_its_vr_is_refused(tag: int, value: Value) -> None:
    with pytest.raises(ValueError, match=r"VR|base|literal|sequence"):
        DataSet().set(tag, value)


def test_a_number_too_large_for_its_vr_is_refused_when_written() -> None:
    data_set = DataSet()
    data_set.set(tags.ROWS, 70_000)
    with pytest.raises(ValueError, match="does not fit"):
        encode_data_set(data_set, EXPLICIT_LE)


def test_an_empty_sequence_is_not_an_absent_one() -> None:
    data_set = DataSet()
    data_set.set(tags.REQUEST_ATTRIBUTES_SEQUENCE, None)
    found = decode(encode_data_set(data_set, IMPLICIT_LE), IMPLICIT_LE)
    assert tags.REQUEST_ATTRIBUTES_SEQUENCE in found
    assert found.is_empty(tags.REQUEST_ATTRIBUTES_SEQUENCE)
    assert found.items(tags.REQUEST_ATTRIBUTES_SEQUENCE) == []


@pytest.mark.parametrize(
    ("text", "number"), [("12", 12), (" 12 ", 12), ("", None), ("1.5", None), ("x", None)]
)
def test_a_whole_number_is_one_or_none(text: str, number: int | None) -> None:
    data_set = DataSet()
    data_set.set(tags.SERIES_NUMBER, text)
    assert data_set.number(tags.SERIES_NUMBER) == number


def test_a_value_beyond_16_bits_of_length_is_written_as_un_and_read_again() -> None:
    data_set = DataSet()
    data_set.set(tags.IMAGE_COMMENTS, "x" * 70_000)
    assert decode(encode_data_set(data_set, EXPLICIT_LE)) == data_set


def test_a_data_set_never_shows_its_values_in_a_log() -> None:
    data_set = DataSet()
    data_set.set(tags.PATIENT_NAME, "Secret^Name")
    assert "Secret" not in repr(data_set)


# Round trips.

_TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\\"), min_size=1, max_size=12
).filter(lambda text: text == text.strip(" \0") and text)
_PLAIN = st.one_of(
    st.tuples(st.sampled_from([tags.PATIENT_NAME, tags.PATIENT_ID, tags.STUDY_DESCRIPTION]), _TEXTS),
    st.tuples(st.sampled_from([tags.ROWS, tags.COLUMNS]), st.integers(0, 0xFFFF)),
    st.tuples(st.just(0x00280009), st.lists(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=3)),
    st.tuples(st.just(0x00189087), st.floats(allow_nan=False)),
    st.tuples(st.just(0x00189219), st.integers(-(2**15), 2**15 - 1)),
    st.tuples(st.just(0x00281201), st.binary(max_size=6).map(lambda raw: raw * 2)),
    st.tuples(st.just(tags.IMAGE_TYPE), st.lists(st.sampled_from(["A", "B", ""]), max_size=3).map("\\".join)),
    st.tuples(st.just(tags.PATIENT_BIRTH_DATE), st.none()),
)


def _data_set(elements: list[tuple[int, Value]], items: list[DataSet]) -> DataSet:
    data_set = DataSet()
    for tag, value in elements:
        data_set.set(tag, value)
    if items:
        data_set.set_items(tags.REQUEST_ATTRIBUTES_SEQUENCE, items)
    return data_set


_LEAVES = st.builds(_data_set, st.lists(_PLAIN, max_size=6), st.just([]))
DATA_SETS = st.recursive(
    _LEAVES, lambda inner: st.builds(_data_set, st.lists(_PLAIN, max_size=4), st.lists(inner, max_size=3))
)
CHARACTER_SETS = st.sampled_from(
    [
        "",
        "ISO_IR 100",
        "ISO_IR 144",
        "ISO_IR 13",
        "\\ISO 2022 IR 87",
        "\\ISO 2022 IR 149",
        "ISO_IR 192",
        "GBK",
        "GB18030",
    ]
)


@given(DATA_SETS, st.sampled_from(SYNTAXES), CHARACTER_SETS)
def test_what_is_written_is_read_again(data_set: DataSet, syntax: str, asked: str) -> None:
    written = encode_data_set(data_set, syntax, character_set=asked)
    again = decode(written, syntax)
    if tags.SPECIFIC_CHARACTER_SET in again:
        del again[tags.SPECIFIC_CHARACTER_SET]
    trailing_empty_values_trimmed(data_set)
    assert again == data_set


def trailing_empty_values_trimmed(data_set: DataSet) -> None:
    element = data_set.element(tags.IMAGE_TYPE)
    if element is not None and element.values == [""]:
        element.values = []
    for item in data_set.items(tags.REQUEST_ATTRIBUTES_SEQUENCE):
        trailing_empty_values_trimmed(item)


@given(st.binary(max_size=300), st.sampled_from(SYNTAXES))
def test_no_bytes_break_the_reader(data: bytes, syntax: str) -> None:
    with suppress(MalformedDataSet):
        encode_data_set(decode(data, syntax), syntax)
