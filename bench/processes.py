"""Servers under measurement: start in a group of their own, wait until they answer, weigh, kill.

Shared by `orthanc` and `filmless_server`. Not here: what any server is.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path


class ServerNotReady(Exception):
    """The server ended or did not answer in time; the message carries the end of its log."""


def free_ports(count: int) -> list[int]:
    """Ports on the loopback that nobody used a moment ago; all different."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


class ServerProcess:
    """A command running as the leader of a process group, its output in a log file."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id of the leader, which is also the id of the group."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the leader lives."""
        return self._process.poll() is None

    def wait_ready(self, url: str, dicom_port: int, seconds: float = 60.0) -> None:
        """Return when the URL answers 200 and the DICOM port accepts; raises ServerNotReady."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.is_running:
                break
            with contextlib.suppress(OSError, urllib.error.URLError):
                with urllib.request.urlopen(url, timeout=5) as answer:
                    is_ready = answer.status == 200
                if is_ready:
                    socket.create_connection(("127.0.0.1", dicom_port), timeout=5).close()
                    return
            time.sleep(0.02)
        end = self.log.read_text(errors="replace")[-3000:]
        raise ServerNotReady(f"{url} did not become ready in {seconds:.0f} s. Log:\n{end}")

    def kill(self) -> None:
        """SIGKILL to the whole group, then wait for the leader."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self, seconds: float = 20.0) -> int:
        """SIGTERM to the leader; SIGKILL to the group when it takes too long. Returns the exit status."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.kill()
        return self._process.returncode

    def family(self) -> list[int]:
        """The process ids of the group, leader first."""
        members = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                with contextlib.suppress(OSError):
                    if os.getpgid(int(entry)) == self._process.pid:
                        members.append(int(entry))
        return sorted(members, key=lambda pid: (pid != self._process.pid, pid))

    def listener(self, port: int) -> int:
        """The process of the group that listens on the port; of several holders, the youngest."""
        fields = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        sockets = {
            f"socket:[{one[9]}]" for one in fields if one[1].endswith(f":{port:04X}") and one[3] == "0A"
        }
        holders = [pid for pid in self.family() if sockets & _open_files(pid)]
        if not holders:
            raise ServerNotReady(f"No process of the server listens on port {port}")
        return max(holders)

    def memory_mib(self) -> dict[int, tuple[str, float]]:
        """The last two words of the command line, and resident MiB, of each process of the group."""
        sizes: dict[int, tuple[str, float]] = {}
        for pid in self.family():
            with contextlib.suppress(OSError, IndexError):
                words = (
                    Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
                status = Path(f"/proc/{pid}/status").read_text()
                resident_kib = int(status.split("VmRSS:")[1].split()[0])
                name = " ".join(word.rsplit("/", 1)[-1] for word in words.split()[-2:])
                sizes[pid] = (name, resident_kib / 1024)
        return sizes


def _open_files(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(FileNotFoundError, PermissionError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                found.add(os.readlink(f"/proc/{pid}/fd/{name}"))
    return found
