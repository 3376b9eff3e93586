"""What the index tells about a patient, a study, a series and an instance. Pure values.

Dates and times are DICOM text (DA, TM), empty when unknown. `ref` is our row id and never leaves the house.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class PatientRow:
    """One patient, and how much there is of them."""

    ref: int
    patient_id: str
    issuer_of_patient_id: str
    patient_name: str
    patient_birth_date: str
    patient_sex: str
    number_of_patient_related_studies: int
    number_of_patient_related_series: int
    number_of_patient_related_instances: int


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One study and whose it is."""

    ref: int
    patient_ref: int
    study_instance_uid: str
    study_id: str
    study_date: str
    study_time: str
    accession_number: str
    study_description: str
    referring_physician_name: str
    modalities_in_study: tuple[str, ...]
    sop_classes_in_study: tuple[str, ...]
    number_of_series: int
    number_of_instances: int
    size_bytes: int
    received_at: datetime
    updated_at: datetime
    patient_id: str
    issuer_of_patient_id: str
    patient_name: str
    patient_birth_date: str
    patient_sex: str
    issuer_of_accession_number: str = ""
    timezone_offset: str = ""


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One series, with its study."""

    ref: int
    series_instance_uid: str
    modality: str
    series_number: int | None
    series_description: str
    body_part_examined: str
    station_name: str
    performed_procedure_step_start_date: str
    performed_procedure_step_start_time: str
    number_of_instances: int
    size_bytes: int
    received_at: datetime
    updated_at: datetime
    series_date: str
    series_time: str
    laterality: str
    protocol_name: str
    institution_name: str
    study: StudyRow


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """One instance: what it is, and where its bytes are. `data_set_offset` counts from the object's start."""

    ref: int
    series_ref: int
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    instance_number: int | None
    rows: int | None
    columns: int | None
    bits_allocated: int | None
    number_of_frames: int | None
    object_id: str
    object_bytes: int
    data_set_offset: int
    patient_ref: int


@dataclass(frozen=True, slots=True)
class FoundInstance:
    """One instance that a query found, with its series and study."""

    instance: InstanceRow
    series: SeriesRow


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some of the rows that match. `total` stops counting at MATCHES_COUNTED_MAX; then it is not exact."""

    rows: list[Row]
    total: int
    total_is_exact: bool
