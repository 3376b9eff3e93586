"""Users: add, list, give a new password, disable. Names are never reused: a disabled user keeps the name."""

from dataclasses import dataclass

from filmless.features.access import repository
from filmless.features.access.access import SECURITY_ALERT, USER_SECURITY_ATTRIBUTES_CHANGED, Access
from filmless.features.access.errors import LastAdministrator, UserNameTaken, UserNotFound
from filmless.features.access.failures import forget_failures
from filmless.features.access.model import (
    DISPLAY_NAME_CHARACTERS_MAX,
    Actor,
    Permission,
    Role,
    User,
    fold_user_name,
)
from filmless.features.access.passwords import check_password
from filmless.features.access.tables import users
from filmless.infra.database import Transaction
from filmless.infra.errors import Invalid
from filmless.infra.ids import new_id


@dataclass(frozen=True, slots=True)
class NewUser:
    """Somebody to be registered; an empty display name means the user name."""

    user_name: str
    role: Role
    password: str
    display_name: str = ""


def add_user(access: Access, actor: Actor, new_user: NewUser) -> User:
    """Register somebody; raises UserNameRefused, PasswordRefused, UserNameTaken."""
    actor.must(Permission.USERS_MANAGE)
    name, password_hash = prepare_user(access, new_user)
    with access.database.transaction() as tx:
        user = insert_user(tx, new_user, name, password_hash)
        record_change(access, tx, actor, user, action="C", change=f"added as {user.role}")
    return user


def prepare_user(access: Access, new_user: NewUser) -> tuple[str, str]:
    """The folded name and the password hash of a new user, made before any transaction is open."""
    name = fold_user_name(new_user.user_name)
    display_name = new_user.display_name.strip()
    if len(display_name) > DISPLAY_NAME_CHARACTERS_MAX or (display_name and not display_name.isprintable()):
        raise Invalid(
            f"A display name has at most {DISPLAY_NAME_CHARACTERS_MAX} characters and no control characters."
        )
    check_password(new_user.password, name)
    return name, access.hashes.hash(new_user.password)


def insert_user(tx: Transaction, new_user: NewUser, name: str, password_hash: str) -> User:
    """Add the row of a prepared user; raises UserNameTaken."""
    user = User(new_id(), name, new_user.display_name.strip() or name, new_user.role, tx.now, None)
    inserted = repository.insert_if_absent(
        tx,
        users,
        id=user.id,
        user_name=user.user_name,
        display_name=user.display_name,
        password_hash=password_hash,
        role=user.role.value,
        created_at=user.created_at,
    )
    if not inserted:
        raise UserNameTaken(f"There is a user {name} already. Choose another name.")
    return user


def list_users(access: Access, actor: Actor) -> list[User]:
    """Everybody, disabled ones too, by name."""
    actor.must(Permission.USERS_MANAGE)
    with access.database.read() as tx:
        return repository.all_users(tx)


def set_password(access: Access, actor: Actor, user_name: str, password: str) -> None:
    """Give a user a new password; sessions and lock-out end. Raises UserNotFound, PasswordRefused."""
    actor.must(Permission.USERS_MANAGE)
    name = fold_user_name(user_name)
    check_password(password, name)
    password_hash = access.hashes.hash(password)
    with access.database.transaction() as tx:
        user = _existing(tx, name)
        repository.set_password_hash(tx, user.id, password_hash)
        repository.delete_sessions_of(tx, user.id)
        forget_failures(tx, name)
        record_change(access, tx, actor, user, action="U", change="password")
    access.seen.forget_all()


def disable_user(access: Access, actor: Actor, user_name: str) -> None:
    """Keep a user out: sessions end, tokens are revoked; a disabled user stays so without an error.

    Raises UserNotFound, LastAdministrator.
    """
    actor.must(Permission.USERS_MANAGE)
    with access.database.transaction() as tx:
        administrators = repository.lock_active_administrators(tx)
        user = _existing(tx, fold_user_name(user_name))
        if administrators == [user.id]:
            raise LastAdministrator(
                f"{user.user_name} is the last administrator. Add another one before disabling this one."
            )
        if user.is_active:
            repository.disable_user(tx, user.id)
            repository.delete_sessions_of(tx, user.id)
            repository.revoke_tokens(tx, user_id=user.id)
            record_change(access, tx, actor, user, action="D", change="disabled")
    access.seen.forget_all()


def record_change(
    access: Access, tx: Transaction, actor: Actor, user: User, *, action: str, change: str
) -> None:
    """Write to the audit trail that what a user may do has changed."""
    details = {"type": USER_SECURITY_ATTRIBUTES_CHANGED, "user_name": user.user_name, "change": change}
    access.record(tx, actor, SECURITY_ALERT, action=action, details=details)


def _existing(tx: Transaction, name: str) -> User:
    found = repository.find_user(tx, name)
    if found is None:
        raise UserNotFound(f"There is no user {name}.")
    return found[0]
