"""Storage commitment on real sockets: one installation asks another, and peers of all manners ask one."""

from collections.abc import Callable
from typing import Any

import pytest

from builders import CT_IMAGE_STORAGE, ROOT
from commitment_sites import PUSH_MODEL, US, Modality, Site, open_site
from filmless.edge.dimse.commitment import report_data_set
from filmless.features.archive import InstanceReference
from filmless.features.commitment import (
    AskedState,
    FailedInstance,
    ReceivedState,
    Report,
    ask_commitment,
    retry_received,
)
from filmless.features.nodes import Capability
from filmless.infra import limits
from filmless.standards.dicom.data_set import DataSet
from filmless.standards.dicom.upper_layer import RoleSelection
from held_instances import damage, hold

__all__ = ["open_site"]

UNKNOWN = InstanceReference(CT_IMAGE_STORAGE, f"{ROOT}.404")
AS_SCP = RoleSelection(PUSH_MODEL, scu=False, scp=True)
NOBODY_LISTENS = 1  # A port that is never ours.


@pytest.fixture
def us(open_site: Callable[[str], Site]) -> Site:
    return open_site("FILMLESS")


@pytest.fixture
def remote(open_site: Callable[[str], Site], us: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Another installation, that reports on associations of its own; each knows the other."""
    monkeypatch.setattr(limits, "COMMITMENT_REPORT_WAIT_SECONDS", 0)
    other = open_site("REMOTE")
    us.knows("REMOTE", other.server.port)
    other.knows("FILMLESS", us.server.port)
    return other


class TestBetweenTwoInstallations:
    def test_all_that_is_held_is_committed_on_an_association_of_the_other(
        self, us: Site, remote: Site
    ) -> None:
        references = [hold(remote.archive, number) for number in (1, 2, 3)]
        ask_commitment(us.database, US, "REMOTE", references)
        us.work()
        assert us.asked.state is AskedState.ASKED
        remote.work()
        assert remote.received.state is ReceivedState.REPORTED
        assert (us.asked.state, us.asked.reported_by) == (AskedState.COMMITTED, "REMOTE")

    def test_what_is_damaged_or_unknown_there_is_not_committed(self, us: Site, remote: Site) -> None:
        held, damaged = hold(remote.archive, 1), hold(remote.archive, 2)
        damage(remote.archive, damaged)
        ask_commitment(us.database, US, "REMOTE", [held, damaged, UNKNOWN])
        us.work()
        remote.work()
        assert (us.asked.state, us.asked.number_failed) == (AskedState.PARTLY_COMMITTED, 2)

    def test_a_report_on_the_association_of_the_question_is_heard(
        self, us: Site, open_site: Callable[[str], Site]
    ) -> None:
        other = open_site("REMOTE")
        us.knows("REMOTE", other.server.port)
        other.knows("FILMLESS", us.server.port, commits_on_same_association=True)
        ask_commitment(us.database, US, "REMOTE", [hold(other.archive)])
        us.work()
        assert (us.asked.state, other.received.state) == (AskedState.COMMITTED, ReceivedState.REPORTED)

    def test_a_node_that_is_down_is_asked_later(self, us: Site, open_site: Callable[[str], Site]) -> None:
        other = open_site("REMOTE")
        us.knows("REMOTE", other.server.port)
        other.server.stop()
        ask_commitment(us.database, US, "REMOTE", [UNKNOWN])
        us.work()
        assert (us.asked.state, us.asked.attempts) == (AskedState.WAITING_TO_ASK, 1)
        assert "cannot be reached" in (us.asked.last_error or "")

    def test_a_node_that_does_not_let_us_ask_says_so_in_the_row(
        self, us: Site, open_site: Callable[[str], Site]
    ) -> None:
        other = open_site("REMOTE")
        us.knows("REMOTE", other.server.port)
        other.knows("FILMLESS", us.server.port, capabilities=frozenset({Capability.STORE}))
        ask_commitment(us.database, US, "REMOTE", [UNKNOWN])
        us.work()
        assert us.asked.last_error == "REMOTE answered our request with status 0124."


class TestAModalityAsks:
    def test_a_registered_one_hears_on_a_new_association_and_retries_are_ours(self, us: Site) -> None:
        modality = Modality(us)
        us.knows("TESTMODALITY", NOBODY_LISTENS)
        with modality.association() as requestor:
            assert modality.ask(requestor, hold(us.archive)) == 0x0000
            us.work()
        assert (us.received.state, us.received.attempts) == (ReceivedState.WAITING_TO_REPORT, 1)
        for _ in range(limits.JOB_ATTEMPTS_MAX):
            us.work(after_seconds=2 * limits.JOB_BACK_OFF_SECONDS_MAX)
        assert us.received.state is ReceivedState.PARKED
        assert modality.heard == []

    def test_one_that_nobody_registered_hears_on_its_own_association(self, us: Site) -> None:
        modality, held = Modality(us), hold(us.archive)
        with modality.association() as requestor:
            assert modality.ask(requestor, held, UNKNOWN) == 0x0000
            assert modality.listens(requestor)
        assert modality.heard == [Report("2.25.1", (held,), (FailedInstance(UNKNOWN, 0x0112),))]
        assert us.received.state is ReceivedState.REPORTED
        us.work(after_seconds=2 * limits.COMMITMENT_FALLBACK_SECONDS)  # The jobs find nothing to do.
        assert us.received.attempts == 0

    def test_two_questions_on_one_association_are_both_answered(self, us: Site) -> None:
        modality, held = Modality(us), hold(us.archive)
        with modality.association() as requestor:
            for uid in ("2.25.1", "2.25.2"):
                assert modality.ask(requestor, held, uid=uid) == 0x0000
                assert modality.listens(requestor)
        assert [report.transaction_uid for report in modality.heard] == ["2.25.1", "2.25.2"]

    def test_one_that_leaves_before_it_hears_is_left_to_a_person_until_registered(self, us: Site) -> None:
        modality = Modality(us)
        with modality.association() as requestor:
            assert modality.ask(requestor, hold(us.archive)) == 0x0000
        us.server.stop()  # Waits for the association's thread.
        assert us.received.state in (ReceivedState.RECEIVED, ReceivedState.WAITING_TO_REPORT)
        us.work(after_seconds=2 * limits.COMMITMENT_FALLBACK_SECONDS)
        us.work(after_seconds=2 * limits.COMMITMENT_FALLBACK_SECONDS)
        assert us.received.state is ReceivedState.PARKED
        assert "Register the node" in (us.received.last_error or "")

    def test_much_is_not_verified_while_the_modality_waits(
        self, us: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "COMMITMENT_QUICK_BYTES_MAX", 1)
        modality = Modality(us)
        with modality.association() as requestor:
            assert modality.ask(requestor, hold(us.archive)) == 0x0000
            assert not modality.listens(requestor, seconds=0.1)
        assert us.received.state is ReceivedState.RECEIVED

    def test_a_report_that_it_does_not_take_is_reported_again_by_the_job(self, us: Site) -> None:
        modality = Modality(us, answers=0x0110)
        us.knows("TESTMODALITY", NOBODY_LISTENS, commits_on_same_association=True)
        with modality.association() as requestor:
            assert modality.ask(requestor, hold(us.archive)) == 0x0000
            assert modality.listens(requestor)
        assert us.received.state is ReceivedState.WAITING_TO_REPORT
        us.work(after_seconds=2 * limits.COMMITMENT_FALLBACK_SECONDS)
        assert "cannot be reached" in (us.received.last_error or "")

    def test_other_instances_under_a_known_transaction_uid_all_fail(self, us: Site) -> None:
        modality, held = Modality(us), hold(us.archive)
        with modality.association() as requestor:
            assert modality.ask(requestor, held) == 0x0000
            assert modality.listens(requestor)
            assert modality.ask(requestor, held, UNKNOWN) == 0x0000
            assert modality.listens(requestor)
        assert [failed.reason for failed in modality.heard[1].failed] == [0x0131, 0x0131]

    @pytest.mark.parametrize(
        ("status", "references", "changes"),
        [
            (0x0112, [UNKNOWN], {"requested_sop_instance_uid": "1.2.3"}),
            (0x0123, [UNKNOWN], {"action_type_id": 2}),
            (0x0115, [UNKNOWN], {"uid": ""}),
            (0x0115, [], {}),
            (0x0115, [InstanceReference(CT_IMAGE_STORAGE, "not a uid")], {}),
        ],
    )
    def test_a_wrong_question_has_its_status_and_the_association_goes_on(
        self, us: Site, status: int, references: list[InstanceReference], changes: dict[str, Any]
    ) -> None:
        modality = Modality(us)
        with modality.association() as requestor:
            assert modality.ask(requestor, *references, **changes) == status
            assert modality.ask(requestor, UNKNOWN) == 0x0000
            assert modality.listens(requestor)

    def test_success_is_not_said_of_what_could_not_be_written_down(self, us: Site) -> None:
        modality = Modality(us)
        with us.database.transaction() as tx:
            tx.fast("DROP TABLE commitments_received")
        with modality.association() as requestor:
            assert modality.ask(requestor, UNKNOWN) == 0x0110

    def test_a_node_that_may_not_ask_is_told_so(self, us: Site) -> None:
        modality = Modality(us)
        us.knows("TESTMODALITY", NOBODY_LISTENS, capabilities=frozenset({Capability.STORE}))
        with modality.association() as requestor:
            assert modality.ask(requestor, UNKNOWN) == 0x0124


class TestANodeReports:
    def event(self, uid: str, **more: Any) -> DataSet:
        return report_data_set(Report(uid, (UNKNOWN,), ()), "REMOTE")

    def test_an_unknown_transaction_is_refused(self, us: Site) -> None:
        node = Modality(us, "REMOTE")
        with node.association(AS_SCP) as requestor:
            assert node.report(requestor, self.event("2.25.404")) == 0x0115

    def test_an_event_of_no_known_type_is_refused(self, us: Site) -> None:
        node = Modality(us, "REMOTE")
        with node.association(AS_SCP) as requestor:
            assert node.report(requestor, self.event("2.25.404"), event_type_id=3) == 0x0113

    def test_a_report_after_the_fact_and_from_another_ae_title_counts(self, us: Site) -> None:
        us.knows("REMOTE", NOBODY_LISTENS)
        ask_commitment(us.database, US, "REMOTE", [UNKNOWN])
        node = Modality(us, "REMOTE_TOO")
        with node.association(AS_SCP) as requestor:
            for _ in range(2):  # It did not hear our first answer.
                assert node.report(requestor, self.event(us.asked.transaction_uid)) == 0x0000
        assert (us.asked.state, us.asked.reported_by) == (AskedState.COMMITTED, "REMOTE_TOO")


def test_a_parked_report_reaches_a_node_that_was_registered_since(
    us: Site, open_site: Callable[[str], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "COMMITMENT_QUICK_BYTES_MAX", 1)
    other = open_site("REMOTE")
    other.knows("FILMLESS", us.server.port)
    ask_commitment(other.database, US, "FILMLESS", [hold(us.archive)])
    monkeypatch.setattr(limits, "COMMITMENT_REPORT_WAIT_SECONDS", 0)
    other.work()
    us.work()
    assert us.received.state is ReceivedState.PARKED
    us.knows("REMOTE", other.server.port)
    retry_received(us.database, US, us.received.id)
    us.work()
    assert other.asked.state is AskedState.COMMITTED
