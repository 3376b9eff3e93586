"""One role in one process: the DICOM server, the web server, or the worker.

Each imports its own part of `compose` when it runs: the DICOM server needs no web framework in its memory.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from filmless.cli.process import die_with_supervisor
from filmless.compose import open_system
from filmless.infra.errors import Unavailable
from filmless.infra.log import configure_log, get_logger
from filmless.infra.settings import Settings

# A sender's thread holds the interpreter for a tenth of a millisecond at a time and lets go of it by itself
# when it waits for socket or disk. Taking it away earlier (the default is 5 ms) only makes threads wait in
# turns: measured here, a tenth more images a second.
SWITCH_INTERVAL_SECONDS = 0.05
WORKER_NICENESS = 10  # Background work waits for senders and readers, not they for it.

_log = get_logger()


def run_role(role: str, settings: Settings) -> None:
    """Run the role until SIGTERM or SIGINT."""
    die_with_supervisor()
    configure_log(settings.log_format, role)
    {"dimse": _run_dimse, "web": _run_web, "worker": _run_worker}[role](settings)


def _on_stop_signal(stop: Callable[[], None]) -> None:
    def on_signal(_: int, __: FrameType | None) -> None:
        stop()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)


def _run_dimse(settings: Settings) -> None:
    from filmless.compose.dimse import create_dimse_server

    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    stop = threading.Event()
    _on_stop_signal(stop.set)
    with open_system(settings) as system, create_dimse_server(system) as server:
        try:
            server.start()
        except OSError as error:
            raise Unavailable(
                f"Port {settings.dicom_port} on {settings.bind} cannot be used ({error.strerror}). "
                "Choose another with FILMLESS_DICOM_PORT, or stop what uses it."
            ) from error
        where = {"bind": settings.bind, "ae_title": settings.ae_title}
        _log.info("listening", port=server.port, tls_port=server.tls_port, **where)
        stop.wait()
        server.stop()


def _run_worker(settings: Settings) -> None:
    from filmless.compose.worker import create_worker

    os.nice(WORKER_NICENESS)
    with open_system(settings) as system, create_worker(system) as worker:
        _on_stop_signal(worker.stop)
        worker.run()


def _run_web(settings: Settings) -> None:
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    _log.info("listening", port=settings.http_port, bind=settings.bind)
    Granian(
        "filmless.compose.web:application",
        factory=True,
        interface=Interfaces.ASGI,
        address=settings.bind,
        port=settings.http_port,
        workers=settings.workers,
        log_access=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=5,
    ).serve()


if __name__ == "__main__":
    run_role(sys.argv[1], Settings.load())
