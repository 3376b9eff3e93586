"""The socket around an association, on real sockets: order, time, silence, small pieces, TLS."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from filmless.edge.dimse.connection import Connection, Timeouts
from filmless.edge.dimse.errors import AssociationAborted, ContextNotAccepted, PeerNotReading
from filmless.standards.dicom.upper_layer import (
    Aborted,
    AcceptorPolicy,
    AssociateRequest,
    Association,
    AssociationAccepted,
    AssociationRequested,
    CommandField,
    CommandReceived,
    CommandSet,
    DataReceived,
    Limits,
    PresentationContextProposal,
    ReleaseConfirmed,
    ReleaseRequested,
    SyntaxOffer,
    UserInformation,
    negotiate,
)
from filmless.standards.dicom.upper_layer.pdus import encode_pdu

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
REQUEST = AssociateRequest(
    "FILMLESS", "CT1", (PresentationContextProposal(1, CT_IMAGE, (EXPLICIT_LE,)),), UserInformation(0)
)
POLICY = AcceptorPolicy(lambda uid: SyntaxOffer(()))
STORE = CommandSet.build(
    CommandField.C_STORE_RQ,
    has_data_set=True,
    message_id=1,
    affected_sop_class_uid=CT_IMAGE,
    affected_sop_instance_uid="1.2.3",
)


class Server(threading.Thread):
    """Accepts one association, keeps what it is sent, answers 0000."""

    def __init__(
        self, sock: socket.socket, timeouts: Timeouts = Timeouts(), limits: Limits = Limits()
    ) -> None:
        super().__init__(daemon=True)
        self.connection = Connection.accepting(sock, timeouts=timeouts, upper_layer_limits=limits)
        self.told: list[object] = []
        self.received = bytearray()
        self.established = threading.Event()

    def run(self) -> None:
        with self.connection as connection:
            for event in connection.events():
                if isinstance(event, DataReceived):
                    self.received += event.data
                    if event.is_last:
                        connection.send_message(event.context_id, STORE.response(0))
                    continue
                self.told.append(event)
                if isinstance(event, AssociationRequested):
                    connection.accept(negotiate(event.request, POLICY))
                    self.established.set()
                elif isinstance(event, ReleaseRequested):
                    connection.confirm_release()

    def kinds(self) -> list[type]:
        self.join(10)
        assert not self.is_alive()
        return [type(event) for event in self.told]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connected pair of TCP sockets: the server's, the peer's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = socket.create_connection(listener.getsockname())
        served, _ = listener.accept()
    yield served, peer
    peer.close()
    for thread in threading.enumerate():
        if isinstance(thread, Server):
            thread.join(10)
    served.close()


def connect(sock: socket.socket) -> Connection:
    """The requestor's side, established."""
    association = Association(is_requestor=True)
    association.request_association(REQUEST)
    association.connected()
    connection = Connection(sock, association, timeouts=Timeouts(idle_seconds=10))
    assert isinstance(connection.next_event(), AssociationAccepted)
    return connection


Pair = tuple[socket.socket, socket.socket]


def test_a_data_set_arrives_whole_and_is_answered(pair: Pair) -> None:
    server = Server(pair[0])
    server.start()
    chunks = [bytes([number]) * size for number, size in enumerate([1, 3, 700_001, 0, 2_000_000, 5])]
    with connect(pair[1]) as connection:
        connection.send_message(1, STORE, chunks)
        answer = connection.next_event()
        assert isinstance(answer, CommandReceived)
        assert answer.command.status == 0
        connection.release()
        assert isinstance(connection.next_event(), ReleaseConfirmed)
        assert connection.next_event() is None
    assert server.kinds() == [AssociationRequested, CommandReceived, ReleaseRequested]
    assert bytes(server.received) == b"".join(chunks)


def test_a_socket_that_takes_little_at_a_time_gets_everything(pair: Pair) -> None:
    pair[1].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    server = Server(pair[0])
    server.start()
    chunks = [bytes([number]) * 50_001 for number in range(20)]
    with connect(pair[1]) as connection:
        connection.send_message(1, STORE, chunks)
        assert isinstance(connection.next_event(), CommandReceived)
    server.join(10)
    assert bytes(server.received) == b"".join(chunks)


def test_last_words_reach_a_peer_that_was_still_talking(pair: Pair) -> None:
    connection = Connection.accepting(pair[0])
    event = None
    pair[1].sendall(encode_pdu(REQUEST) + b"x" * 50_000)
    while not isinstance(event, AssociationRequested):
        event = connection.next_event()
    pair[1].sendall(b"x" * 50_000)
    connection.close()
    assert pair[1].recv(100) == bytes.fromhex("07000000000400000000")
    assert pair[1].recv(100) == b""


def test_a_thousand_crumbs_are_one_data_set(pair: Pair) -> None:
    server = Server(pair[0])
    server.start()
    with connect(pair[1]) as connection:
        connection.send_message(1, STORE, (bytes([number % 256]) for number in range(5_000)))
        assert isinstance(connection.next_event(), CommandReceived)
    assert server.kinds()[-1] is Aborted  # We left without release.
    assert bytes(server.received) == bytes(number % 256 for number in range(5_000))


def test_looking_without_waiting_gives_none_and_changes_nothing(pair: Pair) -> None:
    server = Server(pair[0])
    server.start()
    with connect(pair[1]) as connection:
        assert connection.next_event(0) is None
        assert connection.association.is_established


