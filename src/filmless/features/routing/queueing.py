"""Putting transmissions into the queue and waking those who send, inside the transaction of a verb.

Invariant: whatever makes a transmission sendable at some moment asks for a job at that moment, in the same
commit. One job sends one transmission to one node; a job that finds nothing to send ends at once.
"""

from datetime import datetime, timedelta

from filmless.features.routing import repository
from filmless.features.routing.events import TransmissionChanged
from filmless.features.routing.repository import NewTransmission
from filmless.features.routing.transmissions import State
from filmless.infra.database import Transaction
from filmless.infra.jobs import enqueue
from filmless.infra.outbox import announce

TRANSMIT = "transmit"
"""The kind of the job that sends one transmission; payload: destination."""


def put_in_queue(
    tx: Transaction, new: NewTransmission, study_instance_uid: str, next_try_at: datetime | None = None
) -> str:
    """Queue it, held if its destination is paused; returns its id."""
    state = State.HELD if repository.is_paused(tx, new.destination) else State.WAITING
    due = next_try_at or tx.now
    transmission_id = repository.insert_transmission(tx, new, state, due)
    announce(tx, TransmissionChanged(transmission_id, study_instance_uid, new.destination, state.value))
    if state is State.WAITING:
        wake(tx, new.destination, due)
    return transmission_id


def wake(tx: Transaction, destination: str, at: datetime | None = None) -> None:
    """Ask for a look at what waits for this destination, now or at that time."""
    # A key for each second: with one for all, a look that is due tomorrow would swallow one that is due now.
    delay = 0.0 if at is None else max(0.0, (at - tx.now) / timedelta(seconds=1))
    key = f"{TRANSMIT}:{destination}"
    if at is not None and delay:
        key += f":{int(at.timestamp())}"
    enqueue(tx, TRANSMIT, {"destination": destination}, unique_key=key, delay_seconds=delay)
