"""The other end of a sandbox: one process that runs one call at a time, and may die of it.

Not here: who may call what, and how dead workers are replaced (`sandbox`). It imports nothing of ours: a
worker must start in a fraction of a second and must hold no secrets. Start at `main`.

Protocol on stdin and stdout, each message with a length before it (multiprocessing.connection):
the first message is a `Setup`, answered by `["ready"]`; each further one is a pickled
`(function_name, arguments)`, answered by `["ok", result]`, `["error", type_name, message]` or `["memory"]`.
Requests are pickled, for they come from the server. Answers are MessagePack, for they come from a process
that a hostile image may have taken over: reading them must not be able to run anything.
"""

import gc
import importlib
import mmap
import os
import pickle
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import msgspec

NICENESS = 5  # Decoding waits for the servers' accept and receive loops, not the other way round.
ORPHAN_GRACE_SECONDS = 1  # The server kills at its time-out; this later alarm is for when the server is dead.


@dataclass(frozen=True, slots=True)
class Setup:
    """What the server tells a new worker before the first call."""

    paths: tuple[str, ...]
    modules_to_preload: tuple[str, ...]
    timeout_seconds: float
    memory_bytes_max: int


@dataclass(frozen=True, slots=True)
class FileSlice:
    """`length` bytes of the file at `path` from `offset` (None = to its end).

    As an argument of a sandboxed call it arrives in the function as a read-only memoryview: the bytes are
    mapped by the worker, and never copied through a pipe.
    """

    path: str
    offset: int = 0
    length: int | None = None

    def view(self) -> memoryview:
        """Map the slice. Raises ValueError when the file is shorter than the slice."""
        with open(self.path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            length = size - self.offset if self.length is None else self.length
            if self.offset < 0 or length < 0 or self.offset + length > size:
                raise ValueError("the slice reaches beyond the end of the file")
            if length == 0:
                return memoryview(b"")
            start = self.offset - self.offset % mmap.ALLOCATIONGRANULARITY
            lead = self.offset - start
            mapped = mmap.mmap(file.fileno(), lead + length, access=mmap.ACCESS_READ, offset=start)
        return memoryview(mapped)[lead:]


def main() -> None:
    """Serve calls until the server closes the pipe."""
    requests, replies = _take_over_standard_streams()
    setup: Setup = pickle.loads(requests.recv_bytes())
    sys.path[:0] = setup.paths
    for module in setup.modules_to_preload:
        importlib.import_module(module)
    _limit(setup)
    gc.freeze()  # What is loaded now is never garbage: later collections need not look at it.
    replies.send_bytes(msgspec.msgpack.encode(["ready"]))
    # What libraries print may quote the patient's data, and stderr is the server's log.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    functions: dict[str, Callable[..., Any]] = {}
    while True:
        try:
            request = requests.recv_bytes()
        except (EOFError, OSError):
            return  # The server closed the pipe, or is dead.
        signal.setitimer(signal.ITIMER_REAL, setup.timeout_seconds + ORPHAN_GRACE_SECONDS)
        reply = _answer(request, functions)
        with suppress(BrokenPipeError):
            replies.send_bytes(msgspec.msgpack.encode(reply))
        signal.setitimer(signal.ITIMER_REAL, 0)
        if reply[0] == "memory":
            return  # What is left of the heap is not worth keeping.


def _take_over_standard_streams() -> tuple[Connection, Connection]:
    """Keep stdin and stdout for the protocol; a library that prints must not speak on it."""
    requests = Connection(os.dup(0), writable=False)
    replies = Connection(os.dup(1), readable=False)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    return requests, replies


def _limit(setup: Setup) -> None:
    """Bound memory, forbid core dumps (they would hold images), be nice to the servers."""
    # RLIMIT_DATA, not RLIMIT_AS: mapped input files and reserved, unused address space cost nothing.
    resource.setrlimit(resource.RLIMIT_DATA, (setup.memory_bytes_max, setup.memory_bytes_max))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        os.nice(NICENESS)
    # Default action: the kernel ends the process even while native code holds the interpreter.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _answer(request: bytes, functions: dict[str, Callable[..., Any]]) -> list[Any]:
    try:
        function_name, arguments = pickle.loads(request)
        function = functions.get(function_name)
        if function is None:
            module_name, _, name = function_name.partition(":")
            function = functions[function_name] = getattr(importlib.import_module(module_name), name)
        result = function(*(_received(argument) for argument in arguments))
        msgspec.msgpack.encode(result)  # A result that cannot travel is the function's failure.
    except MemoryError:
        return ["memory"]
    except Exception as error:  # noqa: BLE001 - whatever it is, it goes to the caller.
        return ["error", type(error).__name__, str(error)]
    return ["ok", result]


def _received(argument: Any) -> Any:
    return argument.view() if isinstance(argument, FileSlice) else argument


if __name__ == "__main__":
    # As `-m` this module is `__main__`; pickles name it by its real name.
    from filmless.infra import sandbox_worker

    sandbox_worker.main()
