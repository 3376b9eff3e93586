"""Headers that tell a browser what a page of ours may do (CSP level 3, HSTS RFC 6797)."""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

APP_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; frame-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)  # 'unsafe-inline' for styles only: Mantine writes its theme into a style element.
VIEWER_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
    "worker-src 'self' blob:; media-src 'self' blob:; object-src 'self' blob:; frame-src 'self' blob:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)  # OHIF starts its workers from blobs, which load their codecs as WebAssembly; PDF reports open as objects.
DATA_POLICY = "default-src 'none'; frame-ancestors 'self'; sandbox"  # JSON, images, DICOM: nothing runs.

HSTS_SECONDS = 365 * 24 * 3600

_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # Addresses hold study UIDs; other sites need not see them.
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class SecurityHeaders:
    """The layer that adds the headers to every response; what the application set itself stays."""

    def __init__(
        self, app: ASGIApp, policy: str, *, https: bool, defaults: Mapping[str, str] | None = None
    ) -> None:
        self._app = app
        self._headers = {"content-security-policy": policy, **_ALWAYS, **(defaults or {})}
        self._strict_transport = {"strict-transport-security": f"max-age={HSTS_SECONDS}"}
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the headers added to the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_https = self._https or scope.get("scheme") == "https"
        additions = self._headers | (self._strict_transport if is_https else {})

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                headers = MutableHeaders(scope=message)
                for name, value in additions.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)
