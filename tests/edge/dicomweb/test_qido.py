"""Searches answer as PS3.18 section 10.6 says, and refuse in plain words."""

import pydicom
import pytest
from dicomweb_requests import ROOT, STUDY
from starlette.testclient import TestClient

from filmless.features.archive import Archive
from filmless.infra import limits
from made_instances import made_instance, store


def test_a_study_is_found_with_its_attributes(client: TestClient, archive: Archive) -> None:
    store(archive, made_instance(1), made_instance(2), made_instance(1, series=2, Modality="SR"))

    answer = client.get(f"{ROOT}/studies", params={"PatientID": "P1", "00080020": "20260101-"})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/dicom+json"
    assert answer.headers["x-total-count"] == "1"
    assert "warning" not in answer.headers
    (study,) = answer.json()
    assert study["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Muster^Erika"}]}
    assert study["00080061"] == {"vr": "CS", "Value": ["CT", "SR"]}
    assert study["00201206"] == {"vr": "IS", "Value": [2]}
    assert study["00201208"] == {"vr": "IS", "Value": [3]}
    assert study["00081190"] == {"vr": "UR", "Value": [f"http://localhost:8000{STUDY}"]}
    pydicom.Dataset.from_json(study)


@pytest.mark.parametrize(
    ("path", "uids"),
    [
        ("/studies", ["1.2.3.1", "1.2.3.2"]),
        ("/series", ["1.2.3.1.1", "1.2.3.1.2", "1.2.3.2.1"]),
        ("/instances", ["1.2.3.1.1.1", "1.2.3.1.1.2", "1.2.3.1.2.1", "1.2.3.2.1.1"]),
        ("/studies/1.2.3.1/series", ["1.2.3.1.1", "1.2.3.1.2"]),
        ("/studies/1.2.3.1/instances", ["1.2.3.1.1.1", "1.2.3.1.1.2", "1.2.3.1.2.1"]),
        ("/studies/1.2.3.1/series/1.2.3.1.1/instances", ["1.2.3.1.1.1", "1.2.3.1.1.2"]),
        ("/studies/1.2.3.1/series/1.2.3.2.1/instances", []),
        ("/studies/1.2.3.99/series", []),
    ],
)
def test_each_search_has_its_level(client: TestClient, archive: Archive, path: str, uids: list[str]) -> None:
    store(
        archive,
        made_instance(1),
        made_instance(2),
        made_instance(1, series=2),
        made_instance(1, study=2, StudyDate="20260129"),
    )
    tag = {"studies": "0020000D", "series": "0020000E", "instances": "00080018"}[path.rpartition("/")[2]]

    answer = client.get(ROOT + path)

    assert answer.status_code == 200
    assert [row[tag]["Value"][0] for row in answer.json()] == uids
    for row in answer.json():
        pydicom.Dataset.from_json(row)


def test_limit_and_offset_page_and_a_cut_is_told(
    client: TestClient, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(archive, *(made_instance(study=number) for number in range(1, 6)))

    page = client.get(f"{ROOT}/studies", params={"limit": 2, "offset": 4})
    assert (len(page.json()), page.headers["x-total-count"]) == (1, "5")
    assert "warning" not in client.get(f"{ROOT}/studies", params={"limit": 2}).headers
    assert client.get(f"{ROOT}/studies", params={"offset": 50}).json() == []
    assert client.get(f"{ROOT}/studies", params={"limit": 0}).json() == []
    monkeypatch.setattr(limits, "QUERY_RESULTS_MAX", 3)
    cut = client.get(f"{ROOT}/studies", params={"limit": 1000})
    assert len(cut.json()) == 3
    assert cut.headers["warning"].startswith("299 ")
    assert "2 additional results" in cut.headers["warning"]


def test_keys_that_are_not_matched_are_named(client: TestClient, archive: Archive) -> None:
    store(archive, made_instance())

    answer = client.get(
        f"{ROOT}/studies?OperatorsName=X&00400275.00400009=Y&includefield=all&fuzzymatching=true"
    )

    assert len(answer.json()) == 1
    assert "OperatorsName" in answer.headers["warning"]


def test_studies_are_found_by_modality_as_some_clients_ask(client: TestClient, archive: Archive) -> None:
    store(archive, made_instance(study=1), made_instance(study=2, Modality="MR"))

    (study,) = client.get(f"{ROOT}/studies?00080060=MR").json()

    assert study["0020000D"]["Value"] == ["1.2.3.2"]


@pytest.mark.parametrize(
    "query",
    ["StudyDate=soon", "limit=-1", "limit=many", "offset=9999999999", "NoSuchThing=1", "orderby=ShoeSize",
     "offset=99999999", "PatientID=%00"],
)  # fmt: skip
def test_a_search_that_makes_no_sense_is_refused_in_plain_words(client: TestClient, query: str) -> None:
    answer = client.get(f"{ROOT}/studies?{query}")

    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_xml_is_not_offered(client: TestClient) -> None:
    answer = client.get(f"{ROOT}/studies", headers={"Accept": "application/dicom+xml"})

    assert answer.status_code == 406
