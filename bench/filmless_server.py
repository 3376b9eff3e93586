"""Filmless as an administrator would start it: `filmless migrate`, `filmless serve`, on a folder of its own.

The product is seen from outside only: its command line, its ports, its environment. Start at `Filmless`.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from bench.folders import new_folder
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
    """A Filmless with one user and a token; a context manager that kills it at the end.

    `folder` holds its data and log and stays; without one, a temporary folder that goes with it. `prepared`
    is another that was prepared: its data folder is copied, which is quicker than to prepare again.
    """

    name = "Filmless"
    ae_title = "FILMLESS"
    dicomweb_path = "/dicom-web"

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        folder: Path | None = None,
        prepared: "Filmless | None" = None,
    ) -> None:
        self.folder = folder or new_folder("filmless")
        http_port, dicom_port = free_ports(2)
        self.http_address = ("127.0.0.1", http_port)
        self.dicom_address = ("127.0.0.1", dicom_port)
        self.environment = {
            "FILMLESS_DATA": str(self.folder / "data"),
            "FILMLESS_HTTP_PORT": str(http_port),
            "FILMLESS_DICOM_PORT": str(dicom_port),
            "FILMLESS_DICOM_TLS_PORT": "0",
            "FILMLESS_ACCEPT_UNKNOWN_NODES": "true",
            **(settings or {}),
        }
        self.token = ""
        self._prepared = prepared
        self.process: ServerProcess

    @property
    def http_url(self) -> str:
        """Where the web server answers."""
        return f"http://127.0.0.1:{self.http_address[1]}"

    @property
    def headers(self) -> dict[str, str]:
        """Headers that sign an HTTP request in."""
        return {"Authorization": f"Bearer {self.token}"}

    def prepare(self) -> None:
        """Make the database, a user who may do everything, and a token."""
        if self._prepared is not None:
            data = self._prepared.environment["FILMLESS_DATA"]
            shutil.copytree(data, self.environment["FILMLESS_DATA"])
            self.token = self._prepared.token
            return
        environment = self.environment
        run_command(environment, "migrate")
        words = ("user", "add", "bench", "--role", "administrator", "--password-stdin")
        run_command(environment, *words, stdin=PASSWORD)
        self.token = run_command(environment, "token", "create", "--user", "bench").split()[-1]

    def start(self) -> None:
        """Start the servers and wait until they answer; nothing else is done to make them start."""
        self.process = ServerProcess([EXECUTABLE, "serve"], self.environment, self.folder / "log")
        try:
            self.process.wait_ready(f"{self.http_url}/readyz", self.dicom_address[1])
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """SIGKILL to all of its processes at once."""
        self.process.kill()

    def __enter__(self) -> "Filmless":
        self.prepare()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
