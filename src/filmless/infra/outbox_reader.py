"""Looking at the outbox from outside: each fact once, since the first look. For screens kept up to date.

Marks nothing, so any number of processes may look. On PostgreSQL a commit may show a lower number after a
higher one; a reader therefore looks back a little and remembers what it has told. Not here: reactions, which
must not miss a fact (`outbox`).
"""

from typing import Any

import orjson

from filmless.infra.database import Database, Transaction

FACTS_READ_MAX = 2000  # A second of ingest announces some hundred; the rest is read at the next look.
LOOK_BACK_FACTS = 200  # Far more transactions than write at once.

_NEWEST = "SELECT COALESCE(MAX(id), 0) FROM outbox"
_SINCE = "SELECT id, kind, payload FROM outbox WHERE id > ? ORDER BY id LIMIT ?"


class OutboxReader:
    """Tells each fact of some kinds once, starting with the first look; for one thread at a time."""

    def __init__(self, database: Database, *kinds: str) -> None:
        self._kinds = frozenset(kinds)
        self._look_back = 0 if database.is_sqlite else LOOK_BACK_FACTS
        self._position: int | None = None
        self._told: frozenset[int] = frozenset()

    def read(self, tx: Transaction) -> list[dict[str, Any]]:
        """The payloads of the facts since the last call, oldest first; the first call finds none."""
        first_look = self._position is None
        if self._position is None:
            self._position = int(tx.fast(_NEWEST).fetchone()[0])
        rows = tx.fast(_SINCE, (self._position - self._look_back, FACTS_READ_MAX)).fetchall()
        fresh = [] if first_look else [row for row in rows if row[0] not in self._told]
        self._position = max((self._position, *(row[0] for row in rows)))
        self._told = frozenset(row[0] for row in rows if row[0] > self._position - self._look_back)
        return [orjson.loads(payload) for _, kind, payload in fresh if kind in self._kinds]
