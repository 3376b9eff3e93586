"""Every door of DICOMweb is shut to strangers and to other sites."""

import pytest
from dicomweb_requests import INSTANCE, ROOT, SERIES, STUDY
from starlette.testclient import TestClient

from filmless.features.archive import Archive
from made_instances import made_instance, store


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{ROOT}/studies"),
        ("POST", f"{ROOT}/studies"),
        ("GET", f"{ROOT}/series"),
        ("GET", f"{ROOT}/instances"),
        ("GET", STUDY),
        ("POST", STUDY),
        *(
            ("GET", f"{STUDY}/{name}")
            for name in ("series", "instances", "metadata", "rendered", "thumbnail")
        ),
        ("GET", SERIES),
        *(("GET", f"{SERIES}/{name}") for name in ("instances", "metadata", "rendered", "thumbnail")),
        ("GET", INSTANCE),
        *(("GET", f"{INSTANCE}/{name}") for name in ("metadata", "rendered", "thumbnail", "frames/1")),
        *(("GET", f"{INSTANCE}/{name}") for name in ("frames/1/rendered", "bulkdata/7FE00010")),
    ],
)
def test_nothing_is_shown_to_a_stranger(
    stranger: TestClient, archive: Archive, method: str, path: str
) -> None:
    store(archive, made_instance())

    answer = stranger.request(method, path)

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_no_other_site_may_read(client: TestClient) -> None:
    answer = client.get(f"{ROOT}/studies", headers={"Origin": "https://evil.example"})

    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("uid", ["1.2%00.3", "abc", "..%2F..", "1" * 65, "1..2", "%20"])
@pytest.mark.parametrize("path", ["/studies/{}/metadata", "/studies/1.2/series/{}/thumbnail", "/studies/{}"])
def test_what_is_no_uid_is_found_nowhere(client: TestClient, uid: str, path: str) -> None:
    assert client.get("/dicom-web" + path.format(uid)).status_code in (400, 404)
