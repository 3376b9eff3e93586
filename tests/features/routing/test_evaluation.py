"""Rules carried out: quiet studies, late instances, no loops, nothing twice."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from filmless.features.access import Actor, Permission, system_actor
from filmless.features.archive import Archive
from filmless.features.routing import (
    ROUTE_STUDY,
    TRANSMIT,
    NewPrefetchRule,
    NewRule,
    RuleNameTaken,
    RuleNotFound,
    Scope,
    State,
    TimeWindow,
    Transmission,
    TransmissionFilter,
    TransmissionPriority,
    Wanted,
    add_prefetch_rule,
    add_rule,
    begin_prefetch,
    change_rule,
    end_prefetch,
    find_transmissions,
    list_prefetch_rules,
    list_rules,
    prefetch_soon,
    remove_prefetch_rule,
    remove_rule,
    restore_prefetch_rule,
    restore_rule,
    route_study,
    route_study_soon,
    try_rule,
)
from filmless.infra.errors import NotPermitted
from filmless.infra.jobs import find_jobs
from filmless.infra.worker import Worker
from frozen_clock import FrozenClock

ME = system_actor("test")
VIENNA = ZoneInfo("Europe/Vienna")
STUDY = "1.2.3.1"

Receive = Callable[..., None]
MakeRule = Callable[..., Any]


def queued(archive: Archive) -> list[Transmission]:
    """The queue, oldest first."""
    rows, _ = find_transmissions(archive.database, ME, TransmissionFilter(), 100, 0)
    return rows[::-1]


def told(archive: Archive) -> None:
    """Tell the facts and run the jobs that are due, but send nothing."""
    functions = {
        ROUTE_STUDY: lambda payload: route_study(archive.database, ME, payload["study_instance_uid"], VIENNA),
        TRANSMIT: lambda _: None,
    }
    Worker(archive.database, functions, {"SeriesGrew": (route_study_soon,)}).run_pending()


def summary(archive: Archive) -> list[tuple[str, int]]:
    return [(row.destination, row.instances) for row in queued(archive)]


def test_without_rules_nothing_happens(archive: Archive, receive: Receive) -> None:
    receive(2)
    told(archive)
    assert not queued(archive)
    assert not find_jobs(archive.database, "done")


def test_a_growing_study_is_routed_once_when_it_is_quiet(
    archive: Archive, receive: Receive, make_rule: MakeRule, clock: FrozenClock
) -> None:
    make_rule("PACS2", "VIEWER", quiet_seconds=60)
    for first in (1, 2, 3):
        receive(1, first=first)
        told(archive)
        clock.advance(40)  # Never quiet for a minute.
    told(archive)
    assert not queued(archive)
    clock.advance(21)
    told(archive)
    assert summary(archive) == [("PACS2", 3), ("VIEWER", 3)]
    clock.advance(3600)
    told(archive)
    assert len(queued(archive)) == 2


def test_a_study_that_never_rests_for_long_is_still_looked_at(
    archive: Archive, receive: Receive, make_rule: MakeRule, clock: FrozenClock
) -> None:
    make_rule("PACS2", quiet_seconds=0)
    for first in range(1, 5):
        receive(1, first=first)
        told(archive)
        clock.advance(2)
        told(archive)
    assert sum(row.instances for row in queued(archive)) == 4


def test_late_instances_are_sent_by_themselves(
    archive: Archive, receive: Receive, make_rule: MakeRule, clock: FrozenClock
) -> None:
    make_rule("PACS2", quiet_seconds=0)
    receive(3)
    told(archive)
    clock.advance(3600)
    receive(2, first=4)
    receive(1, series=2)
    told(archive)
    clock.advance(60)
    told(archive)
    first, *later = queued(archive)
    assert first.instances == 3
    assert first.series_instance_uids == ()
    assert sum(row.instances for row in later) == 3
    assert {uid for row in later for uid in row.series_instance_uids} == {f"{STUDY}.1", f"{STUDY}.2"}


def test_nothing_goes_back_to_where_it_came_from(
    archive: Archive, receive: Receive, make_rule: MakeRule
) -> None:
    make_rule("PACS2", "VIEWER", quiet_seconds=0)
    receive(2, calling_ae_title="PACS2")
    receive(1, first=3, calling_ae_title="CT1")
    told(archive)
    assert summary(archive) == [("PACS2", 1), ("VIEWER", 3)]


def test_two_rules_send_to_one_node_once(archive: Archive, receive: Receive, make_rule: MakeRule) -> None:
    make_rule("PACS2", name="all", quiet_seconds=0)
    make_rule("PACS2", "VIEWER", name="ct", modalities=("CT",), quiet_seconds=0)
    receive(2)
    told(archive)
    assert [(row.destination, row.asked_by) for row in queued(archive)] == [
        ("PACS2", "all"),
        ("VIEWER", "ct"),
    ]


def test_each_rule_waits_for_its_own_quiet(
    archive: Archive, receive: Receive, make_rule: MakeRule, clock: FrozenClock
) -> None:
    make_rule("PACS2", name="at once", quiet_seconds=0)
    make_rule("VIEWER", name="later", quiet_seconds=600)
    receive(1)
    told(archive)
    assert summary(archive) == [("PACS2", 1)]
    clock.advance(601)
    told(archive)
    assert summary(archive) == [("PACS2", 1), ("VIEWER", 1)]


@pytest.mark.parametrize(("scope", "instances"), [(Scope.STUDY, 5), (Scope.SERIES, 2)])
def test_the_whole_study_or_only_what_matches(
    archive: Archive, receive: Receive, make_rule: MakeRule, scope: Scope, instances: int
) -> None:
    make_rule("PACS2", series_descriptions=("Series 2",), scope=scope, quiet_seconds=0)
    receive(3)
    receive(2, series=2)
    told(archive)
    assert [row.instances for row in queued(archive)] == [instances]


def test_what_matches_nothing_goes_nowhere(archive: Archive, receive: Receive, make_rule: MakeRule) -> None:
    make_rule("PACS2", modalities=("MR",), quiet_seconds=0)
    receive(2)
    told(archive)
    assert not queued(archive)


def test_what_we_fetched_ourselves_is_not_routed_on(
    archive: Archive, receive: Receive, make_rule: MakeRule, clock: FrozenClock
) -> None:
    make_rule("PACS2", quiet_seconds=0)
    rule = add_prefetch_rule(archive.database, ME, NewPrefetchRule("priors", Wanted(("VIEWER",))))
    begin_prefetch(archive.database, ME, rule, STUDY, "VIEWER")
    receive(2, calling_ae_title="OTHERWISE-NAMED")
    told(archive)
    clock.advance(30)
    end_prefetch(archive.database, ME, STUDY)
    clock.advance(3600)
    receive(1, first=3)  # Somebody adds to it later: that is news.
    told(archive)
    assert summary(archive) == [("PACS2", 1)]


def test_a_prefetch_whose_worker_died_does_not_stop_routing_for_ever(
    archive: Archive, receive: Receive, make_rule: MakeRule, clock: FrozenClock
) -> None:
    make_rule("PACS2", quiet_seconds=0)
    rule = add_prefetch_rule(archive.database, ME, NewPrefetchRule("priors", Wanted(("VIEWER",))))
    begin_prefetch(archive.database, ME, rule, STUDY, "VIEWER")
    clock.advance(24 * 3600)
    receive(1)
    told(archive)
    assert summary(archive) == [("PACS2", 1)]


def test_routing_twice_at_once_queues_once(archive: Archive, receive: Receive, make_rule: MakeRule) -> None:
    make_rule("PACS2", quiet_seconds=0)
    receive(2)
    for _ in range(2):
        route_study(archive.database, ME, STUDY, VIENNA)
    assert summary(archive) == [("PACS2", 2)]


def test_hours_are_waited_for_unless_it_is_urgent(
    archive: Archive, receive: Receive, make_rule: MakeRule, clock: FrozenClock
) -> None:
    night = TimeWindow("20:00", "06:00")
    make_rule("PACS2", name="night", send_within=night, quiet_seconds=0)
    urgent = TransmissionPriority.URGENT
    make_rule("VIEWER", name="now", send_within=night, priority=urgent, quiet_seconds=0)
    receive(1)
    told(archive)
    by_night, now = queued(archive)
    assert by_night.next_try_at == datetime(2026, 1, 31, 19, 0, tzinfo=UTC)
    assert now.next_try_at == clock.now()


def test_an_inactive_rule_sends_nothing(archive: Archive, receive: Receive, make_rule: MakeRule) -> None:
    rule = make_rule("PACS2", quiet_seconds=0)
    changed = NewRule(rule.name, rule.delivery, rule.conditions, is_active=False)
    change_rule(archive.database, ME, rule.id, changed)
    receive(1)
    told(archive)
    assert not queued(archive)


def test_a_removed_rule_comes_back_as_it_was(archive: Archive, make_rule: MakeRule) -> None:
    window = TimeWindow("20:00", "06:00", (0, 4))
    rule = make_rule("PACS2", modalities=("CT", "MR"), send_within=window, received_within=window)
    remove_rule(archive.database, ME, rule.id)
    assert not list_rules(archive.database, ME)
    with pytest.raises(RuleNotFound):
        remove_rule(archive.database, ME, rule.id)
    assert restore_rule(archive.database, ME, rule.id) == rule
    with pytest.raises(RuleNotFound, match="not removed"):
        restore_rule(archive.database, ME, rule.id)


def test_names_of_rules_are_taken_while_they_count(archive: Archive, make_rule: MakeRule) -> None:
    rule = make_rule("PACS2", name="same")
    new = NewRule("same", rule.delivery)
    with pytest.raises(RuleNameTaken):
        add_rule(archive.database, ME, new)
    remove_rule(archive.database, ME, rule.id)
    add_rule(archive.database, ME, new)
    with pytest.raises(RuleNameTaken):
        restore_rule(archive.database, ME, rule.id)


def test_prefetch_rules_are_kept_removed_and_restored(archive: Archive) -> None:
    rule = add_prefetch_rule(
        archive.database, ME, NewPrefetchRule("priors", Wanted(("VIEWER",), ("CT",), ("*Thorax*",)))
    )
    assert list_prefetch_rules(archive.database, ME) == [rule]
    remove_prefetch_rule(archive.database, ME, rule.id)
    assert not list_prefetch_rules(archive.database, ME)
    assert restore_prefetch_rule(archive.database, ME, rule.id) == rule


def test_a_dry_run_says_what_would_go_and_why_not(
    archive: Archive, receive: Receive, make_rule: MakeRule
) -> None:
    receive(2)
    receive(1, series=2, calling_ae_title="PACS2")
    rule = make_rule("PACS2", series_descriptions=("Series 1",))
    new = NewRule(rule.name, rule.delivery, rule.conditions)
    found = try_rule(archive.database, ME, new, STUDY, VIENNA)
    assert [one.failed_conditions for one in found.series_list] == [(), ("series_descriptions",)]
    assert found.instances == {"PACS2": 2}
    assert not queued(archive)


def test_rules_are_for_those_who_may_manage_them(archive: Archive, make_rule: MakeRule) -> None:
    rule = make_rule("PACS2")
    few = Actor(ME.kind, "somebody", "", frozenset(Permission) - {Permission.ROUTING_MANAGE})
    new = NewRule("mine", rule.delivery)
    with pytest.raises(NotPermitted):
        add_rule(archive.database, few, new)
    with pytest.raises(NotPermitted):
        remove_rule(archive.database, few, rule.id)


A_STEP = {
    "step_id": "s1",
    "patient_id": "P1",
    "issuer_of_patient_id": "",
    "modality": "CT",
    "body_part": "CHEST",
    "laterality": "",
    "procedure_description": "CT Thorax",
    "study_instance_uid": "",
}


@pytest.mark.parametrize(
    ("changes", "jobs"),
    [({}, 1), ({"modality": "MR"}, 0), ({"patient_id": ""}, 0), ({"patient_id": None}, 0)],
)
def test_a_scheduled_step_asks_for_its_priors_once(
    archive: Archive, clock: FrozenClock, changes: dict[str, str | None], jobs: int
) -> None:
    add_prefetch_rule(archive.database, ME, NewPrefetchRule("priors", Wanted(("VIEWER",), ("CT",))))
    for _ in range(2):
        with archive.database.transaction() as tx:
            prefetch_soon(tx, A_STEP | changes)
    waiting = find_jobs(archive.database, "waiting")
    assert len(waiting) == jobs
    assert all(job.run_at == clock.now() + timedelta(seconds=30) for job in waiting)


def test_states_of_the_queue_are_as_they_should_be(
    archive: Archive, receive: Receive, make_rule: MakeRule
) -> None:
    make_rule("PACS2", quiet_seconds=0)
    receive(1, PatientName="Muster^Erika")
    told(archive)
    (row,) = queued(archive)
    assert (row.state, row.patient_name, row.accession_number) == (State.WAITING, "Muster^Erika", "A1")
