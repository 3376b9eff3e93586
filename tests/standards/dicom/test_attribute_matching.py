"""Attribute matching of PS3.4 C.2.2.2 on one data set: every kind, with what it finds and what not."""

import pytest

from filmless.standards.dicom.attribute_matching import (
    KeyNotUnderstood,
    Rules,
    matches,
    returned,
    wildcard_matches,
)
from filmless.standards.dicom.dictionary import tag_of
from worklist_builders import data_set

DATE, TIME = tag_of("StudyDate"), tag_of("StudyTime")
assert DATE
assert TIME
COMBINED = Rules(combined=((DATE, TIME),))
HELD = data_set(
    PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう",
    PatientID="P-1",
    StudyDate="20260131",
    StudyTime="1015",
    AccessionNumber="",
    StudyDescription="CT Schädel",
    Modality="CT",
    PatientWeight="61.50",
    PregnancyStatus=1,
    ScheduledStationAETitle=["CT1", "CT2"],
    StudyInstanceUID="1.2.3",
    PatientComments="two\r\nlines",
    PatientSex="",
    PertinentDocumentsSequence=[],
    RequestedProcedureCodeSequence=[
        {"CodeValue": "A", "CodingSchemeDesignator": "S1"},
        {"CodeValue": "B", "CodingSchemeDesignator": "S2"},
    ],
)

TABLE = [
    # Universal (C.2.2.2.3).
    ({"PatientID": ""}, True),
    ({"PatientID": "*"}, True),
    ({"AccessionNumber": ""}, True),
    ({"RequestedProcedureCodeSequence": []}, True),
    ({"RequestedProcedureCodeSequence": [{}]}, True),
    ({"RequestedProcedureCodeSequence": [{"CodeValue": ""}]}, True),
    ({"PatientBirthDate": ""}, True),
    ({}, True),
    # Single value (C.2.2.2.1).
    ({"PatientID": "P-1"}, True),
    ({"PatientID": "p-1"}, False),
    ({"PatientID": "P-11"}, False),
    ({"PatientID": "P"}, False),
    ({"AccessionNumber": "A"}, False),
    ({"PatientSex": "F"}, False),  # Supported, without a value.
    ({"PatientBirthDate": "19700101"}, True),  # Not supported: no key to us (C.2.2.1.3).
    ({"Modality": "CT"}, True),
    ({"Modality": "CR"}, False),
    ({"Modality": ["CR", "CT"]}, True),
    ({"ScheduledStationAETitle": "CT2"}, True),
    ({"ScheduledStationAETitle": ["MR1", "CT2"]}, True),
    ({"ScheduledStationAETitle": "CT"}, False),
    ({"PatientWeight": "61.5"}, True),
    ({"PatientWeight": "62"}, False),
    ({"PregnancyStatus": 1}, True),
    ({"PregnancyStatus": 2}, False),
    # Descriptions without regard to case, all else as it stands.
    ({"StudyDescription": "ct schädel"}, True),
    ({"PatientComments": "TWO\r\nLINES"}, True),
    # List of UID (C.2.2.2.2).
    ({"StudyInstanceUID": "1.2.3"}, True),
    ({"StudyInstanceUID": ["9.9", "1.2.3"]}, True),
    ({"StudyInstanceUID": "1.2"}, False),
    ({"StudyInstanceUID": "1.2*"}, False),
    # Wildcard (C.2.2.2.4).
    ({"PatientID": "P*"}, True),
    ({"PatientID": "P-?"}, True),
    ({"PatientID": "?-?"}, True),
    ({"PatientID": "P-??"}, False),
    ({"PatientID": "*1"}, True),
    ({"PatientID": "*2*"}, False),
    ({"AccessionNumber": "?"}, False),
    ({"StudyDescription": "CT*"}, True),
    # Person names (C.2.2.2.1.1): case, accents, scripts, the family alone.
    ({"PatientName": "yamada^tarou"}, True),
    ({"PatientName": "YAMADA"}, True),
    ({"PatientName": "Yama"}, False),
    ({"PatientName": "Yama*"}, True),
    ({"PatientName": "Yamada^*"}, True),
    ({"PatientName": "*tarou"}, True),
    ({"PatientName": "山田^太郎"}, True),
    ({"PatientName": "山田*"}, True),
    ({"PatientName": "やまだ"}, True),
    ({"PatientName": "Yamada^Tarou=山田^太郎"}, True),
    ({"PatientName": "=山田"}, True),
    ({"PatientName": "Yamada=鈴木"}, False),
    ({"PatientName": "Tarou^Yamada"}, False),
    # Ranges (C.2.2.2.5).
    ({"StudyDate": "20260131"}, True),
    ({"StudyDate": "20260130"}, False),
    ({"StudyDate": "20260130-20260201"}, True),
    ({"StudyDate": "20260131-20260131"}, True),
    ({"StudyDate": "-20260131"}, True),
    ({"StudyDate": "-20260130"}, False),
    ({"StudyDate": "20260131-"}, True),
    ({"StudyDate": "20260201-"}, False),
    ({"StudyTime": "1015"}, True),
    ({"StudyTime": "101500"}, True),
    ({"StudyTime": "10"}, False),
    ({"StudyTime": "10-11"}, True),
    ({"StudyTime": "-1015"}, True),
    ({"StudyTime": "1016-"}, False),
    # Sequence (C.2.2.2.6): all keys in one item.
    ({"RequestedProcedureCodeSequence": [{"CodeValue": "A"}]}, True),
    ({"RequestedProcedureCodeSequence": [{"CodeValue": "B", "CodingSchemeDesignator": "S2"}]}, True),
    ({"RequestedProcedureCodeSequence": [{"CodeValue": "A", "CodingSchemeDesignator": "S2"}]}, False),
    ({"RequestedProcedureCodeSequence": [{"CodeValue": "A", "CodingSchemeVersion": "1"}]}, False),
    ({"PertinentDocumentsSequence": [{"ReferencedSOPInstanceUID": "1.2"}]}, False),
    ({"ReferencedStudySequence": [{"ReferencedSOPInstanceUID": "1.2"}]}, True),
    # What says how to read the query is no key.
    ({"SpecificCharacterSet": "ISO_IR 100", "TimezoneOffsetFromUTC": "+0100"}, True),
]


