"""Studies fetched from other archives, as values: what was asked for and how far it is. Pure.

A pull goes waiting → running → done, failed or stopped; a failed attempt that may be worth another goes back
to waiting. The table is TRANSITIONS. Not here: the verbs (`pulls`), the fetching (`edge/dimse/remote`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from filmless.infra import limits
from filmless.infra.errors import Invalid
from filmless.standards.dicom.uids import is_valid_uid


class PullMethod(StrEnum):
    """How the other archive is asked. `auto`: C-GET where it offers that, else C-MOVE to us."""

    AUTO = "auto"
    GET = "get"
    MOVE = "move"


class PullState(StrEnum):
    """How far it is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class PullEvent(StrEnum):
    """What can happen to a pull."""

    BEGIN = "begin"
    TRY_LATER = "try_later"
    SUCCEED = "succeed"
    GIVE_UP = "give_up"
    STOP = "stop"


TRANSITIONS: Mapping[tuple[PullState, PullEvent], PullState] = MappingProxyType(
    {
        (PullState.WAITING, PullEvent.BEGIN): PullState.RUNNING,
        (PullState.RUNNING, PullEvent.BEGIN): PullState.RUNNING,  # The worker before us died.
        (PullState.RUNNING, PullEvent.TRY_LATER): PullState.WAITING,
        (PullState.RUNNING, PullEvent.SUCCEED): PullState.DONE,
        (PullState.RUNNING, PullEvent.GIVE_UP): PullState.FAILED,
        (PullState.WAITING, PullEvent.STOP): PullState.STOPPED,
        (PullState.RUNNING, PullEvent.STOP): PullState.STOPPED,
    }
)
"""A pair that is not here does not happen: nothing changes, and the caller is told."""

ENDED = frozenset({PullState.DONE, PullState.FAILED, PullState.STOPPED})


@dataclass(frozen=True, slots=True)
class NewPull:
    """What to fetch from where; no series means the whole study."""

    ae_title: str
    study_instance_uid: str
    series_instance_uids: tuple[str, ...] = ()
    method: PullMethod = PullMethod.AUTO

    def checked(self) -> "NewPull":
        """The same; raises Invalid naming the part that is wrong."""
        if not is_valid_uid(self.study_instance_uid):
            raise Invalid("The Study Instance UID is missing or is not a UID.")
        if not all(is_valid_uid(uid) for uid in self.series_instance_uids):
            raise Invalid("A Series Instance UID is not a UID.")
        if len(self.series_instance_uids) > limits.PULL_SERIES_MAX:
            raise Invalid(f"At most {limits.PULL_SERIES_MAX} series can be named; fetch the whole study.")
        return self


@dataclass(frozen=True, slots=True)
class PullCounts:
    """Instances, by the other archive's account; with C-GET, `completed` is what we have stored."""

    completed: int = 0
    failed: int = 0
    remaining: int = 0


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull. `explanation` says in plain words why it waits again or has failed; it names no patient."""

    id: str
    ae_title: str
    study_instance_uid: str
    series_instance_uids: tuple[str, ...]
    method: PullMethod
    state: PullState
    attempts: int
    counts: PullCounts
    explanation: str
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None
