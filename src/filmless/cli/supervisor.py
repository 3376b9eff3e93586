"""Start every role as a process, start it again when it falls, end all of them together."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from types import FrameType

from filmless.cli.common import console
from filmless.cli.process import SUPERVISOR_VARIABLE, lock_data_folder
from filmless.compose import ROLES, System, open_system
from filmless.features import access
from filmless.infra.errors import Invalid
from filmless.infra.log import configure_log, get_logger
from filmless.infra.metrics_folder import prepare_metrics_folder
from filmless.infra.migrations import migrate
from filmless.infra.settings import Settings

RESTART_SECONDS_MAX = 30  # Between restarts of a role that keeps falling.
STEADY_SECONDS = 60  # A role that ran this long starts afresh at once.
STOP_SECONDS_MAX = 20  # Then a role that does not stop is killed.
LOOK_SECONDS = 0.2

_log = get_logger()


def supervise(settings: Settings) -> None:
    """Prepare the installation, run all roles until SIGTERM or SIGINT."""
    configure_log(settings.log_format, "supervisor")
    with lock_data_folder(settings.data):
        with open_system(settings) as system:
            before, after = migrate(system.database)
            if before != after:
                _log.info("migrated", before=before, after=after)
            set_up_link = _prepare_first_run(system)
        prepare_metrics_folder(settings.data, clear=True)
        _Supervisor(settings).run(set_up_link)


def _prepare_first_run(system: System) -> str | None:
    """The one-time link for the first administrator, while there is no user."""
    settings = system.settings
    if not access.setup_is_needed(system.access):
        return None
    if settings.binds_beyond_loopback and not settings.public_url.startswith("https://"):
        raise Invalid(
            "There is no user yet, and FILMLESS_BIND lets other machines in. Add the first user with "
            "`filmless user add NAME --role administrator` before opening to the network."
        )
    token = access.create_setup_token(system.access)
    if token is None:  # Somebody made the first account in this very moment.
        return None
    return f"{_base_url(settings)}/setup#{token}"


def _base_url(settings: Settings) -> str:
    host = "localhost" if not settings.binds_beyond_loopback else settings.bind
    return settings.public_url.rstrip("/") or f"http://{host}:{settings.http_port}"


class _Role:
    """One role's process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.falls = 0
        self.start_at = 0.0
        self.started_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "filmless.cli.roles", self.name],
            env={**os.environ, SUPERVISOR_VARIABLE: str(os.getpid())},
        )

    def look(self) -> None:
        """Start the process when it is due; note when it has fallen."""
        if self.process is not None and self.process.poll() is not None:
            ran_seconds = time.monotonic() - self.started_at
            self.falls = 0 if ran_seconds > STEADY_SECONDS else self.falls + 1
            wait_seconds = min(RESTART_SECONDS_MAX, 2**self.falls / 2) if self.falls else 0.0
            _log.error(
                "role_fell", fallen=self.name, exit_code=self.process.returncode, wait_seconds=wait_seconds
            )
            self.start_at, self.process = time.monotonic() + wait_seconds, None
        if self.process is None and time.monotonic() >= self.start_at:
            self.start()


class _Supervisor:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._roles = [_Role(name) for name in ROLES]
        self._stop = threading.Event()

    def run(self, set_up_link: str | None) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        announced = False
        while not self._stop.is_set():
            for role in self._roles:
                role.look()
            if not announced and self._listening():
                self._announce(set_up_link)
                announced = True
            self._stop.wait(LOOK_SECONDS)
        self._end()

    def _on_signal(self, _: int, __: FrameType | None) -> None:
        self._stop.set()

    def _listening(self) -> bool:
        host = self._settings.bind if self._settings.bind not in ("0.0.0.0", "::") else "localhost"
        for port in (self._settings.http_port, self._settings.dicom_port):
            try:
                socket.create_connection((host, port), timeout=1).close()
            except OSError:
                return False
        return True

    def _announce(self, set_up_link: str | None) -> None:
        settings = self._settings
        tls = f" (TLS {settings.dicom_tls_port})" if settings.dicom_tls_port else ""
        console.print(f"\n[bold]Filmless is ready:[/] {_base_url(settings)}", highlight=False)
        console.print(
            f"DICOM: {settings.ae_title} on {settings.bind}, port {settings.dicom_port}{tls}. "
            f"Data: {settings.data.absolute()}",
            highlight=False,
        )
        if set_up_link is not None:
            console.print(
                f"Make the first account (this link works once): [bold]{set_up_link}[/]", highlight=False
            )
        console.print("Stop with Ctrl+C.\n", highlight=False)

    def _end(self) -> None:
        processes = [role.process for role in self._roles if role.process is not None]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS_MAX
        for process in processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        _log.info("stopped")
