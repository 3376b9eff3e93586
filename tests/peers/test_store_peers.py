"""DCMTK and pynetdicom store all files of pydicom and of the shared data, and get them back byte for byte.

What is not answered with Success stands in `store_refusals` with its reason: a new refusal fails the test, so
does one that is gone. What was refused is kept in the quarantine. pynetdicom sends the bytes of the file;
storescu encodes anew, so a second receiver (pynetdicom's) shows which bytes it sends.
"""

import re
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pydicom
import pytest
from pydicom.filereader import _read_file_meta_info as read_file_meta_info_of
from pydicom.filereader import read_preamble
from pydicom.uid import AllTransferSyntaxes
from pynetdicom import AE, AllStoragePresentationContexts, _config, evt
from pynetdicom.events import Event
from pynetdicom.sop_class import ColorPaletteStorage, Verification  # type: ignore[attr-defined]
from store_refusals import (
    NOT_SENT_BY_STORESCU,
    PYDICOM_BY_PYNETDICOM,
    PYDICOM_BY_STORESCU,
    SHARED_BY_PYNETDICOM,
    SHARED_BY_STORESCU,
    Reason,
)

from department import ROOT, DICOMwebClient, Filmless, data_set_of

pytestmark = [pytest.mark.peer, pytest.mark.slow]

PYDICOM_DATA = Path(pydicom.__file__).parent / "data"
SHARED_DATA = ROOT.parent / "shared/data"
SECONDS_MAX = 60
MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"

needs_dcmtk = pytest.mark.skipif(
    shutil.which("storescu") is None, reason="needs DCMTK (apt-get install dcmtk)"
)
needs_shared_data = pytest.mark.skipif(not SHARED_DATA.exists(), reason="needs the folder shared/data")

# storescu's option to propose each transfer syntax first; others it does not know.
STORESCU_OPTIONS = {
    "1.2.840.10008.1.2": "-xi",
    "1.2.840.10008.1.2.1": "-xe",
    "1.2.840.10008.1.2.2": "-xb",
    "1.2.840.10008.1.2.1.99": "-xd",
    "1.2.840.10008.1.2.4.50": "-xy",
    "1.2.840.10008.1.2.4.51": "-xx",
    "1.2.840.10008.1.2.4.70": "-xs",
    "1.2.840.10008.1.2.4.80": "-xt",
    "1.2.840.10008.1.2.4.81": "-xu",
    "1.2.840.10008.1.2.4.90": "-xv",
    "1.2.840.10008.1.2.4.91": "-xw",
    "1.2.840.10008.1.2.5": "-xr",
}


@dataclass(frozen=True)
class StorableFile:
    """A Part 10 file with what is needed to send it and to ask for it."""

    name: str
    path: Path
    sop_class_uid: str
    sop_instance_uid: str  # As the file meta information has it; the data set may have another.
    sop_instance_uid_inside: str
    transfer_syntax_uid: str
    study_instance_uid: str
    series_instance_uid: str

    def data_set(self) -> bytes:
        """The bytes after the file meta information, by pydicom's reckoning."""
        with self.path.open("rb") as file:
            read_preamble(file, force=False)
            read_file_meta_info_of(file)
            return file.read()


def read_file(base: Path, path: Path) -> StorableFile | None:
    """The file, or None when it announces no instance: then there is nothing to send."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data_set = pydicom.dcmread(path, stop_before_pixels=True)
            meta = data_set.file_meta
            file = StorableFile(
                str(path.relative_to(base)),
                path,
                str(meta.get("MediaStorageSOPClassUID", "")),
                str(meta.get("MediaStorageSOPInstanceUID", "")),
                str(data_set.get("SOPInstanceUID", "")),
                str(meta.get("TransferSyntaxUID", "")),
                str(data_set.get("StudyInstanceUID", "")),
                str(data_set.get("SeriesInstanceUID", "")),
            )
    except Exception:  # noqa: BLE001  # Damaged on purpose, or not DICOM at all.
        return None
    is_instance = file.sop_class_uid and file.sop_instance_uid and file.transfer_syntax_uid
    return file if is_instance and file.sop_class_uid != MEDIA_STORAGE_DIRECTORY else None


def storable_files(base: Path) -> Iterator[StorableFile]:
    """All files below the folder that announce an instance, in a fixed order."""
    for path in sorted(base.rglob("*")):
        if path.is_file() and (file := read_file(base, path)) is not None:
            yield file


def echo_by_pynetdicom(server: Filmless) -> int:
    """The status of a C-ECHO."""
    association = associate(server.dicom_address, server.ae_title, Verification, "1.2.840.10008.1.2")
    status = int(association.send_c_echo().Status)
    association.release()
    return status


def associate(address: tuple[str, int], ae_title: str, sop_class_uid: str, transfer_syntax_uid: str):
    """An association of pynetdicom with one presentation context."""
    entity = AE("PYNETDICOM")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = SECONDS_MAX
    entity.add_requested_context(sop_class_uid, transfer_syntax_uid)
    association = entity.associate(*address, ae_title=ae_title)
    assert association.is_established
    return association


def store_by_pynetdicom(address: tuple[str, int], ae_title: str, file: StorableFile) -> int:
    """The status of a C-STORE of the file's own bytes."""
    association = associate(address, ae_title, file.sop_class_uid, file.transfer_syntax_uid)
    try:
        return int(association.send_c_store(file.path).Status)
    finally:
        association.release()


def store_by_storescu(address: tuple[str, int], ae_title: str, file: StorableFile) -> int:
    """The status of a C-STORE by DCMTK; raises AssertionError when it did not come to an answer."""
    option = STORESCU_OPTIONS[file.transfer_syntax_uid]
    command = ["storescu", "-d", "-R", option, "-aec", ae_title, address[0], str(address[1]), str(file.path)]
    done = subprocess.run(command, capture_output=True, timeout=SECONDS_MAX, check=False)
    found = re.search(rb"DIMSE Status\s*: 0x([0-9a-fA-F]{4})", done.stdout + done.stderr)
    assert found, f"storescu did not send {file.name}"
    return int(found[1], 16)


