"""The DIMSE server: one thread for each association, a table from command to exchange.

The protocol itself is `standards/dicom/upper_layer`, the socket is `connection.py`; here associations are
admitted, counted and served, and ended at shutdown.
"""

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from filmless.edge.dimse.admission import Admission
from filmless.edge.dimse.connection import Connection, Timeouts
from filmless.edge.dimse.echo import EchoExchange
from filmless.edge.dimse.errors import AssociationAborted, PeerNotReading
from filmless.edge.dimse.exchange import Exchange, UnknownOperation
from filmless.edge.dimse.status import SUCCESS
from filmless.edge.dimse.store import StoreExchange
from filmless.features.access import Actor
from filmless.features.archive import Archive, ReceiveContext, end_transfers
from filmless.infra import limits, metrics
from filmless.infra.errors import FilmlessError
from filmless.infra.ids import new_id
from filmless.infra.log import get_logger
from filmless.standards.dicom.sop_classes import VERIFICATION, is_storage
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, IMPLICIT_LE
from filmless.standards.dicom.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from filmless.standards.dicom.upper_layer import (
    REJECT_LOCAL_LIMIT,
    REJECT_TEMPORARY_CONGESTION,
    Aborted,
    AcceptorPolicy,
    AssociateReject,
    AssociateRequest,
    AssociationRequested,
    CommandField,
    CommandReceived,
    CommandSet,
    DataReceived,
    PresentationContext,
    ReleaseRequested,
    SyntaxOffer,
    negotiate,
)

ACCEPT_PAUSE_SECONDS = 0.2  # After a failed accept: a loop at full speed would not free a descriptor.
STOP_SECONDS_MAX = 10  # Associations get this long to end their present message when the server stops.

_log = get_logger()
_VERIFICATION_OFFER = SyntaxOffer((EXPLICIT_LE, IMPLICIT_LE))
_STORAGE_OFFER = SyntaxOffer((), peer_order=True)  # Kept as sent: any syntax, the peer's first choice.
_SERVICE_ROOT = "1.2.840.10008."  # Under it every UID is DICOM's own, and a class we do not serve is refused.
_STORAGE_ROOT = "1.2.840.10008.5.1.4.1.1."


@dataclass(frozen=True, slots=True)
class _Association:
    """What an exchange needs to know of the association it runs on."""

    archive: Archive
    actor: Actor
    request: AssociateRequest


def _store(association: _Association, request: CommandSet, context: PresentationContext) -> Exchange:
    announced = ReceiveContext(
        sop_class_uid=request.affected_sop_class_uid,
        sop_instance_uid=request.affected_sop_instance_uid,
        transfer_syntax_uid=context.transfer_syntax_uid,
        source_ae_title=association.request.calling_ae_title,
        receiving_ae_title=association.request.called_ae_title,
    )
    return StoreExchange(association.archive, association.actor, request, announced)


def _echo(_: _Association, request: CommandSet, __: PresentationContext) -> Exchange:
    return EchoExchange(request)


EXCHANGES: dict[int, Callable[[_Association, CommandSet, PresentationContext], Exchange]] = {
    CommandField.C_STORE_RQ: _store,
    CommandField.C_ECHO_RQ: _echo,
}  # A command that is not here is answered Unrecognized Operation.


_SERVICE_OF: dict[int, str] = {CommandField.C_STORE_RSP: "store", CommandField.C_ECHO_RSP: "echo"}
_REQUESTS = {
    (service, status): metrics.DIMSE_REQUESTS.labels(service, status)
    for service in ("store", "echo", "other")
    for status in ("success", "failure")
}


def _answer(connection: Connection, context_id: int, exchange: Exchange) -> None:
    """Send the response to a request whose data set is whole, and count it."""
    response = exchange.finish()
    service = _SERVICE_OF.get(response.command_field, "other")
    _REQUESTS[service, "success" if response.status == SUCCESS else "failure"].inc()
    connection.send_message(context_id, response)


