"""Performed procedure steps: what is kept, which scheduled steps follow, and what is refused."""

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa

from filmless.features.access import node_actor
from filmless.features.audit import AuditEvent, AuditFilter, find_records
from filmless.features.exams import (
    InvalidAttributeValues,
    PerformedFilter,
    PerformedStatus,
    PerformedStepExists,
    PerformedStepIsFinal,
    PerformedStepNotFound,
    Remark,
    create_performed_step,
    find_performed_steps,
    get_performed_attributes,
    get_performed_step,
    repository,
    set_performed_step,
)
from filmless.features.exams.following import end_event, follow_end
from filmless.features.scheduling import StepEvent, StepStatus, cancel_step, get_step, schedule_step
from filmless.infra.database import Database
from filmless.infra.errors import NotPermitted
from filmless.infra.outbox import outbox
from filmless.standards.dicom.data_set import DataSet
from worklist_builders import DESK, a_series, a_step, another_step, data_set, ended, referring, started

CT1 = node_actor("CT1", "192.0.2.1")
UID = "1.2.3.4"


def begin(database: Database, uid: str = UID, attributes: DataSet | None = None) -> None:
    create_performed_step(database, CT1, uid, started() if attributes is None else attributes)


def status_of(database: Database, step_id: str) -> StepStatus:
    return get_step(database, DESK, step_id).status


def told(database: Database) -> list[str]:
    with database.read() as tx:
        return list(tx.execute(sa.select(outbox.c.kind).order_by(outbox.c.id)).scalars())


def test_a_step_is_kept_as_it_was_reported(database: Database) -> None:
    scheduled = schedule_step(database, DESK, a_step())
    begin(database)
    set_performed_step(database, CT1, UID, ended(PerformedSeriesSequence=[a_series(1, 2), a_series(2, 3)]))
    step = get_performed_step(database, DESK, UID)
    assert step.status is PerformedStatus.COMPLETED
    assert (step.start_date, step.start_time, step.end_date, step.end_time) == (
        "20260131", "102000", "20260131", "103000",
    )  # fmt: skip
    assert (step.patient_id, step.modality, step.performed_station_ae_title) == ("P-1", "CT", "CT1")
    assert (step.number_of_series, step.number_of_instances, step.calling_ae_title) == (2, 5, "CT1")
    assert [one.step_id for one in step.references] == [scheduled.id]
    assert [len(one.instances) for one in step.series_list] == [2, 3]
    assert step.series_list[0].instances[0] == ("1.2.840.10008.5.1.4.1.1.2", "1.2.3.1.1")
    attributes = get_performed_attributes(database, DESK, UID)
    assert attributes.text(0x00400252) == "COMPLETED"
    assert attributes.text(0x00100010) == "Probe^Maria"


def test_the_scheduled_step_follows(database: Database) -> None:
    step = schedule_step(database, DESK, a_step())
    begin(database)
    assert status_of(database, step.id) is StepStatus.STARTED
    set_performed_step(database, CT1, UID, ended())
    assert status_of(database, step.id) is StepStatus.COMPLETED
    assert told(database) == [
        "StepScheduled", "StepChanged", "PerformedStepStarted", "StepChanged", "PerformedStepCompleted",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("", StepStatus.DISCONTINUED), ("110501", StepStatus.DISCONTINUED), ("110514", StepStatus.SCHEDULED)],
)
def test_a_discontinued_step_says_why(database: Database, reason: str, expected: StepStatus) -> None:
    step = schedule_step(database, DESK, a_step())
    begin(database)
    set_performed_step(database, CT1, UID, ended("DISCONTINUED", reason, PerformedSeriesSequence=None))
    assert status_of(database, step.id) is expected
    assert get_performed_step(database, DESK, UID).discontinuation_reason == reason
    assert told(database)[-1] == "PerformedStepDiscontinued"


