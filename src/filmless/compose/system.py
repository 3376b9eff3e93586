"""One installation, opened: what every role and command builds on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from filmless.features import audit
from filmless.features.access import Access
from filmless.features.archive import Archive
from filmless.infra.clock import Clock, SystemClock
from filmless.infra.database import Database
from filmless.infra.object_store import ObjectStore, open_object_store
from filmless.infra.settings import Settings

ROLES = ("dimse", "web", "worker")


@dataclass(frozen=True, slots=True)
class System:
    """One installation, opened."""

    settings: Settings
    clock: Clock
    database: Database
    object_store: ObjectStore
    archive: Archive
    access: Access


@contextmanager
def open_system(settings: Settings) -> Iterator[System]:
    """Open the database and the object store; closes them at the end of the block."""
    clock = SystemClock()
    database = Database(settings.effective_database_url, clock)
    try:
        object_store = open_object_store(settings.effective_object_store_url)
        archive = Archive(
            database,
            object_store,
            accept_unknown_sop_classes=settings.accept_unknown_sop_classes,
            zone=settings.zone,
        )
        try:
            yield System(settings, clock, database, object_store, archive, Access(database, audit.record))
        finally:
            archive.close()
    finally:
        database.close()
