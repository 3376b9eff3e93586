"""The study list, one study, the quarantine and the status over HTTP."""

import json
from collections.abc import Sequence

import pytest
from pydicom.dataset import Dataset
from starlette.testclient import TestClient

from builders import ROOT, a_ct_slice, part10
from filmless.compose import System
from filmless.edge.api.schemas import QuarantinePageOut, StudyDetailOut, StudyPageOut, SystemOut
from filmless.features.archive import receive_part10
from filmless.infra.errors import Conflict
from web_installation import CONSOLE


def store(system: System, *data_sets: Dataset) -> None:
    for data_set in data_sets:
        receive_part10(system.archive, CONSOLE, "CT1", [part10(data_set)])


def uids(answer: object) -> list[str]:
    page = StudyPageOut.model_validate_json(answer.content)  # type: ignore[attr-defined]
    return [study.study_instance_uid.removeprefix(f"{ROOT}.") for study in page.studies]


@pytest.fixture
def three_studies(system: System) -> None:
    store(
        system,
        a_ct_slice(1, study=1),
        a_ct_slice(2, study=1),
        a_ct_slice(1, study=1, series=2),
        a_ct_slice(1, study=2, PatientName="Anders^Berta", PatientID="TEST-2", StudyDate="20260201"),
        a_ct_slice(
            1,
            study=3,
            PatientName="Caesar^Carl",
            PatientID="OTHER",
            StudyDate="",
            StudyTime="",
            Modality="MR",
        ),
    )


def test_a_study_is_listed_with_everything_the_screen_shows(
    system: System, anna: TestClient, three_studies: None
) -> None:
    answer = anna.get("/studies", params={"accession_number": "ACC1"})
    StudyPageOut.model_validate_json(answer.content)
    (study,) = answer.json()["studies"]
    assert study.pop("size_bytes") > 3 * 128
    assert study == {
        "study_instance_uid": f"{ROOT}.1",
        "patient_name": "Synthetic^Müller",
        "patient_id": "TEST-1",
        "issuer_of_patient_id": "TESTS",
        "patient_birth_date": "1970-01-02",
        "patient_sex": "O",
        "study_date": "2026-01-31",
        "study_time": "10:15:00",
        "accession_number": "ACC1",
        "study_description": "CT Kopf",
        "referring_physician_name": "Tester^Überweisung",
        "modalities_in_study": ["CT"],
        "number_of_series": 2,
        "number_of_instances": 3,
        "received_at": "2026-01-31T09:00:00Z",
        "updated_at": "2026-01-31T09:00:00Z",
    }


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", ["2", "1", "3"]),
        ("search=müller", ["1"]),
        ("search=MULLER synth", ["1"]),
        ("search=OTHER", ["3"]),
        ("patient_name=mull", ["1"]),
        ("patient_name=an*", ["2"]),
        ("patient_id=TEST", ["2", "1"]),
        ("patient_id=TEST-2", ["2"]),
        ("accession_number=ACC", ["2", "1", "3"]),
        ("modality=MR", ["3"]),
        ("modality=MR&modality=CT", ["2", "1", "3"]),
        ("modality=US", []),
        ("study_date_from=2026-02-01", ["2"]),
        ("study_date_to=2026-01-31", ["1"]),
        ("study_date_from=2026-01-31&study_date_to=2026-02-01", ["2", "1"]),
        ("order_by=patient_name", ["2", "3", "1"]),
        ("order_by=-patient_name", ["1", "3", "2"]),
        ("order_by=modality,-study_date", ["2", "1", "3"]),
        ("limit=1&offset=1", ["1"]),
        ("offset=3", []),
    ],
)
def test_the_list_is_what_was_asked_for(
    anna: TestClient, three_studies: None, asked: str, found: Sequence[str]
) -> None:
    assert uids(anna.get(f"/studies?{asked}")) == found


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("limit=0", 422),
        ("limit=1001", 422),
        ("offset=-1", 422),
        ("offset=99999999999999999999", 400),
        ("offset=99999999", 400),
        ("order_by=password_hash", 400),
        ("study_date_from=yesterday", 422),
        ("patient_name=%00", 400),
        ("search=%00", 200),
    ],
)
def test_a_question_out_of_bounds_gets_a_problem(
    anna: TestClient, three_studies: None, asked: str, status: int
) -> None:
    assert anna.get(f"/studies?{asked}").status_code == status


def test_a_study_comes_with_its_series(anna: TestClient, three_studies: None) -> None:
    answer = anna.get(f"/studies/{ROOT}.1")
    StudyDetailOut.model_validate_json(answer.content)
    assert answer.json()["series_list"] == [
        {
            "series_instance_uid": f"{ROOT}.1.{number}",
            "modality": "CT",
            "series_number": number,
            "series_description": "axial",
            "body_part_examined": "",
            "number_of_instances": instances,
            "thumbnail_url": f"/dicom-web/studies/{ROOT}.1/series/{ROOT}.1.{number}/thumbnail",
        }
        for number, instances in ((1, 2), (2, 1))
    ]


@pytest.mark.parametrize(
    ("uid", "status"), [("1.2.3", 404), ("x", 404), ("%2e%2e", 404), ("%00", 422), ("1" * 200, 422)]
)
def test_an_unknown_study_is_404(anna: TestClient, uid: str, status: int) -> None:
    assert anna.get(f"/studies/{uid}").status_code == status


@pytest.mark.parametrize("text", ["\x00", "\ud800", "x" * 3000])
def test_text_that_no_database_keeps_is_refused_at_the_door(anna: TestClient, text: str) -> None:
    body = json.dumps({"reason": text})
    assert anna.post("/quarantine/x/discard", content=body).status_code == 422
    body = json.dumps({"user_name": text, "password": text})
    assert anna.post("/session", content=body).status_code in (401, 422)
    body = json.dumps({"current_password": text, "new_password": text})
    assert anna.post("/password", content=body).status_code in (400, 401, 422)
    assert anna.post("/quarantine/%00/discard", json={"reason": "x"}).status_code == 422


def test_what_was_set_aside_is_listed_and_resolved(system: System, anna: TestClient) -> None:
    store(system, a_ct_slice(1))
    with pytest.raises(Conflict):
        store(system, a_ct_slice(1, StudyDescription="changed"))
    answer = anna.get("/quarantine")
    (item,) = QuarantinePageOut.model_validate_json(answer.content).items
    assert (item.reason, item.calling_ae_title) == ("duplicate_with_other_content", "CT1")
    assert item.sop_instance_uid == f"{ROOT}.1.1.1"
    assert anna.get("/system").json()["quarantine"] == 1
    assert anna.post(f"/quarantine/{item.id}/discard", json={"reason": " "}).status_code == 400
    assert anna.post(f"/quarantine/{item.id}/discard", json={"reason": "a test"}).status_code == 204
    assert anna.get("/quarantine").json() == {"items": [], "total": 0}
    assert anna.post(f"/quarantine/{item.id}/accept", json={"reason": "again"}).status_code == 404


def test_the_status_says_what_is_held_and_where_to_send(
    system: System, anna: TestClient, three_studies: None
) -> None:
    answer = anna.get("/system")
    told = SystemOut.model_validate_json(answer.content)
    assert (told.studies, told.instances, told.quarantine) == (3, 5, 0)
    assert (told.ae_title, told.dicom_host, told.dicom_port) == ("FILMLESS", "127.0.0.1", 11112)
    store(system, a_ct_slice(9))
    assert anna.get("/system").json()["instances"] == 5  # Counted every other second.
    system.clock.advance(2)  # type: ignore[attr-defined]
    assert anna.get("/system").json()["instances"] == 6