@pytest.mark.parametrize(("held", "asked"), list(product(PerformedStatus, PerformedStatus)))
def test_every_status_after_every_other(
    database: Database, held: PerformedStatus, asked: PerformedStatus
) -> None:
    begin(database)
    if held is not PerformedStatus.IN_PROGRESS:
        set_performed_step(database, CT1, UID, ended(held.value))
    if held is PerformedStatus.IN_PROGRESS:
        set_performed_step(database, CT1, UID, ended(asked.value))
        assert get_performed_step(database, DESK, UID).status is asked
        return
    before = get_performed_attributes(database, DESK, UID)
    with pytest.raises(PerformedStepIsFinal):
        set_performed_step(database, CT1, UID, ended(asked.value))
    assert get_performed_attributes(database, DESK, UID) == before


def test_a_uid_is_taken_once_even_by_the_same_message(database: Database) -> None:
    step = schedule_step(database, DESK, a_step())
    begin(database)
    for attributes in (started(), started(PatientID="P-9")):
        with pytest.raises(PerformedStepExists):
            begin(database, attributes=attributes)
    assert get_performed_step(database, DESK, UID).patient_id == "P-1"
    assert status_of(database, step.id) is StepStatus.STARTED
    assert told(database).count("PerformedStepStarted") == 1


@pytest.mark.parametrize("uid", ["", "1.2.x", "1" * 65])
def test_a_uid_that_is_none_is_refused(sqlite_database: Database, uid: str) -> None:
    with pytest.raises(InvalidAttributeValues):
        begin(sqlite_database, uid)


def test_what_does_not_exist_is_not_found(sqlite_database: Database) -> None:
    with pytest.raises(PerformedStepNotFound):
        set_performed_step(sqlite_database, CT1, UID, ended())
    for verb in (get_performed_step, get_performed_attributes):
        with pytest.raises(PerformedStepNotFound):
            verb(sqlite_database, DESK, UID)


REFERENCES: list[tuple[str, list[dict[str, Any]], dict[str, Any], bool, Remark]] = [
    ("all identifiers", referring(), {}, True, Remark.NONE),
    ("the study alone", [{"StudyInstanceUID": "1.2.826.0.1.3680043.10.1000.77"}], {}, True, Remark.NONE),
    ("another study, our accession number", referring(StudyInstanceUID="9.9"), {}, True, Remark.NONE),
    ("nothing scheduled", [{"StudyInstanceUID": "9.9"}], {}, False, Remark.UNSCHEDULED),
    (
        "nothing scheduled, zero length throughout",
        referring(
            StudyInstanceUID="9.9", AccessionNumber="", RequestedProcedureID="", ScheduledProcedureStepID=""
        ),
        {},
        False,
        Remark.UNSCHEDULED,
    ),
    (
        "an accession number of nobody",
        referring(StudyInstanceUID="9.9", AccessionNumber="X"),
        {},
        False,
        Remark.NOT_FOUND,
    ),
    ("another step ID", referring(ScheduledProcedureStepID="X"), {}, False, Remark.NOT_FOUND),
    ("another patient", referring(), {"PatientID": "P-9"}, False, Remark.OTHER_PATIENT),
    (
        "a Patient ID of another issuer",
        referring(),
        {"IssuerOfPatientID": "ELSE"},
        False,
        Remark.OTHER_PATIENT,
    ),
    ("no Patient ID", referring(), {"PatientID": ""}, True, Remark.NONE),
]


@pytest.mark.parametrize(
    ("why", "references", "changes", "follows", "remark"), REFERENCES, ids=[row[0] for row in REFERENCES]
)
def test_a_reference_means_one_step_of_that_patient_or_none(
    database: Database,
    why: str,
    references: list[dict[str, Any]],
    changes: dict[str, Any],
    follows: bool,
    remark: Remark,
) -> None:
    step = schedule_step(database, DESK, a_step(issuer_of_patient_id="TESTS"))
    begin(database, attributes=data_set_with(started(**changes), references, changes))
    assert status_of(database, step.id) is (StepStatus.STARTED if follows else StepStatus.SCHEDULED)
    (reference,) = get_performed_step(database, DESK, UID).references
    assert (reference.step_id, reference.remark) == (step.id if follows else None, remark)
    set_performed_step(database, CT1, UID, ended())
    assert status_of(database, step.id) is (StepStatus.COMPLETED if follows else StepStatus.SCHEDULED)


