"""Tending: once an hour, what nobody answered becomes overdue and what ended long ago is forgotten."""

from datetime import timedelta

from filmless.features.commitment import notice_repository, repository
from filmless.infra import limits
from filmless.infra.database import Database, Transaction
from filmless.infra.jobs import enqueue
from filmless.infra.log import get_logger

TEND_COMMITMENTS = "tend-commitments"
TEND_EVERY_SECONDS = 3600  # Nobody acts on a lateness of hours any sooner.

_log = get_logger()


def tend_commitments_soon(tx: Transaction, delay_seconds: int = 0) -> None:
    """Ask for a round; while one is waiting, nothing more happens."""
    enqueue(tx, TEND_COMMITMENTS, {}, unique_key=TEND_COMMITMENTS, delay_seconds=delay_seconds)


def tend_commitments(database: Database) -> None:
    """Look for overdue answers, forget old requests and notices in small steps, ask for the next round."""
    with database.transaction() as tx:
        asked_before = tx.now - timedelta(seconds=limits.COMMITMENT_ANSWER_SECONDS_MAX)
        overdue = repository.mark_overdue(tx, asked_before)
        tend_commitments_soon(tx, TEND_EVERY_SECONDS)
    if overdue:
        _log.error("commitments_overdue", requests=overdue)
    for trim in (repository.trim_finished, notice_repository.trim_told):
        deleted = limits.TRIM_ROWS_MAX
        while deleted >= limits.TRIM_ROWS_MAX:
            with database.transaction() as tx:
                before = tx.now - timedelta(seconds=limits.COMMITMENT_KEEP_SECONDS)
                deleted = trim(tx, before, limits.TRIM_ROWS_MAX)
