"""What the reading verbs need of the archive: its database and its object store."""

from datetime import tzinfo
from typing import Protocol

from filmless.infra.database import Database
from filmless.infra.object_store.base import ObjectStore


class ReadableArchive(Protocol):
    """An archive as far as it is read."""

    @property
    def database(self) -> Database:
        """Where the index is."""
        ...

    @property
    def object_store(self) -> ObjectStore:
        """Where the bytes are."""
        ...

    @property
    def zone(self) -> tzinfo | None:
        """The time zone of objects that do not say theirs; None is the machine's."""
        ...
