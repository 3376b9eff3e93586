"""The layers of a guarded application, around a route of a test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from filmless.compose import System
from filmless.edge.http.health import health_routes
from filmless.edge.http.identity import SESSION_COOKIE, actor_of
from filmless.edge.http.limits import BodyLimit
from filmless.edge.http.problems import Problems, problem_handlers
from filmless.edge.http.stack import guarded
from filmless.features.access import SignInAttempt, sign_in
from filmless.features.access.access import SEEN_SECONDS_MAX
from filmless.infra.database import Database
from frozen_clock import FrozenClock
from web_installation import an_installation, bearer, client_of, register


@pytest.fixture
def system(database: Database, clock: FrozenClock, tmp_path: Path) -> System:
    return an_installation(database, clock, tmp_path)


def who(request: Request) -> Response:
    actor = actor_of(request)
    return PlainTextResponse(f"{actor.kind} {actor.name} from {actor.address}")


def mounted(system: System) -> Starlette:
    inner = Starlette(
        routes=[
            Route("/who", who, methods=["GET", "POST"]),
            Route("/open", lambda _: PlainTextResponse("open")),
        ],
        middleware=guarded(system, frozenset({("GET", "/open")})),
        exception_handlers=problem_handlers(),
    )
    return Starlette(routes=[Mount("/dicom-web", inner)])


@pytest.fixture
def client(system: System) -> Iterator[TestClient]:
    with client_of(mounted(system)) as client:
        yield client


def cookie(system: System) -> dict[str, str]:
    register(system)
    secret = sign_in(system.access, SignInAttempt("anna", "four plain words here", "192.0.2.1")).secret
    return {"Cookie": f"{SESSION_COOKIE}={secret}"}


def test_cookie_or_token_become_the_actor_of_a_mounted_route(system: System, client: TestClient) -> None:
    headers = cookie(system)
    assert client.get("/dicom-web/who").status_code == 401
    assert client.get("/dicom-web/who", headers=headers).text == "user anna from testclient"
    assert client.get("/dicom-web/who", headers=bearer(system)).text == "user anna from testclient"
    assert client.post("/dicom-web/who", headers=headers).status_code == 403
    assert client.post("/dicom-web/who", headers=bearer(system)).status_code == 200


def test_a_token_goes_before_the_cookie(system: System, client: TestClient) -> None:
    headers = {**cookie(system), "Authorization": "Bearer wrong"}
    assert client.get("/dicom-web/who", headers=headers).status_code == 401


def test_only_the_listed_route_is_open_and_only_by_its_method(client: TestClient) -> None:
    assert client.get("/dicom-web/open").text == "open"
    for path in ("/dicom-web/open/", "/dicom-web//open", "/dicom-web/x/../who"):
        assert client.get(path).status_code in (401, 404)
    assert client.post("/dicom-web/open").status_code == 401


def test_requests_in_a_row_ask_the_database_once(
    system: System, client: TestClient, clock: FrozenClock
) -> None:
    headers = cookie(system)
    statements: list[str] = []
    sa.event.listen(
        system.database.engine, "before_cursor_execute", lambda *args: statements.append(str(args[2]))
    )
    for _ in range(20):
        assert client.get("/dicom-web/who", headers=headers).status_code == 200
    assert sum("sessions" in statement for statement in statements) == 1
    clock.advance(SEEN_SECONDS_MAX)
    client.get("/dicom-web/who", headers=headers)
    assert sum("sessions" in statement for statement in statements) == 2


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b"x" * 10, 200),
        ({}, b"x" * 11, 413),
        ({"Content-Length": "11"}, b"", 413),
        ({"Content-Length": "9" * 30}, b"", 413),
        ({"Content-Length": "-1"}, b"", 400),
        ({"Content-Length": "x"}, b"", 400),
        ({"Content-Length": "1"}, b"x" * 11, 413),
    ],
)
def test_a_body_is_read_up_to_its_bound_and_no_further(
    headers: dict[str, str], body: bytes, status: int
) -> None:
    async def echo(request: Request) -> Response:
        return Response(await request.body())

    app = Starlette(
        routes=[Route("/", echo, methods=["POST"])],
        middleware=[Middleware(Problems), Middleware(BodyLimit, bytes_max=10)],
    )
    answer = TestClient(app).post("/", content=body, headers=headers)
    assert answer.status_code == status
    if status == 200:
        assert answer.content == body


class TestHealth:
    def test_a_ready_installation_says_so_to_anybody(self, system: System) -> None:
        client = TestClient(Starlette(routes=health_routes(system)))
        assert client.get("/healthz").json() == {"alive": True}
        answer = client.get("/readyz")
        assert answer.status_code == 200
        checks = {"database": True, "migrations": True, "object_store": True}
        assert answer.json() == {"ready": True, "checks": checks}

    def test_a_database_of_another_age_is_not_ready(self, system: System) -> None:
        with system.database.transaction() as tx:
            tx.execute(sa.text("UPDATE alembic_version SET version_num = 'older'"))
        answer = TestClient(Starlette(routes=health_routes(system))).get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"] == {"database": True, "migrations": False, "object_store": True}

    def test_a_database_that_is_gone_leaves_the_process_alive(
        self, clock: FrozenClock, tmp_path: Path
    ) -> None:
        system = an_installation(Database("postgresql+psycopg://127.0.0.1:1/x", clock), clock, tmp_path)
        client = TestClient(Starlette(routes=health_routes(system)))
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"]["database"] is False
