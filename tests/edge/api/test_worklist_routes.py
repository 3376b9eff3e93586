"""The worklist and the performed steps over the JSON interface; answers are as their models say."""

from typing import Any

import pytest
from pydantic import BaseModel
from starlette.testclient import TestClient

from filmless.compose import System
from filmless.edge.api.worklist_schemas import (
    PerformedStepDetailOut,
    PerformedStepPageOut,
    StepOut,
    StepPageOut,
    WorklistViewsOut,
)
from filmless.features.access import Role
from filmless.features.exams import create_performed_step, set_performed_step
from filmless.features.scheduling import get_step, schedule_step
from web_installation import bearer, register
from worklist_builders import DESK, a_series, a_step, another_step, data_set, ended, started

BODY: dict[str, Any] = {
    "patient": {"patient_name": "Probe^Maria", "patient_id": "P-1", "patient_birth_date": "1970-01-02"},
    "procedure": {"requested_procedure_description": "CT head"},
    "step": {
        "modality": "CT",
        "scheduled_station_ae_titles": ["CT1"],
        "start_date": "2026-01-31",
        "start_time": "10:15",
    },
}


def fits(model: type[BaseModel], answer: Any) -> Any:
    """The answer's JSON, which must be what the model says."""
    assert answer.status_code < 300, answer.text
    model.model_validate_json(answer.content)
    return answer.json()


def test_a_step_is_scheduled_with_what_is_known(anna: TestClient) -> None:
    made = fits(StepOut, anna.post("/worklist", json=BODY))
    assert made["status"] == "SCHEDULED"
    assert made["request"]["accession_number"] == "A260000001"
    assert made["step"]["start_time"] == "10:15:00"
    assert made["patient"]["patient_birth_date"] == "1970-01-02"
    assert fits(StepOut, anna.get(f"/worklist/{made['id']}")) == made


def test_what_was_answered_can_be_sent_back_changed(anna: TestClient, system: System) -> None:
    others = data_set(PatientComments="kept")
    held = schedule_step(system.database, DESK, a_step(other_attributes=others))
    read = anna.get(f"/worklist/{held.id}").json()
    parts = {name: read[name] for name in ("patient", "request", "procedure", "step", "revision")}
    parts["step"]["location"] = "ROOM 7"
    changed = fits(StepOut, anna.put(f"/worklist/{held.id}", json=parts))
    assert changed["step"]["location"] == "ROOM 7"
    assert get_step(system.database, DESK, held.id).details.other_attributes == others
    again = anna.put(f"/worklist/{held.id}", json=parts)
    assert (again.status_code, again.json()["type"]) == (409, "urn:filmless:problem:step-changed-meanwhile")


def test_steps_are_listed_by_what_they_are_asked_for(anna: TestClient, system: System) -> None:
    for number, day in ((1, "20260131"), (2, "20260201"), (3, "20260202")):
        step = another_step(number, start_date=day, patient_name=f"Nr{number}^Probe")
        schedule_step(system.database, DESK, step)
    for parameters, expected in (
        ({}, ["P-1", "P-2", "P-3"]),
        ({"date_from": "2026-02-01"}, ["P-2", "P-3"]),
        ({"date_from": "2026-02-01", "date_to": "2026-02-01"}, ["P-2"]),
        ({"patient_name": "nr3"}, ["P-3"]),
        ({"patient_id": "P-2"}, ["P-2"]),
        ({"search": "pro nr1"}, ["P-1"]),
        ({"search": "p-3"}, ["P-3"]),
        ({"search": "acc-2 probe"}, ["P-2"]),
        ({"search": "%"}, []),
        ({"status": ["ARRIVED", "READY"]}, []),
        ({"modality": "CT", "station_ae_title": "CT1"}, ["P-1", "P-2", "P-3"]),
        ({"limit": 1, "offset": 1}, ["P-2"]),
    ):
        page = fits(StepPageOut, anna.get("/worklist", params=parameters))
        assert [step["patient"]["patient_id"] for step in page["steps"]] == expected, parameters
    assert anna.get("/worklist", params={"limit": 1}).json()["total"] == 3


