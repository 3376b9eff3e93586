"""Every SQL statement of access, except those that count failures (`failures.py`)."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from filmless.features.access.model import Role, Session, Token, User
from filmless.features.access.tables import sessions, setup_tokens, tokens, users
from filmless.infra import limits
from filmless.infra.database import Transaction

_USER = (
    users.c.id,
    users.c.user_name,
    users.c.display_name,
    users.c.role,
    users.c.created_at.label("user_created_at"),
    users.c.disabled_at,
)


def insert_if_absent(tx: Transaction, table: sa.Table, **values: Any) -> bool:
    """Insert the row unless one with the same key exists; says whether it did."""
    insert = sqlite.insert(table) if tx.is_sqlite else postgresql.insert(table)
    statement = insert.values(**values).on_conflict_do_nothing().returning(sa.literal(1))
    return tx.execute(statement).first() is not None


def _user(row: Any) -> User:
    return User(row.id, row.user_name, row.display_name, Role(row.role), row.user_created_at, row.disabled_at)


def any_user(tx: Transaction) -> bool:
    """Whether anybody is registered, disabled or not."""
    return tx.execute(sa.select(users.c.id).limit(1)).first() is not None


def find_user(tx: Transaction, user_name: str) -> tuple[User, str] | None:
    """The user of that folded name, with the password hash; locked until the write transaction ends."""
    statement = sa.select(*_USER, users.c.password_hash).where(users.c.user_name == user_name)
    row = tx.execute(statement.with_for_update()).first()
    return None if row is None else (_user(row), row.password_hash)


def find_user_id(tx: Transaction, user_name: str) -> str | None:
    """The id of the user of that folded name."""
    return tx.execute(sa.select(users.c.id).where(users.c.user_name == user_name)).scalar()


def all_users(tx: Transaction) -> list[User]:
    """Everybody, by name."""
    return [_user(row) for row in tx.execute(sa.select(*_USER).order_by(users.c.user_name))]


def set_password_hash(tx: Transaction, user_id: str, password_hash: str) -> None:
    """Replace the user's password."""
    tx.execute(sa.update(users).where(users.c.id == user_id).values(password_hash=password_hash))


def disable_user(tx: Transaction, user_id: str) -> None:
    """Mark the user disabled as of now."""
    tx.execute(sa.update(users).where(users.c.id == user_id).values(disabled_at=tx.now))


def lock_active_administrators(tx: Transaction) -> list[str]:
    """Ids of the administrators who may sign in; locked, so that two cannot disable each other at once."""
    statement = sa.select(users.c.id).where(
        users.c.role == Role.ADMINISTRATOR.value, users.c.disabled_at.is_(None)
    )
    return list(tx.execute(statement.order_by(users.c.id).with_for_update()).scalars())


def insert_session(tx: Transaction, digest: bytes, session: Session) -> None:
    """Keep a new session; `session.expires_at` is not kept, it follows from the times."""
    tx.execute(
        sa.insert(sessions).values(
            secret_digest=digest,
            user_id=session.user.id,
            csrf_token=session.csrf_token,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            expires_at=session.created_at + timedelta(seconds=limits.SESSION_SECONDS_MAX),
            address=session.address,
            user_agent=session.user_agent,
        )
    )


def _sessions() -> sa.Select[Any]:
    return sa.select(
        *_USER,
        sessions.c.secret_digest,
        sessions.c.csrf_token,
        sessions.c.created_at.label("session_created_at"),
        sessions.c.last_seen_at,
        sessions.c.expires_at,
        sessions.c.address,
        sessions.c.user_agent,
    ).join_from(sessions, users)


def _session(row: Any) -> Session:
    idle_until = row.last_seen_at + timedelta(seconds=limits.SESSION_IDLE_SECONDS_MAX)
    return Session(
        id=row.secret_digest.hex(),
        user=_user(row),
        csrf_token=row.csrf_token,
        created_at=row.session_created_at,
        last_seen_at=row.last_seen_at,
        expires_at=min(idle_until, row.expires_at),
        address=row.address,
        user_agent=row.user_agent,
    )


def find_session(tx: Transaction, digest: bytes) -> Session | None:
    """The session with this digest, also one that has run out."""
    row = tx.execute(_sessions().where(sessions.c.secret_digest == digest)).first()
    return None if row is None else _session(row)


def sessions_of(tx: Transaction, user_id: str) -> list[Session]:
    """The user's sessions that have not run out, newest first."""
    statement = _sessions().where(sessions.c.user_id == user_id).order_by(sessions.c.created_at.desc())
    return [session for session in map(_session, tx.execute(statement)) if session.expires_at > tx.now]


