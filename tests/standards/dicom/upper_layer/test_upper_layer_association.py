"""An association's behaviour beyond single cells of the table: limits, time, order, whole conversations."""

from __future__ import annotations

import dataclasses

import pytest
from upper_layer_builders import (
    ABORT_BYTES,
    AC_BYTES,
    ACCEPT,
    CT_IMAGE,
    ECHO,
    ECHO_BYTES,
    EXPLICIT_LE,
    RELEASE_RQ_BYTES,
    REQUEST,
    RQ_BYTES,
    STORE,
    FakeClock,
    acceptor,
    conversation,
    established_acceptor,
    established_requestor,
    message_bytes,
    told,
)

from filmless.standards.dicom.upper_layer import (
    Aborted,
    AbortReason,
    Association,
    AssociationRequested,
    CommandReceived,
    DataReceived,
    Limits,
    NotAllowedNow,
    PresentationContextAnswer,
    ReleaseRequested,
    State,
    UserInformation,
)
from filmless.standards.dicom.upper_layer.pdus import encode_pdu


def pdv(context_id: int, control: int, body: bytes) -> bytes:
    return (len(body) + 2).to_bytes(4, "big") + bytes((context_id, control)) + body


def p_data(*pdvs: bytes) -> bytes:
    return b"\x04\x00" + len(b"".join(pdvs)).to_bytes(4, "big") + b"".join(pdvs)


def test_a_whole_visit_of_a_scanner() -> None:
    wire = RQ_BYTES + ECHO_BYTES + message_bytes(3, STORE, [b"pixels", b"", b"more"]) + RELEASE_RQ_BYTES
    log, sent, state = conversation(acceptor(), [wire])
    assert [type(entry) for entry in log] == [
        AssociationRequested,
        CommandReceived,
        CommandReceived,
        tuple,
        ReleaseRequested,
    ]
    assert log[3] == (3, b"pixelsmore", True)
    assert [sent[0], sent[-10]] == [0x02, 0x06]
    assert state is State.STA13


def test_one_message_follows_the_other() -> None:
    wire = RQ_BYTES + message_bytes(3, STORE, [b"first"]) + message_bytes(3, STORE, [b"second"]) + ECHO_BYTES
    log, _, state = conversation(acceptor(), [wire])
    assert log[1:] == [
        CommandReceived(3, STORE),
        (3, b"first", True),
        CommandReceived(3, STORE),
        (3, b"second", True),
        CommandReceived(1, ECHO),
    ]
    assert state is State.STA6


@pytest.mark.parametrize("chunk_bytes", [1, 2, 5, 7, 100, 4096])
def test_chunking_changes_nothing(chunk_bytes: int) -> None:
    wire = RQ_BYTES + message_bytes(3, STORE, [bytes(range(256)) * 20], 512) + ECHO_BYTES + RELEASE_RQ_BYTES
    whole = conversation(acceptor(), [wire])
    cut = [wire[start : start + chunk_bytes] for start in range(0, len(wire), chunk_bytes)]
    assert conversation(acceptor(), cut) == whole


def test_data_arrives_as_slices_of_the_buffer_before_the_pdu_is_complete() -> None:
    association = established_acceptor()
    wire = message_bytes(3, STORE, [b"a" * 1000])
    buffer = memoryview(wire[:-400])
    data = [event for event in association.receive(buffer) if isinstance(event, DataReceived)]
    assert [(len(event.data), event.is_last) for event in data] == [(600, False)]
    assert data[0].data.obj is buffer.obj


def test_a_data_set_declared_as_four_gigabytes_costs_nothing() -> None:
    association = established_acceptor()
    told(association, message_bytes(3, STORE, [b""])[: -len(p_data(pdv(3, 2, b"")))])
    huge = b"\x04\x00\xff\xff\xff\xff\xff\xff\xff\xfb\x03\x02" + b"x" * 10
    assert [bytes(event.data) for event in told(association, huge)] == [b"x" * 10]
    assert association.is_established


def test_the_end_of_a_data_set_may_be_an_empty_fragment() -> None:
    association = established_acceptor()
    command = message_bytes(3, STORE, [b""])[: -len(p_data(pdv(3, 2, b"")))]
    events = told(association, command + p_data(pdv(3, 0, b"data"), pdv(3, 0, b"")) + p_data(pdv(3, 2, b"")))
    assert [(bytes(e.data), e.is_last) for e in events if isinstance(e, DataReceived)] == [
        (b"data", False),
        (b"", True),
    ]


