"""Counts every request by class of route and of status, for /metrics."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from filmless.infra import metrics

_COLLECTIONS = ("/studies", "/series", "/instances")
_ROUTES = ("api", "qido", "wado", "stow", "app")

# Taken once: finding a child by its labels costs more than counting.
_seconds = {route: metrics.HTTP_SECONDS.labels(route) for route in _ROUTES}
_requests = {
    (route, first): metrics.HTTP_REQUESTS.labels(route, f"{first}xx")
    for route in _ROUTES
    for first in (2, 3, 4, 5)
}


def route_of(scope: Scope) -> str:
    """The class of route of a request: api, qido, wado, stow, or app for files of the front ends."""
    path = str(scope["path"])
    if path.startswith("/api/"):
        return "api"
    if not path.startswith("/dicom-web/"):
        return "app"
    if scope["method"] == "POST":
        return "stow"
    return "qido" if path.rstrip("/").endswith(_COLLECTIONS) else "wado"  # PS3.18 10.6.1 against 10.4.1.


class CountRequests:
    """The outermost layer of every application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and count when the answer starts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = route_of(scope)
                _seconds[route].observe(time.perf_counter() - began)
                child = _requests.get((route, message["status"] // 100))
                if child is not None:
                    child.inc()
            await send(message)

        await self._app(scope, receive, counted)
