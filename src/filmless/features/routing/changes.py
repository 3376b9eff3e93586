"""Which transmissions changed since one looked last: for screens that show the queue."""

from filmless.features.access import Actor, Permission
from filmless.features.routing.events import TransmissionChanged
from filmless.infra.database import Database
from filmless.infra.outbox_reader import OutboxReader


class ChangeReader:
    """Tells each change of a transmission once, starting with the first look; for one thread at a time."""

    def __init__(self, database: Database, actor: Actor) -> None:
        actor.must(Permission.STUDIES_SEND)
        self._database = database
        self._facts = OutboxReader(database, TransmissionChanged.__name__)

    def read(self) -> list[TransmissionChanged]:
        """The transmissions that changed since the last call, each as it is now; none at first."""
        with self._database.read() as tx:
            changes = (TransmissionChanged(**fact) for fact in self._facts.read(tx))
            return list({change.transmission_id: change for change in changes}.values())
