"""Our side as requestor (SCU): open an association, ask, release.

    with open_association(peer, [(VERIFICATION, (IMPLICIT_LE,))]) as requestor:
        requestor.echo()

Peers are hostile here too: every wait is bounded, every answer checked. Not here: what to send where and
when to try again (`features/nodes`, jobs). Start at `open_association`.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from filmless.edge.dimse.connection import Connection, Timeouts
from filmless.edge.dimse.errors import (
    AssociationAborted,
    AssociationRejected,
    ContextNotAccepted,
    PeerBusy,
    PeerUnreachable,
    RequestTimedOut,
    TooManyContexts,
)
from filmless.edge.dimse.exchange import Exchange
from filmless.edge.dimse.plain_reasons import plain_reason
from filmless.edge.dimse.status import PENDING, PENDING_WITH_UNSUPPORTED_KEYS
from filmless.infra import limits
from filmless.standards.dicom.sop_classes import VERIFICATION
from filmless.standards.dicom.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from filmless.standards.dicom.upper_layer import (
    OFFERED_PDU_BYTES_MAX,
    PRESENTATION_CONTEXTS_MAX,
    Aborted,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    Association,
    AssociationAccepted,
    AsyncWindow,
    BytesLike,
    CommandField,
    CommandReceived,
    CommandSet,
    DataReceived,
    ExtendedNegotiation,
    PresentationContext,
    PresentationContextProposal,
    Priority,
    Rejected,
    ReleaseConfirmed,
    ReleaseRequested,
    RoleSelection,
    UserIdentity,
    UserInformation,
)

Begin = Callable[[CommandSet, PresentationContext], Exchange]
"""What serves a request of the peer on our association."""

_TRANSIENT = 2  # PS3.8 Table 9-21, result.

_REJECTIONS = {  # (source, reason) -> in plain words; PS3.8 Table 9-21.
    (1, 2): "it does not know the DICOM application context",
    (1, 3): "it does not know our AE title {calling!r}; register it there",
    (1, 7): "it is not called {called!r}; correct the AE title of this node",
    (2, 2): "it speaks another protocol version",
    (3, 1): "it is congested",
    (3, 2): "it is at its limit of associations",
}


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom to ask and in whose name, and how long to be patient (seconds).

    `preferred_transfer_syntaxes`: what it would rather be sent than what is stored, best first.
    """

    host: str
    port: int
    called_ae_title: str
    calling_ae_title: str
    connect_seconds: float = 10.0
    answer_seconds: float = 60.0
    tls: ssl.SSLContext | None = None
    preferred_transfer_syntaxes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.called_ae_title} at {self.host}:{self.port}"


@contextmanager
def open_association(
    peer: Peer,
    contexts: Sequence[tuple[str, Sequence[str]]],
    *,
    roles: tuple[RoleSelection, ...] = (),
    extended: tuple[ExtendedNegotiation, ...] = (),
    user_identity: UserIdentity | None = None,
    operations_max: int = 1,
) -> Iterator[Requestor]:
    """An association with `peer`; released at the end of the block, aborted when it raises.

    `contexts`: (abstract syntax UID, transfer syntax UIDs). Propose one pair per transfer syntax when you
    must be able to send in each. `operations_max`: how many requests we would like to have under way at once
    (PS3.7 D.3.3.3); see `Requestor.operations_max` for what the peer granted. Raises PeerUnreachable,
    AssociationRejected, PeerBusy, RequestTimedOut, AssociationAborted, TooManyContexts.
    """
    request = _request_for(
        peer,
        contexts,
        UserInformation(
            OFFERED_PDU_BYTES_MAX,
            IMPLEMENTATION_CLASS_UID,
            IMPLEMENTATION_VERSION_NAME,
            roles=roles,
            async_window=AsyncWindow(operations_max, 1) if operations_max > 1 else None,
            extended=extended,
            user_identity=user_identity,
        ),
    )
    association = Association(is_requestor=True)
    association.request_association(request)
    sock = _connect(peer)
    association.connected()
    with Connection(sock, association, timeouts=Timeouts(send_seconds=peer.answer_seconds)) as connection:
        requestor = Requestor(connection, peer)
        requestor.establish()
        yield requestor
        # Everything asked has been answered; a peer that botches its goodbye does not undo that.
        with suppress(AssociationAborted, RequestTimedOut):
            requestor.release()


