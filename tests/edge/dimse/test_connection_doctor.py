"""The connection doctor: each fault that can be planted is found by its name, and every finding can occur."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from builders import CT_IMAGE_STORAGE, a_ct_slice, encoded
from filmless.edge.dimse import check_instance
from filmless.edge.dimse.admission import Admission
from filmless.edge.dimse.connection_doctor import check_connection
from filmless.edge.dimse.connection_words import NOT_REACHED, TITLES, WORDS, Finding, State, Step
from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.our_side import OurSide
from filmless.edge.dimse.requestor import Peer, open_association
from filmless.edge.dimse.server import DIMSEServer
from filmless.features.access import system_actor
from filmless.features.archive import Archive
from filmless.features.archive.tables import instances
from filmless.features.nodes import AETitle, Capability, NewNode, Node, TLSMode, add_node
from filmless.infra import limits
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.infra.sandbox import Sandbox
from filmless.infra.tls_files import TLSFiles
from filmless.standards.dicom import sop_classes, tags
from filmless.standards.dicom.data_set import decode_data_set
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, IMPLICIT_LE
from filmless.standards.dicom.uids import is_valid_uid
from neighbour import Manners, Neighbour

UIDS = check_instance.check_uids("FILMLESS")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime.now(UTC)


@pytest.fixture
def archive(sqlite_database: Database, object_store: FolderObjectStore) -> Archive:
    return Archive(sqlite_database, object_store)


@pytest.fixture
def server(archive: Archive) -> Iterator[DIMSEServer]:
    """Our own server, as it runs in the other process."""
    services = Services(archive, "FILMLESS", Sandbox(), TLSFiles(Path("no-data")))
    server = DIMSEServer(services, Admission(archive.database, "FILMLESS", False, True), "127.0.0.1", 0)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def ours(archive: Archive, server: DIMSEServer, tmp_path: Path) -> OurSide:
    return OurSide(archive, "FILMLESS", "127.0.0.1", server.port, 0, TLSFiles(tmp_path / "tls"))


Neighbours = Callable[[Manners], Node]


@pytest.fixture
def neighbours() -> Iterator[Neighbours]:
    """Start a peer with these manners; returns the node that we have registered for it."""
    started: list[Neighbour] = []

    def start(manners: Manners) -> Node:
        started.append(Neighbour(manners))
        return a_node(started[-1].port)

    yield start
    for each in started:
        each.stop()


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What never comes is not waited for long."""
    monkeypatch.setattr(limits, "CHECK_CONNECT_SECONDS_MAX", 2)
    monkeypatch.setattr(limits, "CHECK_ANSWER_SECONDS_MAX", 2)


def a_node(port: int, host: str = "127.0.0.1") -> Node:
    return Node(AETitle("CT1"), host, port, created_at=LONG_AGO, updated_at=LONG_AGO)


SEEN: set[tuple[Step, str]] = set()


def examine(ours: OurSide, node: Node, *, may_store: bool = True) -> dict[Step, Finding]:
    found = list(check_connection(ours, node, may_store=may_store))
    SEEN.update((one.step, one.name) for one in found)
    assert [one.step for one in found] == list(Step)
    return {one.step: one for one in found}


def stored(archive: Archive) -> int:
    with archive.database.read() as tx:
        return len(tx.execute(instances.select()).all())


# --- Health ----------------------------------------------------------------------------------------------


def test_a_healthy_archive_is_well_in_every_step_and_we_keep_nothing_of_the_test(
    ours: OurSide, neighbours: Neighbours, archive: Archive, server: DIMSEServer
) -> None:
    found = examine(ours, neighbours(Manners(sends_back_to=server.port)))
    assert {step: (one.name, one.state) for step, one in found.items()} == {
        Step.NAME: ("known", State.WELL),
        Step.TCP: ("connected", State.WELL),
        Step.TLS: ("off", State.SKIPPED),
        Step.ASSOCIATION: ("accepted", State.WELL),
        Step.ECHO: ("answered", State.WELL),
        Step.FIND: ("answered", State.WELL),
        Step.STORE: ("taken", State.WELL),
        Step.STORE_BACK: ("permitted", State.WELL),
        Step.MOVE_BACK: ("arrived", State.WELL),
    }
    assert not any(one.advice for one in found.values())
    assert stored(archive) == 0


