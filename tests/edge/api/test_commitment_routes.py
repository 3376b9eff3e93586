"""Storage commitment and availability notices over JSON."""

import pytest
from starlette.testclient import TestClient

from builders import CT_IMAGE_STORAGE, ROOT
from filmless.compose import System
from filmless.edge.api.schemas import (
    AvailabilityNoticePageOut,
    AvailabilitySubscribersOut,
    CommitmentAskedPageOut,
    CommitmentFailuresOut,
    CommitmentReceivedPageOut,
)
from filmless.features.access import Role, system_actor
from filmless.features.archive import InstanceReference
from filmless.features.commitment import (
    announce_availability,
    asking_failed,
    receive_request,
    reporting_failed,
    telling_failed,
    verify_request,
)
from filmless.features.nodes import NewNode, add_node
from frozen_clock import FrozenClock
from held_instances import NODE, hold
from web_installation import register, sign_in

US = system_actor("test")
STUDY = f"{ROOT}.1"
UNKNOWN = InstanceReference(CT_IMAGE_STORAGE, f"{ROOT}.404")


@pytest.fixture(autouse=True)
def remote(system: System) -> None:
    add_node(system.database, US, NewNode("REMOTE", "remote.example.org", 104))


def test_requests_made_of_us_are_listed_and_a_parked_one_is_retried(system: System, anna: TestClient) -> None:
    request_id = receive_request(system.database, NODE, "2.25.1", [UNKNOWN])
    verify_request(system.archive, US, request_id)
    answer = anna.get("/commitments/received")
    page = CommitmentReceivedPageOut.model_validate_json(answer.content)
    assert [(one.id, one.state, one.number_failed) for one in page.items] == [
        (request_id, "waiting to report", 1)
    ]
    failures = CommitmentFailuresOut.model_validate_json(
        anna.get(f"/commitments/{request_id}/failures").content
    )
    assert [(one.sop_instance_uid, one.failure_reason) for one in failures.items] == [
        (UNKNOWN.sop_instance_uid, 0x0112)
    ]
    assert anna.get("/commitments/nobody/failures").status_code == 404
    assert anna.post(f"/commitments/received/{request_id}/retry").status_code == 409
    reporting_failed(system.database, US, request_id, "Nobody knows where it lives.", give_up=True)
    parked = anna.get("/commitments/received", params={"state": "parked"}).json()
    assert (parked["total"], parked["items"][0]["last_error"]) == (1, "Nobody knows where it lives.")
    assert anna.post(f"/commitments/received/{request_id}/retry").status_code == 204
    assert anna.get("/commitments/received", params={"state": "parked"}).json()["total"] == 0


def test_a_study_is_asked_about_and_what_failed_is_asked_again(system: System, anna: TestClient) -> None:
    hold(system.archive)
    body = {"node_ae_title": "REMOTE", "study_instance_uid": STUDY}
    answer = anna.post("/commitments/asked", json=body)
    assert answer.status_code == 201
    request_id = answer.json()["id"]
    asking_failed(system.database, US, request_id, "It cannot be reached.", give_up=True)
    page = CommitmentAskedPageOut.model_validate_json(anna.get("/commitments/asked").content)
    assert [(one.id, one.node_ae_title, one.state) for one in page.items] == [
        (request_id, "REMOTE", "parked")
    ]
    assert anna.post(f"/commitments/asked/{request_id}/retry").status_code == 204
    assert anna.post(f"/commitments/asked/{request_id}/retry").status_code == 409
    for wrong in ({"node_ae_title": "NOBODY"}, {"study_instance_uid": f"{ROOT}.404"}):
        assert anna.post("/commitments/asked", json={**body, **wrong}).status_code == 404


def test_nodes_subscribe_and_notices_are_listed(system: System, anna: TestClient, clock: FrozenClock) -> None:
    assert anna.put("/availability/subscribers/REMOTE").status_code == 204
    assert anna.put("/availability/subscribers/NOBODY").status_code == 404
    subscribers = AvailabilitySubscribersOut.model_validate_json(
        anna.get("/availability/subscribers").content
    )
    assert [one.ae_title for one in subscribers.items] == ["REMOTE"]
    hold(system.archive)
    clock.advance(120)
    announce_availability(system.archive, US, STUDY)
    page = AvailabilityNoticePageOut.model_validate_json(anna.get("/availability/notices").content)
    [notice] = page.items
    assert (notice.ae_title, notice.study_instance_uid, notice.state) == ("REMOTE", STUDY, "waiting")
    telling_failed(system.database, US, notice.id, "It cannot be reached.", give_up=True)
    assert anna.post(f"/availability/notices/{notice.id}/retry").status_code == 204
    assert anna.delete("/availability/subscribers/REMOTE").status_code == 204
    assert anna.delete("/availability/subscribers/REMOTE").status_code == 404


@pytest.mark.parametrize("path", ["/commitments/received", "/commitments/asked", "/availability/notices"])
def test_a_state_that_there_is_not_is_a_wrong_question(anna: TestClient, path: str) -> None:
    assert anna.get(path, params={"state": "lost"}).status_code == 422


def test_who_only_reads_may_look_and_not_ask(system: System, stranger: TestClient) -> None:
    register(system, "otto", Role.SERVICE)
    sign_in(stranger, "otto")
    assert stranger.get("/commitments/asked").status_code == 200
    body = {"node_ae_title": "REMOTE", "study_instance_uid": STUDY}
    assert stranger.post("/commitments/asked", json=body).status_code == 403
    assert stranger.get("/availability/subscribers").status_code == 403
