"""TLS with other people's software: DCMTK and pynetdicom call us, and we call them.

The server is ours with an archive; certificates are made for the test. DCMTK's profiles are its own reading
of PS3.15: +py non-downgrading BCP 195, +pz extended, +pa the retired AES profile with TLS 1.0.
"""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest

from builders import CT_IMAGE_STORAGE, EXPLICIT_LE, a_ct_slice, encoded, part10
from filmless.edge.dimse.admission import Admission
from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.errors import PeerUnreachable
from filmless.edge.dimse.peers import peer_of
from filmless.edge.dimse.requestor import open_association
from filmless.edge.dimse.server import DIMSEServer
from filmless.edge.dimse.tls import TLSDoor
from filmless.features.access import system_actor
from filmless.features.archive import Archive, count_holdings
from filmless.features.nodes import NewNode, TLSMode, add_node, list_unknown_callers
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.infra.sandbox import Sandbox
from filmless.infra.tls_files import TLSFiles
from filmless.standards.dicom.sop_classes import VERIFICATION
from made_certificates import MadeCertificate

pytestmark = pytest.mark.peer

CONSOLE = system_actor("console")
SECONDS_MAX = 30
CONTEXTS = [(VERIFICATION, (EXPLICIT_LE,)), (CT_IMAGE_STORAGE, (EXPLICIT_LE,))]


@dataclass
class Department:
    """Our server with its self-made certificate, a device that is bound, and one that nobody knows."""

    archive: Archive
    server: DIMSEServer
    files: TLSFiles
    folder: Path
    ours: Path
    device: tuple[Path, Path]
    stranger: tuple[Path, Path]

    @property
    def tls_port(self) -> str:
        """Where our TLS is."""
        assert self.server.tls_port is not None
        return str(self.server.tls_port)


@pytest.fixture
def department(
    sqlite_database: Database, object_store: FolderObjectStore, tmp_path: Path
) -> Iterator[Department]:
    archive = Archive(sqlite_database, object_store)
    device = MadeCertificate.of("DEVICE")
    new_node = NewNode("DEVICE", "127.0.0.1", 104, tls=TLSMode.REQUIRED, certificate_pem=device.pem)
    add_node(sqlite_database, CONSOLE, new_node)
    files = TLSFiles(tmp_path / "tls")
    ours = tmp_path / "ours.pem"
    ours.write_text(files.own_certificate())
    server = DIMSEServer(
        Services(archive, "FILMLESS", Sandbox(), files),
        Admission(sqlite_database, "FILMLESS", False, False),
        "127.0.0.1",
        0,
        tls=(TLSDoor(files, sqlite_database), 0),
    )
    server.start()
    stranger = MadeCertificate.of("STRANGER").files(tmp_path, "stranger")
    yield Department(archive, server, files, tmp_path, ours, device.files(tmp_path, "device"), stranger)
    server.stop()


def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A DCMTK program; skips when it is not installed."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"DCMTK's {program} is not installed")
    words = [path, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)


def echoscu(department: Department, *options: object, port: object = None) -> bool:
    words = ("-aet", "DEVICE", "-ta", "10", "-td", "10", *options, "127.0.0.1", port or department.tls_port)
    return run("echoscu", *words).returncode == 0


PROFILES = [("+py", True), ("+px", True), ("+pz", True), ("+pa", False)]


@pytest.mark.parametrize(("profile", "welcome"), PROFILES)
def test_dcmtk_comes_in_with_profiles_that_are_not_retired(
    department: Department, profile: str, welcome: bool
) -> None:
    options = ("+tls", *department.device, "+cf", department.ours, profile)
    if profile == "+pa":
        options = (*options, "+cs", "TLS_RSA_WITH_AES_128_CBC_SHA")
    assert echoscu(department, *options) == welcome


def test_dcmtk_stores_over_mutual_tls(department: Department) -> None:
    path = department.folder / "slice.dcm"
    path.write_bytes(part10(a_ct_slice()))
    options = ("-aet", "DEVICE", "+tls", *department.device, "+cf", department.ours)
    done = run("storescu", *options, "127.0.0.1", department.tls_port, path)
    assert done.returncode == 0, done.stderr
    assert count_holdings(department.archive, CONSOLE).instances == 1


def test_dcmtk_is_turned_away_with_a_wrong_certificate_with_none_and_in_clear_text(
    department: Department,
) -> None:
    trusts = ("+cf", department.ours)
    assert echoscu(department, "+tls", *department.device, *trusts)
    assert not echoscu(department, "+tls", *department.stranger, *trusts)
    assert not echoscu(department, "+tla", *trusts)
    assert not echoscu(department, port=department.server.port)
    assert not echoscu(department)  # Clear text on the TLS port.
    department.server.stop()
    reasons = {each.last.reason.value for each in list_unknown_callers(department.archive.database, CONSOLE)}
    assert reasons == {"tls_required", "tls_handshake"}  # The last of each caller.


