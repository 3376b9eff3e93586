"""The modality worklist: each attribute of PS3.4 table K.6-1 as matching key and as return key."""

from typing import Any

import pytest

from filmless.features.access import node_actor
from filmless.features.audit import AuditEvent, AuditFilter, find_records
from filmless.features.scheduling import (
    ATTRIBUTES,
    HANDED_ON,
    HANDED_ON_IN_STEP,
    WORKLIST_RULES,
    Code,
    Place,
    StepRefused,
    StepStatus,
    WorklistQueryNotUnderstood,
    WorklistView,
    arrive,
    cancel_step,
    iterate_worklist,
    list_worklist_views,
    schedule_step,
    set_worklist_view,
    worklist_item,
)
from filmless.features.scheduling import worklist as worklist_module
from filmless.infra.database import Database
from filmless.infra.errors import NotPermitted
from filmless.standards.dicom.attribute_matching import returned
from filmless.standards.dicom.data_set import DataSet
from filmless.standards.dicom.dictionary import tag_of
from worklist_builders import DESK, a_step, another_step, data_set, query

CT1 = node_actor("CT1", "192.0.2.1")
PATIENT_ID = 0x00100020


@pytest.fixture
def two_steps(database: Database) -> Database:
    """The step of `a_step`, and one that differs in everything."""
    schedule_step(database, DESK, a_step())
    schedule_step(
        database,
        DESK,
        another_step(
            2,
            patient_name="Muster=山田^太郎",
            issuer_of_patient_id="OTHERS",
            patient_birth_date="19800203",
            patient_sex="M",
            patient_weight="80",
            patient_size="1.90",
            patient_state="lies",
            pregnancy_status=4,
            medical_alerts="asthma",
            allergies="latex",
            special_needs="interpreter",
            confidentiality_constraint="VIP",
            issuer_of_accession_number="HIS",
            requesting_physician="Other^Otto",
            referring_physician_name="Else^Eva",
            placer_order_number="PL-2",
            filler_order_number="FI-2",
            admission_id="V-2",
            issuer_of_admission_id="CLINIC",
            current_patient_location="Ward 9",
            requested_procedure_description="MR knee",
            requested_procedure_codes=(Code("MRKNEE", "99LOCAL", "MR knee"),),
            requested_procedure_priority="STAT",
            patient_transport_arrangements="BED",
            reason_for_the_requested_procedure="pain",
            requested_procedure_comments="right side",
            modality="MR",
            scheduled_station_ae_titles=("MR1", "MR2"),
            start_date="20260201",
            start_time="143000",
            scheduled_station_name="MRROOM",
            location="ROOM 2",
            scheduled_performing_physician_name="Viewer^Viktor",
            description="knee plain",
            scheduled_protocol_codes=(Code("KNEE", "99LOCAL", "Knee"),),
            pre_medication="sedation",
            requested_contrast_agent="gadolinium",
            comments="cold",
            body_part_examined="KNEE",
            laterality="R",
        ),
    )
    return database


def found(database: Database, keys: DataSet, caller: str = "CT1", **how: Any) -> list[str]:
    """Patient IDs of the items that match."""
    return [item.text(PATIENT_ID) for item in iterate_worklist(database, CT1, caller, keys, **how)]


@pytest.mark.parametrize("attribute", ATTRIBUTES, ids=[one.keyword for one in ATTRIBUTES])
def test_every_attribute_is_a_matching_key(two_steps: Database, attribute: Any) -> None:
    items = list(iterate_worklist(two_steps, CT1, "CT1", DataSet()))
    assert len(items) == 2
    for number, expected in ((0, "P-1"), (1, "P-2")):
        held = items[number]
        source = held.items(0x00400100)[0] if attribute.place is Place.STEP else held
        element = source.element(attribute.tag)
        assert element is not None
        if attribute.keyword == "Laterality" and number == 0:
            continue  # A head has none, and an empty key would find all.
        key = DataSet()
        key.elements[attribute.tag] = element
        keys = key
        if attribute.place is Place.STEP:
            keys = DataSet()
            keys.set_items(0x00400100, [key])
        assert found(two_steps, keys) == [expected]


@pytest.mark.parametrize(
    "attribute", [one for one in ATTRIBUTES if one.returned == "1"], ids=lambda one: one.keyword
)
def test_return_keys_of_type_1_are_never_empty(two_steps: Database, attribute: Any) -> None:
    for item in iterate_worklist(two_steps, CT1, "CT1", DataSet()):
        source = item.items(0x00400100)[0] if attribute.place is Place.STEP else item
        assert not source.is_empty(attribute.tag)


