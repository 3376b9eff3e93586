"""Planted crashes, loops and memory bombs: each costs its own call, and nothing else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from filmless.infra.sandbox import (
    FileSlice,
    Sandbox,
    SandboxBusy,
    SandboxCallFailed,
    SandboxCrashed,
    SandboxOutOfMemory,
    SandboxTimedOut,
)

FAULTS = """
import ctypes, os, signal, sys, time

class Undecodable(Exception): pass

def add(a, b): return a + b
def length(data): return len(data)
def first_and_last(data): return bytes(data[:1]) + bytes(data[-1:])
def kind(data): return type(data).__name__
def process_id(): return os.getpid()
def environment(): return dict(os.environ)
def niceness(): return os.nice(0)
def big(): return b"x" * 5_000_000
def segfault(): ctypes.string_at(0)
def exits(): os._exit(3)
def loops():
    while True: pass
def loops_in_native_code(): ctypes.PyDLL(None).pause()  # PyDLL keeps the interpreter lock
def eats_memory(): return len(bytearray(10 << 30))
def fills_memory():
    kept = []
    while True: kept.append(bytearray(1 << 20))
def undecodable(): raise Undecodable("the frame ends early")
def leaks(): raise ValueError("Doe^Jane")
def unsendable(): return object()
def prints():
    print("chatter"); os.write(1, b"native chatter"); return "quiet"
def waits_for(path, announced=None):
    if announced: open(announced, "w").close()
    while not os.path.exists(path): time.sleep(0.005)
    return "done"
def ignores_the_end_of_the_answer():
    os.write(4, b"\\x00\\x00\\x10\\x00"); time.sleep(60)