def data_set_with(attributes: DataSet, references: list[dict[str, Any]], changes: dict[str, Any]) -> DataSet:
    made = data_set(ScheduledStepAttributesSequence=references, **changes)
    attributes.elements.update(made.elements)
    return attributes


def test_a_study_with_several_steps_needs_the_step_id(database: Database) -> None:
    steps = [
        schedule_step(database, DESK, a_step(scheduled_procedure_step_id=name)) for name in ("SPS-1", "SPS-2")
    ]
    without = started(ScheduledStepAttributesSequence=referring(ScheduledProcedureStepID=""))
    begin(database, attributes=without)
    (reference,) = get_performed_step(database, DESK, UID).references
    assert (reference.step_id, reference.remark) == (None, Remark.AMBIGUOUS)
    named = started(ScheduledStepAttributesSequence=referring(ScheduledProcedureStepID="SPS-2"))
    begin(database, "1.2.5", named)
    assert [status_of(database, step.id) for step in steps] == [StepStatus.SCHEDULED, StepStatus.STARTED]


def test_of_two_patients_with_one_accession_number_the_named_one_is_meant(database: Database) -> None:
    first, second = (
        schedule_step(
            database, DESK, another_step(n, accession_number="SAME", issuer_of_accession_number=issuer)
        )
        for n, issuer in ((1, "RIS"), (2, "HIS"))
    )
    named = referring(StudyInstanceUID="9.9", AccessionNumber="SAME", ScheduledProcedureStepID="")
    begin(database, attributes=started(ScheduledStepAttributesSequence=named, PatientID="P-2"))
    assert [status_of(database, step.id) for step in (first, second)] == [
        StepStatus.SCHEDULED, StepStatus.STARTED,
    ]  # fmt: skip
    begin(database, "1.2.5", started(ScheduledStepAttributesSequence=named, PatientID=""))
    assert get_performed_step(database, DESK, "1.2.5").references[0].remark is Remark.AMBIGUOUS


def test_exams_done_together_all_follow(database: Database) -> None:
    steps = [schedule_step(database, DESK, another_step(n, patient_id="P-1")) for n in (1, 2, 3)]
    references = [
        *referring(StudyInstanceUID="9.9", AccessionNumber="ACC-1", ScheduledProcedureStepID="SPS-1"),
        *referring(StudyInstanceUID="9.9", AccessionNumber="ACC-2", ScheduledProcedureStepID="SPS-2"),
    ]
    begin(database, attributes=started(ScheduledStepAttributesSequence=references))
    assert [status_of(database, step.id) for step in steps] == [
        StepStatus.STARTED, StepStatus.STARTED, StepStatus.SCHEDULED,
    ]  # fmt: skip
    set_performed_step(database, CT1, UID, ended())
    assert [status_of(database, step.id) for step in steps[:2]] == [StepStatus.COMPLETED] * 2


def test_an_append_reopens_and_completes_again(database: Database) -> None:
    step = schedule_step(database, DESK, a_step())
    begin(database)
    set_performed_step(database, CT1, UID, ended())
    begin(database, "1.2.5")
    assert status_of(database, step.id) is StepStatus.STARTED
    set_performed_step(database, CT1, "1.2.5", ended("DISCONTINUED"))
    assert (
        status_of(database, step.id) is StepStatus.COMPLETED
    )  # The first one's images are there to be read.


def test_a_scheduled_step_ends_with_its_last_performed_one(database: Database) -> None:
    step = schedule_step(database, DESK, a_step())
    begin(database)
    begin(database, "1.2.5")
    set_performed_step(database, CT1, UID, ended())
    assert status_of(database, step.id) is StepStatus.STARTED
    set_performed_step(database, CT1, "1.2.5", ended())
    assert status_of(database, step.id) is StepStatus.COMPLETED


