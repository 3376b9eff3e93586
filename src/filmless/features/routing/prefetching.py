"""Prefetch: when an exam is coming up, the patient's earlier studies that matter are fetched beforehand.

A reaction to a scheduled or arrived step asks for one job a step; the job (`edge/dimse/prefetch.py`) asks the
archives, and `choose_priors` here says which of their studies to fetch. Invariants: what is here is not
fetched; what we fetch is noted first, so that no rule routes it on. Not here: the network, the scoring
(`priors`).
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from filmless.features.access import Actor, Permission
from filmless.features.audit import AuditEvent, record
from filmless.features.routing import rules_repository as repository
from filmless.features.routing.priors import (
    Candidate,
    PrefetchRule,
    Prior,
    UpcomingStep,
    is_for,
    relevant_priors,
)
from filmless.features.routing.studies import held_studies
from filmless.infra.database import Database, Transaction
from filmless.infra.jobs import enqueue

PREFETCH_PRIORS = "prefetch-priors"
"""The kind of the job that fetches priors; payload: the fields of UpcomingStep."""

# A step is often moved about while it is being scheduled; the archives hear of it once.
SETTLED_AFTER_SECONDS = 30.0


def prefetch_soon(tx: Transaction, fact: Mapping[str, Any]) -> None:
    """React to StepScheduled and PatientArrived: fetch priors, if a rule is about such a step."""
    step = UpcomingStep(
        str(fact.get("patient_id") or ""),
        str(fact.get("issuer_of_patient_id") or ""),
        str(fact.get("modality") or ""),
        str(fact.get("procedure_description") or ""),
        str(fact.get("body_part") or ""),
        str(fact.get("laterality") or ""),
        str(fact.get("study_instance_uid") or ""),
    )
    if not step.patient_id or rule_for(repository.list_prefetch_rules(tx, only_active=True), step) is None:
        return
    payload = {name: getattr(step, name) for name in UpcomingStep.__slots__}
    key = f"{PREFETCH_PRIORS}:{fact['step_id']}"
    enqueue(tx, PREFETCH_PRIORS, payload, unique_key=key, delay_seconds=SETTLED_AFTER_SECONDS)


def postpone_prefetch(database: Database, payload: Mapping[str, Any], delay_seconds: float) -> None:
    """Ask for the same job again a little later: another one is fetching already."""
    with database.transaction() as tx:
        enqueue(tx, PREFETCH_PRIORS, payload, delay_seconds=delay_seconds)


def rule_for(rules: Iterable[PrefetchRule], step: UpcomingStep) -> PrefetchRule | None:
    """The first rule that is about such a step."""
    return next((rule for rule in rules if is_for(rule.wanted, step)), None)


def get_prefetch_rule_for(database: Database, actor: Actor, step: UpcomingStep) -> PrefetchRule | None:
    """The active rule that counts for the step, None if there is none."""
    actor.must(Permission.REMOTE_QUERY)
    with database.read() as tx:
        return rule_for(repository.list_prefetch_rules(tx, only_active=True), step)


def choose_priors(
    database: Database, actor: Actor, rule: PrefetchRule, step: UpcomingStep, candidates: list[Candidate]
) -> list[Prior]:
    """Which of the candidates to fetch, best first: the rule's number of them, less those that are here."""
    actor.must(Permission.REMOTE_QUERY)
    today: date = database.clock.now().date()
    chosen = relevant_priors(candidates, step, rule.wanted, today)
    with database.read() as tx:
        here = held_studies(tx, [prior.study_instance_uid for prior in chosen])
    return [prior for prior in chosen if prior.study_instance_uid not in here]


def begin_prefetch(
    database: Database, actor: Actor, rule: PrefetchRule, study_instance_uid: str, source_ae_title: str
) -> None:
    """Note, before the archive is asked to send it, that a study comes at our own wish; one audit record."""
    actor.must(Permission.REMOTE_QUERY)
    with database.transaction() as tx:
        repository.begin_prefetch(tx, study_instance_uid, source_ae_title)
        details = {"prefetch_from": source_ae_title, "rule": rule.name}
        record(
            tx, actor, AuditEvent.IMPORT, action="E", study_instance_uid=study_instance_uid, details=details
        )


def end_prefetch(database: Database, actor: Actor, study_instance_uid: str) -> None:
    """Note that no more of it is under way, whether it came or not."""
    actor.must(Permission.REMOTE_QUERY)
    with database.transaction() as tx:
        repository.end_prefetch(tx, study_instance_uid)