def test_the_checks_are_told_one_by_one(ours: OurSide, neighbours: Neighbours) -> None:
    node = neighbours(Manners())
    checks = check_connection(ours, node, may_store=False)
    assert next(checks).step is Step.NAME
    assert next(checks).step is Step.TCP


def test_without_consent_nothing_is_sent(ours: OurSide) -> None:
    neighbour = Neighbour(Manners())
    try:
        found = examine(ours, a_node(neighbour.port), may_store=False)
    finally:
        neighbour.stop()
    assert (found[Step.STORE].name, found[Step.MOVE_BACK].name) == ("not_asked", "needs_the_image")
    assert neighbour.held == b""


@pytest.mark.parametrize("transfer_syntax_uid", [EXPLICIT_LE, IMPLICIT_LE])
def test_the_test_image_is_plainly_nobody_and_always_the_same(transfer_syntax_uid: str) -> None:
    encoded = check_instance.check_data_set("FILMLESS", transfer_syntax_uid)
    assert encoded == check_instance.check_data_set("FILMLESS", transfer_syntax_uid)
    data_set = decode_data_set(encoded, transfer_syntax_uid, bytes_max=10_000)
    assert data_set.text(tags.PATIENT_NAME) == "FILMLESS^CONNECTION TEST"
    assert data_set.text(tags.SOP_INSTANCE_UID) == UIDS.sop_instance_uid
    assert data_set.element(tags.PIXEL_DATA) is not None


def test_a_caller_who_may_not_store_is_refused_with_the_test_image_too(
    server: DIMSEServer, archive: Archive
) -> None:
    asks_only = NewNode("CT1", "127.0.0.1", 104, capabilities=frozenset({Capability.FIND}))
    add_node(archive.database, system_actor("test"), asks_only)
    uid = check_instance.CHECK_SOP_CLASS_UID
    with open_association(Peer("127.0.0.1", server.port, "FILMLESS", "CT1"), [(uid, (EXPLICIT_LE,))]) as it:
        data = (check_instance.check_data_set("FILMLESS", EXPLICIT_LE),)
        assert it.store(uid, UIDS.sop_instance_uid, EXPLICIT_LE, data) == 0x0124


def test_another_filmless_has_another_test_image_which_we_keep(server: DIMSEServer, archive: Archive) -> None:
    theirs = check_instance.check_uids("OTHER")
    assert len({*vars_of(theirs), *vars_of(UIDS)}) == 6
    assert all(is_valid_uid(uid) for uid in vars_of(theirs))
    uid = check_instance.CHECK_SOP_CLASS_UID
    with open_association(Peer("127.0.0.1", server.port, "FILMLESS", "OTHER"), [(uid, (EXPLICIT_LE,))]) as it:
        data = (check_instance.check_data_set("OTHER", EXPLICIT_LE),)
        assert it.store(uid, theirs.sop_instance_uid, EXPLICIT_LE, data) == 0
    assert stored(archive) == 1


def vars_of(uids: check_instance.CheckUIDs) -> list[str]:
    return [uids.study_instance_uid, uids.series_instance_uid, uids.sop_instance_uid]


def test_only_our_own_test_image_is_dropped(server: DIMSEServer, archive: Archive) -> None:
    one = a_ct_slice()
    contexts = [(CT_IMAGE_STORAGE, (EXPLICIT_LE,))]
    with open_association(Peer("127.0.0.1", server.port, "FILMLESS", "CT1"), contexts) as it:
        for uid in (one.SOPInstanceUID, UIDS.sop_instance_uid):
            one.SOPInstanceUID = uid
            assert it.store(CT_IMAGE_STORAGE, uid, EXPLICIT_LE, (encoded(one),)) == 0
    assert stored(archive) == 2


