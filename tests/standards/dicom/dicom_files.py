"""Real DICOM files for the tests of the data-set side: pydicom's own and ../shared/data when it is there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pydicom
from pydicom import data as pydicom_data

from filmless.standards.dicom import transfer_syntaxes
from filmless.standards.dicom.elements import MalformedDataSet, inflate
from filmless.standards.dicom.part10 import read_part10_header

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
PYDICOM_FOLDER = Path(pydicom_data.__file__).parent
INFLATED_BYTES_MAX = 64 * 1024 * 1024


@dataclass(frozen=True)
class DicomFile:
    path: Path
    raw: bytes
    start: int
    """Offset of the data set in `data`."""
    data: bytes
    """The file, or the inflated data set of a deflated one."""
    transfer_syntax_uid: str

    @property
    def data_set(self) -> bytes:
        return self.data[self.start :]


def _paths() -> list[Path]:
    paths = [path for path in PYDICOM_FOLDER.rglob("*") if path.is_file()]
    if SHARED.is_dir():
        shared = [path for path in SHARED.rglob("*") if path.is_file() and path.suffix not in (".md", "")]
        shared += list(SHARED.glob("wg04_htj2k/**/*_*"))
        # The slices of one series differ in little but their pixels: a few of the eighty are enough.
        slices = [path for path in shared if path.name.startswith("N2D_")]
        paths += [path for path in shared if path not in slices] + slices[:3]
    return sorted(set(paths))


def read(path: Path) -> DicomFile | None:
    """The file as our own reader sees it, or None when it is not DICOM."""
    if not path.is_file() or path.suffix in (".py", ".pyc", ".json", ".dat", ".icc", ".txt", ".md"):
        return None
    raw = path.read_bytes()
    try:
        header = read_part10_header(raw)
    except MalformedDataSet:
        return None
    uid = header.meta.transfer_syntax_uid
    if uid == transfer_syntaxes.DEFLATED_EXPLICIT_LE:
        data = inflate(raw[header.dataset_offset :], INFLATED_BYTES_MAX)
        return DicomFile(path, raw, 0, data, uid)
    return DicomFile(path, raw, header.dataset_offset, raw, uid)


@cache
def all_files() -> tuple[DicomFile, ...]:
    return tuple(found for found in map(read, _paths()) if found is not None)


def pydicom_file(name: str) -> DicomFile:
    found = next((one for one in all_files() if one.path.name == name), None)
    assert found is not None, name
    return found


def oracle(file: DicomFile) -> pydicom.Dataset:
    return pydicom.dcmread(file.path, force=True)
