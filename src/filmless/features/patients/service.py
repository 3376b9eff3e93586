"""The verbs of patients."""

from dataclasses import replace

from filmless.features.patients import repository
from filmless.features.patients.model import Demographics, Patient
from filmless.infra.database import Transaction
from filmless.standards.dicom.person_name import parse_person_name


def identify_or_register(tx: Transaction, demographics: Demographics, study_instance_uid: str) -> Patient:
    """The patient with this ID and issuer as held, or a new one; the caller compares the demographics.

    Without a Patient ID nobody can be recognised: the patient is then scoped to the study.
    """
    scope = "" if demographics.patient_id else study_instance_uid
    identity = (demographics.patient_id, demographics.issuer_of_patient_id, scope)
    held = repository.find_by_identity(tx, *identity)
    if held is not None:
        return held
    ref = repository.insert(tx, demographics, _name_key(demographics), scope)
    if ref is not None:
        return Patient(ref, demographics)
    held = repository.find_by_identity(tx, *identity)
    assert held is not None  # The insert met a conflict, so the row is there and committed.
    return held


def complete_demographics(tx: Transaction, held: Patient, received: Demographics) -> None:
    """Fill in what was unknown of a patient (name, birth date, sex); nothing known is overwritten."""
    known = held.demographics
    completed = replace(
        known,
        patient_name=known.patient_name or received.patient_name,
        patient_birth_date=known.patient_birth_date or received.patient_birth_date,
        patient_sex=known.patient_sex or received.patient_sex,
    )
    if completed != known:
        repository.update(tx, Patient(held.ref, completed), _name_key(completed))


def _name_key(demographics: Demographics) -> str:
    return parse_person_name(demographics.patient_name).matching_key()
