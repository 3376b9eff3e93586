"""Empty files made ahead, their names durable already, for the next objects of a busy sender.

Making a file and syncing its folder are two waits for the disk's journal; made thirty at a time by a thread
of its own they cost one. A lone image finds none and makes its own. What is not used within a minute is
removed; what a crash leaves is empty, and the archive's sweep removes it after an hour.
"""

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from filmless.infra.ids import new_id
from filmless.infra.object_store.folder_writer import NewFile

READY_FILES = 32  # A twentieth of a second of a fast sender.
BUSY_SECONDS_MAX = 0.5  # Objects that follow each other this quickly are a series being sent.
UNUSED_SECONDS_MAX = 60.0  # Far below the age at which the sweep would look at an empty file.


@dataclass(frozen=True, slots=True)
class _Ready:
    file: NewFile
    made_at: float


class ReadyFiles:
    """Keeps some empty files ready while objects come quickly; safe for any number of threads."""

    def __init__(self, make: Callable[[str], NewFile], sync_folder: Callable[[str], None]) -> None:
        """`make` makes the file for an id, `sync_folder` syncs its folder; both may raise OSError."""
        self._make = make
        self._sync_folder = sync_folder
        self._ready: deque[_Ready] = deque()
        self._last_taken_at = 0.0
        self._filling = threading.Lock()

    def take(self) -> NewFile | None:
        """A file for one object, or None when none is ready."""
        now = time.monotonic()
        is_busy, self._last_taken_at = now - self._last_taken_at < BUSY_SECONDS_MAX, now
        if is_busy and len(self._ready) < READY_FILES // 2 and self._filling.acquire(blocking=False):
            threading.Thread(target=self._fill, name="ready-files", daemon=True).start()
        while True:
            try:
                ready = self._ready.popleft()
            except IndexError:
                return None
            if now - ready.made_at < UNUSED_SECONDS_MAX:
                return ready.file
            _remove(ready.file)

    def close(self) -> None:
        """Remove what was not used; waits for files being made."""
        with self._filling:
            while self._ready:
                _remove(self._ready.popleft().file)

    def _fill(self) -> None:
        made: list[NewFile] = []
        try:
            for _ in range(READY_FILES - len(self._ready)):
                made.append(self._make(new_id()))
            for folder in {os.path.dirname(file.path) for file in made}:
                self._sync_folder(folder)
            now = time.monotonic()
            self._ready.extend(_Ready(replace(file, name_is_durable=True), now) for file in made)
        except OSError:
            for file in made:  # Whoever needs a file now makes it himself and is told what is wrong.
                _remove(file)
        finally:
            self._filling.release()


def _remove(file: NewFile) -> None:
    with contextlib.suppress(OSError):
        os.close(file.descriptor)
    with contextlib.suppress(OSError):
        os.unlink(file.path)
