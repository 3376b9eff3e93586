"""Files of the two front ends: our own application and OHIF, as their builds left them.

A request is looked up in an index made of the folder's own listing: no path from the wire ever reaches the
disk. Files compressed at build time (`.br`, `.gz`) are sent as they are. Names with a hash in them never
change and are kept for a year; everything else is asked for again each time, and mostly answered 304.
Start at `spa_app` and `viewer_app`.
"""

import mimetypes
import os
import re
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from filmless.edge.http.counting import CountRequests
from filmless.edge.http.problems import problem
from filmless.edge.http.security_headers import (
    APP_POLICY,
    VIEWER_POLICY,
    VIEWER_SCRIPT_POLICY,
    SecurityHeaders,
)

IMMUTABLE = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
_ENCODINGS = ((".br", "br"), (".gz", "gzip"))  # In order of preference.
_VITE_HASHED = re.compile(r"assets/(?:.*/)?[^/]*-[A-Za-z0-9_-]{8}\.[a-z0-9.]+")
_OHIF_HASHED = re.compile(r"(?:.*[/.])?[0-9a-f]{16,20}\.[a-z0-9.]+")
_FILE_LIKE = re.compile(
    r".*\.(?:js|mjs|css|map|wasm|json|html|txt|ico|png|jpe?g|svg|webp|woff2?|webmanifest)"
)
_TYPES = {
    ".wasm": "application/wasm",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
_TEXT = ("text/", "application/json", "application/manifest+json")


@dataclass(frozen=True, slots=True)
class _Variant:
    path: Path
    stat: os.stat_result
    encoding: str | None

    @property
    def etag(self) -> str:
        return (
            f'"{self.stat.st_mtime_ns:x}-{self.stat.st_size:x}{"-" + self.encoding if self.encoding else ""}"'
        )


class StaticFiles:
    """One folder as an ASGI application; an unknown path that looks like a page gets index.html."""

    def __init__(
        self,
        folder: Path,
        hashed: re.Pattern[str],
        replaced: dict[str, Path],
        script_policy: str | None = None,
    ) -> None:
        self._folder = folder
        self._script_policy = script_policy  # Content-Security-Policy of scripts, where it is not the page's.
        self._hashed = hashed
        self._replaced = replaced
        self._built_at: int | None = None
        self._index: dict[str, list[_Variant]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        response = await self._respond(scope)
        await response(scope, receive, send)

    async def _respond(self, scope: Scope) -> Response:
        path, root = str(scope["path"]), str(scope.get("root_path", ""))
        name = path.removeprefix(root).lstrip("/") if root else path.lstrip("/")
        if scope["method"] not in ("GET", "HEAD"):
            return problem(405, "Files can only be read.", instance=path, headers={"Allow": "GET, HEAD"})
        if name not in self._index or name in ("", "index.html"):
            await run_in_threadpool(self._look_again)  # A page, or a file of a newer build.
        variants = self._index.get(name)
        if variants is None and not _FILE_LIKE.fullmatch(name):
            name = "index.html"
            variants = self._index.get(name)
        if variants is None:
            if not self._index:
                return problem(503, "This front end is not built. Run make setup.", instance=path)
            return problem(404, "There is no such file.", instance=path)
        return self._file(name, variants, Headers(scope=scope))

    def _file(self, name: str, variants: list[_Variant], headers: Headers) -> Response:
        accepted = _accepted_encodings(headers.get("accept-encoding", ""))
        variant = next(v for v in variants if v.encoding is None or v.encoding in accepted)
        answer = {
            "cache-control": IMMUTABLE if self._hashed.fullmatch(name) else ASK_AGAIN,
            "etag": variant.etag,
            "vary": "Accept-Encoding",
        }
        if self._script_policy is not None and name.endswith(".js"):
            answer["content-security-policy"] = self._script_policy
        if variant.encoding:
            answer["content-encoding"] = variant.encoding
        wanted = [tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")]
        if variant.etag in wanted or "*" in wanted:
            return Response(status_code=304, headers=answer)
        return FileResponse(variant.path, headers=answer, media_type=_type_of(name), stat_result=variant.stat)

    def _look_again(self) -> None:
        """Make the index anew if the folder was built since."""
        try:
            built_at = (self._folder / "index.html").stat().st_mtime_ns
        except OSError:
            self._built_at, self._index = None, {}
            return
        if built_at == self._built_at:
            return
        files = {
            os.path.relpath(os.path.join(place, name), self._folder): Path(place, name)
            for place, _, names in os.walk(self._folder)  # Follows no link out of the folder.
            for name in names
            if not os.path.islink(os.path.join(place, name))
        } | self._replaced
        index = {name: self._variants(name, path, files) for name, path in files.items()}
        self._index, self._built_at = {name: found for name, found in index.items() if found}, built_at

    def _variants(self, name: str, path: Path, files: dict[str, Path]) -> list[_Variant]:
        """The file in each encoding, preferred first; those of a replaced file would be of the other one."""
        compressed = [
            _Variant(files[name + suffix], files[name + suffix].stat(), encoding)
            for suffix, encoding in _ENCODINGS
            if name + suffix in files and name not in self._replaced
        ]
        return [*compressed, _Variant(path, path.stat(), None)] if path.exists() else []


def spa_app(folder: Path, *, https: bool = False) -> ASGIApp:
    """Our own application, as Vite built it."""
    files = StaticFiles(folder, _VITE_HASHED, {})
    return CountRequests(SecurityHeaders(files, APP_POLICY, https=https))


def viewer_app(folder: Path, app_config: Path, *, https: bool = False) -> ASGIApp:
    """OHIF, with our settings in place of those it came with."""
    files = StaticFiles(folder, _OHIF_HASHED, {"app-config.js": app_config}, VIEWER_SCRIPT_POLICY)
    return CountRequests(SecurityHeaders(files, VIEWER_POLICY, https=https))


def _accepted_encodings(header: str) -> set[str]:
    """The encodings that the client takes (RFC 9110 12.5.3); `;q=0` means it does not."""
    accepted = set()
    for part in header.lower().split(","):
        name, _, parameters = part.partition(";")
        if not re.fullmatch(r"\s*q\s*=\s*0(?:\.0*)?\s*", parameters):
            accepted.add(name.strip())
    return accepted


def _type_of(name: str) -> str:
    suffix = os.path.splitext(name)[1].lower()
    media_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{media_type}; charset=utf-8" if media_type.startswith(_TEXT) else media_type
