"""`filmless route …` and `filmless project …`: rules that send studies by themselves, and without names.

Not here: what they have queued (`transmissions`). Translates; `features/routing` decides.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from filmless.cli.common import console, opened_system
from filmless.cli.transmissions import Priority, priority_named
from filmless.features import access, routing
from filmless.features.routing import WEEKDAYS, TimeWindow, TransmissionPriority
from filmless.infra.database import Database
from filmless.infra.errors import Invalid, NotFound
from filmless.standards.dicom.deidentification import Option

OPERATOR = access.system_actor("command line")
WORKING_DAYS, WEEKEND = (0, 1, 2, 3, 4), (5, 6)

Texts = list[str] | None
Patterns = "Patterns with * and ?; several by repeating the option."

route_app = typer.Typer(no_args_is_help=True, help="Rules: which studies go to which nodes by themselves.")
project_app = typer.Typer(no_args_is_help=True, help="Projects for which studies are sent de-identified.")


# --- Routing rules -----------------------------------------------------------------------------------------


@route_app.command("list")
def route_list() -> None:
    """Show all rules in the order in which they count."""
    with opened_system() as system:
        list_rules(system.database, console)


@route_app.command("add")
def route_add(
    name: str,
    destinations: Annotated[list[str], typer.Argument(help="AE titles of the nodes to send to.")],
    *,
    from_ae_title: Annotated[Texts, typer.Option("--from", help=f"Senders. {Patterns}")] = None,
    modality: Annotated[Texts, typer.Option(help="Modalities, as CT.")] = None,
    station: Annotated[Texts, typer.Option(help=f"Station names. {Patterns}")] = None,
    study: Annotated[Texts, typer.Option(help=f"Study descriptions. {Patterns}")] = None,
    series: Annotated[Texts, typer.Option(help=f"Series descriptions. {Patterns}")] = None,
    physician: Annotated[Texts, typer.Option(help=f"Referring physicians. {Patterns}")] = None,
    body_part: Annotated[Texts, typer.Option(help="Body parts, as CHEST.")] = None,
    received: Annotated[str, typer.Option(help="Only studies received then: 20:00-06:00, and days.")] = "",
    send_at: Annotated[
        str, typer.Option(help="Send then only: 20:00-06:00, 'weekend', 'mon-fri 18:00-06:00'.")
    ] = "",
    only_series: Annotated[bool, typer.Option("--only-series", help="Send matching series only.")] = False,
    quiet_seconds: Annotated[int, typer.Option(help="Wait until the study has not grown for so long.")] = 60,
    priority: Priority = "normal",
    position: Annotated[int, typer.Option(help="Rules count from the lowest to the highest.")] = 100,
    commit: Annotated[bool, typer.Option("--commit", help="Ask for storage commitment afterwards.")] = False,
    project: Annotated[str, typer.Option(help="De-identify for this project.")] = "",
) -> None:
    """Add a rule: what meets all conditions is sent to these nodes."""
    with opened_system() as system:
        lists = (from_ae_title, modality, station, study, series, physician, body_part)
        patterns = (tuple(given or ()) for given in lists)
        conditions = replace(
            routing.Conditions(),
            received_within=parse_window(received),
            **dict(zip(routing.PATTERN_CONDITIONS, patterns, strict=True)),
        )
        delivery = routing.Delivery(
            tuple(destinations),
            routing.Scope.SERIES if only_series else routing.Scope.STUDY,
            quiet_seconds,
            parse_window(send_at),
            priority_named(priority),
            commit,
            project,
        )
        new = routing.NewRule(name, delivery, conditions, position=position)
        rule = routing.add_rule(system.database, OPERATOR, new)
        console.print(f"Added the rule {rule.name}.", highlight=False, markup=False)


@route_app.command("remove")
def route_remove(name: str) -> None:
    """Let a rule count no more; filmless route restore brings it back."""
    with opened_system() as system:
        rule = rule_named(system.database, name)
        routing.remove_rule(system.database, OPERATOR, rule.id)
        console.print(f"Removed. To undo: filmless route restore {rule.id}", highlight=False, markup=False)


@route_app.command("restore")
def route_restore(rule_id: str) -> None:
    """Bring a removed rule back, by the id that was printed when it was removed."""
    with opened_system() as system:
        rule = routing.restore_rule(system.database, OPERATOR, rule_id)
        console.print(f"The rule {rule.name} counts again.", highlight=False, markup=False)


@route_app.command("test")
def route_test(name: str, study_instance_uid: str) -> None:
    """Say what a rule would do with a study; nothing is sent."""
    with opened_system() as system:
        rule = rule_named(system.database, name)
        new = routing.NewRule(rule.name, rule.delivery, rule.conditions)
        zone = system.settings.zone
        found = routing.try_rule(system.database, OPERATOR, new, study_instance_uid, zone)
        print_dry_run(found, console)


def list_rules(database: Database, out: Console) -> None:
    """Print a table of rules."""
    rules = routing.list_rules(database, OPERATOR)
    if not rules:
        out.print("There is no rule: nothing is sent by itself. Add one with filmless route add.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("name", "active", "when", "to", "how"):
        table.add_column(title, overflow="fold")
    for rule in rules:
        destinations = ", ".join(rule.delivery.destinations)
        active = "yes" if rule.is_active else "no"
        table.add_row(
            *map(escape, (rule.name, active, _conditions_in_words(rule.conditions), destinations)),
            escape(_delivery_in_words(rule.delivery)),
        )
    out.print(table)


def print_dry_run(found: routing.DryRun, out: Console) -> None:
    """Print which series match, and why the others do not."""
    for one in found.series_list:
        failed = ", ".join(name.replace("_", " ") for name in one.failed_conditions)
        verdict = f"[red]no[/red]: {failed}" if failed else "[green]matches[/green]"
        out.print(f"{escape(one.modality)} {escape(one.series_description) or 'series'}: {verdict}")
    if not found.instances:
        out.print("Nothing would be sent.")
    for destination, instances in found.instances.items():
        out.print(f"To {escape(destination)} would go: {instances} of its instances.", highlight=False)


def rule_named(database: Database, name: str) -> routing.Rule:
    """The rule of that name; raises NotFound."""
    for rule in routing.list_rules(database, OPERATOR):
        if rule.name == name:
            return rule
    raise NotFound(f"There is no rule {name!r}. filmless route list shows all.")


# --- Projects ---------------------------------------------------------------------------------------------


@project_app.command("add")
def project_add(
    name: str,
    keep: Annotated[
        Texts,
        typer.Option(help=f"What is kept or shifted: {', '.join(one.name.lower() for one in Option)}."),
    ] = None,
) -> None:
    """Add a project; its secret is made here, and the same patient is the same pseudonym throughout it."""
    with opened_system() as system:
        known = {option.name.lower(): option for option in Option}
        unknown = [text for text in keep or () if text not in known]
        if unknown:
            raise Invalid(f"There is no option {unknown[0]!r}. The options are: {', '.join(known)}.")
        options = [known[text] for text in keep or ()]
        project = routing.add_project(system.database, OPERATOR, name, options)
        console.print(f"Added the project {project.name}.", highlight=False, markup=False)


@project_app.command("list")
def project_list() -> None:
    """Show all projects."""
    with opened_system() as system:
        table = Table("Name", "Options")
        for project in routing.list_projects(system.database, OPERATOR):
            table.add_row(escape(project.name), ", ".join(one.name.lower() for one in project.options))
        console.print(table)


# --- Words -------------------------------------------------------------------------------------------------


def parse_window(text: str) -> TimeWindow | None:
    """A time window as people type it: `[days] [HH:MM-HH:MM]`, days being mon, mon-fri, sat,sun or weekend.

    None for nothing; raises Invalid.
    """
    weekdays: tuple[int, ...] | None = None
    hours: tuple[str, str] | None = None
    for word in text.lower().split():
        if ":" in word and word.count("-") == 1 and hours is None:
            begins_at, ends_at = word.split("-")
            hours = (begins_at, ends_at)
        elif weekdays is None:
            weekdays = _weekdays(word)
        else:
            raise Invalid(f"{text!r} is no time window. Write it as: mon-fri 20:00-06:00.")
    if hours is None and weekdays is None:
        return None
    return TimeWindow(*(hours or ("00:00", "00:00")), weekdays or tuple(range(7)))


def _weekdays(word: str) -> tuple[int, ...]:
    if word == "weekend":
        return WEEKEND
    found: list[int] = []
    for part in word.split(","):
        first, dash, last = part.partition("-")
        start, end = _weekday(first), _weekday(last if dash else first)
        found += [(start + step) % 7 for step in range((end - start) % 7 + 1)]
    return tuple(found)


def _weekday(word: str) -> int:
    for number, name in enumerate(WEEKDAYS):
        if len(word) >= 2 and name.startswith(word):
            return number
    raise Invalid(f"{word!r} is no weekday. Write it as mon, tue, wed, thu, fri, sat or sun.")


def _window_in_words(window: TimeWindow) -> str:
    days = {tuple(range(7)): "", WORKING_DAYS: "Mon-Fri ", WEEKEND: "weekend "}
    said = days.get(window.weekdays, ",".join(WEEKDAYS[day][:3].title() for day in window.weekdays) + " ")
    hours = "all day" if window.begins_at == window.ends_at else f"{window.begins_at}-{window.ends_at}"
    return said + hours


def _conditions_in_words(conditions: routing.Conditions) -> str:
    def listed(name: str, patterns: Sequence[str]) -> str:
        return f"{name.replace('_', ' ')}: {' or '.join(patterns)}"

    words = [
        listed(name, patterns)
        for name in routing.PATTERN_CONDITIONS
        if (patterns := getattr(conditions, name))
    ]
    if conditions.received_within is not None:
        words.append(f"received {_window_in_words(conditions.received_within)}")
    return "; ".join(words) or "everything"


def _delivery_in_words(delivery: routing.Delivery) -> str:
    words = [
        "whole study" if delivery.scope is routing.Scope.STUDY else "matching series",
        f"after {delivery.quiet_seconds} s of quiet",
    ]
    if delivery.priority is not TransmissionPriority.NORMAL:
        words.append(delivery.priority.name.lower())
    if delivery.send_within is not None:
        words.append(f"sent {_window_in_words(delivery.send_within)}")
    if delivery.project:
        words.append(f"de-identified for {delivery.project}")
    if delivery.request_commitment:
        words.append("with commitment")
    return ", ".join(words)
