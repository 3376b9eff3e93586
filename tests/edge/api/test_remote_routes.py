"""Other archives over HTTP: searching, fetching, examining a connection. The DICOM side is a real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from starlette.testclient import TestClient

from builders import CT_IMAGE_STORAGE, EXPLICIT_LE, a_ct_slice, encoded
from filmless.compose import System
from filmless.compose.dimse import dimse_services
from filmless.edge.api import create_api
from filmless.edge.dimse.admission import Admission
from filmless.edge.dimse.our_side import OurSide
from filmless.edge.dimse.remote import Puller, RemoteArchives
from filmless.edge.dimse.requestor import Peer, open_association
from filmless.edge.dimse.server import DIMSEServer
from filmless.features.access import Role
from filmless.features.nodes import NewNode, add_node
from filmless.infra.database import Database
from filmless.infra.sandbox import Sandbox
from frozen_clock import FrozenClock
from web_installation import CONSOLE, an_installation, bearer, client_of, register, sign_in


@pytest.fixture
def other_archive(sqlite_database: Database, clock: FrozenClock, tmp_path: Path) -> Iterator[DIMSEServer]:
    """Another Filmless, with a study of two slices and somebody else's."""
    other = an_installation(sqlite_database, clock, tmp_path / "other", ae_title="OTHER")
    services = dimse_services(other, Sandbox())
    server = DIMSEServer(services, Admission(sqlite_database, "OTHER", False, True), "127.0.0.1", 0)
    server.start()
    contexts = [(CT_IMAGE_STORAGE, (EXPLICIT_LE,))]
    with open_association(Peer("127.0.0.1", server.port, "OTHER", "CT1"), contexts) as sender:
        others = a_ct_slice(1, study=2, PatientID="TEST-2", PatientName="Other^Person")
        for one in (a_ct_slice(1), a_ct_slice(2), others):
            assert sender.store(CT_IMAGE_STORAGE, one.SOPInstanceUID, EXPLICIT_LE, (encoded(one),)) == 0
    yield server
    server.stop()


@pytest.fixture
def system(
    postgres_database: Database, clock: FrozenClock, tmp_path: Path, other_archive: DIMSEServer
) -> System:
    system = an_installation(postgres_database, clock, tmp_path / "ours")
    add_node(system.database, CONSOLE, NewNode("OTHER", "127.0.0.1", other_archive.port, "the other one"))
    return system


@pytest.fixture
def client(system: System) -> Iterator[TestClient]:
    register(system)
    app = create_api(system, RemoteArchives(OurSide.of(system.settings, system.archive)))
    with client_of(app) as client:
        sign_in(client)
        yield client


def test_another_archive_is_searched_and_a_study_fetched(client: TestClient, system: System) -> None:
    assert client.get("/remote/archives").json() == {
        "archives": [{"ae_title": "OTHER", "description": "the other one"}]
    }
    asked = {"ae_title": "OTHER", "patient_name": "synthetic", "study_date_from": "2026-01-01"}
    (study,) = client.post("/remote/search", json=asked).json()["studies"]
    assert (study["patient_name"], study["study_date"]) == ("Synthetic^Müller", "2026-01-31")
    assert (study["number_of_instances"], study["number_of_instances_here"], study["is_here"]) == (
        2,
        0,
        False,
    )

    uid = study["study_instance_uid"]
    series = client.get(f"/remote/studies/{uid}/series", params={"ae_title": "OTHER"}).json()
    assert [(it["modality"], it["number_of_instances"]) for it in series["series_list"]] == [("CT", 2)]

    answer = client.post("/remote/pulls", json={"ae_title": "OTHER", "study_instance_uid": uid})
    assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
    pull_id = answer.json()["id"]
    Puller(OurSide.of(system.settings, system.archive)).pull_study(pull_id)
    pull = client.get(f"/remote/pulls/{pull_id}").json()
    assert (pull["state"], pull["completed"], pull["failed"], pull["explanation"]) == ("done", 2, 0, "")
    assert client.get("/remote/pulls").json()["pulls"] == [pull]

    (study,) = client.post("/remote/search", json=asked).json()["studies"]
    assert (study["number_of_instances_here"], study["is_here"]) == (2, True)
    assert client.get(f"/studies/{uid}").json()["number_of_instances"] == 2


