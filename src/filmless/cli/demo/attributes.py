"""Data sets of the demonstration department: the modules of PS3.3 that each kind of image needs.

Not here: which studies there are (`studies`), pixels (`head`, `chest`, `flat`, `ultrasound`).
Start at `Study` and `Series`; `part10` encodes.
"""

from __future__ import annotations

import io
import uuid
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import imagecodecs
import numpy
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from rle.rle import encode_frame as encode_rle

from filmless.cli.demo.people import (
    ISSUER,
    OPERATORS,
    PERFORMING_PHYSICIANS,
    REFERRING_PHYSICIANS,
    Person,
)
from filmless.standards.dicom import transfer_syntaxes as ts
from filmless.standards.dicom.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

_NAMESPACE = uuid.UUID("6b1f7f0e-53a4-4b57-8f0c-0d6a3c1de0f1")
INSTITUTION = "Filmless Demonstration Hospital"


def derived_uid(*parts: object) -> str:
    """A UID under 2.25 that is the same whenever the parts are (PS3.5 annex B.2)."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, '/'.join(map(str, parts))).int}"


@dataclass(frozen=True, slots=True)
class Study:
    """One visit to one machine."""

    number: int
    person: Person
    day: date
    time: str
    description: str
    body_part: str
    key: str  # Everything that makes this study itself; its UIDs come from it.

    @property
    def uid(self) -> str:
        """Study Instance UID."""
        return derived_uid(self.key, "study")

    @property
    def accession_number(self) -> str:
        """Within the 16 characters of SH."""
        return f"DEMO{self.day:%y}{self.number:05}"


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a study, and the machine it comes from."""

    study: Study
    number: int
    modality: str
    sop_class_uid: str
    description: str
    station: str
    model: str
    protocol: str

    @property
    def uid(self) -> str:
        """Series Instance UID."""
        return derived_uid(self.study.key, "series", self.number)


def image(series: Series, instance_number: int, image_type: tuple[str, ...]) -> Dataset:
    """Patient, study, series, equipment, general image and SOP common modules."""
    study, person = series.study, series.study.person
    dataset = Dataset()
    day, time = f"{study.day:%Y%m%d}", study.time
    if person.character_set:
        names = list(person.character_set)
        dataset.SpecificCharacterSet = names if len(names) > 1 else names[0]
    set_attributes(
        dataset,
        ImageType=list(image_type),
        InstanceCreationDate=day,
        InstanceCreationTime=time,
        SOPClassUID=series.sop_class_uid,
        SOPInstanceUID=derived_uid(study.key, "instance", series.number, instance_number),
        StudyDate=day,
        SeriesDate=day,
        AcquisitionDate=day,
        ContentDate=day,
        StudyTime=time,
        SeriesTime=time,
        AcquisitionTime=time,
        ContentTime=time,
        AccessionNumber=study.accession_number,
        Modality=series.modality,
        Manufacturer="Filmless Synthetic Imaging",
        InstitutionName=INSTITUTION,
        ReferringPhysicianName=REFERRING_PHYSICIANS[study.number % len(REFERRING_PHYSICIANS)],
        StationName=series.station,
        StudyDescription=study.description,
        SeriesDescription=series.description,
        PerformingPhysicianName=PERFORMING_PHYSICIANS[study.number % len(PERFORMING_PHYSICIANS)],
        OperatorsName=OPERATORS[study.number % len(OPERATORS)],
        ManufacturerModelName=series.model,
        PatientName=person.name,
        PatientID=person.patient_id,
        IssuerOfPatientID=ISSUER,
        PatientBirthDate=person.birth_date,
        PatientSex=person.sex,
        PatientAge=_age(person, study.day),
        PatientComments="Synthetic image of an invented person",
        BodyPartExamined=study.body_part,
        DeviceSerialNumber=f"SYN-{series.station}",
        SoftwareVersions="1.0",
        ProtocolName=series.protocol,
        StudyInstanceUID=study.uid,
        SeriesInstanceUID=series.uid,
        StudyID=str(study.number),
        SeriesNumber=series.number,
        InstanceNumber=instance_number,
        BurnedInAnnotation="NO",
    )
    return dataset


def _age(person: Person, day: date) -> str:
    """Age in the form of AS: years, or months under two years."""
    birth = date(int(person.birth_date[:4]), int(person.birth_date[4:6]), int(person.birth_date[6:]))
    months = (day.year - birth.year) * 12 + day.month - birth.month - (day.day < birth.day)
    return f"{months:03}M" if months < 24 else f"{months // 12:03}Y"


