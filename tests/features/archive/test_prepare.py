"""Prepared metadata is that of the index at this moment, whoever grows the series meanwhile."""

import gzip
import json
import threading
from typing import Any

import pytest

from filmless.features.archive import (
    Archive,
    SeriesNotFound,
    Viewing,
    instance_metadata,
    prepare,
    prepare_series,
    repository_read,
    series_metadata_gzip,
    study_metadata_gzip,
)
from filmless.features.archive.viewing import InstancePlace
from filmless.infra.database import Database
from filmless.infra.errors import NotFound, NotPermitted
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.infra.sandbox import Sandbox
from made_instances import NOBODY, READER, made_instance, store

STUDY, SERIES = "1.2.3.1", "1.2.3.1.1"


@pytest.fixture
def archive(database: Database, object_store: FolderObjectStore) -> Archive:
    return Archive(database, object_store)


def metadata(archive: Archive, series: str = SERIES) -> list[dict[str, Any]]:
    return json.loads(gzip.decompress(series_metadata_gzip(archive, READER, STUDY, series)))


def numbers(archive: Archive) -> list[int]:
    return [instance["00200013"]["Value"][0] for instance in metadata(archive)]


def series_ref(archive: Archive) -> int:
    with archive.database.read() as tx:
        place = repository_read.get_series_place(tx, SERIES)
    assert place is not None
    return place.series_ref


def test_metadata_shows_all_attributes_and_points_to_bulk_values(archive: Archive) -> None:
    store(archive, made_instance())

    (instance,) = metadata(archive)

    assert instance["00100010"]["Value"] == [{"Alphabetic": "Muster^Erika"}]
    assert instance["00280010"] == {"vr": "US", "Value": [4]}
    instance_path = f"/dicom-web/studies/{STUDY}/series/{SERIES}/instances/1.2.3.1.1.1"
    assert instance["7FE00010"]["BulkDataURI"] == f"{instance_path}/bulkdata/7FE00010"


def test_metadata_grows_with_its_series(archive: Archive) -> None:
    store(archive, made_instance(1), made_instance(2))
    assert numbers(archive) == [1, 2]
    assert numbers(archive) == [1, 2]
    store(archive, made_instance(3))
    assert numbers(archive) == [1, 2, 3]
    with archive.database.read() as tx:
        prepared = repository_read.get_prepared(tx, series_ref(archive))
    assert prepared is not None
    assert prepared.instances_prepared == prepared.instances_indexed == 3


def test_only_new_instances_are_read(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    store(archive, made_instance(1), made_instance(2))
    metadata(archive)
    with archive.database.read() as tx:
        rows = repository_read.list_newer_instances(tx, series_ref(archive), 0)
    for row in rows:
        archive.object_store.delete(row.object_id)  # Whoever reads these again fails.
    store(archive, made_instance(3))

    assert numbers(archive) == [1, 2, 3]


def test_many_instances_are_saved_batch_by_batch(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "BATCH_INSTANCES_MAX", 3)
    store(archive, *(made_instance(number) for number in range(1, 9)))

    assert numbers(archive) == list(range(1, 9))
    assert numbers(archive) == list(range(1, 9))


def test_a_row_that_was_committed_late_is_not_left_out(archive: Archive) -> None:
    """On PostgreSQL a row with a smaller id may become visible after one with a larger."""
    store(archive, made_instance(1), made_instance(2))
    metadata(archive)
    with archive.database.transaction() as tx:
        # As if the prepared document had been made when only the second row was to be seen.
        tx.fast(
            "UPDATE prepared_series SET number_of_instances = 1 WHERE series_ref = ?", (series_ref(archive),)
        )

    assert numbers(archive) == [1, 2]
    with archive.database.read() as tx:
        prepared = repository_read.get_prepared(tx, series_ref(archive))
    assert prepared is not None
    assert prepared.instances_prepared == 2


def test_readers_and_writers_at_once_never_see_a_broken_document(archive: Archive) -> None:
    store(archive, made_instance(1))
    seen: list[list[int]] = []

    def read() -> None:
        for _ in range(8):
            seen.append(numbers(archive))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    store(archive, *(made_instance(number) for number in range(2, 21)))
    for reader in readers:
        reader.join()

    assert len(seen) == 24
    assert all(sorted(once) == list(range(1, len(once) + 1)) for once in seen)
    assert sorted(numbers(archive)) == list(range(1, 21))


def test_study_metadata_is_its_series_one_after_another(archive: Archive) -> None:
    store(archive, made_instance(1, series=2), made_instance(1, series=1), made_instance(2, series=1))

    document = json.loads(gzip.decompress(study_metadata_gzip(archive, READER, STUDY)))

    assert [(each["00200011"]["Value"], each["00200013"]["Value"]) for each in document] == [
        ([1], [1]),
        ([1], [2]),
        ([2], [1]),
    ]


def test_instance_metadata_is_one_object_in_an_array(archive: Archive) -> None:
    store(archive, made_instance(1), made_instance(2))

    (instance,) = json.loads(instance_metadata(archive, READER, STUDY, SERIES, "1.2.3.1.1.2"))

    assert instance == metadata(archive)[1]


@pytest.mark.parametrize(
    ("study", "series"), [("1.2.3.9", SERIES), (STUDY, "1.2.3.9.9"), ("1.2.3.2", SERIES), ("../..", "%00")]
)
def test_a_series_is_only_found_in_its_own_study(archive: Archive, study: str, series: str) -> None:
    store(archive, made_instance(), made_instance(study=2))

    with pytest.raises(NotFound):
        series_metadata_gzip(archive, READER, study, series)


def test_who_may_not_read_gets_no_metadata(archive: Archive) -> None:
    store(archive, made_instance())

    with pytest.raises(NotPermitted):
        series_metadata_gzip(archive, NOBODY, STUDY, SERIES)
    with pytest.raises(NotPermitted):
        study_metadata_gzip(archive, NOBODY, STUDY)


def test_the_job_prepares_metadata_frames_and_thumbnail_and_may_run_again(
    archive: Archive, sandbox: Sandbox
) -> None:
    store(archive, made_instance(1), made_instance(2))
    ref = series_ref(archive)

    for _ in range(2):
        prepare_series(archive, sandbox, ref)

    with archive.database.read() as tx:
        prepared = repository_read.get_prepared(tx, ref)
        thumbnail = repository_read.get_thumbnail(tx, SERIES)
        unindexed = repository_read.list_instances_without_frame_index(tx, ref)
    assert prepared is not None
    assert prepared.instances_prepared == 2
    assert thumbnail is not None
    assert thumbnail[0] is not None
    assert thumbnail[0].startswith(b"\xff\xd8\xff")
    assert not unindexed
    assert Viewing(archive, sandbox).series_thumbnail(READER, STUDY, SERIES) == thumbnail[0]


def test_the_job_for_a_series_that_is_gone_does_nothing(archive: Archive, sandbox: Sandbox) -> None:
    prepare_series(archive, sandbox, 4711)
    with pytest.raises(SeriesNotFound):
        prepare.series_document(archive, 4711)


def test_a_frame_index_is_made_on_first_sight_and_kept(archive: Archive, sandbox: Sandbox) -> None:
    store(archive, made_instance())
    place = InstancePlace(STUDY, SERIES, "1.2.3.1.1.1")

    Viewing(archive, sandbox).source(READER, place)

    with archive.database.read() as tx:
        assert not repository_read.list_instances_without_frame_index(tx, series_ref(archive))
