"""`filmless tls`: our own certificate, for the administrator of the other side."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from filmless.cli.common import console, plain_errors
from filmless.features import nodes
from filmless.infra.errors import Invalid
from filmless.infra.settings import Settings
from filmless.infra.tls_files import TLSFiles, spelled

tls_app = typer.Typer(no_args_is_help=True, help="Our TLS certificate, which the other side must know.")


@tls_app.command("show")
def show() -> None:
    """Show our TLS port and the fingerprint of our certificate, which is made if none is there."""
    with plain_errors():
        settings = Settings.load()
        files = TLSFiles.of(settings)
        (own,) = nodes.describe_certificates(files.own_certificate())
        wanted = "must" if files.client_certificate_required else "may"
        table = Table(show_header=False)
        table.add_column()
        table.add_column(overflow="fold")  # A fingerprint with its end cut off proves nothing.
        table.add_row("AE title", settings.ae_title)
        table.add_row("port", str(settings.dicom_tls_port or "none: FILMLESS_DICOM_TLS_PORT is 0"))
        table.add_row("profile", f"{files.profile}; callers {wanted} show a certificate")
        table.add_row("certificate", own.subject)
        table.add_row("valid until", f"{own.not_valid_after:%Y-%m-%d}")
        table.add_row("SHA-256", spelled(own.fingerprint))
        table.add_row("file", str(files.certificate or files.folder / "own.pem"))
        console.print(table)


@tls_app.command("export")
def export(
    to: Annotated[Path | None, typer.Argument(help="File to write; without it, standard output.")] = None,
) -> None:
    """Hand out our certificate as PEM, without its key: what the other side trusts or binds to us."""
    with plain_errors():
        pem = TLSFiles.of(Settings.load()).own_certificate()
        if to is None:
            typer.echo(pem, nl=False)
            return
        try:
            to.write_text(pem, encoding="ascii")
        except OSError as error:
            raise Invalid(f"{to} cannot be written ({error.strerror}).") from error
        console.print(f"Written to {to}.", highlight=False, markup=False)
