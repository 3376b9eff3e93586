"""Telling subscribers which studies can be retrieved: once they are quiet, and again when they grew."""

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from builders import ROOT
from filmless.features.access import Permission, node_actor, system_actor
from filmless.features.archive import Archive, InstanceReference
from filmless.features.commitment import (
    ANNOUNCE_AVAILABILITY,
    TELL_AVAILABILITY,
    AvailabilityNotice,
    CommitmentNotFound,
    NothingToRetry,
    NoticeState,
    SubscriberNotFound,
    announce_availability,
    announce_availability_soon,
    find_notices,
    get_notice,
    list_subscribers,
    note_told,
    retry_notice,
    subscribe_to_availability,
    telling_failed,
    tend_commitments,
    unsubscribe_from_availability,
)
from filmless.features.nodes import NodeNotFound
from filmless.infra import limits
from filmless.infra.database import Database
from filmless.infra.errors import NotPermitted
from filmless.infra.worker import Worker
from frozen_clock import FrozenClock
from held_instances import hold

US = system_actor("availability")
STUDY = f"{ROOT}.1"
MPPS = "1.2.840.10008.3.1.2.3.3"


class Department:
    """An archive, its worker, and what it told of studies."""

    def __init__(self, archive: Archive, clock: FrozenClock) -> None:
        self.told: list[AvailabilityNotice] = []
        self.archive = archive
        self.clock = clock
        self.worker = Worker(
            archive.database,
            {
                ANNOUNCE_AVAILABILITY: lambda payload: announce_availability(
                    archive, US, payload["study_instance_uid"]
                ),
                TELL_AVAILABILITY: lambda payload: self.tell(payload["notice_id"]),
            },
            {"SeriesGrew": (announce_availability_soon,)},
        )

    def tell(self, notice_id: str) -> None:
        notice = get_notice(self.archive, US, notice_id)
        if notice is not None:
            self.told.append(notice)
            note_told(self.archive.database, US, notice)

    def after(self, seconds: float) -> list[int]:
        """Numbers of instances in the notices of a while."""
        self.worker.run_pending()
        self.clock.advance(seconds)
        self.worker.run_pending()
        numbers = [sum(len(one.instances) for one in notice.series_list) for notice in self.told]
        self.told.clear()
        return numbers


@pytest.fixture
def department(archive: Archive, clock: FrozenClock, remote: str) -> Department:
    subscribe_to_availability(archive.database, US, remote)
    return Department(archive, clock)


def test_a_quiet_study_is_told_once(department: Department) -> None:
    for number in (1, 2, 3):
        hold(department.archive, number)
    assert department.after(limits.STUDY_QUIET_SECONDS - 1) == []
    assert department.after(2) == [3]
    assert department.after(3600) == []


def test_a_study_that_goes_on_growing_is_waited_for(department: Department) -> None:
    for number in range(1, 6):
        hold(department.archive, number)
        assert department.after(limits.STUDY_QUIET_SECONDS / 2) == []
    assert department.after(limits.STUDY_QUIET_SECONDS) + department.after(60) == [5]


def test_a_study_that_grew_later_is_told_again_with_all_of_it(department: Department) -> None:
    hold(department.archive, 1)
    assert department.after(61) == [1]
    hold(department.archive, 1, series=2)
    assert department.after(61) == [2]


def test_the_job_that_runs_twice_tells_once(department: Department) -> None:
    hold(department.archive, 1)
    assert department.after(61) == [1]
    announce_availability(department.archive, US, STUDY)
    announce_availability(department.archive, US, f"{ROOT}.404")
    assert department.after(0) == []


def test_a_notice_names_series_instances_and_the_steps_that_the_images_name(department: Department) -> None:
    step = Dataset()
    step.ReferencedSOPClassUID, step.ReferencedSOPInstanceUID = MPPS, "2.25.7"
    first = hold(department.archive, 1, ReferencedPerformedProcedureStepSequence=Sequence([step]))
    second = hold(department.archive, 1, series=2, ReferencedPerformedProcedureStepSequence=Sequence([step]))
    department.worker.run_pending()
    department.clock.advance(61)
    department.worker.run_pending()
    [notice] = department.told
    assert (notice.ae_title, notice.study_instance_uid) == ("REMOTE", STUDY)
    assert notice.performed_steps == (InstanceReference(MPPS, "2.25.7"),)
    assert [(one.series_instance_uid, one.instances) for one in notice.series_list] == [
        (f"{STUDY}.1", (first,)),
        (f"{STUDY}.2", (second,)),
    ]


def test_without_subscribers_nothing_is_asked_of_the_worker(
    department: Department, archive: Archive, remote: str
) -> None:
    unsubscribe_from_availability(archive.database, US, remote)
    hold(archive, 1)
    assert department.after(61) == []
    assert find_notices(archive.database, US, None, 10, 0) == ([], 0)


def a_notice(department: Department) -> str:
    """A notice that waits to be told."""
    hold(department.archive, 1)
    department.clock.advance(61)
    announce_availability(department.archive, US, STUDY)
    [notice], _ = find_notices(department.archive.database, US, NoticeState.WAITING, 10, 0)
    return notice.id


def test_a_subscriber_that_is_down_is_left_to_a_person_in_the_end(
    department: Department, database: Database
) -> None:
    notice_id = a_notice(department)
    for _ in range(limits.JOB_ATTEMPTS_MAX):
        telling_failed(database, US, notice_id, "It cannot be reached.")
    [notice], _ = find_notices(database, US, NoticeState.PARKED, 10, 0)
    assert notice.last_error == "It cannot be reached."
    assert get_notice(department.archive, US, notice_id) is None
    retry_notice(database, US, notice_id)
    assert get_notice(department.archive, US, notice_id) is not None
    with pytest.raises(NothingToRetry):
        retry_notice(database, US, notice_id)
    with pytest.raises(CommitmentNotFound):
        retry_notice(database, US, "nobody")


def test_told_notices_are_forgotten_after_a_quarter(department: Department, database: Database) -> None:
    hold(department.archive, 1)
    assert department.after(61) == [1]
    department.clock.advance(limits.COMMITMENT_KEEP_SECONDS + 1)
    tend_commitments(database)
    assert find_notices(database, US, None, 10, 0) == ([], 0)


def test_subscribers_are_known_nodes_and_each_is_one(database: Database, remote: str) -> None:
    for _ in range(2):
        subscribe_to_availability(database, US, remote)
    assert [one.ae_title for one in list_subscribers(database, US)] == ["REMOTE"]
    with pytest.raises(NodeNotFound):
        subscribe_to_availability(database, US, "NOBODY")
    unsubscribe_from_availability(database, US, remote)
    with pytest.raises(SubscriberNotFound):
        unsubscribe_from_availability(database, US, remote)
    with pytest.raises(NotPermitted):
        subscribe_to_availability(database, node_actor("CT1", "", frozenset(Permission)), remote)
