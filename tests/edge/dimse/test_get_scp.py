"""C-GET on a real socket: instances come on the asker's own association, in what it takes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from builders import CT_IMAGE_STORAGE, EXPLICIT_LE, IMPLICIT_LE, ROOT, a_ct_slice, encoded, part10
from filmless.edge.dimse.errors import AssociationAborted
from filmless.edge.dimse.requestor import Peer
from filmless.features.access import system_actor
from filmless.features.archive import Archive, receive_part10
from filmless.features.audit import AuditEvent
from filmless.features.audit.tables import audit_records
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.standards.dicom.sop_classes import PATIENT_ROOT_GET, STUDY_ROOT_GET
from querying_peer import answering
from retrieving_peer import counts_of, get

ME = system_actor("test")
STUDY = f"{ROOT}.1"
WHOLE_STUDY = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": STUDY}
CT = [(CT_IMAGE_STORAGE, (EXPLICIT_LE,))]


@pytest.fixture
def archive(sqlite_database: Database, object_store: FolderObjectStore) -> Archive:
    """A study of three slices."""
    archive = Archive(sqlite_database, object_store)
    for number in (1, 2, 3):
        receive_part10(archive, ME, "TEST", [part10(a_ct_slice(number))])
    return archive


@pytest.fixture
def us(archive: Archive) -> Iterator[Peer]:
    with answering(archive) as peer:
        yield peer


def test_a_study_comes_byte_for_byte(us: Peer) -> None:
    outcome = get(us, STUDY_ROOT_GET, WHOLE_STUDY, CT)
    assert (outcome.status, outcome.counts) == (0x0000, (3, 0, 0, None))
    assert [data for _, _, data in outcome.stored] == [encoded(a_ct_slice(number)) for number in (1, 2, 3)]


def test_a_patient_comes(us: Peer) -> None:
    keys = {"QueryRetrieveLevel": "PATIENT", "PatientID": "TEST-1"}
    assert get(us, PATIENT_ROOT_GET, keys, CT).counts == (3, 0, 0, None)


def test_nothing_found_is_success(us: Peer) -> None:
    outcome = get(us, STUDY_ROOT_GET, {**WHOLE_STUDY, "StudyInstanceUID": "1.2.3"}, CT)
    assert (outcome.status, outcome.counts) == (0x0000, (0, 0, 0, None))


def test_an_identifier_without_keys_is_refused(us: Peer) -> None:
    assert get(us, STUDY_ROOT_GET, {"QueryRetrieveLevel": "STUDY"}, CT).status == 0xA900


def test_a_picky_asker_gets_what_it_takes(us: Peer) -> None:
    outcome = get(us, STUDY_ROOT_GET, WHOLE_STUDY, [(CT_IMAGE_STORAGE, (IMPLICIT_LE,))])
    assert outcome.status == 0x0000
    assert {syntax for _, syntax, _ in outcome.stored} == {IMPLICIT_LE}
    assert outcome.stored[0][2] == encoded(a_ct_slice(1), IMPLICIT_LE)


def test_a_class_that_was_not_negotiated_fails_by_itself(archive: Archive, us: Peer) -> None:
    structured_report = "1.2.840.10008.5.1.4.1.1.88.11"
    report = a_ct_slice(1, series=2, SOPClassUID=structured_report, PixelData=None)
    receive_part10(archive, ME, "TEST", [part10(report)])
    outcome = get(us, STUDY_ROOT_GET, WHOLE_STUDY, CT)
    assert (outcome.status, outcome.counts) == (0xB000, (3, 1, 0, None))
    assert outcome.failed_uids == [report.SOPInstanceUID]
    assert outcome.final is not None
    assert outcome.final.error_comment == "The peer does not take this SOP class."


def test_compressed_images_are_decoded_for_who_takes_only_plain_ones(archive: Archive, us: Peer) -> None:
    compressed = Path(str(get_testdata_file("MR_small_RLE.dcm")))
    receive_part10(archive, ME, "TEST", [compressed.read_bytes()])
    header = pydicom.dcmread(compressed, stop_before_pixels=True)
    keys = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": str(header.StudyInstanceUID)}
    outcome = get(us, STUDY_ROOT_GET, keys, [(str(header.SOPClassUID), (IMPLICIT_LE,))])
    assert (outcome.status, outcome.counts) == (0x0000, (1, 0, 0, None))
    came = pydicom.dcmread(io.BytesIO(outcome.stored[0][2]), force=True)
    original = pydicom.dcmread(get_testdata_file("MR_small.dcm"))
    assert came.PixelData == original.PixelData


def test_what_the_asker_refuses_is_listed(us: Peer) -> None:
    outcome = get(us, STUDY_ROOT_GET, WHOLE_STUDY, CT, answer=lambda number: 0xA700 if number == 2 else 0)
    assert (outcome.status, outcome.counts) == (0xB000, (2, 1, 0, None))
    assert outcome.failed_uids == [f"{STUDY}.1.2"]


def test_a_cancel_stops_it_and_the_rest_is_remaining(us: Peer) -> None:
    outcome = get(us, STUDY_ROOT_GET, WHOLE_STUDY, CT, cancel_at=1)
    assert (outcome.status, outcome.counts) == (0xFE00, (1, 0, 0, 2))
    assert outcome.failed_uids == [f"{STUDY}.1.2", f"{STUDY}.1.3"]


def test_an_object_that_is_gone_costs_only_itself(archive: Archive, us: Peer) -> None:
    objects = [one.object_id for one in archive.object_store.list_objects()]
    archive.object_store.delete(objects[0])
    outcome = get(us, STUDY_ROOT_GET, WHOLE_STUDY, CT)
    assert (outcome.status, outcome.counts) == (0xB000, (2, 1, 0, None))


def test_counts_come_while_it_goes_on(us: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("filmless.edge.dimse.get.PENDING_SECONDS", 0.0)
    outcome = get(us, STUDY_ROOT_GET, WHOLE_STUDY, CT)
    assert [counts_of(one) for one in outcome.pending] == [(1, 0, 0, 2), (2, 0, 0, 1)]


def test_an_asker_that_leaves_in_mid_way_is_in_the_audit_trail(archive: Archive, us: Peer) -> None:
    def leave(number: int) -> int:
        if number == 2:
            raise AssociationAborted("The asker lost power.")
        return 0

    with pytest.raises(AssociationAborted):
        get(us, STUDY_ROOT_GET, WHOLE_STUDY, CT, answer=leave)
    with answering(archive) as other:  # It ends after the association that broke.
        assert get(other, STUDY_ROOT_GET, WHOLE_STUDY, CT).status == 0x0000


def test_a_study_leaves_two_audit_records(archive: Archive, us: Peer) -> None:
    get(us, STUDY_ROOT_GET, WHOLE_STUDY, CT)
    with archive.database.read() as tx:
        rows = tx.execute(audit_records.select().where(audit_records.c.actor == "TESTER")).all()
    begin, transferred = AuditEvent.BEGIN_TRANSFERRING_INSTANCES, AuditEvent.INSTANCES_TRANSFERRED
    assert [(row.event, row.study_instance_uid) for row in rows] == [
        (begin.value, STUDY),
        (transferred.value, STUDY),
    ]
