"""Facts that scheduling announces."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepScheduled:
    """A step was put into the worklist. `start_at`: ISO 8601, the department's own time, without offset."""

    step_id: str
    patient_id: str
    issuer_of_patient_id: str
    modality: str
    body_part: str
    laterality: str
    procedure_description: str
    start_at: str
    accession_number: str
    study_instance_uid: str


@dataclass(frozen=True, slots=True)
class StepChanged:
    """A step was changed or went on to another status."""

    step_id: str
    study_instance_uid: str
    status: str


@dataclass(frozen=True, slots=True)
class StepCancelled:
    """A step will not be done."""

    step_id: str
    study_instance_uid: str
    accession_number: str


@dataclass(frozen=True, slots=True)
class PatientArrived:
    """The patient of a step is here; same words as StepScheduled."""

    step_id: str
    patient_id: str
    issuer_of_patient_id: str
    modality: str
    body_part: str
    laterality: str
    procedure_description: str
    start_at: str
    accession_number: str
    study_instance_uid: str
