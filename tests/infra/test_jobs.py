"""Jobs and the facts that ask for them: at least once, never lost, parked when hopeless."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from filmless.infra import jobs, limits
from filmless.infra.database import Database, Transaction
from filmless.infra.errors import Conflict, Invalid, NotFound, Unavailable
from filmless.infra.outbox import REACT_AGAIN, Reactions, announce, outbox
from filmless.infra.worker import JobFunction, Worker
from frozen_clock import FrozenClock


@dataclass(frozen=True)
class SeriesGrew:
    series_ref: int


class Ran:
    """A job function that remembers what it was given, and fails as told."""

    def __init__(self, *errors: Exception) -> None:
        self.payloads: list[dict[str, Any]] = []
        self.errors = list(errors)

    def __call__(self, payload: dict[str, Any]) -> None:
        self.payloads.append(payload)
        if self.errors:
            raise self.errors.pop(0)


def ask(database: Database, kind: str = "prepare", payload: dict[str, Any] | None = None, **how: Any) -> None:
    with database.transaction() as tx:
        jobs.enqueue(tx, kind, payload or {}, **how)


def work(database: Database, functions: dict[str, JobFunction], reactions: Reactions | None = None) -> int:
    return Worker(database, functions, reactions or {}).run_pending()


def only_job(database: Database) -> jobs.JobRow:
    with database.read() as tx:
        state = tx.execute(sa.select(jobs.jobs.c.state)).scalar_one()
    return jobs.find_jobs(database, state)[0]


class TestEnqueue:
    def test_a_job_runs_once_with_its_payload(self, database: Database) -> None:
        ask(database, payload={"series_ref": 7})
        ran = Ran()
        assert work(database, {"prepare": ran}) == 1
        assert work(database, {"prepare": ran}) == 0
        assert ran.payloads == [{"series_ref": 7}]
        assert jobs.counts(database) == {"waiting": 0, "running": 0, "done": 1, "parked": 0}

    def test_a_job_of_a_failed_transaction_does_not_exist(self, database: Database) -> None:
        def ask_and_fail() -> None:
            with database.transaction() as tx:
                jobs.enqueue(tx, "prepare", {})
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            ask_and_fail()
        assert work(database, {"prepare": Ran()}) == 0

    def test_a_delayed_job_waits(self, database: Database, clock: FrozenClock) -> None:
        ask(database, delay_seconds=5)
        assert work(database, {"prepare": Ran()}) == 0
        clock.advance(5)
        assert work(database, {"prepare": Ran()}) == 1

    def test_jobs_run_in_the_order_they_are_due(self, database: Database, clock: FrozenClock) -> None:
        for number, delay in enumerate([3, 1, 2]):
            ask(database, payload={"number": number}, delay_seconds=delay)
        clock.advance(3)
        ran = Ran()
        work(database, {"prepare": ran})
        assert [payload["number"] for payload in ran.payloads] == [1, 2, 0]

    # Asked for at these seconds, each time with this delay: when does it run first?
    @pytest.mark.parametrize(
        ("asked", "delay", "runs_at"),
        [
            ([0], 5, 5),
            ([0, 3], 5, 8),
            ([0, 3, 6, 9], 5, 14),
            (list(range(0, 100, 4)), 5, limits.JOB_POSTPONE_SECONDS_MAX),
            ([0], 90, 90),
            ([0, 1], 90, 90),
        ],
    )
    def test_a_unique_key_gathers_requests_but_does_not_postpone_for_ever(
        self, database: Database, clock: FrozenClock, asked: list[int], delay: int, runs_at: int
    ) -> None:
        start = clock.now()
        for second in asked:
            clock.set(start + timedelta(seconds=second))
            ask(database, unique_key="series:7", delay_seconds=delay)
        assert only_job(database).run_at == start + timedelta(seconds=runs_at)

    def test_an_urgent_request_does_not_pull_a_waiting_job_forward(self, database: Database) -> None:
        ask(database, unique_key="series:7", delay_seconds=30)
        ask(database, unique_key="series:7")
        assert work(database, {"prepare": Ran()}) == 0

    def test_a_request_while_the_job_runs_makes_another_one(self, database: Database) -> None:
        def grows_meanwhile(payload: dict[str, Any]) -> None:
            if not ran.payloads:
                ask(database, unique_key="series:7")
            ran(payload)

        ran = Ran()
        ask(database, unique_key="series:7")
        assert work(database, {"prepare": grows_meanwhile}) == 2

    def test_a_new_request_does_not_cut_the_pause_after_a_failure_short(
        self, database: Database, clock: FrozenClock
    ) -> None:
        ask(database, unique_key="series:7")
        work(database, {"prepare": Ran(Unavailable("Full."))})
        paused_until = only_job(database).run_at
        ask(database, unique_key="series:7")
        assert only_job(database).run_at == paused_until > clock.now()


class TestFailure:
    def test_a_failed_job_is_tried_again_after_growing_pauses_and_then_parked(
        self, database: Database, clock: FrozenClock
    ) -> None:
        ask(database)
        ran = Ran(*[Unavailable("The disk is full.")] * 100)
        pauses = []
        while True:
            work(database, {"prepare": ran})
            job = only_job(database)
            if job.state != jobs.WAITING:
                break
            pauses.append((job.run_at - clock.now()).total_seconds())
            clock.set(job.run_at)
        assert (job.state, job.attempts) == (jobs.PARKED, limits.JOB_ATTEMPTS_MAX)
        assert job.last_error == "Unavailable: The disk is full."
        assert len(ran.payloads) == limits.JOB_ATTEMPTS_MAX
        assert 12 <= pauses[0] <= 18
        assert pauses[:4] == sorted(pauses[:4])
        assert max(pauses) <= limits.JOB_BACK_OFF_SECONDS_MAX * 1.2

    def test_what_cannot_work_is_parked_at_once(self, database: Database) -> None:
        ask(database)
        work(database, {"prepare": Ran(Invalid("No such transfer syntax."))})
        assert only_job(database).state == jobs.PARKED

    def test_a_job_of_an_unknown_kind_is_parked(self, database: Database) -> None:
        ask(database, kind="from-the-future")
        work(database, {})
        assert "knows no job of the kind from-the-future" in str(only_job(database).last_error)

    def test_what_a_library_said_about_the_data_is_not_kept(
        self, database: Database, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ask(database)
        work(database, {"prepare": Ran(ValueError("bad name DOE^JANE"))})
        error = str(only_job(database).last_error)
        assert error.startswith("ValueError at ")
        assert "test_jobs.py" in error
        assert "DOE" not in error

    def test_a_failed_job_makes_room_for_a_newer_one_of_the_same_key(self, database: Database) -> None:
        def fails_while_another_is_asked_for(payload: dict[str, Any]) -> None:
            if payload["number"] == 1:
                ask(database, payload={"number": 2}, unique_key="series:7")
                raise Unavailable("The disk is full.")

        ask(database, payload={"number": 1}, unique_key="series:7")
        assert work(database, {"prepare": fails_while_another_is_asked_for}) == 2
        assert jobs.counts(database)["done"] == 2


class TestLease:
    def test_a_job_whose_worker_died_is_run_by_another(self, database: Database, clock: FrozenClock) -> None:
        ask(database)
        with database.transaction() as tx:
            assert jobs.claim(tx, "dies")
        assert work(database, {"prepare": Ran()}) == 0
        clock.advance(limits.JOB_LEASE_SECONDS)
        assert work(database, {"prepare": Ran()}) == 1

    def test_a_renewed_lease_holds(self, database: Database, clock: FrozenClock) -> None:
        ask(database)
        with database.transaction() as tx:
            lease = jobs.claim(tx, "slow")
        assert lease
        clock.advance(limits.JOB_LEASE_SECONDS - 1)
        with database.transaction() as tx:
            assert jobs.renew(tx, lease)
        clock.advance(limits.JOB_LEASE_SECONDS - 1)
        assert work(database, {"prepare": Ran()}) == 0

    @pytest.mark.parametrize(
        "end", [jobs.finish, jobs.renew, lambda tx, lease: jobs.fail(tx, lease, "") == ""]
    )
    def test_who_lost_the_lease_has_no_say(
        self, database: Database, clock: FrozenClock, end: Callable[[Transaction, jobs.Lease], bool]
    ) -> None:
        ask(database)
        with database.transaction() as tx:
            slow = jobs.claim(tx, "same name")
        clock.advance(limits.JOB_LEASE_SECONDS)
        with database.transaction() as tx:
            fast = jobs.claim(tx, "same name")
        assert slow
        assert fast
        with database.transaction() as tx:
            assert not end(tx, slow)
            assert jobs.finish(tx, fast)

    def test_a_job_that_kills_each_worker_is_parked(self, database: Database, clock: FrozenClock) -> None:
        ask(database)
        for _ in range(limits.JOB_ATTEMPTS_MAX):
            with database.transaction() as tx:
                assert jobs.claim(tx, "dies")
            clock.advance(limits.JOB_LEASE_SECONDS)
        ran = Ran()
        assert work(database, {"prepare": ran}) == 0
        assert only_job(database).state == jobs.PARKED

    @pytest.mark.postgres
    def test_two_workers_never_claim_the_same_job(self, postgres_database: Database) -> None:
        for _ in range(2):
            ask(postgres_database)
        with postgres_database.transaction() as first, postgres_database.transaction() as second:
            one, two = jobs.claim(first, "one"), jobs.claim(second, "two")
            assert one
            assert two
            assert one.job_id != two.job_id
            assert jobs.claim(second, "two") is None


class TestPeople:
    def test_a_parked_job_runs_again_when_retried(self, database: Database) -> None:
        ask(database)
        work(database, {"prepare": Ran(Invalid("Broken."))})
        jobs.retry_job(database, only_job(database).id)
        assert only_job(database).attempts == 0
        assert work(database, {"prepare": Ran()}) == 1

    def test_all_parked_jobs_run_again_together(self, database: Database) -> None:
        for _ in range(3):
            ask(database, unique_key="series:7")
            work(database, {"prepare": Ran(Invalid("Broken."))})
        assert jobs.counts(database)["parked"] == 3
        assert jobs.retry_all_jobs(database) == 3
        assert work(database, {"prepare": Ran()}) == 1  # Of one key, one is enough.
        assert jobs.counts(database)["done"] == 3

    def test_an_unknown_job_cannot_be_retried(self, database: Database) -> None:
        with pytest.raises(NotFound):
            jobs.retry_job(database, "nothing")

    def test_a_waiting_job_cannot_be_retried(self, database: Database) -> None:
        ask(database)
        with pytest.raises(Conflict, match="waiting"):
            jobs.retry_job(database, only_job(database).id)

    def test_a_list_shows_what_is_not_done_newest_first(self, database: Database, clock: FrozenClock) -> None:
        ask(database, kind="done")
        work(database, {"done": Ran()})
        ask(database, kind="first", delay_seconds=1)
        ask(database, kind="second", delay_seconds=1)
        assert {job.kind for job in jobs.find_jobs(database)} == {"first", "second"}
        assert [job.kind for job in jobs.find_jobs(database, jobs.DONE)] == ["done"]
        assert len(jobs.find_jobs(database, limit=1)) == 1


class TestFacts:
    def test_a_fact_asks_for_a_job(self, database: Database) -> None:
        def prepare_soon(tx: Transaction, payload: dict[str, Any]) -> None:
            jobs.enqueue(tx, "prepare", payload)

        with database.transaction() as tx:
            announce(tx, SeriesGrew(7))
        ran = Ran()
        assert work(database, {"prepare": ran}, {"SeriesGrew": [prepare_soon]}) == 1
        assert ran.payloads == [{"series_ref": 7}]

    def test_a_fact_is_told_to_each_once(self, database: Database) -> None:
        told = []
        reactions = {
            "SeriesGrew": [
                lambda tx, payload: told.append(("one", payload["series_ref"])),
                lambda tx, payload: told.append(("two", payload["series_ref"])),
            ]
        }
        with database.transaction() as tx:
            announce(tx, SeriesGrew(7))
            announce(tx, SeriesGrew(8))
        work(database, {}, reactions)
        work(database, {}, reactions)
        assert told == [("one", 7), ("two", 7), ("one", 8), ("two", 8)]

    def test_a_broken_reaction_stops_no_other_and_is_tried_again(
        self, database: Database, clock: FrozenClock
    ) -> None:
        told = []
        broken = [ZeroDivisionError(), ZeroDivisionError()]

        def breaks(tx: Transaction, payload: dict[str, Any]) -> None:
            jobs.enqueue(tx, "half-done", {})
            if broken:
                raise broken.pop()
            told.append("mended")

        def works(tx: Transaction, payload: dict[str, Any]) -> None:
            told.append("works")

        with database.transaction() as tx:
            announce(tx, SeriesGrew(7))
        reactions = {"SeriesGrew": [breaks, works]}
        work(database, {}, reactions)
        assert told == ["works"]
        assert [job.kind for job in jobs.find_jobs(database)] == [REACT_AGAIN]  # What it began is undone.
        clock.advance(60)
        half_done = Ran()
        work(database, {"half-done": half_done}, reactions)
        assert told == ["works", "mended"]
        assert len(half_done.payloads) == 1

    def test_more_facts_than_a_batch_are_all_told(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "OUTBOX_BATCH_FACTS_MAX", 3)
        told: list[int] = []
        with database.transaction() as tx:
            for number in range(10):
                announce(tx, SeriesGrew(number))
        work(database, {}, {"SeriesGrew": [lambda tx, payload: told.append(payload["series_ref"])]})
        assert told == list(range(10))


def test_old_facts_and_done_jobs_are_trimmed_and_nothing_else(
    database: Database, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TRIM_ROWS_MAX", 2)
    for _ in range(5):
        ask(database)
        with database.transaction() as tx:
            announce(tx, SeriesGrew(7))
    work(database, {"prepare": Ran(Invalid("Broken."))})
    clock.advance(max(limits.OUTBOX_KEEP_SECONDS, limits.JOB_KEEP_SECONDS) + 1)
    with database.transaction() as tx:
        announce(tx, SeriesGrew(8))
    Worker(database, {}, {}).trim()
    assert jobs.counts(database) == {"waiting": 0, "running": 0, "done": 0, "parked": 1}
    with database.read() as tx:
        assert tx.execute(sa.select(outbox.c.payload)).scalars().all() == ['{"series_ref":8}']