"""


class Undecodable(Exception):
    pass


@pytest.fixture(scope="module")
def faults_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("faults")
    (folder / "planted_faults.py").write_text(FAULTS)
    return str(folder)


def a_sandbox(folder: str, **changed: Any) -> Sandbox:
    settings: dict[str, Any] = {
        "workers": 2,
        "timeout_seconds": 20.0,
        "memory_bytes_max": 512 << 20,
        "errors_passed": (Undecodable,),
        "paths": (folder,),
    }
    return Sandbox(**(settings | changed))


@pytest.fixture(scope="module")
def sandbox(faults_folder: str) -> Iterator[Sandbox]:
    with a_sandbox(faults_folder) as sandbox:
        yield sandbox


def test_there_is_no_worker_before_the_first_call_and_none_after_close(faults_folder: str) -> None:
    sandbox = a_sandbox(faults_folder)
    assert sandbox.worker_count() == 0
    process_id = sandbox.call("planted_faults:process_id")
    assert sandbox.worker_count() == 1
    sandbox.close()
    assert sandbox.worker_count() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)
    with pytest.raises(SandboxBusy, match="shutting down"):
        sandbox.call("planted_faults:process_id")


def test_a_call_returns_what_the_function_returns(sandbox: Sandbox) -> None:
    assert sandbox.call("planted_faults:add", 1, 2) == 3
    assert sandbox.call("planted_faults:add", b"a", b"b") == b"ab"
    assert len(sandbox.call("planted_faults:big")) == 5_000_000


@pytest.mark.parametrize(
    ("size", "kind"),
    [(0, "bytes"), (1000, "bytes"), (3_000_000, "memoryview")],
    ids=["empty", "small", "large"],
)
def test_bytes_of_any_size_arrive_whole(sandbox: Sandbox, size: int, kind: str) -> None:
    data = bytes(size)
    assert sandbox.call("planted_faults:length", data) == size
    assert sandbox.call("planted_faults:length", memoryview(data)) == size
    assert sandbox.call("planted_faults:kind", data) == kind


@pytest.mark.parametrize(
    ("offset", "length", "expect"), [(0, None, b"AZ"), (1, 3, b"BD"), (4097, 2, b"xZ"), (4098, 1, b"ZZ")]
)
def test_a_slice_of_a_file_is_mapped_not_sent(
    sandbox: Sandbox, tmp_path: Path, offset: int, length: int | None, expect: bytes
) -> None:
    path = tmp_path / "object"
    path.write_bytes(b"ABCD" + b"x" * 4094 + b"Z")
    assert sandbox.call("planted_faults:first_and_last", FileSlice(str(path), offset, length)) == expect


def test_a_slice_beyond_the_end_of_the_file_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "object"
    path.write_bytes(b"ABCD")
    with pytest.raises(SandboxCallFailed):
        sandbox.call("planted_faults:length", FileSlice(str(path), 2, 3))


@pytest.mark.fault
@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("segfault", SandboxCrashed),
        ("exits", SandboxCrashed),
        ("eats_memory", SandboxOutOfMemory),
        ("fills_memory", SandboxOutOfMemory),
    ],
)
def test_a_fault_costs_one_call_and_the_next_one_works(
    sandbox: Sandbox, function: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        sandbox.call(f"planted_faults:{function}")
    assert sandbox.call("planted_faults:add", 1, 2) == 3


@pytest.mark.fault
@pytest.mark.parametrize("function", ["loops", "loops_in_native_code", "ignores_the_end_of_the_answer"])
def test_a_call_that_never_ends_is_killed(faults_folder: str, function: str) -> None:
    with a_sandbox(faults_folder, timeout_seconds=0.2, idle_seconds=0.2) as sandbox:
        with pytest.raises((SandboxTimedOut, SandboxCrashed)):
            sandbox.call(f"planted_faults:{function}")
        assert sandbox.call("planted_faults:add", 1, 2) == 3


@pytest.mark.fault
def test_others_go_on_while_one_crashes(sandbox: Sandbox, tmp_path: Path) -> None:
    go = tmp_path / "go"
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(sandbox.call, "planted_faults:waits_for", str(go))
        with pytest.raises(SandboxCrashed):
            sandbox.call("planted_faults:segfault")
        assert sandbox.call("planted_faults:add", 1, 2) == 3
        go.touch()
        assert running.result() == "done"


def test_many_callers_share_few_workers(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda number: sandbox.call("planted_faults:add", number, 1), range(200)))
    assert results == list(range(1, 201))
    assert sandbox.worker_count() <= 2


def test_too_many_waiting_callers_are_told_to_come_back(faults_folder: str, tmp_path: Path) -> None:
    go, here = tmp_path / "go", tmp_path / "here"
    with a_sandbox(faults_folder, workers=1, waiting_max=0) as sandbox, ThreadPoolExecutor(1) as pool:
        running = pool.submit(sandbox.call, "planted_faults:waits_for", str(go), str(here))
        while not here.exists():
            pass
        with pytest.raises(SandboxBusy):
            sandbox.call("planted_faults:add", 1, 2)
        go.touch()
        assert running.result() == "done"


def test_close_ends_a_running_call(faults_folder: str) -> None:
    sandbox = a_sandbox(faults_folder, workers=1)
    sandbox.warm()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(sandbox.call, "planted_faults:loops")
        sandbox.close()
        with pytest.raises((SandboxCrashed, SandboxBusy)):
            running.result()


def test_an_idle_worker_ends_after_a_while(faults_folder: str) -> None:
    with a_sandbox(faults_folder, idle_seconds=0.02) as sandbox:
        first = sandbox.call("planted_faults:process_id")
        while sandbox.worker_count():
            pass
        assert sandbox.call("planted_faults:process_id") != first


def test_a_worker_killed_while_idle_is_replaced_unnoticed(faults_folder: str) -> None:
    with a_sandbox(faults_folder) as sandbox:
        first = sandbox.call("planted_faults:process_id")
        os.kill(first, 9)
        while Path(f"/proc/{first}/stat").read_text().split()[2] != "Z":
            pass
        assert sandbox.call("planted_faults:process_id") != first


@pytest.mark.fault
@pytest.mark.parametrize("function", ["add", "loops_in_native_code"], ids=["idle", "busy"])
def test_workers_do_not_outlive_a_killed_server(faults_folder: str, function: str) -> None:
    server = (
        "import sys, threading\n"
        "from filmless.infra.sandbox import Sandbox\n"
        f"sandbox = Sandbox(paths=({faults_folder!r},), timeout_seconds=0.1, workers=1)\n"
        "print(sandbox.call('planted_faults:process_id'), flush=True)\n"
        "sys.stdin.readline()\n"
        f"arguments = (1, 2) if {function!r} == 'add' else ()\n"
        f"threading.Thread(target=sandbox.call, args=('planted_faults:{function}', *arguments)).start()\n"
        "print('asked', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    with subprocess.Popen([sys.executable, "-c", server], stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        worker_process_id = int(process.stdout.readline())
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()
        process.kill()
    while Path(f"/proc/{worker_process_id}").exists():
        pass


def test_an_error_that_may_pass_is_raised_as_it_was(sandbox: Sandbox) -> None:
    with pytest.raises(Undecodable, match="the frame ends early"):
        sandbox.call("planted_faults:undecodable")


@pytest.mark.parametrize(
    ("function", "error_type"),
    [("leaks", "ValueError"), ("unsendable", "TypeError"), ("absent", "AttributeError")],
)
def test_the_text_of_any_other_error_is_withheld(sandbox: Sandbox, function: str, error_type: str) -> None:
    with pytest.raises(SandboxCallFailed) as caught:
        sandbox.call(f"planted_faults:{function}")
    assert caught.value.error_type == error_type
    assert "Doe" not in str(caught.value)


def test_a_library_that_prints_does_not_disturb_the_protocol(sandbox: Sandbox) -> None:
    assert sandbox.call("planted_faults:prints") == "quiet"


def test_workers_hold_no_secrets_and_are_nice(faults_folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILMLESS_DATABASE_URL", "postgresql://user:secret@host/db")
    with a_sandbox(faults_folder) as sandbox:
        assert not any("secret" in value for value in sandbox.call("planted_faults:environment").values())
        assert sandbox.call("planted_faults:niceness") >= os.nice(0)


def test_a_module_that_cannot_be_preloaded_is_said_so_at_the_call(faults_folder: str) -> None:
    with a_sandbox(faults_folder, modules_to_preload=("no_such_module",)) as sandbox:
        with pytest.raises(Exception, match="did not start"):
            sandbox.call("planted_faults:add", 1, 2)
        assert sandbox.worker_count() == 0