@pytest.mark.parametrize(("limit", "studies", "is_whole"), [(1, 1, False), (2, 2, True)])
def test_a_search_that_is_cut_off_says_so(
    client: TestClient, *, limit: int, studies: int, is_whole: bool
) -> None:
    asked = {"ae_title": "OTHER", "patient_id": "TEST*", "limit": limit}
    found = client.post("/remote/search", json=asked).json()
    assert (len(found["studies"]), found["is_whole"]) == (studies, is_whole)


def test_a_pull_can_be_stopped_once(client: TestClient) -> None:
    wanted = {"ae_title": "OTHER", "study_instance_uid": "1.2.3"}
    pull_id = client.post("/remote/pulls", json=wanted).json()["id"]
    assert client.post(f"/remote/pulls/{pull_id}/stop").json()["state"] == "stopped"
    assert client.post(f"/remote/pulls/{pull_id}/stop").status_code == 409


def test_a_study_that_is_not_there_ends_as_failed_in_words(client: TestClient, system: System) -> None:
    wanted = {"ae_title": "OTHER", "study_instance_uid": "1.2.3"}
    pull_id = client.post("/remote/pulls", json=wanted).json()["id"]
    Puller(OurSide.of(system.settings, system.archive)).pull_study(pull_id)
    pull = client.get(f"/remote/pulls/{pull_id}").json()
    assert (pull["state"], pull["explanation"]) == ("failed", "OTHER found nothing to send.")


REFUSED = [
    ("/remote/search", {"ae_title": "OTHER"}, 400),
    ("/remote/search", {"ae_title": "NOBODY", "patient_id": "1"}, 404),
    ("/remote/pulls", {"ae_title": "NOBODY", "study_instance_uid": "1.2.3"}, 404),
    ("/remote/pulls", {"ae_title": "OTHER", "study_instance_uid": "../x"}, 400),
    ("/nodes/NOBODY/check", {}, 404),
]


@pytest.mark.parametrize(("path", "body", "status"), REFUSED)
def test_what_cannot_be_asked_is_a_problem(
    client: TestClient, path: str, body: dict[str, str], status: int
) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_archive_that_is_off_is_503_in_words(client: TestClient, other_archive: DIMSEServer) -> None:
    other_archive.stop()
    answer = client.post("/remote/search", json={"ae_title": "OTHER", "patient_id": "1"})
    assert answer.status_code == 503
    assert "OTHER" in answer.json()["detail"]


def test_a_connection_is_examined_line_by_line(client: TestClient) -> None:
    answer = client.post("/nodes/OTHER/check", json={})
    assert answer.headers["content-type"] == "application/x-ndjson"
    findings = [orjson.loads(line) for line in answer.text.splitlines()]
    assert [it["step"] for it in findings][:4] == ["name", "tcp", "tls", "association"]
    assert {it["step"]: it["name"] for it in findings}["echo"] == "answered"
    assert {it["step"]: it["name"] for it in findings}["store"] == "not_asked"


def test_only_those_with_the_permission_ask_others(client: TestClient, system: System) -> None:
    register(system, "ris", Role.SERVICE)
    headers = bearer(system, "ris")
    del client.headers["X-CSRF-Token"]
    client.cookies.clear()
    for path, body in (
        ("/remote/search", {"ae_title": "OTHER", "patient_id": "1"}),
        ("/remote/pulls", {"ae_title": "OTHER", "study_instance_uid": "1.2.3"}),
        ("/nodes/OTHER/check", {}),
    ):
        assert client.post(path, json=body, headers=headers).status_code == 403, path
