"""The verbs of scheduling: schedule, change, cancel, move on, find.

Each is one short transaction with its audit record (PS3.15 A.5.3.13, Procedure Record). Start at
`schedule_step`. Not here: what a modality's query gets (`worklist`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from filmless.features.access import Actor, Permission
from filmless.features.audit import AuditEvent, record
from filmless.features.scheduling import repository, repository_read
from filmless.features.scheduling.checks import checked
from filmless.features.scheduling.errors import (
    StepChangedMeanwhile,
    StepNotFound,
    StepNotInState,
    StepRefused,
)
from filmless.features.scheduling.events import PatientArrived, StepCancelled, StepChanged, StepScheduled
from filmless.features.scheduling.model import (
    DESK_EVENTS,
    OPEN_STATUSES,
    NewStep,
    ScheduledStep,
    StepEvent,
    StepStatus,
    status_after,
)
from filmless.features.scheduling.placing import place_step
from filmless.features.scheduling.tables import imaging_requests, requested_procedures, scheduled_steps
from filmless.infra import limits
from filmless.infra.database import Database, Transaction
from filmless.infra.outbox import announce
from filmless.standards.dicom.dates import parse_date, parse_time
from filmless.standards.dicom.person_name import normalise_text

REFERENCED_STEPS_MAX = 100  # Steps of one study or accession number; whoever asks wants one of them.
OFFSET_MAX = 100_000  # A list this long is searched, not paged through.
REASON_CHARACTERS_MAX = 1000  # Some sentences; it goes into the audit trail.


@dataclass(frozen=True, slots=True)
class StepFilter:
    """Which steps to find; what is empty lets all pass. Dates are DA text, both included.

    `patient_name`: words, each the beginning of some part of the name. `search`: words, each the beginning
    of a part of the name, of the patient ID or of the accession number.
    """

    date_from: str = ""
    date_to: str = ""
    statuses: tuple[StepStatus, ...] = ()
    modality: str = ""
    station_ae_title: str = ""
    patient_id: str = ""
    patient_name: str = ""
    accession_number: str = ""
    study_instance_uid: str = ""
    search: str = ""


def schedule_step(database: Database, actor: Actor, new: NewStep) -> ScheduledStep:
    """Put a step into the worklist; numbers that it lacks are made.

    A step with the accession number and Requested Procedure ID (or Study Instance UID) of another one joins
    that one's procedure. Raises StepRefused for attributes that a modality could not be told, NumberTaken for
    a number that belongs to another patient or procedure.
    """
    actor.must(Permission.WORKLIST_WRITE)
    fit = checked(new)
    if len(repository.encoded_other_attributes(fit.other_attributes)) > repository.OTHER_ATTRIBUTES_BYTES_MAX:
        raise StepRefused("The step brings more further attributes than anybody needs.")
    with database.transaction() as tx:
        scheduled = _get(tx, place_step(tx, fit))
        announce(tx, StepScheduled(scheduled.id, *_told_of(scheduled)))
        _record(tx, actor, scheduled, "C")
    return scheduled


def get_step(database: Database, actor: Actor, step_id: str) -> ScheduledStep:
    """One step; raises StepNotFound."""
    actor.must(Permission.WORKLIST_READ)
    with database.read() as tx:
        found = _get(tx, step_id)
    with database.transaction() as tx:
        _record(tx, actor, found, "R")
    return found


def find_scheduled_steps(
    database: Database, actor: Actor, wanted: StepFilter, limit: int, offset: int
) -> tuple[list[ScheduledStep], int]:
    """A page of the steps by their start, and how many there are in all."""
    actor.must(Permission.WORKLIST_READ)
    assert 0 < limit <= limits.QUERY_RESULTS_MAX
    assert 0 <= offset <= OFFSET_MAX
    conditions = _conditions(wanted)
    with database.read() as tx:
        found = repository_read.select_steps(tx, conditions, limit, offset=offset)
        total = repository_read.count_steps(tx, conditions)
    with database.transaction() as tx:
        details = {
            "level": "scheduled step",
            "date": f"{wanted.date_from}-{wanted.date_to}",
            "patient_id": wanted.patient_id,
            "patient_name": wanted.patient_name,
            "search": wanted.search,
            "accession_number": wanted.accession_number,
            "rows": len(found),
        }
        record(tx, actor, AuditEvent.QUERY, action="E", details=details)
    return found, total


def change_step(database: Database, actor: Actor, step_id: str, new: NewStep, revision: int) -> ScheduledStep:
    """Write what a step is to be, with its procedure and request, which other steps may share.

    `revision`: that of the step to which the changes were made. Patient ID, accession number, study and
    IDs stay what they are: what has them wrong is cancelled and scheduled anew. Raises StepRefused,
    StepNotFound, StepNotInState once it has started, StepChangedMeanwhile.
    """
    actor.must(Permission.WORKLIST_WRITE)
    fit = checked(new)
    with database.transaction() as tx:
        _lock(tx, step_id, OPEN_STATUSES, "be changed")
        held = _get(tx, step_id)
        if held.revision != revision:
            raise StepChangedMeanwhile("Somebody else changed the step meanwhile. Look at it again.")
        if _identifiers(fit) != _identifiers(held.details):
            raise StepRefused(
                "The identifiers of a step stay what they are. Cancel it, and schedule another one."
            )
        repository.update_step(tx, step_id, fit)
        changed = _get(tx, step_id)
        announce(tx, StepChanged(step_id, fit.procedure.study_instance_uid, changed.status.value))
        _record(tx, actor, changed, "U")
    return changed


def cancel_step(database: Database, actor: Actor, step_id: str, reason: str) -> ScheduledStep:
    """Take a step off the worklist for good; raises StepNotFound, StepNotInState once it has started."""
    actor.must(Permission.WORKLIST_WRITE)
    if not reason.strip() or len(reason) > REASON_CHARACTERS_MAX:
        raise StepRefused(f"Say why the step is cancelled, in at most {REASON_CHARACTERS_MAX} characters.")
    with database.transaction() as tx:
        cancelled = _advance(tx, step_id, StepEvent.CANCEL)
        request = cancelled.details.request
        uid = cancelled.details.procedure.study_instance_uid
        announce(tx, StepCancelled(step_id, uid, request.accession_number))
        _record(tx, actor, cancelled, "D", reason=reason.strip())
    return cancelled


def arrive(database: Database, actor: Actor, step_id: str) -> ScheduledStep:
    """The patient of the step is here; raises StepNotFound, StepNotInState."""
    return move_on(database, actor, step_id, StepEvent.ARRIVE)


def move_on(database: Database, actor: Actor, step_id: str, event: StepEvent) -> ScheduledStep:
    """What people report of a step (DESK_EVENTS); raises StepNotFound, StepNotInState, StepRefused."""
    actor.must(Permission.WORKLIST_WRITE)
    if event not in DESK_EVENTS:
        raise StepRefused(f"Nobody reports by hand that a step is to {event}.")
    with database.transaction() as tx:
        moved = _advance(tx, step_id, event)
        if event is StepEvent.ARRIVE:
            announce(tx, PatientArrived(step_id, *_told_of(moved)))
        announce(tx, StepChanged(step_id, moved.details.procedure.study_instance_uid, moved.status.value))
        _record(tx, actor, moved, "U", event=event.value)
    return moved


def find_referenced_steps(
    tx: Transaction, study_instance_uid: str, accession_number: str, scheduled_procedure_step_id: str
) -> list[ScheduledStep]:
    """The steps that these identifiers name, by the study, or else by the accession number. For `exams`.

    An empty Scheduled Procedure Step ID names every step of the study; at most REFERENCED_STEPS_MAX are told.
    """
    steps, requests = scheduled_steps.c, imaging_requests.c
    ways = (
        (study_instance_uid, requested_procedures.c.study_instance_uid == study_instance_uid),
        (accession_number, requests.accession_number == accession_number),
    )
    for given, condition in ways:
        conditions = [condition]
        if scheduled_procedure_step_id:
            conditions.append(steps.scheduled_procedure_step_id == scheduled_procedure_step_id)
        if given and (found := repository_read.select_steps(tx, conditions, REFERENCED_STEPS_MAX)):
            return found
    return []


def lock_steps(tx: Transaction, step_ids: Iterable[str]) -> None:
    """Let nobody else move these steps until the transaction ends; in one order for all. For `exams`."""
    for step_id in sorted(step_ids):
        repository.lock_status(tx, step_id)


def record_progress(tx: Transaction, step_id: str, event: StepEvent) -> StepStatus | None:
    """What a modality reports of a step, in the caller's transaction, which also writes the audit record.

    Returns the status that the step cannot leave that way, or None when it has followed. For `exams`.
    """
    held = repository.lock_status(tx, step_id)
    assert (
        held is not None
    )  # The caller has the step from this very transaction, and steps are never deleted.
    try:
        following = status_after(held, event)
    except StepNotInState:
        return held
    if following is not held:
        repository.update_status(tx, step_id, following)
        step = _get(tx, step_id)
        announce(tx, StepChanged(step_id, step.details.procedure.study_instance_uid, following.value))
    return None


def _get(tx: Transaction, step_id: str) -> ScheduledStep:
    found = repository_read.find_step(tx, step_id)
    if found is None:
        raise StepNotFound("There is no such scheduled step.")
    return found


def _lock(tx: Transaction, step_id: str, allowed: tuple[StepStatus, ...], what: str) -> None:
    status = repository.lock_status(tx, step_id)
    if status is None:
        raise StepNotFound("There is no such scheduled step.")
    if status not in allowed:
        raise StepNotInState(f"A step that is {status} cannot {what}.")


def _advance(tx: Transaction, step_id: str, event: StepEvent) -> ScheduledStep:
    held = repository.lock_status(tx, step_id)
    if held is None:
        raise StepNotFound("There is no such scheduled step.")
    repository.update_status(tx, step_id, status_after(held, event))
    return _get(tx, step_id)


def _identifiers(details: NewStep) -> tuple[str, ...]:
    return (
        details.patient.patient_id,
        details.patient.issuer_of_patient_id,
        details.request.accession_number,
        details.request.issuer_of_accession_number,
        details.procedure.requested_procedure_id,
        details.procedure.study_instance_uid,
        details.step.scheduled_procedure_step_id,
    )


def _told_of(scheduled: ScheduledStep) -> tuple[str, ...]:
    """What the facts StepScheduled and PatientArrived say, in the order of their fields."""
    details = scheduled.details
    return (
        details.patient.patient_id,
        details.patient.issuer_of_patient_id,
        details.step.modality,
        details.step.body_part_examined,
        details.step.laterality,
        details.procedure.requested_procedure_description,
        f"{parse_date(details.step.start_date).value}T{parse_time(details.step.start_time).value}",
        details.request.accession_number,
        details.procedure.study_instance_uid,
    )


def _record(tx: Transaction, actor: Actor, about: ScheduledStep, action: str, **more: str) -> None:
    record(
        tx,
        actor,
        AuditEvent.PROCEDURE_RECORD,
        action=action,
        study_instance_uid=about.details.procedure.study_instance_uid,
        details={
            "scheduled_step": about.id,
            "status": about.status.value,
            "accession_number": about.details.request.accession_number,
            "patient_id": about.details.patient.patient_id,
            **more,
        },
    )


def _conditions(wanted: StepFilter) -> list[repository_read.Condition]:
    steps, requests = scheduled_steps.c, imaging_requests.c
    pairs = (
        (wanted.date_from, steps.start_date >= wanted.date_from),
        (wanted.date_to, steps.start_date <= wanted.date_to),
        (wanted.statuses, steps.status.in_([status.value for status in wanted.statuses])),
        (wanted.modality, steps.modality == wanted.modality),
        (wanted.station_ae_title, repository_read.at_station([wanted.station_ae_title])),
        (wanted.patient_id, requests.patient_id == wanted.patient_id),
        (wanted.accession_number, requests.accession_number == wanted.accession_number),
        (
            wanted.study_instance_uid,
            requested_procedures.c.study_instance_uid == wanted.study_instance_uid,
        ),
    )
    conditions = [condition for asked, condition in pairs if asked]
    conditions += [_in_name(word) for word in normalise_text(wanted.patient_name).split()]
    for word in wanted.search.split():
        number = _literal(word)
        columns = (requests.patient_id, requests.accession_number)
        numbers = [column.ilike(f"{number}%", escape="!") for column in columns]
        in_names = [_in_name(part) for part in normalise_text(word).split()]
        conditions.append(sa.or_(*numbers, sa.and_(sa.true(), *in_names)) if in_names else sa.or_(*numbers))
    return conditions


def _in_name(word: str) -> repository_read.Condition:
    """The condition that the normalised word begins some part of the name."""
    literal = _literal(word)
    key = imaging_requests.c.patient_name_key
    begins = [key.like(f"{literal}%", escape="!")]
    begins += [key.like(f"%{mark}{literal}%", escape="!") for mark in ("^", " ", "=")]
    return sa.or_(*begins)


def _literal(word: str) -> str:
    """The word for LIKE with ESCAPE '!'."""
    return word.replace("!", "!!").replace("%", "!%").replace("_", "!_")
