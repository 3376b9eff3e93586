"""A DICOM peer for tests of what we ask of others, with the manners that a test gives it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from dataclasses import dataclass, field

from filmless.edge.dimse import check_instance
from filmless.edge.dimse.connection import Connection
from filmless.edge.dimse.errors import AssociationAborted
from filmless.edge.dimse.requestor import Peer, open_association
from filmless.standards.dicom.transfer_syntaxes import IMPLICIT_LE
from filmless.standards.dicom.upper_layer import (
    AcceptorPolicy,
    AssociateReject,
    AssociationRequested,
    CommandField,
    CommandReceived,
    CommandSet,
    DataReceived,
    ReleaseRequested,
    SyntaxOffer,
    negotiate,
)


@dataclass
class Manners:
    """How a peer behaves; as it stands, well."""

    refuses: tuple[str, ...] = ()  # SOP classes.
    rejects: tuple[int, int, int] | None = None
    hangs_up: bool = False
    says_nothing: bool = False
    echo: int = 0
    find: int = 0
    store: int = 0
    move: int = 0
    move_counts: dict[str, int] = field(default_factory=dict)
    sends_back_to: int | None = None  # The port that it knows for FILMLESS.
    tls: ssl.SSLContext | None = None


class Neighbour:
    """A peer on a port of its own, serving associations one after the other."""

    def __init__(self, manners: Manners) -> None:
        self.manners = manners
        self.held = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _listen(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError, AssociationAborted):
                if self.manners.tls is not None:
                    sock = self.manners.tls.wrap_socket(sock, server_side=True)
                with Connection.accepting(sock) as connection:
                    self._serve(connection)

    def _serve(self, connection: Connection) -> None:
        command: CommandSet | None = None
        received = b""
        for event in connection.events():
            if isinstance(event, AssociationRequested):
                if self.manners.hangs_up:
                    return
                if self.manners.says_nothing:
                    connection.next_event(10)  # Until the other side has had enough.
                    return
                if self.manners.rejects is not None:
                    connection.reject(AssociateReject(*self.manners.rejects))
                else:
                    connection.accept(negotiate(event.request, AcceptorPolicy(self._offer)))
            elif isinstance(event, ReleaseRequested):
                connection.confirm_release()
            elif isinstance(event, CommandReceived):
                command, received = event.command, b""
                if not command.has_data_set:
                    self._answer(connection, event.context_id, command)
            elif isinstance(event, DataReceived):
                received += bytes(event.data)
                if event.is_last and command is not None:
                    if command.command_field == CommandField.C_STORE_RQ:
                        self.held = received
                    self._answer(connection, event.context_id, command)

    def _offer(self, uid: str) -> SyntaxOffer | None:
        return None if uid in self.manners.refuses else SyntaxOffer((IMPLICIT_LE,))

    def _answer(self, connection: Connection, context_id: int, command: CommandSet) -> None:
        manners = self.manners
        status = {
            CommandField.C_ECHO_RQ: manners.echo,
            CommandField.C_FIND_RQ: manners.find,
            CommandField.C_STORE_RQ: manners.store,
            CommandField.C_MOVE_RQ: manners.move,
        }[CommandField(command.command_field)]
        counts: dict[str, int] = {}
        if command.command_field == CommandField.C_MOVE_RQ:
            counts = manners.move_counts
            if manners.sends_back_to is not None:
                status, counts = self._send_back(manners.sends_back_to)
        connection.send_message(context_id, command.response(status, **counts))

    def _send_back(self, port: int) -> tuple[int, dict[str, int]]:
        uid = check_instance.CHECK_SOP_CLASS_UID
        with open_association(Peer("127.0.0.1", port, "FILMLESS", "CT1"), [(uid, (IMPLICIT_LE,))]) as back:
            status = back.store(
                uid, check_instance.check_uids("FILMLESS").sop_instance_uid, IMPLICIT_LE, (self.held,)
            )
        failed = int(status != 0)
        counts = {
            "number_of_completed_suboperations": 1 - failed,
            "number_of_failed_suboperations": failed,
        }
        return 0xB000 if failed else 0, counts
