"""`filmless demo`: fill the data folder with a synthetic department, and serve it if asked to."""

from collections import Counter
from contextlib import suppress
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from filmless.cli.common import console, error_console, opened_system, plain_errors
from filmless.compose import System
from filmless.features.access import NewUser, Role, UserNameTaken, add_user, system_actor
from filmless.features.archive import StoreStatus, receive_part10
from filmless.features.scheduling import StepExists, schedule_step
from filmless.infra.errors import FilmlessError, NotPermitted
from filmless.infra.migrations import migrate
from filmless.infra.settings import Settings

PASSWORD = "filmless-demo"  # Of the demo alone, which serves this machine only.
LOGINS = (
    ("admin", "Demo Administrator", Role.ADMINISTRATOR),
    ("radiologist", "Demo Radiologist", Role.RADIOLOGIST),
    ("technologist", "Demo Technologist", Role.TECHNOLOGIST),
)
DONE_FILE = "demo.done"  # Names the version whose images are in; a newer demo looks again.
DEMO_VERSION = "1"
ASIDE = "kept aside"


def demo(
    serve: Annotated[bool, typer.Option("--serve", help="Start the servers afterwards.")] = False,
) -> None:
    """Make a demo department: users, 40 invented patients, a worklist, images."""
    with plain_errors():
        settings = Settings.load()
        if settings.binds_beyond_loopback:
            raise NotPermitted(
                "The demo has well-known passwords, so it serves this machine only. Unset FILMLESS_BIND."
            )
    with opened_system(migrated=False) as system:
        migrate(system.database)
        _add_users(system)
        _add_steps(system)
        _add_images(system)
    _print_logins()
    if serve:
        from filmless.cli.supervisor import supervise

        with plain_errors():
            supervise(settings)


def _add_users(system: System) -> None:
    for user_name, display_name, role in LOGINS:
        try:
            add_user(system.access, system_actor("demo"), NewUser(user_name, role, PASSWORD, display_name))
        except UserNameTaken:
            continue


def _add_steps(system: System) -> None:
    from filmless.cli.demo import demo_steps

    for step in demo_steps(system.clock.now().astimezone().date()):
        with suppress(StepExists):
            schedule_step(system.database, system_actor("demo"), step)


def _add_images(system: System) -> None:
    from filmless.cli.demo import demo_instances, pydicom_images

    done = system.settings.data / DONE_FILE
    if done.exists() and done.read_text(encoding="ascii") == DEMO_VERSION:
        return
    actor = system_actor("demo")
    counts: Counter[str] = Counter()

    def receive(part10_bytes: bytes) -> None:
        try:
            counts[receive_part10(system.archive, actor, "DEMO", [part10_bytes]).status] += 1
        except FilmlessError:
            counts[ASIDE] += 1  # Some of the real test images contradict each other, as real images do.

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=error_console) as progress:
        task = progress.add_task("Making a demo department", total=None)
        for instance in demo_instances():
            progress.update(
                task, total=instance.total, completed=instance.study_number - 1, description=instance.label
            )
            receive(instance.part10_bytes)
        for _, part10_bytes in pydicom_images():
            progress.update(task, description="Test images of pydicom")
            receive(part10_bytes)
        progress.update(task, total=1, completed=1, description="The demo department is ready")
    aside = f", {counts[ASIDE]} kept in quarantine to show what it is for" if counts[ASIDE] else ""
    console.print(f"{counts[StoreStatus.STORED]} images stored{aside}.")
    done.write_text(DEMO_VERSION, encoding="ascii")


def _print_logins() -> None:
    table = Table("user", "password", "role", title="Demo logins")
    for user_name, _, role in LOGINS:
        table.add_row(user_name, PASSWORD, role)
    console.print(table)
