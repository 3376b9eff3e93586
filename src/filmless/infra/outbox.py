"""The outbox: facts announced in the transaction that made them true, told to others afterwards.

A fact is a frozen dataclass named in the past tense (`InstanceStored`). `announce` writes a row of the same
commit, so a fact is told if and only if it happened. Who reacts stands in `compose.REACTIONS`; the telling is
done by `jobs.Worker`, at least once and in any order. Not here: running anything.
"""

from dataclasses import asdict, is_dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from filmless.infra.database import Instant, RowId, Transaction, metadata

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


def announce(tx: Transaction, fact: Any) -> None:
    """Write the fact into the outbox, within the caller's transaction."""
    assert is_dataclass(fact)
    assert not isinstance(fact, type)
    tx.execute(
        sa.insert(outbox).values(
            kind=type(fact).__name__,
            payload=orjson.dumps(asdict(fact)).decode(),
            announced_at=tx.now,
        )
    )
