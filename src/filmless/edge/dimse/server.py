"""The DIMSE server: one thread for each association, a table from command to exchange.

The protocol itself is `standards/dicom/upper_layer`, the socket is `connection.py`; here associations are
admitted, counted and served, and ended at shutdown.
"""

import contextlib
import socket
import ssl
import threading
from collections import Counter

from filmless.edge.dimse.admission import Admission
from filmless.edge.dimse.connection import Connection, Timeouts, address_of
from filmless.edge.dimse.conversation import Conversation, Services
from filmless.edge.dimse.errors import (
    AssociationAborted,
    PeerNotReading,
    RequestTimedOut,
    TLSHandshakeFailed,
)
from filmless.edge.dimse.exchange import Exchange, UnknownOperation
from filmless.edge.dimse.services import Begin, Service
from filmless.edge.dimse.status import ATTRIBUTE_LIST_ERROR, CANCELLED, SUCCESS
from filmless.edge.dimse.table import service_for
from filmless.edge.dimse.tls import PeerCertificate, TLSDoor, shake_hands
from filmless.features.archive import end_transfers
from filmless.infra import limits, metrics
from filmless.infra.errors import FilmlessError
from filmless.infra.ids import new_id
from filmless.infra.log import get_logger
from filmless.infra.tls_files import TLSNotUsable
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

_SERVICE_OF: dict[int, str] = {
    CommandField.C_STORE_RQ: "store",
    CommandField.C_ECHO_RQ: "echo",
    CommandField.C_FIND_RQ: "find",
    CommandField.C_MOVE_RQ: "move",
    CommandField.C_GET_RQ: "get",
    CommandField.N_ACTION_RQ: "action",
    CommandField.N_CREATE_RQ: "create",
    CommandField.N_SET_RQ: "set",
    CommandField.N_EVENT_REPORT_RQ: "event_report",
}
_REQUESTS = {
    (service, status): metrics.DIMSE_REQUESTS.labels(service, status)
    for service in (*_SERVICE_OF.values(), "other")
    for status in ("success", "warning", "cancel", "failure")
}


def _class_of(status: int) -> str:
    """The class of a final status (PS3.7 Annex C)."""
    if status == SUCCESS:
        return "success"
    if status >> 12 == 0xB or status == ATTRIBUTE_LIST_ERROR:
        return "warning"
    return "cancel" if status == CANCELLED else "failure"


def _answer(connection: Connection, context_id: int, request: CommandSet, exchange: Exchange) -> None:
    """Send the responses to a request whose data set is whole, and count it by the last."""
    status = SUCCESS
    for message in exchange.finish():
        connection.send_message(context_id, message.command, message.data, more_follows=message.more_follows)
        status = message.command.status
    service = _SERVICE_OF.get(request.command_field, "other")
    _REQUESTS[service, _class_of(status)].inc()


