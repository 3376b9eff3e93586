"""The queue: who may do what, pausing, priorities, leases, and what is written down on the way."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from filmless.features.access import Actor, ActorKind, Permission, system_actor
from filmless.features.archive import Archive
from filmless.features.audit import AuditEvent, AuditFilter, find_records
from filmless.features.nodes import NodeNotFound
from filmless.features.routing import (
    Attempt,
    Claimed,
    Ending,
    NothingToSend,
    SendRequest,
    State,
    TimeWindow,
    TransitionRefused,
    Transmission,
    TransmissionFilter,
    TransmissionNotFound,
    TransmissionPriority,
    cancel_transmission,
    change_priority,
    claim_transmission,
    end_attempt,
    find_transmissions,
    get_overview,
    get_transmission,
    instances_to_send,
    list_refused,
    pause_queue,
    record_progress,
    resume_queue,
    retry_parked,
    retry_transmission,
    route_study,
    send_study,
    trim_transmissions,
    wake_transmissions,
)
from filmless.features.routing.transmissions import GIVE_UP_AFTER, KEEP_ENDED_FOR, LEASE_SECONDS
from filmless.infra.errors import Invalid, NotPermitted
from filmless.infra.jobs import JobRow, find_jobs
from frozen_clock import FrozenClock

ME = system_actor("test")
VIENNA = ZoneInfo("Europe/Vienna")
STUDY = "1.2.3.1"
URGENT, NORMAL, LOW = TransmissionPriority

Receive = Callable[..., None]


def a_person(name: str, *permissions: Permission) -> Actor:
    return Actor(ActorKind.USER, name, "192.0.2.1", frozenset(permissions))


def send(archive: Archive, *destinations: str, actor: Actor = ME, **said: Any) -> list[Transmission]:
    return send_study(archive.database, actor, SendRequest(STUDY, destinations, **said))


def claim(archive: Archive, destination: str = "PACS2") -> Claimed | None:
    return claim_transmission(archive.database, ME, destination, VIENNA)


def claimed(archive: Archive, destination: str = "PACS2") -> Claimed:
    found = claim(archive, destination)
    assert found is not None
    return found


def state_of(archive: Archive, transmission: Transmission | Claimed) -> State:
    return get_transmission(archive.database, ME, transmission.id).state


def end(archive: Archive, taken: Claimed, ending: Ending, *left: int, refused: tuple[int, ...] = ()) -> State:
    state = end_attempt(archive.database, ME, taken, Attempt(ending, left, refused, "because"))
    assert state is not None
    return state


def due_jobs(archive: Archive) -> list[JobRow]:
    now = archive.database.clock.now()
    return [job for job in find_jobs(archive.database, "waiting") if job.run_at <= now]


def test_a_study_is_queued_for_each_node(archive: Archive, receive: Receive) -> None:
    receive(3)
    rows = send(archive, "PACS2", "VIEWER", "PACS2", priority=URGENT)
    assert [(row.destination, row.instances, row.asked_by) for row in rows] == [
        ("PACS2", 3, "test"),
        ("VIEWER", 3, "test"),
    ]
    assert [row.patient_id for row in rows] == ["P1", "P1"]


def test_series_of_a_study_are_queued(archive: Archive, receive: Receive) -> None:
    receive(3)
    receive(2, series=2)
    (row,) = send(archive, "PACS2", series_instance_uids=(f"{STUDY}.2",))
    assert (row.instances, row.series_instance_uids) == (2, (f"{STUDY}.2",))


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (SendRequest("9.9", ("PACS2",)), NothingToSend),
        (SendRequest(STUDY, ("PACS2",), ("9.9",)), NothingToSend),
        (SendRequest(STUDY, ("NOBODY",)), NodeNotFound),
        (SendRequest(STUDY, ()), Invalid),
        (SendRequest(STUDY, ("PACS2",), project="T", request_commitment=True), Invalid),
    ],
)
def test_what_cannot_be_sent_is_refused(
    archive: Archive, receive: Receive, request_: SendRequest, error: type[Exception]
) -> None:
    receive(1)
    with pytest.raises(error):
        send_study(archive.database, ME, request_)


def test_one_at_a_time_goes_to_a_node_urgent_ones_first(archive: Archive, receive: Receive) -> None:
    receive(1)
    (normal,), (low,), (urgent,) = (
        send(archive, "PACS2", priority=priority) for priority in (NORMAL, LOW, URGENT)
    )
    order = []
    for _ in range(3):
        taken = claimed(archive)
        assert claim(archive) is None
        order.append(taken.id)
        assert end(archive, taken, Ending.COMPLETE) is State.DONE
    assert order == [urgent.id, normal.id, low.id]
    assert claim(archive) is None


def test_of_many_workers_one_gets_it(archive: Archive, receive: Receive) -> None:
    receive(1)
    for _ in range(3):
        send(archive, "PACS2")
    end(archive, claimed(archive), Ending.COMPLETE)  # The destination is known from now on.
    with ThreadPoolExecutor(6) as workers:
        found = list(workers.map(lambda _: claim(archive), range(6)))
    assert len([one for one in found if one is not None]) == 1


def test_something_urgent_takes_the_place_of_what_is_not(archive: Archive, receive: Receive) -> None:
    receive(2)
    send(archive, "PACS2")
    taken = claimed(archive)
    assert record_progress(archive.database, ME, taken, taken.remaining, ())
    (urgent,) = send(archive, "PACS2", priority=URGENT)
    assert not record_progress(archive.database, ME, taken, taken.remaining, ())
    assert end(archive, taken, Ending.INTERRUPTED, *taken.remaining) is State.WAITING
    assert claimed(archive).id == urgent.id


def test_only_what_was_not_acknowledged_is_left_after_a_crash(
    archive: Archive, receive: Receive, clock: FrozenClock
) -> None:
    receive(5)
    send(archive, "PACS2")
    first = claimed(archive)
    assert record_progress(archive.database, ME, first, first.remaining[3:], first.remaining[2:3])
    clock.advance(LEASE_SECONDS - 1)
    assert claim(archive) is None
    clock.advance(1)  # Its worker was never heard of again.
    second = claimed(archive)
    assert (second.id, second.attempts) == (first.id, 2)
    assert second.remaining == first.remaining[3:]
    assert second.refused == first.remaining[2:3]
    assert end_attempt(archive.database, ME, first, Attempt(Ending.COMPLETE, ())) is None
    assert end(archive, second, Ending.COMPLETE) is State.DONE
    row = get_transmission(archive.database, ME, first.id)
    assert (row.instances_sent, row.instances_refused) == (5, 0)


def test_a_worker_that_starts_looks_after_what_is_unfinished(
    archive: Archive, receive: Receive, clock: FrozenClock
) -> None:
    receive(1)
    send(archive, "PACS2")
    taken = claimed(archive)
    with archive.database.transaction() as tx:
        wake_transmissions(tx)
    runs = {job.run_at for job in find_jobs(archive.database, "waiting") if job.kind == "transmit"}
    assert clock.now() + timedelta(seconds=LEASE_SECONDS) in runs
    assert state_of(archive, taken) is State.SENDING


def test_a_node_that_is_down_rests_longer_each_time_and_is_forgiven(
    archive: Archive, receive: Receive, clock: FrozenClock
) -> None:
    receive(1)
    send(archive, "PACS2")
    send(archive, "PACS2")
    for pause in (15, 60, 240, 900, 900):
        taken = claimed(archive)
        assert end(archive, taken, Ending.UNREACHABLE, *taken.remaining) is State.WAITING
        assert claim(archive) is None  # The second one need not find out for itself.
        clock.advance(pause - 1)
        assert claim(archive) is None
        clock.advance(1)
        assert due_jobs(archive)
    assert end(archive, claimed(archive), Ending.COMPLETE) is State.DONE
    (rest,) = get_overview(archive.database, ME).destinations
    assert rest.failures == 0
    assert claim(archive) is not None


def test_after_a_week_it_is_left_to_a_person(archive: Archive, receive: Receive, clock: FrozenClock) -> None:
    receive(1)
    send(archive, "PACS2")
    clock.advance(GIVE_UP_AFTER.total_seconds())
    taken = claimed(archive)
    assert end(archive, taken, Ending.UNREACHABLE, *taken.remaining) is State.PARKED
    assert get_transmission(archive.database, ME, taken.id).last_error == "because"


def test_what_was_refused_for_good_is_tried_when_a_person_says_so(archive: Archive, receive: Receive) -> None:
    receive(3)
    send(archive, "PACS2")
    taken = claimed(archive)
    assert end(archive, taken, Ending.COMPLETE, refused=taken.remaining[:1]) is State.PARKED
    row = get_transmission(archive.database, ME, taken.id)
    assert (row.instances_sent, row.instances_refused) == (2, 1)
    listed, number = list_refused(archive.database, ME, row.id, 10)
    assert ([one.ref for one in listed], number) == ([*taken.remaining[:1]], 1)
    assert retry_parked(archive.database, ME, "VIEWER") == 0
    assert retry_parked(archive.database, ME) == 1
    assert claimed(archive).remaining == taken.remaining[:1]


def test_a_paused_node_gets_nothing_until_it_is_resumed(archive: Archive, receive: Receive) -> None:
    receive(2)
    (under_way,) = send(archive, "PACS2")
    taken = claimed(archive)
    (waiting,) = send(archive, "PACS2")
    (other,) = send(archive, "VIEWER")
    pause_queue(archive.database, ME, "PACS2")
    (fresh,) = send(archive, "PACS2")
    assert [state_of(archive, row) for row in (under_way, waiting, fresh)] == [State.HELD] * 3
    assert state_of(archive, other) is State.WAITING
    assert not record_progress(archive.database, ME, taken, taken.remaining[1:], ())
    resume_queue(archive.database, ME, "PACS2")
    assert claim(archive) is None  # The worker of the first has not let go yet.
    assert end(archive, taken, Ending.INTERRUPTED, *taken.remaining[1:]) is State.WAITING
    again = claimed(archive)
    assert (again.id, again.remaining) == (under_way.id, taken.remaining[1:])


def test_the_whole_queue_stands_still_and_one_node_stays_paused(archive: Archive, receive: Receive) -> None:
    receive(1)
    rows = send(archive, "PACS2", "VIEWER")
    pause_queue(archive.database, ME)
    pause_queue(archive.database, ME, "PACS2")
    assert get_overview(archive.database, ME).is_paused
    resume_queue(archive.database, ME, "PACS2")
    assert [state_of(archive, row) for row in rows] == [State.HELD, State.HELD]
    pause_queue(archive.database, ME, "PACS2")
    resume_queue(archive.database, ME)
    assert [state_of(archive, row) for row in rows] == [State.HELD, State.WAITING]
    with pytest.raises(NodeNotFound):
        pause_queue(archive.database, ME, "NOBODY")


def test_a_cancelled_one_stops_and_can_be_taken_up_again(archive: Archive, receive: Receive) -> None:
    receive(3)
    send(archive, "PACS2")
    taken = claimed(archive)
    assert cancel_transmission(archive.database, ME, taken.id).state is State.CANCELLED
    assert not record_progress(archive.database, ME, taken, taken.remaining[1:], ())
    assert end(archive, taken, Ending.INTERRUPTED, *taken.remaining[1:]) is State.CANCELLED
    assert claim(archive) is None
    assert retry_transmission(archive.database, ME, taken.id).state is State.WAITING
    assert claimed(archive).remaining == taken.remaining[1:]


def test_what_is_done_is_done(archive: Archive, receive: Receive) -> None:
    receive(1)
    send(archive, "PACS2")
    taken = claimed(archive)
    end(archive, taken, Ending.COMPLETE)
    for verb in (cancel_transmission, retry_transmission):
        with pytest.raises(TransitionRefused, match="done"):
            verb(archive.database, ME, taken.id)
    with pytest.raises(TransitionRefused):
        change_priority(archive.database, ME, taken.id, URGENT)
    with pytest.raises(TransmissionNotFound):
        cancel_transmission(archive.database, ME, "no-such-id")


def test_ones_own_may_be_cancelled_by_whoever_may_send(archive: Archive, receive: Receive) -> None:
    receive(1)
    anna, ben = a_person("anna", Permission.STUDIES_SEND), a_person("ben", Permission.STUDIES_SEND)
    boss = a_person("boss", Permission.STUDIES_SEND, Permission.ROUTING_MANAGE)
    (row,) = send(archive, "PACS2", actor=anna)
    with pytest.raises(NotPermitted):
        cancel_transmission(archive.database, ben, row.id)
    assert change_priority(archive.database, anna, row.id, URGENT).priority is URGENT
    assert cancel_transmission(archive.database, boss, row.id).state is State.CANCELLED
    for verb in (pause_queue, resume_queue, retry_parked):
        with pytest.raises(NotPermitted):
            verb(archive.database, anna)


def test_hours_that_end_meanwhile_are_waited_for_again(
    archive: Archive, receive: Receive, make_rule: Callable[..., Any], clock: FrozenClock
) -> None:
    make_rule("PACS2", send_within=TimeWindow("09:00", "11:00"), quiet_seconds=0)
    receive(1)
    route_study(archive.database, ME, STUDY, VIENNA)
    clock.advance(3600)
    assert claim(archive) is None
    (row,), _ = find_transmissions(archive.database, ME, TransmissionFilter(), 10, 0)
    assert row.next_try_at == clock.now() + timedelta(hours=22)
    change_priority(archive.database, ME, row.id, URGENT)
    assert claim(archive) is not None


def test_the_queue_is_found_by_state_node_and_study(archive: Archive, receive: Receive) -> None:
    receive(1)
    send(archive, "PACS2", "VIEWER", "PACS2")
    taken = claimed(archive)
    for wanted, number in (
        (TransmissionFilter(), 2),
        (TransmissionFilter(states=(State.SENDING,)), 1),
        (TransmissionFilter(destination="VIEWER"), 1),
        (TransmissionFilter(study_instance_uid=STUDY), 2),
        (TransmissionFilter(study_instance_uid="9.9"), 0),
        (TransmissionFilter(states=(State.DONE, State.PARKED)), 0),
    ):
        rows, total = find_transmissions(archive.database, ME, wanted, 10, 0)
        assert (len(rows), total) == (number, number)
    assert get_overview(archive.database, ME).counts == {
        "PACS2": {State.SENDING: 1},
        "VIEWER": {State.WAITING: 1},
    }
    assert len(instances_to_send(archive.database, ME, taken)) == 1


def test_the_audit_trail_says_what_left(archive: Archive, receive: Receive) -> None:
    receive(3)
    send(archive, "PACS2", actor=a_person("anna", Permission.STUDIES_SEND))
    taken = claimed(archive)
    end(archive, taken, Ending.COMPLETE, refused=taken.remaining[:1])
    wanted = AuditFilter(study_instance_uid=STUDY)
    records, _ = find_records(archive.database, ME, wanted, 100, 0)
    said = {record.event: record for record in reversed(records)}  # The newest of each.
    assert said[AuditEvent.EXPORT].actor == "anna"
    assert said[AuditEvent.BEGIN_TRANSFERRING_INSTANCES].details["instances"] == 3
    left = said[AuditEvent.INSTANCES_TRANSFERRED]
    assert (left.outcome, left.details) == (4, {"destination": "PACS2", "instances": 2, "not_sent": 1})


def test_old_transmissions_are_forgotten(archive: Archive, receive: Receive, clock: FrozenClock) -> None:
    receive(1)
    send(archive, "PACS2", "VIEWER")
    end(archive, claimed(archive), Ending.COMPLETE)
    clock.advance(KEEP_ENDED_FOR.total_seconds() + 1)
    trim_transmissions(archive.database)
    rows, _ = find_transmissions(archive.database, ME, TransmissionFilter(), 10, 0)
    assert [row.destination for row in rows] == ["VIEWER"]
