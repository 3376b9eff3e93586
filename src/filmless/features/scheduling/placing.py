"""Where a new step belongs: a request and a procedure that are there already, or new ones; and its numbers.

Accession number and Study Instance UID are unique in the database, so two desks that schedule at once cannot
give one number twice. Start at `place_step`.
"""

from __future__ import annotations

from dataclasses import replace

from filmless.features.scheduling import repository
from filmless.features.scheduling.errors import NumberTaken, StepExists
from filmless.features.scheduling.model import NewStep, RequestedProcedure
from filmless.infra.database import Transaction
from filmless.standards.dicom.uids import new_uid

NUMBERS_TRIED_MAX = (
    1000  # So many numbers in a row taken by others' orders: the counter is not ours any more.
)


def place_step(tx: Transaction, new: NewStep) -> str:
    """Add the checked step, with request and procedure if need be; its row id. Raises NumberTaken."""
    request_ref = _place_request(tx, new)
    procedure_ref = _place_procedure(tx, request_ref, new)
    return _add_step(tx, procedure_ref, new)


def _place_request(tx: Transaction, new: NewStep) -> str:
    request, patient = new.request, new.patient
    if not request.accession_number:
        for _ in range(NUMBERS_TRIED_MAX):
            numbered = replace(request, accession_number=_number(tx, "A"))
            if (made := repository.insert_request(tx, patient, numbered)) is not None:
                return made
        raise NumberTaken("The next accession numbers are all taken. Tell the administrator.")
    made = repository.insert_request(tx, patient, request)
    if made is not None:
        return made
    issuer = request.issuer_of_accession_number
    held = repository.find_request(tx, request.accession_number, issuer)
    assert held is not None  # The insert met it.
    if held[1:] != (patient.patient_id, patient.issuer_of_patient_id):
        raise NumberTaken("The accession number belongs to another patient's request.")
    return held[0]


def _place_procedure(tx: Transaction, request_ref: str, new: NewStep) -> str:
    asked = new.procedure
    if asked.study_instance_uid:
        held = repository.find_procedure(tx, study_instance_uid=asked.study_instance_uid)
        if held is not None:
            return _same_procedure(held, request_ref, new)
    if asked.requested_procedure_id:
        held = repository.find_procedure(
            tx, request_ref=request_ref, procedure_id=asked.requested_procedure_id
        )
        if held is not None:
            return _same_procedure(held, request_ref, new)
    made = repository.insert_procedure(
        tx,
        request_ref,
        replace(
            asked,
            requested_procedure_id=asked.requested_procedure_id or _number(tx, "P"),
            study_instance_uid=asked.study_instance_uid or new_uid(),
        ),
    )
    if made is None:  # Somebody else placed it between our look and our insert.
        raise NumberTaken("The procedure was just scheduled by somebody else. Try again.")
    return made


def _same_procedure(held: tuple[str, str, RequestedProcedure], request_ref: str, new: NewStep) -> str:
    procedure_ref, request_of_held, procedure = held
    asked = new.procedure
    if (
        request_of_held != request_ref
        or asked.study_instance_uid not in ("", procedure.study_instance_uid)
        or asked.requested_procedure_id not in ("", procedure.requested_procedure_id)
    ):
        raise NumberTaken("The Study Instance UID or Requested Procedure ID belongs to another procedure.")
    return procedure_ref


def _add_step(tx: Transaction, procedure_ref: str, new: NewStep) -> str:
    step, procedure = new.step, new.procedure
    if not step.description and not step.scheduled_protocol_codes:
        step = replace(
            step,
            description=procedure.requested_procedure_description,
            scheduled_protocol_codes=procedure.requested_procedure_codes,
        )
    named = step.scheduled_procedure_step_id or _number(tx, "S")
    step = replace(step, scheduled_procedure_step_id=named)
    made = repository.insert_step(tx, procedure_ref, replace(new, step=step))
    if made is None:
        raise StepExists("The procedure has a step with that Scheduled Procedure Step ID already.")
    return made


def _number(tx: Transaction, kind: str) -> str:
    """A number of ours: a letter, the year, a counter. 16 characters (VR SH) are never reached."""
    year = f"{tx.now.year % 100:02}"
    return f"{kind}{year}{repository.next_number(tx, kind + year):07}"
