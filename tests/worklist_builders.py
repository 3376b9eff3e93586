"""Scheduled steps, worklist queries and lists of performed attributes for tests; only what matters is said.

Synthetic people only. Not here: pydicom; these are data sets of ours.
"""

from dataclasses import fields, replace
from typing import Any

from filmless.features.access import system_actor
from filmless.features.scheduling import (
    Code,
    ImagingRequest,
    NewStep,
    PatientDetails,
    RequestedProcedure,
    StepDetails,
)
from filmless.standards.dicom.data_set import DataSet
from filmless.standards.dicom.dictionary import tag_of

DESK = system_actor("test desk")
HEAD_CT = Code("CTHEAD", "99LOCAL", "CT head")

_PLAIN = NewStep(
    PatientDetails(
        "Probe^Maria",
        "P-1",
        "TESTS",
        "19700102",
        "F",
        "61.5",
        "1.68",
        "walks",
        1,
        "pacemaker",
        "iodine",
        "wheelchair",
        "none to be told",
    ),
    ImagingRequest("ACC-1", "RIS", "Asker^Anna", "Sender^Sam", "PL-1", "FI-1", "V-1", "HOSPITAL", "Ward 3"),
    RequestedProcedure(
        "RP-1",
        "CT head",
        (HEAD_CT,),
        "1.2.826.0.1.3680043.10.1000.77",
        "ROUTINE",
        "WALK",
        "headache",
        "left side",
    ),
    StepDetails(
        "CT",
        ("CT1",),
        "20260131",
        "101500",
        "SPS-1",
        "CTROOM1",
        "ROOM 1",
        "Reader^Rita",
        "head plain",
        (Code("HEADPLAIN", "99LOCAL", "Head plain"),),
        "none",
        "none",
        "be kind",
        "HEAD",
        "",
    ),
)


def a_step(**changes: Any) -> NewStep:
    """A step with every attribute; `changes` by field name, whichever part it is in."""
    parts = {}
    for part in ("patient", "request", "procedure", "step"):
        names = {field.name for field in fields(getattr(_PLAIN, part))}
        mine = {name: changes.pop(name) for name in list(changes) if name in names}
        parts[part] = replace(getattr(_PLAIN, part), **mine)
    return replace(_PLAIN, **parts, **changes)


def another_step(number: int, **changes: Any) -> NewStep:
    """A step of its own request, procedure and patient."""
    own = {
        "patient_id": f"P-{number}",
        "accession_number": f"ACC-{number}",
        "requested_procedure_id": f"RP-{number}",
        "scheduled_procedure_step_id": f"SPS-{number}",
        "study_instance_uid": f"1.2.826.0.1.3680043.10.1000.77.{number}",
    }
    return a_step(**{**own, **changes})


def data_set(_items: dict[str, Any] | None = None, **values: Any) -> DataSet:
    """A data set from keywords; a list of dicts makes a sequence."""
    made = DataSet()
    for keyword, value in {**(_items or {}), **values}.items():
        tag = tag_of(keyword)
        assert tag is not None, keyword
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            made.set_items(tag, [data_set(item) for item in value])
        else:
            made.set(tag, value)
    return made


def query(_step: dict[str, Any] | None = None, **root: Any) -> DataSet:
    """A worklist query: root keys, and keys of Scheduled Procedure Step Sequence."""
    keys = data_set(**root)
    if _step is not None:
        keys.set_items(0x00400100, [data_set(_step)])
    return keys


def started(**changes: Any) -> DataSet:
    """The attribute list of an N-CREATE that refers to `a_step`."""
    reference = {
        "StudyInstanceUID": "1.2.826.0.1.3680043.10.1000.77",
        "ReferencedStudySequence": [],
        "AccessionNumber": "ACC-1",
        "RequestedProcedureID": "RP-1",
        "RequestedProcedureDescription": "CT head",
        "ScheduledProcedureStepID": "SPS-1",
        "ScheduledProcedureStepDescription": "head plain",
        "ScheduledProtocolCodeSequence": [],
    }
    values: dict[str, Any] = {
        "ScheduledStepAttributesSequence": [reference],
        "PatientName": "Probe^Maria",
        "PatientID": "P-1",
        "PatientBirthDate": "19700102",
        "PatientSex": "F",
        "ReferencedPatientSequence": [],
        "PerformedProcedureStepID": "PPS-1",
        "PerformedStationAETitle": "CT1",
        "PerformedStationName": "CTROOM1",
        "PerformedLocation": "",
        "PerformedProcedureStepStartDate": "20260131",
        "PerformedProcedureStepStartTime": "102000",
        "PerformedProcedureStepStatus": "IN PROGRESS",
        "PerformedProcedureStepDescription": "head",
        "PerformedProcedureTypeDescription": "",
        "ProcedureCodeSequence": [],
        "PerformedProcedureStepEndDate": "",
        "PerformedProcedureStepEndTime": "",
        "PerformedProcedureStepDiscontinuationReasonCodeSequence": [],
        "Modality": "CT",
        "StudyID": "S1",
        "PerformedProtocolCodeSequence": [],
        "PerformedSeriesSequence": [],
    }
    for keyword, value in changes.items():
        if value is None:
            values.pop(keyword)
        else:
            values[keyword] = value
    return data_set(values)


def referring(**changes: str) -> list[dict[str, Any]]:
    """Scheduled Step Attributes Sequence with other identifiers than those of `a_step`."""
    plain = {
        "StudyInstanceUID": "1.2.826.0.1.3680043.10.1000.77",
        "AccessionNumber": "ACC-1",
        "RequestedProcedureID": "RP-1",
        "ScheduledProcedureStepID": "SPS-1",
    }
    return [{**plain, **changes}]


def a_series(number: int = 1, images: int = 2, **changes: Any) -> dict[str, Any]:
    """One item of Performed Series Sequence."""
    return {
        "PerformingPhysicianName": "",
        "ProtocolName": "HEAD",
        "OperatorsName": "Technic^Tom",
        "SeriesInstanceUID": f"1.2.3.{number}",
        "SeriesDescription": "axial",
        "RetrieveAETitle": "",
        "ReferencedImageSequence": [
            {
                "ReferencedSOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
                "ReferencedSOPInstanceUID": f"1.2.3.{number}.{image}",
            }
            for image in range(1, images + 1)
        ],
        "ReferencedNonImageCompositeSOPInstanceSequence": [],
        **changes,
    }


def ended(status: str = "COMPLETED", reason: str = "", **changes: Any) -> DataSet:
    """The modification list of an N-SET that ends a step."""
    values: dict[str, Any] = {
        "PerformedProcedureStepStatus": status,
        "PerformedProcedureStepEndDate": "20260131",
        "PerformedProcedureStepEndTime": "103000",
        "PerformedSeriesSequence": [a_series()],
        **changes,
    }
    if reason:
        code = {"CodeValue": reason, "CodingSchemeDesignator": "DCM", "CodeMeaning": "reason"}
        values["PerformedProcedureStepDiscontinuationReasonCodeSequence"] = [code]
    return data_set({keyword: value for keyword, value in values.items() if value is not None})
