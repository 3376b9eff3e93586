"""We search, fetch from and examine other people's archives: pynetdicom's, DCMTK's dcmqrscp, and Orthanc."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pydicom
import pytest
from bench.orthanc import Orthanc, is_installed
from bench.processes import free_ports
from pydicom.dataset import Dataset
from pynetdicom import (
    AE,
    AllStoragePresentationContexts,
    QueryRetrievePresentationContexts,
    build_context,
    evt,
)
from pynetdicom.events import Event
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from builders import CT_IMAGE_STORAGE, EXPLICIT_LE, a_ct_slice, encoded
from filmless.edge.dimse.admission import Admission
from filmless.edge.dimse.connection_words import State, Step
from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.our_side import OurSide
from filmless.edge.dimse.querying import find_remote, move_remote
from filmless.edge.dimse.remote import Puller, RemoteArchives
from filmless.edge.dimse.requestor import Peer, open_association
from filmless.edge.dimse.server import DIMSEServer
from filmless.features import archive as archives
from filmless.features.access import system_actor
from filmless.features.archive import Archive, NewPull, PullMethod, PullState, RemoteSearch
from filmless.features.archive.tables import instances
from filmless.features.nodes import NewNode, add_node
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.infra.sandbox import Sandbox
from filmless.infra.tls_files import TLSFiles
from filmless.standards.dicom import tags

pytestmark = [pytest.mark.peer, pytest.mark.slow]

ME = system_actor("test")
READY_SECONDS_MAX = 30
JPEG_FILE = Path(pydicom.__file__).parent / "data/test_files/SC_rgb_jpeg_gdcm.dcm"
HELD = [
    a_ct_slice(1),
    a_ct_slice(2),
    a_ct_slice(1, series=2, SeriesDescription="coronal"),
    a_ct_slice(1, study=2, PatientID="TEST-2", PatientName="Διονυσιος^Πετρος", StudyDate="20250101"),
    a_ct_slice(1, study=3, PatientID="TEST-3", PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう"),
]
WHOLE = {one.SOPInstanceUID for one in HELD[:3]}
STUDY = HELD[0].StudyInstanceUID

Start = Callable[[Path, int], AbstractContextManager[Peer]]


# --- Three archives of others ----------------------------------------------------------------------------


class PynetdicomArchive:
    """A query/retrieve SCP as a developer would write one with pynetdicom."""

    def __init__(self, our_port: int) -> None:
        self._our_port = our_port
        self._held: dict[str, Dataset] = {}
        self._ae = AE("PYNET")
        for context in (*AllStoragePresentationContexts, *QueryRetrievePresentationContexts):
            for syntaxes in ({}, {"transfer_syntax": pydicom.uid.JPEGLosslessSV1}):
                scp = context in AllStoragePresentationContexts
                roles = {"scu_role": True, "scp_role": True} if scp else {}
                self._ae.add_supported_context(str(context.abstract_syntax), **syntaxes, **roles)
        self._ae.add_supported_context(Verification)

    def start(self) -> Any:
        handlers = [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_C_FIND, self._find),
            (evt.EVT_C_GET, self._get),
            (evt.EVT_C_MOVE, self._move),
        ]
        return self._ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)

    def _store(self, event: Event) -> int:
        data_set = event.dataset
        data_set.file_meta = event.file_meta
        self._held[data_set.SOPInstanceUID] = data_set
        return 0x0000

    def _matching(self, identifier: Dataset) -> list[Dataset]:
        def fits(one: Dataset) -> bool:
            for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "PatientID"):
                wanted = identifier.get(keyword)
                if wanted and one.get(keyword) not in ([wanted] if isinstance(wanted, str) else wanted):
                    return False
            name = str(identifier.get("PatientName", "")).rstrip("*")
            return str(one.PatientName).startswith(name)

        return [one for one in self._held.values() if fits(one)]

    def _find(self, event: Event) -> Iterator[tuple[int, Dataset | None]]:
        keyword = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}
        unique = keyword[event.identifier.QueryRetrieveLevel]
        for one in {it.get(unique): it for it in self._matching(event.identifier)}.values():
            answer = Dataset()
            answer.SpecificCharacterSet = one.get("SpecificCharacterSet", "ISO_IR 192")
            for element in event.identifier:
                if element.keyword in one and element.VR != "SQ":
                    setattr(answer, element.keyword, one.get(element.keyword))
            yield 0xFF00, answer

    def _get(self, event: Event) -> Iterator[Any]:
        found = self._matching(event.identifier)
        yield len(found)
        for one in found:
            yield 0xFF00, one

    def _move(self, event: Event) -> Iterator[Any]:
        if event.move_destination != "FILMLESS":
            yield None, None
            return
        found = self._matching(event.identifier)
        contexts = [build_context(uid) for uid in {str(one.SOPClassUID) for one in found} or {Verification}]
        yield "127.0.0.1", self._our_port, {"contexts": contexts}
        yield from self._get(event)


@contextmanager
def pynetdicom_archive(folder: Path, our_port: int) -> Iterator[Peer]:
    server = PynetdicomArchive(our_port).start()
    try:
        yield Peer("127.0.0.1", server.server_address[1], "PYNET", "FILMLESS")
    finally:
        server.shutdown()


@contextmanager
def dcmqrscp(folder: Path, our_port: int) -> Iterator[Peer]:
    """DCMTK's example archive."""
    if shutil.which("dcmqrscp") is None:
        pytest.skip("needs DCMTK (apt-get install dcmtk)")
    (folder / "images").mkdir()
    (port,) = free_ports(1)
    (folder / "dcmqrscp.cfg").write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 65536\nMaxAssociations = 16\n"
        f"HostTable BEGIN\nfilmless = (FILMLESS, 127.0.0.1, {our_port})\nHostTable END\n"
        "VendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nDCMQR {folder / 'images'} RW (50, 100mb) ANY\nAETable END\n"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["dcmqrscp", "-c", str(folder / "dcmqrscp.cfg")], stdout=log, stderr=log)
    try:
        wait_for(port, process)
        yield Peer("127.0.0.1", port, "DCMQR", "FILMLESS")
    finally:
        process.kill()
        process.wait()


