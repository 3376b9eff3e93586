"""Callers that were turned away, collected for some seconds and written down in one transaction.

A caller in a loop costs one row of a table each time, and a thousand at once the same few writings: the one
writer of the database belongs to ingest. Not here: whom to turn away (`admission`).
"""

import threading
import time

from filmless.features.nodes import Refusal, note_refusals
from filmless.infra import limits
from filmless.infra.database import Database
from filmless.infra.errors import FilmlessError
from filmless.infra.log import get_logger

_log = get_logger()


class TurnedAway:
    """Notes refusals from any thread, never waits; a thread of its own writes them when they are due."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._held: dict[Refusal, int] = {}
        self._not_held = 0
        self._timer: threading.Timer | None = None
        self._written_at = -limits.REFUSAL_WRITE_SECONDS_MIN * 1.0
        self._is_closed = False

    def note(self, refusal: Refusal) -> None:
        """Remember one caller that was turned away."""
        cleaned = refusal.cleaned()
        with self._lock:
            if cleaned in self._held or len(self._held) < limits.REFUSALS_HELD_MAX:
                self._held[cleaned] = self._held.get(cleaned, 0) + 1
            else:
                self._not_held += 1
            if self._timer is None and not self._is_closed:
                due_in = self._written_at + limits.REFUSAL_WRITE_SECONDS_MIN - time.monotonic()
                self._timer = threading.Timer(max(0.0, due_in), self.write)
                self._timer.daemon = True
                self._timer.start()

    def write(self) -> None:
        """Write down what was noted; a database in trouble costs the list, never the caller's answer."""
        with self._writing:
            with self._lock:
                held, self._held = self._held, {}
                not_held, self._not_held = self._not_held, 0
                self._timer = None
                self._written_at = time.monotonic()
            if not_held:
                _log.warning("refusals_not_listed", refusals=not_held)
            try:
                note_refusals(self._database, held)
            except FilmlessError as error:
                _log.error("refusals_not_written", refusals=sum(held.values()), reason=error.message)

    def close(self) -> None:
        """Write what is left and start no more threads."""
        with self._lock:
            self._is_closed = True
            if self._timer is not None:
                self._timer.cancel()
        self.write()
