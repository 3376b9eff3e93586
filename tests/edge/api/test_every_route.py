"""What must hold for each route of the JSON interface, walked from its own OpenAPI document."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from filmless.compose import System
from filmless.edge.api import create_api
from filmless.features.access import Role
from filmless.infra import limits
from web_installation import an_installation, bearer, client_of, register

OPEN = {("post", "/session"), ("get", "/setup"), ("post", "/setup")}


def routes(app: object) -> Iterator[tuple[str, str, dict[str, object]]]:
    for path, methods in app.openapi()["paths"].items():  # type: ignore[attr-defined]
        for method, said in methods.items():
            yield method, path, said


def a_path(path: str) -> str:
    return path.replace("{study_instance_uid}", "1.2.3").replace("{quarantine_id}", "x")


def test_without_signing_in_every_route_but_the_listed_is_401(stranger: TestClient) -> None:
    walked = set()
    for method, path, _ in routes(stranger.app):
        walked.add((method, path))
        if (method, path) in OPEN:
            continue
        for suffix in ("", "/"):
            for cookie in (None, "filmless_session=guess", "filmless_session="):
                headers = {"Cookie": cookie} if cookie else {}
                answer = stranger.request(method, a_path(path) + suffix, headers=headers, json={})
                assert answer.status_code == 401, (method, path)
                assert answer.headers["content-type"] == "application/problem+json"
    assert walked >= OPEN
    assert len(walked) > len(OPEN) + 5


def test_without_signing_in_nobody_learns_which_routes_there_are(stranger: TestClient) -> None:
    assert stranger.get("/no-such-route").status_code == 401


def test_every_unsafe_route_refuses_a_session_without_the_csrf_token(anna: TestClient) -> None:
    del anna.headers["X-CSRF-Token"]
    for method, path, _ in routes(anna.app):
        if method != "get" and (method, path) not in OPEN:
            answer = anna.request(method, a_path(path), json={})
            assert answer.status_code == 403, (method, path)


def test_every_route_that_takes_a_body_refuses_one_that_is_too_large(anna: TestClient) -> None:
    large = b'{"reason": "' + b"x" * limits.JSON_BODY_BYTES_MAX + b'"}'

    def in_chunks() -> Iterator[bytes]:
        yield from (large[start : start + 65536] for start in range(0, len(large), 65536))

    for method, path, said in routes(anna.app):
        if "requestBody" in said:
            for content in (large, in_chunks()):
                answer = anna.request(method, a_path(path), content=content)
                assert answer.status_code == 413, (method, path)
                assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"password": 1}', b"\xff\xfe", b"[" * 5000])
def test_every_route_answers_a_malformed_body_with_a_problem(anna: TestClient, body: bytes) -> None:
    for method, path, said in routes(anna.app):
        if "requestBody" in said:
            answer = anna.request(method, a_path(path), content=body)
            assert answer.status_code == 422, (method, path)
            assert answer.json()["type"] == "urn:filmless:problem:not-as-expected"


def test_a_problem_never_repeats_what_was_sent(anna: TestClient) -> None:
    name = "Secret^Patient"
    answers = [
        anna.get("/studies", params={"limit": name}),
        anna.get("/studies", params={"study_date_from": name}),
        anna.get("/studies", params={"order_by": name}),
        anna.get("/studies", params={"patient_name": name + "x" * 300}),
        anna.get(f"/studies/{name}", params={"search": name}),
        anna.post("/quarantine/x/accept", json={"reason": {"a": name}}),
        anna.post("/quarantine/x/accept", json={"reason": name}),
        anna.post("/session", json={"user_name": name, "password": [name]}),
    ]
    for answer in answers:
        assert 400 <= answer.status_code < 500
        problem = answer.json()
        assert "Secret" not in problem["detail"] + problem["title"] + problem["type"]


def test_every_answer_is_private_and_hardened(anna: TestClient) -> None:
    for path in ("/session", "/studies", "/studies/1.2.3", "/system", "/no-such-route"):
        headers = anna.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")


def test_the_document_is_readable_without_signing_in_and_names_its_place(stranger: TestClient) -> None:
    document = stranger.get("/openapi.json").json()
    assert document["servers"] == [{"url": "/api"}]
    assert document["openapi"].startswith("3.")


def test_a_role_without_the_permission_is_403(system: System, stranger: TestClient) -> None:
    register(system, "ris", Role.SERVICE)
    headers = bearer(system, "ris")
    for method, path in (("GET", "/quarantine"), ("POST", "/quarantine/x/accept")):
        answer = stranger.request(method, path, headers=headers, json={"reason": "x"})
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:filmless:problem:not-permitted"


def test_a_fault_of_ours_is_500_with_a_number_and_no_word_about_the_data(
    sqlite_database: object, clock: object, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    system = an_installation(sqlite_database, clock, tmp_path)  # type: ignore[arg-type]
    register(system)
    app = create_api(system)

    @app.get("/broken")
    def broken() -> None:
        raise KeyError("Secret^Patient")

    with client_of(app) as client:
        answer = client.get("/broken", headers=bearer(system))
    assert answer.status_code == 500
    number = answer.json()["instance"].removeprefix("urn:filmless:error:")
    assert number in answer.json()["detail"]
    logged = "".join(capsys.readouterr())
    assert number in logged
    assert "KeyError" in logged
    assert "Secret" not in logged + answer.text
