"""The worker of one installation: tells facts to those who react, and runs jobs.

REACTIONS and `jobs` are the two tables to read when asking what happens when.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from filmless.compose.dimse import dimse_services
from filmless.compose.system import System
from filmless.edge.dimse import availability, commitment_jobs
from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.our_side import OurSide
from filmless.edge.dimse.prefetch import Prefetcher
from filmless.edge.dimse.remote import Puller
from filmless.edge.dimse.transmit import Transmitter
from filmless.features import access, archive, commitment, routing
from filmless.infra import limits
from filmless.infra.database import Transaction
from filmless.infra.sandbox import Sandbox
from filmless.infra.worker import JobFunction, Worker

# Transmissions, pulls and a prefetch may wait for slow peers; two threads are left for all other work.
THREADS = limits.TRANSMISSIONS_AT_ONCE_MAX + limits.PULLS_AT_ONCE_MAX + 3

Reaction = Callable[[Transaction, Mapping[str, Any]], None]

REACTIONS: Mapping[str, Sequence[Reaction]] = {
    "SeriesGrew": (
        archive.prepare_series_soon,
        commitment.announce_availability_soon,
        routing.route_study_soon,
    ),
    "StepScheduled": (routing.prefetch_soon,),
    "PatientArrived": (routing.prefetch_soon,),
    "InstanceQuarantined": (),  # Told to open screens by `edge/api/live.py`, which reads the outbox itself.
}


def jobs(system: System, sandbox: Sandbox) -> Mapping[str, JobFunction]:
    """Background work by kind."""
    services = dimse_services(system, sandbox)
    committing = access.system_actor("commitment")
    puller = Puller(OurSide.of(system.settings, system.archive))
    return {
        archive.PREPARE_SERIES: lambda payload: archive.prepare_series(
            system.archive, sandbox, payload["series_ref"]
        ),
        archive.SWEEP_ORPHANS: lambda _: archive.sweep_orphans(system.archive),
        commitment.VERIFY_COMMITMENT: lambda payload: commitment_jobs.verify_commitment(
            services, payload["request_id"]
        ),
        commitment.REPORT_COMMITMENT: lambda payload: commitment_jobs.report_commitment(
            services, payload["request_id"]
        ),
        commitment.ASK_COMMITMENT: lambda payload: commitment_jobs.ask_commitment(
            services, payload["request_id"]
        ),
        commitment.TEND_COMMITMENTS: lambda _: commitment.tend_commitments(system.database),
        commitment.ANNOUNCE_AVAILABILITY: lambda payload: commitment.announce_availability(
            system.archive, committing, payload["study_instance_uid"]
        ),
        commitment.TELL_AVAILABILITY: lambda payload: availability.tell_availability(
            services, payload["notice_id"]
        ),
        archive.PULL_STUDY: lambda payload: puller.pull_study(payload["pull_id"]),
        **routing_jobs(system, services),
    }


def routing_jobs(system: System, services: Services) -> Mapping[str, JobFunction]:
    """What rules send, and what is fetched beforehand."""
    zone = system.settings.zone
    places = threading.BoundedSemaphore(limits.TRANSMISSIONS_AT_ONCE_MAX)
    transmitter, prefetcher = Transmitter(services, zone, places=places), Prefetcher(services)
    router = access.system_actor("routing")
    return {
        routing.ROUTE_STUDY: lambda payload: routing.route_study(
            system.database, router, payload["study_instance_uid"], zone
        ),
        routing.TRANSMIT: lambda payload: transmitter.transmit(payload["destination"]),
        routing.COMMIT_TRANSMISSION: lambda payload: transmitter.ask_for_commitment(
            payload["transmission_id"]
        ),
        routing.TRIM_TRANSMISSIONS: lambda _: routing.trim_transmissions(system.database),
        routing.PREFETCH_PRIORS: prefetcher.prefetch,
    }


@contextmanager
def create_worker(system: System) -> Iterator[Worker]:
    """The worker of this installation; its sandbox ends with the block."""
    with system.database.transaction() as tx:
        archive.sweep_orphans_soon(tx)
        commitment.tend_commitments_soon(tx)
        routing.trim_transmissions_soon(tx)
        routing.wake_transmissions(tx)
    with Sandbox(modules_to_preload=archive.SANDBOX_MODULES) as sandbox:
        yield Worker(system.database, jobs(system, sandbox), REACTIONS, threads=THREADS)
