"""C-MOVE on real sockets: every level, counts, cancel, and destinations that are unknown, dead or picky."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from builders import ROOT, a_ct_slice, encoded, part10
from filmless.edge.dimse import sending
from filmless.edge.dimse.errors import AssociationAborted
from filmless.edge.dimse.requestor import Peer, Requestor
from filmless.features.access import system_actor
from filmless.features.archive import Archive, receive_part10
from filmless.features.audit import AuditEvent
from filmless.features.audit.tables import audit_records
from filmless.features.nodes import Capability, NewNode, add_node
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.standards.dicom import tags
from filmless.standards.dicom.sop_classes import PATIENT_ROOT_MOVE, PATIENT_STUDY_ONLY_MOVE, STUDY_ROOT_MOVE
from filmless.standards.dicom.upper_layer import SyntaxOffer
from querying_peer import Keys, answering
from retrieving_peer import Outcome, counts_of, move
from storing_peer import StoringPeer

ME = system_actor("test")
STUDY = f"{ROOT}.1"


@pytest.fixture
def archive(sqlite_database: Database, object_store: FolderObjectStore) -> Archive:
    """Two patients; the first has two studies, the first of them two series. P-SHARED is two people."""
    archive = Archive(sqlite_database, object_store)
    slices = [
        a_ct_slice(1),
        a_ct_slice(2),
        a_ct_slice(1, series=2),
        a_ct_slice(1, study=2),
        a_ct_slice(1, study=3, PatientID="SHARED", IssuerOfPatientID="NORTH"),
        a_ct_slice(1, study=4, PatientID="SHARED", IssuerOfPatientID="SOUTH", PatientName="Other^Person"),
    ]
    for one in slices:
        receive_part10(archive, ME, "TEST", [part10(one)])
    return archive


@pytest.fixture
def us(archive: Archive) -> Iterator[Peer]:
    with answering(archive) as peer:
        yield peer


def register(archive: Archive, destination: StoringPeer, associations_max: int = 1) -> None:
    node = NewNode("ARCHIVE", "127.0.0.1", destination.port, associations_max=associations_max)
    add_node(archive.database, ME, node)


def moved(archive: Archive, us: Peer, sop_class_uid: str, keys: Keys) -> tuple[Outcome, set[str]]:
    """What came of a move to a good destination, and what that has now."""
    with StoringPeer() as destination:
        register(archive, destination)
        outcome = move(us, sop_class_uid, "ARCHIVE", keys)
    return outcome, set(destination.received_uids())


ONE, TWO, THREE = f"{STUDY}.1.1", f"{STUDY}.1.2", f"{STUDY}.2.1"
OTHER_STUDY = f"{ROOT}.2.1.1"
FOUND: list[tuple[str, str, dict[str, str], set[str]]] = [
    ("a patient", PATIENT_ROOT_MOVE, {"QueryRetrieveLevel": "PATIENT", "PatientID": "TEST-1"},
     {ONE, TWO, THREE, OTHER_STUDY}),
    ("a study", STUDY_ROOT_MOVE, {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": STUDY},
     {ONE, TWO, THREE}),
    ("a list of studies", STUDY_ROOT_MOVE,
     {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": f"{STUDY}\\{ROOT}.2"},
     {ONE, TWO, THREE, OTHER_STUDY}),
    ("a study of its patient", PATIENT_ROOT_MOVE,
     {"QueryRetrieveLevel": "STUDY", "PatientID": "TEST-1", "StudyInstanceUID": STUDY}, {ONE, TWO, THREE}),
    ("a study of another patient", PATIENT_ROOT_MOVE,
     {"QueryRetrieveLevel": "STUDY", "PatientID": "SHARED", "StudyInstanceUID": STUDY}, set()),
    ("a series", STUDY_ROOT_MOVE,
     {"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": STUDY, "SeriesInstanceUID": f"{STUDY}.1"},
     {ONE, TWO}),
    ("a series by itself", STUDY_ROOT_MOVE,
     {"QueryRetrieveLevel": "SERIES", "SeriesInstanceUID": f"{STUDY}.2"}, {THREE}),
    ("instances", STUDY_ROOT_MOVE,
     {"QueryRetrieveLevel": "IMAGE", "StudyInstanceUID": STUDY, "SeriesInstanceUID": f"{STUDY}.1",
      "SOPInstanceUID": f"{ONE}\\{TWO}\\{THREE}"}, {ONE, TWO}),
    ("an instance by itself", PATIENT_ROOT_MOVE,
     {"QueryRetrieveLevel": "IMAGE", "SOPInstanceUID": THREE}, {THREE}),
    ("keys below the level mean nothing", STUDY_ROOT_MOVE,
     {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": STUDY, "SOPInstanceUID": ONE}, {ONE, TWO, THREE}),
    ("one of two people by issuer", PATIENT_ROOT_MOVE,
     {"QueryRetrieveLevel": "PATIENT", "PatientID": "SHARED", "IssuerOfPatientID": "NORTH"},
     {f"{ROOT}.3.1.1"}),
    ("a study without instances here", STUDY_ROOT_MOVE,
     {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "1.2.3"}, set()),
]  # fmt: skip


@pytest.mark.parametrize(("what", "sop_class_uid", "keys", "expected"), FOUND, ids=[row[0] for row in FOUND])
def test_what_is_named_arrives(
    archive: Archive, us: Peer, what: str, sop_class_uid: str, keys: Keys, expected: set[str]
) -> None:
    outcome, received = moved(archive, us, sop_class_uid, keys)
    assert received == expected
    assert outcome.status == 0x0000
    assert outcome.counts == (len(expected), 0, 0, None)


REFUSED: list[tuple[str, str, dict[str, str], tuple[int, ...]]] = [
    ("no level", STUDY_ROOT_MOVE, {"StudyInstanceUID": STUDY}, (tags.QUERY_RETRIEVE_LEVEL,)),
    ("a level of another model", STUDY_ROOT_MOVE,
     {"QueryRetrieveLevel": "PATIENT", "PatientID": "TEST-1"}, (tags.QUERY_RETRIEVE_LEVEL,)),
    ("a level below the model", PATIENT_STUDY_ONLY_MOVE,
     {"QueryRetrieveLevel": "SERIES", "SeriesInstanceUID": f"{STUDY}.1"}, (tags.QUERY_RETRIEVE_LEVEL,)),
    ("no key", STUDY_ROOT_MOVE, {"QueryRetrieveLevel": "STUDY"}, (tags.STUDY_INSTANCE_UID,)),
    ("no key of the level", STUDY_ROOT_MOVE,
     {"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": STUDY}, (tags.SERIES_INSTANCE_UID,)),
    ("a wildcard", STUDY_ROOT_MOVE,
     {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": f"{ROOT}.*"}, (tags.STUDY_INSTANCE_UID,)),
    ("several of the level above", STUDY_ROOT_MOVE,
     {"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": f"{STUDY}\\{ROOT}.2",
      "SeriesInstanceUID": f"{STUDY}.1"}, (tags.SERIES_INSTANCE_UID,)),
    ("an ID of two people", PATIENT_ROOT_MOVE,
     {"QueryRetrieveLevel": "PATIENT", "PatientID": "SHARED"}, (tags.ISSUER_OF_PATIENT_ID,)),
]  # fmt: skip


@pytest.mark.parametrize(("what", "sop_class_uid", "keys", "tags"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_does_not_say_what_is_meant_is_refused(
    archive: Archive, us: Peer, what: str, sop_class_uid: str, keys: Keys, tags: tuple[int, ...]
) -> None:
    outcome, received = moved(archive, us, sop_class_uid, keys)
    assert outcome.status == 0xA900
    assert outcome.final is not None
    assert outcome.final.offending_elements == tags
    assert outcome.final.error_comment
    assert not received


def test_a_destination_that_nobody_registered_is_a801(us: Peer) -> None:
    outcome = move(us, STUDY_ROOT_MOVE, "NOBODY", {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": STUDY})
    assert outcome.status == 0xA801
    assert outcome.final is not None
    assert "NOBODY" in outcome.final.error_comment


WHOLE_STUDY = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": STUDY}


def test_a_destination_that_is_down_is_a702_and_says_so(archive: Archive, us: Peer) -> None:
    with StoringPeer() as destination:
        register(archive, destination)
    outcome = move(us, STUDY_ROOT_MOVE, "ARCHIVE", WHOLE_STUDY)
    assert (outcome.status, outcome.counts) == (0xA702, (0, 3, 0, None))
    assert outcome.failed_uids == [ONE, TWO, THREE]
    assert outcome.final is not None
    assert outcome.final.error_comment.startswith("ARCHIVE at 127.0.0.1")


def test_some_failures_are_b000_with_the_list_of_them(archive: Archive, us: Peer) -> None:
    def answer(number: int) -> tuple[int, str]:
        return (0xA700, "disk full") if number == 2 else (0x0000, "")

    with StoringPeer(answer=answer) as destination:
        register(archive, destination)
        outcome = move(us, STUDY_ROOT_MOVE, "ARCHIVE", WHOLE_STUDY)
    assert (outcome.status, outcome.counts) == (0xB000, (2, 1, 0, None))
    assert outcome.failed_uids == [TWO]
    assert outcome.final is not None
    assert outcome.final.error_comment == "disk full"


def test_all_failures_are_a702(archive: Archive, us: Peer) -> None:
    with StoringPeer(takes=lambda uid: None) as destination:
        register(archive, destination)
        outcome = move(us, STUDY_ROOT_MOVE, "ARCHIVE", WHOLE_STUDY)
    assert (outcome.status, outcome.counts) == (0xA702, (0, 3, 0, None))
    assert len(outcome.failed_uids) == 3


def test_warnings_are_b000_without_a_list(archive: Archive, us: Peer) -> None:
    with StoringPeer(answer=lambda number: (0xB000, "")) as destination:
        register(archive, destination)
        outcome = move(us, STUDY_ROOT_MOVE, "ARCHIVE", WHOLE_STUDY)
    assert (outcome.status, outcome.counts) == (0xB000, (0, 0, 3, None))
    assert outcome.failed_uids == []


def test_a_destination_that_dies_in_mid_way_is_counted_exactly(archive: Archive, us: Peer) -> None:
    def answer(number: int) -> tuple[int, str] | None:
        if number == 1:
            return 0, ""
        destination.stop_listening()
        return None

    with StoringPeer(answer=answer) as destination:
        register(archive, destination)
        outcome = move(us, STUDY_ROOT_MOVE, "ARCHIVE", WHOLE_STUDY)
    assert (outcome.status, outcome.counts) == (0xB000, (1, 2, 0, None))
    assert outcome.failed_uids == [TWO, THREE]


class Quiet:
    """Knows when no more counts come: then the sending has been told to stop."""

    def __init__(self) -> None:
        self._heard = threading.Event()

    def heard(self) -> None:
        self._heard.set()

    def wait(self) -> None:
        while self._heard.wait(0.5):  # Fifty times as long as from one to the next.
            self._heard.clear()


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Quiet:
    monkeypatch.setattr(sending, "PROGRESS_SECONDS", 0.01)
    return Quiet()


def test_a_cancel_stops_it_and_the_rest_is_remaining(archive: Archive, us: Peer, quiet: Quiet) -> None:
    def answer(number: int) -> tuple[int, str]:
        quiet.wait()
        return 0, ""

    def cancel(association: Requestor, message_id: int) -> None:
        quiet.heard()
        association.cancel(association.context_for(STUDY_ROOT_MOVE).context_id, message_id)

    with StoringPeer(answer=answer) as destination:
        register(archive, destination)
        outcome = move(us, STUDY_ROOT_MOVE, "ARCHIVE", WHOLE_STUDY, on_pending=cancel)
    assert (outcome.status, outcome.counts) == (0xFE00, (1, 0, 0, 2))
    assert outcome.failed_uids == [TWO, THREE]


def test_counts_come_while_it_goes_on(archive: Archive, us: Peer) -> None:
    go_on = threading.Event()
    seen: list[int] = []

    def answer(number: int) -> tuple[int, str]:
        if number == 2:
            assert go_on.wait(10)
        return 0, ""

    def look(association: Requestor, message_id: int) -> None:
        seen.append(message_id)
        if len(seen) == 3:
            go_on.set()

    with StoringPeer(answer=answer) as destination:
        register(archive, destination)
        outcome = move(us, STUDY_ROOT_MOVE, "ARCHIVE", WHOLE_STUDY, on_pending=look)
    assert outcome.status == 0x0000
    counts = [counts_of(one) for one in outcome.pending]
    assert counts[0] == (0, 0, 0, 3)
    assert counts[2] == (1, 0, 0, 2)


def test_an_asker_that_leaves_stops_it(archive: Archive, us: Peer, quiet: Quiet) -> None:
    def answer(number: int) -> tuple[int, str]:
        quiet.wait()
        return 0, ""

    def leave(association: Requestor, message_id: int) -> None:
        raise AssociationAborted("The asker lost power.")

    with StoringPeer(answer=answer) as destination:
        register(archive, destination)
        with pytest.raises(AssociationAborted):
            move(us, STUDY_ROOT_MOVE, "ARCHIVE", WHOLE_STUDY, on_pending=leave)
    assert len(destination.received) < 3


def test_the_destination_hears_who_asked(archive: Archive, us: Peer) -> None:
    with StoringPeer() as destination:
        register(archive, destination)
        move(us, STUDY_ROOT_MOVE, "ARCHIVE", WHOLE_STUDY)
    command = destination.received[0].command
    assert (command.move_originator_ae_title, command.move_originator_message_id) == ("TESTER", 1)
    assert destination.requests[0].calling_ae_title == "FILMLESS"


def test_a_node_that_takes_several_associations_gets_them(archive: Archive, us: Peer) -> None:
    for number in range(3, 40):
        receive_part10(archive, ME, "TEST", [part10(a_ct_slice(number))])
    with StoringPeer() as destination:
        register(archive, destination, associations_max=3)
        outcome = move(us, STUDY_ROOT_MOVE, "ARCHIVE", WHOLE_STUDY)
    assert outcome.counts == (40, 0, 0, None)
    assert len(destination.requests) == 3


def test_a_picky_destination_gets_what_it_takes(archive: Archive, us: Peer) -> None:
    implicit = "1.2.840.10008.1.2"
    with StoringPeer(takes=lambda uid: SyntaxOffer((implicit,))) as destination:
        register(archive, destination)
        outcome = move(us, STUDY_ROOT_MOVE, "ARCHIVE", WHOLE_STUDY)
    assert outcome.status == 0x0000
    assert destination.received[0].data_set == encoded(a_ct_slice(1), implicit)


def test_relational_retrieval_is_agreed_to(us: Peer) -> None:
    outcome = move(us, STUDY_ROOT_MOVE, "NOBODY", WHOLE_STUDY, options=b"\x01\x01")
    assert outcome.status == 0xA801


def test_a_node_without_the_permission_gets_nothing(archive: Archive, us: Peer) -> None:
    capabilities = frozenset(Capability) - {Capability.RETRIEVE}
    add_node(archive.database, ME, NewNode("TESTER", "127.0.0.1", 104, capabilities=capabilities))
    outcome, received = moved(archive, us, STUDY_ROOT_MOVE, WHOLE_STUDY)
    assert outcome.status == 0x0124
    assert not received


def test_each_study_leaves_two_audit_records(archive: Archive, us: Peer) -> None:
    with StoringPeer(answer=lambda number: (0xA700, "") if number == 1 else (0, "")) as destination:
        register(archive, destination)
        move(us, PATIENT_ROOT_MOVE, "ARCHIVE", {"QueryRetrieveLevel": "PATIENT", "PatientID": "TEST-1"})
    with archive.database.read() as tx:
        rows = tx.execute(audit_records.select().where(audit_records.c.actor == "TESTER")).all()
    found = sorted((row.event, row.study_instance_uid, row.outcome) for row in rows)
    begin, transferred = AuditEvent.BEGIN_TRANSFERRING_INSTANCES, AuditEvent.INSTANCES_TRANSFERRED
    assert found == [
        (begin.value, STUDY, 0),
        (begin.value, f"{ROOT}.2", 0),
        (transferred.value, STUDY, 4),
        (transferred.value, f"{ROOT}.2", 0),
    ]
