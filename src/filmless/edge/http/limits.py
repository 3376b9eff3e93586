"""What a request body may weigh where it is held in memory whole: the JSON of our own application."""

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from filmless.infra.errors import Invalid, OverLimit


class BodyLimit:
    """The layer that reads the body, up to a bound, before the application sees the request.

    A declared length above the bound is refused unread and never allocated (CVE-2026-5440); one that lies is
    refused when the bound is passed. Compressed bodies are not expanded by anybody here.
    """

    def __init__(self, app: ASGIApp, bytes_max: int) -> None:
        self._app = app
        self._bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read and pass on; raises OverLimit (413), Invalid."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        declared = HTTPConnection(scope).headers.get("content-length", "0")
        if not (declared.isascii() and declared.isdecimal()):
            raise Invalid("The header Content-Length is not a number.")
        if len(declared) > 18 or int(declared) > self._bytes_max:
            raise self._too_large()
        body = bytearray()
        is_whole = False
        while not is_whole:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if len(body) > self._bytes_max:
                raise self._too_large()
            is_whole = not message.get("more_body", False)
        is_given = False

        async def given() -> Message:
            nonlocal is_given
            if is_given:
                return await receive()  # The application now waits for the browser to leave.
            is_given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(scope, given, send)

    def _too_large(self) -> OverLimit:
        return OverLimit(f"The request body is larger than {self._bytes_max} bytes.")
