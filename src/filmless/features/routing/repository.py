"""Every SQL statement on the queue of transmissions and its destinations.

Instances are kept as packed sets; progress replaces two small columns. Not here: rules
(`rules_repository`), what may follow what (`transmissions`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from filmless.features.archive.tables import studies
from filmless.features.patients.tables import patients
from filmless.features.routing import transmissions as queue
from filmless.features.routing.model import TransmissionPriority
from filmless.features.routing.ref_set import pack_refs, unpack_refs
from filmless.features.routing.tables import transmission_destinations, transmissions
from filmless.features.routing.transmissions import Claimed, Event, Reason, State, Transmission
from filmless.features.routing.windows import TimeWindow
from filmless.infra.database import Transaction
from filmless.infra.ids import new_id

DESTINATIONS_MAX = 100  # Looked after at once; the next transmission that ends sees to the rest.
MOVED_AT_ONCE_MAX = 500  # Held or let go in one transaction: some tens of milliseconds of the one writer.
WHOLE_QUEUE = ""  # The row of transmission_destinations that stands for all of them.

_T = transmissions.c
_D = transmission_destinations.c
_SHOWN = (
    *(_T[name] for name in ("id", "series_instance_uids", "destination", "reason", "asked_by", "state")),
    *(_T[name] for name in ("priority", "instances", "instances_sent", "instances_refused", "attempts")),
    *(_T[name] for name in ("next_try_at", "last_error", "request_commitment", "project")),
    *(_T[name] for name in ("created_at", "started_at", "ended_at")),
    *(studies.c[name] for name in ("study_instance_uid", "study_description", "accession_number")),
    *(patients.c[name] for name in ("patient_id", "patient_name")),
)
_SHOWN_FROM = transmissions.join(studies, studies.c.id == _T.study_ref).join(
    patients, patients.c.id == studies.c.patient_ref
)
_IS_FREE = sa.or_(_T.leased_by.is_(None), _T.leased_until <= sa.bindparam("now"))


@dataclass(frozen=True, slots=True)
class NewTransmission:
    """A transmission about to be queued; `refs` are row ids of instances."""

    study_ref: int
    refs: Sequence[int]
    destination: str
    reason: Reason
    asked_by: str
    priority: TransmissionPriority
    series_instance_uids: tuple[str, ...] = ()
    send_within: TimeWindow | None = None
    request_commitment: bool = False
    project: str = ""


@dataclass(frozen=True, slots=True)
class TransmissionFilter:
    """Which transmissions to find; every part that is empty lets all pass."""

    states: tuple[State, ...] = ()
    destination: str = ""
    study_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class Destination:
    """A node as far as the queue goes."""

    ae_title: str
    is_paused: bool
    failures: int  # In a row; nothing got through.
    next_try_at: datetime | None
    changed_by: str
    updated_at: datetime


def insert_transmission(tx: Transaction, new: NewTransmission, state: State, next_try_at: datetime) -> str:
    """Queue it; returns its id."""
    transmission_id = new_id()
    window = new.send_within
    tx.execute(
        sa.insert(transmissions).values(
            id=transmission_id,
            study_ref=new.study_ref,
            series_instance_uids="\\".join(new.series_instance_uids),
            destination=new.destination,
            reason=new.reason,
            asked_by=new.asked_by,
            state=state,
            priority=new.priority,
            instances=len(new.refs),
            instances_sent=0,
            instances_refused=0,
            refs=pack_refs(new.refs),
            remaining=pack_refs(new.refs),
            refused=b"",
            attempts=0,
            next_try_at=next_try_at,
            last_error="",
            send_within="" if window is None else orjson.dumps(window).decode(),
            request_commitment=new.request_commitment,
            project=new.project,
            created_at=tx.now,
        )
    )
    return transmission_id


# --- Looking ---------------------------------------------------------------------------------------------


def get_transmission(tx: Transaction, transmission_id: str) -> Transmission | None:
    """One transmission; on PostgreSQL its row is locked within a write transaction by `change_state`."""
    row = tx.execute(sa.select(*_SHOWN).select_from(_SHOWN_FROM).where(_T.id == transmission_id)).first()
    return None if row is None else _transmission(row)


def find_transmissions(
    tx: Transaction, wanted: TransmissionFilter, limit: int, offset: int
) -> tuple[list[Transmission], int]:
    """A page of transmissions, newest first, and how many match."""
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.states:
        conditions.append(_T.state.in_(wanted.states))
    if wanted.destination:
        conditions.append(_T.destination == wanted.destination)
    if wanted.study_instance_uid:
        conditions.append(studies.c.study_instance_uid == wanted.study_instance_uid)
    source = _SHOWN_FROM if wanted.study_instance_uid else transmissions
    total = tx.execute(sa.select(sa.func.count()).select_from(source).where(*conditions)).scalar_one()
    page = sa.select(*_SHOWN).select_from(_SHOWN_FROM).where(*conditions).order_by(_T.id.desc())
    rows = tx.execute(page.limit(limit).offset(offset))
    return [_transmission(row) for row in rows], int(total)


def list_destinations(tx: Transaction) -> list[Destination]:
    """Destinations that are or were paused or unreachable, the whole queue first."""
    rows = tx.execute(sa.select(transmission_destinations).order_by(_D.ae_title))
    return [Destination(**row._mapping) for row in rows]


def count_by_destination(tx: Transaction) -> dict[str, dict[State, int]]:
    """Numbers of unfinished transmissions by destination and state."""
    counted: dict[str, dict[State, int]] = {}
    rows = tx.execute(
        sa.select(_T.destination, _T.state, sa.func.count().label("number"))
        .where(_T.state.in_(queue.UNFINISHED))
        .group_by(_T.destination, _T.state)
    )
    for row in rows:
        counted.setdefault(row.destination, {})[State(row.state)] = row.number
    return counted


# --- Changing what persons may change --------------------------------------------------------------------


def change_state(tx: Transaction, transmission_id: str, before: State, after: State) -> bool:
    """Move one from a state to another; False when it is not in that state any more."""
    values: dict[str, Any] = {"state": after}
    if after is State.CANCELLED:
        values["ended_at"] = tx.now
    changed = sa.update(transmissions).where(_T.id == transmission_id, _T.state == before).values(**values)
    return tx.execute(changed).rowcount == 1


def make_ready(tx: Transaction, transmission_id: str, *, send_now: bool) -> None:
    """Let a transmission begin again: what was refused is tried once more; `send_now` ends its waiting."""
    row = tx.execute(sa.select(_T.remaining, _T.refused, _T.leased_by).where(_T.id == transmission_id)).one()
    values: dict[str, Any] = {"ended_at": None}
    if row.leased_by is None:  # Else the worker that still holds it writes down what is left.
        values["remaining"] = pack_refs([*unpack_refs(row.remaining), *unpack_refs(row.refused)])
        values |= {"refused": b"", "instances_refused": 0}
    if send_now:
        values |= {"next_try_at": tx.now, "send_within": ""}
    tx.execute(sa.update(transmissions).where(_T.id == transmission_id).values(**values))


def set_priority(tx: Transaction, transmission_id: str, priority: TransmissionPriority) -> None:
    """Change when its turn comes."""
    tx.execute(sa.update(transmissions).where(_T.id == transmission_id).values(priority=priority))


def parked_ids(tx: Transaction, destination: str, rows_max: int) -> list[str]:
    """Parked transmissions to this destination, oldest first; of all destinations when it is empty."""
    conditions = [_T.state == State.PARKED]
    if destination:
        conditions.append(_T.destination == destination)
    return list(tx.execute(sa.select(_T.id).where(*conditions).order_by(_T.id).limit(rows_max)).scalars())


def hold(tx: Transaction, destination: str) -> list[tuple[str, str, str]]:
    """Hold what could be sent there (anywhere for WHOLE_QUEUE); (id, study, destination) of each.

    MOVED_AT_ONCE_MAX of them: call it until fewer come.
    """
    return _move_all(tx, Event.HOLD, State.HELD, [] if not destination else [_T.destination == destination])


def release(tx: Transaction) -> list[tuple[str, str, str]]:
    """Let go of what nothing holds any more; (id, study, destination) of each. In pieces, as `hold`."""
    paused = sa.select(_D.ae_title).where(_D.is_paused)
    everything = sa.select(_D.ae_title).where(_D.is_paused, _D.ae_title == WHOLE_QUEUE).exists()
    return _move_all(tx, Event.RELEASE, State.WAITING, [_T.destination.not_in(paused), ~everything])


def _move_all(
    tx: Transaction, event: Event, after: State, conditions: Sequence[sa.ColumnElement[bool]]
) -> list[tuple[str, str, str]]:
    from_states = _T.state.in_(queue.sources_of(event))
    some = sa.select(_T.id).where(from_states, *conditions).limit(MOVED_AT_ONCE_MAX)
    moved = tx.execute(
        sa.update(transmissions)
        .where(_T.id.in_(some), from_states)
        .values(state=after)
        .returning(_T.id, _T.study_ref, _T.destination)
    ).all()
    refs = sorted({row.study_ref for row in moved})
    asked = sa.select(studies.c.id, studies.c.study_instance_uid).where(studies.c.id.in_(refs))
    uids = {row.id: row.study_instance_uid for row in tx.execute(asked)}
    return [(row.id, uids[row.study_ref], row.destination) for row in moved]


# --- Destinations ----------------------------------------------------------------------------------------


def is_paused(tx: Transaction, destination: str) -> bool:
    """Whether the destination or the whole queue is paused."""
    asked = sa.select(_D.ae_title).where(_D.ae_title.in_((destination, WHOLE_QUEUE)), _D.is_paused)
    return tx.execute(asked).first() is not None


def set_destination(tx: Transaction, ae_title: str, **values: Any) -> None:
    """Write down something about a destination; the columns not named keep what they have."""
    fresh = {"is_paused": False, "failures": 0, "next_try_at": None, "changed_by": "", "updated_at": tx.now}
    insert = (sqlite if tx.is_sqlite else postgresql).insert(transmission_destinations)
    statement = insert.values(ae_title=ae_title, **(fresh | values))
    tx.execute(
        statement.on_conflict_do_update(index_elements=["ae_title"], set_=values | {"updated_at": tx.now})
    )


def lock_destination(tx: Transaction, ae_title: str) -> Destination:
    """The destination's row, made if need be; nobody else claims for it until this transaction ends."""
    insert = (sqlite if tx.is_sqlite else postgresql).insert(transmission_destinations)
    tx.execute(
        insert.values(
            ae_title=ae_title, is_paused=False, failures=0, changed_by="", updated_at=tx.now
        ).on_conflict_do_nothing()
    )
    row = tx.execute(
        sa.select(transmission_destinations).where(_D.ae_title == ae_title).with_for_update()
    ).one()
    return Destination(**row._mapping)


