"""Small DICOM files for tests: defaults sane, only what matters is said. Synthetic people only."""

import io
from typing import Any

import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

from filmless.features.archive import ReceiveContext

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
IMPLICIT_LE = "1.2.840.10008.1.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
ROOT = "1.2.826.0.1.3680043.10.1000"


def a_ct_slice(number: int = 1, *, series: int = 1, study: int = 1, **changes: Any) -> Dataset:
    """A CT slice of a synthetic patient; `changes` are attributes by keyword, None removes one."""
    slice_ = Dataset()
    slice_.SpecificCharacterSet = "ISO_IR 192"
    slice_.SOPClassUID = CT_IMAGE_STORAGE
    slice_.SOPInstanceUID = f"{ROOT}.{study}.{series}.{number}"
    slice_.StudyInstanceUID = f"{ROOT}.{study}"
    slice_.SeriesInstanceUID = f"{ROOT}.{study}.{series}"
    slice_.StudyDate = "20260131"
    slice_.StudyTime = "101500"
    slice_.StudyID = "S1"
    slice_.AccessionNumber = f"ACC{study}"
    slice_.Modality = "CT"
    slice_.StudyDescription = "CT Kopf"
    slice_.SeriesDescription = "axial"
    slice_.ReferringPhysicianName = "Tester^Überweisung"
    slice_.PatientName = "Synthetic^Müller"
    slice_.PatientID = "TEST-1"
    slice_.IssuerOfPatientID = "TESTS"
    slice_.PatientBirthDate = "19700102"
    slice_.PatientSex = "O"
    slice_.SeriesNumber = series
    slice_.InstanceNumber = number
    slice_.Rows = slice_.Columns = 8
    slice_.SamplesPerPixel = 1
    slice_.PhotometricInterpretation = "MONOCHROME2"
    slice_.BitsAllocated = slice_.BitsStored = 16
    slice_.HighBit = 15
    slice_.PixelRepresentation = 0
    slice_.PixelData = bytes(range(128))
    for keyword, value in changes.items():
        if value is None:
            del slice_[keyword]
        else:
            setattr(slice_, keyword, value)
    return slice_


def part10(data_set: Dataset, transfer_syntax_uid: str = EXPLICIT_LE) -> bytes:
    """The data set as a DICOM file."""
    file = io.BytesIO()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data_set.get("SOPClassUID", CT_IMAGE_STORAGE)
    meta.MediaStorageSOPInstanceUID = data_set.get("SOPInstanceUID", f"{ROOT}.9")
    meta.TransferSyntaxUID = transfer_syntax_uid
    whole = FileDataset(file, dict(data_set), file_meta=meta, preamble=b"\0" * 128)
    pydicom.dcmwrite(file, whole, enforce_file_format=True)
    return file.getvalue()


def encoded(data_set: Dataset, transfer_syntax_uid: str = EXPLICIT_LE) -> bytes:
    """The data set alone, as it travels in a C-STORE."""
    whole = part10(data_set, transfer_syntax_uid)
    return whole[144 + int.from_bytes(whole[140:144], "little") :]


def announced(data_set: Dataset, transfer_syntax_uid: str = EXPLICIT_LE) -> ReceiveContext:
    """What a C-STORE command says before this data set."""
    return ReceiveContext(
        data_set.SOPClassUID, data_set.SOPInstanceUID, transfer_syntax_uid, "TESTMODALITY", "FILMLESS"
    )
