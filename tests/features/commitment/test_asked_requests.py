"""Requests that we make of other nodes: asked, answered, or seen to be overdue."""

import pytest

from builders import CT_IMAGE_STORAGE, ROOT
from filmless.features.access import Permission, node_actor, system_actor
from filmless.features.archive import Archive, InstanceReference, StudyNotFound
from filmless.features.commitment import (
    AskedState,
    CommitmentAsked,
    CommitmentNotFound,
    CommitmentRequestMalformed,
    FailedInstance,
    NothingToRetry,
    Report,
    TransactionUnknown,
    ask_commitment,
    ask_commitment_of_study,
    asking_failed,
    find_asked,
    find_received,
    get_question,
    note_asked,
    note_reported,
    receive_request,
    retry_asked,
    take_report,
    tend_commitments,
    verify_request,
)
from filmless.features.nodes import NodeNotFound
from filmless.infra import limits
from filmless.infra.database import Database
from filmless.infra.errors import NotPermitted
from frozen_clock import FrozenClock
from held_instances import NODE, hold

US = system_actor("commitment")
REMOTE = node_actor("REMOTE", "192.0.2.50")
ONE, TWO, THREE = (InstanceReference(CT_IMAGE_STORAGE, f"{ROOT}.{number}") for number in (1, 2, 3))
HOUR = 3600


def ask(database: Database) -> str:
    return ask_commitment(database, US, "REMOTE", [ONE, TWO])


def row(database: Database, request_id: str) -> CommitmentAsked:
    rows, _ = find_asked(database, US, None, 100, 0)
    return next(one for one in rows if one.id == request_id)


def report(database: Database, request_id: str, *committed: InstanceReference, failed: int = 0) -> AskedState:
    others = [one for one in (ONE, TWO) if one not in committed] if failed else []
    failures = tuple(FailedInstance(one, failed) for one in others)
    uid = row(database, request_id).transaction_uid
    return take_report(database, REMOTE, Report(uid, committed, failures))


@pytest.mark.usefixtures("remote")
class TestAskCommitment:
    def test_a_question_waits_until_it_is_asked(self, database: Database) -> None:
        request_id = ask(database)
        question = get_question(database, US, request_id)
        assert question is not None
        assert (question.node_ae_title, question.instances) == ("REMOTE", (ONE, TWO))
        assert question.transaction_uid.startswith("2.25.")
        note_asked(database, US, request_id)
        assert get_question(database, US, request_id) is None
        assert row(database, request_id).state is AskedState.ASKED

    def test_a_whole_study_is_asked_about(self, archive: Archive) -> None:
        references = [hold(archive, 1), hold(archive, 2), hold(archive, 1, series=2)]
        request_id = ask_commitment_of_study(archive, US, "REMOTE", f"{ROOT}.1")
        question = get_question(archive.database, US, request_id)
        assert question is not None
        assert set(question.instances) == set(references)
        with pytest.raises(StudyNotFound):
            ask_commitment_of_study(archive, US, "REMOTE", f"{ROOT}.404")

    def test_only_known_nodes_are_asked_and_only_about_something(self, database: Database) -> None:
        with pytest.raises(NodeNotFound):
            ask_commitment(database, US, "NOBODY", [ONE])
        with pytest.raises(CommitmentRequestMalformed):
            ask_commitment(database, US, "REMOTE", [])
        with pytest.raises(NotPermitted):
            ask_commitment(database, REMOTE, "REMOTE", [ONE])

    def test_a_node_that_is_down_is_asked_again_and_then_left_to_a_person(self, database: Database) -> None:
        request_id = ask(database)
        for _ in range(limits.JOB_ATTEMPTS_MAX):
            assert row(database, request_id).state is AskedState.WAITING_TO_ASK
            asking_failed(database, US, request_id, "It cannot be reached.")
        assert row(database, request_id).state is AskedState.PARKED
        asking_failed(database, US, request_id, "told late")
        assert row(database, request_id).last_error == "It cannot be reached."


