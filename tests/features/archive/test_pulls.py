"""Fetching from other archives: who may, what is recorded, and every step that a pull can take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
import sqlalchemy as sa

from filmless.features import archive as archives
from filmless.features.access import Actor, Permission, Role, system_actor, user_actor
from filmless.features.archive import (
    Archive,
    NewPull,
    Pull,
    PullCounts,
    PullEvent,
    PullHasEnded,
    PullMethod,
    PullNotFound,
    PullState,
    RemoteSearch,
    pull_repository,
)
from filmless.features.archive.pull_model import ENDED, TRANSITIONS
from filmless.features.archive.pull_tables import remote_pulls
from filmless.features.audit import AuditEvent
from filmless.features.audit.tables import audit_records
from filmless.features.nodes import NewNode, NodeInactive, NodeNotFound, add_node
from filmless.infra import jobs, limits
from filmless.infra.database import Database
from filmless.infra.errors import FilmlessError, Invalid, NotPermitted
from filmless.infra.object_store.folder import FolderObjectStore
from frozen_clock import FrozenClock
from made_instances import made_instance, store

ANNA = user_actor("anna", Role.RADIOLOGIST, "192.0.2.7")
WANTED = NewPull("OLDPACS", "1.2.3.1")


@pytest.fixture
def archive(database: Database, object_store: FolderObjectStore) -> Archive:
    add_node(database, system_actor("test"), NewNode("OLDPACS", "192.0.2.1", 104))
    add_node(database, system_actor("test"), NewNode("RETIRED", "192.0.2.2", 104, is_active=False))
    return Archive(database, object_store)


def records(archive: Archive) -> list[tuple[str, str, str | None]]:
    with archive.database.read() as tx:
        columns = audit_records.c
        return [
            (row.event, row.actor, row.study_instance_uid)
            for row in tx.execute(
                sa.select(audit_records).where(columns.actor != "test").order_by(columns.id)
            )
        ]


def test_a_pull_is_asked_for_recorded_and_waits_for_the_worker(archive: Archive) -> None:
    pull = archives.ask_pull(archive, ANNA, NewPull("OLDPACS", "1.2.3.1", ("1.2.3.1.1", "1.2.3.1.2")))
    assert (pull.state, pull.asked_by, pull.attempts) == (PullState.WAITING, "anna", 0)
    assert pull.series_instance_uids == ("1.2.3.1.1", "1.2.3.1.2")
    assert records(archive) == [(AuditEvent.BEGIN_TRANSFERRING_INSTANCES, "anna", "1.2.3.1")]
    (job,) = jobs.find_jobs(archive.database)
    assert (job.kind, job.payload) == (archives.PULL_STUDY, {"pull_id": pull.id})
    assert archives.list_pulls(archive, ANNA, 10) == [pull]


def test_asking_twice_for_what_is_under_way_gives_the_same(archive: Archive) -> None:
    first = archives.ask_pull(archive, ANNA, WANTED)
    assert archives.ask_pull(archive, ANNA, WANTED) == first
    archives.stop_pull(archive, ANNA, first.id)
    assert archives.ask_pull(archive, ANNA, WANTED).id != first.id


REFUSED = [
    (NewPull("NOBODY", "1.2.3"), NodeNotFound),
    (NewPull("RETIRED", "1.2.3"), NodeInactive),
    (NewPull("OLDPACS", ""), Invalid),
    (NewPull("OLDPACS", "1.2.3/../4"), Invalid),
    (NewPull("OLDPACS", "1.2.3", ("x",)), Invalid),
    (NewPull("OLDPACS", "1.2.3", ("1.2",) * (limits.PULL_SERIES_MAX + 1)), Invalid),
]


@pytest.mark.parametrize(("wanted", "error"), REFUSED)
def test_what_cannot_be_fetched_is_refused_and_leaves_nothing(
    archive: Archive, wanted: NewPull, error: type[FilmlessError]
) -> None:
    with pytest.raises(error):
        archives.ask_pull(archive, ANNA, wanted)
    assert records(archive) == []
    assert jobs.find_jobs(archive.database) == []


VERBS: list[tuple[Permission, Callable[[Archive, Actor], object]]] = [
    (Permission.REMOTE_QUERY, lambda it, who: archives.ask_pull(it, who, WANTED)),
    (Permission.STUDIES_STORE, lambda it, who: archives.ask_pull(it, who, WANTED)),
    (Permission.REMOTE_QUERY, lambda it, who: archives.list_pulls(it, who, 1)),
    (Permission.REMOTE_QUERY, lambda it, who: archives.get_pull(it, who, "x")),
    (Permission.REMOTE_QUERY, lambda it, who: archives.stop_pull(it, who, "x")),
    (Permission.REMOTE_QUERY, lambda it, who: archives.begin_remote_query(it, who, "OLDPACS", "STUDY", {})),
    (Permission.REMOTE_QUERY, lambda it, who: archives.count_held_instances(it, who, ["1.2"])),
    (
        Permission.NODES_MANAGE,
        lambda it, who: archives.begin_connection_check(it, who, "OLDPACS", may_store=False),
    ),
]


@pytest.mark.parametrize(("permission", "verb"), VERBS)
def test_each_verb_needs_its_permission(
    archive: Archive, permission: Permission, verb: Callable[[Archive, Actor], object]
) -> None:
    nearly = Actor(ANNA.kind, "nearly", "", frozenset(Permission) - {permission})
    with pytest.raises(NotPermitted, match=permission.value):
        verb(archive, nearly)
    assert records(archive) == []


def test_a_remote_query_is_recorded_with_the_node_that_is_asked(archive: Archive) -> None:
    node = archives.begin_remote_query(archive, ANNA, "OLDPACS", "STUDY", {"PatientID": "P1"})
    assert (node.ae_title, node.host) == ("OLDPACS", "192.0.2.1")
    with archive.database.read() as tx:
        (row,) = tx.execute(sa.select(audit_records).where(audit_records.c.actor == "anna"))
    assert (row.event, row.action) == (AuditEvent.QUERY, "E")
    assert '"ae_title":"OLDPACS"' in row.details
    assert "PatientID" in row.details


def test_what_is_here_already_is_counted(archive: Archive) -> None:
    store(archive, made_instance(1), made_instance(2), made_instance(1, study=2))
    held = archives.count_held_instances(archive, ANNA, ["1.2.3.1", "1.2.3.2", "1.2.3.9"])
    assert held == {"1.2.3.1": 2, "1.2.3.2": 1}


# --- The states ------------------------------------------------------------------------------------------

WAY_TO = {
    PullState.WAITING: (),
    PullState.RUNNING: (PullEvent.BEGIN,),
    PullState.DONE: (PullEvent.BEGIN, PullEvent.SUCCEED),
    PullState.FAILED: (PullEvent.BEGIN, PullEvent.GIVE_UP),
    PullState.STOPPED: (PullEvent.STOP,),
}


def a_pull_that_is(archive: Archive, state: PullState) -> Pull:
    pull = archives.ask_pull(archive, ANNA, WANTED)
    for event in WAY_TO[state]:
        with archive.database.transaction() as tx:
            assert pull_repository.apply(tx, pull.id, event)
    return archives.get_pull(archive, ANNA, pull.id)


@pytest.mark.parametrize("event", PullEvent)
@pytest.mark.parametrize("state", PullState)
def test_every_event_in_every_state(archive: Archive, state: PullState, event: PullEvent) -> None:
    pull = a_pull_that_is(archive, state)
    assert pull.state is state
    with archive.database.transaction() as tx:
        happened = pull_repository.apply(tx, pull.id, event, "why")
    after = archives.get_pull(archive, ANNA, pull.id)
    expected = TRANSITIONS.get((state, event))
    assert happened == (expected is not None)
    assert after.state is (expected or state)
    assert (after.ended_at is not None) == (after.state in ENDED)
    assert after.attempts == pull.attempts + (happened and event is PullEvent.BEGIN)


def test_a_pull_that_was_stopped_takes_no_more_notes_and_keeps_its_state(archive: Archive) -> None:
    pull = a_pull_that_is(archive, PullState.RUNNING)
    assert archives.note_pull_progress(archive, pull.id, PullCounts(3, 0, 7))
    archives.stop_pull(archive, ANNA, pull.id)
    assert not archives.note_pull_progress(archive, pull.id, PullCounts(4, 0, 6))
    archives.end_pull_attempt(archive, pull.id, PullEvent.SUCCEED, PullCounts(10, 0, 0))
    after = archives.get_pull(archive, ANNA, pull.id)
    assert (after.state, after.counts) == (PullState.STOPPED, PullCounts(3, 0, 7))
    with pytest.raises(PullHasEnded):
        archives.stop_pull(archive, ANNA, pull.id)


def test_what_has_ended_is_not_begun_again(archive: Archive) -> None:
    for state in ENDED:
        pull = a_pull_that_is(archive, state)
        assert archives.begin_pull(archive, pull.id) is None
    assert archives.begin_pull(archive, "unknown") is None


def test_ended_pulls_are_forgotten_after_a_month(archive: Archive, clock: FrozenClock) -> None:
    old = a_pull_that_is(archive, PullState.DONE)
    clock.advance(limits.PULL_KEEP_SECONDS + 1)
    archives.ask_pull(archive, ANNA, NewPull("OLDPACS", "1.2.3.2", method=PullMethod.MOVE))
    with pytest.raises(PullNotFound):
        archives.get_pull(archive, ANNA, old.id)
    with archive.database.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(remote_pulls)).scalar_one() == 1


# --- What a person may look for --------------------------------------------------------------------------

SEARCHES = [
    (RemoteSearch(patient_name="Müller"), {"PatientName": "Müller*"}),
    (RemoteSearch(patient_name="*ler^E?"), {"PatientName": "*ler^E?"}),
    (RemoteSearch(patient_id=" 4711 "), {"PatientID": "4711"}),
    (RemoteSearch(study_date_from=date(2026, 1, 1)), {"StudyDate": "20260101-"}),
    (RemoteSearch(study_date_to=date(2026, 1, 31)), {"StudyDate": "-20260131"}),
    (
        RemoteSearch(
            study_date_from=date(2026, 1, 1), study_date_to=date(2026, 1, 31), modalities=("CT", "MR")
        ),
        {"StudyDate": "20260101-20260131", "ModalitiesInStudy": "CT\\MR"},
    ),
    (RemoteSearch(accession_number="A1"), {"AccessionNumber": "A1"}),
]


@pytest.mark.parametrize(("search", "keys"), SEARCHES)
def test_a_search_becomes_keys(search: RemoteSearch, keys: dict[str, str]) -> None:
    assert search.matching() == keys


@pytest.mark.parametrize(
    "search",
    [
        RemoteSearch(),
        RemoteSearch(patient_name="  "),
        RemoteSearch(patient_id="x" * 300),
        RemoteSearch(patient_id="a\x00b"),
    ],
)
def test_a_search_for_everything_or_nonsense_is_refused(search: RemoteSearch) -> None:
    with pytest.raises(Invalid):
        search.matching()