def due_destinations(tx: Transaction) -> list[str]:
    """Destinations for which something waits that may be sent now."""
    resting = sa.select(_D.ae_title).where(_D.next_try_at > tx.now)
    asked = (
        sa.select(_T.destination)
        .where(_T.state == State.WAITING, _T.next_try_at <= tx.now, _T.destination.not_in(resting))
        .distinct()
        .limit(DESTINATIONS_MAX)
    )
    return list(tx.execute(asked).scalars())


def unfinished_wake_ups(tx: Transaction) -> list[tuple[str, datetime]]:
    """For each destination when it is next worth looking."""
    at = sa.case((_T.state == State.SENDING, _T.leased_until), else_=_T.next_try_at)
    asked = (
        sa.select(_T.destination, sa.func.min(at, type_=_T.next_try_at.type).label("at"))
        .where(_T.state.in_((State.WAITING, State.SENDING)))
        .group_by(_T.destination)
    )
    return [(row.destination, row.at) for row in tx.execute(asked)]


# --- Sending ---------------------------------------------------------------------------------------------


def lease_end(tx: Transaction, destination: str) -> datetime | None:
    """When the lease of what is under way to this node ends; None when nothing is."""
    under_way = sa.and_(_T.destination == destination, _T.leased_by.is_not(None), _T.leased_until > tx.now)
    until: datetime | None = tx.execute(sa.select(sa.func.max(_T.leased_until)).where(under_way)).scalar_one()
    return until


