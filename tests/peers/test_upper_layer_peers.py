"""Our upper layer and socket shell against DCMTK and pynetdicom, each as requestor and as acceptor.

No archive here: the acceptor keeps what it gets in memory, so that only the network is tested.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from filmless.edge.dimse.connection import Connection
from filmless.edge.dimse.errors import AssociationRejected
from filmless.edge.dimse.requestor import Peer, open_association
from filmless.standards.dicom.upper_layer import (
    REJECT_CALLED_AE_TITLE,
    AcceptorPolicy,
    AssociateRequest,
    AssociationRequested,
    AsyncWindow,
    CommandReceived,
    CommandSet,
    DataReceived,
    ReleaseRequested,
    RoleSelection,
    SyntaxOffer,
    UserIdentity,
    negotiate,
)

pytestmark = pytest.mark.peer

VERIFICATION = "1.2.840.10008.1.1"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
SECONDS_MAX = 30


@dataclass
class Acceptor:
    """Takes every SOP class and syntax, answers Success, keeps requests, commands and data sets."""

    requests: list[AssociateRequest] = field(default_factory=list)
    stored: list[tuple[CommandSet, bytes]] = field(default_factory=list)
    endings: list[str] = field(default_factory=list)
    called_ae_title: str = ""
    port: int = 0

    def serve(self, sock: socket.socket) -> None:
        """One association, to its end."""
        policy = AcceptorPolicy(
            lambda uid: SyntaxOffer((), peer_may_be_scp=True),
            operations_max=4,
            answer_user_identity=lambda identity: b"welcome",
        )
        with Connection.accepting(sock) as connection:
            command, data = None, bytearray()
            for event in connection.events():
                if isinstance(event, AssociationRequested):
                    self.requests.append(event.request)
                    if self.called_ae_title not in ("", event.request.called_ae_title):
                        connection.reject(REJECT_CALLED_AE_TITLE)
                    else:
                        connection.accept(negotiate(event.request, policy))
                elif isinstance(event, CommandReceived):
                    command, data = event.command, bytearray()
                    if not command.has_data_set:
                        connection.send_message(event.context_id, command.response(0))
                elif isinstance(event, DataReceived):
                    data += event.data
                    if event.is_last and command is not None:
                        self.stored.append((command, bytes(data)))
                        connection.send_message(event.context_id, command.response(0))
                elif isinstance(event, ReleaseRequested):
                    connection.confirm_release()
            self.endings.append(connection.association.ended_because)


@pytest.fixture
def acceptor() -> Iterator[Acceptor]:
    """Ours, listening."""
    listener = socket.create_server(("127.0.0.1", 0))
    made = Acceptor(port=listener.getsockname()[1])
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=made.serve, args=(sock,), daemon=True))
            threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    yield made
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    accepting.join(SECONDS_MAX)
    for thread in threads:
        thread.join(SECONDS_MAX)
        assert not thread.is_alive()


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a DCMTK program; skips when it is not installed."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"DCMTK's {program} is not installed")
    return subprocess.run(
        [path, *arguments], capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )


def a_file(name: str = "CT_small.dcm") -> Path:
    """One of pydicom's own files."""
    return Path(str(get_testdata_file(name, download=False)))


def data_set_bytes(path: Path) -> bytes:
    """What follows the file meta information."""
    raw = path.read_bytes()
    length = pydicom.dcmread(path, stop_before_pixels=True).file_meta.FileMetaInformationGroupLength
    return raw[144 + length :]


def test_echoscu_is_answered(acceptor: Acceptor) -> None:
    done = run("echoscu", "-v", "--repeat", "3", "127.0.0.1", str(acceptor.port))
    assert done.returncode == 0, done.stderr
    assert acceptor.requests[0].calling_ae_title == "ECHOSCU"


def test_echoscu_hears_why_it_is_rejected(acceptor: Acceptor) -> None:
    acceptor.called_ae_title = "FILMLESS"
    done = run("echoscu", "-v", "-aec", "OTHER", "127.0.0.1", str(acceptor.port))
    assert done.returncode != 0
    assert "Called AE Title Not Recognized" in done.stderr


def test_echoscu_may_abort(acceptor: Acceptor) -> None:
    done = run("echoscu", "-v", "--abort", "127.0.0.1", str(acceptor.port))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("pdu_bytes", [4096, 131_072])
def test_storescu_stores_the_bytes_of_the_file(acceptor: Acceptor, pdu_bytes: int) -> None:
    path = a_file()
    options = ["-v", "-R", "-xe", "--max-pdu", str(pdu_bytes), "--max-send-pdu", str(pdu_bytes)]
    done = run("storescu", *options, "127.0.0.1", str(acceptor.port), str(path))
    assert done.returncode == 0, done.stderr
    ((command, data),) = acceptor.stored
    assert command.affected_sop_instance_uid == pydicom.dcmread(path).SOPInstanceUID
    sent = pydicom.dcmread(path)
    # storescu drops the trailing padding and writes its own lengths; the pixels tell the bytes are whole.
    assert sent.PixelData in data


def test_storescu_proposes_more_than_a_hundred_contexts(acceptor: Acceptor) -> None:
    done = run("storescu", "-v", "127.0.0.1", str(acceptor.port), str(a_file()))
    assert done.returncode == 0, done.stderr
    assert len(acceptor.requests[0].contexts) > 60


