"""A storage SCP for tests that keeps what it is sent, and can be told to behave badly."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from filmless.edge.dimse.connection import Connection
from filmless.edge.dimse.errors import AssociationAborted
from filmless.edge.dimse.requestor import Peer
from filmless.standards.dicom.upper_layer import (
    REJECT_LOCAL_LIMIT,
    AcceptorPolicy,
    AssociateRequest,
    AssociationRequested,
    CommandReceived,
    CommandSet,
    DataReceived,
    ReleaseRequested,
    SyntaxOffer,
    negotiate,
)

PATIENCE_SECONDS = 0.3  # How long a peer with a window waits for more before it answers.


@dataclass(frozen=True)
class Received:
    """One instance as it came."""

    command: CommandSet
    transfer_syntax_uid: str
    data_set: bytes


class StoringPeer:
    """Listens on a free port; a context manager that joins its threads at the end.

    `answer`: (number of the instance from 1) to (status, comment), or None to break the connection without a
    word. `takes`: what it accepts of an abstract syntax. `window`: operations it lets be under way; with more
    than one it answers only when that many wait, or nothing more comes, and the last first.
    `associations_max`: how many at once, others are rejected for now.
    """

    def __init__(
        self,
        *,
        answer: Callable[[int], tuple[int, str] | None] = lambda number: (0, ""),
        takes: Callable[[str], SyntaxOffer | None] = lambda uid: SyntaxOffer(()),
        window: int = 1,
        associations_max: int = 100,
    ) -> None:
        self.received: list[Received] = []
        self.requests: list[AssociateRequest] = []
        self.most_at_once = 0
        self._answer, self._takes, self._window = answer, takes, window
        self._associations_max = associations_max
        self._open = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    @property
    def peer(self) -> Peer:
        """How to reach it."""
        return Peer("127.0.0.1", self.port, "ARCHIVE", "FILMLESS", answer_seconds=10)

    def received_uids(self) -> list[str]:
        """The SOP Instance UIDs it was sent, in order."""
        return [one.command.affected_sop_instance_uid for one in self.received]

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_listening()
        for thread in [self._accepting, *self._threads]:
            thread.join(10)

    def stop_listening(self) -> None:
        """From now on nobody can connect any more."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        connection = Connection.accepting(sock)
        try:
            self._converse(connection)
        except AssociationAborted:
            pass
        finally:
            connection.close()

    def _converse(self, connection: Connection) -> None:
        command: CommandReceived | None = None
        data = bytearray()
        waiting: list[tuple[int, CommandSet]] = []
        counted = False
        while (event := connection.next_event(PATIENCE_SECONDS if waiting else None)) is not None or waiting:
            if isinstance(event, AssociationRequested):
                counted = self._admit(connection, event.request)
            elif isinstance(event, ReleaseRequested):
                connection.confirm_release()
            elif isinstance(event, CommandReceived):
                command, data = event, bytearray()
            elif isinstance(event, DataReceived):
                assert command is not None
                data += event.data
                if event.is_last:
                    context = connection.association.contexts[event.context_id]
                    one = Received(command.command, context.transfer_syntax_uid, bytes(data))
                    response = self._keep(one)
                    if response is None:
                        connection._sock.close()  # Without A-ABORT, as when the power fails.
                        connection._is_closed = True
                        break
                    waiting.append((event.context_id, response))
            self.most_at_once = max(self.most_at_once, len(waiting))
            if event is None or len(waiting) >= self._window:
                for context_id, response in reversed(waiting):
                    connection.send_message(context_id, response)
                waiting = []
        if counted:
            with self._lock:
                self._open -= 1

    def _admit(self, connection: Connection, request: AssociateRequest) -> bool:
        with self._lock:
            full = self._open >= self._associations_max
            if not full:
                self._open += 1
            self.requests.append(request)
        if full:
            connection.reject(REJECT_LOCAL_LIMIT)
            return False
        connection.accept(negotiate(request, AcceptorPolicy(self._takes, operations_max=self._window)))
        return True

    def _keep(self, one: Received) -> CommandSet | None:
        with self._lock:
            self.received.append(one)
            answer = self._answer(len(self.received))
        if answer is None:
            return None
        status, comment = answer
        return one.command.response(status, **({"error_comment": comment} if comment else {}))
