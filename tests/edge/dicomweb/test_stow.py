"""What is sent is stored and named; what is not is told with its reason."""

from pathlib import Path
from typing import Any

import pydicom
import pytest
from dicomweb_requests import ROOT, STUDY, data_set_of, stow
from starlette.testclient import TestClient

from filmless.edge.dicomweb.multipart import content_type_of, multipart_body
from filmless.infra.object_store.base import Observer
from filmless.infra.object_store.folder import FolderObjectStore, FolderObjectWriter
from made_instances import made_instance


def test_stored_instances_are_named_and_retrievable(client: TestClient) -> None:
    files = [made_instance(1), made_instance(2)]

    answer = stow(client, *files)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/dicom+json"
    response = pydicom.Dataset.from_json(answer.json())
    assert [item.ReferencedSOPInstanceUID for item in response.ReferencedSOPSequence] == [
        "1.2.3.1.1.1",
        "1.2.3.1.1.2",
    ]
    assert "FailedSOPSequence" not in response
    assert response.RetrieveURL == f"http://localhost:8000{STUDY}"
    for item, file in zip(response.ReferencedSOPSequence, files, strict=True):
        assert item.ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.2"
        sent = client.get(item.RetrieveURL, headers={"Accept": "application/dicom"}).content
        assert data_set_of(sent) == data_set_of(file)


def test_storing_the_same_twice_is_a_success(client: TestClient) -> None:
    assert [stow(client, made_instance()).status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"InstanceNumber": 7}, 0x0111),
        ({"number": 2, "PatientID": "P2", "PatientName": "Else^Someone"}, 0xA778),
        ({"StudyInstanceUID": "not a uid", "number": 3}, 0xA900),
    ],
)
def test_what_contradicts_is_told_with_its_reason(
    client: TestClient, changes: dict[str, Any], reason: int
) -> None:
    stow(client, made_instance())

    answer = stow(client, made_instance(**changes), made_instance(9))

    assert answer.status_code == 202
    response = pydicom.Dataset.from_json(answer.json())
    assert [item.FailureReason for item in response.FailedSOPSequence] == [reason]
    assert len(response.ReferencedSOPSequence) == 1


def test_an_instance_of_another_study_is_not_stored_there(client: TestClient) -> None:
    answer = stow(client, made_instance(), study="1.2.3.99")

    assert answer.status_code == 409
    response = pydicom.Dataset.from_json(answer.json())
    assert response.FailedSOPSequence[0].FailureReason == 0xA901
    assert response.FailedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.3.1.1.1"
    assert client.get(f"{ROOT}/studies").json() == []
    assert stow(client, made_instance(), study="1.2.3.1").status_code == 200


def test_one_file_alone_is_stored_too(client: TestClient) -> None:
    answer = client.post(
        f"{ROOT}/studies", content=made_instance(), headers={"Content-Type": "application/dicom"}
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("text/plain", b"hello", 415),
        ("", b"hello", 415),
        ('multipart/related; type="application/dicom+json"; boundary=B', b"--B--", 415),
        ('multipart/related; type="application/dicom"', b"--B--", 400),
        ('multipart/related; type="application/dicom"; boundary=B', b"", 400),
        ('multipart/related; type="application/dicom"; boundary=B', b"--B--", 400),
        ('multipart/related; type="application/dicom"; boundary=B', b"--B\r\n\r\nDIC", 400),
        ("multipart/related; boundary=B", b"--B\r\nContent-Type: text/xml\r\n\r\n<x/>\r\n--B--", 415),
        ("multipart/related; boundary=B", b"--B\r\n\r\nrubbish\r\n--B--", 409),
        ("application/dicom", b"", 409),
    ],
)
def test_a_body_that_cannot_be_stored_is_refused(
    client: TestClient, content_type: str, body: bytes, status: int
) -> None:
    answer = client.post(f"{ROOT}/studies", content=body, headers={"Content-Type": content_type})

    assert answer.status_code == status


def test_a_body_that_breaks_off_keeps_what_was_whole(client: TestClient) -> None:
    whole = multipart_body("application/dicom", [made_instance(1), made_instance(2)])
    headers = {"Content-Type": content_type_of("application/dicom")}

    answer = client.post(f"{ROOT}/studies", content=whole[: len(whole) - 100], headers=headers)

    assert answer.status_code == 202
    response = pydicom.Dataset.from_json(answer.json())
    assert [item.ReferencedSOPInstanceUID for item in response.ReferencedSOPSequence] == ["1.2.3.1.1.1"]
    assert len(client.get(f"{ROOT}/instances").json()) == 1


def test_many_parts_are_answered_in_their_order(client: TestClient) -> None:
    numbers = range(1, 13)

    answer = stow(client, *(made_instance(number) for number in numbers))

    response = pydicom.Dataset.from_json(answer.json())
    assert [item.ReferencedSOPInstanceUID for item in response.ReferencedSOPSequence] == [
        f"1.2.3.1.1.{number}" for number in numbers
    ]


def test_a_part_that_is_refused_at_its_first_bytes_holds_nothing_up(client: TestClient) -> None:
    rubbish = b"rubbish" * 1_500_000

    answer = stow(client, rubbish, made_instance(1), rubbish, made_instance(2))

    assert answer.status_code == 202
    response = pydicom.Dataset.from_json(answer.json())
    assert len(response.FailedSOPSequence) == 2
    assert len(response.ReferencedSOPSequence) == 2


class StoreWithFaults(FolderObjectStore):
    """An object store that breaks, in a way nobody foresaw, at one creation."""

    fails_at = 0
    creations = 0

    def create(self, observe: Observer | None = None) -> FolderObjectWriter:
        self.creations += 1
        if self.creations == self.fails_at:
            raise ZeroDivisionError
        return super().create(observe)


@pytest.fixture
def object_store(tmp_path: Path) -> StoreWithFaults:
    return StoreWithFaults(tmp_path / "objects")


def test_a_fault_of_ours_costs_one_part_only(client: TestClient, object_store: StoreWithFaults) -> None:
    object_store.fails_at = 2

    answer = stow(client, *(made_instance(number) for number in (1, 2, 3)))

    assert answer.status_code == 202
    response = pydicom.Dataset.from_json(answer.json())
    assert [item.FailureReason for item in response.FailedSOPSequence] == [0x0110]
    assert len(response.ReferencedSOPSequence) == 2
