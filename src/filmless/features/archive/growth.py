"""Which studies grew since one looked last: for screens that are kept up to date.

Reads the outbox, so every process sees what any process stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from filmless.features.access import Actor, Permission
from filmless.features.archive.events import SeriesGrew
from filmless.features.archive.stores import ReadableArchive
from filmless.features.archive.tables import studies
from filmless.infra.database import Transaction
from filmless.infra.outbox_reader import OutboxReader


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
        self._facts = OutboxReader(archive.database, SeriesGrew.__name__)

    def read(self) -> list[StudyGrowth]:
        """The studies that grew since the last call, each once; the first call finds none."""
        with self._database.read() as tx:
            uids = {fact["study_instance_uid"] for fact in self._facts.read(tx)}
            return _counts_of(tx, sorted(uids)) if uids else []


def _counts_of(tx: Transaction, study_instance_uids: Sequence[str]) -> list[StudyGrowth]:
    statement = sa.select(
        studies.c.study_instance_uid, studies.c.number_of_series, studies.c.number_of_instances
    ).where(studies.c.study_instance_uid.in_(study_instance_uids))
    return [
        StudyGrowth(row.study_instance_uid, row.number_of_series, row.number_of_instances)
        for row in tx.execute(statement)
    ]
