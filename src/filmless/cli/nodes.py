"""`filmless node`: the DICOM peers we know. Translates; `features/nodes` decides."""

import typer
from rich.markup import escape
from rich.table import Table

from filmless.cli.common import console, opened_system
from filmless.features import access, nodes

OPERATOR = access.system_actor("command line")

node_app = typer.Typer(no_args_is_help=True, help="DICOM peers: modalities, workstations, other archives.")


@node_app.command("add")
def add(
    ae_title: str,
    host: str,
    port: int,
    description: str = typer.Option("", help="What it is and where it stands."),
) -> None:
    """Register a peer: it may send, and may be sent to."""
    with opened_system() as system:
        new_node = nodes.NewNode(ae_title, host, port, description)
        node = nodes.add_node(system.database, OPERATOR, new_node)
        console.print(f"Added {node.ae_title} at {node.host}:{node.port}.", highlight=False, markup=False)


@node_app.command("list")
def list_() -> None:
    """Show all peers."""
    with opened_system() as system:
        table = Table("AE title", "Host", "Port", "Description")
        for node in nodes.list_nodes(system.database, OPERATOR):
            table.add_row(escape(node.ae_title), node.host, str(node.port), escape(node.description))
        console.print(table)


@node_app.command("remove")
def remove(ae_title: str) -> None:
    """Strike a peer off the list."""
    with opened_system() as system:
        nodes.remove_node(system.database, OPERATOR, ae_title)
        console.print(f"Removed {ae_title}.", highlight=False, markup=False)
