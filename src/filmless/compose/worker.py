"""The worker of one installation: tells facts to those who react, and runs jobs.

REACTIONS and `jobs` are the two tables to read when asking what happens when.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from filmless.compose.system import System
from filmless.features import archive
from filmless.infra.database import Transaction
from filmless.infra.sandbox import Sandbox
from filmless.infra.worker import JobFunction, Worker

Reaction = Callable[[Transaction, Mapping[str, Any]], None]

REACTIONS: Mapping[str, Sequence[Reaction]] = {
    "SeriesGrew": (archive.prepare_series_soon,),
    "InstanceQuarantined": (),  # Told to open screens by `edge/api/live.py`, which reads the outbox itself.
}


def jobs(system: System, sandbox: Sandbox) -> Mapping[str, JobFunction]:
    """Background work by kind."""
    return {
        archive.PREPARE_SERIES: lambda payload: archive.prepare_series(
            system.archive, sandbox, payload["series_ref"]
        ),
        archive.SWEEP_ORPHANS: lambda _: archive.sweep_orphans(system.archive),
    }


@contextmanager
def create_worker(system: System) -> Iterator[Worker]:
    """The worker of this installation; its sandbox ends with the block."""
    with system.database.transaction() as tx:
        archive.sweep_orphans_soon(tx)
    with Sandbox(modules_to_preload=archive.SANDBOX_MODULES) as sandbox:
        yield Worker(system.database, jobs(system, sandbox), REACTIONS)