def test_a_message_on_an_unknown_context_is_refused_before_it_is_sent(pair: Pair) -> None:
    Server(pair[0]).start()
    with connect(pair[1]) as connection:
        with pytest.raises(ContextNotAccepted):
            connection.send_message(3, STORE, [b"x"])
        assert connection.association.is_established


def test_a_source_that_fails_in_the_middle_aborts_the_association(pair: Pair) -> None:
    server = Server(pair[0])
    server.start()

    def broken() -> Iterator[bytes]:
        yield bytes(1_000_000)
        raise OSError("disk")

    with connect(pair[1]) as connection:
        with pytest.raises(OSError, match="disk"):
            connection.send_message(1, STORE, broken())
        assert connection.association.is_over
    assert server.kinds()[-1] is Aborted


def test_a_silent_peer_is_dropped_after_artim(pair: Pair) -> None:
    server = Server(pair[0], limits=Limits(artim_seconds=0.05))
    server.start()
    assert server.kinds() == []
    assert "in time" in server.connection.association.ended_because
    assert pair[1].recv(100) == b""


def test_a_peer_that_falls_asleep_is_aborted(pair: Pair) -> None:
    server = Server(pair[0], Timeouts(idle_seconds=0.05))
    server.start()
    with connect(pair[1]) as connection:
        event = connection.next_event()
    assert isinstance(event, Aborted)
    assert event.by_peer
    last = server.told[-1] if server.kinds() else None
    assert isinstance(last, Aborted)
    assert "0.05 seconds" in last.explanation


def test_a_peer_that_does_not_read_cannot_hold_us(pair: Pair) -> None:
    Server(pair[0]).start()
    association = connect(pair[1]).association
    lonely, deaf = socket.socketpair()
    with lonely, deaf:
        connection = Connection(lonely, association, timeouts=Timeouts(send_seconds=0.05))
        with pytest.raises(PeerNotReading, match="did not take"):
            connection.send_message(1, STORE, [bytes(10_000_000)])
        assert connection.association.is_over
        with pytest.raises(AssociationAborted):
            connection.send_message(1, STORE, [b""])


def test_a_peer_that_vanishes_is_told(pair: Pair) -> None:
    server = Server(pair[0])
    server.start()
    connect(pair[1])
    pair[1].close()
    assert server.kinds() == [AssociationRequested, Aborted]
    assert "without release" in server.connection.association.ended_because


def test_rubbish_is_answered_with_an_abort_and_a_closed_connection(pair: Pair) -> None:
    server = Server(pair[0])
    server.start()
    pair[1].sendall(b"GET / HTTP/1.1\r\n\r\n" * 10_000)
    pair[1].shutdown(socket.SHUT_WR)
    assert pair[1].recv(100) == bytes.fromhex("07000000000400000000")
    assert pair[1].recv(100) == b""
    assert server.kinds() == []


def test_another_thread_can_interrupt(pair: Pair) -> None:
    server = Server(pair[0])
    server.start()
    with connect(pair[1]) as connection:
        assert server.established.wait(10)
        server.connection.interrupt()
        event = connection.next_event()
        assert isinstance(event, Aborted)
        assert (event.by_peer, event.source) == (True, 0)
    assert server.kinds() == [AssociationRequested, Aborted]
    assert "shutting down" in server.connection.association.ended_because


def test_closing_twice_is_once(pair: Pair) -> None:
    connection = Connection.accepting(pair[0])
    connection.close()
    connection.close()
    connection.interrupt()
    assert connection.next_event() is None


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key, in one file."""
    x509 = pytest.importorskip("cryptography.x509")
    ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
    hashes = pytest.importorskip("cryptography.hazmat.primitives.hashes")
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    key_pem = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(key_pem + made.public_bytes(pem))
    return path


def test_a_data_set_travels_over_tls(pair: Pair, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))
    pair[0].setblocking(False)
    # The handshake is left to the association's own thread, where it is bounded by ARTIM.
    served = context.wrap_socket(pair[0], server_side=True, do_handshake_on_connect=False)
    server = Server(served)
    server.start()
    data = bytes(range(256)) * 8192
    with connect(trusting.wrap_socket(pair[1], server_hostname="127.0.0.1")) as connection:
        connection.send_message(1, STORE, [data])
        assert isinstance(connection.next_event(), CommandReceived)
        connection.release()
        assert isinstance(connection.next_event(), ReleaseConfirmed)
    assert server.kinds() == [AssociationRequested, CommandReceived, ReleaseRequested]
    assert bytes(server.received) == data


@pytest.mark.parametrize("chunk_bytes", [1, 3, 4096])
def test_bytes_that_trickle_in_are_the_same_message(
    pair: Pair, chunk_bytes: int, trickle: Callable[[socket.socket, Iterable[bytes], int], None]
) -> None:
    server = Server(pair[0])
    server.start()
    connection = connect(pair[1])
    vectors = connection.association.message(1, STORE, [b"pixels" * 500])
    trickle(pair[1], [b"".join(vector) for vector in vectors], chunk_bytes)
    assert isinstance(connection.next_event(), CommandReceived)
    connection.close()
    server.join(10)
    assert bytes(server.received) == b"pixels" * 500


@pytest.fixture
def trickle() -> Callable[[socket.socket, Iterable[bytes], int], None]:
    """Send in small pieces; Nagle is off, so each is a segment of its own."""

    def send(sock: socket.socket, parts: Iterable[bytes], chunk_bytes: int) -> None:
        wire = b"".join(parts)
        for start in range(0, len(wire), chunk_bytes):
            sock.sendall(wire[start : start + chunk_bytes])

    return send
