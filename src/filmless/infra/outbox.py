"""The outbox: facts announced in the transaction that made them true, told to others afterwards.

A fact is a frozen dataclass named in the past tense (`InstanceStored`). `announce` writes a row of the same
commit, so a fact is told if and only if it happened. Who reacts stands in `compose.REACTIONS`; `dispatch`
tells them, at least once and in any order, called by `worker.Worker`. Not here: running anything long; a
reaction writes rows or asks for a job.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa

from filmless.infra import limits
from filmless.infra.database import Database, Instant, RowId, Transaction, metadata, to_microseconds
from filmless.infra.jobs import describe_failure, enqueue
from filmless.infra.log import get_logger

log = get_logger()

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", RowId, sa.Identity(), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("announced_at", Instant, nullable=False),
    sa.Column("dispatched_at", Instant),
    sa.Index("ix_outbox_undispatched", "id", postgresql_where=sa.text("dispatched_at IS NULL"),
             sqlite_where=sa.text("dispatched_at IS NULL")),
    sqlite_autoincrement=True,
)  # fmt: skip

Reaction = Callable[[Transaction, dict[str, Any]], None]
Reactions = Mapping[str, Sequence[Reaction]]  # By the name of the fact's class.

FunctionT = TypeVar("FunctionT", bound=Callable[..., None])

_ONCE_FOR = "_once_for"
REACT_AGAIN = "react-again"  # The kind of job that a failed reaction becomes.

_TAKE = (
    "UPDATE outbox SET dispatched_at = ? WHERE id IN"
    " (SELECT id FROM outbox WHERE dispatched_at IS NULL ORDER BY id LIMIT ?{skip_locked})"
    " RETURNING id, kind, payload"
)


def announce(tx: Transaction, fact: Any) -> None:
    """Write the fact into the outbox, within the caller's transaction."""
    assert is_dataclass(fact)
    assert not isinstance(fact, type)
    tx.fast(
        "INSERT INTO outbox (kind, payload, announced_at) VALUES (?, ?, ?)",
        (type(fact).__name__, orjson.dumps(fact).decode(), to_microseconds(tx.now)),
    )
    tx.wakes_workers = True


def has_undispatched(tx: Transaction) -> bool:
    """Whether a fact waits to be told."""
    row = tx.fast("SELECT 1 FROM outbox WHERE dispatched_at IS NULL LIMIT 1").fetchone()
    return row is not None


def dispatch(database: Database, reactions: Reactions) -> int:
    """Tell one batch of facts to those who react, in one transaction; returns how many facts.

    A reaction that fails does not hold up the others: it is undone, and becomes a job that tries again.
    """
    with database.transaction() as tx:
        taken = tx.fast(
            _TAKE.format(skip_locked="" if tx.is_sqlite else " FOR UPDATE SKIP LOCKED"),
            (to_microseconds(tx.now), limits.OUTBOX_BATCH_FACTS_MAX),
        ).fetchall()
        done: set[tuple[Reaction, Any]] = set()
        for _, kind, text in sorted(taken):
            payload = orjson.loads(text)
            for reaction in reactions.get(kind, ()):
                key = getattr(reaction, _ONCE_FOR, None)
                if key is not None:
                    if (reaction, payload[key]) in done:
                        continue
                    done.add((reaction, payload[key]))
                _react(tx, reaction, kind, payload)
    return len(taken)


def once_for(key: str) -> Callable[[FunctionT], FunctionT]:
    """Marks a reaction for which several facts told together count as one, if they agree in `key`.

    A series that grew two hundred times within a second is prepared once: the write lock of the index is held
    for milliseconds, not for tenths of a second in which no sender could commit.
    """

    def mark(reaction: FunctionT) -> FunctionT:
        setattr(reaction, _ONCE_FOR, key)
        return reaction

    return mark


def react_again(database: Database, reactions: Reactions, job_payload: Mapping[str, Any]) -> None:
    """Run the one reaction that a `react-again` job names; it may have been removed since."""
    with database.transaction() as tx:
        for reaction in reactions.get(job_payload["fact"], ()):
            if reaction_name(reaction) == job_payload["reaction"]:
                reaction(tx, job_payload["payload"])


def trim_dispatched(tx: Transaction, rows_max: int) -> int:
    """Delete facts told OUTBOX_KEEP_SECONDS ago or earlier among the oldest rows; returns how many."""
    before = to_microseconds(tx.now) - limits.OUTBOX_KEEP_SECONDS * 1_000_000
    # Only the oldest rows are looked at: a search through a whole week of facts would hold the write lock.
    cursor = tx.fast(
        "DELETE FROM outbox WHERE id IN (SELECT id FROM"
        " (SELECT id, dispatched_at FROM outbox ORDER BY id LIMIT ?) AS oldest WHERE dispatched_at < ?)",
        (rows_max, before),
    )
    return int(cursor.rowcount)


def reaction_name(reaction: Reaction) -> str:
    """The stable name of a reaction: module and function."""
    return f"{reaction.__module__}.{reaction.__qualname__}"


def _react(tx: Transaction, reaction: Reaction, kind: str, payload: dict[str, Any]) -> None:
    savepoint = tx.connection.begin_nested()
    try:
        reaction(tx, payload)
    except Exception as error:  # noqa: BLE001 - One broken reaction must not stop all the others.
        # Where not the reaction is broken but the database, these statements fail too, and the batch waits.
        savepoint.rollback()
        name = reaction_name(reaction)
        log.error("reaction_failed", fact=kind, reaction=name, error=describe_failure(error))
        enqueue(tx, REACT_AGAIN, {"fact": kind, "reaction": name, "payload": payload})
    else:
        savepoint.commit()
