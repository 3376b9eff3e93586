"""SOP classes beside pydicom's dictionary."""

from __future__ import annotations

import pytest
from pydicom._uid_dict import UID_dictionary

from filmless.standards.dicom import sop_classes
from filmless.standards.dicom.sop_classes import STORAGE_SOP_CLASSES, is_storage, sop_class_name
from filmless.standards.dicom.uids import is_valid_uid


def test_every_storage_class_of_the_standard_is_stored() -> None:
    named = {
        uid
        for uid, (name, kind, *_) in UID_dictionary.items()
        if kind == "SOP Class" and "Storage" in name and "Commitment" not in name
    }
    assert named - {sop_classes.MEDIA_STORAGE_DIRECTORY} <= set(STORAGE_SOP_CLASSES)
    assert len(STORAGE_SOP_CLASSES) > 200


@pytest.mark.parametrize(
    ("ours", "keyword"),
    [
        (sop_classes.VERIFICATION, "Verification"),
        (sop_classes.STUDY_ROOT_FIND, "StudyRootQueryRetrieveInformationModelFind"),
        (sop_classes.PATIENT_ROOT_MOVE, "PatientRootQueryRetrieveInformationModelMove"),
        (sop_classes.STUDY_ROOT_GET, "StudyRootQueryRetrieveInformationModelGet"),
        (sop_classes.MODALITY_WORKLIST_FIND, "ModalityWorklistInformationModelFind"),
        (sop_classes.MODALITY_PERFORMED_PROCEDURE_STEP, "ModalityPerformedProcedureStep"),
        (sop_classes.STORAGE_COMMITMENT_PUSH_MODEL, "StorageCommitmentPushModel"),
        (sop_classes.INSTANCE_AVAILABILITY_NOTIFICATION, "InstanceAvailabilityNotification"),
        (sop_classes.CT_IMAGE, "CTImageStorage"),
        (sop_classes.ENCAPSULATED_PDF, "EncapsulatedPDFStorage"),
        (sop_classes.KEY_OBJECT_SELECTION_DOCUMENT, "KeyObjectSelectionDocumentStorage"),
    ],
)
def test_constants_are_what_their_names_say(ours: str, keyword: str) -> None:
    assert UID_dictionary[ours][4] == keyword


def test_services_are_not_storage() -> None:
    for uid in (
        sop_classes.VERIFICATION,
        sop_classes.STUDY_ROOT_FIND,
        sop_classes.STORAGE_COMMITMENT_PUSH_MODEL,
    ):
        assert not is_storage(uid)
    assert is_storage(sop_classes.CT_IMAGE)


def test_names_are_for_people() -> None:
    assert sop_class_name(sop_classes.CT_IMAGE) == "CT Image Storage"
    assert sop_class_name(sop_classes.VERIFICATION) == "Verification"
    assert sop_class_name("1.2.3") == "1.2.3"
    assert all(is_valid_uid(uid) and name for uid, name in STORAGE_SOP_CLASSES.items())
