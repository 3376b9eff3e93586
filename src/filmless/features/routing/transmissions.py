"""A transmission as a value: instances of one study on their way to one node. Pure.

Its states are a table; what is not in it is refused. Failing is an event, not a state: what failed waits for
its next attempt, or is parked for a person once trying again cannot help or has not helped for days.
Not here: how bytes travel (`edge/dimse/transmit.py`), the rows (`repository`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from filmless.features.routing.errors import TransitionRefused
from filmless.features.routing.model import TransmissionPriority

BACK_OFF_SECONDS_MIN = 15  # A peer that restarts is back by then.
BACK_OFF_SECONDS_MAX = 900  # What was mended is noticed within a quarter of an hour.
GIVE_UP_AFTER = timedelta(days=7)  # A node down over a long weekend still gets everything.
KEEP_ENDED_FOR = timedelta(days=30)  # "Did you send us that last week?" can be answered.
LEASE_SECONDS = 120  # A worker that has not said a word for so long is taken for dead, as for jobs.


class State(StrEnum):
    """Where a transmission stands."""

    WAITING = "waiting"  # For its turn, its hour, or its next attempt.
    HELD = "held"  # Its destination or the whole queue is paused.
    SENDING = "sending"
    DONE = "done"
    PARKED = "parked"  # Waits for a person.
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What can happen to a transmission."""

    CLAIM = "claim"  # A worker takes it; from SENDING: the worker before is dead.
    SUCCEED = "succeed"
    FAIL = "fail"  # Another attempt later.
    YIELD = "yield"  # Nothing failed; others get their turn.
    GIVE_UP = "give up"
    HOLD = "hold"
    RELEASE = "release"
    CANCEL = "cancel"
    RETRY = "retry"  # A person wants it now.


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.WAITING, Event.CLAIM): State.SENDING,
    (State.WAITING, Event.HOLD): State.HELD,
    (State.WAITING, Event.CANCEL): State.CANCELLED,
    (State.WAITING, Event.RETRY): State.WAITING,
    (State.HELD, Event.RELEASE): State.WAITING,
    (State.HELD, Event.CANCEL): State.CANCELLED,
    (State.SENDING, Event.CLAIM): State.SENDING,
    (State.SENDING, Event.SUCCEED): State.DONE,
    (State.SENDING, Event.FAIL): State.WAITING,
    (State.SENDING, Event.YIELD): State.WAITING,
    (State.SENDING, Event.GIVE_UP): State.PARKED,
    (State.SENDING, Event.HOLD): State.HELD,
    (State.SENDING, Event.CANCEL): State.CANCELLED,
    (State.PARKED, Event.RETRY): State.WAITING,
    (State.PARKED, Event.CANCEL): State.CANCELLED,
    (State.CANCELLED, Event.RETRY): State.WAITING,
}  # A pair that is not here is refused.

UNFINISHED = frozenset({State.WAITING, State.HELD, State.SENDING, State.PARKED})


def state_after(state: State, event: Event) -> State:
    """The state that follows; raises TransitionRefused when nothing does."""
    after = TRANSITIONS.get((state, event))
    if after is None:
        raise TransitionRefused(f"The transmission is {state}, so this cannot be done: {event}.")
    return after


def sources_of(event: Event) -> tuple[State, ...]:
    """The states in which this can happen."""
    return tuple(state for state, each in TRANSITIONS if each is event)


class Reason(StrEnum):
    """Why something is sent."""

    RULE = "rule"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Transmission:
    """One row of the queue. Counts are of instances; names of patients are for screens, never for logs."""

    id: str
    study_instance_uid: str
    series_instance_uids: tuple[str, ...]  # Empty: of the whole study.
    destination: str  # The AE title of a node.
    reason: Reason
    asked_by: str  # The name of the rule or of the person.
    state: State
    priority: TransmissionPriority
    instances: int
    instances_sent: int
    instances_refused: int
    attempts: int
    next_try_at: datetime
    last_error: str
    request_commitment: bool
    project: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    study_description: str
    accession_number: str
    patient_id: str
    patient_name: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A transmission that this worker may send now, and what of it the peer has not acknowledged."""

    id: str
    study_instance_uid: str
    series_instance_uids: tuple[str, ...]
    destination: str
    patient_ref: int
    priority: TransmissionPriority
    asked_by: str
    instances: int
    remaining: tuple[int, ...]  # Row ids of instances.
    refused: tuple[int, ...]
    attempts: int  # This one included.
    leased_by: str
    created_at: datetime
    request_commitment: bool
    project: str


class Ending(StrEnum):
    """How an attempt ended."""

    COMPLETE = "complete"  # Every instance was acknowledged or refused for good.
    INTERRUPTED = "interrupted"  # Nothing is wrong: time to let others send; go on soon.
    REFUSED_FOR_NOW = "refused for now"  # The peer answers, but could not take some instances.
    UNREACHABLE = "unreachable"  # Nothing that goes there can succeed for now.
    IMPOSSIBLE = "impossible"  # Trying again cannot help until somebody changes something.


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt achieved; `remaining` and `refused` are all that is left, not only of this attempt."""

    ending: Ending
    remaining: tuple[int, ...]
    refused: tuple[int, ...] = ()
    explanation: str = ""  # In plain words, naming which side to change; no datum of a patient.


def event_after(attempt: Attempt, created_at: datetime, now: datetime) -> Event:
    """What the end of an attempt does to the transmission."""
    if attempt.ending is Ending.COMPLETE:
        return Event.GIVE_UP if attempt.refused else Event.SUCCEED
    if attempt.ending is Ending.INTERRUPTED:
        return Event.YIELD
    if attempt.ending is Ending.IMPOSSIBLE or now - created_at >= GIVE_UP_AFTER:
        return Event.GIVE_UP
    return Event.FAIL


def back_off_seconds(failures: int) -> int:
    """The pause after so many failures in a row (from 1): four times longer each time, up to a bound."""
    pause: int = BACK_OFF_SECONDS_MIN * 4 ** min(failures - 1, 8)
    return min(pause, BACK_OFF_SECONDS_MAX)
