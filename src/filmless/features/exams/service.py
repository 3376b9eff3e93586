"""The verbs of exams: what modalities report of their performed procedure steps (PS3.4 Annex F).

Start at `create_performed_step` (N-CREATE) and `set_performed_step` (N-SET). Whatever a modality says it did
is kept, also when it does not fit what was scheduled: then a remark stands at the reference, for a person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from filmless.features import scheduling
from filmless.features.access import Actor, Permission
from filmless.features.audit import AuditEvent, record
from filmless.features.exams import attribute_rules, repository
from filmless.features.exams.errors import (
    InvalidAttributeValues,
    PerformedStepBusy,
    PerformedStepExists,
    PerformedStepIsFinal,
    PerformedStepNotFound,
)
from filmless.features.exams.events import (
    PerformedStepCompleted,
    PerformedStepDiscontinued,
    PerformedStepStarted,
)
from filmless.features.exams.following import follow_end, follow_start
from filmless.features.exams.model import TRANSITIONS, PerformedStatus, PerformedStep
from filmless.features.exams.performed_data_set import performed_step_of
from filmless.features.exams.tables import performed_steps
from filmless.infra import limits
from filmless.infra.database import Database, Transaction
from filmless.infra.outbox import announce
from filmless.standards.dicom.data_set import DataSet, decode_data_set, encode_data_set
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE
from filmless.standards.dicom.uids import is_valid_uid

SOP_INSTANCE_UID = 0x00080018
REFERENCES_MAX = 200  # Items of Scheduled Step Attributes Sequence; a group of exams has a handful.
MERGES_TRIED_MAX = 10  # Each time somebody else changed the same step in between.
OFFSET_MAX = scheduling.OFFSET_MAX


@dataclass(frozen=True, slots=True)
class PerformedFilter:
    """Which performed steps to find; what is empty lets all pass. Dates are DA text, both included."""

    date_from: str = ""
    date_to: str = ""
    statuses: tuple[PerformedStatus, ...] = ()
    modality: str = ""
    station_ae_title: str = ""
    patient_id: str = ""
    study_instance_uid: str = ""
    accession_number: str = ""
    step_id: str = ""


def create_performed_step(
    database: Database, actor: Actor, sop_instance_uid: str, attributes: DataSet
) -> PerformedStep:
    """A modality began (N-CREATE, PS3.4 F.7.2.1); the scheduled steps it names are started.

    Raises MissingAttributes, MissingAttributeValues, InvalidAttributeValues, PerformedStepExists.
    """
    actor.must(Permission.PERFORMED_STEPS_WRITE)
    if not is_valid_uid(sop_instance_uid):
        raise InvalidAttributeValues([SOP_INSTANCE_UID])
    whole = attribute_rules.created(attributes)
    step = performed_step_of(sop_instance_uid, whole, actor.name, database.clock.now())
    if len(step.references) > REFERENCES_MAX:
        raise InvalidAttributeValues([attribute_rules.RULES[0].tag])
    encoded = _encoded(whole)
    with database.transaction() as tx:
        step = replace(step, created_at=tx.now, updated_at=tx.now, references=follow_start(tx, step))
        if not repository.insert_step(tx, step, encoded):
            raise PerformedStepExists("A performed procedure step with that UID exists already.")
        announce(
            tx,
            PerformedStepStarted(
                sop_instance_uid, *_belongs_to(step), step.modality, step.performed_station_ae_title
            ),
        )
        _record(tx, actor, step, "C")
    return step


def set_performed_step(
    database: Database, actor: Actor, sop_instance_uid: str, modifications: DataSet
) -> tuple[int, ...]:
    """A modality went on or ended (N-SET, PS3.4 F.7.2.2); with it go the scheduled steps.

    Returns the tags of attributes that cannot be changed any more and were left as they are. Raises
    PerformedStepNotFound, PerformedStepIsFinal, and as `create_performed_step` does.
    """
    actor.must(Permission.PERFORMED_STEPS_WRITE)
    for _ in range(MERGES_TRIED_MAX):
        # Merged outside of the write transaction: the list of a thousand images takes a while to read.
        with database.read() as tx:
            held = repository.find_data_set(tx, sop_instance_uid)
        encoded, revision, status = _found(held)
        if not TRANSITIONS[status]:
            raise PerformedStepIsFinal("Performed Procedure Step Object may no longer be updated.")
        whole, ignored = attribute_rules.changed(_decoded(encoded), modifications)
        if _write_change(database, actor, whole, sop_instance_uid, revision):
            return ignored
    raise PerformedStepBusy("Others change the same performed procedure step. Try again later.")


def get_performed_attributes(database: Database, actor: Actor, sop_instance_uid: str) -> DataSet:
    """All that a modality said of a step (N-GET, PS3.4 F.8.2); raises PerformedStepNotFound.

    Who may report steps may read them back: that is how a modality finds out what has arrived.
    """
    if Permission.PERFORMED_STEPS_WRITE not in actor.permissions:
        actor.must(Permission.PERFORMED_STEPS_READ)
    with database.read() as tx:
        encoded, _, _ = _found(repository.find_data_set(tx, sop_instance_uid))
        step = repository.find_step(tx, sop_instance_uid)
    assert step is not None  # Read in the same snapshot.
    with database.transaction() as tx:
        _record(tx, actor, step, "R")
    return _decoded(encoded)


def get_performed_step(database: Database, actor: Actor, sop_instance_uid: str) -> PerformedStep:
    """One step with its references and series; raises PerformedStepNotFound."""
    actor.must(Permission.PERFORMED_STEPS_READ)
    with database.read() as tx:
        step = repository.find_step(tx, sop_instance_uid)
    if step is None:
        raise PerformedStepNotFound("There is no such performed procedure step.")
    with database.transaction() as tx:
        _record(tx, actor, step, "R")
    return step


def find_performed_steps(
    database: Database, actor: Actor, wanted: PerformedFilter, limit: int, offset: int
) -> tuple[list[PerformedStep], int]:
    """A page of the steps, latest first, and how many there are in all."""
    actor.must(Permission.PERFORMED_STEPS_READ)
    assert 0 < limit <= limits.QUERY_RESULTS_MAX
    assert 0 <= offset <= OFFSET_MAX
    conditions = _conditions(wanted)
    with database.read() as tx:
        found = repository.select_steps(tx, conditions, limit, offset)
        total = repository.count_steps(tx, conditions)
    with database.transaction() as tx:
        details = {
            "level": "performed step",
            "date": f"{wanted.date_from}-{wanted.date_to}",
            "patient_id": wanted.patient_id,
            "accession_number": wanted.accession_number,
            "rows": len(found),
        }
        uid = wanted.study_instance_uid or None
        record(tx, actor, AuditEvent.QUERY, action="E", study_instance_uid=uid, details=details)
    return found, total


# --- Inside ------------------------------------------------------------------------------------------------


def _write_change(
    database: Database, actor: Actor, whole: DataSet, sop_instance_uid: str, revision: int
) -> bool:
    step = performed_step_of(sop_instance_uid, whole, actor.name, database.clock.now())
    encoded = _encoded(whole)
    with database.transaction() as tx:
        held = repository.find_step(tx, sop_instance_uid)
        assert held is not None  # Steps are never deleted.
        step = replace(
            step,
            calling_ae_title=held.calling_ae_title,
            created_at=held.created_at,
            updated_at=tx.now,
            references=held.references,
        )
        if not repository.update_step(tx, step, encoded, revision):
            return False
        if step.status is not PerformedStatus.IN_PROGRESS:
            follow_end(tx, step)
            announce(tx, _end_of(step))
        _record(tx, actor, step, "U")
    return True


def _end_of(step: PerformedStep) -> PerformedStepCompleted | PerformedStepDiscontinued:
    uid, counts = step.sop_instance_uid, (step.number_of_series, step.number_of_instances)
    if step.status is PerformedStatus.COMPLETED:
        return PerformedStepCompleted(uid, *_belongs_to(step), *counts)
    return PerformedStepDiscontinued(uid, *_belongs_to(step), step.discontinuation_reason, *counts)


def _belongs_to(step: PerformedStep) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The studies and the scheduled steps, each once."""
    studies = dict.fromkeys(reference.study_instance_uid for reference in step.references)
    step_ids = dict.fromkeys(reference.step_id for reference in step.references if reference.step_id)
    return tuple(studies), tuple(step_ids)


