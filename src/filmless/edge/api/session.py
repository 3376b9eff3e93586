"""Signing in and out, the own password, the first run. Start at `begin_session`."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from filmless.edge.api.routing import answers, context_of
from filmless.edge.api.schemas import ChangePassword, SessionOut, SetUp, SetupOut, SignIn
from filmless.edge.http.context import is_public_https
from filmless.edge.http.csrf import CSRF_COOKIE
from filmless.edge.http.identity import SESSION_COOKIE, Routes, identity_of
from filmless.edge.http.responses import json_response
from filmless.features.access import (
    Actor,
    NewUser,
    Role,
    Session,
    SignedIn,
    SignInAttempt,
    change_own_password,
    complete_setup,
    end_session,
    setup_is_needed,
    sign_in,
    user_actor,
)
from filmless.infra.errors import NotPermitted

OPEN_ROUTES: Routes = frozenset({("POST", "/session"), ("GET", "/setup"), ("POST", "/setup")})

router = APIRouter(tags=["session"])


@router.get("/session", **answers(200, SessionOut, "Who is signed in", 401))
def get_session(request: Request) -> Response:
    """Who is signed in."""
    identity = identity_of(request)
    return json_response(_session(identity.actor, identity.session))


@router.post("/session", **answers(200, SessionOut, "Signed in; two cookies are set", 401, 429))
def begin_session(request: Request, body: SignIn) -> Response:
    """Sign in. The session that the browser came with, if any, ends: no session id outlives a sign-in."""
    signed_in = sign_in(
        context_of(request).access,
        SignInAttempt(
            user_name=body.user_name,
            password=body.password,
            address=_address(request),
            user_agent=request.headers.get("user-agent", ""),
            replaces=request.cookies.get(SESSION_COOKIE),
        ),
    )
    return _welcome(request, signed_in, 200)


@router.delete("/session", **answers(204, None, "Signed out", 401, 403))
def delete_session(request: Request) -> Response:
    """Sign out."""
    secret = identity_of(request).credentials.session_secret
    if secret is not None:
        end_session(context_of(request).access, secret, _address(request))
    response = Response(status_code=204)
    for name in (SESSION_COOKIE, CSRF_COOKIE):
        response.delete_cookie(name, path="/")
    return response


@router.post(
    "/password", **answers(204, None, "Changed; other sessions of the user have ended", 401, 403, 429)
)
def change_password(request: Request, body: ChangePassword) -> Response:
    """Change one's own password."""
    session = identity_of(request).session
    if session is None:
        raise NotPermitted("A token cannot change a password. Sign in with the password.")
    change_own_password(
        context_of(request).access, session, body.current_password, body.new_password, _address(request)
    )
    return Response(status_code=204)


@router.get("/setup", **answers(200, SetupOut, "Whether this is the first run"))
def get_setup(request: Request) -> Response:
    """Whether somebody must be registered first."""
    return json_response({"needed": setup_is_needed(context_of(request).access)})


@router.post("/setup", **answers(201, SessionOut, "Registered and signed in", 401, 409))
def complete_first_run(request: Request, body: SetUp) -> Response:
    """Register the first administrator with the one-time link."""
    signed_in = complete_setup(
        context_of(request).access,
        body.token,
        NewUser(body.user_name, Role.ADMINISTRATOR, body.password, body.display_name),
        _address(request),
        request.headers.get("user-agent", ""),
    )
    return _welcome(request, signed_in, 201)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _session(actor: Actor, session: Session | None) -> dict[str, object]:
    return {
        "user": {
            "user_name": actor.name,
            "display_name": session.user.display_name if session else actor.name,
        },
        "permissions": sorted(actor.permissions),
        "expires_at": session.expires_at if session else None,
    }


def _welcome(request: Request, signed_in: SignedIn, status: int) -> Response:
    session = signed_in.session
    actor = user_actor(session.user.user_name, session.user.role, session.address)
    response = json_response(_session(actor, session), status)
    secure = is_public_https(context_of(request).settings) or request.url.scheme == "https"
    # Neither has a lifetime: on a shared workstation, closing the browser is signing out.
    response.set_cookie(
        SESSION_COOKIE, signed_in.secret, path="/", httponly=True, samesite="lax", secure=secure
    )
    response.set_cookie(CSRF_COOKIE, session.csrf_token, path="/", samesite="lax", secure=secure)
    return response
