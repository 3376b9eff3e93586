"""`filmless node`: the DICOM peers we know, and who was turned away. Translates; `features/nodes` decides."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from filmless.cli.common import console, opened_system
from filmless.features import access, nodes
from filmless.infra.errors import Invalid
from filmless.infra.tls_files import spelled

OPERATOR = access.system_actor("command line")
DICOM_PORT = 104  # The well-known one (PS3.8 9.1.2): what most devices listen on.

node_app = typer.Typer(no_args_is_help=True, help="DICOM peers: modalities, workstations, other archives.")

_WORDS = ", ".join(sorted(nodes.Capability))
Description = Annotated[str | None, typer.Option(help="What it is and where it stands.")]
May = Annotated[
    str | None, typer.Option(help=f"What it may do: all, nothing, or some of {_WORDS}, with commas.")
]
Active = Annotated[bool | None, typer.Option("--on/--off", help="Whether it may call and be called at all.")]
CheckAddress = Annotated[
    bool | None,
    typer.Option("--check-address/--any-address", help="Whether it must call from its host or --address."),
]
Addresses = Annotated[
    list[str] | None,
    typer.Option("--address", help="More addresses or networks (192.0.2.0/24) it calls from; repeatable."),
]
TLS = Annotated[
    nodes.TLSMode | None,
    typer.Option(help="off: clear text. on: we call it over TLS. required: and it must call us so."),
]
Certificate = Annotated[
    Path | None,
    typer.Option(help="PEM file of its certificate, which it must then show; `none` takes it away."),
]
Associations = Annotated[int | None, typer.Option(help="How many associations at once when we send to it.")]
TransferSyntaxes = Annotated[
    list[str] | None,
    typer.Option("--transfer-syntax", help="UID it prefers to be sent, best first; repeatable."),
]
SameAssociation = Annotated[
    bool | None,
    typer.Option(
        "--commit-on-same/--commit-on-new",
        help="Whether storage commitment results go on its own association while that is open.",
    ),
]


@node_app.command("add")
def add(
    ae_title: str,
    host: str,
    port: int,
    *,
    description: Description = None,
    may: May = None,
    active: Active = None,
    check_address: CheckAddress = None,
    address: Addresses = None,
    tls: TLS = None,
    certificate: Certificate = None,
    associations: Associations = None,
    transfer_syntax: TransferSyntaxes = None,
    same_association: SameAssociation = None,
) -> None:
    """Register a peer: it may call us, and may be sent to."""
    with opened_system() as system:
        changes = _changes(
            description=description,
            capabilities=_capabilities(may),
            is_active=active,
            address_must_match=check_address,
            addresses=address,
            tls=tls,
            certificate_pem=_pem(certificate),
            associations_max=associations,
            preferred_transfer_syntaxes=transfer_syntax,
            commits_on_same_association=same_association,
        )
        new_node = replace(nodes.NewNode(ae_title, host, port), **changes)
        node = nodes.add_node(system.database, OPERATOR, new_node)
        _say(f"Added {node.ae_title} at {node.host}:{node.port}.")


@node_app.command("edit")
def edit(
    ae_title: str,
    *,
    host: Annotated[str | None, typer.Option(help="Where it is.")] = None,
    port: Annotated[int | None, typer.Option(help="Where it listens.")] = None,
    description: Description = None,
    may: May = None,
    active: Active = None,
    check_address: CheckAddress = None,
    address: Addresses = None,
    tls: TLS = None,
    certificate: Certificate = None,
    associations: Associations = None,
    transfer_syntax: TransferSyntaxes = None,
    same_association: SameAssociation = None,
) -> None:
    """Change what is named, and leave the rest; an empty --address or --transfer-syntax empties the list."""
    with opened_system() as system:
        changes = _changes(
            host=host,
            port=port,
            description=description,
            capabilities=_capabilities(may),
            is_active=active,
            address_must_match=check_address,
            addresses=address,
            tls=tls,
            certificate_pem=_pem(certificate),
            associations_max=associations,
            preferred_transfer_syntaxes=transfer_syntax,
            commits_on_same_association=same_association,
        )
        held = nodes.get_node(system.database, ae_title)
        node = nodes.update_node(system.database, OPERATOR, replace(held, **changes))
        _say(f"Changed {node.ae_title}.")


@node_app.command("list")
def list_() -> None:
    """Show all peers."""
    with opened_system() as system:
        table = Table("AE title", "Host", "Port", "May", "TLS", "", "Description")
        for node in nodes.list_nodes(system.database, OPERATOR):
            table.add_row(
                escape(node.ae_title),
                node.host,
                str(node.port),
                _may(node),
                node.tls.value + (", bound" if node.certificate_pem else ""),
                "" if node.is_active else "switched off",
                escape(node.description),
            )
        console.print(table)


@node_app.command("show")
def show(ae_title: str) -> None:
    """Show all that is known of one peer."""
    with opened_system() as system:
        node = nodes.get_node(system.database, ae_title)
        rows = {
            "AE title": node.ae_title,
            "host and port": f"{node.host}, {node.port}",
            "description": node.description,
            "may": _may(node),
            "state": "on" if node.is_active else "switched off",
            "calls from": _calls_from(node),
            "TLS": node.tls.value,
            "associations when sending": str(node.associations_max),
            "prefers": ", ".join(node.preferred_transfer_syntaxes) or "as stored",
            "commitment results": "on its association"
            if node.commits_on_same_association
            else "on a new one",
            "since": f"{node.created_at:%Y-%m-%d %H:%M}, changed {node.updated_at:%Y-%m-%d %H:%M} UTC",
        }
        for bound in nodes.describe_certificates(node.certificate_pem):
            rows[f"certificate {bound.subject}"] = (
                f"until {bound.not_valid_after:%Y-%m-%d}, SHA-256 {spelled(bound.fingerprint)}"
            )
        table = Table(show_header=False)
        table.add_column()
        table.add_column(overflow="fold")  # A fingerprint with its end cut off proves nothing.
        for name, value in rows.items():
            table.add_row(escape(name), escape(value))
        console.print(table)


@node_app.command("remove")
def remove(ae_title: str) -> None:
    """Strike a peer off the list."""
    with opened_system() as system:
        nodes.remove_node(system.database, OPERATOR, ae_title)
        _say(f"Removed {ae_title}.")


@node_app.command("unknown")
def unknown() -> None:
    """Show who was turned away, and how to let them in."""
    with opened_system() as system:
        callers = nodes.list_unknown_callers(system.database, OPERATOR)
        table = Table("AE title", "Address", "Calls us", "Times", "Last (UTC)", "Why")
        for caller in callers:
            last = caller.last
            table.add_row(
                escape(last.calling_ae_title),
                escape(last.address),
                escape(last.called_ae_title),
                str(caller.calls),
                f"{caller.last_seen_at:%Y-%m-%d %H:%M}",
                last.reason.explanation,
            )
        console.print(table)
        strangers = [it.last for it in callers if it.last.reason is nodes.RefusalReason.UNKNOWN_NODE]
        if strangers:
            title = shlex.quote(strangers[0].calling_ae_title)  # A stranger chose it.
            _say(f"For example: filmless node add {title} {strangers[0].address} {DICOM_PORT}")


@node_app.command("forget")
def forget(ae_title: str, address: str) -> None:
    """Strike somebody who was turned away off that list."""
    with opened_system() as system:
        nodes.forget_unknown_caller(system.database, OPERATOR, ae_title, address)
        _say(f"Forgot {ae_title} at {address}.")


def _say(text: str) -> None:
    console.print(text, highlight=False, markup=False)


def _changes(**options: Any) -> dict[str, Any]:
    """The options that were given; lists as tuples, without empty words."""
    return {
        name: tuple(word for word in value if word) if isinstance(value, list) else value
        for name, value in options.items()
        if value is not None
    }


def _capabilities(may: str | None) -> frozenset[nodes.Capability] | None:
    if may is None:
        return None
    words = [word.strip() for word in may.split(",")]
    if words == ["all"]:
        return nodes.ALL_CAPABILITIES
    if words == ["nothing"]:
        return frozenset()
    try:
        return frozenset(nodes.Capability(word) for word in words)
    except ValueError:
        raise Invalid(f"--may takes all, nothing, or some of {_WORDS}, with commas between them.") from None


def _pem(file: Path | None) -> str | None:
    if file is None:
        return None
    if file == Path("none"):
        return ""
    try:
        return file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise Invalid(f"{file} cannot be read as a PEM file.") from None


def _may(node: nodes.Node) -> str:
    if node.capabilities == nodes.ALL_CAPABILITIES:
        return "all"
    return ", ".join(sorted(node.capabilities)) or "nothing"


def _calls_from(node: nodes.Node) -> str:
    return ", ".join((node.host, *node.addresses)) if node.address_must_match else "anywhere"