def next_due(tx: Transaction, destination: str) -> tuple[str, str] | None:
    """Id and time window of what should go there next: urgent first, then the oldest."""
    asked = (
        sa.select(_T.id, _T.send_within)
        .where(
            _T.destination == destination,
            sa.or_(
                sa.and_(_T.state == State.WAITING, _T.next_try_at <= tx.now, _IS_FREE),
                sa.and_(_T.state == State.SENDING, _T.leased_until <= tx.now),
            ),
        )
        .order_by(_T.priority, _T.id)
        .limit(1)
    )
    row = tx.execute(asked, {"now": tx.now}).first()
    return None if row is None else (row.id, row.send_within)


def postpone(tx: Transaction, transmission_id: str, until: datetime) -> None:
    """Its hours are over for today."""
    tx.execute(
        sa.update(transmissions)
        .where(_T.id == transmission_id)
        .values(next_try_at=until, state=State.WAITING, leased_by=None, leased_until=None)
    )


def claim(tx: Transaction, transmission_id: str, leased_by: str) -> Claimed:
    """Take it for one attempt, until LEASE_SECONDS after the last word."""
    tx.execute(
        sa.update(transmissions)
        .where(_T.id == transmission_id)
        .values(
            state=State.SENDING,
            attempts=_T.attempts + 1,
            leased_by=leased_by,
            leased_until=tx.now + timedelta(seconds=queue.LEASE_SECONDS),
            started_at=sa.func.coalesce(_T.started_at, sa.bindparam("started", tx.now, _T.started_at.type)),
        )
    )
    row = tx.execute(
        sa.select(transmissions, studies.c.study_instance_uid, studies.c.patient_ref)
        .join(studies, studies.c.id == _T.study_ref)
        .where(_T.id == transmission_id)
    ).one()
    return Claimed(
        id=row.id,
        study_instance_uid=row.study_instance_uid,
        series_instance_uids=_several(row.series_instance_uids),
        destination=row.destination,
        patient_ref=row.patient_ref,
        priority=TransmissionPriority(row.priority),
        asked_by=row.asked_by,
        instances=row.instances,
        remaining=tuple(unpack_refs(row.remaining)),
        refused=tuple(unpack_refs(row.refused)),
        attempts=row.attempts,
        leased_by=leased_by,
        created_at=row.created_at,
        request_commitment=row.request_commitment,
        project=row.project,
    )


