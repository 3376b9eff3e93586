"""Resolving what was kept aside: file it all the same, or take it off the list; bytes stay."""

import pytest
from pydicom.dataset import Dataset

from builders import EXPLICIT_LE, a_ct_slice, announced, encoded
from filmless.features.access import Actor, ActorKind, Permission, node_actor, system_actor
from filmless.features.archive import (
    Archive,
    QuarantineItem,
    QuarantineItemNotFound,
    accept_quarantined,
    begin_receive,
    count_quarantined,
    discard_quarantined,
    find_quarantined,
)
from filmless.features.archive.tables import instances, quarantine, studies
from filmless.features.audit.tables import audit_records
from filmless.infra.database import Database
from filmless.infra.errors import Conflict, FilmlessError, Invalid, NotPermitted
from filmless.infra.object_store.folder import FolderObjectStore

NODE = node_actor("TESTMODALITY", "192.0.2.7")
PERSON = system_actor("test")


@pytest.fixture
def archive(database: Database, object_store: FolderObjectStore) -> Archive:
    return Archive(database, object_store)


def send(archive: Archive, data_set: Dataset) -> FilmlessError | None:
    reception = begin_receive(archive, NODE, announced(data_set, EXPLICIT_LE))
    reception.write((encoded(data_set),))
    try:
        reception.finish()
    except FilmlessError as error:
        return error
    return None


def the_waiting_one(archive: Archive) -> QuarantineItem:
    [item], total = find_quarantined(archive, PERSON, limit=10, offset=0)
    assert total == count_quarantined(archive, PERSON) == 1
    return item


def one(archive: Archive, table: object) -> object:
    with archive.database.read() as tx:
        return tx.execute(table.select()).one()


def current_bytes(archive: Archive) -> bytes:
    row = one(archive, instances)
    return archive.object_store.read(row.object_id, row.data_set_offset)


def test_the_list_says_what_contradicts_what(archive: Archive) -> None:
    send(archive, a_ct_slice(1))
    send(archive, a_ct_slice(2, PatientBirthDate="19810101"))
    item = the_waiting_one(archive)
    assert item.reason == "demographics_conflict"
    birth_date = next(one for one in item.contradictions if one.attribute == "PatientBirthDate")
    assert (birth_date.held, birth_date.received) == ("19700102", "19810101")
    assert item.can_be_accepted


def test_accepting_a_demographics_conflict_files_it_under_the_held_patient(archive: Archive) -> None:
    send(archive, a_ct_slice(study=1))
    send(archive, a_ct_slice(study=2, PatientBirthDate="19810101", PatientName="Typo^Anna"))
    accept_quarantined(archive, PERSON, the_waiting_one(archive).id, "Typing error at the console")
    assert count_quarantined(archive, PERSON) == 0
    with archive.database.read() as tx:
        rows = tx.execute(studies.select()).all()
    assert len(rows) == 2
    assert len({row.patient_ref for row in rows}) == 1


def test_accepting_a_patient_mismatch_leaves_the_study_with_its_patient(archive: Archive) -> None:
    send(archive, a_ct_slice(1))
    send(archive, a_ct_slice(2, PatientID="TEST-2"))
    accept_quarantined(archive, PERSON, the_waiting_one(archive).id, "Wrong worklist entry")
    assert one(archive, studies).number_of_instances == 2


def test_accepting_a_second_version_exchanges_the_two(archive: Archive) -> None:
    first, second = a_ct_slice(), a_ct_slice(StudyDescription="corrected and longer")
    send(archive, first)
    send(archive, second)
    item = the_waiting_one(archive)
    accept_quarantined(archive, PERSON, item.id, "Sent again with the right side marker")
    assert current_bytes(archive) == encoded(second)
    kept = one(archive, quarantine)
    assert archive.object_store.read(kept.object_id, kept.data_set_offset) == encoded(first)
    assert one(archive, studies).size_bytes == one(archive, instances).object_bytes


def test_discarding_takes_it_off_the_list_and_keeps_the_bytes(archive: Archive) -> None:
    send(archive, a_ct_slice())
    send(archive, a_ct_slice(StudyDescription="changed"))
    discard_quarantined(archive, PERSON, the_waiting_one(archive).id, "A test of the modality")
    assert count_quarantined(archive, PERSON) == 0
    kept = one(archive, quarantine)
    assert (kept.resolution, kept.resolution_reason) == ("discarded", "A test of the modality")
    assert archive.object_store.size(kept.object_id) == kept.object_bytes


def test_each_decision_is_in_the_audit_trail(archive: Archive) -> None:
    send(archive, a_ct_slice())
    send(archive, a_ct_slice(StudyDescription="changed"))
    discard_quarantined(archive, PERSON, the_waiting_one(archive).id, "why not")
    with archive.database.read() as tx:
        last = tx.execute(audit_records.select().order_by(audit_records.c.id.desc()).limit(1)).one()
    assert (last.actor, last.action) == ("test", "U")


def test_a_decision_is_made_once(archive: Archive) -> None:
    send(archive, a_ct_slice())
    send(archive, a_ct_slice(StudyDescription="changed"))
    item = the_waiting_one(archive)
    discard_quarantined(archive, PERSON, item.id, "first")
    with pytest.raises(QuarantineItemNotFound):
        accept_quarantined(archive, PERSON, item.id, "second")


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_a_decision_needs_a_reason(archive: Archive, reason: str) -> None:
    with pytest.raises(Invalid):
        discard_quarantined(archive, PERSON, "whatever", reason)


def test_what_has_no_study_cannot_be_filed_as_it_is(archive: Archive) -> None:
    send(archive, a_ct_slice(StudyInstanceUID=None))
    item = the_waiting_one(archive)
    assert not item.can_be_accepted
    with pytest.raises(Conflict):
        accept_quarantined(archive, PERSON, item.id, "try")


def test_only_those_permitted_decide(archive: Archive) -> None:
    reader = Actor(ActorKind.USER, "reader", "", frozenset({Permission.QUARANTINE_READ}))
    with pytest.raises(NotPermitted):
        discard_quarantined(archive, reader, "x", "y")
    with pytest.raises(NotPermitted):
        find_quarantined(archive, NODE, 10, 0)
