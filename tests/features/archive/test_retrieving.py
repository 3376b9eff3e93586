"""Which instances a retrieval names, on both databases; whose they are, and what the audit trail says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from filmless.features.access import Actor
from filmless.features.access.model import Permission, node_actor
from filmless.features.archive import (
    Archive,
    PatientAmbiguous,
    RetrievalNotUnderstood,
    RetrieveKeys,
    RetrieveLevel,
    Transfer,
    find_instances_to_send,
    record_sent,
    repository_retrieve,
    stored_chunks,
)
from filmless.features.audit import AuditEvent
from filmless.features.audit.tables import audit_records
from filmless.infra.database import Database
from filmless.infra.errors import NotPermitted, Unavailable
from filmless.infra.object_store.folder import FolderObjectStore
from made_instances import made_instance, store

NODE = node_actor("WORKSTATION", "192.0.2.7")
TO = Transfer("WORKSTATION", "C-MOVE of WORKSTATION")


@pytest.fixture
def archive(database: Database, object_store: FolderObjectStore) -> Iterator[Archive]:
    """Two studies of P1; P2 is one person in the north, one in the south, and one nobody knows where."""
    archive = Archive(database, object_store)
    store(
        archive,
        made_instance(2),
        made_instance(1),
        made_instance(1, series=2),
        made_instance(1, study=2),
        made_instance(1, study=3, PatientID="P2", IssuerOfPatientID="NORTH"),
        made_instance(1, study=4, PatientID="P2", IssuerOfPatientID="SOUTH", PatientName="Other^Person"),
        made_instance(1, study=5, PatientID="P2", PatientName="Third^Person"),
        made_instance(1, study=6, PatientID="P3", IssuerOfPatientID="NORTH"),
    )
    yield archive
    archive.close()


def found(archive: Archive, level: RetrieveLevel, keys: RetrieveKeys, actor: Actor = NODE) -> list[str]:
    return [row.sop_instance_uid for row in find_instances_to_send(archive, actor, level, keys, TO)]


def test_a_study_comes_by_series_and_instance_number(archive: Archive) -> None:
    keys = RetrieveKeys(study_instance_uids=("1.2.3.1",))
    assert found(archive, RetrieveLevel.STUDY, keys) == ["1.2.3.1.1.1", "1.2.3.1.1.2", "1.2.3.1.2.1"]


def test_a_patient_is_one_person(archive: Archive) -> None:
    with pytest.raises(PatientAmbiguous):
        found(archive, RetrieveLevel.PATIENT, RetrieveKeys("P2"))
    assert found(archive, RetrieveLevel.PATIENT, RetrieveKeys("P2", "SOUTH")) == ["1.2.3.4.1.1"]
    assert len(found(archive, RetrieveLevel.PATIENT, RetrieveKeys("P1"))) == 4


def test_an_id_that_is_one_persons_needs_no_issuer_and_a_wrong_one_finds_nobody(archive: Archive) -> None:
    assert found(archive, RetrieveLevel.PATIENT, RetrieveKeys("P3")) == ["1.2.3.6.1.1"]
    assert found(archive, RetrieveLevel.PATIENT, RetrieveKeys("P3", "SOUTH")) == []


def test_a_long_list_is_asked_for_in_pieces(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository_retrieve, "VALUES_AT_ONCE_MAX", 2)
    uids = ("1.2.3.1.1.1", "9.9", "1.2.3.1.1.2", "1.2.3.2.1.1", "1.2.3.1.1.1")
    keys = RetrieveKeys(study_instance_uids=("1.2.3.1",), sop_instance_uids=uids)
    assert found(archive, RetrieveLevel.IMAGE, keys) == ["1.2.3.1.1.1", "1.2.3.1.1.2"]


BAD = [
    ("no key", RetrieveLevel.STUDY, RetrieveKeys()),
    ("an empty patient", RetrieveLevel.PATIENT, RetrieveKeys()),
    ("a wildcard", RetrieveLevel.STUDY, RetrieveKeys(study_instance_uids=("1.2.*",))),
    ("a path", RetrieveLevel.STUDY, RetrieveKeys(study_instance_uids=("../1",))),
    ("a list above", RetrieveLevel.SERIES,
     RetrieveKeys(study_instance_uids=("1.2", "1.3"), series_instance_uids=("1.4",))),
]  # fmt: skip


@pytest.mark.parametrize(("why", "level", "keys"), BAD, ids=[row[0] for row in BAD])
def test_what_names_nothing_is_refused(
    archive: Archive, why: str, level: RetrieveLevel, keys: RetrieveKeys
) -> None:
    with pytest.raises(RetrievalNotUnderstood):
        found(archive, level, keys)


def test_it_takes_a_permission(archive: Archive) -> None:
    nobody = Actor(NODE.kind, "NODE", "", frozenset(Permission) - {Permission.STUDIES_RETRIEVE})
    with pytest.raises(NotPermitted):
        found(archive, RetrieveLevel.STUDY, RetrieveKeys(study_instance_uids=("1.2.3.1",)), nobody)
    with pytest.raises(NotPermitted):
        record_sent(archive, nobody, [], TO)


def test_the_audit_trail_says_what_was_to_go_and_what_went(archive: Archive) -> None:
    keys = RetrieveKeys(study_instance_uids=("1.2.3.1", "1.2.3.2"))
    rows = find_instances_to_send(archive, NODE, RetrieveLevel.STUDY, keys, TO)
    record_sent(archive, NODE, rows, TO, {"1.2.3.1.1.1", "1.2.3.2.1.1"})
    with archive.database.read() as tx:
        table = audit_records
        records = tx.execute(table.select().where(table.c.actor == "WORKSTATION").order_by(table.c.id)).all()
    begin, sent = AuditEvent.BEGIN_TRANSFERRING_INSTANCES.value, AuditEvent.INSTANCES_TRANSFERRED.value
    assert [(one.event, one.study_instance_uid, one.outcome) for one in records] == [
        (begin, "1.2.3.1", 0),
        (begin, "1.2.3.2", 0),
        (sent, "1.2.3.1", 4),
        (sent, "1.2.3.2", 8),
    ]


def test_bytes_that_are_gone_or_short_are_told_before_they_are_sent(archive: Archive) -> None:
    keys = RetrieveKeys(study_instance_uids=("1.2.3.1",))
    rows = find_instances_to_send(archive, NODE, RetrieveLevel.STUDY, keys, TO)
    path = archive.object_store.local_path(rows[0].object_id)
    assert path is not None
    with open(path, "r+b") as file:
        file.truncate(100)
    archive.object_store.delete(rows[1].object_id)
    for row in rows[:2]:
        with pytest.raises(Unavailable):
            next(stored_chunks(archive, row))
