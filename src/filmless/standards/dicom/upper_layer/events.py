"""What an association tells its user. Small slotted objects, made on the hot path: not frozen on purpose.

Compare with `type(event) is DataReceived`, or `match`. Not here: what to do about them (`edge/dimse`).
"""

from __future__ import annotations

from dataclasses import dataclass

from filmless.standards.dicom.upper_layer.commands import CommandSet
from filmless.standards.dicom.upper_layer.pdus import AssociateAccept, AssociateReject, AssociateRequest


@dataclass(slots=True)
class AssociationRequested:
    """A peer asks for an association; answer with `accept` or `reject`."""

    request: AssociateRequest


@dataclass(slots=True)
class AssociationAccepted:
    """The peer accepted our request; `Association.contexts` now holds what both can do."""

    accept: AssociateAccept


@dataclass(slots=True)
class Rejected:
    """The peer rejected our request; the association is over."""

    rejection: AssociateReject


@dataclass(slots=True)
class CommandReceived:
    """A whole command set. When `command.has_data_set`, DataReceived events follow; the last says so."""

    context_id: int
    command: CommandSet


@dataclass(slots=True)
class DataReceived:
    """The next bytes of the data set. `data` is the receive buffer itself: valid until the next receive."""

    context_id: int
    data: memoryview
    is_last: bool


@dataclass(slots=True)
class ReleaseRequested:
    """The peer wants to end; answer with `confirm_release`. Answers still owed may be sent before it."""


@dataclass(slots=True)
class ReleaseConfirmed:
    """The peer agreed to our release."""


@dataclass(slots=True)
class Aborted:
    """The end without release: the peer's A-ABORT, ours after its mistake, or a lost connection."""

    by_peer: bool
    source: int
    reason: int
    explanation: str


Event = (
    AssociationRequested
    | AssociationAccepted
    | Rejected
    | CommandReceived
    | DataReceived
    | ReleaseRequested
    | ReleaseConfirmed
    | Aborted
)
