"""Fixtures for the JSON interface: an installation with one administrator, and two clients."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from filmless.compose import System
from filmless.edge.api import create_api
from filmless.infra.database import Database
from frozen_clock import FrozenClock
from web_installation import an_installation, client_of, register, sign_in


@pytest.fixture
def system(database: Database, clock: FrozenClock, tmp_path: Path) -> System:
    return an_installation(database, clock, tmp_path)


@pytest.fixture
def stranger(system: System) -> Iterator[TestClient]:
    """A browser that has not signed in."""
    with client_of(create_api(system)) as client:
        yield client


@pytest.fixture
def anna(system: System, stranger: TestClient) -> TestClient:
    """A browser in which the administrator Anna has signed in."""
    register(system)
    sign_in(stranger)
    return stranger
