"""A peer that answers one query or retrieval exactly as a test tells it to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from filmless.edge.dimse.connection import Connection
from filmless.edge.dimse.requestor import Peer
from filmless.standards.dicom.data_set import DataSet, decode_data_set, encode_data_set
from filmless.standards.dicom.dictionary import tag_of
from filmless.standards.dicom.upper_layer import (
    AcceptorPolicy,
    AssociationRequested,
    CommandField,
    CommandReceived,
    CommandSet,
    DataReceived,
    ReleaseRequested,
    SyntaxOffer,
    negotiate,
)

PENDING, UNSUPPORTED, CANCELLED = 0xFF00, 0xFF01, 0xFE00

Answer = tuple[int, DataSet | None, Mapping[str, int]]


def data_set(**values: str) -> DataSet:
    made = DataSet()
    for keyword, value in values.items():
        tag = tag_of(keyword)
        assert tag is not None
        made.set(tag, value)
    return made


def study(number: int, **values: str) -> DataSet:
    return data_set(StudyInstanceUID=f"1.2.{number}", **values)


class Archivist:
    """A peer that answers one request with what it was told to; `stops` when it hears a cancel."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.offer: Callable[[str], SyntaxOffer | None] = lambda _: SyntaxOffer((), peer_may_be_scp=True)
        self.extended: dict[str, bytes] = {}
        self.request: CommandSet | None = None
        self.context_id = 0
        self.identifier = DataSet()
        self.cancelled = False

    def serve(self, script: Script) -> None:
        received = b""
        for event in self.connection.events():
            if isinstance(event, AssociationRequested):
                self.extended = {
                    it.sop_class_uid: it.information for it in event.request.user_information.extended
                }
                self.connection.accept(negotiate(event.request, AcceptorPolicy(self.offer)))
            elif isinstance(event, ReleaseRequested):
                self.connection.confirm_release()
            elif isinstance(event, CommandReceived):
                if event.command.command_field == CommandField.C_CANCEL_RQ:
                    self.cancelled = True
                else:
                    self.request, self.context_id = event.command, event.context_id
            elif isinstance(event, DataReceived):
                received += bytes(event.data)
                if event.is_last:
                    self.identifier = decode_data_set(received, self.syntax, bytes_max=10_000)
                    script(self)

    @property
    def syntax(self) -> str:
        return self.connection.association.contexts[self.context_id].transfer_syntax_uid

    def answer(self, status: int, found: DataSet | None = None, **values: int) -> None:
        assert self.request is not None
        response = self.request.response(status, has_data_set=found is not None, **values)
        data = None if found is None else (encode_data_set(found, self.syntax),)
        self.connection.send_message(self.context_id, response, data)

    def hears_cancel(self) -> bool:
        """Wait for what the other side says next; whether it was a cancel."""
        event = self.connection.next_event(10)
        return isinstance(event, CommandReceived) and event.command.command_field == CommandField.C_CANCEL_RQ


Script = Callable[[Archivist], None]
Start = Callable[..., Peer]


def answering(answers: Sequence[Answer]) -> Script:
    def script(archivist: Archivist) -> None:
        for status, found, values in answers:
            archivist.answer(status, found, **values)

    return script


def counts(remaining: int, completed: int, failed: int = 0, warned: int = 0) -> dict[str, int]:
    return {
        "number_of_remaining_suboperations": remaining,
        "number_of_completed_suboperations": completed,
        "number_of_failed_suboperations": failed,
        "number_of_warning_suboperations": warned,
    }
