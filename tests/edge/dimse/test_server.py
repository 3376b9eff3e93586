"""The DIMSE server on a real socket: echo, store, refusals, and what becomes of interrupted senders."""

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from builders import CT_IMAGE_STORAGE, EXPLICIT_LE, a_ct_slice, encoded
from filmless.edge.dimse.admission import Admission
from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.errors import AssociationRejected
from filmless.edge.dimse.requestor import Peer, open_association
from filmless.edge.dimse.server import DIMSEServer
from filmless.features.access import system_actor
from filmless.features.archive import Archive, count_quarantined
from filmless.features.archive.tables import instances
from filmless.features.nodes import NewNode, add_node
from filmless.infra import limits
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.infra.sandbox import Sandbox
from filmless.infra.tls_files import TLSFiles
from filmless.standards.dicom.sop_classes import VERIFICATION

A_ABORT = 0x07  # The PDU type, PS3.8 §9.3.8.
CONTEXTS = [(VERIFICATION, (EXPLICIT_LE,)), (CT_IMAGE_STORAGE, (EXPLICIT_LE,))]


@pytest.fixture
def archive(sqlite_database: Database, object_store: FolderObjectStore) -> Archive:
    return Archive(sqlite_database, object_store)


def serving(archive: Archive, **rules: bool) -> DIMSEServer:
    admission = Admission(
        archive.database,
        "FILMLESS",
        rules.get("called_ae_title_must_match", False),
        rules.get("accept_unknown_nodes", True),
    )
    tls = TLSFiles(Path("no-data"))
    services = Services(archive, "FILMLESS", Sandbox(), tls)  # No worker starts before a call.
    server = DIMSEServer(services, admission, "127.0.0.1", 0)
    server.start()
    return server


@pytest.fixture
def server(archive: Archive) -> Iterator[DIMSEServer]:
    server = serving(archive)
    yield server
    server.stop()


def peer(server: DIMSEServer, called: str = "FILMLESS", calling: str = "TESTMODALITY") -> Peer:
    return Peer("127.0.0.1", server.port, called, calling)


def send(server: DIMSEServer, *slices: Dataset) -> list[int]:
    with open_association(peer(server), CONTEXTS) as association:
        return [
            association.store(one.SOPClassUID, one.SOPInstanceUID, EXPLICIT_LE, [encoded(one)])
            for one in slices
        ]


def stored(archive: Archive) -> set[str]:
    with archive.database.read() as tx:
        return set(tx.execute(instances.select().with_only_columns(instances.c.sop_instance_uid)).scalars())


def test_an_echo_is_answered(server: DIMSEServer) -> None:
    with open_association(peer(server), CONTEXTS) as association:
        assert association.echo() == 0x0000


def test_success_means_it_is_in_the_index(server: DIMSEServer, archive: Archive) -> None:
    assert send(server, a_ct_slice(1), a_ct_slice(2)) == [0x0000, 0x0000]
    assert len(stored(archive)) == 2


REFUSED = [
    ("other bytes under the same UID", a_ct_slice(1, StudyDescription="changed"), 0x0111),
    ("the study is another patient's", a_ct_slice(2, PatientID="TEST-2"), 0xA778),
    ("the birth date contradicts", a_ct_slice(2, PatientBirthDate="19990101"), 0xA779),
    ("the series is in another study", a_ct_slice(2, StudyInstanceUID="1.2.3"), 0xA77B),
    ("there is no study UID", a_ct_slice(2, StudyInstanceUID=None), 0xA900),
]


