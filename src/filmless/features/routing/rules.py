"""The verbs on rules: add, change, list, remove and restore; and what a rule would do with a study.

Removing keeps the rule: restoring it within the same thought undoes a slip. Each change is a security alert
in the audit trail, for rules decide what leaves the house. Not here: carrying rules out (`evaluation`).
"""

from dataclasses import dataclass
from datetime import tzinfo

import sqlalchemy as sa

from filmless.features.access import Actor, Permission
from filmless.features.audit import AuditEvent, record
from filmless.features.routing import rules_repository as repository
from filmless.features.routing.errors import NothingToSend, RuleNameTaken, RuleNotFound
from filmless.features.routing.evaluation import chosen_refs, verdicts
from filmless.features.routing.model import NewRule, Rule
from filmless.features.routing.priors import NewPrefetchRule, PrefetchRule
from filmless.features.routing.projects import check_project
from filmless.features.routing.studies import get_held_study
from filmless.features.routing.tables import prefetch_rules, routing_rules
from filmless.infra.database import Database, Transaction
from filmless.infra.errors import OverLimit

NETWORK_CONFIGURATION = "110128"  # PS3.16 CID 403.


def add_rule(database: Database, actor: Actor, new_rule: NewRule) -> Rule:
    """Add a routing rule; raises RuleRefused, RuleNameTaken, Invalid, NotPermitted."""
    actor.must(Permission.ROUTING_MANAGE)
    checked = new_rule.checked()
    with database.transaction() as tx:
        return _saved(tx, actor, None, checked)


def change_rule(database: Database, actor: Actor, rule_id: str, new_rule: NewRule) -> Rule:
    """Replace what a rule says; raises RuleNotFound beside what `add_rule` raises."""
    actor.must(Permission.ROUTING_MANAGE)
    checked = new_rule.checked()
    with database.transaction() as tx:
        return _saved(tx, actor, rule_id, checked)


def list_rules(database: Database, actor: Actor) -> list[Rule]:
    """All rules in the order in which they count."""
    actor.must(Permission.ROUTING_MANAGE)
    with database.read() as tx:
        return repository.list_rules(tx)


def get_rule(database: Database, actor: Actor, rule_id: str) -> Rule:
    """One rule; raises RuleNotFound."""
    actor.must(Permission.ROUTING_MANAGE)
    with database.read() as tx:
        return _existing(repository.get_rule(tx, rule_id))


def remove_rule(database: Database, actor: Actor, rule_id: str) -> None:
    """Let a rule count no more; what it has queued is sent all the same. Raises RuleNotFound."""
    actor.must(Permission.ROUTING_MANAGE)
    with database.transaction() as tx:
        _set_removed(tx, actor, routing_rules, rule_id, removed=True)


def restore_rule(database: Database, actor: Actor, rule_id: str) -> Rule:
    """Undo `remove_rule`; raises RuleNotFound, RuleNameTaken if its name is another rule's by now."""
    actor.must(Permission.ROUTING_MANAGE)
    with database.transaction() as tx:
        _set_removed(tx, actor, routing_rules, rule_id, removed=False)
        return _existing(repository.get_rule(tx, rule_id))


# --- Prefetch rules --------------------------------------------------------------------------------------


def add_prefetch_rule(database: Database, actor: Actor, new_rule: NewPrefetchRule) -> PrefetchRule:
    """Add a prefetch rule; raises as `add_rule`."""
    actor.must(Permission.ROUTING_MANAGE)
    checked = new_rule.checked()
    with database.transaction() as tx:
        return _saved_prefetch(tx, actor, None, checked)


def change_prefetch_rule(
    database: Database, actor: Actor, rule_id: str, new_rule: NewPrefetchRule
) -> PrefetchRule:
    """Replace what a prefetch rule says; raises as `change_rule`."""
    actor.must(Permission.ROUTING_MANAGE)
    checked = new_rule.checked()
    with database.transaction() as tx:
        return _saved_prefetch(tx, actor, rule_id, checked)


def list_prefetch_rules(database: Database, actor: Actor) -> list[PrefetchRule]:
    """All prefetch rules in the order in which they count."""
    actor.must(Permission.ROUTING_MANAGE)
    with database.read() as tx:
        return repository.list_prefetch_rules(tx)


def remove_prefetch_rule(database: Database, actor: Actor, rule_id: str) -> None:
    """Fetch no more by this rule; raises RuleNotFound."""
    actor.must(Permission.ROUTING_MANAGE)
    with database.transaction() as tx:
        _set_removed(tx, actor, prefetch_rules, rule_id, removed=True)


