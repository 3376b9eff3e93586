"""Carrying rules out: what a study that grew is sent to, once it has been quiet for long enough.

For each study and destination the instances that rules have dealt with are remembered, so late ones are sent
by themselves and nothing goes anywhere twice. Not sent: an instance back to the node it came from, nor what
we fetched ourselves. Start at `route_study`, the job; `route_study_soon` asks for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from filmless.features.access import Actor, Permission
from filmless.features.routing import rules_repository as repository
from filmless.features.routing.model import Conditions, Delivery, Rule, Scope, failed_conditions
from filmless.features.routing.model import TransmissionPriority as Priority
from filmless.features.routing.queueing import put_in_queue
from filmless.features.routing.ref_set import unpack_refs
from filmless.features.routing.repository import NewTransmission
from filmless.features.routing.rules_repository import Way
from filmless.features.routing.studies import HeldInstance, HeldStudy, get_held_study
from filmless.features.routing.transmissions import Reason
from filmless.infra.database import Database, Transaction
from filmless.infra.jobs import enqueue
from filmless.infra.outbox import once_for

ROUTE_STUDY = "route-study"
"""The kind of the job whose body is `route_study`; payload: study_instance_uid."""

# A prefetch of which nobody said that it ended: its worker died. Later arrivals are no longer its doing.
PREFETCH_LASTS_AT_MOST = timedelta(hours=6)
# What the last C-STORE of a prefetch brought may be committed a little after the archive said Success.
PREFETCH_MARGIN = timedelta(seconds=60)


@once_for("study_instance_uid")
def route_study_soon(tx: Transaction, fact: Mapping[str, Any]) -> None:
    """React to SeriesGrew: look at the study once it may be quiet; nothing where there are no rules."""
    quiet_seconds = repository.quiet_seconds_min(tx)
    if quiet_seconds is not None:
        _look_again(tx, str(fact["study_instance_uid"]), quiet_seconds)


def route_study(database: Database, actor: Actor, study_instance_uid: str, zone: tzinfo | None) -> None:
    """Queue what the rules say of the study as it is now; doing it twice queues nothing twice.

    A rule for which the study is not quiet yet is looked at again when it will be. A study that is gone is
    no error. `zone` is the department's.
    """
    actor.must(Permission.STUDIES_SEND)
    with database.read() as tx:
        rules = repository.list_rules(tx, only_active=True)
        held = get_held_study(tx, study_instance_uid) if rules else None
        if held is None:
            return
        dealt_with = repository.routed_refs(tx, held.ref)
        fetched = repository.fetched_between(tx, study_instance_uid)
        now = tx.now
    own = {one.ref for one in held.instances if _was_fetched(one, fetched)}
    plans, wait_until = _plans(rules, held, dealt_with, own, zone, now)
    if not plans and wait_until is None:
        return
    with database.transaction() as tx:
        lost = False
        for plan in plans:
            before = dealt_with.get(plan.way)
            if not repository.add_routed(tx, held.ref, plan.way, before, plan.all_refs):
                lost = True  # Another worker looks at the same study: whatever it left is ours to find.
                continue
            for new in plan.transmissions:
                opens_at = _opens_at(new, tx.now, zone)
                put_in_queue(tx, new, study_instance_uid, opens_at)
        if wait_until is not None or lost:
            delay = 1.0 if wait_until is None else (wait_until - tx.now) / timedelta(seconds=1)
            _look_again(tx, study_instance_uid, max(1.0, delay))


def verdicts(conditions: Conditions, held: HeldStudy, zone: tzinfo | None) -> Mapping[int, tuple[str, ...]]:
    """By row id of each series, the conditions that it fails."""
    return {one.ref: failed_conditions(conditions, one.facts, zone) for one in held.series_list}


def chosen_refs(
    conditions: Conditions,
    delivery: Delivery,
    held: HeldStudy,
    destination: str,
    zone: tzinfo | None,
) -> frozenset[int]:
    """Row ids of the instances that a rule sends to one of its destinations, were all of them new."""
    matched = {ref for ref, failed in verdicts(conditions, held, zone).items() if not failed}
    if not matched:
        return frozenset()
    whole = delivery.scope is Scope.STUDY
    return frozenset(
        one.ref
        for one in held.instances
        if (whole or one.series_ref in matched) and one.calling_ae_title != destination
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """What goes one way; `all_refs` is what this look deals with there."""

    way: Way
    all_refs: frozenset[int]
    transmissions: tuple[NewTransmission, ...]


def _plans(
    rules: list[Rule],
    held: HeldStudy,
    dealt_with: Mapping[Way, bytes],
    own: set[int],
    zone: tzinfo | None,
    now: datetime,
) -> tuple[list[_Plan], datetime | None]:
    """What the rules want, and when to look again for those that the study is not quiet enough for."""
    done = {way: set(unpack_refs(packed)) for way, packed in dealt_with.items()}
    planned: dict[Way, tuple[set[int], list[NewTransmission]]] = {}
    wait_until: datetime | None = None
    for rule in rules:
        for destination in rule.delivery.destinations:
            way = (destination, rule.delivery.project)
            wanted = chosen_refs(rule.conditions, rule.delivery, held, destination, zone)
            fresh = wanted - own - done.get(way, set())
            if not fresh:
                continue
            quiet_at = held.updated_at + timedelta(seconds=rule.delivery.quiet_seconds)
            if quiet_at > now:
                wait_until = quiet_at if wait_until is None else min(wait_until, quiet_at)
                continue
            done.setdefault(way, set()).update(fresh)
            refs, made = planned.setdefault(way, (set(), []))
            refs |= fresh
            made.append(_transmission(rule, held, destination, fresh))
    plans = [_Plan(way, frozenset(refs), tuple(made)) for way, (refs, made) in planned.items()]
    return plans, wait_until


def _transmission(rule: Rule, held: HeldStudy, destination: str, fresh: frozenset[int]) -> NewTransmission:
    of_series = {one.series_ref for one in held.instances if one.ref in fresh}
    is_all = len(fresh) == len(held.instances)
    return NewTransmission(
        held.ref,
        sorted(fresh),
        destination,
        Reason.RULE,
        rule.name,
        rule.delivery.priority,
        () if is_all else tuple(one.series_instance_uid for one in held.series_list if one.ref in of_series),
        rule.delivery.send_within,
        rule.delivery.request_commitment,
        rule.delivery.project,
    )


def _opens_at(new: NewTransmission, now: datetime, zone: tzinfo | None) -> datetime:
    if new.send_within is None or new.priority is Priority.URGENT:
        return now
    return new.send_within.opens_at(now, zone)


def _was_fetched(one: HeldInstance, fetched: tuple[datetime, datetime | None] | None) -> bool:
    """Whether the instance came because we asked an archive for its study."""
    if fetched is None:
        return False
    started_at, ended_at = fetched
    until = ended_at + PREFETCH_MARGIN if ended_at else started_at + PREFETCH_LASTS_AT_MOST
    return started_at <= one.received_at <= until


def _look_again(tx: Transaction, study_instance_uid: str, delay_seconds: float) -> None:
    enqueue(
        tx,
        ROUTE_STUDY,
        {"study_instance_uid": study_instance_uid},
        unique_key=f"{ROUTE_STUDY}:{study_instance_uid}",
        delay_seconds=delay_seconds,
    )
