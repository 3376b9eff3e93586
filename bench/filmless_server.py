"""Filmless as an administrator would start it: `filmless migrate`, `filmless serve`, on a temporary folder.

The product is seen from outside only: its command line, its ports, its environment. Start at `Filmless`.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.processes import ServerProcess, free_ports

ROOT = Path(__file__).resolve().parent.parent
EXECUTABLE = str(ROOT / ".venv/bin/filmless")
PASSWORD = "bench-only-password-1"


class CommandFailed(Exception):
    """A `filmless` command ended with an error; the message carries what it said."""


def run_command(environment: Mapping[str, str], *words: str, stdin: str = "") -> str:
    """Run one `filmless` command and return its output; raises CommandFailed."""
    done = subprocess.run(
        [EXECUTABLE, *words],
        env={**os.environ, **environment},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommandFailed(f"filmless {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Filmless:
    """A running Filmless; a context manager that kills it and removes its folder at the end."""

    name = "Filmless"
    ae_title = "FILMLESS"
    dicomweb_path = "/dicom-web"

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self._settings = dict(settings or {})

    def __enter__(self) -> "Filmless":
        self._folder = Path(tempfile.mkdtemp(prefix="bench-filmless-"))
        http_port, dicom_port = free_ports(2)
        self.environment = {
            "FILMLESS_DATA": str(self._folder / "data"),
            "FILMLESS_HTTP_PORT": str(http_port),
            "FILMLESS_DICOM_PORT": str(dicom_port),
            "FILMLESS_ACCEPT_UNKNOWN_NODES": "true",
            **self._settings,
        }
        self.dicom_address = ("127.0.0.1", dicom_port)
        self.http_address = ("127.0.0.1", http_port)
        run_command(self.environment, "migrate")
        run_command(
            self.environment,
            "user",
            "add",
            "bench",
            "--role",
            "administrator",
            "--password-stdin",
            stdin=PASSWORD,
        )
        self.token = run_command(self.environment, "token", "create", "--user", "bench").split()[-1]
        self.headers = {"Authorization": f"Bearer {self.token}"}
        self.process = ServerProcess([EXECUTABLE, "serve"], self.environment, self._folder / "log")
        try:
            self.process.wait_ready(f"http://127.0.0.1:{http_port}/readyz", dicom_port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
