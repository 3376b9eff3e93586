"""An installation for tests of the web: cheap password hashes, one administrator, clients of an ASGI app.

Not here: the apps themselves; a test makes the one it is about.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from filmless.compose import System
from filmless.features import audit
from filmless.features.access import (
    Access,
    NewUser,
    PasswordHashes,
    Role,
    add_user,
    create_token,
    system_actor,
)
from filmless.features.archive import Archive
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.infra.settings import Settings
from frozen_clock import FrozenClock

GOOD_PASSWORD = "four plain words here"
CONSOLE = system_actor("console")
OPENED: list[FolderObjectStore] = []  # Closed after each test: open files of many tests would add up.


def an_installation(database: Database, clock: FrozenClock, folder: Path, **settings: Any) -> System:
    """An opened installation on this database; `settings` by name."""
    object_store = FolderObjectStore(folder / "objects")
    OPENED.append(object_store)
    access = Access(database, audit.record, PasswordHashes(time_cost=1, memory_kib=8))
    return System(
        Settings(data=folder, **settings),
        clock,
        database,
        object_store,
        Archive(database, object_store),
        access,
    )


def register(system: System, name: str = "anna", role: Role = Role.ADMINISTRATOR) -> None:
    """Somebody with GOOD_PASSWORD."""
    add_user(system.access, CONSOLE, NewUser(name, role, GOOD_PASSWORD, name.capitalize() + " Example"))


def bearer(system: System, name: str = "anna") -> dict[str, str]:
    """The header of a program that acts for the user."""
    return {"Authorization": f"Bearer {create_token(system.access, CONSOLE, name)[0]}"}


@contextmanager
def client_of(app: Any, base_url: str = "http://pacs.test") -> Iterator[TestClient]:
    """A browser-like client: keeps cookies, follows no redirect, sees a 500 as a 500."""
    with TestClient(app, base_url, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


def sign_in(client: TestClient, name: str = "anna", path: str = "/session") -> None:
    """Sign in, and send the CSRF token from then on, as the web application does."""
    answer = client.post(path, json={"user_name": name, "password": GOOD_PASSWORD})
    assert answer.status_code == 200, answer.text
    client.headers["X-CSRF-Token"] = client.cookies["filmless_csrf"]
