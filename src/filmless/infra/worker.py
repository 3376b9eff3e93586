"""The worker: tells announced facts to those who react, and runs jobs.

Any number of workers, on any number of machines, share one database: each job is leased to one of them, and a
worker that dies loses its lease. Not here: the statements on the tables (`jobs`, `outbox`), which job does
what (`compose.JOBS`). Start at `Worker.run`; tests and tools call `run_pending` instead.

One thread watches (facts, due jobs, leases, old rows), the others run one job each at a time. On SQLite the
watcher looks every so often, soon after there was something and less often when idle; on PostgreSQL it is
told by NOTIFY, and looks rarely in case the telling was lost.
"""

import os
import platform
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import psycopg
from structlog.contextvars import bound_contextvars

from filmless.infra import jobs, limits, metrics, outbox
from filmless.infra.database import WORK_CHANNEL, Database, Transaction
from filmless.infra.errors import FilmlessError, Invalid, Unavailable
from filmless.infra.ids import new_id
from filmless.infra.log import get_logger

log = get_logger()

JobFunction = Callable[[dict[str, Any]], None]
"""Runs one job from its payload; idempotent, for it may run twice. Raises to be tried again later."""

LOOK_SECONDS_MIN = 0.25  # Right after there was something: sooner would only take turns from ingest.
LOOK_SECONDS_MAX = 1.0  # Where nobody tells us: the longest that new work waits on an idle system.
LOOK_TOLD_SECONDS_MAX = 5.0  # Where NOTIFY tells us.
STOP_SECONDS_MAX = 0.5  # A worker that waits to be told notices within this that it shall stop.
RECOVER_SECONDS = 2.0  # Pause when the database is gone.
TRIM_SECONDS = 600.0