def test_pynetdicom_negotiates_everything_with_us(acceptor: Acceptor) -> None:
    pynetdicom = pytest.importorskip("pynetdicom")
    pdu = pytest.importorskip("pynetdicom.pdu_primitives")
    identity, window = pdu.UserIdentityNegotiation(), pdu.AsynchronousOperationsWindowNegotiation()
    identity.user_identity_type, identity.primary_field, identity.secondary_field = 2, b"operator", b"secret"
    identity.positive_response_requested = True
    window.maximum_number_operations_invoked = 9
    role = pynetdicom.build_role(CT_IMAGE, scp_role=True)
    entity = pynetdicom.AE("PYNETDICOM")
    entity.add_requested_context(VERIFICATION)
    entity.add_requested_context(CT_IMAGE, EXPLICIT_LE)
    association = entity.associate("127.0.0.1", acceptor.port, ext_neg=[identity, window, role])
    assert association.is_established
    assert [context.as_scp for context in association.accepted_contexts] == [False, True]
    assert association.send_c_echo().Status == 0
    association.release()
    assert association.is_released
    asked = acceptor.requests[0].user_information
    assert asked.user_identity == UserIdentity(2, b"operator", b"secret", True)
    assert asked.async_window == AsyncWindow(9, 1)
    assert asked.roles == (RoleSelection(CT_IMAGE, False, True),)


def test_pynetdicom_stores_the_bytes_of_the_file(acceptor: Acceptor) -> None:
    pynetdicom = pytest.importorskip("pynetdicom")
    path = a_file()
    entity = pynetdicom.AE("PYNETDICOM")
    entity.add_requested_context(CT_IMAGE, EXPLICIT_LE)
    association = entity.associate("127.0.0.1", acceptor.port)
    assert association.send_c_store(str(path)).Status == 0
    association.release()
    ((_, data),) = acceptor.stored
    assert data == data_set_bytes(path)


@dataclass
class Stored:
    """An acceptor of somebody else and what it keeps."""

    peer: Peer
    received: list[bytes] = field(default_factory=list)


@pytest.fixture
def pynetdicom_acceptor() -> Iterator[Stored]:
    pynetdicom = pytest.importorskip("pynetdicom")
    entity = pynetdicom.AE("PYNETDICOM")
    entity.require_called_aet = True
    entity.add_supported_context(VERIFICATION)
    entity.add_supported_context(CT_IMAGE, EXPLICIT_LE)
    received: list[bytes] = []

    def on_c_store(event: object) -> int:
        received.append(event.request.DataSet.getvalue())  # type: ignore[attr-defined]
        return 0x0000

    handlers = [(pynetdicom.evt.EVT_C_STORE, on_c_store)]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    yield Stored(Peer("127.0.0.1", server.server_address[1], "PYNETDICOM", "FILMLESS"), received)
    server.shutdown()


CONTEXTS = [(VERIFICATION, (IMPLICIT_LE,)), (CT_IMAGE, (EXPLICIT_LE,))]


def test_we_echo_and_store_to_pynetdicom(pynetdicom_acceptor: Stored) -> None:
    path = a_file()
    data, uid = data_set_bytes(path), str(pydicom.dcmread(path).SOPInstanceUID)
    with open_association(pynetdicom_acceptor.peer, CONTEXTS) as requestor:
        assert requestor.echo() == 0
        assert requestor.store(CT_IMAGE, uid, EXPLICIT_LE, [data[:1001], data[1001:]]) == 0
    assert pynetdicom_acceptor.received == [data]


def test_pynetdicom_rejects_a_wrong_name(pynetdicom_acceptor: Stored) -> None:
    peer = Peer("127.0.0.1", pynetdicom_acceptor.peer.port, "OTHER", "FILMLESS")
    with pytest.raises(AssociationRejected, match="not called 'OTHER'"), open_association(peer, CONTEXTS):
        pytest.fail("There is no association to use.")


@pytest.fixture
def storescp(tmp_path: Path) -> Iterator[tuple[Peer, Path]]:
    """DCMTK's storescp, and the folder it writes to."""
    program = shutil.which("storescp")
    if program is None:
        pytest.skip("DCMTK's storescp is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [program, "-od", str(tmp_path), "-aet", "STORESCP", "--max-pdu", "8192", str(port)]
    )
    try:
        _wait_for(port)
        yield Peer("127.0.0.1", port, "STORESCP", "FILMLESS"), tmp_path
    finally:
        process.terminate()
        process.wait(SECONDS_MAX)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            threading.Event().wait(0.02)
        else:
            return
    pytest.fail(f"storescp does not listen on port {port}.")


def test_we_echo_and_store_to_storescp(storescp: tuple[Peer, Path]) -> None:
    peer, folder = storescp
    path = a_file()
    uid = str(pydicom.dcmread(path).SOPInstanceUID)
    with open_association(peer, CONTEXTS) as requestor:
        assert requestor.echo() == 0
        assert requestor.store(CT_IMAGE, uid, EXPLICIT_LE, [data_set_bytes(path)]) == 0
    (written,) = folder.iterdir()
    assert pydicom.dcmread(written).PixelData == pydicom.dcmread(path).PixelData
