"""Requests that nodes make of us: written down, verified, reported; whatever happens in between."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from builders import CT_IMAGE_STORAGE, ROOT
from filmless.features.access import Permission, node_actor, system_actor
from filmless.features.archive import Archive, InstanceReference
from filmless.features.audit import AuditEvent, AuditFilter, find_records
from filmless.features.commitment import (
    REPORT_COMMITMENT,
    VERIFY_COMMITMENT,
    CommitmentNotFound,
    CommitmentReceived,
    CommitmentRequestMalformed,
    FailureReason,
    NothingToRetry,
    ReceivedState,
    Report,
    find_received,
    get_report,
    is_verified_quickly,
    note_reported,
    receive_request,
    reporting_failed,
    retry_received,
    verify_request,
)
from filmless.infra import limits
from filmless.infra.errors import NotPermitted, Unavailable
from filmless.infra.jobs import jobs
from filmless.infra.object_store.folder import FolderObjectStore
from frozen_clock import FrozenClock
from held_instances import NODE, damage, hold, lose

US = system_actor("commitment")
TRANSACTION = "2.25.1"
MR_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.4"
UNKNOWN = InstanceReference(CT_IMAGE_STORAGE, f"{ROOT}.404")


class SilentStore(FolderObjectStore):
    """An object store that nobody reaches."""

    def stream(self, object_id: str, offset: int = 0, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        raise Unavailable("The object store does not answer.")


def ask(archive: Archive, *references: InstanceReference, transaction_uid: str = TRANSACTION) -> str:
    return receive_request(archive.database, NODE, transaction_uid, references)


def row(archive: Archive, request_id: str) -> CommitmentReceived:
    rows, _ = find_received(archive.database, US, None, 100, 0)
    return next(one for one in rows if one.id == request_id)


def report_of(archive: Archive, request_id: str) -> Report:
    told = get_report(archive.database, US, request_id)
    assert told is not None
    assert told[0] == NODE.name
    return told[1]


def waiting_jobs(archive: Archive, kind: str) -> int:
    wanted = (jobs.c.kind == kind, jobs.c.state == "waiting")
    with archive.database.read() as tx:
        return tx.execute(sa.select(sa.func.count()).select_from(jobs).where(*wanted)).scalar_one()


class TestReceiveRequest:
    def test_a_request_is_written_down_with_the_job_that_verifies_it(self, archive: Archive) -> None:
        one = row(archive, ask(archive, UNKNOWN))
        assert (one.state, one.number_of_instances, one.number_verified) == (ReceivedState.RECEIVED, 1, 0)
        assert waiting_jobs(archive, VERIFY_COMMITMENT) == 1

    @pytest.mark.parametrize(
        ("transaction_uid", "references"),
        [
            ("", [UNKNOWN]),
            ("1.2.a", [UNKNOWN]),
            ("1." * 40 + "1", [UNKNOWN]),
            (TRANSACTION, []),
            (TRANSACTION, [InstanceReference("", UNKNOWN.sop_instance_uid)]),
            (TRANSACTION, [InstanceReference(CT_IMAGE_STORAGE, "../../etc/passwd")]),
        ],
    )
    def test_what_is_no_request_is_refused(
        self, archive: Archive, transaction_uid: str, references: Sequence[InstanceReference]
    ) -> None:
        with pytest.raises(CommitmentRequestMalformed):
            receive_request(archive.database, NODE, transaction_uid, references)
        assert find_received(archive.database, US, None, 10, 0) == ([], 0)

    def test_too_many_instances_are_refused(self, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "COMMITMENT_INSTANCES_MAX", 2)
        many = [InstanceReference(CT_IMAGE_STORAGE, f"{ROOT}.{number}") for number in range(3)]
        with pytest.raises(CommitmentRequestMalformed, match="more than 2"):
            ask(archive, *many)

    def test_an_instance_named_twice_counts_once(self, archive: Archive) -> None:
        assert row(archive, ask(archive, UNKNOWN, UNKNOWN)).number_of_instances == 1

    def test_a_node_that_may_not_ask_is_refused(self, archive: Archive) -> None:
        stranger = node_actor("CT1", "", frozenset({Permission.STUDIES_STORE}))
        with pytest.raises(NotPermitted):
            receive_request(archive.database, stranger, TRANSACTION, [UNKNOWN])

    def test_request_and_verdict_are_on_record(self, archive: Archive) -> None:
        verify_request(archive, US, ask(archive, hold(archive), UNKNOWN))
        found, _ = find_records(archive.database, US, AuditFilter(event=AuditEvent.INSTANCES_ACCESSED), 10, 0)
        commitments = [one for one in found if one.details.get("what") == "storage commitment"]
        assert [(one.action, one.details.get("failed")) for one in commitments] == [("R", 1), ("E", None)]


class TestTheSameTransactionAgain:
    def test_the_same_request_is_looked_at_again(self, archive: Archive) -> None:
        one, two = hold(archive, 1), hold(archive, 2)
        first = ask(archive, one, two)
        verify_request(archive, US, first)
        note_reported(archive.database, US, first)
        lose(archive, two)
        assert ask(archive, two, one) == first
        assert verify_request(archive, US, first)
        assert [failed.reference for failed in report_of(archive, first).failed] == [two]

    def test_other_instances_under_a_transaction_uid_in_use_fail_as_a_whole(self, archive: Archive) -> None:
        one, two = hold(archive, 1), hold(archive, 2)
        first, second = ask(archive, one), ask(archive, one, two)
        report = report_of(archive, second)
        assert first != second
        assert report.committed == ()
        assert {failed.reason for failed in report.failed} == {FailureReason.DUPLICATE_TRANSACTION_UID}
        assert waiting_jobs(archive, REPORT_COMMITMENT) == 1
        assert row(archive, first).state is ReceivedState.RECEIVED

    def test_another_node_may_have_the_same_transaction_uid(self, archive: Archive) -> None:
        other = node_actor("CT2", "")
        first = ask(archive, UNKNOWN)
        second = receive_request(archive.database, other, TRANSACTION, [hold(archive)])
        assert first != second
        assert row(archive, second).state is ReceivedState.RECEIVED


class TestVerifyRequest:
    def test_what_is_held_whole_is_committed_and_the_rest_fails_with_its_reason(
        self, archive: Archive
    ) -> None:
        held, damaged, lost, other = (hold(archive, number) for number in range(1, 5))
        undecided = hold(archive, 5, PatientID="TEST-2", PatientBirthDate="19991231")
        of_another_class = InstanceReference(MR_IMAGE_STORAGE, other.sop_instance_uid)
        damage(archive, damaged)
        lose(archive, lost)
        request_id = ask(archive, held, damaged, lost, of_another_class, undecided, UNKNOWN)
        assert verify_request(archive, US, request_id)
        report = report_of(archive, request_id)
        assert report.transaction_uid == TRANSACTION
        assert report.committed == (held,)
        assert {failed.reference: failed.reason for failed in report.failed} == {
            damaged: 0x0110,
            lost: 0x0112,
            of_another_class: 0x0119,
            undecided: 0x0110,
            UNKNOWN: 0x0112,
        }
        one = row(archive, request_id)
        assert (one.state, one.number_verified, one.number_failed) == (
            ReceivedState.WAITING_TO_REPORT,
            6,
            5,
        )
        assert waiting_jobs(archive, REPORT_COMMITMENT) == 1

    def test_much_is_read_in_slices_with_other_work_in_between(
        self, archive: Archive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "COMMITMENT_SLICE_BYTES", 1)
        references = [hold(archive, 1), UNKNOWN, hold(archive, 2)]
        request_id = ask(archive, *references)
        assert not verify_request(archive, US, request_id)
        assert row(archive, request_id).number_verified == 1
        assert get_report(archive.database, US, request_id) is None
        assert verify_request(archive, US, request_id)
        assert len(report_of(archive, request_id).committed) == 2

    def test_a_store_that_does_not_answer_says_nothing_about_the_instance(
        self, archive: Archive, tmp_path: Path
    ) -> None:
        request_id = ask(archive, hold(archive))
        silent = Archive(archive.database, SilentStore(tmp_path / "objects"))
        assert not verify_request(silent, US, request_id)
        silent.close()
        one = row(archive, request_id)
        assert (one.state, one.attempts, one.number_failed) == (ReceivedState.VERIFYING, 1, 0)
        assert verify_request(archive, US, request_id)
        assert report_of(archive, request_id).failed == ()

    def test_a_request_that_has_moved_on_is_left_alone(self, archive: Archive) -> None:
        request_id = ask(archive, hold(archive))
        assert verify_request(archive, US, request_id)
        assert not verify_request(archive, US, request_id)
        assert not verify_request(archive, US, "nobody")

    def test_only_little_is_quick(self, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
        references = [hold(archive, 1), hold(archive, 2)]
        assert is_verified_quickly(archive, NODE, references)
        monkeypatch.setattr(limits, "COMMITMENT_QUICK_BYTES_MAX", 1500)
        assert not is_verified_quickly(archive, NODE, references)
        monkeypatch.setattr(limits, "COMMITMENT_QUICK_INSTANCES_MAX", 1)
        assert not is_verified_quickly(archive, NODE, references)


class TestReport:
    def test_a_report_that_was_taken_is_told_no_more(self, archive: Archive) -> None:
        request_id = ask(archive, hold(archive))
        verify_request(archive, US, request_id)
        note_reported(archive.database, US, request_id)
        assert row(archive, request_id).state is ReceivedState.REPORTED
        assert get_report(archive.database, US, request_id) is None

    def test_a_node_that_is_down_is_tried_again_and_then_left_to_a_person(
        self, archive: Archive, clock: FrozenClock
    ) -> None:
        request_id = ask(archive, hold(archive))
        verify_request(archive, US, request_id)
        for attempt in range(1, limits.JOB_ATTEMPTS_MAX + 1):
            assert row(archive, request_id).state is ReceivedState.WAITING_TO_REPORT
            reporting_failed(archive.database, US, request_id, "It cannot be reached.")
            assert row(archive, request_id).attempts == attempt
        one = row(archive, request_id)
        assert (one.state, one.last_error) == (ReceivedState.PARKED, "It cannot be reached.")
        parked, total = find_received(archive.database, US, ReceivedState.PARKED, 10, 0)
        assert ([it.id for it in parked], total) == ([request_id], 1)

    def test_a_parked_request_is_verified_anew_when_a_person_says_so(self, archive: Archive) -> None:
        one = hold(archive)
        request_id = ask(archive, one)
        verify_request(archive, US, request_id)
        reporting_failed(archive.database, US, request_id, "Nobody knows this node.", give_up=True)
        lose(archive, one)
        retry_received(archive.database, US, request_id)
        verify_request(archive, US, request_id)
        assert [failed.reason for failed in report_of(archive, request_id).failed] == [0x0112]

    def test_what_is_not_parked_cannot_be_retried(self, archive: Archive) -> None:
        with pytest.raises(NothingToRetry):
            retry_received(archive.database, US, ask(archive, UNKNOWN))
        with pytest.raises(CommitmentNotFound):
            retry_received(archive.database, US, "nobody")

    def test_a_failure_told_late_changes_nothing(self, archive: Archive) -> None:
        request_id = ask(archive, hold(archive))
        verify_request(archive, US, request_id)
        note_reported(archive.database, US, request_id)
        reporting_failed(archive.database, US, request_id, "too late")
        assert row(archive, request_id).last_error is None
