"""Orthanc asks us: echo, query, worklist, retrieve to itself, and send; we send to it and get from it.

Each instance is compared byte for byte. `CELLS` says which test is for which peer, service and direction.
Orthanc 1.10 asks with C-MOVE only; of C-GET it is the SCP.
"""

import ast
import io
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pydicom
import pytest
from bench.filmless_server import run_command
from bench.orthanc import Orthanc, is_installed
from pydicom.dataset import Dataset

from builders import a_ct_slice, part10
from department import DICOMwebClient, Filmless, data_set_of

pytestmark = [
    pytest.mark.peer,
    pytest.mark.slow,
    pytest.mark.skipif(not is_installed(), reason="needs Orthanc (apt-get install orthanc)"),
]

SLICES = 3
SECONDS_MAX = 60  # Only to end a test that hangs.


class OrthancRest:
    """Orthanc's own interface, no more than the tests ask."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=60)

    def get(self, path: str) -> Any:
        """The JSON answer."""
        return self._http.get(path).raise_for_status().json()

    def file(self, orthanc_id: str) -> bytes:
        """The DICOM file of an instance."""
        return self._http.get(f"/instances/{orthanc_id}/file").raise_for_status().content

    def post(self, path: str, body: Any) -> Any:
        """The JSON answer to a JSON body, or to a file."""
        if isinstance(body, bytes):
            return self._http.post(path, content=body).raise_for_status().json()
        return self._http.post(path, json=body).raise_for_status().json()

    def encode_as(self, encoding: str) -> None:
        """Change the DefaultEncoding of a running Orthanc."""
        self._http.put("/tools/default-encoding", content=encoding).raise_for_status()

    def find(self, level: str, **keys: str) -> list[dict[str, str]]:
        """What it is answered when it asks us."""
        query = self.post("/modalities/FILMLESS/query", {"Level": level, "Query": keys})["ID"]
        return list(self.get(f"/queries/{query}/answers?expand&simplify"))

    def data_sets(self) -> dict[str, bytes]:
        """All it holds, by SOP Instance UID."""
        held = [self.file(one) for one in self.get("/instances")]
        return {str(identity(file).SOPInstanceUID): data_set_of(file) for file in held}


@pytest.fixture
def orthanc(running_server: Filmless) -> Iterator[OrthancRest]:
    """An Orthanc that knows us, and that we know."""
    with Orthanc(modalities={"FILMLESS": running_server.dicom_address}) as other:
        port = str(other.dicom_address[1])
        run_command(running_server.environment, "node", "add", "ORTHANC", "127.0.0.1", port)
        yield OrthancRest(f"http://127.0.0.1:{other.http_address[1]}")


def files() -> list[bytes]:
    """A small study as files."""
    return [part10(a_ct_slice(number)) for number in range(1, SLICES + 1)]


def identity(file: bytes) -> Dataset:
    """The UIDs in a file."""
    return pydicom.dcmread(io.BytesIO(file), stop_before_pixels=True)


def data_sets_of(sent: list[bytes]) -> dict[str, bytes]:
    """The data sets of files, by SOP Instance UID."""
    return {str(identity(file).SOPInstanceUID): data_set_of(file) for file in sent}


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    pause = threading.Event()  # Never set.
    while not is_so():
        assert time.monotonic() < deadline
        pause.wait(0.05)


def test_orthanc_sends_to_us_and_finds_it_here(running_server: Filmless, orthanc: OrthancRest) -> None:
    assert orthanc.post("/modalities/FILMLESS/echo", {}) == {}
    sent = files()
    ids = [orthanc.post("/instances", file)["ID"] for file in sent]
    done = orthanc.post("/modalities/FILMLESS/store", {"Resources": ids, "Synchronous": True})
    assert (done["InstancesCount"], done["FailedInstancesCount"]) == (SLICES, 0)
    with DICOMwebClient(running_server) as ours:
        for orthanc_id in ids:
            one = identity(orthanc.file(orthanc_id))
            held = ours.retrieve(one.StudyInstanceUID, one.SeriesInstanceUID, one.SOPInstanceUID)
            assert data_set_of(held) == data_set_of(orthanc.file(orthanc_id))


LEVELS = [("Study", 1), ("Series", 1), ("Instance", SLICES)]


@pytest.mark.parametrize(("level", "matches"), LEVELS)
def test_orthanc_queries_us_and_fetches_what_it_found(
    running_server: Filmless, orthanc: OrthancRest, level: str, matches: int
) -> None:
    sent = files()
    run_command(running_server.environment, "import", str(_written(running_server, sent)))
    study = str(identity(sent[0]).StudyInstanceUID)
    asked = {"Level": level, "Query": {"StudyInstanceUID": study, "PatientName": ""}}
    query = orthanc.post("/modalities/FILMLESS/query", asked)["ID"]
    answers = orthanc.get(f"/queries/{query}/answers")
    assert len(answers) == matches
    for answer in answers:
        body = {"TargetAet": "ORTHANC", "Synchronous": True}
        orthanc.post(f"/queries/{query}/answers/{answer}/retrieve", body)
    assert orthanc.data_sets() == data_sets_of(sent)


def _written(server: Filmless, sent: list[bytes]) -> Any:
    folder = server.folder / "to-import"
    folder.mkdir()
    for number, file in enumerate(sent):
        (folder / f"{number}.dcm").write_bytes(file)
    return folder


def test_orthanc_is_sent_a_study(running_server: Filmless, orthanc: OrthancRest) -> None:
    sent = files()
    run_command(running_server.environment, "import", str(_written(running_server, sent)))
    run_command(running_server.environment, "send", str(identity(sent[0]).StudyInstanceUID), "ORTHANC")
    wait_until(lambda: len(orthanc.get("/instances")) == SLICES)
    assert orthanc.data_sets() == data_sets_of(sent)


@pytest.mark.parametrize("method", ["get", "move"])
def test_orthanc_is_fetched_from(running_server: Filmless, orthanc: OrthancRest, method: str) -> None:
    held = files()
    for file in held:
        orthanc.post("/instances", file)
    one = identity(held[0])
    words = ("remote", "pull", "ORTHANC", str(one.StudyInstanceUID), "--method", method)
    run_command(running_server.environment, *words)
    with DICOMwebClient(running_server) as ours:
        found = ours.find_instances(str(one.StudyInstanceUID))
        fetched = {uids[2]: data_set_of(ours.retrieve(*uids)) for uids in found}
    assert fetched == data_sets_of(held)


# --- Names -------------------------------------------------------------------------------------------------

# And what Orthanc makes of them while its DefaultEncoding is Latin1, as installed: it turns every answer into
# that and drops the letters it lacks. We answer in UTF-8 where Latin1 will not do (test_find_character_sets).
# Of a name it asks for it drops them likewise: of a Greek one "^" is left, and that is everybody.
NAMES = {
    "german": ("Synthetic^Müller", "Synthetic^Müller"),
    "japanese": ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada^Tarou=^=^"),
    "korean": ("Kim^Minseo=金^旻序=김^민서", "Kim^Minseo=^=^"),
    "greek": ("Διονυσιος^Πετρος", "^"),
    "cyrillic": ("Кузнецова^Людмила", "^"),
}


@pytest.fixture
def names_held(running_server: Filmless) -> dict[str, str]:
    """A study for each name; Patient ID to name."""
    slices = [
        part10(a_ct_slice(1, study=number, PatientID=who, PatientName=name))
        for number, (who, (name, _)) in enumerate(NAMES.items(), 1)
    ]
    run_command(running_server.environment, "import", str(_written(running_server, slices)))
    return {who: name for who, (name, _) in NAMES.items()}


@pytest.mark.parametrize("encoding", ["Utf8", "Latin1"])
def test_orthanc_reads_the_names_that_its_encoding_has(
    orthanc: OrthancRest, names_held: dict[str, str], encoding: str
) -> None:
    orthanc.encode_as(encoding)
    answers = orthanc.find("Study", PatientName="", PatientID="")
    found = {one["PatientID"]: one["PatientName"] for one in answers}
    damaged = {who: shown for who, (_, shown) in NAMES.items()}
    assert found == (names_held if encoding == "Utf8" else damaged)


def test_orthanc_finds_by_names_of_every_script(orthanc: OrthancRest, names_held: dict[str, str]) -> None:
    orthanc.encode_as("Utf8")
    for who, name in names_held.items():
        for asked in name.split("="):
            answers = orthanc.find("Study", PatientName=asked, PatientID="")
            assert [(one["PatientID"], one["PatientName"]) for one in answers] == [(who, name)]


def test_orthanc_gets_the_worklist(running_server: Filmless, orthanc: OrthancRest) -> None:
    name = NAMES["japanese"][0]
    body = {
        "patient": {"patient_id": "W1", "patient_name": name},
        "procedure": {"requested_procedure_description": "CT head"},
        "step": {
            "modality": "CT",
            "scheduled_station_ae_titles": ["CT1"],
            "start_date": "2099-01-31",
            "start_time": "10:15",
        },
    }
    url = f"{running_server.http_url}/api/worklist"
    httpx.post(url, json=body, headers=running_server.headers, trust_env=False).raise_for_status()
    orthanc.encode_as("Utf8")
    step = {"Modality": "CT", "ScheduledStationAETitle": "", "ScheduledProcedureStepStartDate": "20990131"}
    asked = {"PatientID": "", "PatientName": "", "ScheduledProcedureStepSequence": [step]}
    (found,) = orthanc.post("/modalities/FILMLESS/find-worklist", asked)
    assert (found["PatientID"], found["PatientName"]) == ("W1", name)
    expected = {**step, "ScheduledStationAETitle": "CT1"}
    assert found["ScheduledProcedureStepSequence"] == [expected]
    step["Modality"] = "MG"
    assert orthanc.post("/modalities/FILMLESS/find-worklist", asked) == []


# --- Who is tested with what -------------------------------------------------------------------------------

ASKS_US, WE_ASK = "asks us", "we ask"
HERE = "test_orthanc_peers"
CELLS: dict[tuple[str, str, str], str] = {
    ("DCMTK", "C-ECHO", ASKS_US): "test_store_peers.test_echo_is_answered_to_echoscu",
    ("DCMTK", "C-ECHO", WE_ASK): "test_upper_layer_peers.test_we_echo_and_store_to_storescp",
    ("DCMTK", "C-STORE", ASKS_US): "test_store_peers.test_what_storescu_stores_comes_back",
    ("DCMTK", "C-STORE", WE_ASK): "test_upper_layer_peers.test_we_echo_and_store_to_storescp",
    ("DCMTK", "C-FIND", ASKS_US): "test_find_peers.test_findscu_finds_at_every_level",
    ("DCMTK", "C-FIND", WE_ASK): "test_remote_peers.test_studies_are_found_by_their_patient",
    ("DCMTK", "C-MOVE", ASKS_US): "test_retrieve_peers.test_movescu_moves_every_level_to_storescp",
    ("DCMTK", "C-MOVE", WE_ASK): "test_remote_peers.test_a_study_is_fetched_whole_and_once",
    ("DCMTK", "C-GET", ASKS_US): "test_retrieve_peers.test_getscu_gets_every_level",
    ("DCMTK", "C-GET", WE_ASK): "test_remote_peers.test_a_study_is_fetched_whole_and_once",
    ("pynetdicom", "C-ECHO", ASKS_US): "test_store_peers.test_echo_is_answered_to_pynetdicom",
    ("pynetdicom", "C-ECHO", WE_ASK): "test_upper_layer_peers.test_we_echo_and_store_to_pynetdicom",
    ("pynetdicom", "C-STORE", ASKS_US): "test_store_peers.test_what_pynetdicom_stores_comes_back",
    ("pynetdicom", "C-STORE", WE_ASK): "test_upper_layer_peers.test_we_echo_and_store_to_pynetdicom",
    ("pynetdicom", "C-FIND", ASKS_US): "test_find_peers.test_pynetdicom_finds_studies",
    ("pynetdicom", "C-FIND", WE_ASK): "test_remote_peers.test_studies_are_found_by_their_patient",
    ("pynetdicom", "C-MOVE", ASKS_US): "test_retrieve_peers.test_pynetdicom_moves_to_its_own_storage_scp",
    ("pynetdicom", "C-MOVE", WE_ASK): "test_remote_peers.test_a_study_is_fetched_whole_and_once",
    ("pynetdicom", "C-GET", ASKS_US): "test_retrieve_peers.test_pynetdicom_gets",
    ("pynetdicom", "C-GET", WE_ASK): "test_remote_peers.test_a_study_is_fetched_whole_and_once",
    ("Orthanc", "C-ECHO", ASKS_US): f"{HERE}.test_orthanc_sends_to_us_and_finds_it_here",
    ("Orthanc", "C-ECHO", WE_ASK): "test_remote_peers.test_a_well_connected_archive_is_found_well",
    ("Orthanc", "C-STORE", ASKS_US): f"{HERE}.test_orthanc_sends_to_us_and_finds_it_here",
    ("Orthanc", "C-STORE", WE_ASK): f"{HERE}.test_orthanc_is_sent_a_study",
    ("Orthanc", "C-FIND", ASKS_US): f"{HERE}.test_orthanc_queries_us_and_fetches_what_it_found",
    ("Orthanc", "C-FIND", WE_ASK): "test_remote_peers.test_studies_are_found_by_their_patient",
    ("Orthanc", "C-MOVE", ASKS_US): f"{HERE}.test_orthanc_queries_us_and_fetches_what_it_found",
    ("Orthanc", "C-MOVE", WE_ASK): f"{HERE}.test_orthanc_is_fetched_from",
    ("Orthanc", "C-GET", WE_ASK): f"{HERE}.test_orthanc_is_fetched_from",
}
CANNOT = {("Orthanc", "C-GET", ASKS_US)}  # It has no C-GET SCU.


def test_every_peer_is_tested_with_every_service_both_ways() -> None:
    peers, services = ("DCMTK", "pynetdicom", "Orthanc"), ("C-ECHO", "C-STORE", "C-FIND", "C-MOVE", "C-GET")
    every = {(peer, one, way) for peer in peers for one in services for way in (ASKS_US, WE_ASK)}
    assert set(CELLS) == every - CANNOT
    there = {
        f"{path.stem}.{node.name}"
        for path in Path(__file__).parent.glob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    assert set(CELLS.values()) <= there
