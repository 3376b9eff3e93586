"""Routing rules, prefetch rules and de-identification projects: lists, changes, and a dry run."""

from dataclasses import asdict, replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from filmless.edge.api.routing import answers, context_of
from filmless.edge.api.routing_schemas import (
    DryRunOut,
    PrefetchRuleIn,
    PrefetchRuleOut,
    PrefetchRulesOut,
    ProjectIn,
    ProjectOut,
    ProjectsOut,
    RuleIn,
    RuleOut,
    RulesOut,
    TimeWindow,
    TryRule,
)
from filmless.edge.api.schemas import PathText
from filmless.edge.http.identity import actor_of
from filmless.edge.http.responses import json_response
from filmless.features import routing
from filmless.features.routing import WEEKDAYS
from filmless.standards.dicom.deidentification import Option

router = APIRouter(tags=["routing"])


# --- Routing rules -----------------------------------------------------------------------------------------


@router.get("/routing-rules", **answers(200, RulesOut, "All rules", 401, 403))
def list_rules(request: Request) -> Response:
    """All routing rules in the order in which they count."""
    found = routing.list_rules(context_of(request).database, actor_of(request))
    return json_response({"rules": [_rule(rule) for rule in found]})


@router.post("/routing-rules", **answers(201, RuleOut, "Added", 400, 401, 403, 404, 409, 429))
def add_rule(request: Request, body: RuleIn) -> Response:
    """Add a routing rule."""
    made = routing.add_rule(context_of(request).database, actor_of(request), _new_rule(body))
    return json_response(_rule(made), 201)


@router.post("/routing-rules/try", **answers(200, DryRunOut, "What it would do", 400, 401, 403, 404))
def try_rule(request: Request, body: TryRule) -> Response:
    """Hold a rule, kept or not, to a study; nothing is sent."""
    context = context_of(request)
    new = _new_rule(body.rule)
    uid, zone = body.study_instance_uid, context.settings.zone
    return json_response(asdict(routing.try_rule(context.database, actor_of(request), new, uid, zone)))


@router.put("/routing-rules/{rule_id}", **answers(200, RuleOut, "Changed", 400, 401, 403, 404, 409))
def change_rule(request: Request, rule_id: PathText, body: RuleIn) -> Response:
    """Make a rule what the body says, all of it."""
    changed = routing.change_rule(context_of(request).database, actor_of(request), rule_id, _new_rule(body))
    return json_response(_rule(changed))


@router.delete("/routing-rules/{rule_id}", **answers(204, None, "Removed", 401, 403, 404))
def remove_rule(request: Request, rule_id: PathText) -> Response:
    """Let a rule count no more; it can be restored."""
    routing.remove_rule(context_of(request).database, actor_of(request), rule_id)
    return Response(status_code=204)


@router.post("/routing-rules/{rule_id}/restore", **answers(200, RuleOut, "Restored", 401, 403, 404, 409))
def restore_rule(request: Request, rule_id: PathText) -> Response:
    """Undo the removal of a rule."""
    return json_response(
        _rule(routing.restore_rule(context_of(request).database, actor_of(request), rule_id))
    )


# --- Prefetch rules ----------------------------------------------------------------------------------------


@router.get("/prefetch-rules", **answers(200, PrefetchRulesOut, "All rules", 401, 403))
def list_prefetch_rules(request: Request) -> Response:
    """All prefetch rules in the order in which they count."""
    found = routing.list_prefetch_rules(context_of(request).database, actor_of(request))
    return json_response({"rules": [_prefetch_rule(rule) for rule in found]})


@router.post("/prefetch-rules", **answers(201, PrefetchRuleOut, "Added", 400, 401, 403, 409, 429))
def add_prefetch_rule(request: Request, body: PrefetchRuleIn) -> Response:
    """Add a prefetch rule."""
    new = _new_prefetch_rule(body)
    made = routing.add_prefetch_rule(context_of(request).database, actor_of(request), new)
    return json_response(_prefetch_rule(made), 201)


@router.put("/prefetch-rules/{rule_id}", **answers(200, PrefetchRuleOut, "Changed", 400, 401, 403, 404, 409))
def change_prefetch_rule(request: Request, rule_id: PathText, body: PrefetchRuleIn) -> Response:
    """Make a rule what the body says, all of it."""
    new = _new_prefetch_rule(body)
    changed = routing.change_prefetch_rule(context_of(request).database, actor_of(request), rule_id, new)
    return json_response(_prefetch_rule(changed))