class Worker:
    """Runs jobs and tells facts until it is stopped."""

    def __init__(
        self,
        database: Database,
        functions: Mapping[str, JobFunction],
        reactions: outbox.Reactions,
        *,
        threads: int = 1,
    ) -> None:
        self.name = f"{platform.node()}:{os.getpid()}:{new_id()[-6:]}"
        self._database = database
        self._reactions = reactions
        self._functions = {**functions, outbox.REACT_AGAIN: self._react_again}
        self._threads = threads
        self._stop = threading.Event()
        self._bell = _Bell()
        self._running: dict[str, tuple[jobs.Lease, float]] = {}  # Job id → lease, monotonic start.

    def run(self, grace_seconds: float = 30.0) -> None:
        """Work until `stop`; then wait up to the grace for running jobs.

        A job that is not done by then runs again elsewhere when its lease ends.
        """
        threads = [
            threading.Thread(target=self._run_jobs, name=f"jobs-{number}", daemon=True)
            for number in range(self._threads)
        ]
        for thread in threads:
            thread.start()
        log.info("worker_started", worker=self.name, threads=self._threads)
        try:
            self._watch()
        finally:
            self.stop()
            deadline = time.monotonic() + grace_seconds
            for thread in threads:
                self._join(thread, deadline)
            log.info("worker_stopped", worker=self.name, abandoned=len(self._running))

    def stop(self) -> None:
        """Take no more jobs and let `run` return; any thread or signal handler may call it."""
        self._stop.set()
        self._bell.ring()

    def run_pending(self) -> int:
        """Tell all facts and run all due jobs in this thread, until nothing is due; returns how many ran."""
        ran = 0
        while True:
            while outbox.dispatch(self._database, self._reactions):
                pass
            with self._database.transaction() as tx:
                lease = jobs.claim(tx, self.name)
            if lease is None:
                return ran
            while lease is not None:
                lease = self._run_one(lease, claim_next=False)
            ran += 1

    # --- Running jobs ------------------------------------------------------------------------------------

    def _run_jobs(self) -> None:
        lease: jobs.Lease | None = None
        while not self._stop.is_set():
            heard = self._bell.count
            try:
                if lease is None:
                    lease = self._claim()
                if lease is None:
                    self._bell.wait(heard)
                else:
                    lease = self._run_one(lease, claim_next=True)
            except Unavailable as error:
                lease = None
                log.warning("worker_waits", reason=error.message)
                self._stop.wait(RECOVER_SECONDS)
            except Exception:  # Our bug, yet a worker with a thread less would be a silent one.
                lease = None
                log.exception("worker_stumbled")
                self._stop.wait(RECOVER_SECONDS)

    def _claim(self) -> jobs.Lease | None:
        with self._database.read() as tx:
            due = jobs.next_due(tx)
            if due is None or due > tx.now:
                return None  # Without asking for the write lock.
        with self._database.transaction() as tx:
            return jobs.claim(tx, self.name)

    def _run_one(self, lease: jobs.Lease, *, claim_next: bool) -> jobs.Lease | None:
        """Run one attempt and write down how it ended; the next job is claimed in the same commit."""
        self._running[lease.job_id] = (lease, time.monotonic())
        try:
            with bound_contextvars(job=lease.job_id, job_kind=lease.kind, attempt=lease.attempts):
                error = self._attempt(lease)
        finally:
            del self._running[lease.job_id]
        with self._database.transaction() as tx:
            if error is None:
                outcome = jobs.DONE
                if not jobs.finish(tx, lease):
                    log.warning("job_lease_was_lost", job=lease.job_id, job_kind=lease.kind)
            else:
                outcome = self._write_down_failure(tx, lease, error)
            wanted = claim_next and not self._stop.is_set()
            next_lease = jobs.claim(tx, self.name) if wanted else None
        metrics.JOBS_RUN.labels(lease.kind if lease.kind in self._functions else "unknown", outcome).inc()
        return next_lease

    def _attempt(self, lease: jobs.Lease) -> Exception | None:
        function = self._functions.get(lease.kind)
        if function is None:
            return Invalid(f"This version of Filmless knows no job of the kind {lease.kind}.")
        try:
            function(lease.payload)
        except FilmlessError as error:
            log.warning("job_failed", reason=error.message)
            return error
        except Exception as error:
            log.exception("job_crashed")
            return error
        return None

    @staticmethod
    def _write_down_failure(tx: Transaction, lease: jobs.Lease, error: Exception) -> str:
        failure = jobs.describe_failure(error)
        # Invalid means that trying again unchanged cannot work (`errors`).
        state = jobs.park(tx, lease, failure) if isinstance(error, Invalid) else jobs.fail(tx, lease, failure)
        if state == jobs.PARKED:
            log.error("job_parked", job=lease.job_id, job_kind=lease.kind, reason=failure)
        return state

    def _react_again(self, payload: dict[str, Any]) -> None:
        outbox.react_again(self._database, self._reactions, payload)

    # --- Watching ----------------------------------------------------------------------------------------

    def _watch(self) -> None:
        post = _Post(self._database, self._stop)
        pause = LOOK_SECONDS_MIN
        renewed_at = trimmed_at = time.monotonic()
        try:
            while not self._stop.is_set():
                try:
                    told = outbox.dispatch(self._database, self._reactions) if self._has_facts() else 0
                    next_due_seconds = self._ring_if_due()
                    if time.monotonic() - renewed_at > limits.JOB_LEASE_SECONDS / 4:
                        renewed_at = time.monotonic()
                        self._renew_leases()
                    if time.monotonic() - trimmed_at > TRIM_SECONDS:
                        trimmed_at = time.monotonic()
                        self.trim()
                except Unavailable as error:
                    log.warning("worker_waits", reason=error.message)
                    self._stop.wait(RECOVER_SECONDS)
                    continue
                pause = LOOK_SECONDS_MIN if told else min(pause * 1.5, post.pause_seconds_max)
                if post.wait(max(0.0, min(pause, next_due_seconds))):
                    pause = LOOK_SECONDS_MIN
        finally:
            post.close()

    def _has_facts(self) -> bool:
        with self._database.read() as tx:
            return outbox.has_undispatched(tx)

    def _ring_if_due(self) -> float:
        """Ring for the runners if a job is due; returns the seconds until the next one is."""
        with self._database.read() as tx:
            due = jobs.next_due(tx)
            if due is None:
                return LOOK_TOLD_SECONDS_MAX
            if due > tx.now:
                return (due - tx.now) / timedelta(seconds=1)
        if len(self._running) < self._threads:
            self._bell.ring()
        return LOOK_TOLD_SECONDS_MAX  # It was rung for; looking again at once would spin.

    def _renew_leases(self) -> None:
        for lease, started_at in list(self._running.values()):
            seconds = time.monotonic() - started_at
            if seconds > limits.JOB_SECONDS_MAX:
                log.error("job_is_stuck", job=lease.job_id, job_kind=lease.kind, seconds=round(seconds))
                continue
            with self._database.transaction() as tx:
                jobs.renew(tx, lease)

    def trim(self) -> None:
        """Delete facts and done jobs that are old enough, in small transactions."""
        for trim in (outbox.trim_dispatched, jobs.trim_done):
            deleted = limits.TRIM_ROWS_MAX
            while deleted == limits.TRIM_ROWS_MAX and not self._stop.is_set():
                with self._database.transaction() as tx:
                    deleted = trim(tx, limits.TRIM_ROWS_MAX)

    def _join(self, thread: threading.Thread, deadline: float) -> None:
        """Wait for a runner, keeping the lease of its job meanwhile."""
        while thread.is_alive() and time.monotonic() < deadline:
            thread.join(min(limits.JOB_LEASE_SECONDS / 4, max(0.0, deadline - time.monotonic())))
            if thread.is_alive():
                with suppress(Unavailable):
                    self._renew_leases()