@pytest.mark.usefixtures("remote")
class TestTakeReport:
    @pytest.mark.parametrize(
        ("committed", "failed", "state", "number_failed"),
        [
            ((ONE, TWO), 0, AskedState.COMMITTED, 0),
            ((ONE,), 0x0112, AskedState.PARTLY_COMMITTED, 1),
            ((), 0x0110, AskedState.NOT_COMMITTED, 2),
            ((ONE,), 0, AskedState.PARTLY_COMMITTED, 1),  # It says nothing of the other one.
            ((ONE, TWO, THREE), 0, AskedState.COMMITTED, 0),  # It says more than we asked.
        ],
    )
    def test_the_report_decides(
        self,
        database: Database,
        committed: tuple[InstanceReference, ...],
        failed: int,
        state: AskedState,
        number_failed: int,
    ) -> None:
        request_id = ask(database)
        note_asked(database, US, request_id)
        assert report(database, request_id, *committed, failed=failed) is state
        one = row(database, request_id)
        assert (one.state, one.number_failed, one.reported_by) == (state, number_failed, "REMOTE")

    def test_an_instance_in_both_lists_is_not_committed(self, database: Database) -> None:
        request_id = ask(database)
        uid = row(database, request_id).transaction_uid
        both = Report(uid, (ONE, TWO), (FailedInstance(TWO, 0x0110),))
        assert take_report(database, REMOTE, both) is AskedState.PARTLY_COMMITTED

    def test_a_report_may_overtake_the_answer_to_the_question(self, database: Database) -> None:
        request_id = ask(database)
        report(database, request_id, ONE, TWO)
        note_asked(database, US, request_id)
        assert row(database, request_id).state is AskedState.COMMITTED

    def test_the_first_report_counts(self, database: Database) -> None:
        request_id = ask(database)
        report(database, request_id, ONE, TWO)
        assert report(database, request_id, failed=0x0110) is AskedState.COMMITTED

    def test_a_transaction_that_we_never_began_is_unknown(self, database: Database) -> None:
        with pytest.raises(TransactionUnknown):
            take_report(database, REMOTE, Report("2.25.404", (ONE,), ()))


@pytest.mark.usefixtures("remote")
class TestOverdue:
    def test_what_nobody_answers_is_overdue_after_a_day_and_still_welcome(
        self, database: Database, clock: FrozenClock
    ) -> None:
        request_id = ask(database)
        note_asked(database, US, request_id)
        clock.advance(23 * HOUR)
        tend_commitments(database)
        assert row(database, request_id).state is AskedState.ASKED
        clock.advance(2 * HOUR)
        tend_commitments(database)
        assert row(database, request_id).state is AskedState.OVERDUE
        assert report(database, request_id, ONE, TWO) is AskedState.COMMITTED

    def test_a_retry_asks_under_a_new_transaction_uid(self, database: Database) -> None:
        request_id = ask(database)
        note_asked(database, US, request_id)
        before = row(database, request_id).transaction_uid
        report(database, request_id, ONE, failed=0x0213)
        retry_asked(database, US, request_id)
        after = row(database, request_id)
        assert (after.state, after.number_failed) == (AskedState.WAITING_TO_ASK, 0)
        assert after.transaction_uid != before
        with pytest.raises(TransactionUnknown):
            take_report(database, REMOTE, Report(before, (ONE, TWO), ()))

    def test_what_is_committed_or_under_way_is_not_retried(self, database: Database) -> None:
        request_id = ask(database)
        with pytest.raises(NothingToRetry):
            retry_asked(database, US, request_id)
        report(database, request_id, ONE, TWO)
        with pytest.raises(NothingToRetry):
            retry_asked(database, US, request_id)
        with pytest.raises(CommitmentNotFound):
            retry_asked(database, US, "nobody")


@pytest.mark.usefixtures("remote")
def test_finished_requests_are_forgotten_after_a_quarter_and_no_others(
    archive: Archive, clock: FrozenClock
) -> None:
    database = archive.database
    done, open_ = ask(database), ask(database)
    note_asked(database, US, open_)
    report(database, done, ONE, TWO)
    reported = receive_request(database, NODE, "2.25.1", [hold(archive)])
    verify_request(archive, US, reported)
    note_reported(database, US, reported)
    waiting = receive_request(database, NODE, "2.25.2", [ONE])
    clock.advance(limits.COMMITMENT_KEEP_SECONDS - HOUR)
    tend_commitments(database)
    assert (find_asked(database, US, None, 9, 0)[1], find_received(database, US, None, 9, 0)[1]) == (2, 2)
    clock.advance(2 * HOUR)
    tend_commitments(database)
    assert [one.id for one in find_asked(database, US, None, 9, 0)[0]] == [open_]
    assert [one.id for one in find_received(database, US, None, 9, 0)[0]] == [waiting]


def test_a_node_without_the_permission_cannot_report(database: Database) -> None:
    stranger = node_actor("CT1", "", frozenset({Permission.STUDIES_STORE}))
    with pytest.raises(NotPermitted):
        take_report(database, stranger, Report("2.25.1", (ONE,), ()))
