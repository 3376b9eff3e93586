"""What the web applications are built from: one opened installation."""

from typing import Protocol

from filmless.features.access import Access
from filmless.features.archive import Archive
from filmless.infra.clock import Clock
from filmless.infra.database import Database
from filmless.infra.object_store.base import ObjectStore
from filmless.infra.settings import Settings


class WebContext(Protocol):
    """The parts of `compose.System` that HTTP needs."""

    @property
    def settings(self) -> Settings:
        """What the administrator decided before the start."""
        ...

    @property
    def clock(self) -> Clock:
        """What time it is."""
        ...

    @property
    def database(self) -> Database:
        """The index and everything else in tables."""
        ...

    @property
    def object_store(self) -> ObjectStore:
        """The bytes."""
        ...

    @property
    def archive(self) -> Archive:
        """Studies, series, instances."""
        ...

    @property
    def access(self) -> Access:
        """Users, sessions, tokens."""
        ...


def is_public_https(settings: Settings) -> bool:
    """Whether browsers reach us over TLS, by the address that the administrator gave."""
    return settings.public_url.lower().startswith("https://")
