"""The data dictionary and the tag constants beside pydicom's."""

from __future__ import annotations

import pytest
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword

from filmless.standards.dicom import tags
from filmless.standards.dicom.dictionary import keyword_of, parse_tag, tag_of, vr_of


def test_every_public_element_has_its_vr_and_keyword() -> None:
    for tag, (vr, _, _, _, keyword) in DicomDictionary.items():
        if vr == "NONE":
            continue
        assert vr_of(tag) == vr
        assert keyword_of(tag) == keyword
        if keyword:
            assert tag_of(keyword) == tag


@pytest.mark.parametrize("tag", [0x60003000, 0x60023000, 0x601E0010, 0x50040005])
def test_repeating_groups_are_known(tag: int) -> None:
    assert vr_of(tag) == dictionary_VR(tag)
    assert keyword_of(tag) == keyword_for_tag(tag)


@pytest.mark.parametrize(
    ("tag", "vr"),
    [
        (0x00090010, "LO"),
        (0x00091010, "UN"),
        (0x00080000, "UL"),
        (0x00091234, "UN"),
        (0x60013000, "UN"),
        (0, "UL"),
    ],
)
def test_what_no_dictionary_holds(tag: int, vr: str) -> None:
    assert vr_of(tag) == vr


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("00100020", 0x00100020),
        ("0010,0020", 0x00100020),
        ("(0010,0020)", 0x00100020),
        ("7fe00010", 0x7FE00010),
        ("PatientID", 0x00100020),
        ("patientid", None),
        ("0010002", None),
        ("../0010", None),
        ("", None),
    ],
)
def test_tags_are_read_as_people_and_urls_write_them(text: str, tag: int | None) -> None:
    assert parse_tag(text) == tag
    if tag is not None:
        assert parse_tag(f"{tag:08X}") == tag


def test_tag_constants_are_the_keywords_they_are_named_for() -> None:
    for name, tag in vars(tags).items():
        if not name.isupper() or tag >> 16 == 0xFFFE:
            continue
        assert keyword_of(tag).upper() == name.replace("_", ""), name
        assert tag_for_keyword(keyword_of(tag)) == tag
