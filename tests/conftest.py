"""Fixtures that all tests share: a clock, a database of each kind, an object store.

`database` runs a test twice, on SQLite and on a real PostgreSQL server; `sqlite_database` and
`postgres_database` once. Each test gets a fresh, migrated database: a copy of one made once a session.
The server starts with the first test that needs it and dies with the session, also when that is killed.
"""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from filmless.infra.database import Database
from filmless.infra.migrations import migrate
from filmless.infra.object_store.folder import FolderObjectStore
from frozen_clock import FrozenClock
from postgres_server import PostgresServer
from web_installation import OPENED

_numbers = itertools.count(1)
# pytest-xdist sets it for its workers, and rich keeps for ever the width that it finds when it is imported.
os.environ.pop("COLUMNS", None)


@pytest.fixture
def clock() -> FrozenClock:
    """The clock of the test's databases."""
    return FrozenClock()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite-template") / "filmless.sqlite3"
    database = Database(f"sqlite:///{path}", FrozenClock())
    migrate(database)
    database.close()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server with a migrated database `filmless_template`, to be copied."""
    server = PostgresServer()
    try:
        server.run("CREATE DATABASE filmless_template")
        database = Database(server.url("filmless_template"), FrozenClock())
        migrate(database)
        database.close()
        yield server
    finally:
        server.stop()


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path, clock: FrozenClock) -> Iterator[Database]:
    """A fresh, migrated SQLite database."""
    path = tmp_path / "filmless.sqlite3"
    shutil.copyfile(sqlite_template, path)
    database = Database(f"sqlite:///{path}", clock)
    yield database
    database.close()


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database without tables."""
    name = f"empty_{next(_numbers)}"
    postgres_server.run(f"CREATE DATABASE {name}")
    yield postgres_server.url(name)
    postgres_server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_database(postgres_server: PostgresServer, clock: FrozenClock) -> Iterator[Database]:
    """A fresh, migrated PostgreSQL database."""
    name = f"test_{next(_numbers)}"
    postgres_server.run(f"CREATE DATABASE {name} TEMPLATE filmless_template STRATEGY FILE_COPY")
    database = Database(postgres_server.url(name), clock)
    yield database
    database.close()
    postgres_server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Database:
    """A fresh, migrated database of each kind in turn."""
    made: Database = request.getfixturevalue(f"{request.param}_database")
    return made


@pytest.fixture(autouse=True)
def close_object_stores() -> Iterator[None]:
    """What `web_installation` opened in a test is closed after it."""
    yield
    while OPENED:
        OPENED.pop().close()


@pytest.fixture
def object_store(tmp_path: Path) -> Iterator[FolderObjectStore]:
    """An empty object store in the test's folder."""
    store = FolderObjectStore(tmp_path / "objects")
    yield store
    store.close()
