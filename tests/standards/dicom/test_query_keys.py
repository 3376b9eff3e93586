"""The table of query keys keeps to the standard and to itself."""

from __future__ import annotations

import pytest
from pydicom.datadict import dictionary_VR, keyword_for_tag

from filmless.standards.dicom import tags
from filmless.standards.dicom.query_keys import (
    LEVELS,
    QUERY_KEYS,
    Level,
    default_return_keys,
    find_query_key,
    keys_of,
)


def test_every_key_stands_once_and_is_named_as_the_dictionary_names_it() -> None:
    assert len({key.tag for key in QUERY_KEYS}) == len(QUERY_KEYS)
    for key in QUERY_KEYS:
        assert key.keyword == keyword_for_tag(key.tag)
        assert key.vr == dictionary_VR(key.tag)


def test_matching_fits_the_vr() -> None:
    for key in QUERY_KEYS:
        if key.matching == "range":
            assert key.vr in ("DA", "TM", "DT")
        if key.matching == "uid_list":
            assert key.vr == "UI"
        if key.matching == "person_name":
            assert key.vr == "PN"


@pytest.mark.parametrize(
    ("level", "keywords"),
    [
        ("STUDY", {"StudyDate", "StudyTime", "AccessionNumber", "ModalitiesInStudy", "ReferringPhysicianName",
                   "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyID",
                   "StudyInstanceUID",
                   "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances", "StudyDescription"}),
        ("SERIES", {"Modality", "SeriesDescription", "SeriesNumber", "SeriesInstanceUID",
                    "NumberOfSeriesRelatedInstances", "PerformedProcedureStepStartDate",
                    "PerformedProcedureStepStartTime", "RequestAttributesSequence"}),
        ("IMAGE", {"SOPClassUID", "SOPInstanceUID", "AvailableTransferSyntaxUID", "InstanceNumber", "Rows",
                   "Columns", "BitsAllocated", "NumberOfFrames"}),
    ],
)  # fmt: skip
def test_the_usual_keys_are_returned_unasked(level: Level, keywords: set[str]) -> None:
    assert keywords <= {key.keyword for key in default_return_keys(level)}


def test_every_key_is_found_by_tag_and_by_level() -> None:
    assert find_query_key(tags.PATIENT_ID) in keys_of("PATIENT")
    assert find_query_key(tags.PIXEL_DATA) is None
    assert sum(len(keys_of(level)) for level in LEVELS) == len(QUERY_KEYS)
