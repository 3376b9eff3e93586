"""Requests that another site makes a signed-in browser send (cross-site request forgery).

Three locks: the cookie is SameSite=Lax, an unsafe request's Origin must be ours, and it must repeat the
session's CSRF token in a header, which another site cannot read.
"""

import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from filmless.features.access import Session
from filmless.infra.errors import NotPermitted
from filmless.infra.settings import Settings

CSRF_COOKIE = "filmless_csrf"
CSRF_HEADER = "x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 9.2.1


class CrossSiteRequest(NotPermitted):
    """The request seems to have been made by another site's page."""


def check_origin(settings: Settings, method: str, headers: Headers) -> None:
    """Raise CrossSiteRequest if an unsafe request names an origin that is not ours."""
    if method in SAFE_METHODS:
        return
    origin = headers.get("origin")
    if origin is None:
        # Programs send none. Browsers send one with every unsafe request, or at least this.
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise _refused()
        return
    ours = {headers.get("host", "").lower()}
    if settings.public_url:
        ours.add(urlsplit(settings.public_url).netloc.lower())
    theirs = urlsplit(origin)
    if theirs.scheme not in ("http", "https") or theirs.netloc.lower() not in ours:
        raise _refused()


def check_token(session: Session, method: str, headers: Headers) -> None:
    """Raise CrossSiteRequest if an unsafe request does not repeat the session's CSRF token."""
    if method in SAFE_METHODS:
        return
    token = headers.get(CSRF_HEADER, "")
    if not secrets.compare_digest(token.encode(), session.csrf_token.encode()):
        raise CrossSiteRequest(
            f"The header {CSRF_HEADER} is missing or not the value of the cookie {CSRF_COOKIE}. "
            "Reload the page and try again."
        )


def _refused() -> CrossSiteRequest:
    return CrossSiteRequest(
        "The request comes from a page of another site. If this is our own address behind a proxy, set "
        "FILMLESS_PUBLIC_URL to what browsers use."
    )
