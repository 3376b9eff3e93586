"""Every SQL statement on routing rules, prefetch rules and what was routed or prefetched; and their JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from filmless.features.routing.model import Conditions, Delivery, NewRule, Rule, Scope, TransmissionPriority
from filmless.features.routing.priors import NewPrefetchRule, PrefetchRule, Wanted
from filmless.features.routing.ref_set import pack_refs, unpack_refs
from filmless.features.routing.tables import (
    prefetch_rules,
    prefetched_studies,
    routed_studies,
    routing_rules,
)
from filmless.features.routing.windows import TimeWindow
from filmless.infra.database import Transaction
from filmless.infra.ids import new_id

RULES_MAX = 1000  # All are read for each study; a department has a dozen.


# --- Any kind of rule ------------------------------------------------------------------------------------


def count_rules(tx: Transaction, table: sa.Table) -> int:
    """How many rules of the table there are, the removed ones included."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def is_name_taken(tx: Transaction, table: sa.Table, name: str, but_id: str = "") -> bool:
    """Whether another rule has the name."""
    asked = sa.select(table.c.id).where(
        table.c.name == name, table.c.removed_at.is_(None), table.c.id != but_id
    )
    return tx.execute(asked).first() is not None


def set_removed(tx: Transaction, table: sa.Table, rule_id: str, *, removed: bool) -> bool:
    """Remove or restore a rule; False when there is none, or it is so already."""
    was = table.c.removed_at.is_(None) if removed else table.c.removed_at.is_not(None)
    changed = (
        sa.update(table).where(table.c.id == rule_id, was).values(removed_at=tx.now if removed else None)
    )
    return tx.execute(changed).rowcount == 1


def name_of(tx: Transaction, table: sa.Table, rule_id: str) -> str | None:
    """The name of a rule, removed or not."""
    name: str | None = tx.execute(sa.select(table.c.name).where(table.c.id == rule_id)).scalar_one_or_none()
    return name


def _save(tx: Transaction, table: sa.Table, rule_id: str | None, values: dict[str, Any]) -> str | None:
    """Insert a rule, or replace one that is not removed; its id, None when there is none."""
    if rule_id is None:
        made = new_id()
        tx.execute(sa.insert(table).values(id=made, created_at=tx.now, updated_at=tx.now, **values))
        return made
    held = sa.update(table).where(table.c.id == rule_id, table.c.removed_at.is_(None))
    return rule_id if tx.execute(held.values(updated_at=tx.now, **values)).rowcount else None


# --- Routing rules ---------------------------------------------------------------------------------------


def save_rule(tx: Transaction, rule_id: str | None, rule: NewRule) -> str | None:
    """Insert the rule, or replace the one with this id; its id, None when there is none."""
    values = {
        "name": rule.name,
        "is_active": rule.is_active,
        "position": rule.position,
        "quiet_seconds": rule.delivery.quiet_seconds,
        "conditions": orjson.dumps(rule.conditions).decode(),
        "delivery": orjson.dumps(rule.delivery).decode(),
    }
    return _save(tx, routing_rules, rule_id, values)


def list_rules(tx: Transaction, *, only_active: bool = False) -> list[Rule]:
    """The rules that are not removed, in the order in which they count."""
    conditions: list[sa.ColumnElement[bool]] = [routing_rules.c.removed_at.is_(None)]
    if only_active:
        conditions.append(routing_rules.c.is_active)
    order = (routing_rules.c.position, routing_rules.c.name)
    rows = tx.execute(sa.select(routing_rules).where(*conditions).order_by(*order).limit(RULES_MAX))
    return [_rule(row) for row in rows]


def get_rule(tx: Transaction, rule_id: str) -> Rule | None:
    """One rule that is not removed."""
    condition = sa.and_(routing_rules.c.id == rule_id, routing_rules.c.removed_at.is_(None))
    row = tx.execute(sa.select(routing_rules).where(condition)).first()
    return None if row is None else _rule(row)


def quiet_seconds_min(tx: Transaction) -> int | None:
    """How long the most impatient active rule waits; None when there is no active rule."""
    row = tx.fast(
        "SELECT MIN(quiet_seconds) FROM routing_rules WHERE is_active AND removed_at IS NULL"
    ).fetchone()
    return None if row[0] is None else int(row[0])


Way = tuple[str, str]
"""A destination, and the project for which what goes there is de-identified; empty: none."""


def routed_refs(tx: Transaction, study_ref: int) -> dict[Way, bytes]:
    """Packed sets of the study's instances that rules have dealt with, by the way they went."""
    asked = sa.select(routed_studies).where(routed_studies.c.study_ref == study_ref)
    return {(row.destination, row.project): bytes(row.refs) for row in tx.execute(asked)}


