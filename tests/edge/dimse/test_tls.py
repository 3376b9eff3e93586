"""TLS on real sockets, our server and our requestor: certificates bound, issued, unknown, missing, old."""

import dataclasses
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from filmless.edge.dimse.admission import Admission
from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.errors import (
    AssociationAborted,
    AssociationRejected,
    PeerUnreachable,
)
from filmless.edge.dimse.peers import peer_of
from filmless.edge.dimse.requestor import Peer, open_association
from filmless.edge.dimse.server import DIMSEServer
from filmless.edge.dimse.tls import TLSDoor
from filmless.features.access import system_actor
from filmless.features.archive import Archive
from filmless.features.nodes import (
    NewNode,
    NodeInactive,
    RefusalReason,
    TLSMode,
    add_node,
    describe_certificates,
    get_node,
    list_unknown_callers,
    update_node,
)
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.infra.own_certificate import made_certificate
from filmless.infra.sandbox import Sandbox
from filmless.infra.tls_files import TLSFiles, TLSNotUsable, spelled
from filmless.standards.dicom.sop_classes import VERIFICATION
from filmless.standards.dicom.transfer_syntaxes import IMPLICIT_LE
from made_certificates import MadeCertificate

CONSOLE = system_actor("console")
CONTEXTS = [(VERIFICATION, (IMPLICIT_LE,))]
AUTHORITY = MadeCertificate.of("Hospital authority", authority=True)
OURS = MadeCertificate.of("FILMLESS")
CT1 = MadeCertificate.of("CT1")
CT2_ISSUED = MadeCertificate.of("CT2", AUTHORITY)
STRANGER = MadeCertificate.of("STRANGER")
EXPIRED = MadeCertificate.of("OLD", age_days=90)


@pytest.fixture
def archive(sqlite_database: Database, object_store: FolderObjectStore) -> Archive:
    return Archive(sqlite_database, object_store)


def files_of(certificate: MadeCertificate, folder: Path, **more: object) -> TLSFiles:
    folder.mkdir(exist_ok=True)
    key, chain = certificate.files(folder, "own")
    return dataclasses.replace(TLSFiles(folder, certificate=chain, key=key), **more)  # type: ignore[arg-type]


