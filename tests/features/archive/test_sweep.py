"""Objects without a row: settled after an hour, never lost."""

from datetime import UTC, datetime, timedelta

import pytest

from builders import EXPLICIT_LE, a_ct_slice, announced, encoded
from filmless.features.access import node_actor, system_actor
from filmless.features.archive import (
    Archive,
    DuplicateWithOtherContent,
    accept_quarantined,
    begin_receive,
    count_quarantined,
    find_quarantined,
    sweep_orphans,
)
from filmless.features.archive.tables import instances
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.standards.dicom.part10 import FileMeta, write_part10_header
from frozen_clock import FrozenClock

NODE = node_actor("TESTMODALITY", "")
PERSON = system_actor("test")


@pytest.fixture
def archive(database: Database, object_store: FolderObjectStore) -> Archive:
    return Archive(database, object_store)


def an_orphan(archive: Archive, data: bytes) -> str:
    one = a_ct_slice()
    writer = archive.object_store.create()
    writer.write((write_part10_header(FileMeta(one.SOPClassUID, one.SOPInstanceUID, EXPLICIT_LE)), data))
    writer.sync()
    return writer.object_id


def objects_of(archive: Archive) -> set[str]:
    return {stored.object_id for stored in archive.object_store.list_objects()}


@pytest.fixture(autouse=True)
def two_hours_later(clock: FrozenClock) -> None:
    clock.set(datetime.now(UTC) + timedelta(hours=2))  # Files carry the machine's time, not the test's.


def test_an_object_being_received_is_left_alone(archive: Archive, clock: FrozenClock) -> None:
    clock.advance(-2 * 3600)
    an_orphan(archive, encoded(a_ct_slice()))
    sweep_orphans(archive)
    assert len(objects_of(archive)) == 1


def test_indexed_and_quarantined_objects_are_left_alone(archive: Archive) -> None:
    first, second = (begin_receive(archive, NODE, announced(a_ct_slice())) for _ in range(2))
    first.write((encoded(a_ct_slice(StudyDescription="first")),))
    second.write((encoded(a_ct_slice(StudyDescription="second")),))
    first.finish()
    with pytest.raises(DuplicateWithOtherContent):
        second.finish()
    before = objects_of(archive)
    sweep_orphans(archive)
    assert objects_of(archive) == before


def test_an_orphan_whose_bytes_are_held_anyway_is_removed(archive: Archive) -> None:
    orphan = an_orphan(archive, encoded(a_ct_slice()))
    reception = begin_receive(archive, NODE, announced(a_ct_slice()))
    reception.write((encoded(a_ct_slice()),))
    reception.finish()
    sweep_orphans(archive)
    assert orphan not in objects_of(archive)
    assert len(objects_of(archive)) == 1


@pytest.mark.parametrize("length", [None, 300])
def test_any_other_orphan_is_kept_in_quarantine(archive: Archive, length: int | None) -> None:
    orphan = an_orphan(archive, encoded(a_ct_slice())[:length])
    sweep_orphans(archive)
    [item], _ = find_quarantined(archive, PERSON, 10, 0)
    assert item.reason == "interrupted"
    assert objects_of(archive) == {orphan}
    sweep_orphans(archive)
    assert count_quarantined(archive, PERSON) == 1


def test_a_whole_orphan_can_be_accepted(archive: Archive) -> None:
    an_orphan(archive, encoded(a_ct_slice()))
    sweep_orphans(archive)
    [item], _ = find_quarantined(archive, PERSON, 10, 0)
    accept_quarantined(archive, PERSON, item.id, "The modality is gone")
    with archive.database.read() as tx:
        assert len(tx.execute(instances.select()).all()) == 1


def test_what_was_cut_off_inside_our_own_header_holds_nothing_and_goes(archive: Archive) -> None:
    writer = archive.object_store.create()
    writer.write((b"\0" * 128 + b"DI",))
    writer.sync()
    sweep_orphans(archive)
    assert objects_of(archive) == set()
