"""Orthanc asks us: echo, query, retrieve to itself, and send; each instance as it was, byte for byte."""

import io
from collections.abc import Iterator
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
    fetched = {
        str(identity(orthanc.file(one)).SOPInstanceUID): orthanc.file(one)
        for one in orthanc.get("/instances")
    }
    assert {uid: data_set_of(file) for uid, file in fetched.items()} == {
        str(identity(file).SOPInstanceUID): data_set_of(file) for file in sent
    }


def _written(server: Filmless, sent: list[bytes]) -> Any:
    folder = server.folder / "to-import"
    folder.mkdir()
    for number, file in enumerate(sent):
        (folder / f"{number}.dcm").write_bytes(file)
    return folder
