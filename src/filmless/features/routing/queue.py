"""What persons do with the queue: send a study, look, retry, cancel, put first, pause and resume.

Whoever may send may also retry, cancel and put first what they sent; all else asks for ROUTING_MANAGE.
Not here: the sending itself (`sending`), rules (`rules`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from filmless.features.access import Actor, Permission
from filmless.features.archive import InstanceRow
from filmless.features.audit import AuditEvent, record
from filmless.features.nodes import get_node
from filmless.features.routing import repository
from filmless.features.routing.errors import NothingToSend, TransitionRefused, TransmissionNotFound
from filmless.features.routing.events import TransmissionChanged
from filmless.features.routing.model import DESTINATIONS_MAX, TransmissionPriority, check_commitment
from filmless.features.routing.projects import check_project
from filmless.features.routing.queueing import put_in_queue, wake
from filmless.features.routing.repository import (
    MOVED_AT_ONCE_MAX,
    WHOLE_QUEUE,
    Destination,
    NewTransmission,
    TransmissionFilter,
)
from filmless.features.routing.studies import get_held_study, list_instance_rows
from filmless.features.routing.transmissions import Event, Reason, State, Transmission, state_after
from filmless.infra import limits
from filmless.infra.database import Database, Transaction
from filmless.infra.errors import Invalid
from filmless.infra.outbox import announce

NETWORK_CONFIGURATION = "110128"  # PS3.16 CID 403: what a change of the queue is to an auditor.
RETRIED_AT_ONCE_MAX = 100  # Some statements each: tens of milliseconds of the one writer.


@dataclass(frozen=True, slots=True)
class SendRequest:
    """What somebody wants sent. Without series, the whole study as it is now."""

    study_instance_uid: str
    destinations: tuple[str, ...]
    series_instance_uids: tuple[str, ...] = ()
    priority: TransmissionPriority = TransmissionPriority.NORMAL
    request_commitment: bool = False
    project: str = ""  # De-identified for this project; empty: as it is.


def send_study(database: Database, actor: Actor, request: SendRequest) -> list[Transmission]:
    """Queue a study, or series of it, for each destination; returns the transmissions in that order.

    Raises NothingToSend, NodeNotFound, Invalid, NotPermitted. One audit record for each destination.
    """
    actor.must(Permission.STUDIES_SEND)
    titles = dict.fromkeys(request.destinations)
    if not 1 <= len(titles) <= DESTINATIONS_MAX:
        raise Invalid(f"Name 1 to {DESTINATIONS_MAX} nodes to send to.")
    destinations = [get_node(database, title).ae_title for title in titles]
    check_commitment(request.project, request_commitment=request.request_commitment)
    with database.read() as tx:
        check_project(tx, request.project)
        held = get_held_study(tx, request.study_instance_uid)
    if held is None:
        raise NothingToSend("There is no study with that Study Instance UID here.")
    wanted = set(request.series_instance_uids)
    chosen = {one.ref for one in held.series_list if not wanted or one.series_instance_uid in wanted}
    if wanted and len(chosen) < len(wanted):
        raise NothingToSend("Not all of these series are in that study.")
    refs = [one.ref for one in held.instances if one.series_ref in chosen]
    with database.transaction() as tx:
        ids = []
        for destination in destinations:
            new = NewTransmission(
                held.ref,
                refs,
                destination,
                Reason.PERSON,
                actor.name,
                request.priority,
                request.series_instance_uids,
                request_commitment=request.request_commitment,
                project=request.project,
            )
            ids.append(put_in_queue(tx, new, held.study_instance_uid))
            record(
                tx,
                actor,
                AuditEvent.EXPORT,
                action="E",
                study_instance_uid=held.study_instance_uid,
                patient_ref=held.patient_ref,
                details={"queued_for": destination, "instances": len(refs)},
            )
        return [_get(tx, transmission_id) for transmission_id in ids]


def find_transmissions(
    database: Database, actor: Actor, wanted: TransmissionFilter, limit: int, offset: int
) -> tuple[list[Transmission], int]:
    """A page of the queue, newest first, and how many match; one audit record, as for any query."""
    actor.must(Permission.STUDIES_SEND)
    if not 1 <= limit <= limits.QUERY_RESULTS_MAX or offset < 0:
        raise Invalid(f"A page has 1 to {limits.QUERY_RESULTS_MAX} transmissions.")
    with database.read() as tx:
        rows, total = repository.find_transmissions(tx, wanted, limit, offset)
    with database.transaction() as tx:
        details = {"what": "transmissions", "rows": len(rows)}
        uid = wanted.study_instance_uid or None
        record(tx, actor, AuditEvent.QUERY, action="E", study_instance_uid=uid, details=details)
    return rows, total


def get_transmission(database: Database, actor: Actor, transmission_id: str) -> Transmission:
    """One transmission; raises TransmissionNotFound. One audit record."""
    actor.must(Permission.STUDIES_SEND)
    with database.transaction() as tx:
        found = _get(tx, transmission_id)
        uid = found.study_instance_uid
        record(
            tx, actor, AuditEvent.QUERY, action="E", study_instance_uid=uid, details={"what": "transmission"}
        )
    return found


def list_refused(
    database: Database, actor: Actor, transmission_id: str, limit: int
) -> tuple[list[InstanceRow], int]:
    """The first instances that the other side refused, and how many there are; one audit record.

    Raises TransmissionNotFound, NotPermitted. What was deleted here is counted, but not listed.
    """
    actor.must(Permission.STUDIES_SEND)
    with database.transaction() as tx:
        found = _get(tx, transmission_id)
        refs = repository.refused_refs(tx, transmission_id)
        rows = list_instance_rows(tx, refs[:limit])
        uid, details = found.study_instance_uid, {"what": "refused instances", "rows": len(rows)}
        record(tx, actor, AuditEvent.QUERY, action="E", study_instance_uid=uid, details=details)
    return rows, len(refs)


def retry_transmission(database: Database, actor: Actor, transmission_id: str) -> Transmission:
    """Try one again now: a parked or cancelled one, or one that waits for its next attempt or its hour.

    Raises TransmissionNotFound, TransitionRefused, NotPermitted.
    """

    def retry(tx: Transaction, found: Transmission) -> None:
        _retry(tx, actor, found)

    return _change(database, actor, transmission_id, retry)


def retry_parked(database: Database, actor: Actor, destination: str = "") -> int:
    """Try all parked transmissions again, those to one destination or all; returns how many."""
    actor.must(Permission.ROUTING_MANAGE)
    retried = 0
    while True:
        with database.transaction() as tx:
            ids = repository.parked_ids(tx, destination, RETRIED_AT_ONCE_MAX)
            for transmission_id in ids:
                _retry(tx, actor, _get(tx, transmission_id))
        retried += len(ids)
        if len(ids) < RETRIED_AT_ONCE_MAX:
            return retried


def cancel_transmission(database: Database, actor: Actor, transmission_id: str) -> Transmission:
    """Send no more of it; one that is under way stops within seconds. What has arrived stays there.

    Raises TransmissionNotFound, TransitionRefused, NotPermitted.
    """

    def cancel(tx: Transaction, found: Transmission) -> None:
        _move(tx, found, Event.CANCEL)
        _record_change(tx, actor, "cancelled", found)

    return _change(database, actor, transmission_id, cancel)


def change_priority(
    database: Database, actor: Actor, transmission_id: str, priority: TransmissionPriority
) -> Transmission:
    """Change when its turn comes. Raises TransmissionNotFound, TransitionRefused, NotPermitted."""

    def change(tx: Transaction, found: Transmission) -> None:
        if found.state in (State.DONE, State.CANCELLED):
            raise TransitionRefused(f"The transmission is {found.state}; its priority does not matter.")
        repository.set_priority(tx, found.id, priority)
        if priority is TransmissionPriority.URGENT and found.state is State.WAITING:
            repository.make_ready(tx, found.id, send_now=True)  # Urgent ones do not wait for their hours.
            wake(tx, found.destination)
        _record_change(tx, actor, f"priority {priority.name.lower()}", found)
        announce(
            tx,
            TransmissionChanged(found.id, found.study_instance_uid, found.destination, found.state.value),
        )

    return _change(database, actor, transmission_id, change)


# --- Pausing ---------------------------------------------------------------------------------------------


def pause_queue(database: Database, actor: Actor, destination: str = WHOLE_QUEUE) -> None:
    """Send nothing more to the destination, or to anybody; what is under way stops within seconds.

    Raises NodeNotFound, NotPermitted. Pausing twice is no error.
    """
    actor.must(Permission.ROUTING_MANAGE)
    if destination != WHOLE_QUEUE:
        get_node(database, destination)
    with database.transaction() as tx:
        repository.set_destination(tx, destination, is_paused=True, changed_by=actor.name)
        _record_pause(tx, actor, "paused", destination)
    moved = MOVED_AT_ONCE_MAX
    while moved == MOVED_AT_ONCE_MAX:  # Nobody claims any of them meanwhile.
        with database.transaction() as tx:
            moved = _announce_moved(tx, repository.hold(tx, destination), State.HELD)


def resume_queue(database: Database, actor: Actor, destination: str = WHOLE_QUEUE) -> None:
    """Send again. A node that was paused by itself stays so when the whole queue is resumed."""
    actor.must(Permission.ROUTING_MANAGE)
    with database.transaction() as tx:
        repository.set_destination(tx, destination, is_paused=False, changed_by=actor.name)
        _record_pause(tx, actor, "resumed", destination)
    moved = MOVED_AT_ONCE_MAX
    while moved == MOVED_AT_ONCE_MAX:
        with database.transaction() as tx:
            released = repository.release(tx)
            moved = _announce_moved(tx, released, State.WAITING)
            for title in {*(title for _, _, title in released), *repository.due_destinations(tx)}:
                wake(tx, title)


@dataclass(frozen=True, slots=True)
class QueueOverview:
    """The queue at a glance: what waits for whom, and who is paused or unreachable."""

    destinations: tuple[Destination, ...]
    counts: dict[str, dict[State, int]]  # By AE title.
    is_paused: bool


def get_overview(database: Database, actor: Actor) -> QueueOverview:
    """Numbers by destination and state; names nobody."""
    actor.must(Permission.STUDIES_SEND)
    with database.read() as tx:
        rows = repository.list_destinations(tx)
        counts = repository.count_by_destination(tx)
    everything = next((row for row in rows if row.ae_title == WHOLE_QUEUE), None)
    return QueueOverview(
        tuple(row for row in rows if row.ae_title != WHOLE_QUEUE),
        counts,
        everything is not None and everything.is_paused,
    )


# --- Inside ----------------------------------------------------------------------------------------------


def _change(
    database: Database,
    actor: Actor,
    transmission_id: str,
    change: Callable[[Transaction, Transmission], None],
) -> Transmission:
    with database.transaction() as tx:
        found = _get(tx, transmission_id)
        is_own = found.reason is Reason.PERSON and found.asked_by == actor.name
        actor.must(Permission.STUDIES_SEND if is_own else Permission.ROUTING_MANAGE)
        change(tx, found)
        return _get(tx, transmission_id)


def _get(tx: Transaction, transmission_id: str) -> Transmission:
    found = repository.get_transmission(tx, transmission_id)
    if found is None:
        raise TransmissionNotFound("There is no such transmission. Those that ended are forgotten in time.")
    return found


def _retry(tx: Transaction, actor: Actor, found: Transmission) -> None:
    repository.set_destination(tx, found.destination, failures=0, next_try_at=None)
    after = _move(tx, found, Event.RETRY)
    repository.make_ready(tx, found.id, send_now=True)
    if after is State.WAITING and repository.is_paused(tx, found.destination):
        repository.change_state(tx, found.id, after, state_after(after, Event.HOLD))
    wake(tx, found.destination)
    _record_change(tx, actor, "retried", found)


def _move(tx: Transaction, found: Transmission, event: Event) -> State:
    after = state_after(found.state, event)
    if not repository.change_state(tx, found.id, found.state, after):
        raise TransitionRefused("The transmission has just changed; look again.")
    announce(tx, TransmissionChanged(found.id, found.study_instance_uid, found.destination, after.value))
    return after


def _announce_moved(tx: Transaction, moved: Sequence[tuple[str, str, str]], state: State) -> int:
    for transmission_id, study_instance_uid, destination in moved:
        announce(tx, TransmissionChanged(transmission_id, study_instance_uid, destination, state.value))
    return len(moved)


def _record_change(tx: Transaction, actor: Actor, what: str, found: Transmission) -> None:
    record(
        tx,
        actor,
        AuditEvent.APPLICATION_ACTIVITY,
        action="U",
        study_instance_uid=found.study_instance_uid,
        details={"transmission": found.id, "destination": found.destination, "what": what},
    )


def _record_pause(tx: Transaction, actor: Actor, what: str, destination: str) -> None:
    details = {"type": NETWORK_CONFIGURATION, "queue": what, "destination": destination or "all"}
    record(tx, actor, AuditEvent.SECURITY_ALERT, action="U", details=details)