class _Bell:
    """Wakes the runners; a ring that comes before the waiting is not lost."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = threading.Condition()

    def ring(self) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def wait(self, heard: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.count != heard, timeout=LOOK_TOLD_SECONDS_MAX)


class _Post:
    """How the watcher waits: for NOTIFY where there is such a thing, else for time to pass."""

    def __init__(self, database: Database, stop: threading.Event) -> None:
        self._database = database
        self._stop = stop
        self._listener: psycopg.Connection[Any] | None = None

    @property
    def pause_seconds_max(self) -> float:
        return LOOK_TOLD_SECONDS_MAX if self._listener is not None else LOOK_SECONDS_MAX

    def wait(self, seconds: float) -> bool:
        """Wait until told, stopped, or the time is over; returns whether it was told."""
        if not self._database.is_sqlite:
            try:
                return self._listen(seconds)
            except psycopg.Error as error:
                log.warning("worker_cannot_listen", reason=type(error).__name__)
                self.close()
        self._stop.wait(seconds)
        return False

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _listen(self, seconds: float) -> bool:
        if self._listener is None:
            self._listener = _connect(self._database)
            return True  # Look once more: work may have come before we listened.
        deadline = time.monotonic() + seconds
        while not self._stop.is_set():
            slice_seconds = min(STOP_SECONDS_MAX, max(0.0, deadline - time.monotonic()))
            for _ in self._listener.notifies(timeout=slice_seconds, stop_after=1):
                return True
            if time.monotonic() >= deadline:
                break
        return False


def _connect(database: Database) -> psycopg.Connection[Any]:
    _, given = database.engine.dialect.create_connect_args(database.url)
    arguments = {**given, "connect_timeout": 5, "application_name": "filmless-worker", "keepalives_idle": 30}
    connection: psycopg.Connection[Any] = psycopg.connect(autocommit=True, **arguments)
    connection.execute(f"LISTEN {WORK_CHANNEL}".encode())
    return connection
