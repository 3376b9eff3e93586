"""Headers that tell a browser what a page of ours may do (CSP level 3, HSTS RFC 6797)."""

from collections.abc import Mapping

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
# A worker takes its policy from its own script: OHIF's codecs (JPEG 2000, JPEG-LS, HTJ2K) build functions
# from text there. Pages keep the strict one above.
VIEWER_SCRIPT_POLICY = VIEWER_POLICY.replace("'wasm-unsafe-eval'", "'wasm-unsafe-eval' 'unsafe-eval'")
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
        headers = {"content-security-policy": policy, **_ALWAYS, **(defaults or {})}
        self._plain = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._over_tls = [*self._plain, (b"strict-transport-security", b"max-age=%d" % HSTS_SECONDS)]
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the headers added to the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        additions = self._over_tls if self._https or scope.get("scheme") == "https" else self._plain

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", ()))
                named = {bytes(name).lower() for name, _ in own}
                message["headers"] = own + [header for header in additions if header[0] not in named]
            await send(message)

        await self._app(scope, receive, with_headers)
