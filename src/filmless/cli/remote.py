"""`filmless remote find|pull` and `filmless echo`: other archives from the command line."""

import time
from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from filmless.cli.common import console, opened_system
from filmless.compose import System
from filmless.edge.dimse.our_side import OurSide
from filmless.edge.dimse.remote import Puller, RemoteArchives
from filmless.edge.dimse.requestor import open_association
from filmless.features import access, archive, nodes
from filmless.infra.errors import Conflict, Unavailable
from filmless.standards.dicom.sop_classes import VERIFICATION
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, IMPLICIT_LE

OPERATOR = access.system_actor("command line")
DAYS = ["%Y%m%d", "%Y-%m-%d"]
ROWS_MAX = 200  # A few screenfuls; who gets more narrows the search.

remote_app = typer.Typer(no_args_is_help=True, help="Other archives: search them, fetch studies from them.")


def echo(ae_title: str) -> None:
    """Ask a node whether it is there (C-ECHO); `filmless check` says what is wrong when it is not."""
    with opened_system() as system:
        peer = _ours(system).peer(nodes.get_node(system.database, ae_title))
        started = time.perf_counter()
        with open_association(peer, [(VERIFICATION, (EXPLICIT_LE, IMPLICIT_LE))]) as association:
            status = association.echo()
        milliseconds = (time.perf_counter() - started) * 1000
        if status:
            raise Unavailable(f"{peer} answers C-ECHO with status {status:04X}.")
        console.print(f"{peer} answers, {milliseconds:.0f} ms.", highlight=False, markup=False)


@remote_app.command("find")
def find(
    ae_title: str,
    *,
    patient_id: Annotated[str, typer.Option(help="Patient ID.")] = "",
    patient_name: Annotated[str, typer.Option(help="Beginning of the name, or with * and ?.")] = "",
    accession_number: Annotated[str, typer.Option(help="Accession number.")] = "",
    since: Annotated[datetime | None, typer.Option(formats=DAYS, help="First study date.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=DAYS, help="Last study date.")] = None,
    modality: Annotated[list[str] | None, typer.Option(help="CT, MR …; may be given again.")] = None,
) -> None:
    """Search another archive."""
    with opened_system() as system:
        search = archive.RemoteSearch(
            patient_name,
            patient_id,
            accession_number,
            study_date_from=since and since.date(),
            study_date_to=until and until.date(),
            modalities=tuple(modality or ()),
        )
        found = RemoteArchives(_ours(system)).find_studies(OPERATOR, ae_title, search, ROWS_MAX)
    _print_studies(found)


@remote_app.command("pull")
def pull(
    ae_title: str,
    study_instance_uid: str,
    series: Annotated[list[str] | None, typer.Option(help="Only this series; may be given again.")] = None,
    method: Annotated[archive.PullMethod, typer.Option(help="How to ask.")] = archive.PullMethod.AUTO,
) -> None:
    """Fetch a study from another archive, and wait for it."""
    with opened_system() as system:
        wanted = archive.NewPull(ae_title, study_instance_uid, tuple(series or ()), method)
        asked = archive.ask_pull(system.archive, OPERATOR, wanted, in_background=False)
        if asked.state is archive.PullState.RUNNING:
            raise Conflict("This is being fetched already.")
        try:
            Puller(_ours(system)).pull_study(asked.id)
        finally:
            ended = archive.get_pull(system.archive, OPERATOR, asked.id)
            if ended.ended_at is None:  # Nobody will try again: whoever typed this sees why, and may.
                archive.stop_pull(system.archive, OPERATOR, asked.id)
        counts = ended.counts
        if ended.state is not archive.PullState.DONE:
            failed = f"{counts.completed} instances came, {counts.failed} did not."
            raise Unavailable(f"{failed} {ended.explanation}")
        words = f"{counts.completed} instances came from {ended.ae_title}."
        console.print(words, highlight=False, markup=False)


def _ours(system: System) -> OurSide:
    return OurSide.of(system.settings, system.archive)


def _print_studies(found: archive.RemoteStudies) -> None:
    table = Table(
        "date", "modality", "patient", "ID", "accession", "description", "images", "here", "Study UID"
    )
    for it in found.studies:
        images = "" if it.number_of_instances is None else str(it.number_of_instances)
        values = (
            it.study_date,
            " ".join(it.modalities_in_study),
            it.patient_name,
            it.patient_id,
            it.accession_number,
            it.study_description,
            images,
            str(it.number_of_instances_here or ""),
            it.study_instance_uid,
        )
        table.add_row(*(escape(value) for value in values))
    console.print(table if found.studies else "It has nothing that matches.")
    if not found.is_whole:
        console.print(f"There is more; these are the first {len(found.studies)}. Narrow the search.")