KEYWORDS = (
    *(one.keyword for one in ATTRIBUTES if one.place is not Place.STEP),
    *HANDED_ON,
    "ScheduledProcedureStepSequence",
)
STEP_KEYWORDS = (
    *(one.keyword for one in ATTRIBUTES if one.place is Place.STEP),
    *HANDED_ON_IN_STEP,
    "ScheduledProcedureStepStatus",
)


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_every_root_attribute_is_returned(sqlite_database: Database, keyword: str) -> None:
    schedule_step(sqlite_database, DESK, a_step())
    keys = data_set({keyword: ""})
    item = next(iterate_worklist(sqlite_database, CT1, "CT1", keys))
    answer, complete = returned(keys, item, WORKLIST_RULES)
    assert complete
    assert tag_of(keyword) in answer


@pytest.mark.parametrize("keyword", STEP_KEYWORDS)
def test_every_attribute_of_the_step_is_returned(sqlite_database: Database, keyword: str) -> None:
    schedule_step(sqlite_database, DESK, a_step())
    keys = query({keyword: ""})
    item = next(iterate_worklist(sqlite_database, CT1, "CT1", keys))
    answer, complete = returned(keys, item, WORKLIST_RULES)
    assert complete
    assert tag_of(keyword) in answer.items(0x00400100)[0]


QUERIES: list[tuple[str, DataSet, list[str]]] = [
    ("nothing asked", query(), ["P-1", "P-2"]),
    ("an empty step", query({}), ["P-1", "P-2"]),
    ("all universal", query({"Modality": "", "ScheduledStationAETitle": "*"}), ["P-1", "P-2"]),
    ("station", query({"ScheduledStationAETitle": "MR2"}), ["P-2"]),
    ("several stations", query({"ScheduledStationAETitle": ["CT1", "MR1"]}), ["P-1", "P-2"]),
    ("station by wildcard", query({"ScheduledStationAETitle": "MR*"}), ["P-2"]),
    ("day", query({"ScheduledProcedureStepStartDate": "20260131"}), ["P-1"]),
    ("days", query({"ScheduledProcedureStepStartDate": "20260131-20260201"}), ["P-1", "P-2"]),
    ("from a day on", query({"ScheduledProcedureStepStartDate": "20260201-"}), ["P-2"]),
    ("up to a day", query({"ScheduledProcedureStepStartDate": "-20260131"}), ["P-1"]),
    ("time", query({"ScheduledProcedureStepStartTime": "1430"}), ["P-2"]),
    ("hours", query({"ScheduledProcedureStepStartTime": "10-11"}), ["P-1"]),
    (
        "from an hour of a day to an hour of another",
        query(
            {
                "ScheduledProcedureStepStartDate": "20260131-20260201",
                "ScheduledProcedureStepStartTime": "11-15",
            }
        ),
        ["P-2"],
    ),
    (
        "over night, though 10:15 and 14:30 are not between 20 and 15",
        query(
            {
                "ScheduledProcedureStepStartDate": "20260130-20260201",
                "ScheduledProcedureStepStartTime": "20-15",
            }
        ),
        ["P-1", "P-2"],
    ),
    ("modality", query({"Modality": "MR"}), ["P-2"]),
    ("physician by wildcard", query({"ScheduledPerformingPhysicianName": "view*"}), ["P-2"]),
    ("name", query(PatientName="PROBE^maria"), ["P-1"]),
    ("family", query(PatientName="probe"), ["P-1"]),
    ("name by wildcard", query(PatientName="*ob*"), ["P-1"]),
    ("another script", query(PatientName="山田*"), ["P-2"]),
    ("Patient ID", query(PatientID="P-2"), ["P-2"]),
    ("Patient ID by wildcard", query(PatientID="P-?"), ["P-1", "P-2"]),
    ("Patient ID of nobody", query(PatientID="p-1"), []),
    ("birth date", query(PatientBirthDate="19800101-"), ["P-2"]),
    ("accession number", query(AccessionNumber="ACC-2"), ["P-2"]),
    ("a code in a sequence", query(RequestedProcedureCodeSequence=[{"CodeValue": "CTHEAD"}]), ["P-1"]),
    ("a code in the step", query({"ScheduledProtocolCodeSequence": [{"CodeValue": "KNEE"}]}), ["P-2"]),
    ("a code of another scheme", query(RequestedProcedureCodeSequence=[
        {"CodeValue": "CTHEAD", "CodingSchemeDesignator": "LN"}]), []),
    ("a list of studies", query(StudyInstanceUID=["1.2.826.0.1.3680043.10.1000.77", "1.2"]), ["P-1"]),
    ("status", query({"ScheduledProcedureStepStatus": "SCHEDULED"}), ["P-1", "P-2"]),
    ("two keys that contradict", query({"Modality": "CT"}, PatientID="P-2"), []),
]  # fmt: skip


