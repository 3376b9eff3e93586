"""Where imported files come from: a folder, a zip, a DICOMDIR; and the list of what is done.

Nothing outside the given path is read, whatever a DICOMDIR or a link inside says; nothing of a zip becomes a
path on disk.
"""

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from filmless.infra.errors import Invalid

CHUNK_BYTES = 1 << 20
DICOMDIR = "DICOMDIR"


@dataclass(frozen=True, slots=True)
class Source:
    """One file to import: on disk, or a member of a zip."""

    label: str
    fingerprint: str  # Changes when the file does; names no patient, unlike the label.
    open_file: Callable[[], IO[bytes]]

    def chunks(self) -> Iterator[bytes]:
        """The file's bytes; raises OSError, or Invalid for a damaged zip."""
        try:
            with self.open_file() as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise Invalid(f"This member of the zip cannot be read ({error}).") from error


class ImportList:
    """The files of one import that are acknowledged, kept on disk until all are."""

    def __init__(self, folder: Path, path: Path) -> None:
        name = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:32]
        self._file = folder / f"{name}.txt"
        self._done: set[str] = set()
        if self._file.exists():
            self._done = set(self._file.read_text(encoding="ascii").split())

    def __contains__(self, source: Source) -> bool:
        return source.fingerprint in self._done

    def add(self, source: Source) -> None:
        """Note that the archive has acknowledged the file (or that it is none of DICOM)."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with open(self._file, "a", encoding="ascii") as file:
            file.write(source.fingerprint + "\n")

    def forget(self) -> None:
        """Begin afresh."""
        self._done.clear()
        self._file.unlink(missing_ok=True)


def find_sources(path: Path) -> list[Source]:
    """All files of the path, in a fixed order; raises Invalid when it cannot be read as what it is."""
    if path.is_dir():
        return [_file(file, str(file.relative_to(path))) for file in _walk(path)]
    if zipfile.is_zipfile(path):
        return _members(path)
    if path.name.upper() == DICOMDIR:
        return _referenced(path)
    return [_file(path, path.name)]


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        for name in sorted(names):
            file = Path(parent) / name
            if name.upper() != DICOMDIR and file.is_file() and not file.is_symlink():
                yield file


def _file(path: Path, label: str) -> Source:
    status = path.stat()
    fingerprint = _fingerprint(str(path), status.st_size, status.st_mtime_ns)

    def open_file() -> IO[bytes]:
        return path.open("rb")

    return Source(label, fingerprint, open_file)


def _members(path: Path) -> list[Source]:
    try:
        archive = zipfile.ZipFile(path)  # Stays open while its members are read; several threads may.
        return [
            Source(
                info.filename,
                _fingerprint(info.filename, info.file_size, info.CRC),
                partial(archive.open, info),
            )
            for info in archive.infolist()
            if not info.is_dir() and Path(info.filename).name.upper() != DICOMDIR
        ]
    except zipfile.BadZipFile as error:
        raise Invalid(f"The zip file cannot be read: {error}.") from error


def _referenced(dicomdir: Path) -> list[Source]:
    """The files that a DICOMDIR lists (PS3.3 F.3); what it places outside its own folder is refused."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        records = pydicom.dcmread(dicomdir).get("DirectoryRecordSequence", [])
    except (InvalidDicomError, OSError) as error:
        raise Invalid("The DICOMDIR cannot be read. Import its folder instead.") from error
    root = dicomdir.parent.resolve()
    sources, missing = [], 0
    for record in records:
        file_id = record.get("ReferencedFileID")
        if not file_id:
            continue
        parts = [file_id] if isinstance(file_id, str) else list(file_id)
        file = root.joinpath(*parts).resolve()
        if file.is_relative_to(root) and file.is_file():
            sources.append(_file(file, "/".join(parts)))
        else:
            missing += 1
    if missing:
        raise Invalid(
            f"The DICOMDIR lists {missing} files that are not in its folder. Import the folder instead."
        )
    return sources


def _fingerprint(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]
