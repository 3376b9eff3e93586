"""Fixtures for DICOMweb: the application in this process, asked as a browser asks."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from filmless.edge.dicomweb import create_dicomweb
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
from filmless.features.archive import Archive, Viewing
from filmless.infra.clock import Clock
from filmless.infra.database import Database
from filmless.infra.object_store.base import ObjectStore
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.infra.sandbox import Sandbox
from filmless.infra.settings import Settings
from frozen_clock import FrozenClock


@dataclass(frozen=True)
class Installation:
    """What the composition root would open."""

    settings: Settings
    clock: Clock
    database: Database
    object_store: ObjectStore
    archive: Archive
    access: Access


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(workers=1) as sandbox:
        yield sandbox


@pytest.fixture
def archive(sqlite_database: Database, object_store: FolderObjectStore) -> Archive:
    return Archive(sqlite_database, object_store)


@pytest.fixture
def installation(archive: Archive, object_store: FolderObjectStore, clock: FrozenClock) -> Installation:
    database = archive.database
    access = Access(database, audit.record, PasswordHashes(time_cost=1, memory_kib=8))
    return Installation(Settings(), clock, database, object_store, archive, access)


@pytest.fixture
def stranger(installation: Installation, sandbox: Sandbox) -> Iterator[TestClient]:
    """A client that nobody knows."""
    viewing = Viewing(installation.archive, sandbox)
    application = Starlette(routes=[Mount("/dicom-web", create_dicomweb(installation, viewing))])
    with TestClient(application, base_url="http://localhost:8000") as client:
        yield client


@pytest.fixture
def client(stranger: TestClient, installation: Installation) -> TestClient:
    """A client with the token of a technologist, who may read and store."""
    console = system_actor("console")
    user = NewUser("tech", Role.TECHNOLOGIST, "four plain words here", "A Technologist")
    add_user(installation.access, console, user)
    secret, _ = create_token(installation.access, console, "tech")
    stranger.headers["Authorization"] = f"Bearer {secret}"
    return stranger