def restore_prefetch_rule(database: Database, actor: Actor, rule_id: str) -> PrefetchRule:
    """Undo `remove_prefetch_rule`; raises RuleNotFound, RuleNameTaken."""
    actor.must(Permission.ROUTING_MANAGE)
    with database.transaction() as tx:
        _set_removed(tx, actor, prefetch_rules, rule_id, removed=False)
        found = repository.get_prefetch_rule(tx, rule_id)
    assert found is not None
    return found


# --- Dry run ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SeriesVerdict:
    """Whether one series meets a rule's conditions, and if not, which ones it fails."""

    series_instance_uid: str
    modality: str
    series_description: str
    failed_conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a rule would do with a study that were new and quiet: nothing was sent."""

    series_list: tuple[SeriesVerdict, ...]
    instances: dict[str, int]  # By destination; fewer where some came from there.


def try_rule(
    database: Database, actor: Actor, rule: NewRule, study_instance_uid: str, zone: tzinfo | None
) -> DryRun:
    """Hold a rule, kept or not, to a study. Raises RuleRefused, NothingToSend, NotPermitted.

    Leaves an audit record of access, for the answer tells of the study.
    """
    actor.must(Permission.ROUTING_MANAGE)
    checked = rule.checked()
    with database.read() as tx:
        held = get_held_study(tx, study_instance_uid)
    if held is None:
        raise NothingToSend("There is no study with that Study Instance UID here.")
    judged = verdicts(checked.conditions, held, zone)
    instances = {
        destination: len(refs)
        for destination in checked.delivery.destinations
        if (refs := chosen_refs(checked.conditions, checked.delivery, held, destination, zone))
    }
    with database.transaction() as tx:
        record(
            tx,
            actor,
            AuditEvent.INSTANCES_ACCESSED,
            study_instance_uid=study_instance_uid,
            patient_ref=held.patient_ref,
            details={"what": "routing rule tried"},
        )
    return DryRun(
        tuple(
            SeriesVerdict(
                one.series_instance_uid, one.facts.modality, one.facts.series_description, judged[one.ref]
            )
            for one in held.series_list
        ),
        instances,
    )


# --- Inside ----------------------------------------------------------------------------------------------


def _saved(tx: Transaction, actor: Actor, rule_id: str | None, rule: NewRule) -> Rule:
    _check_room(tx, routing_rules, rule_id, rule.name)
    check_project(tx, rule.delivery.project)
    saved_id = repository.save_rule(tx, rule_id, rule)
    if saved_id is None:
        raise RuleNotFound("There is no such rule.")
    _record_change(tx, actor, routing_rules, rule.name, "C" if rule_id is None else "U")
    return _existing(repository.get_rule(tx, saved_id))


def _saved_prefetch(
    tx: Transaction, actor: Actor, rule_id: str | None, rule: NewPrefetchRule
) -> PrefetchRule:
    _check_room(tx, prefetch_rules, rule_id, rule.name)
    saved_id = repository.save_prefetch_rule(tx, rule_id, rule)
    found = None if saved_id is None else repository.get_prefetch_rule(tx, saved_id)
    if found is None:
        raise RuleNotFound("There is no such rule.")
    _record_change(tx, actor, prefetch_rules, rule.name, "C" if rule_id is None else "U")
    return found


def _check_room(tx: Transaction, table: sa.Table, rule_id: str | None, name: str) -> None:
    if repository.is_name_taken(tx, table, name, rule_id or ""):
        raise RuleNameTaken("Another rule has this name. Choose another one, or change that rule.")
    if rule_id is None and repository.count_rules(tx, table) >= repository.RULES_MAX:
        raise OverLimit(f"There are {repository.RULES_MAX} rules already, the removed ones counted.")


def _set_removed(tx: Transaction, actor: Actor, table: sa.Table, rule_id: str, *, removed: bool) -> None:
    name = repository.name_of(tx, table, rule_id)
    if name is None:
        raise RuleNotFound("There is no such rule.")
    if not removed and repository.is_name_taken(tx, table, name, rule_id):
        raise RuleNameTaken("Another rule has the name of this one by now. Rename that rule first.")
    if not repository.set_removed(tx, table, rule_id, removed=removed):
        raise RuleNotFound("The rule was removed already." if removed else "The rule is not removed.")
    _record_change(tx, actor, table, name, "D" if removed else "C")


def _existing(rule: Rule | None) -> Rule:
    if rule is None:
        raise RuleNotFound("There is no such rule, or it was removed.")
    return rule


def _record_change(tx: Transaction, actor: Actor, table: sa.Table, name: str, action: str) -> None:
    details = {"type": NETWORK_CONFIGURATION, f"{table.name}": name}
    record(tx, actor, AuditEvent.SECURITY_ALERT, action=action, details=details)
