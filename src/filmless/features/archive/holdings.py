"""How much the archive holds in all: for the status line of the screen. No datum of any patient."""

from dataclasses import dataclass

from filmless.features.access import Actor, Permission
from filmless.features.archive.stores import ReadableArchive


@dataclass(frozen=True, slots=True)
class Holdings:
    """Totals of the archive."""

    studies: int
    instances: int
    size_bytes: int


_TOTALS = "SELECT COUNT(*), COALESCE(SUM(number_of_instances), 0), COALESCE(SUM(size_bytes), 0) FROM studies"


def count_holdings(archive: ReadableArchive, actor: Actor) -> Holdings:
    """The totals of now. Reads the whole table of studies, so ask at most every few seconds."""
    actor.must(Permission.STUDIES_READ)
    with archive.database.read() as tx:
        found, instances, size_bytes = tx.fast(_TOTALS).fetchone()
    return Holdings(int(found), int(instances), int(size_bytes))