class Requestor:
    """An open association to ask questions on, one at a time."""

    def __init__(self, connection: Connection, peer: Peer) -> None:
        """Made by `open_association`."""
        self._connection = connection
        self._peer = peer
        self._message_id = 0
        self.operations_max = 1
        """How many requests may be under way at once on this association."""

    @property
    def contexts(self) -> dict[int, PresentationContext]:
        """The presentation contexts the peer accepted, by ID."""
        return self._connection.association.contexts

    def context_for(self, abstract_syntax_uid: str, transfer_syntax_uid: str = "") -> PresentationContext:
        """The accepted context for this pair ("": any transfer syntax). Raises ContextNotAccepted."""
        for context in self.contexts.values():
            if context.abstract_syntax_uid == abstract_syntax_uid and (
                not transfer_syntax_uid or context.transfer_syntax_uid == transfer_syntax_uid
            ):
                return context
        syntax = f" in transfer syntax {transfer_syntax_uid}" if transfer_syntax_uid else ""
        raise ContextNotAccepted(f"{self._peer} does not take SOP class {abstract_syntax_uid}{syntax}.")

    def echo(self) -> int:
        """C-ECHO (PS3.7 9.1.5); returns the status, 0 for Success."""
        context = self.context_for(VERIFICATION)
        command = CommandSet.build(
            CommandField.C_ECHO_RQ, message_id=self.next_message_id(), affected_sop_class_uid=VERIFICATION
        )
        return self._ask(context.context_id, command, None).status

    def store(
        self,
        sop_class_uid: str,
        sop_instance_uid: str,
        transfer_syntax_uid: str,
        data: Iterable[BytesLike],
        *,
        move_originator: tuple[str, int] | None = None,
    ) -> int:
        """C-STORE (PS3.7 9.1.1); returns the status. 0 is Success, Bxxx a warning: stored all the same.

        `data`: the data set without file meta, in that transfer syntax, in chunks of any size.
        `move_originator`: AE title and message ID of the C-MOVE this answers.
        """
        context = self.context_for(sop_class_uid, transfer_syntax_uid)
        originator: dict[str, int | str] = {}
        if move_originator is not None:
            originator = {
                "move_originator_ae_title": move_originator[0],
                "move_originator_message_id": move_originator[1],
            }
        command = CommandSet.build(
            CommandField.C_STORE_RQ,
            has_data_set=True,
            message_id=self.next_message_id(),
            priority=Priority.MEDIUM,
            affected_sop_class_uid=sop_class_uid,
            affected_sop_instance_uid=sop_instance_uid,
            **originator,
        )
        return self._ask(context.context_id, command, data).status

    def next_message_id(self) -> int:
        """A message ID for the next request."""
        self._message_id = self._message_id % 0xFFFF + 1
        return self._message_id

    def send(self, context_id: int, command: CommandSet, data: Iterable[BytesLike] | None = None) -> None:
        """Send a request whose response `next_response` will give; at most `operations_max` at once.

        Raises AssociationAborted, PeerNotReading, ContextNotAccepted, and whatever `data` raises.
        """
        self._connection.send_message(context_id, command, data)

    def next_response(self) -> CommandSet:
        """The next response to one of the requests sent with `send`, in whatever order the peer answers.

        Raises AssociationAborted, RequestTimedOut.
        """
        received = self._receive("a request", None)
        assert received is not None  # Without `on_request` a request of the peer ends the association.
        return received[0]

    def ask(
        self,
        context_id: int,
        command: CommandSet,
        data: Iterable[BytesLike] | None = None,
        *,
        on_request: Begin | None = None,
    ) -> Iterator[tuple[CommandSet, bytes]]:
        """Send a request; yields its responses with their data sets, the final one last.

        `on_request` serves what the peer asks us meanwhile: the C-STORE of our C-GET, N-EVENT-REPORT. Raises
        AssociationAborted, RequestTimedOut, PeerNotReading, ContextNotAccepted.
        """
        self._connection.send_message(context_id, command, data)
        what = f"message {command.message_id}"
        while True:
            received = self._receive(what, on_request)
            if received is None:
                continue
            response, data_set = received
            if (
                response.command_field != command.command_field | 0x8000
                or response.message_id_being_responded_to != command.message_id
            ):
                raise self._confused(what)
            yield response, data_set
            if response.status not in (PENDING, PENDING_WITH_UNSUPPORTED_KEYS):
                return

    def cancel(self, context_id: int, message_id: int) -> None:
        """C-CANCEL of an `ask` under way (PS3.7 9.3.2.3); go on reading its responses to the final one."""
        cancel = CommandSet.build(CommandField.C_CANCEL_RQ, message_id_being_responded_to=message_id)
        self._connection.send_message(context_id, cancel)

    def serve(self, on_request: Begin, wait_seconds: float) -> bool:
        """Wait for one request of the peer and serve it; False when none came in time.

        Raises AssociationAborted, also when the peer releases.
        """
        event = self._connection.next_event(wait_seconds)
        if event is None and not self._connection.association.is_over:
            return False
        if not isinstance(event, CommandReceived) or event.command.is_response:
            raise self._confused("nothing")
        self._serve(event, on_request, "its own request")
        return True

    def establish(self) -> None:
        """Wait for the answer to our A-ASSOCIATE-RQ; `open_association` does."""
        event = self._next("the association request")
        if isinstance(event, Rejected):
            raise self._rejected(event.rejection)
        if not isinstance(event, AssociationAccepted):
            raise AssociationAborted(f"{self._peer} answered the association request with something else.")
        self.operations_max = self._granted(event.accept)

    def release(self) -> None:
        """Release the association and wait for the answer; `open_association` does."""
        if self._connection.association.is_over:
            return
        self._connection.release()
        while True:
            event = self._next("the release")
            if isinstance(event, ReleaseRequested):
                self._connection.confirm_release()
            elif isinstance(event, ReleaseConfirmed):
                return

    # Inside.

    def _granted(self, accept: AssociateAccept) -> int:
        """The smaller of the windows asked for and answered, where 0 is unlimited and silence is 1."""
        request = self._connection.association.request
        asked = request.user_information.async_window if request else None
        answered = accept.user_information.async_window
        if asked is None or answered is None:
            return 1
        return min(asked.operations_invoked_max, answered.operations_invoked_max or 0xFFFF)

    def _receive(self, what: str, on_request: Begin | None) -> tuple[CommandSet, bytes] | None:
        """The next response with its data set; None when the peer asked something, and was served."""
        event = self._next(what)
        if not isinstance(event, CommandReceived):
            raise self._confused(what)
        if event.command.is_response:
            return event.command, self._data_set(event.command, what)
        if on_request is None:
            raise self._confused(what)
        self._serve(event, on_request, what)
        return None

    def _data_set(self, command: CommandSet, what: str) -> bytes:
        received = bytearray()
        is_last = not command.has_data_set
        while not is_last:
            event = self._next(what)
            if not isinstance(event, DataReceived):
                raise self._confused(what)
            if len(received) + len(event.data) > limits.IDENTIFIER_BYTES_MAX:
                self._connection.abort("The data set of the response is too large.")
                raise AssociationAborted(f"{self._peer} answered {what} with a data set beyond every use.")
            received += event.data
            is_last = event.is_last
        return bytes(received)

    def _serve(self, event: CommandReceived, on_request: Begin, what: str) -> None:
        """Answer one request of the peer."""
        exchange = on_request(event.command, self.contexts[event.context_id])
        is_last = not event.command.has_data_set
        try:
            while not is_last:
                data = self._next(what)
                if not isinstance(data, DataReceived):
                    raise self._confused(what)
                exchange.receive(data.data)
                is_last = data.is_last
        except BaseException:
            exchange.abandon()
            raise
        for message in exchange.finish():
            self._connection.send_message(event.context_id, message.command, message.data)

    def _confused(self, what: str) -> AssociationAborted:
        self._connection.abort("The peer sent something else than what was due.")
        return AssociationAborted(f"{self._peer} answered {what} with something else than its response.")

    def _ask(self, context_id: int, command: CommandSet, data: Iterable[BytesLike] | None) -> CommandSet:
        """Send a request and wait for its one response."""
        self._connection.send_message(context_id, command, data)
        what = f"message {command.message_id}"
        event = self._next(what)
        response = event.command if isinstance(event, CommandReceived) else None
        if (
            response is None
            or response.has_data_set
            or response.command_field != command.command_field | 0x8000
            or response.message_id_being_responded_to != command.message_id
        ):
            raise self._confused(what)
        return response

    def _next(self, what: str) -> object:
        """The next event; raises RequestTimedOut or AssociationAborted instead of giving none."""
        event = self._connection.next_event(self._peer.answer_seconds)
        if isinstance(event, Aborted):
            raise AssociationAborted(f"{self._peer}: {event.explanation}")
        if event is not None:
            return event
        association = self._connection.association
        if association.is_over:
            raise AssociationAborted(
                f"{self._peer}: {association.ended_because or 'the association is over.'}"
            )
        self._connection.abort("The peer did not answer in time.")
        raise RequestTimedOut(
            f"{self._peer} did not answer {what} within {self._peer.answer_seconds:g} seconds."
        )

    def _rejected(self, rejection: AssociateReject) -> AssociationRejected | PeerBusy:
        words = _REJECTIONS.get((rejection.source, rejection.reason), "it gives no reason")
        words = words.format(calling=self._peer.calling_ae_title, called=self._peer.called_ae_title)
        message = f"{self._peer} rejected the association: {words}."
        if rejection.result == _TRANSIENT:
            return PeerBusy(message)
        return AssociationRejected(message, rejection.result, rejection.source, rejection.reason)


