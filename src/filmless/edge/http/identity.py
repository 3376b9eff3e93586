"""Who is asking: a session cookie or a bearer token becomes an `Actor`, or the request ends with 401.

`SignInRequired` is the layer that asks; inside it `actor_of` and `identity_of` tell. A look-up of the last
seconds is answered without the database and without leaving the event loop: a frame costs microseconds here.
"""

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from filmless.edge.http import csrf
from filmless.edge.http.context import WebContext
from filmless.features.access import (
    Access,
    Actor,
    Session,
    SessionEnded,
    TokenRefused,
    actor_of_session,
    actor_of_token,
    get_session,
    recent_session,
    recent_token_actor,
)

SESSION_COOKIE = "filmless_session"
_KEY = "filmless.identity"

Routes = frozenset[tuple[str, str]]
"""Method and path below the mount of routes that need no sign-in."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request shows: the secret of a session or of a bearer token, and where it came from."""

    session_secret: str | None
    bearer: str | None
    address: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking. `session` is None for a bearer token."""

    actor: Actor
    session: Session | None
    credentials: Credentials


def credentials_of(request: HTTPConnection) -> Credentials:
    """What the request shows; an Authorization header goes before the cookie.

    Raises TokenRefused for an Authorization header that is no bearer token.
    """
    address = request.client.host if request.client else ""
    authorization = request.headers.get("authorization")
    if authorization is None:
        return Credentials(request.cookies.get(SESSION_COOKIE), None, address)
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenRefused("Only bearer tokens are understood: Authorization: Bearer TOKEN.")
    return Credentials(None, token.strip(), address)


def identify_recent(access: Access, shown: Credentials) -> Identity | None:
    """Who that was a moment ago; asks no database."""
    if shown.bearer is not None:
        actor = recent_token_actor(access, shown.bearer, shown.address)
        return Identity(actor, None, shown) if actor else None
    session = recent_session(access, shown.session_secret) if shown.session_secret else None
    return Identity(actor_of_session(session, shown.address), session, shown) if session else None


def identify(access: Access, shown: Credentials, *, in_use: bool = True) -> Identity:
    """Who that is; raises NotSignedIn. With `in_use` false the session may still time out as idle."""
    if shown.bearer is not None:
        return Identity(actor_of_token(access, shown.bearer, shown.address), None, shown)
    if not shown.session_secret:
        raise SessionEnded("You are not signed in. Sign in first.")
    session = get_session(access, shown.session_secret, in_use=in_use)
    return Identity(actor_of_session(session, shown.address), session, shown)


def identity_of(request: HTTPConnection) -> Identity:
    """Who is asking, inside a guarded application."""
    identity = request.scope[_KEY]
    assert isinstance(identity, Identity)  # An open route asks nobody's rights and must not call this.
    return identity


def actor_of(request: HTTPConnection) -> Actor:
    """The actor of a request inside a guarded application."""
    return identity_of(request).actor


class SignInRequired:
    """The layer that lets in only those who are known, or whose route is listed as open."""

    def __init__(self, app: ASGIApp, context: WebContext, open_routes: Routes = frozenset()) -> None:
        self._app = app
        self._context = context
        self._open_routes = open_routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find out who is asking and pass on; raises NotSignedIn, NotPermitted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        if (scope["method"], _path_below_mount(scope)) in self._open_routes:
            csrf.check_origin(self._context.settings, scope["method"], request.headers)
        else:
            shown = credentials_of(request)
            access = self._context.access
            identity = identify_recent(access, shown)
            if identity is None:
                identity = await run_in_threadpool(identify, access, shown)
            if identity.session is not None:  # A browser sends a cookie unasked; a token it does not.
                csrf.check_origin(self._context.settings, scope["method"], request.headers)
                csrf.check_token(identity.session, scope["method"], request.headers)
            scope[_KEY] = identity
        await self._app(scope, receive, send)


def _path_below_mount(scope: Scope) -> str:
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(root + "/") else path
