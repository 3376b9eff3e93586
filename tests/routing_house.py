"""An installation with a worker that runs when it is told to, for tests of what it sends to others.

`house` is a fixture; facts are told and jobs run in the thread of the test, on the test's clock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from builders import a_ct_slice, part10
from filmless.compose import System
from filmless.compose.dimse import dimse_services
from filmless.compose.worker import REACTIONS, routing_jobs
from filmless.edge.dimse import transmit
from filmless.features import routing
from filmless.features.access import system_actor
from filmless.features.archive import receive_part10
from filmless.features.nodes import NewNode, NodeNotFound, add_node, get_node, remove_node
from filmless.features.routing import SendRequest, Transmission
from filmless.infra import limits
from filmless.infra.database import Database
from filmless.infra.sandbox import Sandbox
from filmless.infra.worker import Worker
from frozen_clock import FrozenClock
from web_installation import an_installation

ME = system_actor("test")
ROOT = "1.2.826.0.1.3680043.10.1000"
STUDY = f"{ROOT}.1"
VIENNA = ZoneInfo("Europe/Vienna")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(workers=1) as sandbox:
        yield sandbox


class Progress:
    """What is done with each word about progress; a test may listen, or let the worker die of it."""

    def __init__(self) -> None:
        self.record: Callable[..., bool] = routing.record_progress

    def __call__(self, *arguments: Any) -> bool:
        return self.record(*arguments)


@dataclass
class House:
    """An installation, its worker, and short words for what the tests do with it."""

    system: System
    worker: Worker
    progress: Progress
    places: threading.Semaphore
    clock: FrozenClock

    @property
    def database(self) -> Database:
        return self.system.database

    def knows(self, ae_title: str, port: int) -> None:
        """Register the node, or move it."""
        try:
            get_node(self.database, ae_title)
            remove_node(self.database, ME, ae_title)
        except NodeNotFound:
            pass
        add_node(self.database, ME, NewNode(ae_title, "127.0.0.1", port))

    def holds(self, count: int, first: int = 1) -> None:
        for number in range(first, first + count):
            receive_part10(self.system.archive, ME, "CT1", [part10(a_ct_slice(number))])

    def sends(self, ae_title: str = "ARCHIVE", **said: object) -> Transmission:
        request = SendRequest(STUDY, (ae_title,), **said)  # type: ignore[arg-type]
        return routing.send_study(self.database, ME, request)[0]

    def works(self, seconds: float = 0) -> None:
        """Let time pass, then do what is due."""
        self.clock.advance(seconds)
        self.worker.run_pending()

    def now(self, transmission: Transmission) -> Transmission:
        return routing.get_transmission(self.database, ME, transmission.id)


@pytest.fixture
def house(database: Database, clock: FrozenClock, tmp_path: Path, sandbox: Sandbox) -> House:
    system = an_installation(database, clock, tmp_path)
    services = dimse_services(system, sandbox)
    progress = Progress()
    places = threading.BoundedSemaphore(limits.TRANSMISSIONS_AT_ONCE_MAX)
    transmitter = transmit.Transmitter(services, VIENNA, places=places, record_progress=progress)
    functions = {
        **routing_jobs(system, services),
        routing.TRANSMIT: lambda payload: transmitter.transmit(payload["destination"]),
    }
    reactions = {
        kind: [one for one in those if one is routing.route_study_soon] for kind, those in REACTIONS.items()
    }
    return House(system, Worker(database, functions, reactions), progress, places, clock)