def _found(held: tuple[bytes, int, PerformedStatus] | None) -> tuple[bytes, int, PerformedStatus]:
    if held is None:
        raise PerformedStepNotFound("There is no such performed procedure step.")
    return held


def _encoded(whole: DataSet) -> bytes:
    return encode_data_set(whole, EXPLICIT_LE, character_set="ISO_IR 192")


def _decoded(encoded: bytes) -> DataSet:
    return decode_data_set(encoded, EXPLICIT_LE, bytes_max=len(encoded))


def _record(tx: Transaction, actor: Actor, step: PerformedStep, action: str) -> None:
    studies, step_ids = _belongs_to(step)
    record(
        tx,
        actor,
        AuditEvent.PROCEDURE_RECORD,
        action=action,
        study_instance_uid=studies[0] if studies else None,
        details={
            "performed_step": step.sop_instance_uid,
            "status": step.status.value,
            "scheduled_steps": step_ids,
            "patient_id": step.patient_id,
        },
    )


def _conditions(wanted: PerformedFilter) -> list[repository.Condition]:
    columns = performed_steps.c
    pairs = (
        (wanted.date_from, columns.start_date >= wanted.date_from),
        (wanted.date_to, columns.start_date <= wanted.date_to),
        (wanted.statuses, columns.status.in_([status.value for status in wanted.statuses])),
        (wanted.modality, columns.modality == wanted.modality),
        (wanted.station_ae_title, columns.performed_station_ae_title == wanted.station_ae_title),
        (wanted.patient_id, columns.patient_id == wanted.patient_id),
    )
    conditions = [condition for asked, condition in pairs if asked]
    if wanted.study_instance_uid or wanted.accession_number or wanted.step_id:
        conditions.append(
            repository.refers_to(wanted.study_instance_uid, wanted.accession_number, wanted.step_id)
        )
    return conditions