@contextmanager
def serving(archive: Archive, files: TLSFiles, *, accept_unknown: bool = False) -> Iterator[DIMSEServer]:
    admission = Admission(archive.database, "FILMLESS", False, accept_unknown)
    services = Services(archive, "FILMLESS", Sandbox(), TLSFiles(Path("no-data")))
    tls = (TLSDoor(files, archive.database), 0)
    server = DIMSEServer(services, admission, "127.0.0.1", 0, tls=tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def client(shows: MadeCertificate | None, folder: Path, trusts: MadeCertificate = OURS) -> ssl.SSLContext:
    """A device's TLS: what it shows, and whom it trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=trusts.pem)
    if shows is not None:
        key, chain = shows.files(folder, "device")
        context.load_cert_chain(chain, key)
    return context


def echo(server: DIMSEServer, context: ssl.SSLContext | None, calling: str = "CT1") -> int:
    port = server.port if context is None else server.tls_port
    assert port is not None
    peer = Peer("localhost", port, "FILMLESS", calling, answer_seconds=20, tls=context)
    with open_association(peer, CONTEXTS) as association:
        return association.echo()


CALLERS = [
    # what it shows, what is bound to its node, whether it must be let in
    ("its bound certificate, signed by itself", CT1, CT1, True),
    ("one of the authority, none bound", CT2_ISSUED, None, True),
    ("one of the authority, and the same bound", CT2_ISSUED, CT2_ISSUED, True),
    ("none, none bound", None, None, True),
    ("none, one bound", None, CT1, False),
    ("one of the authority, another bound", CT2_ISSUED, CT1, False),
    ("one that nobody knows", STRANGER, CT1, False),
    ("one that has expired, though bound", EXPIRED, EXPIRED, False),
]


@pytest.mark.parametrize(("what", "shows", "bound", "welcome"), CALLERS, ids=[row[0] for row in CALLERS])
def test_who_comes_in_over_tls(
    archive: Archive,
    tmp_path: Path,
    what: str,
    shows: MadeCertificate | None,
    bound: MadeCertificate | None,
    welcome: bool,
) -> None:
    authorities = tmp_path / "authorities.pem"
    authorities.write_text(AUTHORITY.pem)
    pem = bound.pem if bound else ""
    node = NewNode("CT1", "127.0.0.1", 104, tls=TLSMode.REQUIRED, certificate_pem=pem)
    add_node(archive.database, CONSOLE, node)
    with serving(archive, files_of(OURS, tmp_path / "tls", authorities=authorities)) as server:
        context = client(shows, tmp_path)
        if welcome:
            assert echo(server, context) == 0
        else:
            # TLS 1.3 lets the client think it is through before it hears of its certificate.
            with pytest.raises((AssociationRejected, PeerUnreachable, AssociationAborted)):
                echo(server, context)
        with pytest.raises(AssociationRejected):
            echo(server, None)  # In clear text never.
    assert {each.last.address for each in list_unknown_callers(archive.database, CONSOLE)} == {"127.0.0.1"}


def test_a_certificate_bound_while_the_server_runs_counts_from_then_on(
    archive: Archive, tmp_path: Path
) -> None:
    node = add_node(archive.database, CONSOLE, NewNode("CT1", "127.0.0.1", 104, tls=TLSMode.REQUIRED))
    with serving(archive, files_of(OURS, tmp_path / "tls")) as server:
        assert echo(server, client(None, tmp_path)) == 0
        for pem, welcome in ((CT1.pem, CT1), (STRANGER.pem, STRANGER), (CT1.pem, CT1)):
            update_node(archive.database, CONSOLE, dataclasses.replace(node, certificate_pem=pem))
            for shows in (CT1, STRANGER, None):
                if shows is welcome:
                    assert echo(server, client(shows, tmp_path)) == 0
                else:
                    with pytest.raises((PeerUnreachable, AssociationAborted, AssociationRejected)):
                        echo(server, client(shows, tmp_path))


def test_where_a_certificate_is_required_nobody_comes_in_without(archive: Archive, tmp_path: Path) -> None:
    add_node(archive.database, CONSOLE, NewNode("CT1", "127.0.0.1", 104, certificate_pem=CT1.pem))
    files = files_of(OURS, tmp_path / "tls", client_certificate_required=True)
    with serving(archive, files, accept_unknown=True) as server:
        assert echo(server, client(CT1, tmp_path)) == 0
        with pytest.raises((PeerUnreachable, AssociationAborted)):
            echo(server, client(None, tmp_path), calling="ANYBODY")
    (caller,) = list_unknown_callers(archive.database, CONSOLE)
    assert caller.last.reason is RefusalReason.CERTIFICATE


@pytest.mark.parametrize(
    ("version", "welcome"),
    [
        (ssl.TLSVersion.TLSv1, False),
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_is_refused(archive: Archive, tmp_path: Path, version: ssl.TLSVersion, welcome: bool) -> None:
    with serving(archive, files_of(OURS, tmp_path / "tls"), accept_unknown=True) as server:
        context = client(None, tmp_path)
        context.set_ciphers("ALL:@SECLEVEL=0")  # Otherwise this OpenSSL would not even try.
        context.minimum_version = context.maximum_version = version
        if welcome:
            assert echo(server, context) == 0
        else:
            with pytest.raises(PeerUnreachable):
                echo(server, context)


WEAK = ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA"]


@pytest.mark.parametrize("suite", WEAK)
def test_suites_without_forward_secrecy_or_authenticated_encryption_are_refused(
    archive: Archive, tmp_path: Path, suite: str
) -> None:
    with serving(archive, files_of(OURS, tmp_path / "tls"), accept_unknown=True) as server:
        context = client(None, tmp_path)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(suite)
        with pytest.raises(PeerUnreachable):
            echo(server, context)


@pytest.mark.parametrize(("profile", "welcome"), [("bcp195", True), ("modified", False)])
def test_the_modified_profile_is_a_closed_list(
    archive: Archive, tmp_path: Path, profile: str, welcome: bool
) -> None:
    files = files_of(OURS, tmp_path / "tls", profile=profile)
    with serving(archive, files, accept_unknown=True) as server:
        context = client(None, tmp_path)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305")
        if welcome:
            assert echo(server, context) == 0
        else:
            with pytest.raises(PeerUnreachable):
                echo(server, context)


def test_callers_who_are_slow_to_shake_hands_hold_up_nobody(archive: Archive, tmp_path: Path) -> None:
    with serving(archive, files_of(OURS, tmp_path / "tls"), accept_unknown=True) as server:
        assert server.tls_port is not None
        slow = [socket.create_connection(("127.0.0.1", server.tls_port)) for _ in range(20)]
        slow[0].sendall(b"\x16\x03\x01\x02\x00\x01")  # The beginning of a greeting.
        assert echo(server, client(None, tmp_path)) == 0
        assert echo(server, None) == 0
        server.stop()  # Waits for none of them either.
        for each in slow:
            each.close()
    assert list_unknown_callers(archive.database, CONSOLE) == []  # Nobody was refused; they never spoke.


def test_a_device_that_does_not_trust_us_is_listed_as_that(archive: Archive, tmp_path: Path) -> None:
    with (
        serving(archive, files_of(OURS, tmp_path / "tls"), accept_unknown=True) as server,
        pytest.raises(PeerUnreachable, match="not trusted"),
    ):
        echo(server, client(None, tmp_path, trusts=STRANGER))
    (caller,) = list_unknown_callers(archive.database, CONSOLE)
    assert caller.last.reason is RefusalReason.OUR_CERTIFICATE


def test_clear_text_on_the_tls_port_is_cut_off_and_noted(archive: Archive, tmp_path: Path) -> None:
    with serving(archive, files_of(OURS, tmp_path / "tls"), accept_unknown=True) as server:
        assert server.tls_port is not None
        peer = Peer("127.0.0.1", server.tls_port, "FILMLESS", "CT1", answer_seconds=20)
        with pytest.raises(AssociationAborted), open_association(peer, CONTEXTS):
            pass
    (caller,) = list_unknown_callers(archive.database, CONSOLE)
    assert caller.last.reason is RefusalReason.TLS_HANDSHAKE


def test_a_taken_tls_port_does_not_stop_the_plain_one(archive: Archive, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        admission = Admission(archive.database, "FILMLESS", False, True)
        services = Services(archive, "FILMLESS", Sandbox(), TLSFiles(Path("no-data")))
        tls = (TLSDoor(files_of(OURS, tmp_path / "tls"), archive.database), taken.getsockname()[1])
        server = DIMSEServer(services, admission, "127.0.0.1", 0, tls=tls)
        server.start()
        try:
            assert server.tls_port is None
            assert echo(server, None) == 0
        finally:
            server.stop()


def test_a_certificate_that_cannot_be_used_does_not_stop_the_plain_one(
    archive: Archive, tmp_path: Path
) -> None:
    files = dataclasses.replace(files_of(OURS, tmp_path / "tls"), key=CT1.files(tmp_path, "other")[0])
    with serving(archive, files, accept_unknown=True) as server:
        assert server.tls_port is None
        assert echo(server, None) == 0


# Our calls.


TRUST = [
    # their certificate, what is bound, whether we trust the authority, whether we talk to them
    ("the bound one, signed by itself", CT1, CT1, False, True),
    ("another than the bound one", STRANGER, CT1, False, False),
    ("of our authority, none bound", CT2_ISSUED, None, True, True),
    ("of our authority, another bound", CT2_ISSUED, CT1, True, False),
    ("signed by itself, none bound", CT1, None, True, False),
    ("signed by itself, none bound, no authority", CT1, None, False, False),
    ("issued by somebody, itself bound", CT2_ISSUED, CT2_ISSUED, False, True),
    ("expired, though bound", EXPIRED, EXPIRED, False, False),
]


@pytest.mark.parametrize(
    ("what", "theirs", "bound", "authority", "trusted"), TRUST, ids=[row[0] for row in TRUST]
)
def test_whom_we_talk_to(
    archive: Archive,
    tmp_path: Path,
    what: str,
    theirs: MadeCertificate,
    bound: MadeCertificate | None,
    authority: bool,
    trusted: bool,
) -> None:
    authorities = tmp_path / "authorities.pem"
    authorities.write_text(AUTHORITY.pem)
    trusted_by_us = authorities if authority else None
    ours = files_of(MadeCertificate.of("US", AUTHORITY), tmp_path / "ours", authorities=trusted_by_us)
    server_files = files_of(theirs, tmp_path / "theirs", authorities=authorities)
    with serving(archive, server_files, accept_unknown=True) as server:
        assert server.tls_port is not None
        pem = bound.pem if bound else ""
        new_node = NewNode("CT9", "localhost", server.tls_port, tls=TLSMode.ON, certificate_pem=pem)
        peer = peer_of(add_node(archive.database, CONSOLE, new_node), "FILMLESS", ours)
        if trusted:
            with open_association(peer, CONTEXTS) as association:
                assert association.echo() == 0
        else:
            with pytest.raises(PeerUnreachable), open_association(peer, CONTEXTS):
                pass


def test_an_authority_s_certificate_must_name_the_host_a_bound_one_need_not(
    archive: Archive, tmp_path: Path
) -> None:
    named = MadeCertificate.of("X", AUTHORITY)
    node = NewNode("CT9", "127.0.0.2", 104, tls=TLSMode.ON)  # The certificate is for 127.0.0.1.
    (tmp_path / "ca.pem").write_text(AUTHORITY.pem)
    ours = TLSFiles(tmp_path / "ours", authorities=tmp_path / "ca.pem")
    add_node(archive.database, CONSOLE, node)
    assert peer_of(get_node(archive.database, "CT9"), "FILMLESS", ours).tls.check_hostname  # type: ignore[union-attr]
    update_node(archive.database, CONSOLE, dataclasses.replace(node, certificate_pem=named.pem))
    assert not peer_of(get_node(archive.database, "CT9"), "FILMLESS", ours).tls.check_hostname  # type: ignore[union-attr]


def test_both_sides_show_their_certificates_when_two_of_us_talk(archive: Archive, tmp_path: Path) -> None:
    ours, theirs = (
        TLSFiles(tmp_path / "ours"),
        TLSFiles(tmp_path / "theirs", client_certificate_required=True),
    )
    caller = NewNode(
        "FILMLESS", "127.0.0.1", 104, tls=TLSMode.REQUIRED, certificate_pem=ours.own_certificate()
    )
    add_node(archive.database, CONSOLE, caller)
    with serving(archive, theirs) as server:
        assert server.tls_port is not None
        other = NewNode(
            "OTHER", "localhost", server.tls_port, tls=TLSMode.ON, certificate_pem=theirs.own_certificate()
        )
        node = add_node(archive.database, CONSOLE, other)
        with open_association(peer_of(node, "FILMLESS", ours), CONTEXTS) as association:
            assert association.echo() == 0


def test_nothing_is_sent_to_a_node_that_is_switched_off(sqlite_database: Database, tmp_path: Path) -> None:
    node = add_node(sqlite_database, CONSOLE, NewNode("CT1", "127.0.0.1", 104, is_active=False))
    with pytest.raises(NodeInactive):
        peer_of(node, "FILMLESS", TLSFiles(tmp_path))


def test_a_node_without_tls_is_called_in_clear_text_and_needs_no_certificate_of_ours(
    sqlite_database: Database, tmp_path: Path
) -> None:
    node = add_node(sqlite_database, CONSOLE, NewNode("CT1", "127.0.0.1", 104))
    assert peer_of(node, "FILMLESS", TLSFiles(tmp_path / "empty")).tls is None
    assert not (tmp_path / "empty").exists()


# Our certificate.


def test_our_own_certificate_is_made_once_and_is_ours_alone(tmp_path: Path) -> None:
    first = made_certificate(tmp_path / "tls", "FILMLESS")
    content = first.read_bytes()
    assert made_certificate(tmp_path / "tls", "FILMLESS") == first
    assert first.read_bytes() == content
    assert (first.stat().st_mode & 0o777, first.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [each.name for each in first.parent.iterdir()] == ["own.pem"]
    pem = TLSFiles(tmp_path / "tls").own_certificate()
    assert "PRIVATE" not in pem
    assert spelled(describe_certificates(pem)[0].fingerprint).count(":") == 31


UNUSABLE = [
    ("no such file", {"certificate": "missing.pem"}),
    ("a key that is another's", {"key": "other.key.pem"}),
    ("no certificate in it", {"certificate": "own.key.pem"}),
]


@pytest.mark.parametrize(("what", "wrong"), UNUSABLE, ids=[row[0] for row in UNUSABLE])
def test_files_that_cannot_be_used_are_named_in_plain_words(
    tmp_path: Path, what: str, wrong: dict[str, str]
) -> None:
    CT1.files(tmp_path, "other")
    files = dataclasses.replace(
        files_of(OURS, tmp_path), **{name: tmp_path / file for name, file in wrong.items()}
    )
    with pytest.raises(TLSNotUsable, match="FILMLESS_DICOM_TLS_CERTIFICATE"):
        files.context(ssl.PROTOCOL_TLS_SERVER)


def test_a_key_with_a_pass_phrase_is_refused_and_no_terminal_asked(tmp_path: Path) -> None:
    files = files_of(OURS, tmp_path)
    assert files.key is not None
    locked = OURS.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    files.key.write_bytes(locked)
    with pytest.raises(TLSNotUsable, match="pass phrase"):
        files.context(ssl.PROTOCOL_TLS_SERVER)


def test_a_certificate_that_is_lost_while_serving_costs_tls_callers_only(
    archive: Archive, tmp_path: Path
) -> None:
    files = files_of(OURS, tmp_path / "tls")
    with serving(archive, files, accept_unknown=True) as server:
        assert echo(server, client(None, tmp_path)) == 0
        assert files.certificate is not None
        files.certificate.unlink()
        with pytest.raises(PeerUnreachable):
            echo(server, client(None, tmp_path))
        assert echo(server, None) == 0


def test_a_renewed_certificate_is_shown_without_a_restart(archive: Archive, tmp_path: Path) -> None:
    files = files_of(OURS, tmp_path / "tls")
    with serving(archive, files, accept_unknown=True) as server:
        assert echo(server, client(None, tmp_path, trusts=OURS)) == 0
        CT1.files(files.folder, "own")
        assert echo(server, client(None, tmp_path, trusts=CT1)) == 0