def see_session(tx: Transaction, digest: bytes, seen_before: datetime) -> None:
    """Note that the session is in use, unless another process just did."""
    tx.execute(
        sa.update(sessions)
        .where(sessions.c.secret_digest == digest, sessions.c.last_seen_at < seen_before)
        .values(last_seen_at=tx.now)
    )


def delete_session(tx: Transaction, digest: bytes) -> bool:
    """End one session; says whether there was one."""
    return tx.execute(sa.delete(sessions).where(sessions.c.secret_digest == digest)).rowcount == 1


def delete_sessions_of(tx: Transaction, user_id: str, keep: bytes | None = None) -> None:
    """End all sessions of the user, except the one to keep."""
    statement = sa.delete(sessions).where(sessions.c.user_id == user_id)
    if keep is not None:
        statement = statement.where(sessions.c.secret_digest != keep)
    tx.execute(statement)


def delete_sessions_past_use(tx: Transaction, user_id: str, keep: int) -> None:
    """Remove the user's sessions that have run out, and the oldest beyond `keep`."""
    idle_since = tx.now - timedelta(seconds=limits.SESSION_IDLE_SECONDS_MAX)
    newest = (
        sa.select(sessions.c.secret_digest)
        .where(sessions.c.user_id == user_id)
        .order_by(sessions.c.created_at.desc())
        .limit(keep)
    )
    past = sa.or_(
        sessions.c.expires_at <= tx.now,
        sessions.c.last_seen_at <= idle_since,
        sessions.c.secret_digest.not_in(newest),
    )
    tx.execute(sa.delete(sessions).where(sessions.c.user_id == user_id, past))


def insert_token(tx: Transaction, digest: bytes, token: Token, user_id: str) -> None:
    """Keep a new token."""
    tx.execute(
        sa.insert(tokens).values(
            id=token.id,
            secret_digest=digest,
            user_id=user_id,
            label=token.label,
            created_at=token.created_at,
            expires_at=token.expires_at,
        )
    )


def find_usable_token(tx: Transaction, digest: bytes) -> tuple[User, datetime | None] | None:
    """Whose token this is and until when, unless it is revoked or has run out or the user is disabled."""
    statement = (
        sa.select(*_USER, tokens.c.expires_at)
        .join_from(tokens, users)
        .where(
            tokens.c.secret_digest == digest,
            tokens.c.revoked_at.is_(None),
            sa.or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > tx.now),
            users.c.disabled_at.is_(None),
        )
    )
    row = tx.execute(statement).first()
    return None if row is None else (_user(row), row.expires_at)


def all_tokens(tx: Transaction, user_name: str | None) -> list[Token]:
    """Tokens of one user or of everybody, oldest first, revoked ones too."""
    statement = sa.select(tokens, users.c.user_name).join_from(tokens, users).order_by(tokens.c.id)
    if user_name is not None:
        statement = statement.where(users.c.user_name == user_name)
    return [
        Token(row.id, row.user_name, row.label, row.created_at, row.expires_at, row.revoked_at)
        for row in tx.execute(statement)
    ]


def revoke_tokens(tx: Transaction, *, token_id: str | None = None, user_id: str | None = None) -> int:
    """Revoke one token or all of a user; returns how many were usable until now."""
    assert (token_id is None) != (user_id is None)
    which = tokens.c.id == token_id if token_id is not None else tokens.c.user_id == user_id
    statement = sa.update(tokens).where(which, tokens.c.revoked_at.is_(None)).values(revoked_at=tx.now)
    return tx.execute(statement).rowcount


def replace_setup_token(tx: Transaction, digest: bytes) -> None:
    """Keep this set-up token and no other."""
    tx.execute(sa.delete(setup_tokens))
    tx.execute(sa.insert(setup_tokens).values(secret_digest=digest, created_at=tx.now))


def has_setup_token(tx: Transaction, digest: bytes) -> bool:
    """Whether this is the set-up token."""
    statement = sa.select(setup_tokens.c.created_at).where(setup_tokens.c.secret_digest == digest)
    return tx.execute(statement).first() is not None


def take_setup_token(tx: Transaction, digest: bytes) -> bool:
    """Spend the set-up token; of two at once only one succeeds."""
    return tx.execute(sa.delete(setup_tokens).where(setup_tokens.c.secret_digest == digest)).rowcount == 1
