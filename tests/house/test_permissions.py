"""Every verb asks for a permission, every permission is asked for, every route asks who is there."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from source_tree import Function, depth, exported, features, hold, modules
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient

from filmless.features.access import Permission
from filmless.infra.database import Database
from frozen_clock import FrozenClock
from web_installation import an_installation

# What takes an actor and asks nothing of it.
ASKS_NOTHING = {
    "filmless.features.audit.record": "writes down who acted; the verb that calls it has asked",
}

# What reaches into the installation and takes no actor.
ACTS_FOR_NOBODY = {
    "filmless.features.access.actor_of_token": "makes the actor",
    "filmless.features.access.recent_token_actor": "makes the actor",
    "filmless.features.access.get_session": "makes the actor: knowing the secret is the right",
    "filmless.features.access.recent_session": "makes the actor: knowing the secret is the right",
    "filmless.features.access.end_session": "one's own, by its secret",
    "filmless.features.access.change_own_password": "one's own, by the current password",
    "filmless.features.access.sign_in": "nobody is signed in yet; password and lock-out guard it",
    "filmless.features.access.setup_is_needed": "the screen before the first user exists",
    "filmless.features.access.create_setup_token": "the console, before the first user exists",
    "filmless.features.access.complete_setup": "the first-run link is the right",
    "filmless.features.nodes.find_node": "a door asks who calls, before there is an actor",
    "filmless.features.nodes.get_node": "a door asks who calls, before there is an actor",
    "filmless.features.nodes.list_bound_certificates": "the TLS port asks whom to trust before anybody spoke",
    "filmless.features.nodes.note_refusals": "a door writes down whom it turned away",
    "filmless.features.patients.identify_or_register": "inside the transaction of a verb that has asked",
    "filmless.features.patients.complete_demographics": "inside the transaction of a verb that has asked",
    "filmless.features.archive.part10_chunks": "sends what a verb with an actor has found",
    "filmless.features.archive.stored_chunks": "sends what a verb with an actor has found",
    "filmless.features.archive.prepare_series": "a job of ours",
    "filmless.features.archive.prepare_series_soon": "a reaction of ours, inside its transaction",
    "filmless.features.archive.begin_pull": "a job of ours, asked for by a person with the permission",
    "filmless.features.archive.end_pull_attempt": "the same job",
    "filmless.features.archive.note_pull_progress": "the same job",
    "filmless.features.archive.postpone_pull": "the same job",
    "filmless.features.archive.sweep_orphans": "a job of ours",
    "filmless.features.archive.sweep_orphans_soon": "a job of ours",
    "filmless.features.routing.route_study_soon": "a reaction of ours, inside its transaction",
    "filmless.features.routing.prefetch_soon": "a reaction of ours, inside its transaction",
    "filmless.features.routing.postpone_prefetch": "a job of ours",
    "filmless.features.routing.wake_transmissions": "a job of ours",
    "filmless.features.routing.wake_later": "a job of ours",
    "filmless.features.routing.trim_transmissions": "a job of ours",
    "filmless.features.routing.trim_transmissions_soon": "a job of ours",
    "filmless.features.scheduling.find_referenced_steps": "inside the transaction of a verb that has asked",
    "filmless.features.scheduling.lock_steps": "inside the transaction of a verb that has asked",
    "filmless.features.scheduling.record_progress": "inside the transaction of a verb that has asked",
    "filmless.features.commitment.announce_availability_soon": "a reaction of ours, inside its transaction",
    "filmless.features.commitment.tend_commitments": "a job of ours",
    "filmless.features.commitment.tend_commitments_soon": "a job of ours",
}
STATE = {"Database", "Transaction", "Access", "Archive", "ReadableArchive", "ObjectStore"}

# Paths that answer to a stranger, below no guard.
OPEN_PATHS = {
    "/healthz": "supervisors and load balancers; names parts of ours only",
    "/readyz": "the same",
    "/metrics": "collectors; numbers only",
    "/viewer": "files of the viewer, the same for everybody",
    "/": "files of the web application, the same for everybody",
    "/api/openapi.json": "the description of the interface, no data",
}
OPEN_VERBS = {("POST", "/api/session"), ("GET", "/api/setup"), ("POST", "/api/setup")}


def offered_verbs() -> Iterator[tuple[str, str, Function]]:
    """Feature, qualified name and definition of every function and public method that a feature offers."""
    for feature in features():
        for name, (_, definition) in exported(feature).items():
            if isinstance(definition, Function):
                yield feature, f"{feature}.{name}", definition
            elif isinstance(definition, ast.ClassDef):
                for method in definition.body:
                    if isinstance(method, Function) and not method.name.startswith("_"):
                        yield feature, f"{feature}.{name}.{method.name}", method


def annotations(function: Function) -> set[str]:
    taken = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    return {ast.unparse(argument.annotation) for argument in taken if argument.annotation}


def asks(function: Function) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "must"
        for node in ast.walk(function)
    )


def calls(function: Function) -> set[str]:
    return {
        ast.unparse(node.func).split(".")[-1] for node in ast.walk(function) if isinstance(node, ast.Call)
    }


def functions_that_ask(feature: str) -> set[str]:
    return {
        function.name
        for each in modules()
        if each.name.startswith(feature + ".")
        for function in each.functions
        if asks(function)
    }


def test_every_verb_that_takes_an_actor_asks_it_for_a_permission() -> None:
    hold(
        (
            name
            for feature, name, function in offered_verbs()
            if "Actor" in annotations(function)
            and name not in ASKS_NOTHING
            and not asks(function)
            and not calls(function) & functions_that_ask(feature)
        ),
        "begin the verb with actor.must(Permission.…), or call one that does.",
    )


def test_every_verb_takes_an_actor() -> None:
    hold(
        (
            name
            for _, name, function in offered_verbs()
            if annotations(function) & STATE
            and "Actor" not in annotations(function)
            and name not in ACTS_FOR_NOBODY
        ),
        "take the Actor and ask it for a permission. What acts before there is one, inside another verb or "
        "as a job of ours is listed in ACTS_FOR_NOBODY with the reason.",
    )


def test_every_listed_exception_is_needed() -> None:
    verbs = {name: function for _, name, function in offered_verbs()}
    hold(
        (
            name
            for name in (*ASKS_NOTHING, *ACTS_FOR_NOBODY)
            if name not in verbs or (name in ACTS_FOR_NOBODY and "Actor" in annotations(verbs[name]))
        ),
        "strike it off the list.",
    )


def test_every_permission_is_asked_for_by_some_verb() -> None:
    asked = {
        ast.unparse(argument).split(".")[-1]
        for each in modules()
        if depth(each.name) > 2
        for node in each.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "must"
        for argument in node.args
    }
    hold({each.name for each in Permission} - asked, "delete the permission, or let the verb ask for it.")


@pytest.fixture
def whole_application(sqlite_database: Database, clock: FrozenClock, tmp_path: Path) -> Starlette:
    """Everything that HTTP reaches, as `compose` wires it; the sandbox is never called."""
    from filmless.compose.web import create_web_app
    from filmless.infra.sandbox import Sandbox

    return create_web_app(an_installation(sqlite_database, clock, tmp_path), Sandbox(workers=1))


def routes(within: list[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of every route, down through what is mounted."""
    for each in within:
        if isinstance(each, Mount) and isinstance(each.app, FastAPI):
            for path, methods in each.app.openapi()["paths"].items():
                yield from ((method.upper(), each.path + path) for method in methods)
            yield from routes([route for route in each.app.routes if isinstance(route, Route)], each.path)
        elif isinstance(each, Mount) and getattr(each.app, "routes", None):
            yield from routes(each.app.routes, prefix + each.path)  # type: ignore[attr-defined]
        elif isinstance(each, Mount):
            yield "GET", prefix + each.path or "/"
        elif isinstance(each, Route):
            yield from ((method, prefix + each.path) for method in each.methods or {"GET"})
        else:
            pytest.fail(f"A route of an unknown kind: {each!r}. Teach this test to walk it.")


def test_every_route_asks_who_is_there(whole_application: Starlette) -> None:
    walked = {
        (method, path) for method, path in routes(list(whole_application.routes)) if path not in OPEN_PATHS
    }
    assert len([path for _, path in walked if path.startswith("/dicom-web")]) > 10
    assert len([path for _, path in walked if path.startswith("/api")]) > 8
    client = TestClient(whole_application, "http://pacs.test", raise_server_exceptions=False)
    hold(
        (
            f"{method} {path}: {status}"
            for method, path in walked - OPEN_VERBS
            if (status := status_for_a_stranger(client, method, path)) != 401
        ),
        "make the application with `guarded(...)` (edge/http/stack.py). What strangers may see is listed in "
        "OPEN_PATHS with the reason.",
    )


def status_for_a_stranger(client: TestClient, method: str, path: str) -> int:
    filled = "/".join("1" if part.startswith("{") else part for part in path.split("/"))
    answer: Any = client.request(method, filled)
    return int(answer.status_code)
