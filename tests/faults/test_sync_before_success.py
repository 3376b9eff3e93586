"""Success is the last thing that happens: seen from the kernel, with strace, in four associations at once.

For each C-STORE-RSP on a socket, in the order of the calls: the object's file was fdatasynced after its last
byte and its folder fsynced after it was made; then the index's log was written with the instance's UID, and
synced; only then the answer begins to be sent. What kill -9 cannot show (the kernel keeps its pages) is shown
here.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from bench.ct import Series
from bench.dicom_client import Sender
from bench.filmless_server import EXECUTABLE

from department import Filmless

pytestmark = [
    pytest.mark.fault,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace (apt-get install strace)"),
]

SENDERS = 4
INSTANCES = 8  # Each sender; small ones, so that strace shows every byte.
STRING_BYTES = 8192  # A page of the index's log, and the whole of a small instance.
CALLS = "openat,write,writev,pwrite64,pwritev,fsync,fdatasync,sendto,sendmsg"
START_SECONDS_MAX = 60

_LINE = re.compile(r"^(?P<pid>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<call>\w+)\()(?P<rest>.*)$")


@dataclass(frozen=True)
class SystemCall:
    """One system call: when it began and ended (line numbers of the log), its name and its text."""

    began: int
    ended: int
    name: str
    text: str

    @property
    def succeeded(self) -> bool:
        """Whether it did not end with an error."""
        return " = -1 " not in self.text


def read_log(path: Path) -> list[SystemCall]:
    """The calls of all threads; a call that others interrupt in the log is joined again."""
    calls: list[SystemCall] = []
    begun: dict[str, tuple[int, str, str]] = {}
    for number, line in enumerate(path.read_text(errors="replace").splitlines()):
        found = _LINE.match(line)
        if found is None:
            continue
        pid, rest = found["pid"], found["rest"]
        if found["resumed"]:
            began, name, text = begun.pop(pid)
            calls.append(SystemCall(began, number, name, text + rest))
        elif rest.endswith("<unfinished ...>"):
            begun[pid] = (number, found["call"], rest)
        else:
            calls.append(SystemCall(number, number, found["call"], rest))
    return calls


@pytest.fixture
def traced_server(prepared_server: Filmless, tmp_path: Path) -> Iterator[tuple[Filmless, Path]]:
    """The DICOM role alone, under strace, and where strace writes to."""
    server, log = Filmless(folder=tmp_path, prepared=prepared_server), tmp_path / "strace"
    server.prepare()
    strace = ["strace", "-f", "-qq", "-yy", "-s", str(STRING_BYTES), "-e", f"trace={CALLS}", "-o", str(log)]
    process = subprocess.Popen(
        [*strace, EXECUTABLE, "serve", "--role", "dimse"],
        env={**os.environ, **server.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for_port(server.dicom_address)
        yield server, log
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for_port(address: tuple[str, int]) -> None:
    """Return when somebody listens."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            socket.create_connection(address, timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def send_from_four(server: Filmless) -> list[str]:
    """Store from four associations at once; returns all SOP Instance UIDs, each answered with Success."""
    run = Series.new_run()
    series = [Series(run, number, 16, 16) for number in range(SENDERS)]
    failures: list[str] = []

    def send(one: Series) -> None:
        sender = Sender(server.dicom_address, one, server.ae_title)
        sender.prepare()
        failures.extend(f"{number}" for number in range(INSTANCES) if sender.store(number) != 0)
        sender.release()

    threads = [threading.Thread(target=send, args=(one,)) for one in series]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    return [one.sop_instance_uid(number) for one in series for number in range(INSTANCES)]


def first(calls: list[SystemCall], names: str, *words: str, after: int = -1) -> SystemCall | None:
    """The first call of one of the names, begun after a line, that shows all words and did not fail."""
    for call in calls:
        is_one = call.began > after and call.name in names.split() and call.succeeded
        if is_one and all(word in call.text for word in words):
            return call
    return None


def check_order(calls: list[SystemCall], uid: str) -> None:
    """One instance: written, file synced, folder synced, index written, synced, answered; in that order."""
    writes = "write writev pwrite64 pwritev"
    written = first(calls, writes, "/objects/", uid)
    assert written, "the instance was never written to an object"
    path = re.search(r"<([^>]*/objects/[^>]*)>", written.text)
    assert path
    answered = first(calls, "sendto sendmsg write writev", "TCP", uid)
    assert answered, "no answer was seen"
    file_synced = first(calls, "fdatasync fsync", f"<{path[1]}>", after=written.ended)
    created = first(calls, "openat", f'"{path[1]}"', "O_CREAT")
    assert created, "the object's file was never made"
    folder_synced = first(calls, "fsync", f"<{os.path.dirname(path[1])}>", after=created.ended)
    indexed = first(calls, writes, "filmless.sqlite3-wal>", uid)
    assert file_synced, "the object was never synced"
    assert folder_synced, "the object's folder was never synced"
    assert indexed, "the instance was never indexed"
    durable = max(file_synced.ended, folder_synced.ended)
    assert durable < indexed.began, "the index named the object before it was durable"
    index_synced = first(calls, "fdatasync fsync", "filmless.sqlite3-wal>", after=indexed.ended)
    assert index_synced, "the index was never synced"
    assert index_synced.ended < answered.began, "Success before the index was synced"


def test_success_is_sent_after_object_folder_and_index_are_synced(
    traced_server: tuple[Filmless, Path],
) -> None:
    server, log = traced_server
    uids = send_from_four(server)
    calls = read_log(log)
    for uid in uids:
        check_order(calls, uid)
    for kind in ("/objects/[^>]*/[0-9a-z]{20,}>", "/objects/[^>]*/[0-9a-z]{2}>", "sqlite3-wal>"):
        # The check itself would notice: without the syncs of one kind it must not pass.
        fewer = [call for call in calls if not ("sync" in call.name and re.search(kind, call.text))]
        assert len(fewer) < len(calls)
        with pytest.raises(AssertionError):
            check_order(fewer, uids[-1])