def add_routed(tx: Transaction, study_ref: int, way: Way, before: bytes | None, refs: frozenset[int]) -> bool:
    """Add to what rules have dealt with, unless somebody else has done so since `before` was read."""
    values = {"refs": pack_refs(refs | frozenset(unpack_refs(before or b""))), "updated_at": tx.now}
    if before is None:
        insert = (sqlite if tx.is_sqlite else postgresql).insert(routed_studies)
        row = insert.values(study_ref=study_ref, destination=way[0], project=way[1], **values)
        done = tx.execute(row.on_conflict_do_nothing().returning(routed_studies.c.study_ref))
        return done.first() is not None
    unchanged = sa.and_(
        routed_studies.c.study_ref == study_ref,
        routed_studies.c.destination == way[0],
        routed_studies.c.project == way[1],
        routed_studies.c.refs == before,
    )
    return tx.execute(sa.update(routed_studies).where(unchanged).values(**values)).rowcount == 1


# --- Prefetch --------------------------------------------------------------------------------------------


def save_prefetch_rule(tx: Transaction, rule_id: str | None, rule: NewPrefetchRule) -> str | None:
    """Insert the rule, or replace the one with this id; its id, None when there is none."""
    values = {
        "name": rule.name,
        "is_active": rule.is_active,
        "position": rule.position,
        "wanted": orjson.dumps(rule.wanted).decode(),
    }
    return _save(tx, prefetch_rules, rule_id, values)


def list_prefetch_rules(tx: Transaction, *, only_active: bool = False) -> list[PrefetchRule]:
    """The rules that are not removed, in the order in which they count."""
    conditions: list[sa.ColumnElement[bool]] = [prefetch_rules.c.removed_at.is_(None)]
    if only_active:
        conditions.append(prefetch_rules.c.is_active)
    order = (prefetch_rules.c.position, prefetch_rules.c.name)
    rows = tx.execute(sa.select(prefetch_rules).where(*conditions).order_by(*order).limit(RULES_MAX))
    return [_prefetch_rule(row) for row in rows]


def get_prefetch_rule(tx: Transaction, rule_id: str) -> PrefetchRule | None:
    """One rule that is not removed."""
    condition = sa.and_(prefetch_rules.c.id == rule_id, prefetch_rules.c.removed_at.is_(None))
    row = tx.execute(sa.select(prefetch_rules).where(condition)).first()
    return None if row is None else _prefetch_rule(row)


def begin_prefetch(tx: Transaction, study_instance_uid: str, source_ae_title: str) -> None:
    """Note that we fetch the study from there from now on."""
    values = {"source_ae_title": source_ae_title, "started_at": tx.now, "ended_at": None}
    insert = (sqlite if tx.is_sqlite else postgresql).insert(prefetched_studies)
    statement = insert.values(study_instance_uid=study_instance_uid, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["study_instance_uid"], set_=values))


def end_prefetch(tx: Transaction, study_instance_uid: str) -> None:
    """Note that no more of it is under way."""
    fetched = prefetched_studies.c.study_instance_uid == study_instance_uid
    tx.execute(sa.update(prefetched_studies).where(fetched).values(ended_at=tx.now))


def fetched_between(tx: Transaction, study_instance_uid: str) -> tuple[datetime, datetime | None] | None:
    """When we fetched the study ourselves last; the end is None while it goes on."""
    asked = sa.select(prefetched_studies.c.started_at, prefetched_studies.c.ended_at)
    row = tx.execute(asked.where(prefetched_studies.c.study_instance_uid == study_instance_uid)).first()
    return None if row is None else (row.started_at, row.ended_at)


# --- JSON ------------------------------------------------------------------------------------------------


def read_window(text: str) -> TimeWindow | None:
    """A time window as it is kept in a column."""
    return _window(orjson.loads(text)) if text else None


def _window(said: Mapping[str, Any] | None) -> TimeWindow | None:
    return None if said is None else TimeWindow(said["begins_at"], said["ends_at"], tuple(said["weekdays"]))


def _rule(row: Any) -> Rule:
    conditions = orjson.loads(row.conditions)
    window = _window(conditions.pop("received_within"))
    lists = {name: tuple(values) for name, values in conditions.items()}
    return Rule(
        row.id,
        row.name,
        _delivery(orjson.loads(row.delivery)),
        Conditions(**lists, received_within=window),
        bool(row.is_active),
        row.position,
        row.created_at,
        row.updated_at,
    )


def _delivery(said: dict[str, Any]) -> Delivery:
    return Delivery(
        **{
            **said,
            "destinations": tuple(said["destinations"]),
            "scope": Scope(said["scope"]),
            "send_within": _window(said["send_within"]),
            "priority": TransmissionPriority(said["priority"]),
        }
    )


def _prefetch_rule(row: Any) -> PrefetchRule:
    said = orjson.loads(row.wanted)
    lists = {name: tuple(said[name]) for name in ("archives", "modalities", "procedures")}
    return PrefetchRule(
        row.id,
        row.name,
        Wanted(**{**said, **lists}),
        bool(row.is_active),
        row.position,
        row.created_at,
        row.updated_at,
    )