@pytest.mark.parametrize(("keys", "found"), TABLE, ids=[str(row[0]) for row in TABLE])
def test_a_key_matches_as_the_standard_says(keys: dict[str, object], found: bool) -> None:
    assert matches(data_set(keys), HELD) is found


@pytest.mark.parametrize(
    ("dates", "times", "found"),
    [
        ("20260130-20260201", "18-09", True),  # From the 30th at 18:00 to the 1st at 09:00.
        ("20260131-20260201", "1016-09", False),
        ("20260131-20260201", "1015-09", True),
        ("20260130-20260131", "18-1014", False),
        ("20260130-20260131", "18-1015", True),
        ("20260131-", "1016-", False),
        ("-20260131", "-1015", True),
        ("-20260131", "-1014", False),
        ("20260131", "10-11", True),  # Not both a range: each for itself.
        ("20260130-20260201", "18", False),
    ],
)
def test_ranges_of_date_and_time_given_together_are_one(dates: str, times: str, found: bool) -> None:
    assert matches(data_set(StudyDate=dates, StudyTime=times), HELD, COMBINED) is found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("tar yam", True),
        ("Tarou^Yamada", True),
        ("山", True),
        ("ada", False),
        ("yam suz", False),
        ("Ya*", True),
    ],
)
def test_fuzzy_words_begin_any_component(name: str, found: bool) -> None:
    assert matches(data_set(PatientName=name), HELD, Rules(fuzzy=True)) is found


@pytest.mark.parametrize(
    "keys",
    [{"StudyDate": "tomorrow"}, {"StudyDate": "1-2-3"}, {"StudyTime": "25"}, {"PatientWeight": "heavy"}],
)
def test_a_value_that_makes_no_sense_is_named(keys: dict[str, str]) -> None:
    with pytest.raises(KeyNotUnderstood, match=next(iter(keys))):
        matches(data_set(keys), HELD)


def test_a_pattern_of_many_stars_is_answered_at_once() -> None:
    assert not wildcard_matches("*a" * 500 + "b", "a" * 5000)


def test_what_was_asked_for_is_returned_and_what_is_unknown_is_told() -> None:
    keys = data_set(PatientID="", RequestedProcedureCodeSequence=[{"CodeValue": ""}], SpecificCharacterSet="")
    answer, complete = returned(keys, HELD)
    assert complete
    assert answer == data_set(
        PatientID="P-1", RequestedProcedureCodeSequence=[{"CodeValue": "A"}, {"CodeValue": "B"}]
    )
    answer, complete = returned(data_set(PatientID="", PatientAge=""), HELD)
    assert (len(answer), complete) == (1, False)


def test_an_item_lacks_a_value_where_a_complete_one_lacks_support() -> None:
    keys = data_set(RequestedProcedureCodeSequence=[{"CodeMeaning": ""}])
    answer, all_supported = returned(keys, HELD)
    assert all_supported
    assert answer == data_set(RequestedProcedureCodeSequence=[{"CodeMeaning": ""}, {"CodeMeaning": ""}])
    tag = tag_of("RequestedProcedureCodeSequence")
    assert tag
    _, all_supported = returned(keys, HELD, Rules(complete=frozenset({tag})))
    assert not all_supported


@pytest.mark.parametrize("asked", [[], [{}]])
def test_a_sequence_without_keys_comes_whole(asked: list[dict[str, str]]) -> None:
    answer, complete = returned(data_set(RequestedProcedureCodeSequence=asked), HELD)
    assert complete
    tag = tag_of("RequestedProcedureCodeSequence")
    assert tag
    assert answer.items(tag) == HELD.items(tag)
