"""Debian's Orthanc with its DICOMweb plugin, on a temporary folder and free ports.

As installed: the configuration files of the package, with only ports, paths and logging changed. At its best:
the same with TCP_NODELAY=1 in the environment, which its DICOM library obeys. Start at `Orthanc`.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.folders import new_folder
from bench.processes import ServerProcess, free_ports

EXECUTABLE = "/usr/sbin/Orthanc"
PACKAGE_CONFIGURATION = (Path("/etc/orthanc/orthanc.json"), Path("/etc/orthanc/dicomweb.json"))
_COMMENTS = re.compile(r'("(?:\\.|[^"\\])*")|/\*.*?\*/|//[^\n]*', re.DOTALL)


def is_installed() -> bool:
    """Whether Debian's package is here."""
    return Path(EXECUTABLE).exists() and all(path.exists() for path in PACKAGE_CONFIGURATION)


def package_configuration() -> dict[str, Any]:
    """What the package installs, comments stripped."""
    merged: dict[str, Any] = {}
    for path in PACKAGE_CONFIGURATION:
        merged |= json.loads(_COMMENTS.sub(lambda match: match.group(1) or "", path.read_text()))
    return merged


class Orthanc:
    """A running Orthanc; a context manager that kills it and removes its folder at the end."""

    ae_title = "ORTHANC"

    def __init__(
        self, *, at_its_best: bool = False, modalities: Mapping[str, tuple[str, int]] | None = None
    ) -> None:
        """`modalities`: AE title to address of the peers that may ask and be sent to."""
        self._modalities = {title: [title, *address] for title, address in (modalities or {}).items()}
        self._environment = {"TCP_NODELAY": "1"} if at_its_best else {}
        self.name = "Orthanc at its best" if at_its_best else "Orthanc as installed"

    def __enter__(self) -> "Orthanc":
        self._folder = new_folder("orthanc")
        http_port, dicom_port = free_ports(2)
        configuration = package_configuration() | {
            "HttpPort": http_port,
            "DicomPort": dicom_port,
            "StorageDirectory": str(self._folder / "db"),
            "IndexDirectory": str(self._folder / "db"),
            "DicomModalities": self._modalities,
        }
        (self._folder / "orthanc.json").write_text(json.dumps(configuration))
        command = [EXECUTABLE, str(self._folder / "orthanc.json")]
        self.process = ServerProcess(command, self._environment, self._folder / "log")
        self.dicom_address = ("127.0.0.1", dicom_port)
        self.http_address = ("127.0.0.1", http_port)
        self.dicomweb_path = "/dicom-web"
        self.headers: dict[str, str] = {}
        try:
            self.process.wait_ready(f"http://127.0.0.1:{http_port}/system", dicom_port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
