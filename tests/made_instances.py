"""DICOM files made for the tests of the archive's reading side, and how they get in."""

import io
from pathlib import Path
from typing import Any

import numpy
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from filmless.features.access import Actor
from filmless.features.access.model import Permission, system_actor
from filmless.features.archive import Archive, StoreOutcome, receive_part10

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"

READER = system_actor("reader")
NOBODY = Actor(READER.kind, "nobody", "", frozenset(Permission) - {Permission.STUDIES_READ})


def made_instance(number: int = 1, series: int = 1, study: int = 1, **attributes: Any) -> bytes:
    """A small CT slice as a DICOM file; `attributes` by DICOM keyword replace what it has."""
    dataset = FileDataset(None, {}, file_meta=FileMetaDataset(), preamble=b"\0" * 128)
    dataset.SOPClassUID = CT_IMAGE_STORAGE
    dataset.StudyInstanceUID = f"1.2.3.{study}"
    dataset.SeriesInstanceUID = f"1.2.3.{study}.{series}"
    dataset.SOPInstanceUID = f"1.2.3.{study}.{series}.{number}"
    dataset.PatientName, dataset.PatientID = "Muster^Erika", "P1"
    dataset.PatientBirthDate, dataset.PatientSex = "19700101", "F"
    dataset.StudyDate, dataset.StudyTime = "20260130", "101500"
    dataset.AccessionNumber, dataset.StudyID = f"A{study}", f"S{study}"
    dataset.StudyDescription, dataset.ReferringPhysicianName = "Thorax nativ", "Haus^Gregor"
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "CT", series, number
    dataset.SeriesDescription = f"Series {series}"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 4, 6, 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelData = numpy.arange(24, dtype="<u2").tobytes()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    file = io.BytesIO()
    pydicom.dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def store(archive: Archive, *files: bytes) -> list[StoreOutcome]:
    """Receive the files as an import does."""
    return [receive_part10(archive, system_actor("test"), "TEST", [file]) for file in files]


def pydicom_files() -> list[Any]:
    """pydicom's own test files that are DICOM instances, as parameters of a test."""
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    paths = sorted(folder.rglob("*.dcm"))
    return [pytest.param(path, id=str(path.relative_to(folder))) for path in paths]