def test_dcmtk_does_not_talk_to_somebody_who_is_not_us(department: Department) -> None:
    assert not echoscu(department, "+tls", *department.device, "+cf", department.stranger[1])


def test_pynetdicom_comes_in_over_mutual_tls(department: Department) -> None:
    pynetdicom = pytest.importorskip("pynetdicom")
    context = ssl.create_default_context(cafile=str(department.ours))
    context.check_hostname = False
    context.load_cert_chain(department.device[1], department.device[0])
    entity = pynetdicom.AE("DEVICE")
    entity.add_requested_context(VERIFICATION)
    entity.add_requested_context(CT_IMAGE_STORAGE, EXPLICIT_LE)
    port = department.server.tls_port
    association = entity.associate("127.0.0.1", port, ae_title="FILMLESS", tls_args=(context, None))
    assert association.is_established
    assert association.send_c_echo().Status == 0
    path = department.folder / "slice.dcm"
    path.write_bytes(part10(a_ct_slice()))
    assert association.send_c_store(str(path)).Status == 0
    association.release()
    assert count_holdings(department.archive, CONSOLE).instances == 1


# Our calls.


@pytest.fixture
def storescp(department: Department) -> Iterator[tuple[int, Path]]:
    """DCMTK's storescp that shows the device's certificate and wants ours."""
    program = shutil.which("storescp")
    if program is None:
        pytest.skip("DCMTK's storescp is not installed")
    folder = department.folder / "received"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["-od", folder, "-aet", "STORESCP", "+tls", *department.device, "+cf", department.ours, port]
    process = subprocess.Popen([program, *map(str, options)], stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield port, folder
    finally:
        process.terminate()
        process.wait(SECONDS_MAX)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            threading.Event().wait(0.02)
        else:
            return
    pytest.fail(f"Nobody listens on port {port}.")


def test_we_store_to_dcmtk_over_mutual_tls(department: Department, storescp: tuple[int, Path]) -> None:
    port, folder = storescp
    new_node = NewNode(
        "STORESCP", "127.0.0.1", port, tls=TLSMode.ON, certificate_pem=department.device[1].read_text()
    )
    node = add_node(department.archive.database, CONSOLE, new_node)
    one = a_ct_slice()
    with open_association(peer_of(node, "FILMLESS", department.files), CONTEXTS) as association:
        assert association.echo() == 0
        status = association.store(one.SOPClassUID, one.SOPInstanceUID, EXPLICIT_LE, [encoded(one)])
        assert status == 0
    (written,) = folder.iterdir()
    assert pydicom.dcmread(written).PixelData == one.PixelData


def test_we_do_not_talk_to_dcmtk_when_it_shows_another_certificate_than_is_bound(
    department: Department, storescp: tuple[int, Path]
) -> None:
    port, _ = storescp
    new_node = NewNode(
        "STORESCP", "127.0.0.1", port, tls=TLSMode.ON, certificate_pem=department.stranger[1].read_text()
    )
    node = add_node(department.archive.database, CONSOLE, new_node)
    peer = peer_of(node, "FILMLESS", department.files)
    with pytest.raises(PeerUnreachable, match="not trusted"), open_association(peer, CONTEXTS):
        pytest.fail("There is no association to use.")


def test_we_store_to_pynetdicom_over_mutual_tls(department: Department) -> None:
    pynetdicom = pytest.importorskip("pynetdicom")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(department.device[1], department.device[0])
    context.load_verify_locations(department.ours)
    context.verify_mode = ssl.CERT_REQUIRED
    entity = pynetdicom.AE("PYNETDICOM")
    entity.add_supported_context(VERIFICATION)
    entity.add_supported_context(CT_IMAGE_STORAGE, EXPLICIT_LE)
    received: list[bytes] = []

    def on_c_store(event: object) -> int:
        received.append(event.request.DataSet.getvalue())  # type: ignore[attr-defined]
        return 0x0000

    handlers = [(pynetdicom.evt.EVT_C_STORE, on_c_store)]
    acceptor = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers, ssl_context=context)
    try:
        new_node = NewNode(
            "PYNETDICOM",
            "127.0.0.1",
            acceptor.server_address[1],
            tls=TLSMode.ON,
            certificate_pem=department.device[1].read_text(),
        )
        node = add_node(department.archive.database, CONSOLE, new_node)
        one = a_ct_slice()
        with open_association(peer_of(node, "FILMLESS", department.files), CONTEXTS) as association:
            status = association.store(one.SOPClassUID, one.SOPInstanceUID, EXPLICIT_LE, [encoded(one)])
            assert status == 0
        assert received == [encoded(one)]
    finally:
        acceptor.shutdown()
