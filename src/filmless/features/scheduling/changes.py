"""Which scheduled steps are new or changed since one looked last: for screens that show the worklist."""

from dataclasses import dataclass

from filmless.features.access import Actor, Permission
from filmless.features.scheduling.events import PatientArrived, StepCancelled, StepChanged, StepScheduled
from filmless.infra.database import Database
from filmless.infra.outbox_reader import OutboxReader

_KINDS = tuple(fact.__name__ for fact in (StepScheduled, StepChanged, StepCancelled, PatientArrived))


@dataclass(frozen=True, slots=True)
class StepNews:
    """A scheduled step that is new or changed; no more than its id, for many screens hear of it."""

    step_id: str


class StepReader:
    """Tells each change of a scheduled step once, starting with the first look; for one thread at a time."""

    def __init__(self, database: Database, actor: Actor) -> None:
        actor.must(Permission.WORKLIST_READ)
        self._database = database
        self._facts = OutboxReader(database, *_KINDS)

    def read(self) -> list[StepNews]:
        """The steps that are new or changed since the last call, each once; none at first."""
        with self._database.read() as tx:
            step_ids = dict.fromkeys(fact["step_id"] for fact in self._facts.read(tx))
        return [StepNews(step_id) for step_id in step_ids]
