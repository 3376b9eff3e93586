"""`filmless commitment list|ask|retry` and `filmless availability …`: who answers for which instances.

Not here: asking and answering (`filmless serve`). Translates; `features/commitment` decides.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from filmless.cli.common import console, opened_system
from filmless.features import access, commitment
from filmless.features.commitment import (
    AskedState,
    CommitmentAsked,
    CommitmentReceived,
    ReceivedState,
)
from filmless.infra.database import Database
from filmless.infra.errors import Invalid, NotFound

OPERATOR = access.system_actor("command line")
TITLES = ("id", "node", "state", "instances", "failed", "tries", "last error")
ROWS_MAX = 200  # A few screenfuls; more is looked at in the web application.

commitment_app = typer.Typer(
    no_args_is_help=True, help="Storage commitment: asked of us by modalities, and by us of other archives."
)
availability_app = typer.Typer(
    no_args_is_help=True, help="Nodes that are told which studies can be retrieved."
)


@commitment_app.command("list")
def list_command(
    state: Annotated[
        str | None, typer.Option(help="Only this state, as the list names it: parked, overdue …")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=ROWS_MAX, help="At most this many of each kind.")] = 20,
) -> None:
    """Show requests in both directions, newest first."""
    with opened_system() as system:
        list_commitments(system.database, state, limit, console)


@commitment_app.command("show")
def show_command(
    request_id: Annotated[str, typer.Argument(help="Its id, from `filmless commitment list`.")],
) -> None:
    """Show which instances of a request are not committed, and why."""
    with opened_system() as system:
        show_failures(system.database, request_id, console)


@commitment_app.command("ask")
def ask_command(node_ae_title: str, study_instance_uid: str) -> None:
    """Ask a node to take responsibility for all that we hold of a study."""
    with opened_system() as system:
        request_id = commitment.ask_commitment_of_study(
            system.archive, OPERATOR, node_ae_title, study_instance_uid
        )
        console.print(f"{node_ae_title} will be asked: request {request_id}.", highlight=False, markup=False)


@commitment_app.command("retry")
def retry_command(
    request_id: Annotated[str, typer.Argument(help="Its id, from `filmless commitment list`.")],
) -> None:
    """Report, or ask, once more."""
    with opened_system() as system:
        retry_commitment(system.database, request_id)
        console.print(f"Request {request_id} is on its way again.", highlight=False, markup=False)


@availability_app.command("list")
def list_subscribers_command() -> None:
    """Show who is told, and the newest notices."""
    with opened_system() as system:
        for subscriber in commitment.list_subscribers(system.database, OPERATOR):
            console.print(f"{subscriber.ae_title} is told.", highlight=False, markup=False)
        notices, _ = commitment.find_notices(system.database, OPERATOR, None, ROWS_MAX, 0)
        _print_table(
            console,
            ("id", "node", "state", "instances", "tries", "last error"),
            [
                (one.id, one.ae_title, one.state, one.number_of_instances, one.attempts, one.last_error)
                for one in notices
            ],
        )


@availability_app.command("add")
def subscribe_command(ae_title: str) -> None:
    """Tell this node of every study from now on."""
    with opened_system() as system:
        commitment.subscribe_to_availability(system.database, OPERATOR, ae_title)
        console.print(f"{ae_title} will be told.", highlight=False, markup=False)


@availability_app.command("remove")
def unsubscribe_command(ae_title: str) -> None:
    """Tell this node no more."""
    with opened_system() as system:
        commitment.unsubscribe_from_availability(system.database, OPERATOR, ae_title)
        console.print(f"{ae_title} is told no more.", highlight=False, markup=False)


@availability_app.command("retry")
def retry_notice_command(
    notice_id: Annotated[str, typer.Argument(help="Its id, from `filmless availability list`.")],
) -> None:
    """Tell a parked notice once more."""
    with opened_system() as system:
        commitment.retry_notice(system.database, OPERATOR, notice_id)
        console.print(f"Notice {notice_id} is on its way again.", highlight=False, markup=False)


def list_commitments(database: Database, state: str | None, limit: int, console: Console) -> None:
    """Print a table for each direction that knows the state; raises Invalid when neither does."""
    of_us, by_us = list(ReceivedState), list(AskedState)
    if state is not None and state not in (*of_us, *by_us):
        states = ", ".join(dict.fromkeys((*of_us, *by_us)))
        raise Invalid(f"There is no state {state!r}. The states are: {states}.")
    if state is None or state in of_us:
        wanted = None if state is None else ReceivedState(state)
        received, total = commitment.find_received(database, OPERATOR, wanted, limit, 0)
        console.print(f"Asked of us: {total}.")
        _print_table(console, TITLES, [_cells(one, one.calling_ae_title) for one in received])
    if state is None or state in by_us:
        wished = None if state is None else AskedState(state)
        asked, total = commitment.find_asked(database, OPERATOR, wished, limit, 0)
        console.print(f"Asked by us: {total}.")
        _print_table(console, TITLES, [_cells(one, one.node_ae_title) for one in asked])


def _cells(one: CommitmentReceived | CommitmentAsked, ae_title: str) -> Sequence[Any]:
    numbers = (one.number_of_instances, one.number_failed, one.attempts)
    return one.id, ae_title, one.state, *numbers, one.last_error


def show_failures(database: Database, request_id: str, console: Console) -> None:
    """Print the instances that are not committed; raises CommitmentNotFound."""
    failures = commitment.list_failures(database, OPERATOR, request_id)
    rows = [(one.reference.sop_instance_uid, one.in_words) for one in failures[:ROWS_MAX]]
    _print_table(console, ("SOP Instance UID", "not committed, because"), rows)
    console.print(f"{len(failures)} instances are not committed." if failures else "Nothing has failed.")


def retry_commitment(database: Database, request_id: str) -> None:
    """Try again whichever of the two kinds has that id; raises CommitmentNotFound, NothingToRetry."""
    try:
        commitment.retry_received(database, OPERATOR, request_id)
    except NotFound:
        commitment.retry_asked(database, OPERATOR, request_id)


def _print_table(console: Console, titles: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, no_wrap=title == "id", overflow="fold")
    for row in rows:
        table.add_row(*(escape("" if value is None else str(value)) for value in row))
    console.print(table)
