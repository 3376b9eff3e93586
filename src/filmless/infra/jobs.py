"""Jobs: background work that survives a crash. The table, and every statement on it.

A job is asked for in the transaction that makes it needed (`enqueue`), so it exists if and only if that
committed. It runs at least once, perhaps twice after a crash: what runs (`worker.JobFunction`) is idempotent.
Not here: the loop that runs jobs (`worker`). Start at `enqueue`; persons look with `find_jobs`, `retry_job`.

States: waiting → running → done; running → waiting again after a failure, with a growing pause; → parked when
trying again cannot help or has not helped often enough, until a person retries it.
While a job runs, `run_at` is the end of its lease: one index serves "due" and "its worker is dead" alike.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from filmless.infra import limits
from filmless.infra.database import Database, Instant, Transaction, metadata, to_microseconds
from filmless.infra.errors import Conflict, FilmlessError, NotFound
from filmless.infra.ids import new_id

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("unique_key", sa.Text),  # While one job with this key waits, asking again only moves its time.
    sa.Column("state", sa.Text, nullable=False),  # waiting, running, done, parked.
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("run_at", Instant, nullable=False),  # Running: the end of the lease.
    sa.Column("leased_by", sa.Text),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),
    sa.Index("ix_jobs_waiting", "run_at", sqlite_where=sa.text("state IN ('waiting', 'running')"),
             postgresql_where=sa.text("state IN ('waiting', 'running')")),
    sa.Index("uq_jobs_waiting_unique_key", "unique_key", unique=True,
             sqlite_where=sa.text("state = 'waiting'"), postgresql_where=sa.text("state = 'waiting'")),
    sa.Index("ix_jobs_state", "state", "finished_at"),
)  # fmt: skip

WAITING, RUNNING, DONE, PARKED = STATES = ("waiting", "running", "done", "parked")

_ENQUEUE = (
    "INSERT INTO jobs (id, kind, payload, unique_key, state, attempts, run_at, created_at)"
    " VALUES (?, ?, ?, ?, 'waiting', 0, ?, ?)"
)
# Later of the two, yet not for ever: what is asked for again and again still runs once every so often. A job
# that failed and waits longer than that keeps its pause.
_POSTPONE = (
    " ON CONFLICT (unique_key) WHERE state = 'waiting' DO UPDATE SET run_at ="
    " {greatest}(jobs.run_at, {least}(excluded.run_at, jobs.created_at + ?))"
)
_CLAIM = (
    "UPDATE jobs SET state = 'running', attempts = attempts + 1, leased_by = ?, run_at = ?"
    " WHERE id = (SELECT id FROM jobs WHERE state IN ('waiting', 'running') AND run_at <= ?"
    " ORDER BY run_at LIMIT 1{skip_locked}) RETURNING id, kind, payload, attempts"
)
# The attempt is part of the condition: a worker that lost its lease has no say any more.
_HELD = " WHERE id = ? AND state = 'running' AND leased_by = ? AND attempts = ?"
_FINISH = "UPDATE jobs SET state = ?, last_error = ?, finished_at = ?, leased_by = NULL" + _HELD
_RETRY_LATER = (
    "UPDATE jobs SET state = 'waiting', last_error = ?, run_at = ?, leased_by = NULL"
    + _HELD
    + " AND NOT EXISTS (SELECT 1 FROM jobs AS newer WHERE newer.unique_key = jobs.unique_key"
    " AND newer.state = 'waiting')"
)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run one attempt of one job."""

    job_id: str
    kind: str
    payload: dict[str, Any]
    attempts: int  # This one included.
    leased_by: str


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job as persons see it."""

    id: str
    kind: str
    payload: dict[str, Any]
    state: str
    attempts: int
    run_at: datetime
    leased_by: str | None
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None


def enqueue(
    tx: Transaction,
    kind: str,
    payload: Mapping[str, Any],
    *,
    unique_key: str | None = None,
    delay_seconds: float = 0,
) -> None:
    """Ask for a job in the caller's transaction; `payload` is JSON: ids, no data of patients.

    With a `unique_key`, at most one job of that key waits: asking again moves it to the later of the two
    times, at most JOB_POSTPONE_SECONDS_MAX after it was first asked for. One that runs already is another
    matter: then a new one waits, for it may have begun too early to see what the caller wrote.
    """
    now = to_microseconds(tx.now)
    values: list[Any] = [new_id(), kind, orjson.dumps(dict(payload)).decode(), unique_key]
    values += [now + round(delay_seconds * 1e6), now]
    statement = _ENQUEUE
    if unique_key is not None:
        statement += _POSTPONE.format(
            greatest="max" if tx.is_sqlite else "greatest", least="min" if tx.is_sqlite else "least"
        )
        values.append(limits.JOB_POSTPONE_SECONDS_MAX * 1_000_000)
    tx.fast(statement, values)
    tx.wakes_workers = True


def next_due(tx: Transaction) -> datetime | None:
    """When the next job wants to run or its worker counts as dead; None when nothing waits."""
    due: datetime | None = tx.execute(
        sa.select(jobs.c.run_at)
        .where(sa.text("state IN ('waiting', 'running')"))
        .order_by(jobs.c.run_at)
        .limit(1)
    ).scalar_one_or_none()
    return due


def claim(tx: Transaction, leased_by: str) -> Lease | None:
    """Take the job that is due longest, for JOB_LEASE_SECONDS; None when none is due.

    A job whose earlier attempts all ended with their worker dead is parked and passed over.
    """
    now = to_microseconds(tx.now)
    statement = _CLAIM.format(skip_locked="" if tx.is_sqlite else " FOR UPDATE SKIP LOCKED")
    while True:
        row = tx.fast(statement, (leased_by, now + limits.JOB_LEASE_SECONDS * 1_000_000, now)).fetchone()
        if row is None:
            return None
        lease = Lease(row[0], row[1], orjson.loads(row[2]), row[3], leased_by)
        if lease.attempts <= limits.JOB_ATTEMPTS_MAX:
            return lease
        park(tx, lease, "Each worker that ran it died before it was done.")


def renew(tx: Transaction, lease: Lease) -> bool:
    """Hold the job for another JOB_LEASE_SECONDS; False when it is no longer ours."""
    lease_until = to_microseconds(tx.now) + limits.JOB_LEASE_SECONDS * 1_000_000
    cursor = tx.fast("UPDATE jobs SET run_at = ?" + _HELD, (lease_until, *_held(lease)))
    return bool(cursor.rowcount)


def finish(tx: Transaction, lease: Lease) -> bool:
    """The attempt succeeded; False when the job was no longer ours, and another attempt counts."""
    cursor = tx.fast(_FINISH, (DONE, None, to_microseconds(tx.now), *_held(lease)))
    return bool(cursor.rowcount)


def fail(tx: Transaction, lease: Lease, last_error: str) -> str:
    """The attempt failed: try again after a pause, or park after JOB_ATTEMPTS_MAX; returns the new state.

    Where another job with the same key waits already, that one is the next attempt and this one is done.
    """
    if lease.attempts >= limits.JOB_ATTEMPTS_MAX:
        return park(tx, lease, last_error)
    run_at = tx.now + timedelta(seconds=back_off_seconds(lease.attempts))
    if tx.fast(_RETRY_LATER, (last_error, to_microseconds(run_at), *_held(lease))).rowcount:
        return WAITING
    tx.fast(_FINISH, (DONE, last_error, to_microseconds(tx.now), *_held(lease)))
    return DONE


def park(tx: Transaction, lease: Lease, last_error: str) -> str:
    """Leave the job to a person; returns the new state."""
    tx.fast(_FINISH, (PARKED, last_error, to_microseconds(tx.now), *_held(lease)))
    return PARKED


def back_off_seconds(attempts: int) -> float:
    """The pause after so many failed attempts: four times longer each time, and spread by a fifth."""
    pause: int = limits.JOB_BACK_OFF_SECONDS_MIN * 4 ** (attempts - 1)
    return min(pause, limits.JOB_BACK_OFF_SECONDS_MAX) * random.uniform(0.8, 1.2)


def trim_done(tx: Transaction, rows_max: int) -> int:
    """Delete up to so many jobs that were done JOB_KEEP_SECONDS ago or earlier; returns how many."""
    before = to_microseconds(tx.now) - limits.JOB_KEEP_SECONDS * 1_000_000
    cursor = tx.fast(
        "DELETE FROM jobs WHERE id IN"
        " (SELECT id FROM jobs WHERE state = 'done' AND finished_at < ? ORDER BY finished_at LIMIT ?)",
        (before, rows_max),
    )
    return int(cursor.rowcount)


def counts(database: Database) -> dict[str, int]:
    """Number of jobs by state, all states named."""
    with database.read() as tx:
        rows = tx.execute(sa.select(jobs.c.state, sa.func.count().label("number")).group_by(jobs.c.state))
        found = {row.state: row.number for row in rows}
    return {state: found.get(state, 0) for state in STATES}


def find_jobs(database: Database, state: str | None = None, limit: int = 50) -> list[JobRow]:
    """Jobs of one state or of all but done, newest first."""
    columns = [jobs.c[name] for name in JobRow.__slots__]
    wanted = jobs.c.state != DONE if state is None else jobs.c.state == state
    with database.read() as tx:
        rows = tx.execute(sa.select(*columns).where(wanted).order_by(jobs.c.id.desc()).limit(limit)).all()
    return [JobRow(**{**row._mapping, "payload": orjson.loads(row.payload)}) for row in rows]


def retry_job(database: Database, job_id: str) -> None:
    """Let a parked job run again now, with all its attempts; raises NotFound, or Conflict if not parked."""
    with database.transaction() as tx:
        state = tx.execute(sa.select(jobs.c.state).where(jobs.c.id == job_id)).scalar_one_or_none()
        if state is None:
            raise NotFound(f"There is no job {job_id}. Done jobs are forgotten after a day.")
        if state != PARKED:
            raise Conflict(f"Job {job_id} is {state}, and only a parked job can be retried.")
        _unpark(tx, [job_id])


def retry_all_jobs(database: Database) -> int:
    """Let all parked jobs run again now; returns how many."""
    with database.transaction() as tx:
        parked = list(tx.execute(sa.select(jobs.c.id).where(jobs.c.state == PARKED)).scalars())
        _unpark(tx, parked)
    return len(parked)


def describe_failure(error: BaseException) -> str:
    """What `last_error` may say: the message of an error of ours; of any other only its type and place.

    Messages of libraries quote the data they stumbled over, and that may be a patient's.
    """
    if isinstance(error, FilmlessError):
        return f"{type(error).__name__}: {error.message}"
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__name__}{place}"


def _unpark(tx: Transaction, job_ids: list[str]) -> None:
    now = to_microseconds(tx.now)
    for job_id in job_ids:
        revived = tx.fast(
            "UPDATE jobs SET state = 'waiting', attempts = 0, run_at = ?, finished_at = NULL"
            " WHERE id = ? AND state = 'parked' AND NOT EXISTS (SELECT 1 FROM jobs AS newer"
            " WHERE newer.unique_key = jobs.unique_key AND newer.state = 'waiting')",
            (now, job_id),
        ).rowcount
        if not revived:  # One that waits already will do the same work.
            tx.fast("UPDATE jobs SET state = 'done', finished_at = ? WHERE id = ?", (now, job_id))
    tx.wakes_workers = True


def _held(lease: Lease) -> tuple[str, str, int]:
    return lease.job_id, lease.leased_by, lease.attempts
