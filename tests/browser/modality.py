"""A modality, by pynetdicom: asks for the worklist, reports what it performs, as DICOM has it.

Not here: sending images (`screens.send`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from bench.filmless_server import Filmless
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, Association
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    ModalityPerformedProcedureStep,
    ModalityWorklistInformationFind,
)

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"


@contextmanager
def _association(server: Filmless) -> Iterator[Association]:
    ae = AE(ae_title="CT1")
    ae.add_requested_context(ModalityWorklistInformationFind)
    ae.add_requested_context(ModalityPerformedProcedureStep)
    association = ae.associate(*server.dicom_address, ae_title=server.ae_title)
    assert association.is_established
    yield association
    association.release()


def worklist_of(server: Filmless, **keys: str) -> list[Dataset]:
    """What the modality is told of the worklist; `keys` are matching keys of the root."""
    asked = Dataset()
    for keyword in (
        "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber",
        "RequestedProcedureID", "RequestedProcedureDescription", "StudyInstanceUID",
        "ReferringPhysicianName", "RequestedProcedurePriority", "Allergies",
    ):  # fmt: skip
        setattr(asked, keyword, keys.get(keyword, ""))
    step = Dataset()
    step.ScheduledProcedureStepID = step.Modality = step.ScheduledStationAETitle = ""
    step.ScheduledProcedureStepStartDate = step.ScheduledProcedureStepStartTime = ""
    step.ScheduledProcedureStepDescription = ""
    asked.ScheduledProcedureStepSequence = [step]
    with _association(server) as association:
        responses = list(association.send_c_find(asked, ModalityWorklistInformationFind))
    assert responses[-1][0].Status == 0x0000
    return [identifier for _, identifier in responses[:-1] if identifier is not None]


def begin(server: Filmless, entry: Dataset | None = None, **changes: Any) -> str:
    """N-CREATE for an entry of the worklist, or for nothing that was scheduled; its SOP Instance UID."""
    now = datetime.now()  # noqa: DTZ005 - DICOM dates are those of the wall clock.
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    made.PerformedProcedureStepID = "PPS1"
    made.PerformedStationAETitle, made.PerformedStationName, made.PerformedLocation = "CT1", "CT room", ""
    made.PerformedProcedureStepStartDate = now.strftime("%Y%m%d")
    made.PerformedProcedureStepStartTime = now.strftime("%H%M%S")
    made.PerformedProcedureStepStatus = "IN PROGRESS"
    made.PerformedProcedureStepDescription, made.PerformedProcedureTypeDescription = "Head plain", ""
    made.ProcedureCodeSequence = []
    made.PerformedProcedureStepEndDate = made.PerformedProcedureStepEndTime = None
    made.PatientName, made.PatientID = "Walk^Ines", "W-1"
    made.PatientBirthDate = made.PatientSex = ""
    made.ReferencedPatientSequence = []
    reference = Dataset()
    reference.StudyInstanceUID = generate_uid()
    reference.ReferencedStudySequence = []
    reference.AccessionNumber = reference.RequestedProcedureID = reference.ScheduledProcedureStepID = ""
    reference.RequestedProcedureDescription = reference.ScheduledProcedureStepDescription = ""
    reference.ScheduledProtocolCodeSequence = []
    if entry is not None:
        made.PatientName, made.PatientID = entry.PatientName, entry.PatientID
        reference.StudyInstanceUID = entry.StudyInstanceUID
        reference.AccessionNumber = entry.AccessionNumber
        reference.RequestedProcedureID = entry.RequestedProcedureID
        scheduled = entry.ScheduledProcedureStepSequence[0]
        reference.ScheduledProcedureStepID = scheduled.ScheduledProcedureStepID
    made.ScheduledStepAttributesSequence = [reference]
    made.Modality, made.StudyID = "CT", "S1"
    made.PerformedProtocolCodeSequence = made.PerformedSeriesSequence = []
    for keyword, value in changes.items():
        setattr(made, keyword, value)
    uid = generate_uid()
    with _association(server) as association:
        status, _ = association.send_n_create(made, ModalityPerformedProcedureStep, uid)
    assert status.Status == 0x0000
    return str(uid)


def end(server: Filmless, uid: str, images: list[tuple[str, list[str]]], reason: str = "") -> None:
    """N-SET to COMPLETED, or with a `reason` of CID 9300 to DISCONTINUED. `images`: UIDs by series."""
    now = datetime.now()  # noqa: DTZ005 - As above.
    changes = Dataset()
    changes.PerformedProcedureStepStatus = "DISCONTINUED" if reason else "COMPLETED"
    changes.PerformedProcedureStepEndDate = now.strftime("%Y%m%d")
    changes.PerformedProcedureStepEndTime = now.strftime("%H%M%S")
    if reason:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = reason, "DCM", "a reason"
        changes.PerformedProcedureStepDiscontinuationReasonCodeSequence = [code]
    changes.PerformedSeriesSequence = [_series(series_uid, uids) for series_uid, uids in images]
    with _association(server) as association:
        status, _ = association.send_n_set(changes, ModalityPerformedProcedureStep, uid)
    assert status.Status == 0x0000


def _series(series_uid: str, instance_uids: list[str]) -> Dataset:
    series = Dataset()
    series.PerformingPhysicianName = series.OperatorsName = ""
    series.SeriesDescription, series.ProtocolName = "axial", "HEAD"
    series.SeriesInstanceUID, series.RetrieveAETitle = series_uid, "FILMLESS"
    series.ReferencedImageSequence = []
    for uid in instance_uids:
        image = Dataset()
        image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = CT_IMAGE, uid
        series.ReferencedImageSequence.append(image)
    series.ReferencedNonImageCompositeSOPInstanceSequence = []
    return series
