"""Fixtures of routing: an archive with a CT study, two nodes to send to, a rule maker."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from filmless.features.access import system_actor
from filmless.features.archive import Archive, receive_part10
from filmless.features.nodes import NewNode, add_node
from filmless.features.routing import Conditions, Delivery, NewRule, Rule, add_rule
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from made_instances import made_instance

ME = system_actor("test")
NODES = ("PACS2", "VIEWER")


@pytest.fixture
def archive(database: Database, object_store: FolderObjectStore) -> Iterator[Archive]:
    """An empty archive, and nodes that nobody answers for."""
    for title in NODES:
        add_node(database, ME, NewNode(title, "127.0.0.1", 104))
    archive = Archive(database, object_store)
    yield archive
    archive.close()


@pytest.fixture
def receive(archive: Archive) -> Callable[..., None]:
    """`receive(3)` stores slices 1 to 3 of study 1; `receive(2, first=4, calling_ae_title="MR1", …)`."""

    def receive(
        count: int, *, first: int = 1, series: int = 1, calling_ae_title: str = "CT1", **attributes: Any
    ) -> None:
        for number in range(first, first + count):
            file = made_instance(number, series, **attributes)
            receive_part10(archive, ME, calling_ae_title, [file])

    return receive


@pytest.fixture
def make_rule(archive: Archive) -> Callable[..., Rule]:
    """`make_rule("PACS2", modalities=("CT",), quiet_seconds=0)`: conditions and delivery by name."""

    def make(*destinations: str, name: str = "to them", **said: Any) -> Rule:
        conditions = {key: value for key, value in said.items() if key in Conditions.__slots__}
        delivery = {key: value for key, value in said.items() if key in Delivery.__slots__}
        new = NewRule(name, Delivery(destinations, **delivery), Conditions(**conditions))
        return add_rule(archive.database, ME, new)

    return make
