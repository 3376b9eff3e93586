"""Whether instances are held whole: by reading every byte, whatever the index says."""

import pytest

from builders import CT_IMAGE_STORAGE, ROOT
from filmless.features.access import Permission, node_actor
from filmless.features.archive import Archive, InstanceReference, Verdict, size_of_instances, verify_instances
from filmless.infra.database import Database
from filmless.infra.errors import NotPermitted
from filmless.infra.object_store.folder import FolderObjectStore
from held_instances import NODE, cut_off, damage, hold, lose

MR_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.4"


@pytest.fixture
def archive(database: Database, object_store: FolderObjectStore) -> Archive:
    return Archive(database, object_store)


def verdicts(archive: Archive, *references: InstanceReference) -> list[Verdict]:
    return [one.verdict for one in verify_instances(archive, NODE, references)]


def test_what_is_held_whole_is_read_to_its_last_byte(archive: Archive) -> None:
    one = hold(archive)
    [verified] = verify_instances(archive, NODE, [one])
    assert (verified.reference, verified.verdict) == (one, Verdict.HELD)
    assert 0 < verified.bytes_read <= size_of_instances(archive, NODE, [one])


@pytest.mark.parametrize(
    ("accident", "verdict"),
    [(damage, Verdict.DAMAGED), (cut_off, Verdict.DAMAGED), (lose, Verdict.LOST)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_object_that_is_not_as_it_was_is_found_among_others(
    archive: Archive, accident: object, verdict: Verdict
) -> None:
    first, second, third = (hold(archive, number) for number in (1, 2, 3))
    assert callable(accident)
    accident(archive, second)
    assert verdicts(archive, first, second, third) == [Verdict.HELD, verdict, Verdict.HELD]


def test_the_class_must_be_that_of_the_instance(archive: Archive) -> None:
    one = hold(archive)
    assert verdicts(archive, InstanceReference(MR_IMAGE_STORAGE, one.sop_instance_uid)) == [
        Verdict.OF_ANOTHER_CLASS
    ]


def test_an_instance_that_never_came_is_unknown(archive: Archive) -> None:
    assert verdicts(archive, InstanceReference(CT_IMAGE_STORAGE, f"{ROOT}.404")) == [Verdict.UNKNOWN]


def test_what_waits_in_the_quarantine_is_undecided_with_or_without_a_filed_version(archive: Archive) -> None:
    twice = hold(archive, 1)
    hold(archive, 1, StudyDescription="another version")
    other_person = hold(archive, 2, PatientID="TEST-2", PatientBirthDate="19991231")
    assert verdicts(archive, twice, other_person) == [Verdict.UNDECIDED, Verdict.UNDECIDED]


def test_more_than_one_look_up_keeps_the_order(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("filmless.features.archive.verify.BATCH_INSTANCES", 2)
    references = [hold(archive, number) for number in range(1, 6)]
    lose(archive, references[3])
    expected = [Verdict.HELD] * 3 + [Verdict.LOST, Verdict.HELD]
    assert verdicts(archive, *references) == expected
    assert size_of_instances(archive, NODE, references) == 5 * size_of_instances(
        archive, NODE, references[:1]
    )


def test_only_who_may_ask_for_commitment_may_have_it_looked_at(archive: Archive) -> None:
    stranger = node_actor("CT1", "", frozenset({Permission.STUDIES_STORE}))
    with pytest.raises(NotPermitted):
        list(verify_instances(archive, stranger, []))
    with pytest.raises(NotPermitted):
        size_of_instances(archive, stranger, [])
