"""Every SQL statement about commitment requests, both ways.

What a request names is packed and unpacked outside writing transactions: a hundred thousand instances take
tens of milliseconds, in which nobody could store.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from filmless.features.archive import InstanceReference
from filmless.features.commitment.model import (
    AskedState,
    CommitmentAsked,
    CommitmentReceived,
    FailedInstance,
    ReceivedState,
)
from filmless.features.commitment.tables import commitments_asked, commitments_received
from filmless.infra.database import Transaction

_RECEIVED = [commitments_received.c[field.name] for field in fields(CommitmentReceived)]
_ASKED = [commitments_asked.c[field.name] for field in fields(CommitmentAsked)]

# A finished request is history; what is under way or waits for a person is never forgotten.
_FINISHED_RECEIVED = (ReceivedState.REPORTED,)
_FINISHED_ASKED = (AskedState.COMMITTED, AskedState.PARTLY_COMMITTED, AskedState.NOT_COMMITTED)


@dataclass(frozen=True, slots=True)
class ReceivedWhole:
    """A request made of us with all that it names."""

    row: CommitmentReceived
    instances: tuple[InstanceReference, ...]
    failures: tuple[FailedInstance, ...]


@dataclass(frozen=True, slots=True)
class AskedWhole:
    """A request of ours with all that it names."""

    row: CommitmentAsked
    instances: tuple[InstanceReference, ...]


# --- Asked of us -------------------------------------------------------------------------------------------


def insert_received(
    tx: Transaction, row: CommitmentReceived, packed_instances: bytes, packed_failures: bytes
) -> None:
    """Add a request made of us."""
    values = {**_values(row), "instances": packed_instances, "failures": packed_failures}
    tx.execute(sa.insert(commitments_received).values(**values))


def get_received(tx: Transaction, request_id: str) -> CommitmentReceived | None:
    """The request of that id, locked against other writers where the database can."""
    statement = sa.select(*_RECEIVED).where(commitments_received.c.id == request_id).with_for_update()
    row = tx.execute(statement).first()
    return None if row is None else _received_row(row)


def load_received(tx: Transaction, request_id: str) -> ReceivedWhole | None:
    """The request of that id with all that it names; for reading transactions."""
    return _received(tx, commitments_received.c.id == request_id)


def find_received_transaction(
    tx: Transaction, calling_ae_title: str, transaction_uid: str
) -> ReceivedWhole | None:
    """The first request of that node under that Transaction UID; for reading transactions."""
    table = commitments_received
    return _received(
        tx,
        sa.and_(table.c.transaction_uid == transaction_uid, table.c.calling_ae_title == calling_ae_title),
    )


def update_received(tx: Transaction, request_id: str, **values: Any) -> None:
    """Change columns of a request made of us."""
    table = commitments_received
    tx.execute(sa.update(table).where(table.c.id == request_id).values(**values))


def page_of_received(
    tx: Transaction, state: ReceivedState | None, limit: int, offset: int
) -> tuple[list[CommitmentReceived], int]:
    """Requests made of us, newest first, and how many there are in all."""
    rows, total = _page(tx, commitments_received, _RECEIVED, state, (limit, offset))
    return [_received_row(row) for row in rows], total


# --- Asked by us -------------------------------------------------------------------------------------------


def insert_asked(tx: Transaction, row: CommitmentAsked, packed_instances: bytes) -> None:
    """Add a request of ours."""
    values = {**_values(row), "instances": packed_instances, "failures": pack_failures(())}
    tx.execute(sa.insert(commitments_asked).values(**values))


def get_asked(tx: Transaction, request_id: str) -> CommitmentAsked | None:
    """The request of that id, locked against other writers where the database can."""
    statement = sa.select(*_ASKED).where(commitments_asked.c.id == request_id).with_for_update()
    row = tx.execute(statement).first()
    return None if row is None else _asked_row(row)


def load_asked(tx: Transaction, request_id: str) -> AskedWhole | None:
    """The request of that id with all that it names; for reading transactions."""
    return _asked(tx, commitments_asked.c.id == request_id)


def find_asked_transaction(tx: Transaction, transaction_uid: str) -> AskedWhole | None:
    """The request of ours under that Transaction UID; for reading transactions."""
    return _asked(tx, commitments_asked.c.transaction_uid == transaction_uid)


def update_asked(tx: Transaction, request_id: str, **values: Any) -> None:
    """Change columns of a request of ours."""
    table = commitments_asked
    tx.execute(sa.update(table).where(table.c.id == request_id).values(**values))


def page_of_asked(
    tx: Transaction, state: AskedState | None, limit: int, offset: int
) -> tuple[list[CommitmentAsked], int]:
    """Requests of ours, newest first, and how many there are in all."""
    rows, total = _page(tx, commitments_asked, _ASKED, state, (limit, offset))
    return [_asked_row(row) for row in rows], total


def mark_overdue(tx: Transaction, asked_before: datetime) -> int:
    """Requests that were taken before that and never answered are overdue from now on; returns how many."""
    table = commitments_asked
    late = sa.and_(table.c.state == AskedState.ASKED.value, table.c.asked_at < asked_before)
    return int(tx.execute(sa.update(table).where(late).values(state=AskedState.OVERDUE.value)).rowcount)


# --- Both --------------------------------------------------------------------------------------------------


def find_failures(tx: Transaction, request_id: str) -> tuple[FailedInstance, ...] | None:
    """What failed of the request of that id, whichever direction; None when there is none."""
    for table in (commitments_received, commitments_asked):
        packed = tx.execute(sa.select(table.c.failures).where(table.c.id == request_id)).scalar_one_or_none()
        if packed is not None:
            return unpack_failures(packed)
    return None


def trim_finished(tx: Transaction, before: datetime, rows_max: int) -> int:
    """Forget up to so many requests that were finished before then, of each table; returns how many."""
    deleted = 0
    for table, ended, states in (
        (commitments_received, commitments_received.c.reported_at, _FINISHED_RECEIVED),
        (commitments_asked, commitments_asked.c.answered_at, _FINISHED_ASKED),
    ):
        old = sa.select(table.c.id).where(
            table.c.state.in_([state.value for state in states]), ended < before
        )
        deleted += tx.execute(sa.delete(table).where(table.c.id.in_(old.limit(rows_max)))).rowcount
    return deleted


def pack_instances(instances: Iterable[InstanceReference]) -> bytes:
    """Instances as a column holds them: compressed JSON, the classes first, each UID once."""
    classes: dict[str, int] = {}
    pairs = [(classes.setdefault(one.sop_class_uid, len(classes)), one.sop_instance_uid) for one in instances]
    return zlib.compress(orjson.dumps([list(classes), pairs]), 6)


def unpack_instances(packed: bytes) -> tuple[InstanceReference, ...]:
    """The reverse of `pack_instances`, in the same order."""
    classes, pairs = orjson.loads(zlib.decompress(packed))
    return tuple(InstanceReference(classes[number], uid) for number, uid in pairs)


def pack_failures(failures: Iterable[FailedInstance]) -> bytes:
    """Failures as a column holds them: compressed JSON."""
    rows = [
        (one.reference.sop_class_uid, one.reference.sop_instance_uid, int(one.reason)) for one in failures
    ]
    return zlib.compress(orjson.dumps(rows), 6)


def unpack_failures(packed: bytes) -> tuple[FailedInstance, ...]:
    """The reverse of `pack_failures`."""
    return tuple(
        FailedInstance(InstanceReference(sop_class_uid, uid), reason)
        for sop_class_uid, uid, reason in orjson.loads(zlib.decompress(packed))
    )


def _page(
    tx: Transaction,
    table: sa.Table,
    columns: Sequence[sa.Column[Any]],
    state: ReceivedState | AskedState | None,
    part: tuple[int, int],
) -> tuple[Sequence[sa.Row[Any]], int]:
    wanted = sa.true() if state is None else table.c.state == state.value
    total = tx.execute(sa.select(sa.func.count()).select_from(table).where(wanted)).scalar_one()
    statement = sa.select(*columns).where(wanted).order_by(table.c.id.desc())
    return tx.execute(statement.limit(part[0]).offset(part[1])).all(), total


def _values(row: CommitmentReceived | CommitmentAsked) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in fields(row)}


def _received(tx: Transaction, wanted: sa.ColumnElement[bool]) -> ReceivedWhole | None:
    table = commitments_received
    row = tx.execute(sa.select(table).where(wanted).order_by(table.c.id).limit(1)).first()
    if row is None:
        return None
    return ReceivedWhole(_received_row(row), unpack_instances(row.instances), unpack_failures(row.failures))


def _asked(tx: Transaction, wanted: sa.ColumnElement[bool]) -> AskedWhole | None:
    row = tx.execute(sa.select(commitments_asked).where(wanted)).first()
    return None if row is None else AskedWhole(_asked_row(row), unpack_instances(row.instances))


def _received_row(row: sa.Row[Any]) -> CommitmentReceived:
    values = {column.name: getattr(row, column.name) for column in _RECEIVED}
    return CommitmentReceived(**{**values, "state": ReceivedState(row.state)})


def _asked_row(row: sa.Row[Any]) -> CommitmentAsked:
    values = {column.name: getattr(row, column.name) for column in _ASKED}
    return CommitmentAsked(**{**values, "state": AskedState(row.state)})