def test_a_cancelled_step_stays_so_and_the_exam_is_kept(database: Database) -> None:
    step = schedule_step(database, DESK, a_step())
    cancel_step(database, DESK, step.id, "no need")
    begin(database)
    set_performed_step(database, CT1, UID, ended())
    assert status_of(database, step.id) is StepStatus.CANCELED
    performed = get_performed_step(database, DESK, UID)
    assert (performed.status, performed.references[0].remark) == (
        PerformedStatus.COMPLETED, Remark.NOT_POSSIBLE,
    )  # fmt: skip


_I, _C, _D = PerformedStatus.IN_PROGRESS, PerformedStatus.COMPLETED, PerformedStatus.DISCONTINUED


@pytest.mark.parametrize(
    ("performed", "event"),
    [
        ([(_C, "")], StepEvent.COMPLETE),
        ([(_D, "")], StepEvent.DISCONTINUE),
        ([(_D, "110514")], StepEvent.RELEASE),
        ([(_C, ""), (_I, "")], None),
        ([(_D, "110514"), (_I, "")], None),
        ([(_D, ""), (_C, "")], StepEvent.COMPLETE),
        ([(_D, "110514"), (_C, "")], StepEvent.COMPLETE),
        ([(_D, "110514"), (_D, "")], StepEvent.DISCONTINUE),
        ([(_D, "110514"), (_D, "110514")], StepEvent.RELEASE),
    ],
)
def test_what_becomes_of_a_scheduled_step(
    performed: list[tuple[PerformedStatus, str]], event: StepEvent | None
) -> None:
    assert end_event(performed) is event


def test_of_two_that_end_a_step_at_once_one_succeeds(database: Database) -> None:
    step = schedule_step(database, DESK, a_step())
    begin(database)

    def end(status: str) -> str:
        try:
            set_performed_step(database, CT1, UID, ended(status))
        except PerformedStepIsFinal:
            return "refused"
        return status

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(end, ["COMPLETED", "DISCONTINUED"] * 4))
    (winner,) = (outcome for outcome in outcomes if outcome != "refused")
    assert get_performed_step(database, DESK, UID).status == winner
    assert status_of(database, step.id) == winner


def test_changes_at_once_are_all_kept(database: Database) -> None:
    begin(database)
    keywords = [
        "CommentsOnThePerformedProcedureStep", "PerformedProcedureStepDescription",
        "PerformedProcedureTypeDescription", "PerformedProcedureStepEndTime",
    ]  # fmt: skip

    def change(keyword: str) -> None:
        set_performed_step(database, CT1, UID, data_set({keyword: "1015"}))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, keywords))
    held = get_performed_attributes(database, DESK, UID)
    assert data_set(dict.fromkeys(keywords, "1015")).elements.items() <= held.elements.items()


def test_two_steps_that_end_at_once_leave_their_scheduled_one_completed(database: Database) -> None:
    step = schedule_step(database, DESK, a_step())
    uids = [f"1.2.{number}" for number in range(6)]
    for uid in uids:
        begin(database, uid)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda uid: set_performed_step(database, CT1, uid, ended()), uids))
    assert status_of(database, step.id) is StepStatus.COMPLETED


@pytest.mark.postgres
def test_an_end_waits_for_another_that_is_being_written(postgres_database: Database) -> None:
    database = postgres_database
    step = schedule_step(database, DESK, a_step())
    for uid in ("1.2.1", "1.2.2"):
        begin(database, uid)
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as tx:
            first = get_performed_step(database, DESK, "1.2.1")
            assert repository.update_step(tx, replace(first, status=PerformedStatus.COMPLETED), b"", 1)
            follow_end(tx, first)
            second = pool.submit(set_performed_step, database, CT1, "1.2.2", ended())
            # It cannot be done before this transaction is: it would see a step that still goes on.
            assert not wait([second], timeout=0.5).done
        second.result()
    assert status_of(database, step.id) is StepStatus.COMPLETED


