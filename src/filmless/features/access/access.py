"""What the verbs of access need: the database, the audit trail, hashes, and a memory of who was just seen.

The audit feature stands above this one, so its `record` is handed in: `Access(database, audit.record)`.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from filmless.features.access.model import Actor, Role, Session
from filmless.features.access.passwords import PasswordHashes
from filmless.infra.database import Database, Transaction

SEEN_SECONDS_MAX = 5  # For this long another process may still honour a session or token ended here.
SEEN_MAX = 4096  # Far more sessions than one process serves; past it the memory starts afresh.

USER_AUTHENTICATION = "110114"  # PS3.16 CID 400.
SECURITY_ALERT = "110113"
LOGIN = "110122"  # PS3.16 CID 403.
LOGOUT = "110123"
USER_SECURITY_ATTRIBUTES_CHANGED = "110137"


class RecordAudit(Protocol):
    """Writes one audit record in the caller's transaction: `audit.record`."""

    def __call__(
        self,
        tx: Transaction,
        actor: Actor,
        event: str,
        *,
        action: str = "R",
        outcome: int = 0,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Write the record; `event` is a code of PS3.15 A.5.3."""
        ...


@dataclass(frozen=True, slots=True)
class SeenToken:
    """Whose token it is, as far as a request needs it."""

    user_name: str
    role: Role
    expires_at: datetime | None


class Seen:
    """Sessions and tokens looked up within the last seconds, by digest: a frame request asks no database.

    Whoever ends a session in this process forgets it here too; other processes honour it for at most
    SEEN_SECONDS_MAX longer.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[bytes, tuple[datetime, Session | SeenToken]] = {}

    def get(self, digest: bytes, now: datetime) -> Session | SeenToken | None:
        """What was seen under this digest, if lately and if it has not run out since."""
        entry = self._known.get(digest)
        if entry is None or now >= entry[0]:
            return None
        return entry[1]

    def put(self, digest: bytes, value: Session | SeenToken, now: datetime) -> None:
        """Remember what was just looked up."""
        until = now + timedelta(seconds=SEEN_SECONDS_MAX)
        if value.expires_at is not None:
            until = min(until, value.expires_at)
        with self._lock:
            if len(self._known) >= SEEN_MAX:
                self._known.clear()
            self._known[digest] = (until, value)

    def forget(self, digest: bytes) -> None:
        """Forget one."""
        with self._lock:
            self._known.pop(digest, None)

    def forget_all(self) -> None:
        """Forget everything: what changed concerns many."""
        with self._lock:
            self._known.clear()


@dataclass(frozen=True)
class Access:
    """Everything that the verbs of access work with; one for each process."""

    database: Database
    record: RecordAudit
    hashes: PasswordHashes = field(default_factory=PasswordHashes)
    seen: Seen = field(default_factory=Seen)
