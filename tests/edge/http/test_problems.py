"""Errors as problem documents."""

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from filmless.edge.http.problems import (
    STATUS_OF_KIND,
    Problems,
    ResponseInterrupted,
    problem_handlers,
    status_of,
)
from filmless.infra import errors


class StudyIsGone(errors.NotFound):
    """A kind's kind."""


RAISED = [
    (errors.Invalid("x"), 400, "invalid", {}),
    (errors.NotSignedIn("x"), 401, "not-signed-in", {}),
    (errors.NotPermitted("x"), 403, "not-permitted", {}),
    (StudyIsGone("x"), 404, "study-is-gone", {}),
    (errors.Conflict("x"), 409, "conflict", {}),
    (errors.OverLimit("x"), 413, "over-limit", {}),
    (errors.OverLimit("x", 7), 429, "over-limit", {"retry-after": "7"}),
    (errors.Unavailable("x"), 503, "unavailable", {"retry-after": "10"}),
    (errors.FilmlessError("x"), 500, "filmless-error", {}),
]


def client_raising(error: Exception) -> TestClient:
    """Of an app that raises inside a route at /in, and in a layer at /out."""

    def route(_: Request) -> Response:
        raise error

    class Layer:
        def __init__(self, app: object) -> None:
            self._app = app

        async def __call__(self, scope: dict[str, object], receive: object, send: object) -> None:
            if scope.get("path") == "/out":
                raise error
            await self._app(scope, receive, send)  # type: ignore[operator]

    app = Starlette(
        routes=[Route("/in", route)],
        middleware=[Middleware(Problems), Middleware(Layer)],
        exception_handlers=problem_handlers(),
    )
    return TestClient(app)


def test_every_kind_of_error_has_a_status() -> None:
    assert set(STATUS_OF_KIND) == set(errors.KINDS)


@pytest.mark.parametrize(("error", "status", "name", "headers"), RAISED)
@pytest.mark.parametrize("place", ["/in", "/out"])
def test_an_error_of_ours_is_a_problem_wherever_it_is_raised(
    error: errors.FilmlessError, status: int, name: str, headers: dict[str, str], place: str
) -> None:
    answer = client_raising(error).get(place, params={"search": "somebody"})
    assert answer.status_code == status == status_of(error)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": f"urn:filmless:problem:{name}",
        "title": answer.json()["title"],
        "status": status,
        "detail": "x",
        "instance": place,
    }
    assert headers.items() <= dict(answer.headers).items()


def test_only_who_sent_a_token_is_asked_for_one() -> None:
    client = client_raising(errors.NotSignedIn("x"))
    assert "www-authenticate" not in client.get("/in").headers
    assert client.get("/in", headers={"Authorization": "Bearer x"}).headers["www-authenticate"]


def test_the_routers_own_errors_have_the_same_shape() -> None:
    client = client_raising(HTTPException(418, "a teapot", {"X-Lid": "on"}))
    answer = client.get("/in")
    assert (answer.status_code, answer.json()["detail"], answer.headers["x-lid"]) == (418, "a teapot", "on")
    assert client.get("/elsewhere").json()["status"] == 404
    assert client.post("/in").json()["status"] == 405


@pytest.mark.parametrize("place", ["/in", "/out"])
def test_what_is_no_error_of_ours_is_500_and_says_nothing_but_its_number(
    place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = client_raising(ValueError("Secret^Patient")).get(place)
    assert answer.status_code == 500
    number = answer.json()["instance"].removeprefix("urn:filmless:error:")
    logged = "".join(capsys.readouterr())
    assert number in logged
    assert "test_problems.py" in logged
    assert "Secret" not in answer.text + logged


@pytest.mark.parametrize("error", [ValueError("Secret^Patient"), errors.Unavailable("gone")])
def test_an_answer_that_has_begun_breaks_off_and_does_not_pass_for_whole(error: Exception) -> None:
    async def broken() -> object:
        yield b"half"
        raise error

    app = Problems(Starlette(routes=[Route("/", lambda _: StreamingResponse(broken()))]))  # type: ignore[arg-type]
    with pytest.raises(ResponseInterrupted) as interrupted:
        TestClient(app).get("/")
    assert "Secret" not in str(interrupted.value)
