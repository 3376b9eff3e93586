"""The command line put together: which verb is which command."""

import typer

from filmless.cli.commitment import availability_app, commitment_app
from filmless.cli.connection_check import check
from filmless.cli.demo_department import demo
from filmless.cli.doctor import doctor
from filmless.cli.import_files import import_path
from filmless.cli.jobs import job_app
from filmless.cli.migrate import migrate
from filmless.cli.nodes import node_app
from filmless.cli.prefetch import prefetch_app
from filmless.cli.remote import echo, remote_app
from filmless.cli.routing import project_app, route_app
from filmless.cli.serve import serve
from filmless.cli.tls import tls_app
from filmless.cli.tokens import token_app
from filmless.cli.transmissions import queue_app, send
from filmless.cli.users import user_app
from filmless.cli.worklist import worklist_app

app = typer.Typer(
    name="filmless",
    help="A PACS and a RIS in one: keeps the images, runs the imaging department.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # A traceback must not print what a variable held of a patient.
)
app.command()(serve)
app.command()(migrate)
app.command("import")(import_path)
app.command()(doctor)
app.command()(check)
app.command()(echo)
app.command()(demo)
app.command()(send)
app.add_typer(user_app, name="user")
app.add_typer(token_app, name="token")
app.add_typer(node_app, name="node")
app.add_typer(tls_app, name="tls")
app.add_typer(job_app, name="job")
app.add_typer(queue_app, name="queue")
app.add_typer(route_app, name="route")
app.add_typer(prefetch_app, name="prefetch")
app.add_typer(project_app, name="project")
app.add_typer(remote_app, name="remote")
app.add_typer(worklist_app, name="worklist")
app.add_typer(commitment_app, name="commitment")
app.add_typer(availability_app, name="availability")


def main() -> None:
    """Entry point of the command."""
    app()
