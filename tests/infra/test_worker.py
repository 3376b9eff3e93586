"""Real workers with threads and processes: woken, stopped, killed."""

import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

from filmless.infra import jobs, limits
from filmless.infra.clock import SystemClock
from filmless.infra.database import Database
from filmless.infra.worker import Worker
from frozen_clock import FrozenClock

SECONDS_MAX = 30  # Only a broken worker makes a test wait this long.

# Says when it runs, and then runs until it is killed.
DYING_WORKER = """
import sys, threading
from filmless.infra.clock import SystemClock
from filmless.infra.database import Database
from filmless.infra.worker import Worker

def never_ends(payload):
    print("running", flush=True)
    threading.Event().wait()

Worker(Database(sys.argv[1], SystemClock()), {"prepare": never_ends}, {}).run()
"""


@pytest.fixture
def living_database(database: Database) -> Database:
    """The same database, on a clock that runs: a worker's threads wait for real time."""
    database.clock = SystemClock()
    return database


def test_a_running_worker_finds_work_and_stops_when_told(living_database: Database) -> None:
    ran = threading.Semaphore(0)
    worker = Worker(living_database, {"prepare": lambda payload: ran.release()}, {}, threads=2)
    running = threading.Thread(target=worker.run)
    running.start()
    for _ in range(3):
        with living_database.transaction() as tx:
            jobs.enqueue(tx, "prepare", {})
            jobs.enqueue(tx, "prepare", {})
        assert ran.acquire(timeout=SECONDS_MAX)
        assert ran.acquire(timeout=SECONDS_MAX)
    worker.stop()
    running.join(SECONDS_MAX)
    assert not running.is_alive()
    assert jobs.counts(living_database)["done"] == 6


def test_a_stopping_worker_finishes_its_job_and_takes_no_other(living_database: Database) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow(payload: dict[str, Any]) -> None:
        started.set()
        assert go_on.wait(SECONDS_MAX)

    for _ in range(2):
        with living_database.transaction() as tx:
            jobs.enqueue(tx, "prepare", {})
    worker = Worker(living_database, {"prepare": slow}, {})
    running = threading.Thread(target=worker.run)
    running.start()
    assert started.wait(SECONDS_MAX)
    worker.stop()
    go_on.set()
    running.join(SECONDS_MAX)
    assert jobs.counts(living_database) == {"waiting": 1, "running": 0, "done": 1, "parked": 0}


@pytest.mark.postgres
def test_a_worker_outlives_a_restart_of_the_database(postgres_database: Database) -> None:
    postgres_database.clock = SystemClock()
    ran = threading.Semaphore(0)
    worker = Worker(postgres_database, {"prepare": lambda payload: ran.release()}, {})
    running = threading.Thread(target=worker.run)
    running.start()
    for _ in range(2):
        with postgres_database.transaction() as tx:
            jobs.enqueue(tx, "prepare", {})
        assert ran.acquire(timeout=SECONDS_MAX)
        with postgres_database.read() as tx:  # Every connection but this one breaks, the listener's too.
            tx.fast(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    worker.stop()
    running.join(SECONDS_MAX)
    assert not running.is_alive()


@pytest.mark.fault
def test_the_job_of_a_killed_worker_is_run_by_another(database: Database, clock: FrozenClock) -> None:
    clock.set(SystemClock().now())
    with database.transaction() as tx:
        jobs.enqueue(tx, "prepare", {"series_ref": 7})
    url = database.url.render_as_string(hide_password=False)
    with subprocess.Popen([sys.executable, "-c", DYING_WORKER, url], stdout=subprocess.PIPE) as victim:
        try:
            assert victim.stdout
            assert b"running\n" in iter(victim.stdout.readline, b"")
        finally:
            victim.send_signal(signal.SIGKILL)
    payloads: list[dict[str, Any]] = []
    other = Worker(database, {"prepare": payloads.append}, {})
    assert other.run_pending() == 0
    clock.set(SystemClock().now())
    clock.advance(limits.JOB_LEASE_SECONDS)
    assert other.run_pending() == 1
    assert payloads == [{"series_ref": 7}]
    assert jobs.counts(database)["done"] == 1
