"""`filmless user`: add, list, disable people, set passwords. Translates; `features/access` decides."""

import sys

import typer
from rich.markup import escape
from rich.table import Table

from filmless.cli.common import console, opened_system
from filmless.features import access
from filmless.features.access import NewUser, Role
from filmless.infra.errors import Invalid

OPERATOR = access.system_actor("command line")

user_app = typer.Typer(no_args_is_help=True, help="People who may sign in.")


def read_password(*, from_stdin: bool) -> str:
    """The first line of standard input, or what a person types twice; raises Invalid for an empty input."""
    if not from_stdin:
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise Invalid("Standard input holds no password.")
    return password


PasswordStdin = typer.Option(False, "--password-stdin", help="Read the password from standard input.")


@user_app.command("add")
def add(
    name: str,
    role: Role = typer.Option(..., help="What the person is in the department."),
    display_name: str = typer.Option("", help="The name that colleagues see."),
    password_stdin: bool = PasswordStdin,
) -> None:
    """Register somebody who may sign in."""
    with opened_system() as system:
        password = read_password(from_stdin=password_stdin)
        user = access.add_user(system.access, OPERATOR, NewUser(name, role, password, display_name))
        console.print(f"Added {user.role} {user.user_name}.", highlight=False, markup=False)


@user_app.command("list")
def list_() -> None:
    """Show everybody, with role and state."""
    with opened_system() as system:
        table = Table("User name", "Display name", "Role", "State", "Since")
        for user in access.list_users(system.access, OPERATOR):
            state = "active" if user.is_active else "disabled"
            table.add_row(
                escape(user.user_name),
                escape(user.display_name),
                user.role,
                state,
                user.created_at.date().isoformat(),
            )
        console.print(table)


@user_app.command("disable")
def disable(name: str) -> None:
    """Keep somebody out: sessions end, tokens are revoked."""
    with opened_system() as system:
        access.disable_user(system.access, OPERATOR, name)
        console.print(f"Disabled {name}.", highlight=False, markup=False)


@user_app.command("set-password")
def set_password(name: str, password_stdin: bool = PasswordStdin) -> None:
    """Give somebody a new password; their sessions end."""
    with opened_system() as system:
        password = read_password(from_stdin=password_stdin)
        access.set_password(system.access, OPERATOR, name, password)
        console.print(f"{name} has a new password.", highlight=False, markup=False)
