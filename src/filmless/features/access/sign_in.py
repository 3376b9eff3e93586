"""Signing in with user name and password.

Attempts are counted (`failures.py`), cost the same for known and unknown names, and each is in the audit
trail (PS3.15 A.5.3.13). The password is verified outside any transaction: a slow hash must not hold the
database.
"""

from dataclasses import dataclass
from datetime import datetime

from filmless.features.access import repository
from filmless.features.access.access import (
    LOGIN,
    SECURITY_ALERT,
    USER_AUTHENTICATION,
    USER_SECURITY_ATTRIBUTES_CHANGED,
    Access,
)
from filmless.features.access.credentials import digest_of
from filmless.features.access.errors import SignInLocked, UserNameRefused, WrongCredentials
from filmless.features.access.failures import charge_attempt, refund_attempt, subjects_of
from filmless.features.access.model import (
    Actor,
    ActorKind,
    Session,
    SignedIn,
    User,
    fold_user_name,
    user_actor,
)
from filmless.features.access.passwords import check_password
from filmless.features.access.sessions import begin_session
from filmless.infra import metrics
from filmless.infra.database import Transaction
from filmless.infra.errors import OverLimit

MINOR_FAILURE = 4  # PS3.15 A.5.2.1 EventOutcomeIndicator: the action failed, as after a mistyped password.


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """What somebody presents at the door. `replaces` is the secret of the session they came with, if any."""

    user_name: str
    password: str
    address: str
    user_agent: str = ""
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class _Proven:
    """Whose password it was, with the attempt still charged to the subjects."""

    user: User
    subjects: tuple[str, ...]
    password_hash: str


def sign_in(access: Access, attempt: SignInAttempt) -> SignedIn:
    """Open a new session; the one that the browser came with ends (no session is ever carried over).

    Raises WrongCredentials, or SignInLocked after too many failures by this name or from this address.
    """
    proven = _verified(access, attempt)
    # Parameters grow with machines; only now do we hold the password to hash it with today's.
    is_outdated = access.hashes.is_outdated(proven.password_hash)
    better_hash = access.hashes.hash(attempt.password) if is_outdated else None
    with access.database.transaction() as tx:
        # Anew: the user may have been disabled or given another password while the hash was computed.
        found = repository.find_user(tx, proven.user.user_name)
        signed_in: SignedIn | None = None
        if found is not None and found[0].is_active and found[1] == proven.password_hash:
            refund_attempt(tx, proven.subjects, signed_in=True)
            if better_hash is not None:
                repository.set_password_hash(tx, found[0].id, better_hash)
            if attempt.replaces:
                repository.delete_session(tx, digest_of(attempt.replaces))
            signed_in = begin_session(tx, found[0], attempt.address, attempt.user_agent)
            _record(access, tx, attempt, found[0], outcome=0)
    if attempt.replaces:
        access.seen.forget(digest_of(attempt.replaces))
    if signed_in is None:
        raise _wrong()
    return signed_in


def change_own_password(
    access: Access, session: Session, current_password: str, new_password: str, address: str
) -> None:
    """Change the password of the session's user and end all their other sessions.

    Raises WrongCredentials for a wrong current password (it counts as a failed sign-in), PasswordRefused.
    """
    attempt = SignInAttempt(session.user.user_name, current_password, address)
    check_password(new_password, session.user.user_name)
    proven = _verified(access, attempt)
    user = proven.user
    new_hash = access.hashes.hash(new_password)
    with access.database.transaction() as tx:
        if repository.find_user(tx, user.user_name) != (user, proven.password_hash):
            raise _wrong()  # An administrator changed it in the meantime, or disabled the user.
        refund_attempt(tx, proven.subjects, signed_in=True)
        repository.set_password_hash(tx, user.id, new_hash)
        repository.delete_sessions_of(tx, user.id, keep=bytes.fromhex(session.id))
        access.record(
            tx,
            user_actor(user.user_name, user.role, address),
            SECURITY_ALERT,
            action="U",
            details={"type": USER_SECURITY_ATTRIBUTES_CHANGED, "change": "own password"},
        )
    access.seen.forget_all()


def _verified(access: Access, attempt: SignInAttempt) -> _Proven:
    """Whose password this is; raises WrongCredentials, SignInLocked."""
    try:
        name: str | None = fold_user_name(attempt.user_name)
    except UserNameRefused:
        name = None
    subjects = subjects_of(name, attempt.address)
    with access.database.transaction() as tx:
        locked_until = charge_attempt(tx, subjects)
        found = repository.find_user(tx, name) if name is not None else None
        user = found[0] if found is not None else None
        if locked_until is not None:
            _record(access, tx, attempt, user, outcome=MINOR_FAILURE, reason="locked")
    if locked_until is not None:
        metrics.SIGN_IN_FAILURES.inc()
        raise _locked(locked_until, tx.now)
    usable_hash = found[1] if found is not None and found[0].is_active else None
    try:
        is_right = access.hashes.verify(usable_hash, attempt.password)
    except OverLimit:
        with access.database.transaction() as tx:
            refund_attempt(tx, subjects, signed_in=False)
        raise
    if user is None or usable_hash is None or not is_right:
        with access.database.transaction() as tx:
            _record(access, tx, attempt, user, outcome=MINOR_FAILURE, reason="wrong credentials")
        metrics.SIGN_IN_FAILURES.inc()
        raise _wrong()
    return _Proven(user, subjects, usable_hash)


def _wrong() -> WrongCredentials:
    return WrongCredentials("User name or password is wrong.")


def _locked(until: datetime, now: datetime) -> SignInLocked:
    seconds = max(1, int((until - now).total_seconds()) + 1)
    minutes = -(-seconds // 60)
    return SignInLocked(
        f"Too many failed attempts. Wait {minutes} minute{'s' if minutes > 1 else ''}, then try again.",
        seconds,
    )


def _record(
    access: Access,
    tx: Transaction,
    attempt: SignInAttempt,
    user: User | None,
    *,
    outcome: int,
    reason: str = "",
) -> None:
    # People type their password into the wrong field: a name that nobody has is not written down.
    actor = Actor(ActorKind.USER, user.user_name if user else "unknown", attempt.address, frozenset())
    details = {"type": LOGIN} | ({"reason": reason} if reason else {})
    access.record(tx, actor, USER_AUTHENTICATION, action="E", outcome=outcome, details=details)
