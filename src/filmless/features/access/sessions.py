"""Sessions: one for each signed-in browser; looked up, listed, ended.

Reads stay reads: `last_seen_at` is written at most once a minute, and a look-up of the last seconds is
remembered (`access.Seen`). Not here: how a session begins (`sign_in.py`), cookies (`edge/http`).
"""

from datetime import datetime, timedelta

from filmless.features.access import repository
from filmless.features.access.access import LOGOUT, USER_AUTHENTICATION, Access
from filmless.features.access.credentials import digest_of, new_secret
from filmless.features.access.errors import SessionEnded, SessionNotFound, UserNotFound
from filmless.features.access.model import (
    Actor,
    ActorKind,
    Permission,
    Session,
    SignedIn,
    User,
    fold_user_name,
    user_actor,
)
from filmless.infra import limits
from filmless.infra.database import Transaction
from filmless.infra.errors import NotPermitted, Unavailable

SEEN_WRITE_SECONDS = 60
SESSIONS_PER_USER_MAX = 50  # A person has a few browsers; a script that signs in for each call has thousands.
USER_AGENT_CHARACTERS_MAX = 256  # Enough to tell one browser from another; the sender chooses the rest.


def begin_session(tx: Transaction, user: User, address: str, user_agent: str) -> SignedIn:
    """Open a session for a user whose identity is proven, within the caller's transaction."""
    secret = new_secret()
    session = Session(
        id=digest_of(secret).hex(),
        user=user,
        csrf_token=new_secret(),
        created_at=tx.now,
        last_seen_at=tx.now,
        expires_at=tx.now
        + timedelta(seconds=min(limits.SESSION_IDLE_SECONDS_MAX, limits.SESSION_SECONDS_MAX)),
        address=address,
        user_agent=user_agent[:USER_AGENT_CHARACTERS_MAX],
    )
    repository.delete_sessions_past_use(tx, user.id, SESSIONS_PER_USER_MAX - 1)
    repository.insert_session(tx, digest_of(secret), session)
    return SignedIn(secret, session)


def recent_session(access: Access, secret: str) -> Session | None:
    """The session if it was looked up in the last seconds; asks no database, so it never waits."""
    now: datetime = access.database.clock.now()
    seen = access.seen.get(digest_of(secret), now)
    return seen if isinstance(seen, Session) else None


def get_session(access: Access, secret: str, *, in_use: bool = True) -> Session:
    """The session of a cookie; raises SessionEnded.

    With `in_use` false the look does not count as use: an open page that only listens may still time out.
    """
    session = recent_session(access, secret)
    if session is not None:
        return session
    digest = digest_of(secret)
    with access.database.read() as tx:
        session = repository.find_session(tx, digest)
        now = tx.now
    if session is None or session.expires_at <= now or not session.user.is_active:
        raise SessionEnded("You are not signed in, or the session has ended. Sign in.")
    if in_use and now - session.last_seen_at >= timedelta(seconds=SEEN_WRITE_SECONDS):
        _note_use(access, digest)
    access.seen.put(digest, session, now)
    return session


def _note_use(access: Access, digest: bytes) -> None:
    try:
        with access.database.transaction() as tx:
            repository.see_session(tx, digest, tx.now - timedelta(seconds=SEEN_WRITE_SECONDS))
    except Unavailable:
        return  # A full disk must not keep people from looking; the session merely times out sooner.


def actor_of_session(session: Session, address: str) -> Actor:
    """The actor for a request of this session; the address is the request's own."""
    return user_actor(session.user.user_name, session.user.role, address)


def end_session(access: Access, secret: str, address: str) -> None:
    """Sign out; an unknown or ended session is no error."""
    digest = digest_of(secret)
    access.seen.forget(digest)
    with access.database.transaction() as tx:
        session = repository.find_session(tx, digest)
        if session is None:
            return
        repository.delete_session(tx, digest)
        _record_end(access, tx, actor_of_session(session, address), session.user)
    access.seen.forget(digest)  # A request between the two may have looked it up again.


def list_sessions(access: Access, actor: Actor, user_name: str) -> list[Session]:
    """The user's open sessions, newest first: one's own, or anybody's with USERS_MANAGE."""
    name = fold_user_name(user_name)
    _must_be_oneself(actor, name)
    with access.database.read() as tx:
        user_id = repository.find_user_id(tx, name)
        if user_id is None:
            raise UserNotFound(f"There is no user {name}.")
        return repository.sessions_of(tx, user_id)


def revoke_session(access: Access, actor: Actor, session_id: str) -> None:
    """End the session with this id: one's own, or anybody's with USERS_MANAGE; raises SessionNotFound."""
    try:
        digest = bytes.fromhex(session_id)
    except ValueError:
        digest = b""
    with access.database.transaction() as tx:
        session = repository.find_session(tx, digest)
        if session is None:
            raise SessionNotFound("There is no such session; it may have ended.")
        _must_be_oneself(actor, session.user.user_name)
        repository.delete_session(tx, digest)
        _record_end(access, tx, actor, session.user)
    access.seen.forget(digest)


def _must_be_oneself(actor: Actor, user_name: str) -> None:
    try:
        actor.must(Permission.USERS_MANAGE)
    except NotPermitted:
        if actor.kind is not ActorKind.USER or actor.name != user_name:
            raise


def _record_end(access: Access, tx: Transaction, actor: Actor, user: User) -> None:
    details = {"type": LOGOUT, "user_name": user.user_name}
    access.record(tx, actor, USER_AUTHENTICATION, action="E", details=details)
