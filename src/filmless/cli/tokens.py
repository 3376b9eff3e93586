"""`filmless token`: bearer tokens for programs. Translates; `features/access` decides."""

import typer
from rich.markup import escape
from rich.table import Table

from filmless.cli.common import console, opened_system
from filmless.features import access

OPERATOR = access.system_actor("command line")

token_app = typer.Typer(no_args_is_help=True, help="Bearer tokens for programs.")


@token_app.command("create")
def create(
    user: str = typer.Option(..., help="Whose rights the token has."),
    label: str = typer.Option("", help="What it is for; shown in the list."),
    days: int | None = typer.Option(None, help="How long it lives; without, until revoked."),
) -> None:
    """Make a token and print it, once: only its digest is kept."""
    with opened_system() as system:
        secret, _ = access.create_token(system.access, OPERATOR, user, label, days)
        typer.echo(secret)  # Alone on the line, so that a script can take it.


@token_app.command("list")
def list_(user: str | None = typer.Option(None, help="Only this user's.")) -> None:
    """Show the tokens, without their secrets."""
    with opened_system() as system:
        table = Table("Id", "User", "Label", "Made", "Ends", "State")
        for token in access.list_tokens(system.access, OPERATOR, user):
            ends = token.expires_at.date().isoformat() if token.expires_at else "never"
            state = "usable" if token.revoked_at is None else "revoked"
            if token.expires_at is not None and token.expires_at <= system.clock.now():
                state = "run out"
            made = token.created_at.date().isoformat()
            table.add_row(token.id, escape(token.user_name), escape(token.label), made, ends, state)
        console.print(table)


@token_app.command("revoke")
def revoke(token_id: str) -> None:
    """Make a token useless, by its id in the list."""
    with opened_system() as system:
        access.revoke_token(system.access, OPERATOR, token_id)
        console.print(f"Revoked {token_id}.", highlight=False, markup=False)