@pytest.mark.parametrize(("why", "data_set", "status"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_contradiction_has_its_own_status_and_the_association_goes_on(
    server: DIMSEServer, archive: Archive, why: str, data_set: Dataset, status: int
) -> None:
    assert send(server, a_ct_slice(1), data_set, a_ct_slice(3)) == [0x0000, status, 0x0000]
    assert count_quarantined(archive, system_actor("test")) == 1


def test_a_data_set_that_breaks_off_is_answered_cannot_understand(server: DIMSEServer) -> None:
    one = a_ct_slice()
    with open_association(peer(server), CONTEXTS) as association:
        status = association.store(one.SOPClassUID, one.SOPInstanceUID, EXPLICIT_LE, [encoded(one)[:-20]])
        assert status == 0xC000
        assert association.echo() == 0x0000


def test_an_unknown_caller_is_rejected_by_name(archive: Archive) -> None:
    server = serving(archive, accept_unknown_nodes=False)
    try:
        with pytest.raises(AssociationRejected), open_association(peer(server), CONTEXTS):
            pass
        add_node(archive.database, system_actor("test"), NewNode("TESTMODALITY", "127.0.0.1", 104, "a CT"))
        assert send(server, a_ct_slice()) == [0x0000]
    finally:
        server.stop()


def test_a_wrong_called_title_is_rejected_where_the_setting_says_so(archive: Archive) -> None:
    server = serving(archive, called_ae_title_must_match=True)
    try:
        with pytest.raises(AssociationRejected), open_association(peer(server, called="OTHER"), CONTEXTS):
            pass
        with open_association(peer(server), CONTEXTS) as association:
            assert association.echo() == 0x0000
    finally:
        server.stop()


def test_a_sender_that_dies_in_the_middle_leaves_nothing(server: DIMSEServer, archive: Archive) -> None:
    one = a_ct_slice()

    def dying() -> Iterator[bytes]:
        yield encoded(one)[:50]
        raise RuntimeError("the modality lost power")

    with (
        pytest.raises(RuntimeError),
        open_association(peer(server), CONTEXTS) as association,
    ):
        association.store(one.SOPClassUID, one.SOPInstanceUID, EXPLICIT_LE, dying())
    server.stop()  # Waits for the association's thread, so that what it leaves is final.
    assert stored(archive) == set()
    assert list(archive.object_store.list_objects()) == []


def test_garbage_does_not_disturb_the_next_caller(server: DIMSEServer) -> None:
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, struct.pack(">BBI", 1, 0, 0xFFFFFFFF)):
        with socket.create_connection(("127.0.0.1", server.port)) as rude:
            rude.sendall(garbage)
            rude.settimeout(5)
            assert rude.recv(4096)[0] == A_ABORT
    assert send(server, a_ct_slice()) == [0x0000]


def test_private_and_future_storage_classes_are_stored(server: DIMSEServer, archive: Archive) -> None:
    for number, sop_class in enumerate(("1.2.3.4.5.6", "1.2.840.10008.5.1.4.1.1.9999"), start=1):
        one = a_ct_slice(number, SOPClassUID=sop_class)
        with open_association(peer(server), [(sop_class, (EXPLICIT_LE,))]) as association:
            assert association.store(sop_class, one.SOPInstanceUID, EXPLICIT_LE, [encoded(one)]) == 0x0000
    assert len(stored(archive)) == 2


def test_a_service_that_we_do_not_offer_is_not_accepted(server: DIMSEServer) -> None:
    print_management = "1.2.840.10008.5.1.1.9"
    with open_association(peer(server), [(print_management, (EXPLICIT_LE,)), *CONTEXTS]) as association:
        assert print_management not in {one.abstract_syntax_uid for one in association.contexts.values()}


def test_who_connects_and_says_nothing_gives_way(
    server: DIMSEServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ASSOCIATIONS_MAX", 3)
    monkeypatch.setattr(limits, "REJECTIONS_AT_ONCE_MAX", 0)
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(8)]
    with open_association(peer(server), CONTEXTS) as association:
        assert association.echo() == 0x0000
    for one in silent[:5]:
        one.settimeout(5)  # Half of what a silent caller is given else.
        assert one.recv(1) == b""
    for one in silent:
        one.close()