def refs_of(tx: Transaction, transmission_id: str) -> tuple[str, list[int]]:
    """The destination of a transmission and all its instances; empty when it is gone."""
    row = tx.execute(sa.select(_T.destination, _T.refs).where(_T.id == transmission_id)).first()
    return ("", []) if row is None else (row.destination, unpack_refs(row.refs))


def refused_refs(tx: Transaction, transmission_id: str) -> list[int]:
    """The instances of a transmission that the other side refused."""
    refused = tx.execute(sa.select(_T.refused).where(_T.id == transmission_id)).scalar_one_or_none()
    return [] if refused is None else unpack_refs(refused)


def save_progress(
    tx: Transaction,
    claimed: Claimed,
    remaining: Iterable[int],
    refused: Iterable[int],
    **values: Any,
) -> State | None:
    """Write down what is left; the state by now, or None when the lease was lost to somebody else."""
    left, given_up = pack_refs(remaining), pack_refs(refused)
    number_left, number_refused = len(unpack_refs(left)), len(unpack_refs(given_up))
    state = tx.execute(
        sa.update(transmissions)
        .where(_T.id == claimed.id, _T.leased_by == claimed.leased_by)
        .values(
            remaining=left,
            refused=given_up,
            instances_sent=_T.instances - number_left - number_refused,
            instances_refused=number_refused,
            leased_until=tx.now + timedelta(seconds=queue.LEASE_SECONDS),
        )
        .values(**values)
        .returning(_T.state)
    ).scalar_one_or_none()
    return None if state is None else State(state)


def end_claim(tx: Transaction, transmission_id: str, state: State, next_try_at: datetime) -> None:
    """The state in which an attempt leaves the transmission."""
    values: dict[str, Any] = {"state": state, "next_try_at": next_try_at}
    if state is State.DONE:
        values["ended_at"] = tx.now
    tx.execute(sa.update(transmissions).where(_T.id == transmission_id).values(**values))


def clear_failures(tx: Transaction, ae_title: str) -> None:
    """The destination was reached."""
    was_resting = sa.update(transmission_destinations).where(_D.ae_title == ae_title, _D.failures > 0)
    tx.execute(was_resting.values(failures=0, next_try_at=None, updated_at=tx.now))


def is_urgent_waiting(tx: Transaction, destination: str) -> bool:
    """Whether something urgent could go there this moment."""
    asked = sa.select(_T.id).where(
        _T.destination == destination,
        _T.state == State.WAITING,
        _T.priority == TransmissionPriority.URGENT,
        _T.next_try_at <= tx.now,
        _IS_FREE,
    )
    return tx.execute(asked.limit(1), {"now": tx.now}).first() is not None


def trim_ended(tx: Transaction, before: datetime, rows_max: int) -> int:
    """Delete up to so many transmissions that were done or cancelled before that; returns how many."""
    old = (
        sa.select(_T.id)
        .where(_T.ended_at < before, _T.state.in_((State.DONE, State.CANCELLED)))
        .limit(rows_max)
    )
    return tx.execute(sa.delete(transmissions).where(_T.id.in_(old))).rowcount


def _several(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split("\\") if part)


def _transmission(row: Any) -> Transmission:
    values = dict(row._mapping)
    return Transmission(
        **{
            **values,
            "series_instance_uids": _several(row.series_instance_uids),
            "reason": Reason(row.reason),
            "state": State(row.state),
            "priority": TransmissionPriority(row.priority),
        }
    )
