"""`filmless check`: what is wrong between a node and us, and which side to change."""

from typing import Annotated

import typer
from rich.markup import escape

from filmless.cli.common import console, opened_system
from filmless.edge.dimse.connection_words import TITLES, State
from filmless.edge.dimse.our_side import OurSide
from filmless.edge.dimse.remote import RemoteArchives
from filmless.features import access

OPERATOR = access.system_actor("command line")
SIGNS = {
    State.WELL: "[green]well[/]   ",
    State.LOOK: "[yellow]look[/]   ",
    State.ILL: "[bold red]ill[/]    ",
    State.SKIPPED: "[dim]skipped[/]",
}


def check(
    ae_title: str,
    store: Annotated[
        bool,
        typer.Option("--store", help="Send a test image there too, and have it sent back. It stays there."),
    ] = False,
) -> None:
    """Examine the connection with a node, both ways, step by step."""
    with opened_system() as system:
        doctor = RemoteArchives(OurSide.of(system.settings, system.archive))
        ill = False
        for finding in doctor.check_connection(OPERATOR, ae_title, may_store=store):
            console.print(f"{SIGNS[finding.state]} [bold]{TITLES[finding.step]}[/]: {escape(finding.seen)}")
            if finding.advice:
                console.print(f"        → {escape(finding.advice)}", highlight=False)
            ill = ill or finding.state is State.ILL
    if ill:
        raise typer.Exit(1)