def set_attributes(dataset: Dataset, **attributes: Any) -> None:
    """Set attributes by keyword."""
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)


def axial_plane(
    dataset: Dataset, series: Series, z_mm: float, spacing_mm: float, thickness_mm: float
) -> None:
    """Frame of reference and image plane modules of an axial slice (PS3.3 C.7.4.1, C.7.6.2)."""
    half = (dataset.Rows - 1) / 2 * spacing_mm
    set_attributes(
        dataset,
        FrameOfReferenceUID=derived_uid(series.study.key, "frame of reference"),
        PositionReferenceIndicator="",
        PatientPosition="HFS",
        PixelSpacing=[spacing_mm, spacing_mm],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        ImagePositionPatient=[round(-half, 3), round(-half, 3), round(z_mm, 3)],
        SliceLocation=round(z_mm, 3),
        SliceThickness=thickness_mm,
    )


def pixels(dataset: Dataset, array: Any, bits_stored: int, photometric: str = "MONOCHROME2") -> None:
    """Image pixel module without Pixel Data, which `part10` encodes."""
    colour = photometric == "RGB"
    rows, columns = array.shape[-3:-1] if colour else array.shape[-2:]
    set_attributes(
        dataset,
        Rows=rows,
        Columns=columns,
        SamplesPerPixel=3 if colour else 1,
        PhotometricInterpretation=photometric,
        BitsAllocated=array.itemsize * 8,
        BitsStored=bits_stored,
        HighBit=bits_stored - 1,
        PixelRepresentation=0,
    )
    if colour:
        dataset.PlanarConfiguration = 0


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """A coded entry (PS3.3 table 8.8-1)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


# --- Encoding ----------------------------------------------------------------------------------------------


def _rle(frame: Any) -> bytes:
    samples = 3 if frame.ndim == 3 else 1
    octets = numpy.ascontiguousarray(frame).tobytes()
    return bytes(encode_rle(octets, frame.shape[0], frame.shape[1], samples, frame.itemsize * 8, "<"))


_ENCODERS: dict[str, Callable[[Any], bytes]] = {
    ts.RLE_LOSSLESS: _rle,
    ts.JPEG_LS_LOSSLESS: lambda frame: bytes(imagecodecs.jpegls_encode(frame)),
    ts.JPEG_2000_LOSSLESS: lambda frame: bytes(
        imagecodecs.jpeg2k_encode(frame, level=0, codecformat="j2k", reversible=True)
    ),
    ts.HTJ2K_LOSSLESS_RPCL: lambda frame: bytes(imagecodecs.htj2k_encode(frame, reversible=True, tlm=True)),
    ts.JPEG_BASELINE: lambda frame: bytes(imagecodecs.jpeg8_encode(frame, level=88, subsampling="422")),
}


def part10(dataset: Dataset, array: Any, transfer_syntax_uid: str) -> bytes:
    """Encode the pixels of `array` (a frame, or frames) and write the whole as a Part 10 file."""
    encoder = _ENCODERS.get(transfer_syntax_uid)
    if encoder is None:
        dataset.PixelData = array.tobytes()
        dataset["PixelData"].VR = "OW" if array.itemsize > 1 else "OB"
    else:
        frames = list(array) if "NumberOfFrames" in dataset else [array]
        encoded = [encoder(frame) for frame in frames]
        dataset.PixelData = encapsulate(encoded, has_bot=len(frames) > 1)
        dataset["PixelData"].VR = "OB"
        if transfer_syntax_uid == ts.JPEG_BASELINE:
            dataset.PhotometricInterpretation = "YBR_FULL_422"
            dataset.LossyImageCompressionRatio = round(array.nbytes / sum(map(len, encoded)), 1)
            dataset.LossyImageCompressionMethod = "ISO_10918_1"
    dataset.LossyImageCompression = "01" if transfer_syntax_uid == ts.JPEG_BASELINE else "00"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
        dataset.SOPClassUID,
        dataset.SOPInstanceUID,
    )
    meta.TransferSyntaxUID = pydicom.uid.UID(transfer_syntax_uid)
    meta.ImplementationClassUID = pydicom.uid.UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    dataset.file_meta = meta
    output = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of code extensions that Japanese and Korean need.
        pydicom.dcmwrite(output, dataset, enforce_file_format=True)
    return output.getvalue()


def day_before(last_day: date, days: int) -> date:
    """The working day `days` before `last_day`, moved back over a weekend."""
    day = last_day - timedelta(days=days)
    return day - timedelta(days=max(0, day.weekday() - 4))
