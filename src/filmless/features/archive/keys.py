"""Every attribute that can be matched: its level, its column and its kind of matching.

A row here and a column make a new key. Not here: how a kind of attribute is matched (`matching`), how the
conditions of a query come together (`conditions`). Start at `KEYS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from filmless.features.archive import matching
from filmless.features.archive.date_matching import Clock
from filmless.features.archive.matching import Level, Matcher
from filmless.features.archive.patterns import Column
from filmless.features.archive.tables import instances, series, series_requests, studies
from filmless.features.patients.tables import patients


@dataclass(frozen=True, slots=True)
class Key:
    """One attribute that can be asked for.

    `indexed`: an index has its column, in order or as trigrams; `trigrams_in`: that of the full-text table.
    """

    level: Level
    column: Column
    matcher: Matcher
    indexed: bool = False
    trigrams_in: str = ""


def _of_patient(column: Column, matcher: Matcher, *, indexed: bool = False) -> Key:
    return Key(Level.PATIENT, column, matcher, indexed)


def _of_study(column: Column, matcher: Matcher, *, indexed: bool = False, trigrams_in: str = "") -> Key:
    return Key(Level.STUDY, column, matcher, indexed or bool(trigrams_in), trigrams_in)


def _of_series(column: Column, matcher: Matcher, *, indexed: bool = False) -> Key:
    return Key(Level.SERIES, column, matcher, indexed)


def _of_instance(column: Column, matcher: Matcher, *, indexed: bool = False) -> Key:
    return Key(Level.INSTANCE, column, matcher, indexed)


_held = studies.alias("studies_of_patient")


def _of_all_studies(total: sa.ColumnElement[int]) -> sa.ScalarSelect[int]:
    """A total over the studies of the patient in the outer query."""
    of_patient = sa.select(sa.func.coalesce(total, 0)).where(_held.c.patient_ref == patients.c.id)
    return of_patient.correlate(patients).scalar_subquery()


NUMBER_OF_PATIENT_RELATED = {
    "NumberOfPatientRelatedStudies": _of_all_studies(sa.func.count(_held.c.id)),
    "NumberOfPatientRelatedSeries": _of_all_studies(sa.func.sum(_held.c.number_of_series)),
    "NumberOfPatientRelatedInstances": _of_all_studies(sa.func.sum(_held.c.number_of_instances)),
}
"""Totals of a patient, as columns of a query that selects from patients."""

KEYS: Mapping[str, Key] = {
    "PatientID": _of_patient(patients.c.patient_id, matching.identifier, indexed=True),
    "IssuerOfPatientID": _of_patient(patients.c.issuer_of_patient_id, matching.identifier),
    "PatientName": _of_patient(
        patients.c.patient_name_key, matching.person_name(patients.c.patient_name_phonetic), indexed=True
    ),
    "PatientBirthDate": _of_patient(patients.c.patient_birth_date, matching.date, indexed=True),
    "PatientSex": _of_patient(patients.c.patient_sex, matching.code),
    **{name: _of_patient(total, matching.integer) for name, total in NUMBER_OF_PATIENT_RELATED.items()},
    "StudyInstanceUID": _of_study(studies.c.study_instance_uid, matching.uid_list, indexed=True),
    "StudyDate": _of_study(studies.c.study_date, matching.date, indexed=True),
    "StudyTime": _of_study(studies.c.study_time, matching.time),
    "AccessionNumber": _of_study(
        studies.c.accession_number, matching.identifier, trigrams_in="accession_number"
    ),
    "StudyID": _of_study(studies.c.study_id, matching.identifier),
    "StudyDescription": _of_study(
        studies.c.study_description_key, matching.description, trigrams_in="description"
    ),
    "ReferringPhysicianName": _of_study(
        studies.c.referring_physician_name_key,
        matching.person_name(None),
        trigrams_in="referring_physician_name",
    ),
    "ModalitiesInStudy": _of_study(studies.c.modalities_in_study, matching.one_of_many),
    "SOPClassesInStudy": _of_study(studies.c.sop_classes_in_study, matching.one_of_many),
    "NumberOfStudyRelatedSeries": _of_study(studies.c.number_of_series, matching.integer),
    "NumberOfStudyRelatedInstances": _of_study(studies.c.number_of_instances, matching.integer),
    "SeriesInstanceUID": _of_series(series.c.series_instance_uid, matching.uid_list, indexed=True),
    "Modality": _of_series(series.c.modality, matching.code),
    "SeriesNumber": _of_series(series.c.series_number, matching.integer),
    "SeriesDescription": _of_series(series.c.series_description_key, matching.description),
    "SeriesDate": _of_series(series.c.series_date, matching.date),
    "SeriesTime": _of_series(series.c.series_time, matching.time),
    "BodyPartExamined": _of_series(series.c.body_part_examined, matching.code),
    "Laterality": _of_series(series.c.laterality, matching.code),
    "ProtocolName": _of_series(series.c.protocol_name_key, matching.description),
    "StationName": _of_series(series.c.station_name, matching.identifier),
    "InstitutionName": _of_series(series.c.institution_name_key, matching.description),
    "PerformedProcedureStepStartDate": _of_series(
        series.c.performed_procedure_step_start_date, matching.date
    ),
    "PerformedProcedureStepStartTime": _of_series(
        series.c.performed_procedure_step_start_time, matching.time
    ),
    "NumberOfSeriesRelatedInstances": _of_series(series.c.number_of_instances, matching.integer),
    "SOPInstanceUID": _of_instance(instances.c.sop_instance_uid, matching.uid_list, indexed=True),
    "SOPClassUID": _of_instance(instances.c.sop_class_uid, matching.uid_list),
    "InstanceNumber": _of_instance(instances.c.instance_number, matching.integer),
    "Rows": _of_instance(instances.c.rows, matching.integer),
    "Columns": _of_instance(instances.c.columns, matching.integer),
    "BitsAllocated": _of_instance(instances.c.bits_allocated, matching.integer),
    "NumberOfFrames": _of_instance(instances.c.number_of_frames, matching.integer),
}
"""Every attribute that can be matched at the top of a data set, by its DICOM keyword."""

REQUEST_KEYS: Mapping[str, Key] = {
    "ScheduledProcedureStepID": _of_series(
        series_requests.c.scheduled_procedure_step_id, matching.identifier, indexed=True
    ),
    "RequestedProcedureID": _of_series(
        series_requests.c.requested_procedure_id, matching.identifier, indexed=True
    ),
    "AccessionNumber": _of_series(series_requests.c.accession_number, matching.identifier, indexed=True),
    "StudyInstanceUID": _of_series(series_requests.c.study_instance_uid, matching.uid_list),
}
ISSUER_KEYS: Mapping[str, Key] = {
    name: _of_study(studies.c.issuer_of_accession_number, matching.identifier)
    for name in ("LocalNamespaceEntityID", "UniversalEntityID")
}
SEQUENCES: Mapping[str, Mapping[str, Key]] = {
    "RequestAttributesSequence": REQUEST_KEYS,
    "IssuerOfAccessionNumberSequence": ISSUER_KEYS,
}
"""Keys inside the items of sequences, by the sequence's keyword."""

_OFFSET = studies.c.timezone_offset
CLOCKS: Mapping[tuple[str, str], Clock] = {
    ("StudyDate", "StudyTime"): Clock(studies.c.study_date, studies.c.study_time, _OFFSET),
    ("SeriesDate", "SeriesTime"): Clock(series.c.series_date, series.c.series_time, _OFFSET),
    ("PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime"): Clock(
        series.c.performed_procedure_step_start_date,
        series.c.performed_procedure_step_start_time,
        _OFFSET,
    ),
}
"""Attributes that are one moment together: they are combined, and moved between time zones."""
