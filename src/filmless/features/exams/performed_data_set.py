"""What we look for in the data set of a performed step: its columns, references and series. Pure.

Start at `performed_step_of`.
"""

from __future__ import annotations

from datetime import datetime

from filmless.features.exams.attribute_rules import PERFORMED_SERIES, RULES, STATUS
from filmless.features.exams.model import PerformedSeries, PerformedStatus, PerformedStep, Reference
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet

_TAGS = {rule.keyword: rule.tag for rule in (*RULES, *(item for rule in RULES for item in rule.items))}
_CODE_VALUE = 0x00080100
_INSTANCES = ("ReferencedImageSequence", "ReferencedNonImageCompositeSOPInstanceSequence")

_COLUMNS = {
    "performed_procedure_step_id": "PerformedProcedureStepID",
    "modality": "Modality",
    "performed_station_ae_title": "PerformedStationAETitle",
    "performed_station_name": "PerformedStationName",
    "start_date": "PerformedProcedureStepStartDate",
    "start_time": "PerformedProcedureStepStartTime",
    "end_date": "PerformedProcedureStepEndDate",
    "end_time": "PerformedProcedureStepEndTime",
    "description": "PerformedProcedureStepDescription",
    "patient_id": "PatientID",
    "issuer_of_patient_id": "IssuerOfPatientID",
    "patient_name": "PatientName",
    "patient_birth_date": "PatientBirthDate",
    "patient_sex": "PatientSex",
}


def performed_step_of(
    sop_instance_uid: str, data_set: DataSet, calling_ae_title: str, at: datetime
) -> PerformedStep:
    """The step that a whole and checked data set describes; references are not yet followed."""
    series_list = _series_in(data_set)
    texts = {field: data_set.text(_TAGS[keyword]) for field, keyword in _COLUMNS.items()}
    return PerformedStep(
        sop_instance_uid=sop_instance_uid,
        status=PerformedStatus(data_set.text(STATUS)),
        discontinuation_reason=discontinuation_reason_in(data_set),
        number_of_series=len(series_list),
        number_of_instances=sum(len(series.instances) for series in series_list),
        calling_ae_title=calling_ae_title,
        created_at=at,
        updated_at=at,
        references=tuple(
            Reference(
                item.text(tags.STUDY_INSTANCE_UID),
                item.text(tags.ACCESSION_NUMBER),
                item.text(tags.REQUESTED_PROCEDURE_ID),
                item.text(tags.SCHEDULED_PROCEDURE_STEP_ID),
            )
            for item in data_set.items(_TAGS["ScheduledStepAttributesSequence"])
        ),
        series_list=series_list,
        **texts,
    )


def discontinuation_reason_in(data_set: DataSet) -> str:
    """The code value of Performed Procedure Step Discontinuation Reason; "" when there is none."""
    codes = data_set.items(_TAGS["PerformedProcedureStepDiscontinuationReasonCodeSequence"])
    return codes[0].text(_CODE_VALUE) if codes else ""


def _series_in(data_set: DataSet) -> tuple[PerformedSeries, ...]:
    """One for each series UID: some modalities list a series once for each protocol."""
    found: dict[str, PerformedSeries] = {}
    for item in data_set.items(PERFORMED_SERIES):
        uid = item.text(tags.SERIES_INSTANCE_UID)
        instances = {
            made.text(tags.REFERENCED_SOP_INSTANCE_UID): made.text(tags.REFERENCED_SOP_CLASS_UID)
            for keyword in _INSTANCES
            for made in item.items(_TAGS[keyword])
        }
        pairs = tuple((sop_class, instance) for instance, sop_class in instances.items())
        held = found.get(uid)
        found[uid] = PerformedSeries(
            uid,
            item.text(tags.SERIES_DESCRIPTION) if held is None else held.series_description,
            item.text(tags.PROTOCOL_NAME) if held is None else held.protocol_name,
            pairs if held is None else tuple(dict.fromkeys(held.instances + pairs)),
        )
    return tuple(found.values())
