"""`filmless send` and `filmless queue …`: send a study to a node, and see to what is queued.

Commands queue; the worker (`filmless serve`) sends. Translates; `features/routing` decides.
"""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from filmless.cli.common import console, opened_system
from filmless.features import access, routing
from filmless.features.routing import State, TransmissionFilter, TransmissionPriority
from filmless.infra.database import Database
from filmless.infra.errors import Invalid

OPERATOR = access.system_actor("command line")
ROWS_MAX = 200  # A few screenfuls; more is looked at in the web application.
COLOURS = {
    State.WAITING: "cyan",
    State.HELD: "yellow",
    State.SENDING: "blue",
    State.DONE: "green",
    State.PARKED: "red",
    State.CANCELLED: "dim",
}

Priority = Annotated[str, typer.Option(help="urgent, normal or low.")]

queue_app = typer.Typer(
    no_args_is_help=True, help="What waits to be sent, what failed, and another try for it."
)

# --- Sending -----------------------------------------------------------------------------------------------


def send(
    study_instance_uid: str,
    ae_title: str,
    series: Annotated[
        list[str] | None, typer.Option(help="Only this series, by its UID; may be repeated.")
    ] = None,
    priority: Priority = "normal",
    commit: Annotated[bool, typer.Option("--commit", help="Ask for storage commitment afterwards.")] = False,
    project: Annotated[str, typer.Option(help="De-identify for this project.")] = "",
) -> None:
    """Send a study to a node."""
    with opened_system() as system:
        request = routing.SendRequest(
            study_instance_uid,
            (ae_title,),
            tuple(series or ()),
            priority_named(priority),
            commit,
            project,
        )
        (queued,) = routing.send_study(system.database, OPERATOR, request)
        held = (
            " The node is paused: resume it with filmless queue resume." if queued.state is State.HELD else ""
        )
        console.print(
            f"Queued for {ae_title}: transmission {queued.id}, instances: {queued.instances}.{held}",
            highlight=False,
            markup=False,
        )


# --- The queue ---------------------------------------------------------------------------------------------


@queue_app.command("list")
def queue_list(
    state: Annotated[str | None, typer.Option(help=f"Only this state: {', '.join(State)}.")] = None,
    destination: Annotated[str, typer.Option(help="Only what goes to this node.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=ROWS_MAX, help="At most this many.")] = 50,
) -> None:
    """Show transmissions, newest first; without --state, all that are not done or cancelled."""
    with opened_system() as system:
        list_queue(system.database, state, destination, limit, console)


@queue_app.command("retry")
def queue_retry(
    transmission_id: Annotated[str | None, typer.Argument(help="From `filmless queue list`.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that are parked.")] = False,
    destination: Annotated[str, typer.Option(help="With --all: only those to this node.")] = "",
) -> None:
    """Try a transmission again now, or all parked ones."""
    with opened_system() as system:
        if (transmission_id is None) != every:
            raise Invalid("Name one transmission, or say --all.")
        if transmission_id is None:
            retried = routing.retry_parked(system.database, OPERATOR, destination)
            console.print(f"{retried} transmissions will be tried again.")
        else:
            routing.retry_transmission(system.database, OPERATOR, transmission_id)
            console.print("It will be tried again now.")


@queue_app.command("cancel")
def queue_cancel(transmission_id: str) -> None:
    """Send no more of a transmission; what has arrived stays there."""
    with opened_system() as system:
        found = routing.cancel_transmission(system.database, OPERATOR, transmission_id)
        console.print(
            f"Cancelled; instances sent before: {found.instances_sent} of {found.instances}.", highlight=False
        )


@queue_app.command("priority")
def queue_priority(transmission_id: str, priority: str) -> None:
    """Change when a transmission's turn comes: urgent, normal or low."""
    with opened_system() as system:
        wanted = priority_named(priority)
        routing.change_priority(system.database, OPERATOR, transmission_id, wanted)
        console.print(f"Its priority is {wanted.name.lower()} now.")


@queue_app.command("pause")
def queue_pause(ae_title: Annotated[str, typer.Argument(help="Nothing: the whole queue.")] = "") -> None:
    """Send nothing more to a node, or to anybody, until it is resumed."""
    with opened_system() as system:
        routing.pause_queue(system.database, OPERATOR, ae_title)
        console.print(f"{ae_title or 'The whole queue'} is paused.", highlight=False, markup=False)


@queue_app.command("resume")
def queue_resume(ae_title: Annotated[str, typer.Argument(help="Nothing: the whole queue.")] = "") -> None:
    """Send again to a node, or to everybody who is not paused by itself."""
    with opened_system() as system:
        routing.resume_queue(system.database, OPERATOR, ae_title)
        console.print(f"{ae_title or 'The whole queue'} is resumed.", highlight=False, markup=False)


def list_queue(database: Database, state: str | None, destination: str, limit: int, out: Console) -> None:
    """Print a table of transmissions, and a line for each node that is paused, unreachable or waited for."""
    if state is not None and state not in set(State):
        raise Invalid(f"There is no state {state!r}. The states are: {', '.join(State)}.")
    unfinished = tuple(one for one in State if one not in (State.DONE, State.CANCELLED))
    states = unfinished if state is None else (State(state),)
    wanted = TransmissionFilter(states, destination)
    rows, total = routing.find_transmissions(database, OPERATOR, wanted, limit, 0)
    if rows:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("id", "to", "state", "priority", "sent", "tries", "asked by", "last error"):
            table.add_column(title, no_wrap=title not in ("asked by", "last error"), overflow="fold")
        for row in rows:
            colour = COLOURS[row.state]
            table.add_row(
                row.id,
                escape(row.destination),
                f"[{colour}]{row.state}[/{colour}]",
                row.priority.name.lower(),
                f"{row.instances_sent}/{row.instances}",
                str(row.attempts),
                escape(row.asked_by),
                escape(row.last_error),
            )
        out.print(table)
        out.print(f"{len(rows)} of {total} shown.", style="dim")
    else:
        out.print("Nothing waits to be sent." if state is None else f"No transmission is {state}.")
    _print_destinations(database, out)


def _print_destinations(database: Database, out: Console) -> None:
    overview = routing.get_overview(database, OPERATOR)
    if overview.is_paused:
        out.print("[yellow]The whole queue is paused:[/yellow] filmless queue resume.")
    for row in overview.destinations:
        if row.is_paused:
            title = escape(row.ae_title)
            out.print(f"[yellow]{title} is paused:[/yellow] filmless queue resume {title}.")
        elif row.failures and row.next_try_at is not None:
            at = f"{row.next_try_at:%H:%M:%S} UTC"
            out.print(f"[red]{escape(row.ae_title)} does not answer[/red]; next try at {at}.")


def priority_named(text: str) -> TransmissionPriority:
    """The priority as people type it; raises Invalid."""
    try:
        return TransmissionPriority[text.upper()]
    except KeyError:
        raise Invalid(f"There is no priority {text!r}; there are urgent, normal and low.") from None