class DIMSEServer:
    """Listens, admits, serves; `start` returns once the port is bound, `stop` once all associations ended."""

    def __init__(
        self,
        services: Services,
        admission: Admission,
        host: str,
        port: int,
        *,
        tls: tuple[TLSDoor, int] | None = None,
    ) -> None:
        """`tls` is the door beside the plain one and its port; None: no such door."""
        self._services = services
        self._admission = admission
        self._address = (host, port)
        self._tls = tls
        self._listener: socket.socket | None = None
        self._tls_listener: socket.socket | None = None
        self._handshakes: set[ssl.SSLSocket] = set()
        self._connections: set[Connection] = set()
        # Those that have asked for no association yet, the oldest first.
        self._silent: dict[threading.Thread, socket.socket] = {}
        self._callers: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._stopping = threading.Event()

    @property
    def port(self) -> int:
        """The port that is bound; the one the system chose when 0 was asked for."""
        assert self._listener is not None
        return int(self._listener.getsockname()[1])

    @property
    def tls_port(self) -> int | None:
        """The port that is bound for TLS; None when there is none."""
        return None if self._tls_listener is None else int(self._tls_listener.getsockname()[1])

    def start(self) -> None:
        """Bind and begin to accept; raises OSError when the address is taken.

        When it is the TLS port that is taken, or our certificate cannot be used, the plain one serves alone,
        and the log says so: images are not turned away for it.
        """
        self._listener = self._listen(self._address[1], None)
        if self._tls is None:
            return
        door, port = self._tls
        try:
            door.check()
            self._tls_listener = self._listen(port, door)
        except (OSError, TLSNotUsable) as error:
            reason = error.message if isinstance(error, TLSNotUsable) else error.strerror
            _log.error("tls_not_listening", port=port, reason=reason)

    def _listen(self, port: int, door: TLSDoor | None) -> socket.socket:
        host = self._address[0]
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=256, reuse_port=False)
        threading.Thread(target=self._accept, args=(listener, door), name="dimse-accept", daemon=True).start()
        return listener

    def stop(self) -> None:
        """Stop to accept, end the associations, wait for their threads."""
        self._stopping.set()
        for listener in (self._listener, self._tls_listener):
            if listener is not None:
                with contextlib.suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)
                listener.close()
        with self._lock:
            connections, threads = list(self._connections), list(self._threads)
            handshakes = list(self._handshakes)
        for connection in connections:
            connection.interrupt()
        for secured in handshakes:
            with contextlib.suppress(OSError):  # Not SSLSocket.shutdown: see Connection.interrupt.
                socket.socket.shutdown(secured, socket.SHUT_RDWR)
        for thread in threads:
            if thread.ident is not None:  # Else it has not been started, and finds its socket closed.
                thread.join(STOP_SECONDS_MAX)
        self._admission.close()

    def _accept(self, listener: socket.socket, door: TLSDoor | None) -> None:
        while not self._stopping.is_set():
            try:
                sock, _ = listener.accept()
            except OSError as error:
                if not self._stopping.wait(ACCEPT_PAUSE_SECONDS):  # Out of descriptors, say: others will end.
                    _log.error("accept_failed", reason=error.strerror)
                continue
            thread = threading.Thread(
                target=self._serve, args=(sock, door), name="dimse-association", daemon=True
            )
            with self._lock:
                full = len(self._threads) >= limits.ASSOCIATIONS_MAX + limits.REJECTIONS_AT_ONCE_MAX
                if full and self._silent:
                    # Who connects and says nothing gives way to who may have something to say.
                    silent = self._silent.pop(next(iter(self._silent)))
                    with contextlib.suppress(OSError):
                        socket.socket.shutdown(silent, socket.SHUT_RDWR)
                    full = False
                if not full:
                    self._threads.add(thread)
                    self._silent[thread] = sock
            if full:
                _log.warning("association_refused", reason="too many associations")
                sock.close()
                continue
            thread.start()

    def _serve(self, sock: socket.socket, door: TLSDoor | None) -> None:
        association_id = new_id()
        certificate: PeerCertificate | None = None
        timeouts = Timeouts(
            idle_seconds=limits.ASSOCIATION_IDLE_SECONDS_MAX, send_seconds=limits.SEND_SECONDS_MAX
        )
        try:
            if door is not None:
                secured = door.wrap(sock)
                with self._lock:
                    if threading.current_thread() in self._silent:  # Not sent away meanwhile.
                        self._silent[threading.current_thread()] = secured
                certificate = self._greet(secured, association_id)
                if certificate is None:
                    return
                sock = secured
            with Connection.accepting(sock, timeouts=timeouts) as connection:
                with self._lock:
                    self._connections.add(connection)
                metrics.ASSOCIATIONS_OPEN.inc()
                try:
                    outcome = self._converse(connection, association_id, certificate)
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
                self._silent.pop(threading.current_thread(), None)

    def _greet(self, secured: ssl.SSLSocket, association_id: str) -> PeerCertificate | None:
        """What the caller shows in its TLS handshake; None when there will be no association."""
        address = address_of(secured)
        with self._lock:
            self._handshakes.add(secured)
        try:
            return shake_hands(secured, limits.ASSOCIATION_REQUEST_SECONDS_MAX)
        except (AssociationAborted, TLSHandshakeFailed) as error:
            who = {"association": association_id, "address": address}
            if isinstance(error, TLSHandshakeFailed):
                self._admission.no_tls(address, error)
                _log.warning("tls_handshake_failed", reason=error.message, **who)
            else:  # A load balancer that looks whether the port is open does so all day.
                _log.info("tls_handshake_broken_off", reason=error.message, **who)
            metrics.ASSOCIATIONS.labels("lost").inc()
            secured.close()
            return None
        finally:
            with self._lock:
                self._handshakes.discard(secured)

    def _converse(
        self, connection: Connection, association_id: str, certificate: PeerCertificate | None
    ) -> str:
        """Serve one association to its end; returns how it ended: released, rejected, aborted or lost."""
        conversation: Conversation | None = None
        request: CommandReceived | None = None
        exchange: Exchange | None = None
        outcome = "lost"
        try:
            for event in connection.events():
                if isinstance(event, DataReceived):
                    if exchange is None or request is None:
                        continue  # Of a response that we did not ask for: the association is being aborted.
                    exchange.receive(event.data)
                    if event.is_last:
                        finished, exchange = exchange, None
                        _answer(connection, event.context_id, request.command, finished)
                elif isinstance(event, CommandReceived):
                    assert conversation is not None  # No command comes before the association stands.
                    request, exchange = event, self._begin(connection, conversation, event)
                elif isinstance(event, AssociationRequested):
                    with self._lock:
                        self._silent.pop(threading.current_thread(), None)
                    conversation = self._admit(connection, event.request, association_id, certificate)
                    outcome = "lost" if conversation else "rejected"
                elif isinstance(event, ReleaseRequested):
                    connection.confirm_release()
                    outcome = "released"
                elif isinstance(event, Aborted):
                    _log.info("association_aborted", association=association_id, reason=event.explanation)
                    outcome = "aborted"
                if conversation is not None and conversation.wants_release:  # While we were answering.
                    conversation.wants_release = False
                    connection.confirm_release()
                    outcome = "released"
        except (AssociationAborted, PeerNotReading, RequestTimedOut) as error:
            _log.info("association_aborted", association=association_id, reason=error.message)
            outcome = "aborted"
        finally:
            if exchange is not None:
                exchange.abandon()
            if conversation is not None:
                self._leave(conversation, association_id)
        return outcome

    def _begin(
        self, connection: Connection, conversation: Conversation, event: CommandReceived
    ) -> Exchange | None:
        """What takes the request's data set; None when there is none to wait for."""
        command = event.command
        if command.is_response:
            connection.abort()  # We asked for nothing on this association: the peer is confused.
            return None
        if command.command_field == CommandField.C_CANCEL_RQ and not command.has_data_set:
            return None  # It was answered already: there is nothing to cancel.
        context = connection.association.contexts[event.context_id]
        begin = self._operation(context, command)
        conversation.begin(command)
        exchange = UnknownOperation(command) if begin is None else begin(conversation, command, context)
        if command.has_data_set:
            return exchange
        _answer(connection, event.context_id, command, exchange)
        return None

    def _operation(self, context: PresentationContext, command: CommandSet) -> Begin | None:
        """What serves this command on this presentation context; None when nothing does.

        A peer asks as SCU; it reports events to us as SCP (PS3.7 D.3.3.4).
        """
        service = self._service_for(context.abstract_syntax_uid)
        reports = command.command_field == CommandField.N_EVENT_REPORT_RQ
        may_ask = context.requestor_is_scp if reports else context.requestor_is_scu
        return service.operations.get(command.command_field) if service and may_ask else None

    def _admit(
        self,
        connection: Connection,
        request: AssociateRequest,
        association_id: str,
        certificate: PeerCertificate | None,
    ) -> Conversation | None:
        answer = self._admission.of(request, connection.peer_address, certificate)
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
            "tls": certificate is not None,
        }
        if isinstance(answer, AssociateReject):
            _log.warning("association_rejected", reason=answer.reason, source=answer.source, **who)
            connection.reject(answer)
            return None
        accept = negotiate(request, self._policy())
        connection.accept(accept)
        _log.info("association_opened", **who)
        return Conversation(self._services, answer, connection, request, accept)

    def _leave(self, conversation: Conversation, association_id: str) -> None:
        try:
            end_transfers(self._services.archive, conversation.actor)
        except FilmlessError as error:
            _log.error("transfers_not_ended", association=association_id, reason=error.message)
        title = conversation.calling_ae_title
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
            answer_extended=self._answer_extended,
        )

    def _service_for(self, abstract_syntax_uid: str) -> Service | None:
        archive = self._services.archive
        return service_for(abstract_syntax_uid, accept_unknown_sop_classes=archive.accept_unknown_sop_classes)

    def _offer_for(self, abstract_syntax_uid: str) -> SyntaxOffer | None:
        service = self._service_for(abstract_syntax_uid)
        return None if service is None else service.offer

    def _answer_extended(self, sop_class_uid: str, information: bytes) -> bytes | None:
        service = self._service_for(sop_class_uid)
        if service is None or service.answer_extended is None:
            return None
        return service.answer_extended(information)
