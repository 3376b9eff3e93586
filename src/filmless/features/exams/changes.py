"""Which performed steps began or ended since one looked last: for screens that show them."""

from dataclasses import dataclass

from filmless.features.access import Actor, Permission
from filmless.features.exams.events import (
    PerformedStepCompleted,
    PerformedStepDiscontinued,
    PerformedStepStarted,
)
from filmless.infra.database import Database
from filmless.infra.outbox_reader import OutboxReader

_KINDS = tuple(
    fact.__name__ for fact in (PerformedStepStarted, PerformedStepCompleted, PerformedStepDiscontinued)
)


@dataclass(frozen=True, slots=True)
class PerformedStepNews:
    """A performed step that began or ended."""

    sop_instance_uid: str


class PerformedStepReader:
    """Tells each beginning and end once, starting with the first look; for one thread at a time."""

    def __init__(self, database: Database, actor: Actor) -> None:
        actor.must(Permission.PERFORMED_STEPS_READ)
        self._database = database
        self._facts = OutboxReader(database, *_KINDS)

    def read(self) -> list[PerformedStepNews]:
        """The steps that began or ended since the last call, each once; none at first."""
        with self._database.read() as tx:
            uids = dict.fromkeys(fact["sop_instance_uid"] for fact in self._facts.read(tx))
        return [PerformedStepNews(uid) for uid in uids]