@router.delete("/prefetch-rules/{rule_id}", **answers(204, None, "Removed", 401, 403, 404))
def remove_prefetch_rule(request: Request, rule_id: PathText) -> Response:
    """Fetch no more by this rule; it can be restored."""
    routing.remove_prefetch_rule(context_of(request).database, actor_of(request), rule_id)
    return Response(status_code=204)


@router.post(
    "/prefetch-rules/{rule_id}/restore", **answers(200, PrefetchRuleOut, "Restored", 401, 403, 404, 409)
)
def restore_prefetch_rule(request: Request, rule_id: PathText) -> Response:
    """Undo the removal of a rule."""
    restored = routing.restore_prefetch_rule(context_of(request).database, actor_of(request), rule_id)
    return json_response(_prefetch_rule(restored))


# --- Projects ----------------------------------------------------------------------------------------------


@router.get("/deidentification-projects", **answers(200, ProjectsOut, "All projects", 401, 403))
def list_projects(request: Request) -> Response:
    """All de-identification projects by name."""
    found = routing.list_projects(context_of(request).database, actor_of(request))
    return json_response({"projects": [_project(project) for project in found]})


@router.post("/deidentification-projects", **answers(201, ProjectOut, "Added", 400, 401, 403, 409))
def add_project(request: Request, body: ProjectIn) -> Response:
    """Add a de-identification project; it is never removed, for what was sent names it."""
    options = [Option[name.upper()] for name in body.options]
    made = routing.add_project(context_of(request).database, actor_of(request), body.name, options)
    return json_response(_project(made), 201)


# --- Translation -------------------------------------------------------------------------------------------


def _new_rule(body: RuleIn) -> routing.NewRule:
    window = body.send_within
    delivery = routing.Delivery(
        tuple(body.destinations),
        routing.Scope(body.scope),
        body.quiet_seconds,
        None if window is None else _window_in(window),
        routing.TransmissionPriority[body.priority.upper()],
        body.request_commitment,
        body.project,
    )
    window = body.received_within
    conditions = replace(
        routing.Conditions(),
        received_within=None if window is None else _window_in(window),
        **{name: tuple(getattr(body, name)) for name in routing.PATTERN_CONDITIONS},
    )
    return routing.NewRule(body.name, delivery, conditions, body.is_active, body.position)


def _window_in(body: TimeWindow) -> routing.TimeWindow:
    weekdays = tuple(WEEKDAYS.index(day) for day in body.weekdays)
    return routing.TimeWindow(body.begins_at, body.ends_at, weekdays)


def _window_out(window: routing.TimeWindow | None) -> dict[str, Any] | None:
    if window is None:
        return None
    weekdays = [WEEKDAYS[day] for day in window.weekdays]
    return {"begins_at": window.begins_at, "ends_at": window.ends_at, "weekdays": weekdays}


def _rule(rule: routing.Rule) -> dict[str, Any]:
    delivery = rule.delivery
    return {
        "id": rule.id,
        "name": rule.name,
        "is_active": rule.is_active,
        "position": rule.position,
        **{name: list(getattr(rule.conditions, name)) for name in routing.PATTERN_CONDITIONS},
        "received_within": _window_out(rule.conditions.received_within),
        "destinations": list(delivery.destinations),
        "scope": delivery.scope.value,
        "quiet_seconds": delivery.quiet_seconds,
        "send_within": _window_out(delivery.send_within),
        "priority": delivery.priority.name.lower(),
        "request_commitment": delivery.request_commitment,
        "project": delivery.project,
        "created_at": rule.created_at,
        "updated_at": rule.updated_at,
    }


def _new_prefetch_rule(body: PrefetchRuleIn) -> routing.NewPrefetchRule:
    wanted = routing.Wanted(
        tuple(body.archives),
        tuple(body.modalities),
        tuple(body.procedures),
        body.priors_max,
        body.years_max,
        body.same_modality_only,
        body.same_body_part_only,
    )
    return routing.NewPrefetchRule(body.name, wanted, body.is_active, body.position)


def _prefetch_rule(rule: routing.PrefetchRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "is_active": rule.is_active,
        "position": rule.position,
        **asdict(rule.wanted),
        "created_at": rule.created_at,
        "updated_at": rule.updated_at,
    }


def _project(project: routing.ProjectRow) -> dict[str, Any]:
    options = [option.name.lower() for option in project.options]
    return {"name": project.name, "options": options, "created_at": project.created_at}