@pytest.mark.parametrize(("why", "keys", "expected"), QUERIES, ids=[row[0] for row in QUERIES])
def test_a_query_finds(two_steps: Database, why: str, keys: DataSet, expected: list[str]) -> None:
    assert found(two_steps, keys) == expected


def test_fuzzy_names_are_found_where_that_was_agreed(two_steps: Database) -> None:
    assert found(two_steps, query(PatientName="mar pro"), fuzzy=True) == ["P-1"]
    assert found(two_steps, query(PatientName="mar pro")) == []


@pytest.mark.parametrize(
    "keys",
    [
        query({"ScheduledProcedureStepStartDate": "today"}),
        query({"ScheduledProcedureStepStartTime": "soon"}),
        query(PatientBirthDate="19701301"),
        query(PatientID="a\0b"),
        query(StudyInstanceUID=["1.2"] * 1001),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(two_steps: Database, keys: DataSet) -> None:
    with pytest.raises(WorklistQueryNotUnderstood):
        found(two_steps, keys)


def test_a_name_with_a_nul_finds_nobody(two_steps: Database) -> None:
    assert found(two_steps, query(PatientName="Pro\0be")) == []


def test_a_long_worklist_comes_page_by_page_and_in_order(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worklist_module, "PAGE_STEPS", 3)
    for number in range(1, 9):
        schedule_step(database, DESK, another_step(number, start_time=f"{18 - number:02}0000"))
    assert found(database, query()) == [f"P-{number}" for number in range(8, 0, -1)]


def test_what_is_not_to_be_done_any_more_is_not_shown(two_steps: Database) -> None:
    ids = {item.text(PATIENT_ID): item for item in iterate_worklist(two_steps, CT1, "CT1", DataSet())}
    assert len(ids) == 2
    first, second = (
        schedule_step(two_steps, DESK, another_step(number, start_date="20260301")).id for number in (3, 4)
    )
    arrive(two_steps, DESK, first)
    cancel_step(two_steps, DESK, second, "no need")
    assert found(two_steps, query({"ScheduledProcedureStepStartDate": "20260301"})) == ["P-3"]


def test_a_view_decides_what_a_caller_is_shown(two_steps: Database) -> None:
    assert found(two_steps, query(), caller="MR2") == ["P-1", "P-2"]
    everybody = WorklistView("", (StepStatus.ARRIVED,))
    own = WorklistView("MR2", (StepStatus.SCHEDULED, StepStatus.ARRIVED), own_station_only=True)
    set_worklist_view(two_steps, DESK, everybody)
    set_worklist_view(two_steps, DESK, own)
    assert list_worklist_views(two_steps, DESK) == [everybody, own]
    assert found(two_steps, query(), caller="MR2") == ["P-2"]
    assert found(two_steps, query(), caller="CT1") == []
    assert found(two_steps, query({"ScheduledStationAETitle": "CT1"}), caller="MR2") == []
    set_worklist_view(two_steps, DESK, WorklistView("MR2"))
    assert found(two_steps, query(), caller="MR2") == ["P-1", "P-2"]
    with pytest.raises(StepRefused):
        set_worklist_view(two_steps, DESK, WorklistView("X", ()))
    with pytest.raises(NotPermitted):
        set_worklist_view(two_steps, CT1, own)


def test_a_query_is_recorded_before_its_first_item(sqlite_database: Database) -> None:
    schedule_step(sqlite_database, DESK, a_step())
    next(iterate_worklist(sqlite_database, CT1, "CT1", query({"Modality": "CT"}, PatientID="P-1")))
    records, _ = find_records(sqlite_database, DESK, AuditFilter(event=AuditEvent.QUERY), 10, 0)
    assert [(one.actor, one.details["matching"]) for one in records] == [
        ("CT1", {"PatientID": "P-1", "Modality": "CT"})
    ]


def test_further_attributes_are_handed_on(database: Database) -> None:
    others = data_set(
        OtherPatientIDsSequence=[{"PatientID": "X-9", "IssuerOfPatientID": "ELSEWHERE"}],
        PatientComments="日本語",
        ScheduledProcedureStepSequence=[{"AnatomicalOrientationType": "BIPED"}],
    )
    step = schedule_step(database, DESK, a_step(other_attributes=others))
    item = next(iterate_worklist(database, CT1, "CT1", query(PatientComments="日本*")))
    assert item == worklist_item(step)
    assert item.text(0x00104000) == "日本語"
    assert item.items(0x00101002)[0].text(PATIENT_ID) == "X-9"
    assert item.items(0x00400100)[0].text(tag_of("AnatomicalOrientationType") or 0) == "BIPED"
