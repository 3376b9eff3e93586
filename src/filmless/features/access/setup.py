"""The first run: nobody is registered, and whoever holds the one-time link becomes administrator."""

from filmless.features.access import repository
from filmless.features.access.access import LOGIN, USER_AUTHENTICATION, Access
from filmless.features.access.credentials import digest_of, new_secret
from filmless.features.access.errors import SetupIsOver, SetupTokenRefused
from filmless.features.access.model import SignedIn, user_actor
from filmless.features.access.sessions import begin_session
from filmless.features.access.users import NewUser, insert_user, prepare_user, record_change


def setup_is_needed(access: Access) -> bool:
    """Whether nobody is registered yet."""
    with access.database.read() as tx:
        return not repository.any_user(tx)


def create_setup_token(access: Access) -> str | None:
    """A fresh one-time token, for http://HOST/setup#TOKEN; None when somebody is registered already.

    Earlier tokens stop working: the last start's link is the one that counts.
    """
    secret = new_secret()
    with access.database.transaction() as tx:
        if repository.any_user(tx):
            return None
        repository.replace_setup_token(tx, digest_of(secret))
    return secret


def complete_setup(
    access: Access, secret: str, new_user: NewUser, address: str, user_agent: str = ""
) -> SignedIn:
    """Register the first user and sign them in; the token is spent.

    Raises SetupIsOver, SetupTokenRefused, UserNameRefused, PasswordRefused.
    """
    digest = digest_of(secret)
    with access.database.read() as tx:
        if repository.any_user(tx):
            raise _over()
        if not repository.has_setup_token(tx, digest):
            raise _refused()
    name, password_hash = prepare_user(access, new_user)  # Only now: strangers must not buy slow hashes.
    with access.database.transaction() as tx:
        if not repository.take_setup_token(tx, digest):
            raise _refused()
        if repository.any_user(tx):
            raise _over()
        user = insert_user(tx, new_user, name, password_hash)
        actor = user_actor(user.user_name, user.role, address)
        record_change(access, tx, actor, user, action="C", change="first administrator")
        access.record(tx, actor, USER_AUTHENTICATION, action="E", details={"type": LOGIN})
        return begin_session(tx, user, address, user_agent)


def _over() -> SetupIsOver:
    return SetupIsOver("This installation is set up. Sign in, or ask an administrator for an account.")


def _refused() -> SetupTokenRefused:
    return SetupTokenRefused(
        "This set-up link is not valid. Use the newest one that the server printed when it started."
    )