@pytest.mark.parametrize("size", [1, 3, 5, 40])
def test_a_command_in_many_fragments_is_put_together(size: int) -> None:
    raw = ECHO.encode()
    pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
    wire = b"".join(p_data(pdv(1, 1, piece)) for piece in pieces[:-1]) + p_data(pdv(1, 3, pieces[-1]))
    assert told(established_acceptor(), wire) == [CommandReceived(1, ECHO)]


STORE_COMMAND = p_data(pdv(3, 3, STORE.encode()))
MISTAKES: dict[str, tuple[bytes, AbortReason]] = {
    "unknown PDU type": (b"\x09\0\0\0\0\4\0\0\0\0", AbortReason.UNRECOGNIZED_PDU),
    "A-ASSOCIATE-RQ out of turn": (RQ_BYTES, AbortReason.UNEXPECTED_PDU),
    "control PDU beyond the limit": (b"\x01\0\xff\xff\xff\xff", AbortReason.INVALID_PDU_PARAMETER),
    "control PDU too short": (b"\x05\0\0\0\0\1\0", AbortReason.INVALID_PDU_PARAMETER),
    "P-DATA-TF without PDV": (b"\x04\0\0\0\0\0", AbortReason.INVALID_PDU_PARAMETER),
    "PDV longer than its PDU": (b"\x04\0\0\0\0\x08\0\0\0\x0a\x01\x03ab", AbortReason.INVALID_PDU_PARAMETER),
    "PDV shorter than its header": (b"\x04\0\0\0\0\x08\0\0\0\1\x01\x03ab", AbortReason.INVALID_PDU_PARAMETER),
    "stray bytes after a PDV": (p_data(pdv(1, 1, b"ab"), b"abc"), AbortReason.INVALID_PDU_PARAMETER),
    "context not accepted": (p_data(pdv(5, 3, ECHO.encode())), AbortReason.INVALID_PDU_PARAMETER),
    "data without a command": (p_data(pdv(3, 2, b"data")), AbortReason.INVALID_PDU_PARAMETER),
    "data on another context": (
        STORE_COMMAND + p_data(pdv(1, 2, b"data")),
        AbortReason.INVALID_PDU_PARAMETER,
    ),
    "data after the last of it": (
        STORE_COMMAND + p_data(pdv(3, 2, b"end")) + p_data(pdv(3, 2, b"more")),
        AbortReason.INVALID_PDU_PARAMETER,
    ),
    "command in a data set": (
        STORE_COMMAND + p_data(pdv(3, 3, ECHO.encode())),
        AbortReason.INVALID_PDU_PARAMETER,
    ),
    "two commands interleaved": (
        p_data(pdv(1, 1, b"ab"), pdv(3, 1, b"ab")),
        AbortReason.INVALID_PDU_PARAMETER,
    ),
    "command that cannot be decoded": (p_data(pdv(1, 3, b"rubbish!!")), AbortReason.INVALID_PDU_PARAMETER),
    "command without end": (p_data(pdv(1, 1, bytes(70_000))), AbortReason.INVALID_PDU_PARAMETER),
    "empty command": (p_data(pdv(1, 3, b"")), AbortReason.INVALID_PDU_PARAMETER),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_with_an_abort_that_says_why(mistake: str) -> None:
    wire, reason = MISTAKES[mistake]
    association = established_acceptor()
    events = told(association, wire + ECHO_BYTES)
    assert isinstance(events[-1], Aborted)
    assert (events[-1].by_peer, events[-1].source, events[-1].reason) == (False, 2, reason)
    assert association.bytes_to_send() == b"\x07\0\0\0\0\4\0\0\2" + bytes((reason,))
    assert association.state is State.STA13
    assert association.ended_because == events[-1].explanation
    # Whatever follows is not understood any more, and not answered either.
    assert told(association, ECHO_BYTES) == []
    assert association.bytes_to_send() == b""


def test_what_was_understood_before_a_mistake_is_still_told() -> None:
    events = told(established_acceptor(), p_data(pdv(1, 3, ECHO.encode()), pdv(9, 3, b"")))
    assert [type(event) for event in events] == [CommandReceived, Aborted]


def test_a_peer_that_says_nothing_is_dropped_when_its_time_is_over() -> None:
    clock = FakeClock()
    association = acceptor(Limits(artim_seconds=10), clock)
    assert association.deadline == clock.now + 10
    association.time_out()
    assert association.must_close
    assert "in time" in association.ended_because


def test_the_timer_stops_when_the_request_arrives() -> None:
    association = acceptor()
    told(association, RQ_BYTES)
    assert association.deadline is None


def test_another_protocol_version_is_rejected_by_the_provider() -> None:
    association = acceptor()
    assert told(association, encode_pdu(dataclasses.replace(REQUEST, protocol_version=2))) == []
    assert association.bytes_to_send() == bytes.fromhex("03000000000400010202")
    assert association.state is State.STA13
    assert association.deadline is not None


@pytest.mark.parametrize("peer_max", [1, 6, 127])
def test_a_peer_that_takes_only_crumbs_is_turned_away(peer_max: int) -> None:
    crumbs = UserInformation(peer_max)
    association = acceptor()
    assert told(association, encode_pdu(dataclasses.replace(REQUEST, user_information=crumbs))) == []
    assert association.bytes_to_send()[0] == 0x03
    requestor = Association(is_requestor=True, clock=FakeClock())
    requestor.request_association(REQUEST)
    requestor.connected()
    events = told(requestor, encode_pdu(dataclasses.replace(ACCEPT, user_information=crumbs)))
    assert [type(event) for event in events] == [Aborted]


@pytest.mark.parametrize(
    ("peer_max", "expected"), [(0, 262_144), (16_384, 16_384), (1_000_000, 262_144), (128, 128)]
)
def test_we_send_no_longer_pdus_than_the_peer_takes(peer_max: int, expected: int) -> None:
    request = dataclasses.replace(REQUEST, user_information=UserInformation(peer_max))
    association = established_acceptor(request=request)
    assert association.peer_pdu_bytes_max == expected
    vectors = list(association.message(3, STORE, [bytes(1_000_000)]))
    wire = b"".join(b"".join(vector) for vector in vectors)
    lengths = []
    while wire:
        length = int.from_bytes(wire[2:6], "big")
        lengths.append(length)
        wire = wire[6 + length :]
    assert max(lengths) == expected if expected % 2 == 0 else expected - 1


def test_answers_to_contexts_that_were_never_proposed_are_ignored() -> None:
    answers = (
        PresentationContextAnswer(3, 0, EXPLICIT_LE),
        PresentationContextAnswer(1, 0, "1.2.840.10008.1.2.2"),
        PresentationContextAnswer(99, 0, EXPLICIT_LE),
    )
    association = established_requestor(accept=dataclasses.replace(ACCEPT, contexts=answers))
    assert [(c.context_id, c.abstract_syntax_uid) for c in association.contexts.values()] == [(3, CT_IMAGE)]


def test_ending_the_association_at_an_event_drops_the_rest_of_the_buffer() -> None:
    association = established_acceptor()
    seen = []
    for event in association.receive(memoryview(p_data(pdv(1, 3, ECHO.encode())) * 3 + ABORT_BYTES)):
        seen.append(type(event))
        association.abort()
    assert seen == [CommandReceived]
    assert association.state is State.STA1  # The peer's A-ABORT was read; the connection can be closed.
    assert association.must_close


def test_bytes_after_the_request_wait_for_our_answer() -> None:
    log, _, _ = conversation(acceptor(), [RQ_BYTES + ECHO_BYTES])
    assert [type(entry) for entry in log] == [AssociationRequested, CommandReceived]


def test_a_release_in_the_middle_of_a_data_set_leaves_it_without_an_end() -> None:
    association = established_acceptor()
    events = told(association, STORE_COMMAND + p_data(pdv(3, 0, b"half")) + RELEASE_RQ_BYTES)
    assert [type(event) for event in events] == [CommandReceived, DataReceived, ReleaseRequested]
    assert not any(event.is_last for event in events if isinstance(event, DataReceived))


def test_a_message_on_a_context_that_was_not_accepted_is_refused() -> None:
    with pytest.raises(NotAllowedNow, match="Presentation context 99"):
        established_acceptor().message(99, ECHO)


def test_a_requestor_hears_an_acceptance() -> None:
    association = Association(is_requestor=True, clock=FakeClock())
    association.request_association(REQUEST)
    association.connected()
    assert association.bytes_to_send() == RQ_BYTES
    told(association, AC_BYTES)
    assert association.is_established
    assert set(association.contexts) == {1, 3}


def test_losing_the_connection_is_told_once() -> None:
    association = established_acceptor()
    event = association.connection_lost()
    assert isinstance(event, Aborted)
    assert event.by_peer
    assert association.connection_lost() is None