@pytest.fixture
def other_receiver() -> Iterator[tuple[tuple[str, int], list[bytes]]]:
    """A pynetdicom receiver: its address, and the data sets it received, as they came."""
    received: list[bytes] = []

    def keep(event: Event) -> int:
        received.append(event.request.DataSet.getvalue())
        return 0

    entity = AE("OTHER")
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax, AllTransferSyntaxes)
    entity.add_supported_context(ColorPaletteStorage, AllTransferSyntaxes)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, keep)])
    yield server.socket.getsockname(), received
    server.shutdown()


@pytest.fixture
def whole_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """pynetdicom sends the bytes of files instead of decoding and encoding them."""
    monkeypatch.setattr(_config, "STORE_SEND_CHUNKED_DATASET", True)


def check_retrieval(client: DICOMwebClient, file: StorableFile, data_set: bytes) -> None:
    """WADO-RS gives back what was sent."""
    kept = client.retrieve(file.study_instance_uid, file.series_instance_uid, file.sop_instance_uid_inside)
    assert data_set_of(kept) == data_set, file.name


def number_in_quarantine(server: Filmless) -> int:
    """How many instances wait for a person."""
    answer = httpx.get(f"{server.http_url}/api/quarantine", headers=server.headers, trust_env=False)
    return int(answer.raise_for_status().json()["total"])


def store_all(
    server: Filmless, files: list[StorableFile], store: Callable[[StorableFile], tuple[int, bytes]]
) -> dict[str, int]:
    """Store each file; returns the statuses that are not Success, by name.

    Each acknowledged instance comes back; each refused one is in the quarantine, the same bytes once.
    """
    refused: dict[str, int] = {}
    set_aside: set[bytes] = set()
    with DICOMwebClient(server) as client:
        for file in files:
            status, data_set = store(file)
            if status == 0:
                check_retrieval(client, file, data_set)
            else:
                refused[file.name] = status
                set_aside.add(data_set)
    assert number_in_quarantine(server) == len(set_aside)
    return refused


def test_echo_is_answered_to_pynetdicom(running_server: Filmless) -> None:
    assert echo_by_pynetdicom(running_server) == 0


@needs_dcmtk
def test_echo_is_answered_to_echoscu(running_server: Filmless) -> None:
    host, port = running_server.dicom_address
    done = subprocess.run(["echoscu", "-aec", "FILMLESS", host, str(port)], timeout=SECONDS_MAX, check=False)
    assert done.returncode == 0


@pytest.mark.usefixtures("whole_files")
@pytest.mark.parametrize(
    ("base", "reasons"),
    [
        pytest.param(PYDICOM_DATA, PYDICOM_BY_PYNETDICOM, id="pydicom"),
        pytest.param(SHARED_DATA, SHARED_BY_PYNETDICOM, id="shared", marks=needs_shared_data),
    ],
)
def test_what_pynetdicom_stores_comes_back(
    running_server: Filmless, base: Path, reasons: dict[str, Reason]
) -> None:
    def store(file: StorableFile) -> tuple[int, bytes]:
        status = store_by_pynetdicom(running_server.dicom_address, running_server.ae_title, file)
        return status, file.data_set()

    refused = store_all(running_server, list(storable_files(base)), store)
    assert refused == {name: reason.status for name, reason in reasons.items()}


@needs_dcmtk
@pytest.mark.parametrize(
    ("base", "reasons"),
    [
        pytest.param(PYDICOM_DATA, PYDICOM_BY_STORESCU, id="pydicom"),
        pytest.param(SHARED_DATA, SHARED_BY_STORESCU, id="shared", marks=needs_shared_data),
    ],
)
def test_what_storescu_stores_comes_back(
    running_server: Filmless,
    other_receiver: tuple[tuple[str, int], list[bytes]],
    base: Path,
    reasons: dict[str, Reason],
) -> None:
    address, received = other_receiver

    def store(file: StorableFile) -> tuple[int, bytes]:
        assert store_by_storescu(address, "OTHER", file) == 0
        return store_by_storescu(running_server.dicom_address, running_server.ae_title, file), received[-1]

    files = [one for one in storable_files(base) if one.transfer_syntax_uid in STORESCU_OPTIONS]
    refused = store_all(running_server, [one for one in files if one.name not in NOT_SENT_BY_STORESCU], store)
    assert refused == {name: reason.status for name, reason in reasons.items()}


@pytest.mark.parametrize(
    ("base", "reasons"),
    [
        pytest.param(PYDICOM_DATA, PYDICOM_BY_PYNETDICOM, id="pydicom"),
        pytest.param(SHARED_DATA, SHARED_BY_PYNETDICOM, id="shared", marks=needs_shared_data),
    ],
)
def test_the_reasons_are_true(base: Path, reasons: dict[str, Reason]) -> None:
    earlier: dict[str, bytes] = {}
    for file in storable_files(base):
        uid = file.sop_instance_uid_inside
        match reasons.get(file.name):
            case Reason.SAME_UID:
                assert earlier[uid] != file.data_set(), file.name
            case Reason.ANNOUNCED_OTHERWISE:
                assert uid not in ("", file.sop_instance_uid), file.name
            case Reason.NOT_IN_A_STUDY:
                assert not (uid and file.study_instance_uid and file.series_instance_uid), file.name
            case Reason.TRUNCATED:
                assert "truncated" in file.name, file.name
            case None:
                earlier[uid] = file.data_set()
