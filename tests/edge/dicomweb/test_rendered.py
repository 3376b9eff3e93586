"""Pictures are made at every level, as asked."""

import pytest
from dicomweb_requests import INSTANCE, SERIES, STUDY
from starlette.testclient import TestClient

from filmless.features.archive import Archive
from made_instances import made_instance, store


@pytest.mark.parametrize("path", [STUDY, SERIES, INSTANCE, f"{INSTANCE}/frames/1"])
@pytest.mark.parametrize("kind", ["rendered", "thumbnail"])
def test_pictures_are_made_at_every_level(client: TestClient, archive: Archive, path: str, kind: str) -> None:
    store(archive, made_instance())

    answer = client.get(f"{path}/{kind}", headers={"Accept": "image/*"})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content.startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("window=40,400,linear&viewport=64,64&quality=50", 200),
        ("window=40,400,linear-exact&viewport=64,64,,,,", 200),
        ("viewport=64,64,1,1,2,2&accept=image/png", 200),
        ("window=40,0", 400),
        ("window=a,b", 400),
        ("window=nan,1", 400),
        ("window=1", 400),
        ("window=1,2,wavy", 400),
        ("viewport=0,0", 400),
        ("viewport=99999,1", 400),
        ("viewport=1,2,3", 400),
        ("viewport=1e400,2", 400),
        ("quality=0", 400),
        ("quality=ten", 400),
        ("accept=image/gif", 406),
    ],
)
def test_a_picture_is_made_as_asked(client: TestClient, archive: Archive, query: str, status: int) -> None:
    store(archive, made_instance())

    answer = client.get(f"{INSTANCE}/rendered?{query}")

    assert answer.status_code == status


def test_a_document_is_shown_as_what_it_is(client: TestClient, archive: Archive) -> None:
    document = made_instance(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1",
        EncapsulatedDocument=b"%PDF-1.7 " + b"x" * 2001,
        MIMETypeOfEncapsulatedDocument="application/pdf",
    )
    store(archive, document)

    answer = client.get(f"{INSTANCE}/rendered", headers={"Accept": "application/pdf"})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content == b"%PDF-1.7 " + b"x" * 2001
