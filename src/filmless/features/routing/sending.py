"""The queue as those see it who send: take one, tell how far it is, say how it ended.

Instances leave once as far as possible: what the peer acknowledged is taken off the transmission while it
runs, so the next attempt, of this worker or of another one after a crash, sends only the rest. A transmission
taken is held by a lease; whoever does not speak for LEASE_SECONDS loses it. Start at `claim_transmission`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo

from filmless.features.access import Actor, Permission
from filmless.features.archive import InstanceRow
from filmless.features.audit import AuditEvent, record
from filmless.features.routing import repository
from filmless.features.routing.events import TransmissionChanged
from filmless.features.routing.model import TransmissionPriority
from filmless.features.routing.queueing import wake
from filmless.features.routing.rules_repository import read_window
from filmless.features.routing.studies import list_instance_rows
from filmless.features.routing.transmissions import (
    KEEP_ENDED_FOR,
    Attempt,
    Claimed,
    Ending,
    Event,
    State,
    back_off_seconds,
    event_after,
    state_after,
)
from filmless.infra.database import Database, Transaction
from filmless.infra.ids import new_id
from filmless.infra.jobs import enqueue
from filmless.infra.outbox import announce

POSTPONED_AT_ONCE_MAX = 50  # What waits for its hours is put off in small transactions.
COMMIT_TRANSMISSION = "commit-transmission"
"""The kind of the job that asks the destination to take responsibility; payload: transmission_id."""
TRIM_TRANSMISSIONS = "trim-transmissions"
"""The kind of the job whose body is `trim_transmissions`; no payload."""
TRIM_SECONDS = 24 * 3600
TRIM_ROWS_MAX = 1000  # In one transaction: a few milliseconds of the one writer.


def claim_transmission(
    database: Database, actor: Actor, destination: str, zone: tzinfo | None
) -> Claimed | None:
    """Take what should go to this node next, urgent first; None when nothing should go now.

    One at a time goes to a node, over as many associations as it takes: then all of them serve what is most
    urgent. `zone` is where time windows are meant. The first attempt leaves an audit record (PS3.15 A.5.3.3,
    Begin Transferring).
    """
    actor.must(Permission.STUDIES_SEND)
    with database.transaction() as tx:
        rest = repository.lock_destination(tx, destination)
        resting = rest.next_try_at is not None and rest.next_try_at > tx.now
        if resting or repository.is_paused(tx, destination):
            return None  # Whoever resumes it, and the end of its rest, wake us.
        lease_ends_at = repository.lease_end(tx, destination)
        if lease_ends_at is not None:
            wake(tx, destination, lease_ends_at)  # In case its worker is dead.
            return None
        transmission_id = _next_due(tx, destination, zone)
        if transmission_id is None:
            return None
        claimed = repository.claim(tx, transmission_id, new_id())
        _announce(tx, claimed, State.SENDING)
        if claimed.attempts == 1:
            details: dict[str, object] = {
                "destination": destination,
                "instances": claimed.instances,
                "for": claimed.asked_by,
            }
            _record(tx, actor, claimed, AuditEvent.BEGIN_TRANSFERRING_INSTANCES, 0, details)
        return claimed


def instances_to_send(database: Database, actor: Actor, claimed: Claimed) -> list[InstanceRow]:
    """What is left to send of it, in order of series and instance number; what was deleted is not in it."""
    actor.must(Permission.STUDIES_SEND)
    with database.read() as tx:
        return list_instance_rows(tx, claimed.remaining)


def instances_of(database: Database, actor: Actor, transmission_id: str) -> tuple[str, list[InstanceRow]]:
    """The destination and all instances of a transmission, whatever became of them; none when it is gone."""
    actor.must(Permission.STUDIES_SEND)
    with database.read() as tx:
        destination, refs = repository.refs_of(tx, transmission_id)
        return destination, list_instance_rows(tx, refs)


def record_progress(
    database: Database, actor: Actor, claimed: Claimed, remaining: Iterable[int], refused: Iterable[int]
) -> bool:
    """Write down what is left, and keep the lease; says whether to go on.

    False once it was cancelled, paused, lost to another worker, or something urgent wants its place.
    Called about once a second: it is one short transaction.
    """
    actor.must(Permission.STUDIES_SEND)
    with database.transaction() as tx:
        state = repository.save_progress(tx, claimed, remaining, refused)
        if state is not State.SENDING:
            return False
        return claimed.priority is TransmissionPriority.URGENT or not repository.is_urgent_waiting(
            tx, claimed.destination
        )


def end_attempt(database: Database, actor: Actor, claimed: Claimed, attempt: Attempt) -> State | None:
    """Write down how an attempt ended and plan what follows; the state by now, None when the lease was lost.

    Once all of it has left, or a person must look, an audit record says how much (PS3.15 A.5.3.4).
    """
    actor.must(Permission.STUDIES_SEND)
    with database.transaction() as tx:
        repository.lock_destination(tx, claimed.destination)  # First, as all do who lock both.
        freed = {"leased_by": None, "leased_until": None, "last_error": attempt.explanation}
        held = repository.save_progress(tx, claimed, attempt.remaining, attempt.refused, **freed)
        if held is None:
            return None
        next_try_at = _settle_destination(tx, claimed.destination, attempt)
        state = held
        if held is State.SENDING:
            event = event_after(attempt, claimed.created_at, tx.now)
            state = state_after(held, event)
            if event is Event.FAIL and attempt.ending is Ending.REFUSED_FOR_NOW:
                next_try_at = tx.now + timedelta(seconds=back_off_seconds(claimed.attempts))
            repository.end_claim(tx, claimed.id, state, next_try_at or tx.now)
            _announce(tx, claimed, state)
            if state is State.DONE and claimed.request_commitment:
                enqueue(tx, COMMIT_TRANSMISSION, {"transmission_id": claimed.id})
        if state in (State.DONE, State.PARKED, State.CANCELLED):
            _record_end(tx, actor, claimed, attempt)
        if state is State.WAITING:
            wake(tx, claimed.destination, next_try_at)
        for destination in repository.due_destinations(tx):
            wake(tx, destination)
        return state


def wake_later(database: Database, destination: str, delay_seconds: float) -> None:
    """Look at what waits for this node a little later: who should do it now is busy."""
    with database.transaction() as tx:
        wake(tx, destination, tx.now + timedelta(seconds=delay_seconds))


def wake_transmissions(tx: Transaction) -> None:
    """Look after everything that is unfinished: when a worker starts, in case one ended in mid-send."""
    for destination, at in repository.unfinished_wake_ups(tx):
        wake(tx, destination, at)


def trim_transmissions_soon(tx: Transaction, delay_seconds: float = 0) -> None:
    """Ask for `trim_transmissions`."""
    enqueue(tx, TRIM_TRANSMISSIONS, {}, unique_key=TRIM_TRANSMISSIONS, delay_seconds=delay_seconds)


def trim_transmissions(database: Database) -> None:
    """Forget transmissions that were done or cancelled KEEP_ENDED_FOR ago; once a day."""
    deleted = TRIM_ROWS_MAX
    while deleted == TRIM_ROWS_MAX:
        with database.transaction() as tx:
            deleted = repository.trim_ended(tx, tx.now - KEEP_ENDED_FOR, TRIM_ROWS_MAX)
    with database.transaction() as tx:
        trim_transmissions_soon(tx, TRIM_SECONDS)


# --- Inside ----------------------------------------------------------------------------------------------


def _next_due(tx: Transaction, destination: str, zone: tzinfo | None) -> str | None:
    """The first whose hours it is; those before it whose hours are over wait for the next ones."""
    for _ in range(POSTPONED_AT_ONCE_MAX):
        found = repository.next_due(tx, destination)
        if found is None:
            return None
        transmission_id, send_within = found
        window = read_window(send_within)
        if window is None or window.is_open(tx.now, zone):
            return transmission_id
        opens_at = window.opens_at(tx.now, zone)
        repository.postpone(tx, transmission_id, opens_at)
        wake(tx, destination, opens_at)
    wake(tx, destination)
    return None


def _settle_destination(tx: Transaction, destination: str, attempt: Attempt) -> datetime | None:
    """Let an unreachable node rest, the longer the oftener; returns until when."""
    if attempt.ending is Ending.UNREACHABLE:
        failures = repository.lock_destination(tx, destination).failures + 1
        next_try_at = tx.now + timedelta(seconds=back_off_seconds(failures))
        repository.set_destination(tx, destination, failures=failures, next_try_at=next_try_at)
        return next_try_at
    if attempt.ending in (Ending.COMPLETE, Ending.REFUSED_FOR_NOW):
        repository.clear_failures(tx, destination)
    return None


def _record_end(tx: Transaction, actor: Actor, claimed: Claimed, attempt: Attempt) -> None:
    not_sent = len(attempt.remaining) + len(attempt.refused)
    sent = claimed.instances - not_sent
    outcome = 0 if not not_sent else 4 if sent else 8
    details: dict[str, object] = {
        "destination": claimed.destination,
        "instances": sent,
        "not_sent": not_sent,
    }
    _record(tx, actor, claimed, AuditEvent.INSTANCES_TRANSFERRED, outcome, details)


def _announce(tx: Transaction, claimed: Claimed, state: State) -> None:
    announce(
        tx, TransmissionChanged(claimed.id, claimed.study_instance_uid, claimed.destination, state.value)
    )


def _record(
    tx: Transaction,
    actor: Actor,
    claimed: Claimed,
    event: AuditEvent,
    outcome: int,
    details: dict[str, object],
) -> None:
    record(
        tx,
        actor,
        event,
        action="E" if event is AuditEvent.BEGIN_TRANSFERRING_INSTANCES else "R",
        outcome=outcome,
        study_instance_uid=claimed.study_instance_uid,
        patient_ref=claimed.patient_ref,
        details=details,
    )
