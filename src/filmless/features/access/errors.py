"""Why access refuses."""

from filmless.infra.errors import Conflict, Invalid, NotFound, NotSignedIn, OverLimit


class UserNameRefused(Invalid):
    """The user name cannot be a user name."""


class PasswordRefused(Invalid):
    """The new password is too short, too long, or among the first that anybody would try."""


class UserNameTaken(Conflict):
    """Somebody has this user name already."""


class LastAdministrator(Conflict):
    """Without this user nobody could administer the installation."""


class SetupIsOver(Conflict):
    """The installation has users: the first-run link is spent."""


class UserNotFound(NotFound):
    """There is no such user."""


class SessionNotFound(NotFound):
    """There is no such session of this user."""


class TokenNotFound(NotFound):
    """There is no such token."""


class WrongCredentials(NotSignedIn):
    """User name or password is wrong; which of the two is never said."""


class SessionEnded(NotSignedIn):
    """The session is unknown, signed out, or has run out."""


class TokenRefused(NotSignedIn):
    """The bearer token is unknown, revoked, or has run out."""


class SetupTokenRefused(NotSignedIn):
    """The first-run link is not the newest one."""


class SignInLocked(OverLimit):
    """Too many failed attempts by this user name or from this address; wait."""
