"""The database: SQLite in one file or a PostgreSQL server, with the same tables and the same verbs.

A `Transaction` is either read (a snapshot) or write; facts are announced inside it and become outbox rows of
the same commit. SQLite runs in WAL mode with synchronous=FULL: a commit survives a power cut, which is what
"stored" means here. Not here: any table (each feature has its own `tables.py`), the schema's history
(`migrations/`). Start at `Database.transaction`.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url

from filmless.infra import limits
from filmless.infra.clock import Clock
from filmless.infra.errors import Unavailable

WORK_CHANNEL = "filmless_work"  # PostgreSQL: what workers LISTEN to.
WAKE_SECONDS_MIN = 0.1  # A worker once woken keeps looking for a while: one bell a burst is enough.

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_microseconds(instant: datetime) -> int:
    """Microseconds since 1970 in UTC; the instant must be aware."""
    assert instant.tzinfo is not None  # A naive time is somebody's local time, and we do not know whose.
    return (instant - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(value: int) -> datetime:
    """The aware UTC instant of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=value)


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware UTC instant, kept as microseconds since 1970: the same number on both databases."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002
        """To the column's integer."""
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """From the column's integer."""
        return None if value is None else from_microseconds(value)


# SQLite numbers rows only for a column declared exactly INTEGER; PostgreSQL wants 64 bits.
RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Transaction:
    """One open transaction; ends with its `with` block, committed unless an exception leaves it."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self.wakes_workers = False  # Set by whoever leaves work behind: the commit then rings the bell.
        self._is_sqlite = connection.dialect.name == "sqlite"

    @property
    def is_sqlite(self) -> bool:
        """Whether this runs on SQLite; for the few statements whose text must differ."""
        return self._is_sqlite

    def execute(self, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]:
        """Run a SQLAlchemy Core statement."""
        return self.connection.execute(statement, parameters)

    def fast(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Run SQL text with `?` places on the driver itself (hot paths); returns the driver's cursor."""
        driver: Any = self.connection.connection.driver_connection
        return driver.execute(sql if self._is_sqlite else sql.replace("?", "%s"), parameters)

    def fast_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one SQL text for many rows on the driver itself."""
        driver: Any = self.connection.connection.driver_connection
        if self._is_sqlite:
            driver.executemany(sql, rows)
        else:
            with driver.cursor() as cursor:
                cursor.executemany(sql.replace("?", "%s"), rows)


class Database:
    """Connections to one database; safe for any number of threads."""

    def __init__(self, url: str | URL, clock: Clock) -> None:
        self.url = make_url(url)
        self.clock = clock
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        # In one process writers queue here instead of polling SQLite's file lock; PostgreSQL needs no queue.
        self._write_queue = threading.Lock()
        self._writer: int | None = None
        self._write_connection: sa.Connection | None = None  # Used under the write queue only.
        self._woken_at = 0.0
        self.engine = self._sqlite_engine() if self.is_sqlite else self._postgresql_engine()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A write transaction: commits at the end of the block, rolls back if an exception leaves it.

        Raises Unavailable when the database cannot be reached, is full, or stays locked too long.
        """
        with self._writing(), self._begin(write=True) as tx:
            yield tx
        if tx.wakes_workers and not self.is_sqlite:
            self._wake_workers()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A read transaction on one snapshot; raises Unavailable as `transaction` does."""
        with self._begin(write=False) as tx:
            yield tx

    def close(self) -> None:
        """Close all connections."""
        if self._write_connection is not None:
            self._write_connection.close()
            self._write_connection = None
        self.engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        assert self._writer != threading.get_ident()  # A transaction inside a transaction waits for itself.
        if not self._write_queue.acquire(timeout=limits.DATABASE_BUSY_SECONDS_MAX):
            raise Unavailable("The database is busy with another long write. Try again later.")
        self._writer = threading.get_ident()
        try:
            yield
        finally:
            self._writer = None
            self._write_queue.release()

    @contextmanager
    def _begin(self, *, write: bool) -> Iterator[Transaction]:
        try:
            with self._connected(write=write) as connection, connection.begin():
                yield Transaction(connection, self.clock.now())
        except sa.exc.TimeoutError as error:
            raise Unavailable("All database connections are in use. Try again in a moment.") from error
        except (sa.exc.DBAPIError, sqlite3.DatabaseError, psycopg.Error) as error:
            if _is_our_bug(getattr(error, "orig", None) or error):
                raise
            raise Unavailable(
                f"The database does not answer ({_plain_reason(error)}). Try again later."
            ) from error

    @contextmanager
    def _connected(self, *, write: bool) -> Iterator[sa.Connection]:
        """A connection of the pool; for writes on SQLite always the same one, for only one can write."""
        if not (write and self.is_sqlite):
            with self.engine.connect() as connection:
                connection.execution_options(**self._options(write=write))
                yield connection
            return
        if self._write_connection is None:
            self._write_connection = self.engine.connect().execution_options(filmless_write=True)
        try:
            yield self._write_connection
        except BaseException:
            self._write_connection.close()  # Whatever state it was left in, the next writer gets a new one.
            self._write_connection = None
            raise

    def _options(self, *, write: bool) -> dict[str, Any]:
        if self.is_sqlite or write:
            return {"filmless_write": write}
        return {
            "isolation_level": "REPEATABLE READ",
            "postgresql_readonly": True,
        }  # One snapshot, as in SQLite.

    def _wake_workers(self) -> None:
        # After the commit, not in it: NOTIFY takes a lock that would let only one commit of all machines
        # flush at a time. A lost bell costs a worker one turn of its slow poll.
        if time.monotonic() - self._woken_at < WAKE_SECONDS_MIN:
            return
        self._woken_at = time.monotonic()
        with suppress(sa.exc.SQLAlchemyError, psycopg.Error), self.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql(
                "SELECT set_config('synchronous_commit', 'off', true), pg_notify(%s, '')", (WORK_CHANNEL,)
            )

    def _sqlite_engine(self) -> sa.Engine:
        assert self.url.database  # An in-memory database would be a different one in each thread.
        Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(
            self.url,
            hide_parameters=True,  # Parameters are data of patients; messages reach logs.
            pool_size=16,
            max_overflow=48,
            pool_timeout=limits.DATABASE_BUSY_SECONDS_MAX,
            connect_args={"timeout": limits.DATABASE_BUSY_SECONDS_MAX, "check_same_thread": False},
        )

        @event.listens_for(engine, "connect")
        def configure(connection: sqlite3.Connection, _: Any) -> None:
            connection.isolation_level = None  # We say BEGIN ourselves: the driver would begin too late.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # NORMAL may lose the last commits: never here.
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA cache_size = -65536")  # KiB: the upper levels of every index.
            connection.execute("PRAGMA temp_store = MEMORY")
            # The log grows to 4 MiB and is then written over: while it grows, a commit costs the file
            # system one more journal write. With 16 MiB a fresh server stored a tenth less.
            connection.execute("PRAGMA wal_autocheckpoint = 1000")

        @event.listens_for(engine, "begin")
        def begin(connection: sa.Connection) -> None:
            # A write transaction takes the lock at once: upgrading a read can fail with a stale snapshot.
            write = connection.get_execution_options().get("filmless_write", True)
            driver: Any = connection.connection.driver_connection
            driver.execute("BEGIN IMMEDIATE" if write else "BEGIN")

        return engine

    def _postgresql_engine(self) -> sa.Engine:
        return sa.create_engine(
            self.url,
            hide_parameters=True,
            pool_size=16,
            max_overflow=32,
            pool_timeout=limits.DATABASE_BUSY_SECONDS_MAX,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 5, "application_name": "filmless"},
        )


def _plain_reason(error: BaseException) -> str:
    """The driver's first line without SQL text or parameters, which could carry data of patients."""
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().split("\n", maxsplit=1)[0][:200]


def _is_our_bug(error: BaseException) -> bool:
    """Whether trying later cannot help: a wrong statement, a broken constraint; no database in trouble."""
    if isinstance(error, sqlite3.DatabaseError):
        return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in (
            sqlite3.SQLITE_ERROR,
            sqlite3.SQLITE_CONSTRAINT,
            sqlite3.SQLITE_MISMATCH,
            sqlite3.SQLITE_MISUSE,
            sqlite3.SQLITE_RANGE,
        )
    return not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
