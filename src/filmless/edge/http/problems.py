"""Errors as RFC 9457 problem documents: one table from kind to status, one shape for everything.

`Problems` is the layer that catches; `problem_handlers` teaches Starlette's own router the same shape.
What is no error of ours becomes 500 with an id that stands in the log, and nothing else: an exception's text
may hold data of a patient. So neither the answer nor the log repeats it; the log has the place.
"""

import re
import traceback
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from filmless.infra import errors
from filmless.infra.ids import new_id
from filmless.infra.log import get_logger

STATUS_OF_KIND: dict[type[errors.FilmlessError], HTTPStatus] = {
    errors.Invalid: HTTPStatus.BAD_REQUEST,
    errors.NotSignedIn: HTTPStatus.UNAUTHORIZED,
    errors.NotPermitted: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.OverLimit: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,  # Or 429 where waiting helps.
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
UNAVAILABLE_RETRY_SECONDS = 10

log = get_logger()


class ResponseInterrupted(Exception):
    """The answer had begun when an error struck: the connection must break, or it would pass for whole."""


def status_of(error: errors.FilmlessError) -> HTTPStatus:
    """The status for an error, by its kind."""
    if isinstance(error, errors.OverLimit) and error.retry_after_seconds is not None:
        return HTTPStatus.TOO_MANY_REQUESTS
    for kind, status in STATUS_OF_KIND.items():
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem(
    status: int, detail: str, *, name: str = "", instance: str = "", headers: dict[str, str] | None = None
) -> Response:
    """A problem document; `name` tells a program which problem it is, `instance` which occurrence."""
    title = HTTPStatus(status).phrase
    body = {
        "type": f"urn:filmless:problem:{name}" if name else "about:blank",
        "title": title,
        "status": int(status),
        "detail": detail,
        "instance": instance,
    }
    return Response(orjson.dumps(body), status, headers, media_type="application/problem+json")


def problem_of(error: errors.FilmlessError, scope: Scope) -> Response:
    """The problem document for an error of ours."""
    status = status_of(error)
    headers: dict[str, str] = {}
    if isinstance(error, errors.NotSignedIn) and any(key == b"authorization" for key, _ in scope["headers"]):
        # Only to those who sent a token (RFC 6750 3): a browser would ask for a password of its own.
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    if isinstance(error, errors.OverLimit) and error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, errors.Unavailable):
        headers["Retry-After"] = str(UNAVAILABLE_RETRY_SECONDS)
    return problem(
        status, error.message, name=_kebab(type(error).__name__), instance=scope["path"], headers=headers
    )


def problem_handlers() -> dict[
    int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]
]:
    """Handlers for `Starlette(exception_handlers=...)`, so that its own errors have the same shape."""
    return {
        errors.FilmlessError: _on_filmless_error,
        HTTPException: _on_http_exception,
        RequestValidationError: _on_validation_error,
    }


class Problems:
    """The outermost layer: whatever escapes the application becomes a problem document."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and answer what is raised."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = has_begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except errors.FilmlessError as error:
            if has_begun:
                raise ResponseInterrupted(type(error).__name__) from None
            response = problem_of(error, scope)
        except Exception as error:  # noqa: BLE001 - The last door: whatever it is, it must not show.
            error_id = _log_unexpected(error, scope)
            if has_begun:
                raise ResponseInterrupted(error_id) from None
            response = problem(
                500,
                f"Something went wrong on our side. Tell the administrator this number: {error_id}.",
                name="unexpected",
                instance=f"urn:filmless:error:{error_id}",
            )
        else:
            return
        await response(scope, receive, send)


async def _on_filmless_error(request: Request, error: errors.FilmlessError) -> Response:
    return problem_of(error, request.scope)


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    headers = dict(error.headers) if error.headers else None
    return problem(error.status_code, str(error.detail), instance=request.scope["path"], headers=headers)


async def _on_validation_error(request: Request, error: RequestValidationError) -> Response:
    # Only where and what, never the value: it may be a name, a password.
    parts = [
        f"{'.'.join(str(place) for place in wrong['loc'][1:]) or 'body'}: {wrong['msg']}"
        for wrong in error.errors()
    ]
    detail = "The request is not as expected. " + "; ".join(parts[:5])
    return problem(422, detail, name="not-as-expected", instance=request.scope["path"])


def _log_unexpected(error: Exception, scope: Scope) -> str:
    error_id = new_id()
    frames = traceback.extract_tb(error.__traceback__)
    log.error(
        "unexpected_error",
        error_id=error_id,
        error=f"{type(error).__module__}.{type(error).__qualname__}",
        method=scope["method"],
        path=scope["path"],
        where=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]],
    )
    return error_id


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()
