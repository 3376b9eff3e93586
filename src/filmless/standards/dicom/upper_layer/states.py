"""The state machine of PS3.8 9.2 as tables: states, events, actions and what each action does.

Not here: the doing; `association.Association` walks these tables. An empty cell is something that cannot
happen on the wire: our own caller asked out of turn, and gets `NotAllowedNow`.
Start at `TABLE_9_10`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class State(IntEnum):
    """PS3.8 Tables 9-1 to 9-5."""

    STA1 = 1  # Idle.
    STA2 = 2  # Connection open, awaiting A-ASSOCIATE-RQ.
    STA3 = 3  # Awaiting our user's answer to the A-ASSOCIATE-RQ.
    STA4 = 4  # Awaiting the connection to open.
    STA5 = 5  # Awaiting A-ASSOCIATE-AC or -RJ.
    STA6 = 6  # Established.
    STA7 = 7  # Awaiting A-RELEASE-RP.
    STA8 = 8  # Awaiting our user's answer to the A-RELEASE-RQ.
    STA9 = 9  # Release collision, requestor: awaiting our user's answer.
    STA10 = 10  # Release collision, acceptor: awaiting A-RELEASE-RP.
    STA11 = 11  # Release collision, requestor: awaiting A-RELEASE-RP.
    STA12 = 12  # Release collision, acceptor: awaiting our user's answer.
    STA13 = 13  # Over; awaiting the connection to close.


class Evt(IntEnum):
    """PS3.8 Table 9-10, left column. `_PDU` came from the peer, the rest from our side or the transport."""

    ASSOCIATE_REQUEST = 1
    TRANSPORT_CONNECTED = 2
    ASSOCIATE_AC_PDU = 3
    ASSOCIATE_RJ_PDU = 4
    TRANSPORT_INDICATION = 5
    ASSOCIATE_RQ_PDU = 6
    ASSOCIATE_ACCEPT = 7
    ASSOCIATE_REJECT = 8
    P_DATA_REQUEST = 9
    P_DATA_PDU = 10
    RELEASE_REQUEST = 11
    RELEASE_RQ_PDU = 12
    RELEASE_RP_PDU = 13
    RELEASE_RESPONSE = 14
    ABORT_REQUEST = 15
    ABORT_PDU = 16
    TRANSPORT_CLOSED = 17
    ARTIM_EXPIRED = 18
    INVALID_PDU = 19


TABLE_9_10 = """
      Sta1 Sta2 Sta3 Sta4 Sta5 Sta6 Sta7 Sta8 Sta9 Sta10 Sta11 Sta12 Sta13
Evt1  AE-1 .    .    .    .    .    .    .    .    .     .     .     .
Evt2  .    .    .    AE-2 .    .    .    .    .    .     .     .     .
Evt3  .    AA-1 AA-8 .    AE-3 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8  AA-8  AA-6
Evt4  .    AA-1 AA-8 .    AE-4 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8  AA-8  AA-6
Evt5  AE-5 .    .    .    .    .    .    .    .    .     .     .     .
Evt6  .    AE-6 AA-8 .    AA-8 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8  AA-8  AA-7
Evt7  .    .    AE-7 .    .    .    .    .    .    .     .     .     .
Evt8  .    .    AE-8 .    .    .    .    .    .    .     .     .     .
Evt9  .    .    .    .    .    DT-1 .    AR-7 .    .     .     .     .
Evt10 .    AA-1 AA-8 .    AA-8 DT-2 AR-6 AA-8 AA-8 AA-8  AA-8  AA-8  AA-6
Evt11 .    .    .    .    .    AR-1 .    .    .    .     .     .     .
Evt12 .    AA-1 AA-8 .    AA-8 AR-2 AR-8 AA-8 AA-8 AA-8  AA-8  AA-8  AA-6
Evt13 .    AA-1 AA-8 .    AA-8 AA-8 AR-3 AA-8 AA-8 AR-10 AR-3  AA-8  AA-6
Evt14 .    .    .    .    .    .    .    AR-4 AR-9 .     .     AR-4  .
Evt15 .    .    AA-1 AA-2 AA-1 AA-1 AA-1 AA-1 AA-1 AA-1  AA-1  AA-1  .
Evt16 .    AA-2 AA-3 .    AA-3 AA-3 AA-3 AA-3 AA-3 AA-3  AA-3  AA-3  AA-2
Evt17 .    AA-5 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4  AA-4  AA-4  AR-5
Evt18 .    AA-2 .    .    .    .    .    .    .    .     .     .     AA-2
Evt19 .    AA-1 AA-8 .    AA-8 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8  AA-8  AA-7
"""


class Sends(Enum):
    """Which PDU an action puts on the wire."""

    NOTHING = 0
    GIVEN = 1  # The PDU of the request that caused the action.
    USER_ABORT = 2
    PROVIDER_ABORT = 3


class Timer(Enum):
    """What an action does to ARTIM, the association request/reject/release timer."""

    LEAVE = 0
    START = 1
    STOP = 2


@dataclass(frozen=True, slots=True)
class Action:
    """One action of PS3.8 Tables 9-6 to 9-9. `next_state` None: it depends (AE-6, AR-8)."""

    name: str
    next_state: State | None
    sends: Sends = Sends.NOTHING
    timer: Timer = Timer.LEAVE
    indicates: bool = False
    closes: bool = False


def _actions() -> dict[str, Action]:
    given, start, stop = Sends.GIVEN, Timer.START, Timer.STOP
    rows = [
        Action("AE-1", State.STA4),
        Action("AE-2", State.STA5, given),
        Action("AE-3", State.STA6, indicates=True),
        Action("AE-4", State.STA1, indicates=True, closes=True),
        Action("AE-5", State.STA2, timer=start),
        Action("AE-6", None, timer=stop, indicates=True),
        Action("AE-7", State.STA6, given),
        Action("AE-8", State.STA13, given, start),
        Action("DT-1", State.STA6, given),
        Action("DT-2", State.STA6, indicates=True),
        Action("AR-1", State.STA7, given),
        Action("AR-2", State.STA8, indicates=True),
        Action("AR-3", State.STA1, indicates=True, closes=True),
        Action("AR-4", State.STA13, given, start),
        Action("AR-5", State.STA1, timer=stop, closes=True),
        Action("AR-6", State.STA7, indicates=True),
        Action("AR-7", State.STA8, given),
        Action("AR-8", None, indicates=True),
        Action("AR-9", State.STA11, given),
        Action("AR-10", State.STA12, indicates=True),
        Action("AA-1", State.STA13, Sends.USER_ABORT, start),
        Action("AA-2", State.STA1, timer=stop, closes=True),
        Action("AA-3", State.STA1, indicates=True, closes=True),
        Action("AA-4", State.STA1, indicates=True, closes=True),
        Action("AA-5", State.STA1, timer=stop, closes=True),
        Action("AA-6", State.STA13),
        Action("AA-7", State.STA13, Sends.PROVIDER_ABORT),
        Action("AA-8", State.STA13, Sends.PROVIDER_ABORT, start, indicates=True),
    ]
    return {action.name: action for action in rows}


ACTIONS = _actions()


def _transitions() -> tuple[tuple[Action | None, ...], ...]:
    rows: list[tuple[Action | None, ...]] = [(None,) * 14]
    for line in TABLE_9_10.strip().splitlines()[1:]:
        _, *cells = line.split()
        rows.append((None, *(None if cell == "." else ACTIONS[cell] for cell in cells)))
    return tuple(rows)


TRANSITIONS = _transitions()
"""`TRANSITIONS[event][state]`: the action, or None where the table is empty. Tuples: walked once per PDU."""
