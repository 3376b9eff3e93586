"""The promises of a transaction, on SQLite and on PostgreSQL alike."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from filmless.infra import limits
from filmless.infra.database import Database, from_microseconds, to_microseconds
from filmless.infra.errors import Unavailable
from filmless.infra.outbox import announce, outbox
from frozen_clock import FrozenClock
from postgres_server import PostgresServer


@dataclass(frozen=True)
class SomethingHappened:
    number: int


def facts(database: Database) -> list[str]:
    with database.read() as tx:
        return [row.payload for row in tx.execute(sa.select(outbox.c.payload).order_by(outbox.c.id))]


def test_sqlite_keeps_what_it_committed_through_a_power_cut(sqlite_database: Database) -> None:
    with sqlite_database.read() as tx:
        pragma = {
            name: tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_committed_fact_is_there(database: Database) -> None:
    with database.transaction() as tx:
        announce(tx, SomethingHappened(1))
    assert facts(database) == ['{"number":1}']


def test_a_failed_transaction_leaves_no_outbox_row(database: Database) -> None:
    def announce_and_fail() -> None:
        with database.transaction() as tx:
            announce(tx, SomethingHappened(1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        announce_and_fail()
    assert facts(database) == []


def test_a_foreign_key_is_held(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.transaction() as tx:
        tx.execute(
            sa.text(
                "INSERT INTO prepared_series (series_ref, last_instance_ref, number_of_instances,"
                " metadata_gzip, prepared_at) VALUES (4711, 1, 1, '', 0)"
            )
        )


def test_a_wrong_statement_is_our_bug_and_not_a_database_in_trouble(database: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError), database.read() as tx:
        tx.execute(sa.text("SELECT nothing FROM nowhere"))


def test_messages_of_the_driver_carry_no_parameters(database: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError) as caught, database.read() as tx:
        tx.execute(sa.text("SELECT * FROM nowhere WHERE patient_name = :name"), {"name": "Doe^Jane"})
    assert "Doe" not in str(caught.value)


@pytest.mark.parametrize("write", [True, False])
def test_a_gone_postgres_is_unavailable(postgres_server: PostgresServer, write: bool) -> None:
    database = Database("postgresql+psycopg://postgres@/nothing?host=/nowhere", FrozenClock())
    with (
        pytest.raises(Unavailable, match="does not answer"),
        database.transaction() if write else database.read(),
    ):
        pass


@pytest.mark.postgres
def test_a_connection_that_breaks_in_a_transaction_is_unavailable_and_the_next_one_works(
    postgres_database: Database,
) -> None:
    def announce_and_break() -> None:
        with postgres_database.transaction() as tx:
            announce(tx, SomethingHappened(1))
            own = tx.fast("SELECT pg_backend_pid()").fetchone()[0]
            with postgres_database.read() as other:
                other.fast("SELECT pg_terminate_backend(?)", (own,))
            tx.fast("SELECT 1")

    with pytest.raises(Unavailable):
        announce_and_break()
    with postgres_database.transaction() as tx:
        announce(tx, SomethingHappened(2))
    assert facts(postgres_database) == ['{"number":2}']


def test_a_sqlite_that_stays_locked_is_unavailable(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DATABASE_BUSY_SECONDS_MAX", 0)
    impatient = Database(sqlite_database.url, FrozenClock())
    with sqlite_database.transaction(), pytest.raises(Unavailable, match="locked"), impatient.transaction():
        pass
    impatient.close()


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "filmless.sqlite3").write_bytes(b"not a database" * 100)
    database = Database(f"sqlite:///{tmp_path / 'filmless.sqlite3'}", FrozenClock())
    with pytest.raises(Unavailable, match="not a database"), database.read():
        pass


def test_a_reader_sees_one_snapshot(database: Database) -> None:
    with database.read() as reader:
        count = sa.select(sa.func.count()).select_from(outbox)
        assert reader.execute(count).scalar_one() == 0
        with database.transaction() as tx:
            announce(tx, SomethingHappened(1))
        assert reader.execute(count).scalar_one() == 0


def test_writers_take_turns(database: Database) -> None:
    """Each thread reads a count and writes one more: a lost update would leave the last one short."""

    def count_up() -> None:
        for _ in range(10):
            with database.transaction() as tx:
                if not tx.is_sqlite:
                    tx.fast("LOCK TABLE outbox IN EXCLUSIVE MODE")
                count = tx.execute(sa.select(sa.func.count()).select_from(outbox)).scalar_one()
                announce(tx, SomethingHappened(count))

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert facts(database) == [f'{{"number":{number}}}' for number in range(40)]


INSTANTS = [
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 1, 31, 9, 0, 0, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 1, 31, 9, 0, tzinfo=timezone(timedelta(hours=5, minutes=45))),
]


@pytest.mark.parametrize("instant", INSTANTS)
def test_an_instant_comes_back_as_it_went(instant: datetime) -> None:
    assert from_microseconds(to_microseconds(instant)) == instant


def test_an_instant_survives_the_database(database: Database) -> None:
    database.clock.set(INSTANTS[3])  # type: ignore[attr-defined]
    with database.transaction() as tx:
        announce(tx, SomethingHappened(1))
    with database.read() as tx:
        assert tx.execute(sa.select(outbox.c.announced_at)).scalar_one() == INSTANTS[3]
