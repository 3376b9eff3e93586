"""Group commit: threads that finish at the same time share one transaction.

Whoever gets the lock commits for all who wait, so there is no thread of its own and no hop for a lone sender.
Objects are synced meanwhile, each by a thread of its own; the transaction commits only when all of its
objects are durable, and an answer is given only after the commit.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from filmless.features.access import Actor
from filmless.features.archive.indexing import Answer, Decision, Submission, index_batch
from filmless.features.archive.transfers import TransferLog
from filmless.infra import limits
from filmless.infra.database import Database
from filmless.infra.errors import FilmlessError, Unavailable
from filmless.infra.log import get_logger
from filmless.infra.object_store.base import ObjectStore

TRIES_MAX = 3  # PostgreSQL may end one of two commits that wait for each other; the next try goes through.

_log = get_logger()


@dataclass(slots=True)
class _Ticket:
    """A submission in the queue; the decision is written once its commit is durable."""

    submission: Submission
    decision: Decision | None = None


class Committer:
    """Commits submissions of any number of threads, many in one transaction."""

    def __init__(self, database: Database, object_store: ObjectStore) -> None:
        self._database = database
        self._object_store = object_store
        self._waiting: deque[_Ticket] = deque()
        self._committing = threading.Lock()
        self._transfers = TransferLog()

    def commit(self, submission: Submission) -> Answer:
        """Index the submission durably and return its answer, which may be an error to raise."""
        ticket = _Ticket(submission)
        self._waiting.append(ticket)
        with self._committing:
            while ticket.decision is None:
                self._commit_batch(self._take_batch())
        return ticket.decision.answer

    def end_transfers(self, actor: Actor) -> None:
        """The sender is done: put the rest of what it sent into the audit trail; raises Unavailable."""
        with self._committing:
            if self._transfers.has_unrecorded(actor):
                with self._database.transaction() as tx:
                    self._transfers.end(tx, actor)
            self._transfers.forget(actor)

    def _take_batch(self) -> list[_Ticket]:
        batch: list[_Ticket] = []
        while self._waiting and len(batch) < limits.COMMIT_BATCH_INSTANCES_MAX:
            batch.append(self._waiting.popleft())
        assert batch  # Our own submission is in the queue until it has a decision.
        return batch

    def _commit_batch(self, batch: Sequence[_Ticket]) -> None:
        try:
            self._index(batch)
        except FilmlessError as error:
            for ticket in batch:
                ticket.decision = Decision(error)
        except Exception:  # noqa: BLE001
            # One instance that we cannot handle must not take the others with it.
            _log.exception("index_batch_failed", instances=len(batch))
            for ticket in batch:
                self._commit_alone(ticket)
        for ticket in batch:
            if ticket.decision is not None and not ticket.decision.object_is_needed:
                self._object_store.delete(ticket.submission.received.stored.object_id)

    def _commit_alone(self, ticket: _Ticket) -> None:
        try:
            self._index([ticket])
        except FilmlessError as error:
            ticket.decision = Decision(error)
        except Exception as error:  # noqa: BLE001
            _log.exception("index_failed", object_id=ticket.submission.received.stored.object_id)
            ticket.decision = Decision(InternalFault(error))

    def _index(self, batch: Sequence[_Ticket]) -> None:
        """Index the batch and commit it; leaves out, with an error, whose object did not become durable."""
        for left in reversed(range(TRIES_MAX)):
            try:
                with self._database.transaction() as tx:
                    submissions = [ticket.submission for ticket in batch]
                    decisions = index_batch(tx, submissions, self._transfers)
                    self._wait_until_durable(batch)
                break
            except _NotDurable:
                self._transfers.rolled_back()
                rest = [ticket for ticket in batch if ticket.decision is None]
                if rest:
                    self._index(rest)
                return
            except BaseException as error:
                self._transfers.rolled_back()
                if left == 0 or self._database.is_sqlite or not isinstance(error, Unavailable):
                    raise
        self._transfers.committed()
        for ticket, decision in zip(batch, decisions, strict=True):  # Only now: the commit is durable.
            ticket.decision = decision

    @staticmethod
    def _wait_until_durable(batch: Sequence[_Ticket]) -> None:
        """Bytes before rows: nothing is committed whose object is not on the disk."""
        failed = False
        for ticket in batch:
            durable = ticket.submission.durable
            error = durable.exception() if durable is not None else None
            if error is not None:
                ticket.decision = Decision(
                    error if isinstance(error, FilmlessError) else InternalFault(error)
                )
                failed = True
        if failed:
            raise _NotDurable


class _NotDurable(Exception):
    """Undoes a transaction that holds a row whose object did not become durable."""


class InternalFault(FilmlessError):
    """Our own mistake while indexing; the sender hears Processing Failure, the log has the rest."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__("The instance could not be indexed: an error of ours, written to the log.")
        self.__cause__ = cause