# --- Faults of the association and above -----------------------------------------------------------------

FINDS = (sop_classes.STUDY_ROOT_FIND, sop_classes.PATIENT_ROOT_FIND)
MOVES = (sop_classes.STUDY_ROOT_MOVE, sop_classes.PATIENT_ROOT_MOVE)
GETS = (sop_classes.STUDY_ROOT_GET, sop_classes.PATIENT_ROOT_GET)
COMPLETED, FAILED = "number_of_completed_suboperations", "number_of_failed_suboperations"

FAULTS = [
    (Manners(rejects=(1, 1, 3)), Step.ASSOCIATION, "calling_unknown", "Register FILMLESS on CT1"),
    (Manners(rejects=(1, 1, 7)), Step.ASSOCIATION, "called_unknown", "Correct the AE title of this node"),
    (Manners(rejects=(2, 3, 2)), Step.ASSOCIATION, "busy", "Try again later"),
    (Manners(rejects=(1, 1, 1)), Step.ASSOCIATION, "rejected", "Look into its log"),
    (Manners(says_nothing=True), Step.ASSOCIATION, "no_answer", "is the DICOM port of CT1"),
    (Manners(hangs_up=True), Step.ASSOCIATION, "hung_up", "register FILMLESS"),
    (Manners(refuses=(sop_classes.VERIFICATION,)), Step.ECHO, "not_accepted", "permit our AE title"),
    (Manners(echo=0x0110), Step.ECHO, "failed", "log"),
    (Manners(refuses=FINDS), Step.FIND, "not_accepted", "Well for a modality"),
    (Manners(find=0x0124), Step.FIND, "failed", "Permit C-FIND to FILMLESS"),
    (Manners(refuses=(sop_classes.SECONDARY_CAPTURE_IMAGE,)), Step.STORE, "not_accepted", "permit C-STORE"),
    (Manners(store=0xA700), Step.STORE, "refused", "Permit C-STORE"),
    (Manners(store=0x0111), Step.STORE, "held_already", ""),
    (Manners(store=0xB000), Step.STORE, "taken", ""),
    (Manners(store=0xC123), Step.MOVE_BACK, "needs_the_image", ""),
    (Manners(refuses=MOVES), Step.MOVE_BACK, "not_accepted", "C-GET works as well"),
    (Manners(refuses=MOVES + GETS), Step.MOVE_BACK, "not_accepted", "Well for a modality"),
    (Manners(move=0xA801), Step.MOVE_BACK, "destination_unknown", "Register FILMLESS on CT1"),
    (Manners(move=0xB000, move_counts={FAILED: 1}), Step.MOVE_BACK, "not_delivered", "the firewall"),
    (Manners(move=0, move_counts={COMPLETED: 0}), Step.MOVE_BACK, "nothing_found", "Check again"),
    (Manners(move=0xC000), Step.MOVE_BACK, "failed", "See the log of CT1"),
]


@pytest.mark.parametrize(
    ("manners", "step", "name", "advice"),
    FAULTS,
    ids=[f"{row[1]}-{row[2]}-{n}" for n, row in enumerate(FAULTS)],
)
def test_a_peer_with_a_fault_is_told_from_a_healthy_one(
    ours: OurSide, neighbours: Neighbours, manners: Manners, step: Step, name: str, advice: str
) -> None:
    found = examine(ours, neighbours(manners))
    assert found[step].name == name
    assert advice in found[step].advice
    assert bool(found[step].advice) == bool(advice)


def test_what_a_failed_step_hides_is_said_to_be_not_tried(ours: OurSide, neighbours: Neighbours) -> None:
    found = examine(ours, neighbours(Manners(rejects=(1, 1, 3))))
    hidden = {step for step, one in found.items() if one.name == NOT_REACHED}
    assert hidden == {Step.ECHO, Step.FIND, Step.STORE, Step.MOVE_BACK}
    assert found[Step.STORE_BACK].name == "permitted"


