"""Values of storage commitment, and what can become of a request: three tables of states. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import TypeVar

from filmless.features.archive import InstanceReference, Verdict
from filmless.features.commitment.errors import NothingToRetry

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


class FailureReason(IntEnum):
    """Failure Reason (0008,1197) of an instance that is not committed (PS3.3 C.14.1.1)."""

    PROCESSING_FAILURE = 0x0110
    NO_SUCH_INSTANCE = 0x0112
    CLASS_INSTANCE_CONFLICT = 0x0119
    DUPLICATE_TRANSACTION_UID = 0x0131


REASONS_IN_WORDS: Mapping[int, str] = {
    0x0110: "it could not be verified, or is damaged",
    0x0112: "there is no such instance",
    0x0119: "the instance is of another SOP class",
    0x0122: "the SOP class is not supported",
    0x0131: "the Transaction UID is in use for other instances",
    0x0213: "there was no room or time for it",
}
"""All Failure Reasons of the standard; other numbers are a peer's own."""

REASON_OF: Mapping[Verdict, FailureReason | None] = {
    Verdict.HELD: None,
    Verdict.UNKNOWN: FailureReason.NO_SUCH_INSTANCE,
    Verdict.OF_ANOTHER_CLASS: FailureReason.CLASS_INSTANCE_CONFLICT,
    # We have bytes of it, but whether they become the record is a person's decision.
    Verdict.UNDECIDED: FailureReason.PROCESSING_FAILURE,
    Verdict.LOST: FailureReason.NO_SUCH_INSTANCE,
    Verdict.DAMAGED: FailureReason.PROCESSING_FAILURE,
}


@dataclass(frozen=True, slots=True)
class FailedInstance:
    """An instance that is not committed, and why: a FailureReason, or any number that a peer gives."""

    reference: InstanceReference
    reason: int

    @property
    def in_words(self) -> str:
        """The reason for a person, with its number."""
        words = REASONS_IN_WORDS.get(self.reason, "the node gives a reason of its own")
        return f"{words} ({self.reason:04X})"


@dataclass(frozen=True, slots=True)
class Report:
    """What one N-EVENT-REPORT says about a transaction (PS3.4 J.3.3)."""

    transaction_uid: str
    committed: tuple[InstanceReference, ...]
    failed: tuple[FailedInstance, ...]


# --- Asked of us -------------------------------------------------------------------------------------------


class ReceivedState(StrEnum):
    """Where a request that a node made of us stands."""

    RECEIVED = "received"
    VERIFYING = "verifying"
    WAITING_TO_REPORT = "waiting to report"
    REPORTED = "reported"
    PARKED = "parked"


class ReceivedEvent(StrEnum):
    """What happens to such a request."""

    BEGAN = "verification began"
    VERIFIED = "verified"
    REPORTED = "reported"
    GAVE_UP = "gave up"
    ASKED_AGAIN = "asked again"  # The node repeats its request: it heard no answer, or wants to be sure.
    RETRIED = "retried"  # By a person.


_R, _RE = ReceivedState, ReceivedEvent

RECEIVED_TRANSITIONS: Mapping[tuple[ReceivedState, ReceivedEvent], ReceivedState] = {
    (_R.RECEIVED, _RE.BEGAN): _R.VERIFYING,
    (_R.RECEIVED, _RE.GAVE_UP): _R.PARKED,
    (_R.RECEIVED, _RE.ASKED_AGAIN): _R.RECEIVED,
    (_R.VERIFYING, _RE.BEGAN): _R.VERIFYING,  # The next slice, or after a worker that died.
    (_R.VERIFYING, _RE.VERIFIED): _R.WAITING_TO_REPORT,
    (_R.VERIFYING, _RE.GAVE_UP): _R.PARKED,
    (_R.VERIFYING, _RE.ASKED_AGAIN): _R.VERIFYING,
    (_R.WAITING_TO_REPORT, _RE.REPORTED): _R.REPORTED,
    (_R.WAITING_TO_REPORT, _RE.GAVE_UP): _R.PARKED,
    (_R.WAITING_TO_REPORT, _RE.ASKED_AGAIN): _R.RECEIVED,  # What was true then is looked at again.
    (_R.REPORTED, _RE.REPORTED): _R.REPORTED,  # Told twice, by two associations at once.
    (_R.REPORTED, _RE.ASKED_AGAIN): _R.RECEIVED,
    (_R.PARKED, _RE.REPORTED): _R.REPORTED,
    (_R.PARKED, _RE.ASKED_AGAIN): _R.RECEIVED,
    (_R.PARKED, _RE.RETRIED): _R.RECEIVED,
}
"""A pair that is not here does not happen: the request has moved on, and whoever comes late does nothing."""


