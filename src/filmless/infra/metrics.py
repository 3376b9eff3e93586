"""Figures for Prometheus: every one is declared here, with its name, labels and meaning.

Roles are processes of their own (dimse, web, worker) and `/metrics` is served by one of them, so each writes
its figures into small mapped files of one folder (prometheus-client's multiprocess mode, turned on by
`metrics_folder`) and `render` adds them up. No server to run, nothing to send, and a role that dies keeps its
counts. A process started without that folder keeps its figures in memory.

Labels take few values, never a patient's, a peer's or a path from the wire: each value costs memory for ever.
Counting costs about a microsecond: take `.labels(…)` once and keep it where it matters. Start at `render`.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from filmless.infra.metrics_folder import VARIABLE

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_registry = CollectorRegistry()

INSTANCES = Counter(
    "filmless_instances",
    "Instances received, by how that ended: stored, already_stored, quarantined, refused.",
    ["outcome"],
    registry=_registry,
)
RECEIVED_BYTES = Counter("filmless_received_bytes", "Bytes of data sets stored durably.", registry=_registry)
STORE_SECONDS = Histogram(
    "filmless_store_seconds",
    "From the last byte of an instance to the commit of its index.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0),
    registry=_registry,
)
ASSOCIATIONS_OPEN = Gauge(
    "filmless_associations_open",
    "DICOM associations open now.",
    registry=_registry,
    multiprocess_mode="livesum",
)
ASSOCIATIONS = Counter(
    "filmless_associations",
    "DICOM associations asked for, by how that ended: released, aborted, rejected, lost.",
    ["outcome"],
    registry=_registry,
)
DIMSE_REQUESTS = Counter(
    "filmless_dimse_requests",
    "DIMSE requests answered, by service and class of status: success, warning, failure, cancel.",
    ["service", "status"],
    registry=_registry,
)
HTTP_REQUESTS = Counter(
    "filmless_http_requests",
    "HTTP requests answered, by class of route (api, qido, wado, stow, app) and of status (2xx …).",
    ["route", "status"],
    registry=_registry,
)
HTTP_SECONDS = Histogram(
    "filmless_http_seconds",
    "From a request's head to the start of its answer, by class of route.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0),
    registry=_registry,
)
SIGN_IN_FAILURES = Counter("filmless_sign_in_failures", "Sign-ins refused.", registry=_registry)
JOBS_RUN = Counter(
    "filmless_jobs_run",
    "Attempts at jobs, by kind and how that ended: done, waiting (for another try), parked.",
    ["kind", "outcome"],
    registry=_registry,
)
JOBS = Gauge(
    "filmless_jobs",
    "Jobs by state: waiting, running, done, parked.",
    ["state"],
    registry=_registry,
    multiprocess_mode="livemostrecent",
)
QUARANTINE_WAITING = Gauge(
    "filmless_quarantine_waiting",
    "Instances in quarantine that wait for a person.",
    registry=_registry,
    multiprocess_mode="livemostrecent",
)


def show_backlog(jobs_by_state: Mapping[str, int], quarantine_waiting: int) -> None:
    """Set the figures that the database knows better than any process; call before `render`."""
    for state, count in jobs_by_state.items():
        JOBS.labels(state).set(count)
    QUARANTINE_WAITING.set(quarantine_waiting)


def render() -> bytes:
    """All figures of all processes of this machine, in the text format of Prometheus."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return generate_latest(_registry)
    _forget_dead_processes(Path(folder))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _forget_dead_processes(folder: Path) -> None:
    """What is open or waiting "now" is not so in a process that was killed; its counts stay."""
    for file in folder.glob("gauge_live*.db"):
        process_id = int(file.stem.rsplit("_", 1)[1])
        try:
            os.kill(process_id, 0)
        except ProcessLookupError:
            with suppress(FileNotFoundError):
                file.unlink()
        except PermissionError:
            continue  # Alive, and of another user.
