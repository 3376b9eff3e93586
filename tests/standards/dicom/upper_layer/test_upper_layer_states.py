"""Table 9-10 of PS3.8, the whole grid: as data, and walked by a real association with real bytes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from upper_layer_builders import (
    ABORT_BYTES,
    AC_BYTES,
    ACCEPT,
    ECHO,
    ECHO_BYTES,
    RELEASE_RP_BYTES,
    RELEASE_RQ_BYTES,
    REQUEST,
    RJ_BYTES,
    RQ_BYTES,
    association_in,
    told,
)

from filmless.standards.dicom.upper_layer import (
    REJECT_CALLING_AE_TITLE,
    Aborted,
    Association,
    AssociationAccepted,
    AssociationRequested,
    CommandReceived,
    NotAllowedNow,
    Rejected,
    ReleaseConfirmed,
    ReleaseRequested,
    State,
)
from filmless.standards.dicom.upper_layer.states import ACTIONS, TRANSITIONS, Evt

# Tables 9-6 to 9-9: action -> (next state, first byte of the PDU it sends, event it gives, closes).
# AE-6 and AR-8 have two next states; the grid below meets the first of AE-6, and both of AR-8.
A_ABORT = 0x07
DOES: dict[str, tuple[tuple[int, ...], int | None, type | None, bool]] = {
    "AE-1": ((4,), None, None, False),
    "AE-2": ((5,), 0x01, None, False),
    "AE-3": ((6,), None, AssociationAccepted, False),
    "AE-4": ((1,), None, Rejected, True),
    "AE-5": ((2,), None, None, False),
    "AE-6": ((3,), None, AssociationRequested, False),
    "AE-7": ((6,), 0x02, None, False),
    "AE-8": ((13,), 0x03, None, False),
    "DT-1": ((6,), 0x04, None, False),
    "DT-2": ((6,), None, CommandReceived, False),
    "AR-1": ((7,), 0x05, None, False),
    "AR-2": ((8,), None, ReleaseRequested, False),
    "AR-3": ((1,), None, ReleaseConfirmed, True),
    "AR-4": ((13,), 0x06, None, False),
    "AR-5": ((1,), None, None, True),
    "AR-6": ((7,), None, CommandReceived, False),
    "AR-7": ((8,), 0x04, None, False),
    "AR-8": ((9, 10), None, ReleaseRequested, False),
    "AR-9": ((11,), 0x06, None, False),
    "AR-10": ((12,), None, ReleaseConfirmed, False),
    "AA-1": ((13,), A_ABORT, None, False),
    "AA-2": ((1,), None, None, True),
    "AA-3": ((1,), None, Aborted, True),
    "AA-4": ((1,), None, Aborted, True),
    "AA-5": ((1,), None, None, True),
    "AA-6": ((13,), None, None, False),
    "AA-7": ((13,), A_ABORT, None, False),
    "AA-8": ((13,), A_ABORT, Aborted, False),
}

RECEIVED = {
    Evt.ASSOCIATE_AC_PDU: AC_BYTES,
    Evt.ASSOCIATE_RJ_PDU: RJ_BYTES,
    Evt.ASSOCIATE_RQ_PDU: RQ_BYTES,
    Evt.P_DATA_PDU: ECHO_BYTES,
    Evt.RELEASE_RQ_PDU: RELEASE_RQ_BYTES,
    Evt.RELEASE_RP_PDU: RELEASE_RP_BYTES,
    Evt.ABORT_PDU: ABORT_BYTES,
    Evt.INVALID_PDU: b"\x2a\x00\x00\x00\x00\x04\x00\x00\x00\x00",
}


def _send_echo(association: Association) -> list[object]:
    vectors = list(association.message(1, ECHO))
    association._queue.extend(b"".join(vector) for vector in vectors)
    return []


LOCAL: dict[Evt, Callable[[Association], object]] = {
    Evt.ASSOCIATE_REQUEST: lambda a: a.request_association(REQUEST),
    Evt.TRANSPORT_CONNECTED: lambda a: a.connected(),
    Evt.TRANSPORT_INDICATION: lambda a: a.connected(),
    Evt.ASSOCIATE_ACCEPT: lambda a: a.accept(ACCEPT),
    Evt.ASSOCIATE_REJECT: lambda a: a.reject(REJECT_CALLING_AE_TITLE),
    Evt.P_DATA_REQUEST: _send_echo,
    Evt.RELEASE_REQUEST: lambda a: a.release(),
    Evt.RELEASE_RESPONSE: lambda a: a.confirm_release(),
    Evt.ABORT_REQUEST: lambda a: a.abort(),
    Evt.TRANSPORT_CLOSED: lambda a: a.connection_lost(),
    Evt.ARTIM_EXPIRED: lambda a: a.time_out(),
}

# Empty cells that are a quiet nothing instead of NotAllowedNow: ending what has ended is no mistake,
# and an acceptor may answer a release collision before the table lets the answer out.
QUIET = {
    *((Evt.ABORT_REQUEST, state) for state in (State.STA1, State.STA13)),
    (Evt.TRANSPORT_CLOSED, State.STA1),
    *((Evt.ARTIM_EXPIRED, state) for state in State if state not in (State.STA2, State.STA13)),
    (Evt.RELEASE_RESPONSE, State.STA10),
}
CELLS = [(evt, state) for evt in Evt for state in State]


def _association(evt: Evt, state: State) -> Association:
    requests = state is State.STA1 and evt in (Evt.ASSOCIATE_REQUEST, Evt.TRANSPORT_CONNECTED)
    return association_in(state, is_requestor=requests)


@pytest.mark.parametrize(("evt", "state"), CELLS, ids=lambda value: value.name)
def test_every_cell_of_table_9_10(evt: Evt, state: State) -> None:
    action = TRANSITIONS[evt][state]
    if (evt in RECEIVED and state in (State.STA1, State.STA4)) or (evt, state) == (
        Evt.TRANSPORT_INDICATION,
        State.STA4,
    ):
        assert action is None  # Without a connection nothing can be received; a requestor does not listen.
        return
    association = _association(evt, state)
    if action is None:
        _check_empty_cell(association, evt, state)
        return
    told_events = told(association, RECEIVED[evt]) if evt in RECEIVED else [LOCAL[evt](association)]
    next_states, pdu_type, event_type, closes = DOES[action.name]
    assert int(association.state) in next_states
    sent = association.bytes_to_send()
    assert sent[:1] == (b"" if pdu_type is None else bytes((pdu_type,)))
    assert [type(event) for event in told_events if event] == ([] if event_type is None else [event_type])
    assert association.must_close is closes
    runs = association.deadline is not None
    assert runs is (association.state in (State.STA2, State.STA13))


def _check_empty_cell(association: Association, evt: Evt, state: State) -> None:
    assert evt in LOCAL
    if (evt, state) in QUIET:
        LOCAL[evt](association)
    elif (evt, state) == (Evt.ABORT_REQUEST, State.STA2):
        LOCAL[evt](association)
        assert association.must_close
        return
    else:
        with pytest.raises(NotAllowedNow, match=f"STA{int(state)}\\b"):
            LOCAL[evt](association)
    assert association.state is state
    assert association.bytes_to_send() == b""


def test_the_table_is_the_one_pynetdicom_reads_in_the_standard() -> None:
    theirs = pytest.importorskip("pynetdicom.fsm").TRANSITION_TABLE
    ours = {
        (f"Evt{int(evt)}", f"Sta{int(state)}"): action.name
        for evt in Evt
        for state in State
        if (action := TRANSITIONS[evt][state]) is not None
    }
    assert ours == theirs


def test_every_action_of_the_standard_is_used_and_described() -> None:
    used = {action.name for row in TRANSITIONS for action in row if action is not None}
    assert used == set(ACTIONS) == set(DOES)


def test_the_acceptor_in_a_release_collision_may_answer_early() -> None:
    association = association_in(State.STA10)
    association.confirm_release()
    assert association.bytes_to_send() == b""
    assert [type(event) for event in told(association, RELEASE_RP_BYTES)] == [ReleaseConfirmed]
    assert association.bytes_to_send() == RELEASE_RP_BYTES
    assert association.state is State.STA13


def test_answers_still_owed_may_follow_a_release_request() -> None:
    association = association_in(State.STA8)
    assert list(association.message(1, ECHO.response(0)))
