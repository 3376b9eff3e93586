"""Attributes that the index does not keep, read from what is stored, at each level and on both databases."""

import pytest

from filmless.features.archive import Archive, Level, MatchRow, Query, iterate_matches, read_optional_keys
from filmless.infra.database import Database
from filmless.infra.errors import NotPermitted
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.standards.dicom.dictionary import tag_of
from made_instances import NOBODY, READER, made_instance, store


@pytest.fixture
def archive(database: Database, object_store: FolderObjectStore) -> Archive:
    archive = Archive(database, object_store)
    store(
        archive,
        made_instance(1, 1, 1, PatientAge="030Y", KVP="80"),
        made_instance(2, 1, 1, PatientAge="030Y", KVP="90"),
        made_instance(1, 2, 1, PatientAge="030Y", KVP="100"),
        made_instance(1, 1, 2, PatientAge="031Y", KVP="110"),
    )
    return archive


def row(archive: Archive, level: Level, **matching: str) -> MatchRow:
    (found,) = iterate_matches(archive, READER, level, Query(matching=matching))
    return found


def tags(*keywords: str) -> set[int]:
    return {tag for keyword in keywords if (tag := tag_of(keyword)) is not None}


@pytest.mark.parametrize(
    ("level", "matching", "age", "kvp"),
    [
        (Level.PATIENT, {"PatientID": "P1"}, "030Y", "80"),
        (Level.STUDY, {"StudyInstanceUID": "1.2.3.1"}, "030Y", "80"),
        (Level.STUDY, {"StudyInstanceUID": "1.2.3.2"}, "031Y", "110"),
        (Level.SERIES, {"SeriesInstanceUID": "1.2.3.1.2"}, "030Y", "100"),
        (Level.INSTANCE, {"SOPInstanceUID": "1.2.3.1.1.2"}, "030Y", "90"),
    ],
)
def test_an_entity_answers_with_the_instance_that_came_first(
    archive: Archive, level: Level, matching: dict[str, str], age: str, kvp: str
) -> None:
    wanted = tags("PatientAge", "KVP", "Occupation")
    found = read_optional_keys(archive, READER, row(archive, level, **matching), wanted)
    assert found is not None
    assert {found.text(tag) for tag in found} == {age, kvp}


def test_of_a_study_that_lost_its_bytes_nothing_is_read(archive: Archive) -> None:
    study = row(archive, Level.STUDY, StudyInstanceUID="1.2.3.2")
    for stored in list(archive.object_store.list_objects()):
        archive.object_store.delete(stored.object_id)
    assert read_optional_keys(archive, READER, study, tags("PatientAge")) is None


def test_who_may_not_read_studies_gets_nothing_of_them(archive: Archive) -> None:
    study = row(archive, Level.STUDY, StudyInstanceUID="1.2.3.2")
    with pytest.raises(NotPermitted):
        read_optional_keys(archive, NOBODY, study, tags("PatientAge"))
