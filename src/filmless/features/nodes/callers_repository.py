"""Every SQL statement about unknown callers."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from filmless.features.nodes.refusals import Refusal, RefusalReason, UnknownCaller
from filmless.features.nodes.tables import unknown_callers
from filmless.infra import limits
from filmless.infra.database import Transaction


def upsert_caller(tx: Transaction, refusal: Refusal, calls: int) -> None:
    """Add the caller, or its calls to those it made before."""
    insert = sqlite.insert(unknown_callers) if tx.is_sqlite else postgresql.insert(unknown_callers)
    latest = {
        "called_ae_title": refusal.called_ae_title,
        "reason": refusal.reason.value,
        "certificate_fingerprint": refusal.certificate_fingerprint,
        "last_seen_at": tx.now,
    }
    statement = insert.values(
        calling_ae_title=refusal.calling_ae_title,
        address=refusal.address,
        first_seen_at=tx.now,
        calls=calls,
        **latest,
    )
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["calling_ae_title", "address"],
            set_={**latest, "calls": unknown_callers.c.calls + calls},
        )
    )


def trim_callers(tx: Transaction) -> None:
    """Forget those who have been silent longest, beyond UNKNOWN_CALLERS_MAX."""
    columns = unknown_callers.c
    oldest_kept = (
        sa.select(columns.last_seen_at)
        .order_by(columns.last_seen_at.desc())
        .offset(limits.UNKNOWN_CALLERS_MAX - 1)
        .limit(1)
        .scalar_subquery()
    )
    tx.execute(sa.delete(unknown_callers).where(columns.last_seen_at < oldest_kept))


def all_callers(tx: Transaction) -> list[UnknownCaller]:
    """The latest first, at most UNKNOWN_CALLERS_MAX."""
    columns = unknown_callers.c
    found = (
        sa.select(unknown_callers)
        .order_by(columns.last_seen_at.desc(), columns.calling_ae_title, columns.address)
        .limit(limits.UNKNOWN_CALLERS_MAX)
    )
    return [
        UnknownCaller(
            Refusal(
                row.calling_ae_title,
                row.address,
                row.called_ae_title,
                RefusalReason(row.reason),
                row.certificate_fingerprint,
            ),
            row.first_seen_at,
            row.last_seen_at,
            row.calls,
        )
        for row in tx.execute(found)
    ]


def delete_callers(tx: Transaction, calling_ae_title: str, address: str | None = None) -> bool:
    """Strike off those with this AE title, at this address or at any; says whether there was one."""
    columns = unknown_callers.c
    conditions = [columns.calling_ae_title == calling_ae_title]
    if address is not None:
        conditions.append(columns.address == address)
    return tx.execute(sa.delete(unknown_callers).where(*conditions)).rowcount > 0
