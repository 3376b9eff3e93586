"""Native code at arm's length: functions run in processes that may be killed.

A decoder that crashes, loops or eats memory costs exactly the one call that asked for it; its worker is
replaced and every other call goes on. Not here: what is decoded (the caller names a function), and the
inside of a worker (`sandbox_worker`). Start at `Sandbox.call`.

Invariants: no worker before the first call; none left after `close`, nor after the server's death (idle
workers see their pipe close, busy ones have an alarm). Workers get none of the server's settings.
"""

import math
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

import msgspec

from filmless.infra import limits
from filmless.infra.errors import FilmlessError, Invalid, OverLimit, Unavailable
from filmless.infra.sandbox_worker import FileSlice, Setup

__all__ = [
    "FileSlice",
    "Sandbox",
    "SandboxBusy",
    "SandboxCallFailed",
    "SandboxCrashed",
    "SandboxOutOfMemory",
    "SandboxTimedOut",
]

REAP_SECONDS = 5.0  # How often idle and overdue workers are looked for.
REPLY_BYTES_MAX = 1 << 30  # A worker that was taken over must not make the server allocate without end.
START_SECONDS_MAX = 60.0  # A cold disk under load; a warm start takes a third of a second.
PIPE_BYTES_MAX = 1 << 20  # Larger arguments go through shared memory: pipes copy in 64 KiB pieces.
# What a worker needs from the environment. Database and bucket passwords stay with the server.
ENVIRONMENT_KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "VIRTUAL_ENV",
)


class SandboxCrashed(Invalid):
    """The process that ran the call died of it: what it was given must be damaged or hostile."""


class SandboxOutOfMemory(SandboxCrashed):
    """The call wanted more memory than one call may have."""


class SandboxTimedOut(OverLimit):
    """The call took longer than one call may; its process was killed."""


class SandboxBusy(Unavailable):
    """All workers are busy and enough callers wait already, or the sandbox is closed."""


class SandboxCallFailed(Invalid):
    """The function raised; `error_type` names its exception. Its text is withheld: it may quote PHI."""

    def __init__(self, message: str, error_type: str) -> None:
        super().__init__(message)
        self.error_type = error_type


class Sandbox:
    """A pool of up to `workers` processes for functions that are not trusted to come back.

    `timeout_seconds` and `memory_bytes_max` bound each call; `errors_passed` are exceptions whose text is
    fit for the caller and which are raised here as they were there (matched by class name). `paths` are put
    first on the workers' module path. A worker without work for `idle_seconds` ends. At most `waiting_max`
    callers wait for a worker; the next one gets `SandboxBusy`. Safe for any number of threads.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        timeout_seconds: float = limits.RENDER_SECONDS_MAX,
        memory_bytes_max: int = limits.RENDER_MEMORY_BYTES_MAX,
        modules_to_preload: tuple[str, ...] = (),
        errors_passed: tuple[type[Exception], ...] = (),
        paths: tuple[str, ...] = (),
        idle_seconds: float = 300.0,
        waiting_max: int = 256,
    ) -> None:
        self._setup = Setup(paths, modules_to_preload, timeout_seconds, memory_bytes_max)
        self._errors_passed = {error.__name__: error for error in errors_passed}
        self._workers_max = workers
        self._idle_seconds = idle_seconds
        self._waiting_max = waiting_max
        self._changed = threading.Condition()
        self._idle: list[
            _Worker
        ] = []  # The last used is taken first, so that the surplus grows old and ends.
        self._busy: set[_Worker] = set()
        self._starting = 0
        self._waiting = 0
        self._closed = False
        self._stopped = threading.Event()
        self._reaper: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def call(self, function_name: str, *arguments: Any) -> Any:
        """Run `"package.module:function"` with `arguments` in a worker and return its result.

        Arguments are anything that pickles; a `FileSlice` arrives as a memoryview, and so do bytes above
        1 MiB. Results are None, numbers, text, bytes, and lists or dicts of these (tuples become lists).
        Raises SandboxCrashed, SandboxOutOfMemory, SandboxTimedOut, SandboxBusy, SandboxCallFailed or one of
        `errors_passed`.
        """
        with ExitStack() as shared:
            sent = [
                shared.enter_context(_shared(argument)) if _is_large(argument) else argument
                for argument in arguments
            ]
            request = pickle.dumps((function_name, sent), protocol=pickle.HIGHEST_PROTOCOL)
            worker = self._take()
            reply: list[Any] = []
            try:
                reply = worker.ask(request, self._setup.timeout_seconds)
            finally:  # Whatever went wrong, the place of the worker is free again.
                self._give_back(worker, usable=bool(reply) and reply[0] != "memory")
        return self._result(reply)

    def warm(self) -> None:
        """Start one worker now, so that the first caller does not wait for it."""
        self._give_back(self._take(), usable=True)

    def close(self) -> None:
        """End all workers; calls still running raise SandboxCrashed. Later calls raise SandboxBusy."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy)
            self._changed.notify_all()
        self._stopped.set()
        for worker in busy:
            worker.stop()  # Its caller sees the pipe close, and clears up.
        for worker in idle:
            worker.end()

    def worker_count(self) -> int:
        """How many worker processes are alive or starting, for metrics."""
        with self._changed:
            return len(self._idle) + len(self._busy) + self._starting

    def _take(self) -> "_Worker":
        """An idle worker, a new one if there may be more, or the next that gets free."""
        with self._changed:
            deadline = time.monotonic() + self._setup.timeout_seconds
            while not self._closed:
                while self._idle:
                    worker = self._idle.pop()
                    if worker.is_alive():
                        self._busy.add(worker)
                        return worker
                    worker.end()  # It died in its sleep: reap it.
                if len(self._busy) + self._starting < self._workers_max:
                    self._starting += 1
                    break
                self._wait_for_a_worker(deadline)
            else:
                raise SandboxBusy("The image decoders are shutting down; try again after the restart.")
        return self._start()

    def _wait_for_a_worker(self, deadline: float) -> None:
        if self._waiting >= self._waiting_max:
            raise SandboxBusy("All image decoders are busy and many requests wait; try again later.")
        self._waiting += 1
        try:
            if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                raise SandboxBusy("No image decoder became free in time; try again later.")
        finally:
            self._waiting -= 1

    def _start(self) -> "_Worker":
        worker = None
        try:
            worker = _Worker(self._setup)
        finally:
            with self._changed:
                self._starting -= 1
                if worker is not None:
                    self._busy.add(worker)
                if self._reaper is None:
                    self._reaper = threading.Thread(target=self._reap, name="sandbox-reaper", daemon=True)
                    self._reaper.start()
                self._changed.notify()
        return worker

    def _give_back(self, worker: "_Worker", *, usable: bool) -> None:
        with self._changed:
            self._busy.discard(worker)
            usable = usable and not self._closed
            if usable:
                worker.idle_since = time.monotonic()
                self._idle.append(worker)
            self._changed.notify()
        if not usable:
            worker.end()

    def _reap(self) -> None:
        """End workers that had no work for a while, and any that holds a caller beyond all limits."""
        while not self._stopped.wait(min(self._idle_seconds / 2, REAP_SECONDS)):
            with self._changed:
                now = time.monotonic()
                old = [worker for worker in self._idle if now - worker.idle_since >= self._idle_seconds]
                self._idle = [worker for worker in self._idle if worker not in old]
                # `ask` bounds the wait for an answer; this bounds an answer that begins and never ends.
                for worker in self._busy:
                    if now > worker.deadline:
                        worker.stop()
            for worker in old:
                worker.end()

    def _result(self, reply: list[Any]) -> Any:
        match reply:
            case ["ok", result]:
                return result
            case ["memory"]:
                megabytes = self._setup.memory_bytes_max >> 20
                raise SandboxOutOfMemory(
                    f"Decoding wanted more than the {megabytes} MiB that one image may take; it was stopped."
                )
            case ["error", str(error_type), str(message)]:
                if error_type in self._errors_passed:
                    raise self._errors_passed[error_type](message)
                raise SandboxCallFailed(f"The image could not be read ({error_type}).", error_type)
        raise SandboxCrashed("The image decoder answered nonsense; the image is damaged or hostile.")