@contextmanager
def orthanc(folder: Path, our_port: int) -> Iterator[Peer]:
    """Debian's Orthanc as installed, which knows us."""
    if not is_installed():
        pytest.skip("needs Orthanc (apt-get install orthanc orthanc-dicomweb)")
    with Orthanc() as server:
        modality = {"AET": "FILMLESS", "Host": "127.0.0.1", "Port": our_port}
        host, port = server.http_address
        request = urllib.request.Request(
            f"http://{host}:{port}/modalities/filmless", json.dumps(modality).encode(), method="PUT"
        )
        urllib.request.urlopen(request, timeout=10).close()
        yield Peer(*server.dicom_address, server.ae_title, "FILMLESS")


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
    pytest.fail("The archive did not start.")


OTHERS: dict[str, Start] = {"pynetdicom": pynetdicom_archive, "dcmqrscp": dcmqrscp, "Orthanc": orthanc}


# --- Us --------------------------------------------------------------------------------------------------


@pytest.fixture
def archive(sqlite_database: Database, object_store: FolderObjectStore) -> Archive:
    return Archive(sqlite_database, object_store)


@pytest.fixture
def ours(archive: Archive, tmp_path: Path) -> Iterator[OurSide]:
    """Our side, with its server running."""
    services = Services(archive, "FILMLESS", Sandbox(), tmp_path)
    server = DIMSEServer(services, Admission(archive.database, "FILMLESS", False, True), "127.0.0.1", 0)
    server.start()
    yield OurSide(archive, "FILMLESS", "127.0.0.1", server.port, 0, TLSFiles(tmp_path / "tls"))
    server.stop()


@pytest.fixture(params=list(OTHERS))
def other(request: pytest.FixtureRequest, ours: OurSide, tmp_path: Path) -> Iterator[Peer]:
    """Another archive that holds HELD, registered as a node of ours."""
    with OTHERS[request.param](tmp_path, ours.dicom_port) as peer:
        with open_association(peer, [(CT_IMAGE_STORAGE, (EXPLICIT_LE,))]) as sender:
            for one in HELD:
                data = (encoded(one),)
                assert sender.store(CT_IMAGE_STORAGE, one.SOPInstanceUID, EXPLICIT_LE, data) == 0
        add_node(ours.archive.database, ME, NewNode(peer.called_ae_title, peer.host, peer.port))
        yield peer


def held_here(archive: Archive) -> set[str]:
    with archive.database.read() as tx:
        return set(tx.execute(instances.select().with_only_columns(instances.c.sop_instance_uid)).scalars())


def pulled(ours: OurSide, other: Peer, method: PullMethod, *series: str) -> archives.Pull:
    asked = NewPull(other.called_ae_title, STUDY, series, method)
    pull = archives.ask_pull(ours.archive, ME, asked)
    Puller(ours).pull_study(pull.id)
    return archives.get_pull(ours.archive, ME, pull.id)


# --- Searching -------------------------------------------------------------------------------------------


def test_studies_are_found_by_their_patient(ours: OurSide, other: Peer) -> None:
    remote = RemoteArchives(ours)
    found = remote.find_studies(ME, other.called_ae_title, RemoteSearch(patient_id="TEST-1"), 10)
    (study,) = found.studies
    assert (study.study_instance_uid, study.accession_number, study.study_date) == (STUDY, "ACC1", "20260131")
    assert study.number_of_instances_here == 0
    assert not study.is_here
    assert found.is_whole


