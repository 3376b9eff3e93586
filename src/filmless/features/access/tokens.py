"""Bearer tokens: a user's rights for a program (`Authorization: Bearer flm_…`, RFC 6750)."""

from datetime import datetime, timedelta

from filmless.features.access import repository
from filmless.features.access.access import Access, SeenToken
from filmless.features.access.credentials import TOKEN_PREFIX, digest_of, new_secret
from filmless.features.access.errors import TokenNotFound, TokenRefused, UserNotFound
from filmless.features.access.model import Actor, Permission, Token, fold_user_name, user_actor
from filmless.features.access.users import record_change
from filmless.infra.errors import Invalid
from filmless.infra.ids import new_id

LABEL_CHARACTERS_MAX = 128  # One line of a list.
LIFE_DAYS_MAX = 3650  # Ten years: what should outlive a device says so by having no end.


def create_token(
    access: Access, actor: Actor, user_name: str, label: str = "", days: int | None = None
) -> tuple[str, Token]:
    """A new token of the user, as its secret (shown once) and what is kept; it lives `days` days or for ever.

    Raises UserNotFound, also for a disabled user, and Invalid.
    """
    actor.must(Permission.USERS_MANAGE)
    name = fold_user_name(user_name)
    if len(label) > LABEL_CHARACTERS_MAX or (label and not label.isprintable()):
        raise Invalid(f"A label has at most {LABEL_CHARACTERS_MAX} characters and no control characters.")
    if days is not None and not 1 <= days <= LIFE_DAYS_MAX:
        raise Invalid(f"A token lives 1 to {LIFE_DAYS_MAX} days.")
    secret = new_secret(TOKEN_PREFIX)
    with access.database.transaction() as tx:
        found = repository.find_user(tx, name)
        if found is None or not found[0].is_active:
            raise UserNotFound(f"There is no user {name} who may sign in.")
        expires_at = None if days is None else tx.now + timedelta(days=days)
        token = Token(new_id(), name, label, tx.now, expires_at, None)
        repository.insert_token(tx, digest_of(secret), token, found[0].id)
        record_change(access, tx, actor, found[0], action="C", change=f"token {token.id}")
    return secret, token


def list_tokens(access: Access, actor: Actor, user_name: str | None = None) -> list[Token]:
    """Tokens of one user or of everybody, oldest first, revoked ones too."""
    actor.must(Permission.USERS_MANAGE)
    with access.database.read() as tx:
        return repository.all_tokens(tx, None if user_name is None else fold_user_name(user_name))


def revoke_token(access: Access, actor: Actor, token_id: str) -> None:
    """Make a token useless; a revoked one stays so without an error. Raises TokenNotFound."""
    actor.must(Permission.USERS_MANAGE)
    with access.database.transaction() as tx:
        token = next((token for token in repository.all_tokens(tx, None) if token.id == token_id), None)
        if token is None:
            raise TokenNotFound(f"There is no token {token_id}.")
        found = repository.find_user(tx, token.user_name)
        assert found is not None  # A token's user cannot be removed, only disabled.
        if repository.revoke_tokens(tx, token_id=token_id):
            record_change(access, tx, actor, found[0], action="D", change=f"token {token_id}")
    access.seen.forget_all()


def recent_token_actor(access: Access, secret: str, address: str) -> Actor | None:
    """The token's actor if it was looked up in the last seconds; asks no database, so it never waits."""
    now: datetime = access.database.clock.now()
    seen = access.seen.get(digest_of(secret), now)
    return user_actor(seen.user_name, seen.role, address) if isinstance(seen, SeenToken) else None


def actor_of_token(access: Access, secret: str, address: str) -> Actor:
    """The actor for a request with this token; raises TokenRefused."""
    actor = recent_token_actor(access, secret, address)
    if actor is not None:
        return actor
    digest = digest_of(secret)
    with access.database.read() as tx:
        found = repository.find_usable_token(tx, digest)
        now = tx.now
    if found is None:
        raise TokenRefused("The bearer token is unknown, revoked, or has run out.")
    user, expires_at = found
    access.seen.put(digest, SeenToken(user.user_name, user.role, expires_at), now)
    return user_actor(user.user_name, user.role, address)
