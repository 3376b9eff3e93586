"""Which studies grew since one looked last: for screens that are kept up to date.

Reads the outbox, so every process sees what any process stored. On PostgreSQL a commit may show a lower
number after a higher one; a reader therefore looks back a little and remembers what it has told.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
import sqlalchemy as sa

from filmless.features.access import Actor, Permission
from filmless.features.archive.events import SeriesGrew
from filmless.features.archive.stores import ReadableArchive
from filmless.features.archive.tables import studies
from filmless.infra.database import Transaction

FACTS_READ_MAX = 2000  # A second of ingest announces some hundred; the rest is read at the next look.
LOOK_BACK_FACTS = 200  # Far more transactions than write at once.

_NEWEST = "SELECT COALESCE(MAX(id), 0) FROM outbox"
_SINCE = "SELECT id, kind, payload FROM outbox WHERE id > ? ORDER BY id LIMIT ?"


@dataclass(frozen=True, slots=True)
class StudyGrowth:
    """A study that grew, with its counts of now."""

    study_instance_uid: str
    number_of_series: int
    number_of_instances: int


class GrowthReader:
    """Tells each growth of a study once, starting with the first look; for one thread at a time."""

    def __init__(self, archive: ReadableArchive, actor: Actor) -> None:
        actor.must(Permission.STUDIES_READ)
        self._database = archive.database
        self._look_back = 0 if archive.database.is_sqlite else LOOK_BACK_FACTS
        self._position: int | None = None
        self._told: frozenset[int] = frozenset()

    def read(self) -> list[StudyGrowth]:
        """The studies that grew since the last call, each once; the first call finds none."""
        with self._database.read() as tx:
            first_look = self._position is None
            if self._position is None:
                self._position = int(tx.fast(_NEWEST).fetchone()[0])
            rows = tx.fast(_SINCE, (self._position - self._look_back, FACTS_READ_MAX)).fetchall()
            fresh = [row for row in rows if row[0] not in self._told]
            self._position = max((self._position, *(row[0] for row in rows)))
            self._told = frozenset(row[0] for row in rows if row[0] > self._position - self._look_back)
            if first_look:
                return []
            uids = {
                orjson.loads(payload)["study_instance_uid"]
                for _, kind, payload in fresh
                if kind == SeriesGrew.__name__
            }
            return _counts_of(tx, sorted(uids)) if uids else []


def _counts_of(tx: Transaction, study_instance_uids: Sequence[str]) -> list[StudyGrowth]:
    statement = sa.select(
        studies.c.study_instance_uid, studies.c.number_of_series, studies.c.number_of_instances
    ).where(studies.c.study_instance_uid.in_(study_instance_uids))
    return [
        StudyGrowth(row.study_instance_uid, row.number_of_series, row.number_of_instances)
        for row in tx.execute(statement)
    ]
