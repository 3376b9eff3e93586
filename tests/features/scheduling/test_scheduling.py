"""Scheduling steps: numbers, who belongs to whom, the states, and what is told and recorded."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa

from filmless.features.access import node_actor
from filmless.features.audit import AuditEvent, AuditFilter, find_records
from filmless.features.scheduling import (
    TRANSITIONS,
    Code,
    NewStep,
    NumberTaken,
    ScheduledStep,
    StepChangedMeanwhile,
    StepEvent,
    StepFilter,
    StepNotFound,
    StepNotInState,
    StepRefused,
    StepStatus,
    arrive,
    cancel_step,
    change_step,
    find_scheduled_steps,
    get_step,
    move_on,
    record_progress,
    schedule_step,
    status_after,
    step_of,
    worklist_item,
)
from filmless.features.scheduling.model import DESK_EVENTS
from filmless.infra.database import Database
from filmless.infra.errors import NotPermitted
from filmless.infra.outbox import outbox
from filmless.standards.dicom.uids import is_valid_uid
from worklist_builders import DESK, HEAD_CT, a_step, another_step


def told(database: Database) -> list[str]:
    with database.read() as tx:
        return list(tx.execute(sa.select(outbox.c.kind).order_by(outbox.c.id)).scalars())


def into(database: Database, status: StepStatus) -> ScheduledStep:
    """A step in that status, by the ways there are."""
    ways = {
        StepStatus.SCHEDULED: [],
        StepStatus.ARRIVED: [StepEvent.ARRIVE],
        StepStatus.READY: [StepEvent.PREPARE],
        StepStatus.STARTED: [StepEvent.START],
        StepStatus.COMPLETED: [StepEvent.START, StepEvent.COMPLETE],
        StepStatus.DISCONTINUED: [StepEvent.START, StepEvent.DISCONTINUE],
        StepStatus.DEPARTED: [StepEvent.START, StepEvent.COMPLETE, StepEvent.DEPART],
        StepStatus.CANCELED: [StepEvent.CANCEL],
    }
    step = schedule_step(database, DESK, a_step())
    for event in ways[status]:
        happen(database, step.id, event)
    return get_step(database, DESK, step.id)


def happen(database: Database, step_id: str, event: StepEvent) -> bool:
    """Let it happen by the verb that is for it; says whether the step could."""
    try:
        if event in DESK_EVENTS:
            move_on(database, DESK, step_id, event)
        elif event is StepEvent.CANCEL:
            cancel_step(database, DESK, step_id, "asked for")
        else:
            with database.transaction() as tx:
                return record_progress(tx, step_id, event) is None
    except StepNotInState:
        return False
    return True


def test_a_step_is_kept_as_it_was_scheduled(database: Database) -> None:
    scheduled = schedule_step(database, DESK, a_step())
    assert scheduled.details == a_step()
    assert scheduled.status is StepStatus.SCHEDULED
    assert get_step(database, DESK, scheduled.id) == scheduled


def test_numbers_that_a_step_lacks_are_made(database: Database) -> None:
    bare = a_step(
        accession_number="",
        requested_procedure_id="",
        study_instance_uid="",
        scheduled_procedure_step_id="",
        description="",
        scheduled_protocol_codes=(),
    )
    first, second = (schedule_step(database, DESK, bare).details for _ in range(2))
    assert (first.request.accession_number, second.request.accession_number) == ("A260000001", "A260000002")
    assert first.procedure.requested_procedure_id != second.procedure.requested_procedure_id
    assert is_valid_uid(first.procedure.study_instance_uid)
    assert first.procedure.study_instance_uid != second.procedure.study_instance_uid
    assert first.step.scheduled_procedure_step_id
    assert (first.step.description, first.step.scheduled_protocol_codes) == ("CT head", (HEAD_CT,))


def test_a_number_that_others_took_is_passed_over(database: Database) -> None:
    schedule_step(database, DESK, a_step(accession_number="A260000001", issuer_of_accession_number=""))
    made = schedule_step(database, DESK, another_step(2, accession_number="", issuer_of_accession_number=""))
    assert made.details.request.accession_number == "A260000002"


def test_desks_that_book_at_once_get_different_numbers(database: Database) -> None:
    def book(number: int) -> str:
        new = another_step(number, accession_number="", requested_procedure_id="", study_instance_uid="")
        return schedule_step(database, DESK, new).details.request.accession_number

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(book, range(40)))
    assert len(set(numbers)) == 40


def test_of_desks_that_book_one_accession_number_for_two_patients_one_succeeds(database: Database) -> None:
    def book(number: int) -> str:
        try:
            schedule_step(database, DESK, another_step(number, accession_number="ACC-1"))
        except NumberTaken:
            return "refused"
        return "booked"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(book, range(8)))
    assert sorted(outcomes) == ["booked", *["refused"] * 7]


def test_a_second_step_joins_request_and_procedure(database: Database) -> None:
    first = schedule_step(database, DESK, a_step())
    by_id = schedule_step(
        database,
        DESK,
        a_step(scheduled_procedure_step_id="SPS-2", study_instance_uid="", patient_name="Other"),
    )
    by_study = schedule_step(
        database, DESK, a_step(scheduled_procedure_step_id="SPS-3", requested_procedure_id="")
    )
    for joined in (by_id, by_study):
        assert joined.details.procedure == first.details.procedure
        assert joined.details.patient == first.details.patient  # What is held is not overwritten.
    other = schedule_step(database, DESK, a_step(requested_procedure_id="RP-2", study_instance_uid=""))
    assert other.details.request == first.details.request
    assert other.details.procedure.study_instance_uid != first.details.procedure.study_instance_uid


TAKEN: list[tuple[str, dict[str, Any]]] = [
    ("the accession number is another patient's", {"patient_id": "P-2"}),
    ("the same Patient ID of another issuer", {"issuer_of_patient_id": "ELSEWHERE"}),
    ("the step ID is taken in the procedure", {}),
    ("the study is another request's", {"accession_number": "ACC-2", "requested_procedure_id": "RP-2"}),
    ("the procedure has another study", {"study_instance_uid": "1.2.3"}),
    ("the study has another procedure ID", {"requested_procedure_id": "RP-2"}),
]


@pytest.mark.parametrize(("why", "changes"), TAKEN, ids=[row[0] for row in TAKEN])
def test_a_number_of_something_else_is_refused(database: Database, why: str, changes: dict[str, Any]) -> None:
    schedule_step(database, DESK, a_step())
    with pytest.raises(NumberTaken):
        schedule_step(database, DESK, a_step(**changes))
    assert find_scheduled_steps(database, DESK, StepFilter(), 10, 0)[1] == 1


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"patient_name": ""}, "PatientName is needed"),
    ({"patient_id": " "}, "PatientID is needed"),
    ({"modality": ""}, "Modality is needed"),
    ({"scheduled_station_ae_titles": ()}, "ScheduledStationAETitle is needed"),
    ({"start_date": ""}, "StartDate is needed"),
    ({"start_time": ""}, "StartTime is needed"),
    ({"requested_procedure_description": "", "requested_procedure_codes": ()}, "code of the procedure"),
    ({"start_date": "20260231"}, "StartDate is not a date"),
    ({"start_time": "2500"}, "StartTime is not a time"),
    ({"patient_birth_date": "1970"}, "BirthDate is not a date"),
    ({"modality": "ct"}, "Modality is not in capitals"),
    ({"accession_number": "A" * 17}, "AccessionNumber has more than 16"),
    ({"issuer_of_accession_number": "I" * 17}, "IssuerOfAccessionNumberSequence has more than 16"),
    ({"patient_name": "N" * 65}, "PatientName has more than 64"),
    ({"patient_name": "a=b=c=d"}, "more than three groups"),
    ({"patient_name": "Ab\\Cd"}, "PatientName has a backslash"),
    ({"patient_id": "P\n1"}, "PatientID has a backslash or control"),
    ({"scheduled_station_ae_titles": ("ÄÖ",)}, "ScheduledStationAETitle is not plain ASCII"),
    ({"scheduled_station_ae_titles": tuple(f"CT{i}" for i in range(33))}, "more than 32 values"),
    ({"study_instance_uid": "1.2.x"}, "StudyInstanceUID is not a UID"),
    ({"patient_weight": "heavy"}, "PatientWeight is not a number"),
    ({"patient_weight": "nan"}, "PatientWeight is not a number"),
    ({"pregnancy_status": 70_000}, "PregnancyStatus is not a number"),
    ({"requested_procedure_comments": "c\0d"}, "RequestedProcedureComments has control"),
    ({"requested_procedure_codes": (Code("", "S", "M"),)}, "a code without value"),
    ({"requested_procedure_codes": (Code("V", "S" * 17, "M"),)}, "too long"),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED, ids=[row[1] for row in REFUSED])
def test_what_a_modality_could_not_be_told_is_refused(
    sqlite_database: Database, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(StepRefused, match=said):
        schedule_step(sqlite_database, DESK, a_step(**changes))


def test_dates_spaces_and_repeated_stations_are_put_in_order(sqlite_database: Database) -> None:
    given = a_step(
        start_date="2026-01-31",
        start_time="10:15",
        patient_name=" Probe^Maria ",
        scheduled_station_ae_titles=("CT1 ", "CT2", "CT1"),
        medical_alerts="one\\two",
    )
    kept = schedule_step(sqlite_database, DESK, given).details
    assert (kept.step.start_date, kept.step.start_time) == ("20260131", "101500")
    assert (kept.patient.patient_name, kept.patient.medical_alerts) == ("Probe^Maria", "one\\two")
    assert kept.step.scheduled_station_ae_titles == ("CT1", "CT2")


@pytest.mark.parametrize(("status", "event"), list(product(StepStatus, StepEvent)))
def test_every_event_in_every_status(sqlite_database: Database, status: StepStatus, event: StepEvent) -> None:
    step = into(sqlite_database, status)
    assert step.status is status
    following = TRANSITIONS.get((status, event))
    assert happen(sqlite_database, step.id, event) is (following is not None)
    assert get_step(sqlite_database, DESK, step.id).status is (following or status)
    if following is None:
        with pytest.raises(StepNotInState):
            status_after(status, event)


def test_the_facts_of_a_step(database: Database) -> None:
    step = schedule_step(database, DESK, a_step())
    arrive(database, DESK, step.id)
    read = get_step(database, DESK, step.id)
    change_step(database, DESK, step.id, a_step(location="ROOM 2"), read.revision)
    cancel_step(database, DESK, step.id, "no show")
    assert told(database) == [
        "StepScheduled", "PatientArrived", "StepChanged", "StepChanged", "StepCancelled"
    ]  # fmt: skip
    with database.read() as tx:
        payload = tx.execute(sa.select(outbox.c.payload).order_by(outbox.c.id)).scalars().first()
    assert f'"step_id":"{step.id}"' in payload
    assert '"start_at":"2026-01-31T10:15:00"' in payload
    assert '"body_part":"HEAD"' in payload


def test_every_verb_leaves_an_audit_record(sqlite_database: Database) -> None:
    step = schedule_step(sqlite_database, DESK, a_step())
    arrive(sqlite_database, DESK, step.id)
    read = get_step(sqlite_database, DESK, step.id)
    change_step(sqlite_database, DESK, step.id, read.details, read.revision)
    cancel_step(sqlite_database, DESK, step.id, "no show")
    wanted = AuditFilter(study_instance_uid=step.details.procedure.study_instance_uid)
    records, _ = find_records(sqlite_database, DESK, wanted, 100, 0)
    assert [one.action for one in records] == ["D", "U", "R", "U", "C"]
    assert {one.event for one in records} == {AuditEvent.PROCEDURE_RECORD}
    assert records[0].details["reason"] == "no show"


def test_a_change_over_somebody_elses_is_refused(database: Database) -> None:
    read = schedule_step(database, DESK, a_step())
    change_step(database, DESK, read.id, a_step(location="ROOM 2"), read.revision)
    with pytest.raises(StepChangedMeanwhile):
        change_step(database, DESK, read.id, a_step(location="ROOM 3"), read.revision)
    assert get_step(database, DESK, read.id).details.step.location == "ROOM 2"


def test_a_change_reaches_all_levels(database: Database) -> None:
    read = schedule_step(database, DESK, a_step())
    wanted = a_step(
        patient_name="Probe^Marie",
        placer_order_number="PL-9",
        requested_procedure_priority="STAT",
        modality="MR",
        scheduled_station_ae_titles=("MR2", "MR1"),
    )
    changed = change_step(database, DESK, read.id, wanted, read.revision)
    assert changed.details == wanted
    assert changed.created_at == read.created_at


@pytest.mark.parametrize(
    "changes",
    [
        {"patient_id": "P-2"},
        {"issuer_of_patient_id": "X"},
        {"accession_number": "ACC-2"},
        {"study_instance_uid": "1.2.3"},
        {"requested_procedure_id": "RP-2"},
        {"scheduled_procedure_step_id": "SPS-2"},
    ],
)
def test_identifiers_stay_what_they_are(sqlite_database: Database, changes: dict[str, str]) -> None:
    read = schedule_step(sqlite_database, DESK, a_step())
    with pytest.raises(StepRefused, match="identifiers"):
        change_step(sqlite_database, DESK, read.id, a_step(**changes), read.revision)


def test_what_has_started_is_neither_changed_nor_cancelled(sqlite_database: Database) -> None:
    step = into(sqlite_database, StepStatus.STARTED)
    with pytest.raises(StepNotInState):
        change_step(sqlite_database, DESK, step.id, step.details, step.revision)
    with pytest.raises(StepNotInState):
        cancel_step(sqlite_database, DESK, step.id, "too late")


def test_only_desk_events_are_reported_by_hand_and_a_cancel_says_why(sqlite_database: Database) -> None:
    step = schedule_step(sqlite_database, DESK, a_step())
    for event in set(StepEvent) - DESK_EVENTS:
        with pytest.raises(StepRefused):
            move_on(sqlite_database, DESK, step.id, event)
    for reason in ("", "  ", "x" * 1001):
        with pytest.raises(StepRefused, match="why"):
            cancel_step(sqlite_database, DESK, step.id, reason)


def test_an_unknown_step_is_not_found(sqlite_database: Database) -> None:
    for verb in (get_step, arrive):
        with pytest.raises(StepNotFound):
            verb(sqlite_database, DESK, "nowhere")
    with pytest.raises(StepNotFound):
        cancel_step(sqlite_database, DESK, "nowhere", "why")


def test_a_node_reads_the_worklist_and_writes_nothing_into_it(sqlite_database: Database) -> None:
    node = node_actor("CT1", "192.0.2.1")
    step = schedule_step(sqlite_database, DESK, a_step())
    assert get_step(sqlite_database, node, step.id) == step
    for verb in (
        lambda: schedule_step(sqlite_database, node, another_step(2)),
        lambda: arrive(sqlite_database, node, step.id),
        lambda: cancel_step(sqlite_database, node, step.id, "why"),
        lambda: change_step(sqlite_database, node, step.id, step.details, step.revision),
    ):
        with pytest.raises(NotPermitted):
            verb()


FILTERS: list[tuple[StepFilter, list[int]]] = [
    (StepFilter(), [1, 2, 3, 4]),
    (StepFilter(date_from="20260202"), [3, 4]),
    (StepFilter(date_to="20260201"), [1, 2]),
    (StepFilter(date_from="20260202", date_to="20260202"), [3]),
    (StepFilter(statuses=(StepStatus.ARRIVED,)), [2]),
    (StepFilter(statuses=(StepStatus.ARRIVED, StepStatus.SCHEDULED)), [1, 2, 3, 4]),
    (StepFilter(modality="MR"), [3]),
    (StepFilter(station_ae_title="CT9"), [4]),
    (StepFilter(patient_id="P-2"), [2]),
    (StepFilter(patient_name="mull"), [2]),
    (StepFilter(patient_name="jor mul"), [2]),
    (StepFilter(patient_name="ull"), []),
    (StepFilter(patient_name="_"), []),
    (StepFilter(accession_number="ACC-3"), [3]),
    (StepFilter(study_instance_uid="1.2.826.0.1.3680043.10.1000.77.4"), [4]),
    (StepFilter(accession_number="ACC-3", patient_id="P-2"), []),
]


@pytest.fixture
def four_steps(database: Database) -> Database:
    changes: list[dict[str, Any]] = [
        {"start_date": "20260131"},
        {"start_date": "20260201", "patient_name": "Müller^Jörg"},
        {"start_date": "20260202", "modality": "MR"},
        {"start_date": "20260203", "scheduled_station_ae_titles": ("CT1", "CT9")},
    ]
    for number, change in enumerate(changes, start=1):
        step = schedule_step(database, DESK, another_step(number, **change))
        if number == 2:
            arrive(database, DESK, step.id)
    return database


def numbers(steps: list[ScheduledStep]) -> list[int]:
    return [int(step.details.patient.patient_id.removeprefix("P-")) for step in steps]


def test_steps_are_found_by_every_filter(four_steps: Database) -> None:
    for wanted, expected in FILTERS:
        found, total = find_scheduled_steps(four_steps, DESK, wanted, 10, 0)
        assert (numbers(found), total) == (expected, len(expected)), wanted


def test_pages_of_steps_do_not_overlap(four_steps: Database) -> None:
    pages = [find_scheduled_steps(four_steps, DESK, StepFilter(), 2, offset) for offset in (0, 2, 4)]
    assert [(numbers(found), total) for found, total in pages] == [([1, 2], 4), ([3, 4], 4), ([], 4)]


def test_a_worklist_item_tells_all_and_can_be_scheduled_elsewhere(sqlite_database: Database) -> None:
    held = schedule_step(sqlite_database, DESK, a_step())
    again: NewStep = step_of(worklist_item(held))
    assert again == held.details


def test_a_status_is_moved_on_once_by_many_at_once(database: Database) -> None:
    step = schedule_step(database, DESK, a_step())

    def come(_: int) -> bool:
        try:
            arrive(database, DESK, step.id)
        except StepNotInState:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(come, range(8))) == [False] * 7 + [True]
    assert told(database).count("PatientArrived") == 1


def test_a_read_step_may_be_written_back_once(sqlite_database: Database) -> None:
    read = schedule_step(sqlite_database, DESK, a_step())
    change_step(sqlite_database, DESK, read.id, read.details, read.revision)
    with pytest.raises(StepChangedMeanwhile):
        change_step(sqlite_database, DESK, read.id, read.details, read.revision)