class DIMSEServer:
    """Listens, admits, serves; `start` returns once the port is bound, `stop` once all associations ended."""

    def __init__(self, archive: Archive, admission: Admission, host: str, port: int) -> None:
        self._archive = archive
        self._admission = admission
        self._address = (host, port)
        self._listener: socket.socket | None = None
        self._connections: set[Connection] = set()
        self._callers: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._stopping = threading.Event()

    @property
    def port(self) -> int:
        """The port that is bound; the one the system chose when 0 was asked for."""
        assert self._listener is not None
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Bind and begin to accept; raises OSError when the address is taken."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        listener = socket.create_server(self._address, family=family, backlog=256, reuse_port=False)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), name="dimse-accept", daemon=True).start()

    def stop(self) -> None:
        """Stop to accept, end the associations, wait for their threads."""
        self._stopping.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        with self._lock:
            connections, threads = list(self._connections), list(self._threads)
        for connection in connections:
            connection.interrupt()
        for thread in threads:
            thread.join(STOP_SECONDS_MAX)

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                sock, _ = listener.accept()
            except OSError as error:
                if not self._stopping.wait(ACCEPT_PAUSE_SECONDS):  # Out of descriptors, say: others will end.
                    _log.error("accept_failed", reason=error.strerror)
                continue
            thread = threading.Thread(target=self._serve, args=(sock,), name="dimse-association", daemon=True)
            with self._lock:
                full = len(self._threads) >= limits.ASSOCIATIONS_MAX + limits.REJECTIONS_AT_ONCE_MAX
                if not full:
                    self._threads.add(thread)
            if full:
                _log.warning("association_refused", reason="too many associations")
                sock.close()
                continue
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        association_id = new_id()
        timeouts = Timeouts(
            idle_seconds=limits.ASSOCIATION_IDLE_SECONDS_MAX, send_seconds=limits.SEND_SECONDS_MAX
        )
        try:
            with Connection.accepting(sock, timeouts=timeouts) as connection:
                with self._lock:
                    self._connections.add(connection)
                metrics.ASSOCIATIONS_OPEN.inc()
                try:
                    outcome = self._converse(connection, association_id)
                    metrics.ASSOCIATIONS.labels(outcome).inc()
                finally:
                    metrics.ASSOCIATIONS_OPEN.dec()
                    with self._lock:
                        self._connections.discard(connection)
        except Exception:  # noqa: BLE001 The last wall: one association's accident is not the server's.
            _log.exception("association_failed", association=association_id)
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _converse(self, connection: Connection, association_id: str) -> str:
        """Serve one association to its end; returns how it ended: released, rejected, aborted or lost."""
        association: _Association | None = None
        exchange: Exchange | None = None
        outcome = "lost"
        try:
            for event in connection.events():
                if isinstance(event, DataReceived):
                    if exchange is None:
                        continue  # Of a response that we did not ask for: the association is being aborted.
                    exchange.receive(event.data)
                    if event.is_last:
                        finished, exchange = exchange, None
                        _answer(connection, event.context_id, finished)
                elif isinstance(event, CommandReceived):
                    assert association is not None  # No command comes before the association stands.
                    exchange = self._begin(connection, association, event)
                elif isinstance(event, AssociationRequested):
                    association = self._admit(connection, event.request, association_id)
                    outcome = "lost" if association else "rejected"
                elif isinstance(event, ReleaseRequested):
                    connection.confirm_release()
                    outcome = "released"
                elif isinstance(event, Aborted):
                    _log.info("association_aborted", association=association_id, reason=event.explanation)
                    outcome = "aborted"
        except (AssociationAborted, PeerNotReading) as error:
            _log.info("association_aborted", association=association_id, reason=error.message)
            outcome = "aborted"
        finally:
            if exchange is not None:
                exchange.abandon()
            if association is not None:
                self._leave(association, association_id)
        return outcome

    def _begin(
        self, connection: Connection, association: _Association, event: CommandReceived
    ) -> Exchange | None:
        command = event.command
        context = connection.association.contexts[event.context_id]
        if command.is_response:
            connection.abort()  # We asked for nothing on this association: the peer is confused.
            return None
        if command.command_field == CommandField.C_CANCEL_RQ and not command.has_data_set:
            return None  # Nothing that takes long is under way: there is nothing to cancel.
        begin = EXCHANGES.get(command.command_field)
        exchange = UnknownOperation(command) if begin is None else begin(association, command, context)
        if command.has_data_set:
            return exchange
        _answer(connection, event.context_id, exchange)
        return None

    def _admit(
        self, connection: Connection, request: AssociateRequest, association_id: str
    ) -> _Association | None:
        answer = self._admission.of(request, connection.peer_address)
        if not isinstance(answer, AssociateReject):
            with self._lock:
                if self._callers.total() >= limits.ASSOCIATIONS_MAX:
                    answer = REJECT_TEMPORARY_CONGESTION
                elif self._callers[request.calling_ae_title] >= limits.ASSOCIATIONS_PER_NODE_MAX:
                    answer = REJECT_LOCAL_LIMIT
                else:
                    self._callers[request.calling_ae_title] += 1
        who = {
            "association": association_id,
            "calling_ae_title": request.calling_ae_title,
            "called_ae_title": request.called_ae_title,
            "address": connection.peer_address,
        }
        if isinstance(answer, AssociateReject):
            _log.warning("association_rejected", reason=answer.reason, source=answer.source, **who)
            connection.reject(answer)
            return None
        connection.accept(negotiate(request, self._policy()))
        _log.info("association_opened", **who)
        return _Association(self._archive, answer, request)

    def _leave(self, association: _Association, association_id: str) -> None:
        try:
            end_transfers(association.archive, association.actor)
        except FilmlessError as error:
            _log.error("transfers_not_ended", association=association_id, reason=error.message)
        title = association.request.calling_ae_title
        with self._lock:
            self._callers[title] -= 1
            if not self._callers[title]:
                del self._callers[title]
        _log.info("association_closed", association=association_id)

    def _policy(self) -> AcceptorPolicy:
        return AcceptorPolicy(
            offer_for=self._offer_for,
            implementation_class_uid=IMPLEMENTATION_CLASS_UID,
            implementation_version_name=IMPLEMENTATION_VERSION_NAME,
        )

    def _offer_for(self, abstract_syntax_uid: str) -> SyntaxOffer | None:
        if abstract_syntax_uid == VERIFICATION:
            return _VERIFICATION_OFFER
        if is_storage(abstract_syntax_uid):
            return _STORAGE_OFFER
        private = not abstract_syntax_uid.startswith(_SERVICE_ROOT)
        unknown = private or abstract_syntax_uid.startswith(_STORAGE_ROOT)
        return _STORAGE_OFFER if unknown and self._archive.accept_unknown_sop_classes else None
