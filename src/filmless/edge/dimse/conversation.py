"""What an exchange may know of its association and do with it, besides answering.

It looks for C-CANCEL while a long answer is given, and asks the peer something in return (the C-STORE of a
C-GET, N-EVENT-REPORT). One thread, one request at a time. Not here: the socket (`connection`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from filmless.edge.dimse.connection import Connection
from filmless.edge.dimse.errors import AssociationAborted, RequestTimedOut
from filmless.features.access import Actor
from filmless.features.archive import Archive
from filmless.infra import limits
from filmless.infra.sandbox import Sandbox
from filmless.infra.tls_files import TLSFiles
from filmless.standards.dicom.upper_layer import (
    Aborted,
    AssociateAccept,
    AssociateRequest,
    BytesLike,
    CommandField,
    CommandReceived,
    CommandSet,
    DataReceived,
    Event,
    PresentationContext,
    ReleaseRequested,
)


@dataclass(frozen=True, slots=True)
class Services:
    """What SCPs and SCUs of this installation work with; `ae_title` is ours."""

    archive: Archive
    ae_title: str
    sandbox: Sandbox
    tls: TLSFiles


class Conversation:
    """One association, as long as it lasts, seen by the exchanges on it."""

    def __init__(
        self,
        services: Services,
        actor: Actor,
        connection: Connection,
        request: AssociateRequest,
        accept: AssociateAccept,
    ) -> None:
        """Made by the server when it has accepted the association."""
        self.services = services
        self.actor = actor
        self.calling_ae_title = request.calling_ae_title
        self.called_ae_title = request.called_ae_title
        self.peer_address = connection.peer_address
        self.wants_release = False
        self._connection = connection
        self._extended = {item.sop_class_uid: item.information for item in accept.user_information.extended}
        self._message_id = 0
        self._serving: int | None = None
        self._is_cancelled = False

    @property
    def contexts(self) -> Mapping[int, PresentationContext]:
        """The presentation contexts that both sides agreed on, by ID."""
        return self._connection.association.contexts

    @property
    def is_over(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._connection.association.is_over

    def extended(self, sop_class_uid: str) -> bytes | None:
        """What we answered to the SOP Class Extended Negotiation of this class; None: it was not asked."""
        return self._extended.get(sop_class_uid)

    def next_message_id(self) -> int:
        """A message ID for a request of ours."""
        self._message_id = self._message_id % 0xFFFF + 1
        return self._message_id

    def begin(self, request: CommandSet) -> None:
        """The server turns to this request; a cancel of an earlier one no longer counts."""
        self._serving = request.message_id
        self._is_cancelled = False

    def is_cancelled(self) -> bool:
        """Whether the peer has cancelled the request under way (C-CANCEL), or wants to leave. Never waits.

        Raises AssociationAborted when the association is gone.
        """
        while not self._is_cancelled and (event := self._connection.next_event(0)) is not None:
            self._note(event)
        if self.is_over:
            raise AssociationAborted(f"{self.peer_address}: the association is over.")
        return self._is_cancelled

    def ask(
        self, context_id: int, command: CommandSet, data: Iterable[BytesLike] | None = None
    ) -> CommandSet:
        """Send a request of ours and wait for its response; a data set that comes with it is dropped.

        Raises AssociationAborted (also when the peer releases instead of answering), PeerNotReading,
        RequestTimedOut, ContextNotAccepted.
        """
        self._connection.send_message(context_id, command, data)
        response: CommandSet | None = None
        while True:
            event = self._connection.next_event(limits.ANSWER_SECONDS_MAX)
            if event is None:
                self._connection.abort("The peer did not answer in time.")
                raise RequestTimedOut(f"{self.peer_address} did not answer a request of ours in time.")
            if isinstance(event, DataReceived) and response is not None:
                if event.is_last:
                    return response
            elif isinstance(event, CommandReceived) and event.command.is_response:
                if event.command.message_id_being_responded_to != command.message_id:
                    raise self._confused()
                response = event.command
                if not response.has_data_set:
                    return response
            else:
                self._note(event)
                if self.wants_release:  # Who has said goodbye may not answer any more (PS3.8 9.2.2).
                    raise AssociationAborted(f"{self.peer_address}: the peer left before it answered.")

    def _note(self, event: Event) -> None:
        """What a peer may say while it waits for our answer: cancel, or goodbye."""
        if isinstance(event, Aborted):
            raise AssociationAborted(f"{self.peer_address}: {event.explanation}")
        if isinstance(event, ReleaseRequested):
            self.wants_release = self._is_cancelled = True
        elif isinstance(event, CommandReceived) and event.command.command_field == CommandField.C_CANCEL_RQ:
            if event.command.message_id_being_responded_to == self._serving:
                self._is_cancelled = True
        else:
            raise self._confused()

    def _confused(self) -> AssociationAborted:
        explanation = "The peer sent something that was not due; one operation at a time was agreed on."
        self._connection.abort(explanation)
        return AssociationAborted(f"{self.peer_address}: {explanation}")
