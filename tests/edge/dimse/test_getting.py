"""What C-GET brings is in our archive, and counted by what we stored, not by what the peer claims."""

from __future__ import annotations

import pytest

from archivist import PENDING, Archivist, Script, Start, counts
from builders import CT_IMAGE_STORAGE, EXPLICIT_LE, a_ct_slice, encoded
from filmless.edge.dimse.check_instance import CHECK_SOP_CLASS_UID, check_data_set, check_uids
from filmless.edge.dimse.errors import ContextNotAccepted
from filmless.edge.dimse.querying import RetrieveReport, get_remote
from filmless.edge.dimse.receiving_contexts import CONTEXTS_MAX, storage_contexts
from filmless.edge.dimse.requestor import Peer
from filmless.features.access import system_actor
from filmless.features.archive import Archive
from filmless.features.archive.tables import instances
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.standards.dicom.upper_layer import CommandField, CommandReceived, CommandSet, SyntaxOffer


@pytest.fixture
def archive(sqlite_database: Database, object_store: FolderObjectStore) -> Archive:
    return Archive(sqlite_database, object_store)


def sending(*numbers: int, claims: int | None = None) -> Script:
    """A peer that sends CT slices on our association and says how many."""

    def script(archivist: Archivist) -> None:
        connection, get = archivist.connection, archivist.request
        assert get is not None
        contexts = connection.association.contexts.values()
        store = next(it for it in contexts if it.abstract_syntax_uid == CT_IMAGE_STORAGE)
        assert store.requestor_is_scp
        answered: list[int] = []
        for number in numbers:
            one = a_ct_slice(1 if number > 90 else number, StudyDescription=f"text {number > 90}")
            command = CommandSet.build(
                CommandField.C_STORE_RQ,
                has_data_set=True,
                message_id=number,
                affected_sop_class_uid=CT_IMAGE_STORAGE,
                affected_sop_instance_uid=one.SOPInstanceUID,
                priority=0,
            )
            connection.send_message(store.context_id, command, (encoded(one),))
            event = connection.next_event(10)
            assert isinstance(event, CommandReceived)
            answered.append(event.command.status)
            completed, failed = answered.count(0), len(answered) - answered.count(0)
            archivist.answer(PENDING, None, **counts(len(numbers) - len(answered), completed, failed))
        failed = len(answered) - answered.count(0)
        archivist.answer(0xB000 if failed else 0, None, **counts(0, claims or answered.count(0), failed))

    return script


def get(archive: Archive, peer: Peer, sop_class_uid: str = CT_IMAGE_STORAGE) -> RetrieveReport:
    identifiers = {"StudyInstanceUID": a_ct_slice().StudyInstanceUID}
    contexts = storage_contexts([sop_class_uid])
    actor = system_actor("test")
    return get_remote(archive, actor, peer, "STUDY", identifiers, storage_contexts=contexts)


def stored(archive: Archive) -> int:
    with archive.database.read() as tx:
        return len(tx.execute(instances.select()).all())


def test_what_a_get_brings_is_in_the_archive(start: Start, archive: Archive) -> None:
    report = get(archive, start(sending(1, 2, 3)))
    assert (report.completed, report.failed, report.status, stored(archive)) == (3, 0, 0, 3)


def test_what_we_refuse_during_a_get_is_counted_and_named(start: Start, archive: Archive) -> None:
    report = get(archive, start(sending(1, 2, 91)))
    assert (report.completed, report.failed, report.status, stored(archive)) == (2, 1, 0xB000, 2)
    assert report.failed_uids == (a_ct_slice(1).SOPInstanceUID,)


def test_a_peer_that_claims_more_than_it_sent_is_not_believed(start: Start, archive: Archive) -> None:
    report = get(archive, start(sending(1, claims=300)))
    assert (report.completed, stored(archive)) == (1, 1)


def test_our_own_test_image_is_not_kept_when_it_comes_back(start: Start, archive: Archive) -> None:
    def returning(archivist: Archivist) -> None:
        contexts = archivist.connection.association.contexts.values()
        store = next(it for it in contexts if it.abstract_syntax_uid == CHECK_SOP_CLASS_UID)
        command = CommandSet.build(
            CommandField.C_STORE_RQ,
            has_data_set=True,
            message_id=1,
            affected_sop_class_uid=CHECK_SOP_CLASS_UID,
            affected_sop_instance_uid=check_uids("FILMLESS").sop_instance_uid,
            priority=0,
        )
        data = (check_data_set("FILMLESS", store.transfer_syntax_uid),)
        archivist.connection.send_message(store.context_id, command, data)
        event = archivist.connection.next_event(10)
        assert isinstance(event, CommandReceived)
        archivist.answer(event.command.status, None, **counts(0, 1))

    assert get(archive, start(returning), CHECK_SOP_CLASS_UID).status == 0
    assert stored(archive) == 0


def test_a_peer_that_may_send_nothing_is_told_apart_before_it_is_asked(
    start: Start, archive: Archive
) -> None:
    with pytest.raises(ContextNotAccepted, match="no way to send"):
        get(archive, start(sending(1), lambda uid: SyntaxOffer(())))


def test_a_get_needs_a_peer_that_serves_it(start: Start, archive: Archive) -> None:
    with pytest.raises(ContextNotAccepted):
        get(
            archive,
            start(sending(1), lambda uid: None if "1.2.2.3" in uid or "1.2.1.3" in uid else SyntaxOffer(())),
        )


@pytest.mark.parametrize("classes", [0, 1, 2, 7, 40, 126, 300])
def test_contexts_for_a_get_fit_one_association_and_name_every_class_that_does(classes: int) -> None:
    known = [f"1.2.3.{number}" for number in range(classes)]
    contexts = storage_contexts(known)
    assert 0 < len(contexts) <= CONTEXTS_MAX
    if classes:
        assert {uid for uid, _ in contexts} == set(known[:CONTEXTS_MAX])
    for uid in {uid for uid, _ in contexts}:
        syntaxes = [syntax for one, group in contexts for syntax in group if one == uid]
        assert len(syntaxes) == len(set(syntaxes)) > 10
        assert syntaxes[0] == EXPLICIT_LE
