"""What an administrator reads about background work."""

import io

import pytest
from rich.console import Console

from filmless.cli.jobs import list_jobs, retry_jobs
from filmless.infra import jobs
from filmless.infra.database import Database
from filmless.infra.errors import Invalid, NotFound
from filmless.infra.worker import Worker


def listed(database: Database, state: str | None = None) -> str:
    console = Console(file=io.StringIO(), width=160)
    list_jobs(database, state, 50, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def retried(database: Database, job_id: str | None) -> str:
    console = Console(file=io.StringIO(), width=160)
    retry_jobs(database, job_id, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def park_a_job(database: Database) -> None:
    def fails(payload: object) -> None:
        raise Invalid("No [such] transfer syntax.")

    with database.transaction() as tx:
        jobs.enqueue(tx, "prepare-series", {"series_ref": 7})
    Worker(database, {"prepare-series": fails}, {}).run_pending()


def test_an_idle_system_says_so(sqlite_database: Database) -> None:
    said = listed(sqlite_database)
    assert "No job waits, runs or failed." in said
    assert "0 waiting, 0 running, 0 done, 0 parked" in said
    assert "No job is parked." in listed(sqlite_database, "parked")
    assert "No job is parked." in retried(sqlite_database, None)


def test_a_parked_job_is_shown_with_its_error_and_the_way_out(sqlite_database: Database) -> None:
    park_a_job(sqlite_database)
    said = listed(sqlite_database)
    for text in ("prepare-series", "parked", "No [such] transfer syntax.", "filmless job retry"):
        assert text in said


@pytest.mark.parametrize("all_of_them", [False, True])
def test_a_parked_job_is_retried(sqlite_database: Database, all_of_them: bool) -> None:
    park_a_job(sqlite_database)
    job_id = jobs.find_jobs(sqlite_database)[0].id
    assert "will run again" in retried(sqlite_database, None if all_of_them else job_id)
    assert jobs.counts(sqlite_database)["waiting"] == 1


def test_an_unknown_state_or_job_is_explained(sqlite_database: Database) -> None:
    with pytest.raises(Invalid, match="waiting, running, done, parked"):
        listed(sqlite_database, "asleep")
    with pytest.raises(NotFound):
        retried(sqlite_database, "x")
