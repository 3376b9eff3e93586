"""Rules, the queue and projects over HTTP, as the screens use them."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from filmless.compose import System
from filmless.edge.api.routing_schemas import (
    DryRunOut,
    PrefetchRuleOut,
    PrefetchRulesOut,
    ProjectsOut,
    QueueOut,
    RuleOut,
    RulesOut,
    TransmissionOut,
    TransmissionPageOut,
    TransmissionsOut,
)
from filmless.features.access import Role, system_actor
from filmless.features.nodes import NewNode, add_node
from made_instances import made_instance, store
from web_installation import register, sign_in

ME = system_actor("test")
STUDY = "1.2.3.1"
NIGHT = {"begins_at": "20:00", "ends_at": "06:00", "weekdays": ["monday", "sunday"]}
RULE: dict[str, Any] = {"name": "to PACS2", "destinations": ["PACS2"]}
FULL = RULE | {
    "is_active": False,
    "position": 7,
    "calling_ae_titles": ["CT?"],
    "modalities": ["CT", "MR"],
    "station_names": ["ER*"],
    "study_descriptions": ["*Thorax*"],
    "series_descriptions": ["axial"],
    "referring_physician_names": ["Haus*"],
    "body_parts_examined": ["CHEST"],
    "received_within": NIGHT,
    "scope": "series",
    "quiet_seconds": 5,
    "send_within": NIGHT,
    "priority": "low",
    "request_commitment": True,
    "project": "",
}
PREFETCH: dict[str, Any] = {"name": "priors", "archives": ["PACS2"]}
FULL_PREFETCH = PREFETCH | {
    "is_active": False,
    "position": 7,
    "modalities": ["CT"],
    "procedures": ["*Thorax*"],
    "priors_max": 2,
    "years_max": 10,
    "same_modality_only": True,
    "same_body_part_only": False,
}


@pytest.fixture
def pacs(system: System, anna: TestClient) -> TestClient:
    """Anna's browser; a study of two series is here, and a node to send it to."""
    add_node(system.database, ME, NewNode("PACS2", "127.0.0.1", 104))
    store(system.archive, made_instance(1), made_instance(2), made_instance(1, series=2))
    return anna


def kept(said: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if key not in ("id", "created_at", "updated_at")}


def test_a_rule_of_two_words_has_the_defaults(pacs: TestClient) -> None:
    answer = pacs.post("/routing-rules", json=RULE)
    assert answer.status_code == 201
    made = RuleOut.model_validate(answer.json())
    assert (made.scope, made.quiet_seconds, made.priority, made.is_active) == ("study", 60, "normal", True)


def test_a_rule_is_added_changed_removed_and_restored(pacs: TestClient) -> None:
    made = pacs.post("/routing-rules", json=FULL).json()
    assert kept(made) == FULL
    path = f"/routing-rules/{made['id']}"
    changed = pacs.put(path, json=FULL | {"name": "another"})
    assert kept(changed.json()) == FULL | {"name": "another"}
    assert pacs.delete(path).status_code == 204
    assert pacs.get("/routing-rules").json() == {"rules": []}
    assert pacs.put(path, json=FULL).status_code == 404
    assert kept(pacs.post(f"{path}/restore").json()) == FULL | {"name": "another"}
    assert len(RulesOut.model_validate(pacs.get("/routing-rules").json()).rules) == 1


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"destinations": []}, 400),
        ({"name": " "}, 400),
        ({"send_within": {"begins_at": "25:00"}}, 400),
        ({"send_within": {"weekdays": []}}, 400),
        ({"send_within": {"weekdays": ["doomsday"]}}, 422),
        ({"project": "UNKNOWN"}, 404),
        ({"quiet_seconds": 10**12}, 422),
        ({"position": -1}, 400),
        ({"modalities": ["CT"] * 300}, 422),
        ({"surprise": 1}, 422),
    ],
)
def test_a_rule_that_cannot_be_is_refused(pacs: TestClient, changes: dict[str, Any], status: int) -> None:
    assert pacs.post("/routing-rules", json=RULE | changes).status_code == status


def test_a_rule_is_tried_on_a_study(pacs: TestClient) -> None:
    rule = RULE | {"series_descriptions": ["Series 2"], "scope": "series"}
    answer = pacs.post("/routing-rules/try", json={"rule": rule, "study_instance_uid": STUDY})
    found = DryRunOut.model_validate(answer.json())
    assert [one.failed_conditions for one in found.series_list] == [["series_descriptions"], []]
    assert found.instances == {"PACS2": 1}
    missing = pacs.post("/routing-rules/try", json={"rule": rule, "study_instance_uid": "9.9"})
    assert missing.status_code == 404


def test_a_prefetch_rule_is_added_changed_removed_and_restored(pacs: TestClient) -> None:
    made = pacs.post("/prefetch-rules", json=PREFETCH)
    assert PrefetchRuleOut.model_validate(made.json()).priors_max == 3
    path = f"/prefetch-rules/{made.json()['id']}"
    assert kept(pacs.put(path, json=FULL_PREFETCH).json()) == FULL_PREFETCH
    assert pacs.delete(path).status_code == 204
    assert pacs.post(f"{path}/restore").status_code == 200
    assert len(PrefetchRulesOut.model_validate(pacs.get("/prefetch-rules").json()).rules) == 1
    assert pacs.post("/prefetch-rules", json=PREFETCH | {"archives": []}).status_code == 400