def test_text_of_any_script_survives_a_change(database: Database) -> None:
    begin(
        database,
        attributes=started(PatientName="Yamada^Tarou=山田^太郎", SpecificCharacterSet="\\ISO 2022 IR 87"),
    )
    set_performed_step(
        database,
        CT1,
        UID,
        data_set(PerformedProcedureStepDescription="Schädel", SpecificCharacterSet="ISO_IR 100"),
    )
    held = get_performed_attributes(database, DESK, UID)
    assert (held.text(0x00100010), held.text(0x00400254)) == ("Yamada^Tarou=山田^太郎", "Schädel")


def test_a_series_listed_twice_is_one(database: Database) -> None:
    begin(database)
    again = a_series(1, 3, ProtocolName="HEAD 2")
    set_performed_step(database, CT1, UID, ended(PerformedSeriesSequence=[a_series(1, 2), again]))
    step = get_performed_step(database, DESK, UID)
    assert (step.number_of_series, step.number_of_instances) == (1, 3)


def test_every_verb_leaves_an_audit_record(sqlite_database: Database) -> None:
    begin(sqlite_database)
    set_performed_step(sqlite_database, CT1, UID, ended())
    get_performed_step(sqlite_database, DESK, UID)
    find_performed_steps(sqlite_database, DESK, PerformedFilter(), 10, 0)
    records, _ = find_records(sqlite_database, DESK, AuditFilter(), 10, 0)
    assert [(one.event, one.action, one.actor) for one in records] == [
        (AuditEvent.QUERY, "E", "test desk"),
        (AuditEvent.PROCEDURE_RECORD, "R", "test desk"),
        (AuditEvent.PROCEDURE_RECORD, "U", "CT1"),
        (AuditEvent.PROCEDURE_RECORD, "C", "CT1"),
    ]
    assert records[-1].study_instance_uid == "1.2.826.0.1.3680043.10.1000.77"


def test_a_node_writes_what_it_did_and_reads_nothing(sqlite_database: Database) -> None:
    begin(sqlite_database)
    with pytest.raises(NotPermitted):
        get_performed_step(sqlite_database, CT1, UID)
    stranger = node_actor("CT1", "192.0.2.1", frozenset())
    with pytest.raises(NotPermitted):
        create_performed_step(sqlite_database, stranger, "1.2.9", started())
    with pytest.raises(NotPermitted):
        set_performed_step(sqlite_database, stranger, UID, ended())


def test_performed_steps_are_found(database: Database) -> None:
    step = schedule_step(database, DESK, a_step())
    begin(database, "1.1")
    other = started(
        PatientID="P-2",
        Modality="MR",
        PerformedStationAETitle="MR1",
        PerformedProcedureStepStartDate="20260201",
        ScheduledStepAttributesSequence=[{"StudyInstanceUID": "9.9", "AccessionNumber": "X-1"}],
    )
    begin(database, "1.2", other)
    set_performed_step(database, CT1, "1.2", ended())
    for wanted, expected in (
        (PerformedFilter(), ["1.2", "1.1"]),
        (PerformedFilter(date_from="20260201"), ["1.2"]),
        (PerformedFilter(date_to="20260131"), ["1.1"]),
        (PerformedFilter(statuses=(PerformedStatus.IN_PROGRESS,)), ["1.1"]),
        (PerformedFilter(modality="MR"), ["1.2"]),
        (PerformedFilter(station_ae_title="CT1"), ["1.1"]),
        (PerformedFilter(patient_id="P-2"), ["1.2"]),
        (PerformedFilter(study_instance_uid="9.9"), ["1.2"]),
        (PerformedFilter(accession_number="ACC-1"), ["1.1"]),
        (PerformedFilter(step_id=step.id), ["1.1"]),
        (PerformedFilter(step_id=step.id, study_instance_uid="9.9"), []),
    ):
        found, total = find_performed_steps(database, DESK, wanted, 10, 0)
        assert ([one.sop_instance_uid for one in found], total) == (expected, len(expected)), wanted
    assert len(find_performed_steps(database, DESK, PerformedFilter(), 1, 1)[0]) == 1