def test_the_advice_names_the_address_that_the_peer_sees_and_our_port(
    ours: OurSide, neighbours: Neighbours
) -> None:
    found = examine(ours, neighbours(Manners(rejects=(1, 1, 3))))
    assert found[Step.ASSOCIATION].advice == (
        f"Register FILMLESS on CT1, with address 127.0.0.1 and port {ours.dicom_port}."
    )


# --- Faults of the wire ----------------------------------------------------------------------------------


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_an_inactive_node_is_not_called(ours: OurSide) -> None:
    found = examine(ours, replace(a_node(closed_port()), is_active=False))
    assert (found[Step.NAME].name, found[Step.TCP].name) == ("inactive", NOT_REACHED)
    assert found[Step.STORE_BACK].name == "not_permitted"


def test_an_unknown_host_is_said_to_be_unknown(ours: OurSide) -> None:
    assert examine(ours, a_node(104, "no-such-host.invalid"))[Step.NAME].name == "unknown"


def test_a_closed_port_is_told_from_a_machine_that_is_off(ours: OurSide) -> None:
    assert examine(ours, a_node(closed_port()))[Step.TCP].name == "refused"


def test_a_machine_that_drops_what_is_sent_is_silent(ours: OurSide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CHECK_CONNECT_SECONDS_MAX", 0.3)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        with contextlib.ExitStack() as waiting:  # Linux drops what comes beyond the backlog.
            for _ in range(4):
                caller = waiting.enter_context(socket.socket())
                caller.setblocking(False)
                caller.connect_ex(address)
            assert examine(ours, a_node(address[1]))[Step.TCP].name == "silent"


def test_a_network_that_cannot_be_reached_is_said_so(ours: OurSide) -> None:
    assert examine(ours, a_node(104, "255.255.255.255"))[Step.TCP].name == "no_way"


# --- Faults of TLS ---------------------------------------------------------------------------------------


def certificate(
    folder: Path, *, host: str = "127.0.0.1", begins: datetime | None = None, days: int = 30
) -> Path:
    """A self-signed certificate with its key in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CT1")])
    begins = begins or NOW - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{made.serial_number}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


def tls_server(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def over_tls(node: Node, pem: Path | None = None) -> Node:
    text = "" if pem is None else pem.read_text().partition("-----END PRIVATE KEY-----\n")[2]
    return replace(node, tls=TLSMode.ON, certificate_pem=text)


def test_a_bound_certificate_is_well(ours: OurSide, neighbours: Neighbours, tmp_path: Path) -> None:
    pem = certificate(tmp_path)
    found = examine(ours, over_tls(neighbours(Manners(tls=tls_server(pem))), pem))
    assert (found[Step.TLS].name, found[Step.ECHO].name) == ("encrypted", "answered")
    assert "TLSv1.3" in found[Step.TLS].seen


TLS_FAULTS = [
    ("unknown_certificate", {}, False),
    ("expired", {"begins": LONG_AGO}, True),
    ("not_yet_valid", {"begins": NOW + timedelta(days=3)}, True),
]


@pytest.mark.parametrize(("name", "made", "bound"), TLS_FAULTS)
def test_a_bad_certificate_is_named_with_its_fingerprint(
    ours: OurSide, neighbours: Neighbours, tmp_path: Path, name: str, made: dict[str, datetime], bound: bool
) -> None:
    pem = certificate(tmp_path, **made)  # type: ignore[arg-type]
    node = over_tls(neighbours(Manners(tls=tls_server(pem))), pem if bound else None)
    finding = examine(ours, node)[Step.TLS]
    assert finding.name == name
    der = ssl.PEM_cert_to_DER_cert(pem.read_text().partition("-----END PRIVATE KEY-----\n")[2])
    digest = hashes.Hash(hashes.SHA256())
    digest.update(der)
    assert digest.finalize().hex(":").upper() in finding.seen


def test_a_certificate_for_another_host_is_told_from_an_unknown_one(
    ours: OurSide, neighbours: Neighbours, tmp_path: Path
) -> None:
    pem = certificate(tmp_path, host="192.0.2.1")
    ours = replace(ours, tls=replace(ours.tls, authorities=pem))
    node = over_tls(neighbours(Manners(tls=tls_server(pem))))
    assert examine(ours, node)[Step.TLS].name == "wrong_host"


def test_tls_towards_a_plain_peer_is_said_so(ours: OurSide, neighbours: Neighbours) -> None:
    assert examine(ours, over_tls(neighbours(Manners())))[Step.TLS].name == "peer_is_plain"


def test_plain_towards_a_tls_peer_is_said_so(ours: OurSide, neighbours: Neighbours, tmp_path: Path) -> None:
    node = neighbours(Manners(tls=tls_server(certificate(tmp_path))))
    assert examine(ours, node)[Step.ASSOCIATION].name == "speaks_tls"


def wants_a_certificate(pem: Path, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = tls_server(pem)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = version
    return context


def test_a_peer_that_does_not_trust_our_certificate_is_told_by_either_version_of_tls(
    ours: OurSide, neighbours: Neighbours, tmp_path: Path
) -> None:
    pem = certificate(tmp_path)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        node = over_tls(neighbours(Manners(tls=wants_a_certificate(pem, version))), pem)
        assert examine(ours, node)[Step.TLS].name == "ours_refused", version


def test_a_peer_without_a_suite_that_is_good_enough_fails(
    ours: OurSide, neighbours: Neighbours, tmp_path: Path
) -> None:
    pem = certificate(tmp_path)
    context = tls_server(pem)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES256-SHA")
    assert examine(ours, over_tls(neighbours(Manners(tls=context)), pem))[Step.TLS].name == "failed"


def test_a_certificate_of_ours_that_cannot_be_read_is_our_side_to_mend(
    ours: OurSide, neighbours: Neighbours, tmp_path: Path
) -> None:
    ours = replace(ours, tls=replace(ours.tls, certificate=tmp_path / "none.pem"))
    finding = examine(ours, over_tls(neighbours(Manners())))[Step.TLS]
    assert (finding.name, finding.advice) == ("not_usable", "Mend it here.")


# --- Our own rules ---------------------------------------------------------------------------------------


def test_our_own_rules_are_read_and_not_tried(ours: OurSide) -> None:
    node = a_node(closed_port())
    only_asks = replace(node, capabilities=frozenset({Capability.FIND}))
    must_encrypt = replace(node, tls=TLSMode.REQUIRED)
    elsewhere = replace(node, host="255.255.255.255")
    rows = [
        (ours, node, "permitted"),
        (ours, only_asks, "not_permitted"),
        (ours, must_encrypt, "no_tls_port"),
        (ours, elsewhere, "loopback_only"),
        (replace(ours, dicom_port=closed_port()), node, "not_listening"),
        (replace(ours, bind="0.0.0.0"), elsewhere, "permitted"),
    ]
    assert [examine(side, each)[Step.STORE_BACK].name for side, each, _ in rows] == [row[2] for row in rows]


def test_every_finding_has_whole_sentences_and_every_step_a_title() -> None:
    assert set(TITLES) == set(Step)
    for (step, name), (state, seen, advice) in WORDS.items():
        assert seen.endswith((".", "{reason}")), (step, name)
        assert not advice or advice.endswith("."), (step, name)
        assert (state in (State.ILL, State.LOOK)) == bool(advice), (step, name)


def test_every_finding_was_met_above() -> None:
    """Runs last: a row that no fault here leads to is dead, or its test is missing."""
    if len(SEEN) < len(Step) * 2:
        pytest.skip("this test looks at what all the others met")
    assert set(WORDS) <= SEEN