def _request_for(
    peer: Peer, contexts: Sequence[tuple[str, Sequence[str]]], information: UserInformation
) -> AssociateRequest:
    if len(contexts) > PRESENTATION_CONTEXTS_MAX:
        raise TooManyContexts(
            f"{len(contexts)} presentation contexts for {peer}; open several associations of at most 128."
        )
    proposals = tuple(
        PresentationContextProposal(2 * index + 1, abstract_syntax_uid, tuple(transfer_syntax_uids))
        for index, (abstract_syntax_uid, transfer_syntax_uids) in enumerate(contexts)
    )
    return AssociateRequest(peer.called_ae_title, peer.calling_ae_title, proposals, information)


def _connect(peer: Peer) -> socket.socket:
    deadline = time.monotonic() + peer.connect_seconds
    try:
        sock = socket.create_connection((peer.host, peer.port), peer.connect_seconds)
    except OSError as error:
        raise PeerUnreachable(f"{peer} cannot be reached: {error.strerror or error}.") from error
    if peer.tls is None:
        return sock
    try:
        sock.settimeout(max(0.1, deadline - time.monotonic()))
        return peer.tls.wrap_socket(sock, server_hostname=peer.host)
    except OSError as error:
        sock.close()
        raise PeerUnreachable(f"{peer}: no TLS connection, {plain_reason(error)}.") from error