@dataclass(frozen=True, slots=True)
class CommitmentReceived:
    """One request that a node made of us."""

    id: str
    transaction_uid: str
    calling_ae_title: str
    state: ReceivedState
    number_of_instances: int
    number_verified: int
    number_failed: int
    attempts: int
    last_error: str | None
    received_at: datetime
    verified_at: datetime | None
    reported_at: datetime | None


# --- Asked by us -------------------------------------------------------------------------------------------


class AskedState(StrEnum):
    """Where a request that we make of a node stands."""

    WAITING_TO_ASK = "waiting to ask"
    ASKED = "asked"
    COMMITTED = "committed"
    PARTLY_COMMITTED = "partly committed"
    NOT_COMMITTED = "not committed"
    OVERDUE = "overdue"
    PARKED = "parked"


class AskedEvent(StrEnum):
    """What happens to such a request."""

    TAKEN = "taken"  # The node answered N-ACTION with Success.
    ALL_COMMITTED = "all committed"
    SOME_COMMITTED = "some committed"
    NONE_COMMITTED = "none committed"
    GAVE_UP = "gave up"
    TIME_PASSED = "time passed"
    RETRIED = "retried"


_A, _AE = AskedState, AskedEvent
_OUTCOMES = {
    _AE.ALL_COMMITTED: _A.COMMITTED,
    _AE.SOME_COMMITTED: _A.PARTLY_COMMITTED,
    _AE.NONE_COMMITTED: _A.NOT_COMMITTED,
}
# A report may overtake the answer to the question, and one that comes late is as good as any.
_OPEN = (_A.WAITING_TO_ASK, _A.ASKED, _A.OVERDUE, _A.PARKED)
_ANSWERED = tuple(_OUTCOMES.values())

ASKED_TRANSITIONS: Mapping[tuple[AskedState, AskedEvent], AskedState] = {
    (_A.WAITING_TO_ASK, _AE.TAKEN): _A.ASKED,
    (_A.WAITING_TO_ASK, _AE.GAVE_UP): _A.PARKED,
    (_A.ASKED, _AE.TIME_PASSED): _A.OVERDUE,
    **{(state, event): outcome for state in _OPEN for event, outcome in _OUTCOMES.items()},
    # The first report counts; a node that did not hear our answer sends it again.
    **{(state, event): state for state in _ANSWERED for event in _OUTCOMES},
    **{
        (state, _AE.RETRIED): _A.WAITING_TO_ASK
        for state in (_A.PARTLY_COMMITTED, _A.NOT_COMMITTED, _A.OVERDUE, _A.PARKED)
    },
}
"""A pair that is not here does not happen, as above."""


@dataclass(frozen=True, slots=True)
class CommitmentAsked:
    """One request that we make of a node. `reported_by`: the AE title that answered."""

    id: str
    transaction_uid: str
    node_ae_title: str
    state: AskedState
    number_of_instances: int
    number_failed: int
    attempts: int
    last_error: str | None
    created_at: datetime
    asked_at: datetime | None
    answered_at: datetime | None
    reported_by: str | None


# --- Instance availability ---------------------------------------------------------------------------------


class NoticeState(StrEnum):
    """Where a notice of availability to one subscriber stands."""

    WAITING = "waiting"
    TOLD = "told"
    PARKED = "parked"


class NoticeEvent(StrEnum):
    """What happens to such a notice."""

    GREW = "study grew"
    TOLD = "told"
    GAVE_UP = "gave up"
    RETRIED = "retried"


_N, _NE = NoticeState, NoticeEvent

NOTICE_TRANSITIONS: Mapping[tuple[NoticeState, NoticeEvent], NoticeState] = {
    (_N.WAITING, _NE.GREW): _N.WAITING,
    (_N.WAITING, _NE.TOLD): _N.TOLD,
    (_N.WAITING, _NE.GAVE_UP): _N.PARKED,
    (_N.TOLD, _NE.GREW): _N.WAITING,
    (_N.PARKED, _NE.GREW): _N.WAITING,
    (_N.PARKED, _NE.RETRIED): _N.WAITING,
}


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A node that wants to hear which studies can be retrieved."""

    ae_title: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One notice as persons see it."""

    id: str
    ae_title: str
    study_instance_uid: str
    state: NoticeState
    number_of_instances: int
    attempts: int
    last_error: str | None
    created_at: datetime
    told_at: datetime | None


def next_state(transitions: Mapping[tuple[State, Event], State], state: State, event: Event) -> State | None:
    """The state after the event; None where the table has no such pair."""
    return transitions.get((state, event))


def retried_state(transitions: Mapping[tuple[State, Event], State], state: State, event: Event) -> State:
    """The state after a person's retry; raises NothingToRetry."""
    after = next_state(transitions, state, event)
    if after is None:
        raise NothingToRetry(f"This one is {state}: there is nothing to try again.")
    return after