def test_projects_are_added_and_listed_without_their_secrets(pacs: TestClient) -> None:
    body = {"name": "TRIAL-7", "options": ["shift_dates", "retain_uids"]}
    assert pacs.post("/deidentification-projects", json=body).status_code == 201
    assert pacs.post("/deidentification-projects", json=body).status_code == 409
    both = {"name": "TRIAL-8", "options": ["shift_dates", "retain_full_dates"]}
    assert pacs.post("/deidentification-projects", json=both).status_code == 400
    (project,) = ProjectsOut.model_validate(pacs.get("/deidentification-projects").json()).projects
    assert (project.name, sorted(project.options)) == ("TRIAL-7", ["retain_uids", "shift_dates"])
    assert pacs.post("/routing-rules", json=RULE | {"project": "TRIAL-7"}).status_code == 201


def test_a_study_is_sent_and_seen_in_the_queue(pacs: TestClient) -> None:
    answer = pacs.post(f"/studies/{STUDY}/send", json={"destinations": ["PACS2"], "priority": "urgent"})
    assert answer.status_code == 202
    (row,) = TransmissionsOut.model_validate(answer.json()).transmissions
    assert (row.state, row.instances, row.priority, row.asked_by) == ("waiting", 3, "urgent", "anna")
    page = pacs.get("/transmissions", params={"state": ["waiting", "held"], "destination": "PACS2"})
    assert TransmissionPageOut.model_validate(page.json()).transmissions == [row]
    assert pacs.get("/transmissions", params={"state": "done"}).json() == {"transmissions": [], "total": 0}
    one = pacs.get(f"/transmissions/{row.id}")
    assert TransmissionOut.model_validate(one.json()).patient_name == "Muster^Erika"
    assert pacs.get(f"/transmissions/{row.id}/refused").json() == {"items": [], "total": 0}
    assert pacs.get("/transmissions/unknown/refused").status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"destinations": ["NOBODY"]}, 404),
        ({"destinations": []}, 400),
        ({"destinations": ["PACS2"], "series_instance_uids": ["9.9"]}, 404),
        ({"destinations": ["PACS2"], "series_instance_uids": ["x"]}, 422),
        ({"destinations": ["PACS2"], "project": "UNKNOWN"}, 404),
        ({"destinations": ["PACS2"], "priority": "soon"}, 422),
    ],
)
def test_what_cannot_be_sent_is_refused(pacs: TestClient, body: dict[str, Any], status: int) -> None:
    assert pacs.post(f"/studies/{STUDY}/send", json=body).status_code == status


def test_the_queue_is_paused_resumed_cancelled_and_retried(pacs: TestClient) -> None:
    sent = pacs.post(f"/studies/{STUDY}/send", json={"destinations": ["PACS2"]}).json()
    path = f"/transmissions/{sent['transmissions'][0]['id']}"
    assert pacs.post("/queue/pause", json={"destination": "PACS2"}).status_code == 204
    assert pacs.post("/queue/pause", json={"destination": "NOBODY"}).status_code == 404
    overview = QueueOut.model_validate(pacs.get("/queue").json())
    assert [(one.ae_title, one.is_paused) for one in overview.destinations] == [("PACS2", True)]
    assert pacs.get(path).json()["state"] == "held"
    assert pacs.post("/queue/resume", json={"destination": "PACS2"}).status_code == 204
    assert pacs.put(f"{path}/priority", json={"priority": "low"}).json()["priority"] == "low"
    assert pacs.post(f"{path}/cancel").json()["state"] == "cancelled"
    assert pacs.post(f"{path}/cancel").status_code == 409
    assert pacs.post(f"{path}/retry").json()["state"] == "waiting"
    assert pacs.post("/queue/retry", json={}).json() == {"retried": 0}
    assert pacs.post("/queue/pause", json={}).status_code == 204
    assert pacs.get("/queue").json()["is_paused"] is True
    assert pacs.post("/transmissions/unknown/retry").status_code == 404


def test_a_radiologist_sends_and_does_not_manage(system: System, pacs: TestClient) -> None:
    register(system, "rita", Role.RADIOLOGIST)
    assert pacs.delete("/session").status_code == 204
    pacs.headers.pop("X-CSRF-Token")
    sign_in(pacs, "rita")
    sent = pacs.post(f"/studies/{STUDY}/send", json={"destinations": ["PACS2"]})
    assert sent.status_code == 202
    path = f"/transmissions/{sent.json()['transmissions'][0]['id']}"
    assert pacs.post(f"{path}/cancel").status_code == 200  # Her own.
    assert pacs.get("/queue").status_code == 200
    for method, route, body in (
        ("GET", "/routing-rules", None),
        ("POST", "/routing-rules", RULE),
        ("GET", "/prefetch-rules", None),
        ("POST", "/queue/pause", {}),
        ("POST", "/deidentification-projects", {"name": "X"}),
    ):
        assert pacs.request(method, route, json=body).status_code == 403, route