def test_a_search_is_cut_off_and_says_so(ours: OurSide, other: Peer) -> None:
    everything = RemoteSearch(patient_id="TEST*")
    if other.called_ae_title == "PYNET":
        everything = RemoteSearch(patient_name="*")
    found = RemoteArchives(ours).find_studies(ME, other.called_ae_title, everything, 2)
    assert (len(found.studies), found.is_whole) == (2, False)


@pytest.mark.parametrize("held", HELD[2:], ids=lambda one: str(one.PatientID))
def test_names_come_back_undamaged(ours: OurSide, other: Peer, held: Dataset) -> None:
    if other.called_ae_title == "ORTHANC" and held is not HELD[2]:
        pytest.skip("Orthanc as installed answers in Latin-1 and leaves out what that cannot carry")
    (study,) = find_remote(other, "STUDY", {"PatientID": held.PatientID})
    assert study.text(tags.PATIENT_NAME) == str(held.PatientName)


def test_series_and_instances_are_found_below_a_study(ours: OurSide, other: Peer) -> None:
    series = RemoteArchives(ours).find_series(ME, other.called_ae_title, STUDY)
    assert {one.series_instance_uid for one in series} == {one.SeriesInstanceUID for one in HELD[:3]}
    assert {one.modality for one in series} == {"CT"}
    keys = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": HELD[0].SeriesInstanceUID}
    found = {one.text(tags.SOP_INSTANCE_UID) for one in find_remote(other, "IMAGE", keys)}
    assert found == {one.SOPInstanceUID for one in HELD[:2]}


# --- Fetching --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", PullMethod)
def test_a_study_is_fetched_whole_and_once(ours: OurSide, other: Peer, method: PullMethod) -> None:
    for _ in range(2):
        pull = pulled(ours, other, method)
        assert (pull.state, pull.counts.failed, pull.explanation) == (PullState.DONE, 0, "")
        assert pull.counts.completed == len(WHOLE)
        assert held_here(ours.archive) == WHOLE
    search = RemoteSearch(study_instance_uid=STUDY)
    (study,) = RemoteArchives(ours).find_studies(ME, other.called_ae_title, search, 10).studies
    assert (study.number_of_instances_here, study.is_here) == (len(WHOLE), True)


def test_one_series_is_fetched_alone(ours: OurSide, other: Peer) -> None:
    pull = pulled(ours, other, PullMethod.AUTO, HELD[2].SeriesInstanceUID)
    assert (pull.state, held_here(ours.archive)) == (PullState.DONE, {HELD[2].SOPInstanceUID})


def test_a_compressed_image_is_fetched_as_it_is_kept(ours: OurSide, other: Peer) -> None:
    if other.called_ae_title == "DCMQR":
        pytest.skip("dcmqrscp takes and sends a SOP class in one transfer syntax at a time")
    file = pydicom.dcmread(JPEG_FILE)
    uid, syntax = file.SOPInstanceUID, file.file_meta.TransferSyntaxUID
    raw = JPEG_FILE.read_bytes()
    data = raw[144 + int.from_bytes(raw[140:144], "little") :]
    with open_association(other, [(file.SOPClassUID, (syntax,))]) as sender:
        assert sender.store(file.SOPClassUID, uid, syntax, (data,)) == 0
    asked = NewPull(other.called_ae_title, file.StudyInstanceUID, method=PullMethod.GET)
    pull = archives.ask_pull(ours.archive, ME, asked)
    Puller(ours).pull_study(pull.id)
    with ours.archive.database.read() as tx:
        (row,) = tx.execute(instances.select())
    assert (row.sop_instance_uid, row.transfer_syntax_uid) == (uid, syntax)


def test_an_archive_that_does_not_know_the_destination_is_told_apart(ours: OurSide, other: Peer) -> None:
    report = move_remote(other, "STUDY", {"StudyInstanceUID": STUDY}, "NOBODY")
    assert not report.is_complete
    if other.called_ae_title != "ORTHANC":  # Orthanc says no more than that it failed (C000, or 0110).
        assert "register our AE title NOBODY there" in report.comment


# --- Examining -------------------------------------------------------------------------------------------


def test_a_well_connected_archive_is_found_well(ours: OurSide, other: Peer) -> None:
    remote = RemoteArchives(ours)
    for _ in range(2):  # The second time, it has our test image already.
        found = {
            one.step: (one.name, one.state)
            for one in remote.check_connection(ME, other.called_ae_title, may_store=True)
        }
        assert {step for step, (_, state) in found.items() if state is State.ILL} == set(), found
        assert found[Step.STORE][0] in ("taken", "held_already")
        assert found[Step.MOVE_BACK][0] == "arrived"
    assert held_here(ours.archive) == set()
