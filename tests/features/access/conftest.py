"""Fixtures for access: cheap password hashes, one administrator."""

import pytest

from filmless.features import audit
from filmless.features.access import (
    Access,
    Actor,
    NewUser,
    PasswordHashes,
    Role,
    User,
    add_user,
    system_actor,
)
from filmless.infra.database import Database

GOOD_PASSWORD = "four plain words here"


@pytest.fixture
def access(database: Database) -> Access:
    return Access(database, audit.record, PasswordHashes(time_cost=1, memory_kib=8))


@pytest.fixture
def console() -> Actor:
    return system_actor("console")


@pytest.fixture
def anna(access: Access, console: Actor) -> User:
    return add_user(access, console, NewUser("Anna", Role.ADMINISTRATOR, GOOD_PASSWORD, "Anna Example"))
