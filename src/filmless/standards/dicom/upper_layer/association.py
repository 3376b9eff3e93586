"""One association, either side, without a socket: bytes in, events out; requests in, bytes out.

`Association` walks the tables of `states`; it never reads a clock it was not given, never waits, and never
raises because of what a peer sends: that becomes an A-ABORT to send and an `Aborted` event.
Not here: sockets and threads (`edge/dimse/connection.py`). Start at `Association.receive`.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from filmless.standards.dicom.upper_layer.commands import CommandSet
from filmless.standards.dicom.upper_layer.data_transfer import BytesLike, MessageReader, frame_message
from filmless.standards.dicom.upper_layer.errors import AbortReason, AbortSource, NotAllowedNow, ProtocolError
from filmless.standards.dicom.upper_layer.events import (
    Aborted,
    AssociationAccepted,
    AssociationRequested,
    Event,
    Rejected,
    ReleaseConfirmed,
    ReleaseRequested,
)
from filmless.standards.dicom.upper_layer.limits import PEER_PDU_BYTES_MIN, Limits
from filmless.standards.dicom.upper_layer.negotiation import PresentationContext, accepted_contexts
from filmless.standards.dicom.upper_layer.pdus import (
    REJECT_NO_REASON,
    REJECT_PROTOCOL_VERSION,
    Abort,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    ControlPDU,
    PDUType,
    ReleaseReply,
    ReleaseRequest,
    decode_pdu,
    encode_pdu,
)
from filmless.standards.dicom.upper_layer.states import TRANSITIONS, Evt, Sends, State, Timer

_PDU_HEADER: Final = struct.Struct(">BxL")
_PDU_HEADER_BYTES: Final = 6
_P_DATA_TF: Final = int(PDUType.P_DATA_TF)

_EVENT_OF_PDU: Final = {
    PDUType.ASSOCIATE_RQ: Evt.ASSOCIATE_RQ_PDU,
    PDUType.ASSOCIATE_AC: Evt.ASSOCIATE_AC_PDU,
    PDUType.ASSOCIATE_RJ: Evt.ASSOCIATE_RJ_PDU,
    PDUType.RELEASE_RQ: Evt.RELEASE_RQ_PDU,
    PDUType.RELEASE_RP: Evt.RELEASE_RP_PDU,
    PDUType.ABORT: Evt.ABORT_PDU,
}

_TAKES_DATA: Final = tuple(
    action is not None and action.name in ("DT-2", "AR-6") for action in TRANSITIONS[10]
)
"""By state: whether a P-DATA-TF is welcome."""


class Association:
    """One association. The shell around it:

    1. `connected` when the transport is open (a requestor calls `request_association` before),
    2. send `bytes_to_send`, close when `must_close`, call `time_out` when the clock passes `deadline`,
    3. give every received buffer to `receive` and exhaust what it returns before reusing the buffer,
    4. `connection_lost` when the transport ends.

    `contexts`: accepted presentation contexts by ID. `request`: the A-ASSOCIATE-RQ, received or sent.
    `ended_because`: plain words once the association ended other than by release; safe to log.
    """

    def __init__(
        self,
        *,
        is_requestor: bool,
        clock: Callable[[], float] = time.monotonic,
        limits: Limits = Limits(),
    ) -> None:
        """`clock`: seconds that never go back; only ARTIM looks at it."""
        self.is_requestor = is_requestor
        self.state = State.STA1
        self.request: AssociateRequest | None = None
        self.contexts: dict[int, PresentationContext] = {}
        self.deadline: float | None = None
        self.must_close = False
        self.ended_because = ""
        self._peer_pdu_bytes_max = 0
        self._clock = clock
        self._limits = limits
        self._reader = MessageReader(self.contexts, limits.command_set_bytes_max)
        self._queue: list[bytes] = []
        self._partial = bytearray()  # A header or control PDU that is not complete yet.
        self._skip_left = 0  # Bytes of a P-DATA-TF nobody wants any more.
        self._is_deaf = False  # The framing is lost: nothing more can be understood.
        self._confirms_release_later = False

    @property
    def is_established(self) -> bool:
        """Whether both sides may send messages."""
        return self.state is State.STA6

    @property
    def is_over(self) -> bool:
        """Whether the association has ended, even if the connection is still to be closed."""
        return self.state is State.STA13 or self.must_close

    @property
    def peer_pdu_bytes_max(self) -> int:
        """The longest P-DATA-TF we send: what the peer takes, within our own limit."""
        ours = self._limits.sent_pdu_bytes_max
        return min(self._peer_pdu_bytes_max, ours) if self._peer_pdu_bytes_max else ours

    # Requests of our own side. Each raises NotAllowedNow when Table 9-10 has no entry for it.

    def request_association(self, request: AssociateRequest) -> None:
        """Ask for an association; the A-ASSOCIATE-RQ goes out once `connected`."""
        self._step(Evt.ASSOCIATE_REQUEST)
        self.request = request

    def connected(self) -> None:
        """The transport connection is open."""
        if self.is_requestor:
            self._step(Evt.TRANSPORT_CONNECTED, given=self.request)
        else:
            self._step(Evt.TRANSPORT_INDICATION)

    def accept(self, accept: AssociateAccept) -> None:
        """Answer AssociationRequested with yes."""
        self._step(Evt.ASSOCIATE_ACCEPT, given=accept)
        assert self.request is not None  # AE-6 put it there.
        self.contexts.update(accepted_contexts(self.request, accept))

    def reject(self, rejection: AssociateReject) -> None:
        """Answer AssociationRequested with no."""
        self._step(Evt.ASSOCIATE_REJECT, given=rejection)
        self.ended_because = "We rejected the association."

    def release(self) -> None:
        """Ask the peer to end the association; nothing may be sent afterwards."""
        self._step(Evt.RELEASE_REQUEST, given=ReleaseRequest())

    def confirm_release(self) -> None:
        """Answer ReleaseRequested. In a release collision the acceptor answers after the peer (AR-10)."""
        if self.state is State.STA10:
            self._confirms_release_later = True
            return
        self._step(Evt.RELEASE_RESPONSE, given=ReleaseReply())

    def abort(self, explanation: str = "We aborted the association.") -> None:
        """End at once. Does nothing when the association is over already."""
        if self.is_over or self.state is State.STA1:
            return
        if self.state is State.STA2:
            # Table 9-10 has no entry: before the A-ASSOCIATE-RQ there is nobody to abort, only a connection.
            self.must_close = True
            self.state, self.deadline = State.STA1, None
        else:
            self._step(Evt.ABORT_REQUEST)
        self.ended_because = explanation

    def message(
        self, context_id: int, command: CommandSet, data: Iterable[BytesLike] | None = None
    ) -> Iterator[list[BytesLike]]:
        """The message as vectors for `sendmsg` (see `frame_message`). Send them all, or abort."""
        if TRANSITIONS[Evt.P_DATA_REQUEST][self.state] is None:
            raise self._not_allowed(Evt.P_DATA_REQUEST)
        if context_id not in self.contexts:
            raise NotAllowedNow(f"Presentation context {context_id} was not accepted.")
        return frame_message(context_id, command, data, self.peer_pdu_bytes_max)

    def bytes_to_send(self) -> bytes:
        """The control PDUs queued since the last call."""
        if not self._queue:
            return b""
        raw = b"".join(self._queue)
        self._queue.clear()
        return raw

    # What the transport tells us.

    def time_out(self) -> None:
        """The clock passed `deadline`: stop waiting for a peer that says nothing (ARTIM, PS3.8 9.1.5)."""
        if self.deadline is not None:
            if self.state is State.STA2:
                self.ended_because = "The peer connected but did not send an A-ASSOCIATE-RQ in time."
            self._step(Evt.ARTIM_EXPIRED)

    def connection_lost(
        self, explanation: str = "The peer closed the connection without release."
    ) -> Event | None:
        """The transport connection ended; returns Aborted if the association had not."""
        if self.state is State.STA1:
            return None
        return self._step(
            Evt.TRANSPORT_CLOSED,
            indication=Aborted(True, AbortSource.SERVICE_PROVIDER, AbortReason.NOT_SPECIFIED, explanation),
        )

    def receive(self, data: memoryview) -> Iterator[Event]:
        """The events in `data`, in order. Lazy: what you do about one event counts before the next is read.

        Exhaust the iterator before reusing the buffer; DataReceived events are slices of it.
        """
        position, end = 0, len(data)
        events: list[Event] = []
        reader = self._reader
        failure: ProtocolError | None = None
        while position < end and not self._is_deaf and not self.must_close:
            try:
                if reader.pdu_left:
                    position = reader.feed(data, position, end, events)
                elif self._skip_left:
                    skipped = min(self._skip_left, end - position)
                    self._skip_left -= skipped
                    position += skipped
                else:
                    position = self._read_pdu(data, position, end, events)
            except ProtocolError as error:
                self._is_deaf = True
                failure = error
            for event in events:
                yield event
                if self.is_over:  # It was the last event, or you ended the association because of it.
                    break
            events.clear()
        if failure is not None and not self.must_close:
            self._fail(failure, events)
            yield from events

    # Inside.

    def _read_pdu(self, view: memoryview, position: int, end: int, events: list[Event]) -> int:
        """Read a PDU header, and a control PDU if it is one; returns the new position."""
        if not self._partial and end - position >= _PDU_HEADER_BYTES and view[position] == _P_DATA_TF:
            # The hot path: a P-DATA-TF header that lies whole in the buffer.
            self._begin_data(_PDU_HEADER.unpack_from(view, position)[1], events)
            return position + _PDU_HEADER_BYTES
        partial = self._partial
        stop: int = position
        if len(partial) < _PDU_HEADER_BYTES:
            stop = min(end, position + _PDU_HEADER_BYTES - len(partial))
            partial += view[position:stop]
            if len(partial) < _PDU_HEADER_BYTES:
                return stop
        pdu_type, length = _PDU_HEADER.unpack_from(partial)
        if pdu_type == _P_DATA_TF:
            partial.clear()
            self._begin_data(length, events)
            return stop
        if pdu_type not in _EVENT_OF_PDU:
            raise ProtocolError(f"There is no PDU of type {pdu_type:02X}H.", AbortReason.UNRECOGNIZED_PDU)
        if length > self._limits.control_pdu_bytes_max:
            raise ProtocolError(f"A PDU of type {pdu_type:02X}H with {length} bytes is beyond every use.")
        position = stop
        stop = min(end, position + length + _PDU_HEADER_BYTES - len(partial))
        partial += view[position:stop]
        if len(partial) == length + _PDU_HEADER_BYTES:
            body = bytes(partial[_PDU_HEADER_BYTES:])
            self._partial = bytearray()
            self._take_control(PDUType(pdu_type), decode_pdu(pdu_type, body), events)
        return stop

    def _begin_data(self, length: int, events: list[Event]) -> None:
        if _TAKES_DATA[self.state]:
            self._reader.begin_pdu(length)
            return
        self._skip_left = length
        self._unexpected(Evt.P_DATA_PDU, "P-DATA-TF", events)

    def _take_control(self, pdu_type: PDUType, pdu: ControlPDU, events: list[Event]) -> None:
        evt = _EVENT_OF_PDU[pdu_type]
        action = TRANSITIONS[evt][self.state]
        indication: Event
        if evt is Evt.ASSOCIATE_RQ_PDU and self.state is State.STA2 and isinstance(pdu, AssociateRequest):
            if (rejection := self._refusal(pdu)) is not None:
                self._refuse(rejection)
                return
            self.request = pdu
            self._peer_pdu_bytes_max = pdu.user_information.pdu_bytes_max
            indication = AssociationRequested(pdu)
        elif evt is Evt.ASSOCIATE_AC_PDU and self.state is State.STA5 and isinstance(pdu, AssociateAccept):
            self._take_accept(pdu)
            indication = AssociationAccepted(pdu)
        elif isinstance(pdu, AssociateReject) and self.state is State.STA5:
            self.ended_because = "The peer rejected the association."
            indication = Rejected(pdu)
        elif isinstance(pdu, Abort):
            self._end_data()
            indication = Aborted(True, pdu.source, pdu.reason, "The peer aborted the association.")
        elif action is not None and action.name in ("AR-2", "AR-8"):
            indication = ReleaseRequested()
        elif action is not None and action.name in ("AR-3", "AR-10"):
            indication = ReleaseConfirmed()
        else:
            self._unexpected(evt, pdu_type.name, events)
            return
        happened = self._step(evt, indication=indication)
        if happened is not None:
            events.append(happened)
        if self._confirms_release_later and self.state is State.STA12:
            self._step(Evt.RELEASE_RESPONSE, given=ReleaseReply())

    def _take_accept(self, accept: AssociateAccept) -> None:
        assert self.request is not None  # Sta5 is reached by request_association only.
        peer_max = accept.user_information.pdu_bytes_max
        if 0 < peer_max < PEER_PDU_BYTES_MIN:
            raise ProtocolError(f"The peer takes PDUs of {peer_max} bytes at most; nothing useful fits.")
        self._peer_pdu_bytes_max = peer_max
        self.contexts.update(accepted_contexts(self.request, accept))

    def _refusal(self, request: AssociateRequest) -> AssociateReject | None:
        """What the provider itself refuses (AE-6), before our user sees the request."""
        if not request.protocol_version & 1:
            return REJECT_PROTOCOL_VERSION
        if 0 < request.user_information.pdu_bytes_max < PEER_PDU_BYTES_MIN:
            return REJECT_NO_REASON
        return None

    def _refuse(self, rejection: AssociateReject) -> None:
        self._queue.append(encode_pdu(rejection))
        self.state = State.STA13
        self.deadline = self._clock() + self._limits.artim_seconds
        self.ended_because = "We rejected an association request this version of the protocol cannot serve."

    def _unexpected(self, evt: Evt, name: str, events: list[Event]) -> None:
        explanation = f"{name} came in state {self.state.name}, where it is not expected."
        self._step_aborting(evt, AbortReason.UNEXPECTED_PDU, explanation, events)

    def _fail(self, error: ProtocolError, events: list[Event]) -> None:
        self._step_aborting(Evt.INVALID_PDU, error.reason, error.explanation, events)

    def _step_aborting(self, evt: Evt, reason: AbortReason, explanation: str, events: list[Event]) -> None:
        was_over = self.is_over
        indication = Aborted(False, AbortSource.SERVICE_PROVIDER, reason, explanation)
        happened = self._step(evt, indication=indication, reason=reason)
        if happened is not None:
            events.append(happened)
        if not was_over:
            self.ended_because = explanation

    def _step(
        self,
        evt: Evt,
        *,
        given: ControlPDU | None = None,
        indication: Event | None = None,
        reason: AbortReason = AbortReason.NOT_SPECIFIED,
    ) -> Event | None:
        """Walk Table 9-10 once; returns the indication if the action gives one."""
        action = TRANSITIONS[evt][self.state]
        if action is None:
            raise self._not_allowed(evt)
        if action.sends is Sends.GIVEN and given is not None:
            self._queue.append(encode_pdu(given))
        elif action.sends is Sends.USER_ABORT:
            self._queue.append(encode_pdu(Abort(AbortSource.SERVICE_USER)))
        elif action.sends is Sends.PROVIDER_ABORT:
            self._queue.append(encode_pdu(Abort(AbortSource.SERVICE_PROVIDER, reason)))
        if action.next_state is not None:
            self.state = action.next_state
        elif evt is Evt.ASSOCIATE_RQ_PDU:
            self.state = State.STA3  # AE-6; the other branch is `_refuse`.
        else:
            self.state = State.STA9 if self.is_requestor else State.STA10  # AR-8.
        if action.timer is Timer.START:
            self.deadline = self._clock() + self._limits.artim_seconds
        elif action.timer is Timer.STOP or action.closes:
            self.deadline = None
        if action.closes:
            self.must_close = True
        if self.is_over:
            self._end_data()
        if not action.indicates:
            return None
        if isinstance(indication, Aborted):
            self.ended_because = indication.explanation
        return indication

    def _end_data(self) -> None:
        """Whatever is left of the present P-DATA-TF is nobody's business any more."""
        self._skip_left += self._reader.pdu_left
        self._reader.pdu_left = 0

    def _not_allowed(self, evt: Evt) -> NotAllowedNow:
        because = f" {self.ended_because}" if self.ended_because else ""
        return NotAllowedNow(f"{evt.name} is not possible in state {self.state.name}.{because}")
