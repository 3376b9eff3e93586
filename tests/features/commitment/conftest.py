"""Fixtures of the commitment feature's tests: an archive, and a node to talk to."""

import pytest

from filmless.features.access import system_actor
from filmless.features.archive import Archive
from filmless.features.nodes import NewNode, add_node
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore


@pytest.fixture
def archive(database: Database, object_store: FolderObjectStore) -> Archive:
    return Archive(database, object_store)


@pytest.fixture
def remote(database: Database) -> str:
    """A node to ask and to tell, by AE title."""
    add_node(database, system_actor("test"), NewNode("REMOTE", "remote.example.org", 104))
    return "REMOTE"