def test_a_patient_arrives_is_prepared_and_the_step_is_cancelled(anna: TestClient, system: System) -> None:
    step_id = schedule_step(system.database, DESK, a_step()).id
    for verb, status in (("arrive", "ARRIVED"), ("prepare", "READY")):
        assert fits(StepOut, anna.post(f"/worklist/{step_id}/{verb}"))["status"] == status
    assert anna.post(f"/worklist/{step_id}/depart").status_code == 409
    assert anna.post(f"/worklist/{step_id}/cancel", json={"reason": " "}).status_code == 400
    cancelled = fits(StepOut, anna.post(f"/worklist/{step_id}/cancel", json={"reason": "no show"}))
    assert cancelled["status"] == "CANCELED"
    assert anna.post(f"/worklist/{step_id}/arrive").status_code == 409


def test_what_is_wrong_is_said_without_the_values(anna: TestClient) -> None:
    body = {**BODY, "patient": {"patient_name": "Secret^Patient" * 6, "patient_id": "P-1"}}
    answer = anna.post("/worklist", json=body)
    assert answer.status_code == 400
    assert "PatientName has more than 64 characters" in answer.json()["detail"]
    assert "Secret" not in answer.text


def test_another_patients_accession_number_is_a_conflict(anna: TestClient, system: System) -> None:
    schedule_step(system.database, DESK, a_step())
    request = {"accession_number": "ACC-1", "issuer_of_accession_number": "RIS"}
    other = {"patient_name": "Other^One", "patient_id": "P-2"}
    answer = anna.post("/worklist", json={**BODY, "request": request, "patient": other})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:filmless:problem:number-taken")


def test_unknown_ids_are_404(anna: TestClient) -> None:
    for method, path in (
        ("GET", "/worklist/x"), ("POST", "/worklist/x/arrive"), ("GET", "/performed-steps/1.2"),
    ):  # fmt: skip
        assert anna.request(method, path).status_code == 404


def test_views_are_decided_and_listed(anna: TestClient) -> None:
    view = {"ae_title": "CT1", "statuses": ["ARRIVED"], "own_station_only": True}
    assert anna.put("/worklist-views", json=view).status_code == 204
    assert fits(WorklistViewsOut, anna.get("/worklist-views")) == {"views": [view]}


def test_performed_steps_are_listed_with_state_and_counts(anna: TestClient, system: System) -> None:
    step = schedule_step(system.database, DESK, a_step())
    create_performed_step(system.database, DESK, "1.2.3", started())
    series_list = [a_series(1, 2), a_series(2, 3)]
    set_performed_step(system.database, DESK, "1.2.3", ended(PerformedSeriesSequence=series_list))
    page = fits(PerformedStepPageOut, anna.get("/performed-steps", params={"step_id": step.id}))
    (row,) = page["performed_steps"]
    assert (row["status"], row["number_of_series"], row["number_of_instances"]) == ("COMPLETED", 2, 5)
    assert (row["start_date"], row["start_time"], row["end_time"]) == ("2026-01-31", "10:20:00", "10:30:00")
    assert [one["step_id"] for one in row["references"]] == [step.id]
    detail = fits(PerformedStepDetailOut, anna.get("/performed-steps/1.2.3"))
    assert [one["number_of_instances"] for one in detail["series_list"]] == [2, 3]
    assert [one["step_id"] for one in detail["references"]] == [step.id]
    nothing = anna.get("/performed-steps", params={"status": "IN PROGRESS"}).json()
    assert nothing["total"] == 0


@pytest.mark.parametrize(
    ("role", "may_write"), [(Role.TECHNOLOGIST, True), (Role.RADIOLOGIST, False), (Role.SERVICE, None)]
)
def test_roles_may_what_they_must(
    system: System, stranger: TestClient, role: Role, may_write: bool | None
) -> None:
    register(system, "ris", role)
    headers = bearer(system, "ris")
    reads = stranger.get("/worklist", headers=headers).status_code
    writes = stranger.post("/worklist", headers=headers, json=BODY).status_code
    views = stranger.get("/worklist-views", headers=headers).status_code
    assert reads == (403 if may_write is None else 200)
    assert writes == (201 if may_write else 403)
    assert views == 403
