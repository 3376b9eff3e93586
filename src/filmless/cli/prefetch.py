"""`filmless prefetch …`: rules for fetching earlier studies before an exam.

Translates; `features/routing` decides, and the worker (`filmless serve`) fetches.
"""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from filmless.cli.common import console, opened_system
from filmless.features import access, routing
from filmless.infra.errors import NotFound

OPERATOR = access.system_actor("command line")

Texts = list[str] | None

prefetch_app = typer.Typer(no_args_is_help=True, help="Which earlier studies are fetched before an exam.")


@prefetch_app.command("list")
def prefetch_list() -> None:
    """Show all prefetch rules in the order in which they count."""
    with opened_system() as system:
        rules = routing.list_prefetch_rules(system.database, OPERATOR)
        table = Table("Name", "Exams", "From", "At most", "Not older than")
        for rule in rules:
            wanted = rule.wanted
            exams = ", ".join((*wanted.modalities, *wanted.procedures)) or "all"
            texts = (rule.name, exams, ", ".join(wanted.archives))
            table.add_row(*map(escape, texts), f"{wanted.priors_max} studies", f"{wanted.years_max} years")
        console.print(table if rules else "There is no prefetch rule.")


@prefetch_app.command("add")
def prefetch_add(
    name: str,
    archives: Annotated[list[str], typer.Argument(help="AE titles of the archives to ask, in this order.")],
    *,
    modality: Annotated[Texts, typer.Option(help="For exams of these modalities.")] = None,
    procedure: Annotated[Texts, typer.Option(help="For these procedures. Patterns with * and ?.")] = None,
    priors_max: Annotated[int, typer.Option(help="So many studies at most.")] = 3,
    years_max: Annotated[int, typer.Option(help="None older than that.")] = 5,
    same_modality: Annotated[
        bool, typer.Option("--same-modality", help="Of the same modality only.")
    ] = False,
    any_body_part: Annotated[bool, typer.Option("--any-body-part", help="Of other body parts too.")] = False,
) -> None:
    """Add a rule: before such an exam these archives are asked for earlier studies that matter."""
    with opened_system() as system:
        wanted = routing.Wanted(
            tuple(archives),
            tuple(modality or ()),
            tuple(procedure or ()),
            priors_max,
            years_max,
            same_modality,
            not any_body_part,
        )
        rule = routing.add_prefetch_rule(system.database, OPERATOR, routing.NewPrefetchRule(name, wanted))
        console.print(f"Added the prefetch rule {rule.name}.", highlight=False, markup=False)


@prefetch_app.command("remove")
def prefetch_remove(name: str) -> None:
    """Fetch no more by a rule."""
    with opened_system() as system:
        for rule in routing.list_prefetch_rules(system.database, OPERATOR):
            if rule.name == name:
                routing.remove_prefetch_rule(system.database, OPERATOR, rule.id)
                console.print("Removed.")
                return
        raise NotFound(f"There is no prefetch rule {name!r}. filmless prefetch list shows all.")
