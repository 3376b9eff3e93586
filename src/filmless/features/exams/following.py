"""How scheduled steps follow what a modality reports: which ones it means, and what becomes of them.

Nothing is guessed: identifiers must name one step, of the same patient. Several performed steps may belong to
one scheduled step (an append, a second modality), one performed step to several scheduled ones (exams done
together). Start at `follow_start` and `follow_end`.
"""

from __future__ import annotations

from dataclasses import replace

from filmless.features import scheduling
from filmless.features.exams import repository
from filmless.features.exams.model import (
    WRONG_WORKLIST_ENTRY,
    PerformedStatus,
    PerformedStep,
    Reference,
    Remark,
)
from filmless.features.scheduling import PatientDetails, StepEvent
from filmless.infra.database import Transaction


def follow_start(tx: Transaction, step: PerformedStep) -> tuple[Reference, ...]:
    """The references of a step that begins, each with the scheduled step it means; those are started."""
    references = [_meant(tx, step, reference) for reference in step.references]
    scheduling.lock_steps(tx, {one.step_id for one in references if one.step_id})
    return tuple(_started(tx, reference) for reference in references)


def follow_end(tx: Transaction, step: PerformedStep) -> None:
    """Move on the scheduled steps of a performed step that has just ended."""
    step_ids = {one.step_id for one in step.references if one.step_id}
    scheduling.lock_steps(tx, step_ids)
    for step_id in step_ids:
        siblings = repository.find_siblings(tx, step_id, step.sop_instance_uid)
        event = end_event([(step.status, step.discontinuation_reason), *siblings])
        if event is not None:
            scheduling.record_progress(tx, step_id, event)


def end_event(performed: list[tuple[PerformedStatus, str]]) -> StepEvent | None:
    """What becomes of a scheduled step with these performed ones (status and reason); None: it goes on.

    Complete if any of them is: what was made is there to be read. If all were picked by mistake, nothing was
    done, and the step is there to be done again (PS3.16 CID 9300, 110514).
    """
    statuses = {status for status, _ in performed}
    if PerformedStatus.IN_PROGRESS in statuses:
        return None
    if PerformedStatus.COMPLETED in statuses:
        return StepEvent.COMPLETE
    by_mistake = all(reason == WRONG_WORKLIST_ENTRY for _, reason in performed)
    return StepEvent.RELEASE if by_mistake else StepEvent.DISCONTINUE


def _meant(tx: Transaction, step: PerformedStep, reference: Reference) -> Reference:
    found = scheduling.find_referenced_steps(
        tx,
        reference.study_instance_uid,
        reference.accession_number,
        reference.scheduled_procedure_step_id,
    )
    if not found:
        named = reference.accession_number or reference.scheduled_procedure_step_id
        return replace(reference, remark=Remark.NOT_FOUND if named else Remark.UNSCHEDULED)
    # Two issuers may give one accession number to two patients.
    of_patient = [one for one in found if _may_be_of(step, one.details.patient)]
    if not of_patient:
        return replace(reference, remark=Remark.OTHER_PATIENT)
    if len(of_patient) > 1:
        return replace(reference, remark=Remark.AMBIGUOUS)
    return replace(reference, step_id=of_patient[0].id)


def _may_be_of(step: PerformedStep, patient: PatientDetails) -> bool:
    """Whether the modality names the scheduled patient, or leaves open whom."""
    issuers = {issuer for issuer in (step.issuer_of_patient_id, patient.issuer_of_patient_id) if issuer}
    return step.patient_id in ("", patient.patient_id) and len(issuers) < 2


def _started(tx: Transaction, reference: Reference) -> Reference:
    if reference.step_id is None:
        return reference
    if scheduling.record_progress(tx, reference.step_id, StepEvent.START) is not None:
        return replace(reference, remark=Remark.NOT_POSSIBLE)
    return reference
