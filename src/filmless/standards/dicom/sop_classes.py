"""SOP classes: what kinds of things are stored, asked for and reported (PS3.4).

Not here: who may send what (`features.nodes`). To accept a new storage class, add a row to
PRIVATE_STORAGE, or run tools/generate_dicom_tables.py when the standard has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from filmless.standards.dicom import sop_class_table

VERIFICATION = "1.2.840.10008.1.1"
STORAGE_COMMITMENT_PUSH_MODEL = "1.2.840.10008.1.20.1"
MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"

PATIENT_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.1.1"
PATIENT_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.1.2"
PATIENT_ROOT_GET = "1.2.840.10008.5.1.4.1.2.1.3"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"
PATIENT_STUDY_ONLY_FIND = "1.2.840.10008.5.1.4.1.2.3.1"
PATIENT_STUDY_ONLY_MOVE = "1.2.840.10008.5.1.4.1.2.3.2"
PATIENT_STUDY_ONLY_GET = "1.2.840.10008.5.1.4.1.2.3.3"

MODALITY_WORKLIST_FIND = "1.2.840.10008.5.1.4.31"
MODALITY_PERFORMED_PROCEDURE_STEP = "1.2.840.10008.3.1.2.3.3"
MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE = "1.2.840.10008.3.1.2.3.4"
MODALITY_PERFORMED_PROCEDURE_STEP_NOTIFICATION = "1.2.840.10008.3.1.2.3.5"
INSTANCE_AVAILABILITY_NOTIFICATION = "1.2.840.10008.5.1.4.33"
UPS_PUSH = "1.2.840.10008.5.1.4.34.6.1"
UPS_WATCH = "1.2.840.10008.5.1.4.34.6.2"
UPS_PULL = "1.2.840.10008.5.1.4.34.6.3"
UPS_EVENT = "1.2.840.10008.5.1.4.34.6.4"
UPS_QUERY = "1.2.840.10008.5.1.4.34.6.5"

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
SECONDARY_CAPTURE_IMAGE = "1.2.840.10008.5.1.4.1.1.7"
KEY_OBJECT_SELECTION_DOCUMENT = "1.2.840.10008.5.1.4.1.1.88.59"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
GRAYSCALE_SOFTCOPY_PRESENTATION_STATE = "1.2.840.10008.5.1.4.1.1.11.1"

# Vendors' own classes that ordinary scanners send along with the images.
PRIVATE_STORAGE: Mapping[str, str] = MappingProxyType(
    {
        "1.2.124.113532.3500.7": "Agfa Basic Attribute Presentation State Storage",
        "1.2.276.0.48.5.1.4.1.1.7": "TomTec Annotation Storage",
        "1.2.392.200036.9125.1.1.2": "Fuji CR Image Storage",
        "1.2.840.113619.4.2": "GE DICOM MR Image Info Object",
        "1.2.840.113619.4.3": "GE DICOM CT Image Info Object",
        "1.2.840.113619.4.4": "GE DICOM Display Image Info Object",
        "1.2.840.113619.4.5.249": "GE RT Plan Storage",
        "1.2.840.113619.4.26": "GE 3D Model Storage",
        "1.2.840.113619.4.27": "GE eNTEGRA Protocol or NM Genie Storage",
        "1.2.840.113619.4.30": "GE PET Raw Data Storage",
        "1.3.12.2.1107.5.9.1": "Siemens CSA Non-Image Storage",
        "1.3.12.2.1107.5.99.3.10": "Siemens CT MR Volume Storage",
        "1.3.12.2.1107.5.99.3.11": "Siemens AX Frame Sets Storage",
        "1.3.46.670589.2.3.1.1": "Philips Specialised XA Storage",
        "1.3.46.670589.2.4.1.1": "Philips CX Image Storage",
        "1.3.46.670589.2.5.1.1": "Philips 3D Presentation State Storage",
        "1.3.46.670589.2.8.1.1": "Philips VRML Storage",
        "1.3.46.670589.2.11.1.1": "Philips Volume Set Storage",
        "1.3.46.670589.5.0.1": "Philips Volume Storage (Retired)",
        "1.3.46.670589.5.0.1.1": "Philips Volume Storage",
    }
)

STORAGE_SOP_CLASSES: Mapping[str, str] = MappingProxyType({**sop_class_table.STORAGE, **PRIVATE_STORAGE})
"""Every storage SOP class of the standard, current and retired, and well-known private ones: UID to name."""


def is_storage(sop_class_uid: str) -> bool:
    """Whether instances of this class are stored with C-STORE."""
    return sop_class_uid in STORAGE_SOP_CLASSES


def sop_class_name(sop_class_uid: str) -> str:
    """The name of the class in the standard; the UID itself when nobody knows it."""
    known = STORAGE_SOP_CLASSES.get(sop_class_uid) or sop_class_table.OTHER.get(sop_class_uid)
    return known or sop_class_uid
