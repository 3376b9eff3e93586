"""Who is asking, and what they may do; users, sessions and tokens as values. Pure: roles are a table.

An `Actor` is handed to every verb from the first day. Scopes (own patients, own site) come with
"Doors and keys"; today a role is a set of permissions.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from filmless.features.access.errors import UserNameRefused
from filmless.infra.errors import NotPermitted

USER_NAME_CHARACTERS_MAX = 64  # A mail address fits; the name is in every audit record.
DISPLAY_NAME_CHARACTERS_MAX = 128  # One line of a screen, titles included.


class Permission(StrEnum):
    """Something one may be allowed to do."""

    STUDIES_READ = "studies.read"
    STUDIES_RETRIEVE = "studies.retrieve"
    STUDIES_STORE = "studies.store"
    STUDIES_SEND = "studies.send"
    STUDIES_COMMIT = "studies.commit"
    REMOTE_QUERY = "remote.query"
    WORKLIST_READ = "worklist.read"
    WORKLIST_WRITE = "worklist.write"
    PERFORMED_STEPS_READ = "performed_steps.read"
    PERFORMED_STEPS_WRITE = "performed_steps.write"
    ROUTING_MANAGE = "routing.manage"
    QUARANTINE_READ = "quarantine.read"
    QUARANTINE_RESOLVE = "quarantine.resolve"
    NODES_MANAGE = "nodes.manage"
    USERS_MANAGE = "users.manage"
    AUDIT_READ = "audit.read"


class Role(StrEnum):
    """What somebody is in the department."""

    ADMINISTRATOR = "administrator"
    RADIOLOGIST = "radiologist"
    TECHNOLOGIST = "technologist"
    SERVICE = "service"


class ActorKind(StrEnum):
    """What kind of asker this is."""

    USER = "user"
    NODE = "node"
    SYSTEM = "system"


_READ = {Permission.STUDIES_READ, Permission.QUARANTINE_READ}
_EXCHANGE = {
    Permission.STUDIES_STORE,
    Permission.STUDIES_SEND,
    Permission.REMOTE_QUERY,
    Permission.WORKLIST_READ,
    Permission.PERFORMED_STEPS_READ,
}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset(Permission),
    Role.RADIOLOGIST: frozenset(_READ | _EXCHANGE),
    Role.TECHNOLOGIST: frozenset(
        _READ | _EXCHANGE | {Permission.QUARANTINE_RESOLVE, Permission.WORKLIST_WRITE}
    ),
    Role.SERVICE: frozenset({Permission.STUDIES_READ, Permission.STUDIES_STORE}),
}

NODE_PERMISSIONS = frozenset(
    {
        Permission.STUDIES_READ,
        Permission.STUDIES_RETRIEVE,
        Permission.STUDIES_STORE,
        Permission.STUDIES_COMMIT,
        Permission.WORKLIST_READ,
        Permission.PERFORMED_STEPS_WRITE,
    }
)
"""All that a DICOM peer can be allowed to do."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody or something that asks for a verb.

    `name` is a user name, an AE title, or the name of a part of ours; `address` is where the request came
    from, empty for ourselves.
    """

    kind: ActorKind
    name: str
    address: str
    permissions: frozenset[Permission]

    def must(self, permission: Permission) -> None:
        """Raise NotPermitted unless this actor has the permission."""
        if permission not in self.permissions:
            raise NotPermitted(f"{self.name} may not do this: the permission {permission} is missing.")


def node_actor(ae_title: str, address: str, permissions: frozenset[Permission] = NODE_PERMISSIONS) -> Actor:
    """The actor for a DICOM peer; never more than NODE_PERMISSIONS."""
    return Actor(ActorKind.NODE, ae_title, address, permissions & NODE_PERMISSIONS)


def system_actor(part: str) -> Actor:
    """The actor for our own background work and for the administrator at the command line."""
    return Actor(ActorKind.SYSTEM, part, "", frozenset(Permission))


def user_actor(user_name: str, role: Role, address: str) -> Actor:
    """The actor for somebody who signed in or holds a token of ours."""
    return Actor(ActorKind.USER, user_name, address, ROLE_PERMISSIONS[role])


def fold_user_name(text: str) -> str:
    """The form in which a user name is kept and compared: NFKC, case-folded, trimmed.

    Raises UserNameRefused for an empty or long name, or one with spaces or control characters.
    """
    name = unicodedata.normalize("NFKC", text).strip().casefold()
    if not name or len(name) > USER_NAME_CHARACTERS_MAX:
        raise UserNameRefused(f"A user name has 1 to {USER_NAME_CHARACTERS_MAX} characters.")
    if not name.isprintable() or " " in name:
        raise UserNameRefused("A user name has no spaces and no control characters.")
    return name


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in."""

    id: str
    user_name: str
    display_name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None

    @property
    def is_active(self) -> bool:
        """Whether this user may sign in."""
        return self.disabled_at is None


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser. `id` is the digest of its secret, in hexadecimal: naming it opens nothing."""

    id: str
    user: User
    csrf_token: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime  # Whichever comes first: idle for too long, or signed in for too long.
    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session; `secret` is for the cookie and is kept nowhere else."""

    secret: str
    session: Session


@dataclass(frozen=True, slots=True)
class Token:
    """One bearer token of a user, without its secret."""

    id: str
    user_name: str
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
