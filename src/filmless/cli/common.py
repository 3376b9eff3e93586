"""What the commands share: opening the installation, and saying errors in plain words."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from filmless.compose import System, open_system
from filmless.infra.errors import FilmlessError
from filmless.infra.log import configure_log
from filmless.infra.migrations import current_revision, head_revision
from filmless.infra.settings import Settings

# Without pictures: of a fingerprint 10:AB:D4 and of an address 2001:ab::1 rich would make a blood group.
console = Console(emoji=False)
error_console = Console(stderr=True, emoji=False)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn an error of ours into one red line and exit code 1 instead of a traceback."""
    try:
        yield
    except FilmlessError as error:
        error_console.print(f"[bold red]Error:[/] {error.message}", highlight=False)
        raise typer.Exit(1) from None


@contextmanager
def opened_system(*, migrated: bool = True) -> Iterator[System]:
    """The installation that the environment names; with `migrated`, refuses a database of another age."""
    with plain_errors():
        settings = Settings.load()
        configure_log(settings.log_format, "command")
        with open_system(settings) as system:
            if migrated and current_revision(system.database) != head_revision():
                error_console.print(
                    f"[bold red]Error:[/] the database in {settings.data} is not ready. "
                    "Run [bold]filmless migrate[/] first.",
                    highlight=False,
                )
                raise typer.Exit(1)
            yield system
