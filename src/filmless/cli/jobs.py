"""`filmless job list|retry`: what waits in the background, what failed, and another try for it.

Not here: running jobs (`filmless serve --role worker`). Start at `list_jobs`.
"""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from filmless.cli.common import console, opened_system
from filmless.infra import jobs
from filmless.infra.database import Database
from filmless.infra.errors import Invalid

ROWS_MAX = 200  # A few screenfuls; whoever has more failed jobs than that looks at their cause first.
COLOURS = {jobs.WAITING: "cyan", jobs.RUNNING: "green", jobs.PARKED: "red", jobs.DONE: "dim"}

job_app = typer.Typer(
    no_args_is_help=True, help="Background work: what waits, what failed, and another try for it."
)


@job_app.command("list")
def list_command(
    state: Annotated[
        str | None, typer.Option(help="Only this state: waiting, running, parked or done.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=ROWS_MAX, help="At most this many.")] = 50,
) -> None:
    """Show jobs, newest first; without --state, all that are not done."""
    with opened_system() as system:
        list_jobs(system.database, state, limit, console)


@job_app.command("retry")
def retry_command(
    job_id: Annotated[str | None, typer.Argument(help="The job's id, from `filmless job list`.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Retry all parked jobs.")] = False,
) -> None:
    """Let a parked job run again now."""
    with opened_system() as system:
        if (job_id is None) != every:
            raise Invalid("Name one job, or say --all.")
        retry_jobs(system.database, job_id, console)


def list_jobs(database: Database, state: str | None, limit: int, console: Console) -> None:
    """Print a table of jobs and a line of counts."""
    if state is not None and state not in jobs.STATES:
        raise Invalid(f"There is no state {state!r}. The states are: {', '.join(jobs.STATES)}.")
    rows = jobs.find_jobs(database, state, limit)
    if rows:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("id", "kind", "state", "tries", "runs at (UTC)", "last error"):
            table.add_column(title, no_wrap=title == "id", overflow="fold")
        for row in rows:
            colour = COLOURS[row.state]
            runs_at = f"{row.run_at:%Y-%m-%d %H:%M:%S}" if row.state == jobs.WAITING else ""
            shown = f"[{colour}]{row.state}[/{colour}]"
            table.add_row(row.id, row.kind, shown, str(row.attempts), runs_at, escape(row.last_error or ""))
        console.print(table)
    else:
        console.print("No job waits, runs or failed." if state is None else f"No job is {state}.")
    counted = jobs.counts(database)
    console.print(", ".join(f"{counted[name]} {name}" for name in jobs.STATES), style="dim")
    if counted[jobs.PARKED]:
        console.print("Parked jobs wait for you: filmless job retry ID, or filmless job retry --all.")


def retry_jobs(database: Database, job_id: str | None, console: Console) -> None:
    """Let one parked job, or all of them, run again; raises NotFound or Conflict."""
    if job_id is not None:
        jobs.retry_job(database, job_id)
        console.print(f"Job {job_id} will run again.")
        return
    number = jobs.retry_all_jobs(database)
    console.print(f"{number} parked jobs will run again." if number else "No job is parked.")
