"""`filmless doctor`: is this installation well, and if not, what to do about it."""

import shutil
import socket
import sqlite3
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version

import typer
from rich.markup import escape
from rich.table import Table

from filmless.cli.common import console, plain_errors
from filmless.compose import System, open_system
from filmless.compose.folders import web_folder
from filmless.edge.dimse.plain_reasons import plain_reason
from filmless.edge.dimse.requestor import Peer, open_association
from filmless.features import access, nodes
from filmless.infra import limits
from filmless.infra.errors import FilmlessError, Unavailable
from filmless.infra.migrations import current_revision, head_revision
from filmless.infra.settings import Settings
from filmless.infra.tls_files import TLSFiles
from filmless.standards.dicom.sop_classes import VERIFICATION
from filmless.standards.dicom.transfer_syntaxes import IMPLICIT_LE

OPERATOR = access.system_actor("command line")
CERTIFICATE_DAYS_MIN = 30  # Before a node's certificate ends: its vendor needs some weeks for a new one.
HTTP_SECONDS_MAX = 5  # A server that is well answers /readyz in milliseconds.
GOOD, ODD, BAD = "[green]well[/]", "[yellow]look[/]", "[bold red]ill[/]"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found; `advice` is empty when all is well."""

    state: str
    what: str
    advice: str = ""


def doctor() -> None:
    """Check settings, disk, database, object store and the running servers."""
    with plain_errors():
        settings = Settings.load()
    table = Table("", "what", "what to do", title=f"Filmless {version('filmless')}, data in {settings.data}")
    ill = False
    for finding in _findings(settings):
        table.add_row(finding.state, finding.what, finding.advice)
        ill = ill or finding.state == BAD
    console.print(table)
    console.print("[dim]For the connection with one node: filmless check AE_TITLE.[/]")
    if ill:
        raise typer.Exit(1)


def _findings(settings: Settings) -> Iterator[Finding]:
    yield _programs()
    if not settings.data.exists():
        yield Finding(BAD, f"The data folder {settings.data} does not exist.", "Run `filmless migrate`.")
        return
    yield _disk(settings)
    try:
        with open_system(settings) as system:
            for check in (_database, _object_store, _web_build, _bound_certificates, _turned_away):
                yield _look(check, system)
    except FilmlessError as error:
        yield Finding(BAD, error.message, "Check FILMLESS_DATABASE_URL and FILMLESS_OBJECT_STORE_URL.")
    yield _web(settings)
    yield _dicom(settings)
    yield _tls(settings)


def _look(check: Callable[[System], Finding], system: System) -> Finding:
    try:
        return check(system)
    except FilmlessError as error:
        return Finding(BAD, error.message)


def _programs() -> Finding:
    python = ".".join(map(str, sys.version_info[:3]))
    return Finding(GOOD, f"Python {python}, SQLite {sqlite3.sqlite_version}.")


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.data).free
    what = f"{free / limits.GIB:.1f} GiB free in the data folder."
    if free < limits.DISK_FREE_BYTES_MIN:
        return Finding(BAD, what, "Nothing more is received. Make space, or move the data folder.")
    if free < 20 * limits.DISK_FREE_BYTES_MIN:
        return Finding(ODD, what, "Make space soon: below 0.5 GiB nothing more is received.")
    return Finding(GOOD, what)


def _database(system: System) -> Finding:
    held, wanted = current_revision(system.database), head_revision()
    kind = "SQLite" if system.database.is_sqlite else "PostgreSQL"
    if held != wanted:
        return Finding(
            BAD, f"The {kind} database is at revision {held}, not {wanted}.", "Run `filmless migrate`."
        )
    if access.setup_is_needed(system.access):
        advice = "Start `filmless serve` and use the link it prints."
        return Finding(ODD, f"{kind} answers; there is no user yet.", advice)
    return Finding(GOOD, f"{kind} answers, at revision {held}.")


def _object_store(system: System) -> Finding:
    writer = system.object_store.create()
    try:
        writer.write((b"filmless doctor",))
        writer.sync()
        if system.object_store.read(writer.object_id) != b"filmless doctor":
            raise Unavailable("The object store does not hand back what it was given.")
    finally:
        system.object_store.delete(writer.object_id)
    return Finding(GOOD, "The object store takes, keeps and returns an object.")


def _web_build(_: System) -> Finding:
    missing = [name for name in ("dist", "viewer") if not (web_folder(name) / "index.html").exists()]
    if missing:
        return Finding(BAD, f"The web application is not built ({', '.join(missing)}).", "Run `make setup`.")
    return Finding(GOOD, "The web application and the viewer are built.")


def _bound_certificates(system: System) -> Finding:
    """The first node whose certificate has ended or soon will."""
    now = system.clock.now()
    for node in nodes.list_nodes(system.database, OPERATOR):
        bound = nodes.describe_certificates(node.certificate_pem)
        ends = max((each.not_valid_after for each in bound), default=None)
        if ends is not None and ends < now + timedelta(days=CERTIFICATE_DAYS_MIN):
            what = f"The certificate bound to {escape(node.ae_title)} ends on {ends:%Y-%m-%d}."
            advice = "Get the new one, and bind both: `filmless node edit … --certificate FILE`."
            return Finding(BAD if ends < now else ODD, what, advice)
    return Finding(GOOD, "No certificate that is bound to a node ends soon.")


def _turned_away(system: System) -> Finding:
    ours = system.settings.ae_title  # We ourselves, when an earlier doctor looked at the DICOM port.
    callers = nodes.list_unknown_callers(system.database, OPERATOR)
    strangers = [each for each in callers if each.last.calling_ae_title != ours]
    if strangers:
        what = f"DICOM callers that were turned away: {len(strangers)}."
        return Finding(ODD, what, "See `filmless node unknown`.")
    return Finding(GOOD, "No DICOM caller is waiting to be let in.")


def _web(settings: Settings) -> Finding:
    url = f"http://{_host(settings)}:{settings.http_port}/readyz"
    try:
        with urllib.request.urlopen(url, timeout=HTTP_SECONDS_MAX):
            return Finding(GOOD, f"The web server is ready on port {settings.http_port}.")
    except urllib.error.HTTPError as error:
        return Finding(BAD, f"The web server answers {error.code} on {url}.", "Look into its log.")
    except OSError:
        return Finding(ODD, f"No web server on port {settings.http_port}.", "Start it with `filmless serve`.")


def _dicom(settings: Settings) -> Finding:
    where = f"port {settings.dicom_port}"
    try:
        peer = Peer(_host(settings), settings.dicom_port, settings.ae_title, settings.ae_title)
        with open_association(peer, [(VERIFICATION, (IMPLICIT_LE,))]) as association:
            association.echo()
    except FilmlessError as error:
        try:
            socket.create_connection((_host(settings), settings.dicom_port), HTTP_SECONDS_MAX).close()
        except OSError:
            return Finding(ODD, f"No DICOM server on {where}.", "Start it with `filmless serve`.")
        return Finding(
            ODD,
            f"The DICOM server on {where} answers, but refuses us: {error.message}",
            f"Well, if {settings.ae_title} is not a registered node; else see its log.",
        )
    return Finding(GOOD, f"The DICOM server on {where} answers C-ECHO.")


def _tls(settings: Settings) -> Finding:
    """Whether our TLS port answers with our certificate; it is shown none, for it would not know it."""
    port = settings.dicom_tls_port
    if not port:
        return Finding(GOOD, "DICOM over TLS is switched off.")
    try:
        files = TLSFiles.of(settings)
        own = files.own_certificate()
        (described,) = nodes.describe_certificates(own)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cadata=own)
        with (
            socket.create_connection((_host(settings), port), HTTP_SECONDS_MAX) as sock,
            context.wrap_socket(sock),
        ):
            ends = f"{described.not_valid_after:%Y-%m-%d}"
            return Finding(
                GOOD, f"DICOM over TLS answers on port {port}; our certificate is good until {ends}."
            )
    except ssl.SSLError as error:
        return Finding(
            BAD, f"TLS on port {port} fails: {plain_reason(error)}.", "Look into the log of `serve`."
        )
    except OSError:
        return Finding(ODD, f"No DICOM over TLS on port {port}.", "Start `filmless serve`; else see its log.")
    except FilmlessError as error:
        return Finding(BAD, error.message)


def _host(settings: Settings) -> str:
    return "127.0.0.1" if settings.bind in ("0.0.0.0", "127.0.0.1", "localhost") else settings.bind
