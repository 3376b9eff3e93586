"""Associations brought into a wanted state by real steps, and messages to put on them."""

from __future__ import annotations

from collections.abc import Iterable

from filmless.standards.dicom.upper_layer import (
    Aborted,
    AcceptorPolicy,
    AssociateRequest,
    Association,
    AssociationRequested,
    CommandField,
    CommandSet,
    DataReceived,
    Event,
    Limits,
    PresentationContextProposal,
    ReleaseRequested,
    State,
    SyntaxOffer,
    UserInformation,
    frame_message,
    negotiate,
)
from filmless.standards.dicom.upper_layer.pdus import (
    Abort,
    AssociateAccept,
    AssociateReject,
    ReleaseReply,
    ReleaseRequest,
    encode_pdu,
)

VERIFICATION = "1.2.840.10008.1.1"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"

REQUEST = AssociateRequest(
    "FILMLESS",
    "CT1",
    (
        PresentationContextProposal(1, VERIFICATION, (IMPLICIT_LE,)),
        PresentationContextProposal(3, CT_IMAGE, (EXPLICIT_LE, IMPLICIT_LE)),
    ),
    UserInformation(16384, "1.2.3", "TEST"),
)
POLICY = AcceptorPolicy(lambda uid: SyntaxOffer(()))
ACCEPT = negotiate(REQUEST, POLICY)

ECHO = CommandSet.build(CommandField.C_ECHO_RQ, message_id=1, affected_sop_class_uid=VERIFICATION)
STORE = CommandSet.build(
    CommandField.C_STORE_RQ,
    has_data_set=True,
    message_id=7,
    priority=0,
    affected_sop_class_uid=CT_IMAGE,
    affected_sop_instance_uid="1.2.3.4.5",
)

RQ_BYTES = encode_pdu(REQUEST)
AC_BYTES = encode_pdu(ACCEPT)
RJ_BYTES = encode_pdu(AssociateReject(1, 1, 3))
RELEASE_RQ_BYTES = encode_pdu(ReleaseRequest())
RELEASE_RP_BYTES = encode_pdu(ReleaseReply())
ABORT_BYTES = encode_pdu(Abort(0, 0))


def message_bytes(
    context_id: int, command: CommandSet, data: Iterable[bytes] | None = None, pdu_bytes_max: int = 16384
) -> bytes:
    """A message as it looks on the wire."""
    return b"".join(b"".join(vector) for vector in frame_message(context_id, command, data, pdu_bytes_max))


ECHO_BYTES = message_bytes(1, ECHO)


class FakeClock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def told(association: Association, data: bytes) -> list[Event]:
    """The events of one buffer, DataReceived views copied so that they can be kept."""
    return [
        DataReceived(e.context_id, memoryview(bytes(e.data)), e.is_last) if isinstance(e, DataReceived) else e
        for e in association.receive(memoryview(data))
    ]


def acceptor(limits: Limits = Limits(), clock: FakeClock | None = None) -> Association:
    """An acceptor whose peer has just connected (Sta2)."""
    association = Association(is_requestor=False, clock=clock or FakeClock(), limits=limits)
    association.connected()
    return association


def established_acceptor(limits: Limits = Limits(), request: AssociateRequest = REQUEST) -> Association:
    """An acceptor in Sta6, nothing left to send."""
    association = acceptor(limits)
    told(association, encode_pdu(request))
    association.accept(negotiate(request, POLICY))
    association.bytes_to_send()
    return association


def established_requestor(
    request: AssociateRequest = REQUEST, accept: AssociateAccept = ACCEPT
) -> Association:
    """A requestor in Sta6, nothing left to send."""
    association = Association(is_requestor=True, clock=FakeClock())
    association.request_association(request)
    association.connected()
    association.bytes_to_send()
    told(association, encode_pdu(accept))
    return association


def association_in(state: State, *, is_requestor: bool = False) -> Association:
    """An association that came to `state` by the usual way, nothing left to send."""
    association = _bring_to(state, is_requestor)
    assert association.state is state
    association.bytes_to_send()
    return association


def _bring_to(state: State, is_requestor: bool) -> Association:
    if state is State.STA1:
        return Association(is_requestor=is_requestor, clock=FakeClock())
    if state in (State.STA2, State.STA3):
        association = acceptor()
        if state is State.STA3:
            told(association, RQ_BYTES)
        return association
    if state in (State.STA4, State.STA5):
        association = Association(is_requestor=True, clock=FakeClock())
        association.request_association(REQUEST)
        if state is State.STA5:
            association.connected()
        return association
    requests = is_requestor or state in (State.STA9, State.STA11)
    association = established_requestor() if requests else established_acceptor()
    if state in (State.STA7, State.STA9, State.STA10, State.STA11, State.STA12):
        association.release()
    if state in (State.STA8, State.STA9, State.STA10, State.STA11, State.STA12, State.STA13):
        told(association, RELEASE_RQ_BYTES)
    if state in (State.STA11, State.STA13):
        association.confirm_release()
    if state is State.STA12:
        told(association, RELEASE_RP_BYTES)
    return association


def conversation(association: Association, chunks: Iterable[bytes]) -> tuple[list[object], bytes, State]:
    """Play the acceptor's user against `chunks`: what it was told, what it sent, how it ended.

    Neighbouring data fragments are joined, because where they are cut depends on the chunks.
    """
    log: list[object] = []
    sent = b""
    for chunk in chunks:
        for event in association.receive(memoryview(chunk)):
            if isinstance(event, DataReceived):
                _log_data(log, event)
                continue
            log.append(event)
            if isinstance(event, AssociationRequested):
                association.accept(negotiate(event.request, POLICY))
            elif isinstance(event, ReleaseRequested):
                association.confirm_release()
            elif isinstance(event, Aborted):
                assert association.is_over
        sent += association.bytes_to_send()
        if association.must_close:
            break
    return log, sent, association.state


def _log_data(log: list[object], event: DataReceived) -> None:
    if log and isinstance(log[-1], tuple) and not log[-1][2]:
        log[-1] = (event.context_id, log[-1][1] + bytes(event.data), event.is_last)
    else:
        log.append((event.context_id, bytes(event.data), event.is_last))
