"""Who is asking, and what they may do. Pure: roles and permissions are tables.

An `Actor` is handed to every verb from the first day. Scopes (own patients, own site) come with
"Doors and keys"; today a role is a set of permissions.
"""

from dataclasses import dataclass
from enum import StrEnum

from filmless.infra.errors import NotPermitted


class Permission(StrEnum):
    """Something one may be allowed to do."""

    STUDIES_READ = "studies.read"
    STUDIES_STORE = "studies.store"
    QUARANTINE_READ = "quarantine.read"
    QUARANTINE_RESOLVE = "quarantine.resolve"
    NODES_MANAGE = "nodes.manage"
    USERS_MANAGE = "users.manage"
    JOBS_MANAGE = "jobs.manage"


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

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset(Permission),
    Role.RADIOLOGIST: frozenset(_READ | {Permission.STUDIES_STORE}),
    Role.TECHNOLOGIST: frozenset(_READ | {Permission.STUDIES_STORE, Permission.QUARANTINE_RESOLVE}),
    Role.SERVICE: frozenset({Permission.STUDIES_READ, Permission.STUDIES_STORE}),
}

NODE_PERMISSIONS = frozenset({Permission.STUDIES_STORE})


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


def node_actor(ae_title: str, address: str) -> Actor:
    """The actor for a DICOM peer."""
    return Actor(ActorKind.NODE, ae_title, address, NODE_PERMISSIONS)


def system_actor(part: str) -> Actor:
    """The actor for our own background work and for the administrator at the command line."""
    return Actor(ActorKind.SYSTEM, part, "", frozenset(Permission))