class _Worker:
    """One process and the two pipes to it; used by one caller at a time."""

    def __init__(self, setup: Setup) -> None:
        environment = {name: os.environ[name] for name in ENVIRONMENT_KEPT if name in os.environ}
        # One call, one core: the pool is the parallelism, and thread pools in numpy cost start and memory.
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "filmless.infra.sandbox_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=environment,
            start_new_session=True,  # A Ctrl-C in the terminal is for the server, which then closes us.
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests = Connection(os.dup(self._process.stdin.fileno()), readable=False)
        self._replies = Connection(os.dup(self._process.stdout.fileno()), writable=False)
        self._process.stdin.close()
        self._process.stdout.close()
        self.idle_since = 0.0
        self.deadline = math.inf
        try:
            if self.ask(pickle.dumps(setup), START_SECONDS_MAX) != ["ready"]:
                raise Unavailable("An image decoder process did not start properly.")
        except FilmlessError as error:
            self.end()
            raise Unavailable("An image decoder process did not start; see standard error.") from error

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: bytes, timeout_seconds: float) -> list[Any]:
        """Send one request and wait for its reply. Raises SandboxCrashed or SandboxTimedOut."""
        self.deadline = time.monotonic() + 2 * timeout_seconds + 1.0
        try:
            self._requests.send_bytes(request)
            if not self._replies.poll(timeout_seconds):
                raise SandboxTimedOut(
                    f"Decoding took longer than {timeout_seconds:g} s and was stopped; the image is damaged."
                )
            reply = msgspec.msgpack.decode(self._replies.recv_bytes(REPLY_BYTES_MAX))
        except (EOFError, OSError) as error:
            raise SandboxCrashed(
                "The image decoder crashed on this image; the image is damaged or hostile."
            ) from error
        except msgspec.DecodeError as error:
            raise SandboxCrashed("The image decoder answered nonsense.") from error
        return reply if isinstance(reply, list) else []

    def stop(self) -> None:
        """End the process, whatever it is doing. Any thread may call this at any time."""
        self._process.kill()

    def end(self) -> None:
        """End the process, leave no zombie and no open pipe. For the thread that owns the worker."""
        self._process.kill()
        self._process.wait()
        self._requests.close()
        self._replies.close()


def _is_large(argument: Any) -> bool:
    if isinstance(argument, bytes):
        return len(argument) > PIPE_BYTES_MAX
    return isinstance(argument, bytearray | memoryview)  # A memoryview does not pickle.


@contextmanager
def _shared(data: bytes | bytearray | memoryview) -> Iterator[FileSlice]:
    """Put `data` where a worker can map it: memory where the system has memfd, else a private file."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("filmless-sandbox")
        path = f"/proc/{os.getpid()}/fd/{descriptor}"
    else:
        descriptor, path = tempfile.mkstemp(prefix="filmless-sandbox-")
    try:
        with memoryview(data) as view, view.cast("B") as octets:
            written = 0
            while written < len(octets):
                written += os.write(descriptor, octets[written:])
        yield FileSlice(path)
    finally:
        os.close(descriptor)
        if not path.startswith("/proc/"):
            os.unlink(path)
