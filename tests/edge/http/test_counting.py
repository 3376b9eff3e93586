"""Requests as /metrics counts them."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from filmless.edge.http.counting import CountRequests, route_of
from filmless.infra import metrics

CLASSES = [
    ("GET", "/api/studies", "api"),
    ("GET", "/dicom-web/studies", "qido"),
    ("GET", "/dicom-web/studies/1.2/series/", "qido"),
    ("GET", "/dicom-web/studies/1.2/series/1.3/instances", "qido"),
    ("GET", "/dicom-web/studies/1.2", "wado"),
    ("GET", "/dicom-web/studies/1.2/series/1.3/metadata", "wado"),
    ("POST", "/dicom-web/studies", "stow"),
    ("POST", "/dicom-web/studies/1.2", "stow"),
    ("GET", "/", "app"),
    ("GET", "/viewer/app-config.js", "app"),
    ("GET", "/apiary", "app"),
]


@pytest.mark.parametrize(("method", "path", "route"), CLASSES)
def test_a_request_has_a_class_and_never_its_path_for_a_label(method: str, path: str, route: str) -> None:
    assert route_of({"method": method, "path": path}) == route


def test_an_answer_is_counted_once_by_its_class_of_status() -> None:
    def answer(request: Request) -> Response:
        return Response(status_code=int(request.query_params["status"]))

    inner = CountRequests(Starlette(routes=[Route("/x", answer)]))
    client = TestClient(Starlette(routes=[Mount("/api", inner)]))

    def count(status: str) -> float:
        return metrics.HTTP_REQUESTS.labels("api", status)._value.get()

    before = count("2xx"), count("4xx")
    for status in (200, 204, 404):
        client.get("/api/x", params={"status": status})
    assert (count("2xx") - before[0], count("4xx") - before[1]) == (2, 1)
