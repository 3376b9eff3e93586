"""`filmless worklist …`: look at the worklist, put steps in by hand, take over others' worklist files.

For trials, and for sites whose orders come from nowhere else. Translates; `features/scheduling` decides.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from filmless.cli.common import console, error_console, opened_system
from filmless.features import access, scheduling
from filmless.features.scheduling import (
    ImagingRequest,
    NewStep,
    PatientDetails,
    RequestedProcedure,
    StepDetails,
    StepFilter,
    StepStatus,
)
from filmless.infra import limits
from filmless.infra.database import Database
from filmless.infra.errors import FilmlessError, Invalid
from filmless.standards.dicom.data_set import DataSet, decode_data_set
from filmless.standards.dicom.elements import MalformedDataSet
from filmless.standards.dicom.part10 import read_part10_header

OPERATOR = access.system_actor("command line")
WORKLIST_FILE_BYTES_MAX = 1 << 20  # One worklist item has some KiB.
TAKEN_OVER, THERE_ALREADY, REFUSED = "taken over", "there already", "refused"

worklist_app = typer.Typer(no_args_is_help=True, help="What modalities are to do: scheduled procedure steps.")


@worklist_app.command("add")
def add(
    patient_id: str,
    patient_name: Annotated[str, typer.Argument(help="As DICOM writes it: Family^Given.")],
    modality: Annotated[str, typer.Argument(help="As CT.")],
    station: Annotated[str, typer.Argument(help="AE title of the modality that is to do it.")],
    description: Annotated[str, typer.Argument(help="Of the procedure.")],
    *,
    at: Annotated[str, typer.Option(help="Start: YYYY-MM-DD HH:MM; now if left out.")] = "",
    accession_number: Annotated[str, typer.Option(help="Made if left out.")] = "",
    issuer: Annotated[str, typer.Option(help="Who issued the Patient ID.")] = "",
    birth_date: Annotated[str, typer.Option(help="YYYY-MM-DD.")] = "",
    sex: Annotated[str, typer.Option(help="F, M or O.")] = "",
    physician: Annotated[str, typer.Option(help="Referring physician: Family^Given.")] = "",
) -> None:
    """Schedule a step."""
    with opened_system() as system:
        start = _start(at, system.clock.now().astimezone())
        new = NewStep(
            PatientDetails(patient_name, patient_id, issuer, birth_date, sex),
            ImagingRequest(accession_number, referring_physician_name=physician),
            RequestedProcedure(requested_procedure_description=description),
            StepDetails(modality, (station,), f"{start:%Y%m%d}", f"{start:%H%M%S}"),
        )
        made = scheduling.schedule_step(system.database, OPERATOR, new)
        number = made.details.request.accession_number
        console.print(f"Scheduled {made.id}, accession number {number}.", highlight=False, markup=False)


@worklist_app.command("list")
def list_(
    from_date: Annotated[str, typer.Option("--from", help="First day: YYYY-MM-DD; today if left out.")] = "",
    to_date: Annotated[str, typer.Option("--to", help="Last day; without, all that come.")] = "",
    station: Annotated[str, typer.Option(help="Only for this AE title.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Also what is done or cancelled.")] = False,
) -> None:
    """Show the steps that are to be done, by their start."""
    with opened_system() as system:
        today = system.clock.now().astimezone().date()
        wanted = StepFilter(
            date_from=f"{_day(from_date) or today:%Y%m%d}",
            date_to=f"{day:%Y%m%d}" if (day := _day(to_date)) else "",
            statuses=() if everything else scheduling.OPEN_STATUSES,
            station_ae_title=station,
        )
        list_steps(system.database, wanted, console)


@worklist_app.command("cancel")
def cancel(
    step_id: Annotated[str, typer.Argument(help="As the list shows it.")],
    reason: Annotated[str, typer.Option(help="Why.", prompt=True)],
) -> None:
    """Take a step off the worklist."""
    with opened_system() as system:
        scheduling.cancel_step(system.database, OPERATOR, step_id, reason)
        console.print(f"Cancelled {step_id}.", highlight=False, markup=False)


@worklist_app.command("import")
def import_files(
    paths: Annotated[
        list[Path], typer.Argument(help="Worklist files (.wl), or folders of them.", exists=True)
    ],
) -> None:
    """Take over worklist files of another system, such as DCMTK's wlmscpfs or Orthanc."""
    with opened_system() as system:
        counts = take_over(system.database, paths, error_console)
    said = ", ".join(f"{counts[what]} {what}" for what in (TAKEN_OVER, THERE_ALREADY, REFUSED))
    console.print(f"{said}.", highlight=False)
    if counts[REFUSED]:
        raise typer.Exit(1)


@worklist_app.command("view")
def view(
    ae_title: Annotated[str, typer.Argument(help="Whose worklist; '' for all without a view of their own.")],
    status: Annotated[list[StepStatus] | None, typer.Option(help="Show steps that are so.")] = None,
    own_station_only: Annotated[
        bool, typer.Option("--own-station-only", help="Show its own steps only.")
    ] = False,
) -> None:
    """Decide what a node's worklist shows."""
    chosen = scheduling.WorklistView(
        ae_title, tuple(status or scheduling.OPEN_STATUSES), own_station_only=own_station_only
    )
    with opened_system() as system:
        scheduling.set_worklist_view(system.database, OPERATOR, chosen)
    shown = ", ".join(chosen.statuses)
    whose = "its own steps" if own_station_only else "all steps"
    console.print(f"{ae_title or 'Everybody else'} sees {whose} that are {shown}.", markup=False)


def list_steps(database: Database, wanted: StepFilter, to: Console) -> None:
    """Print a page of steps."""
    steps, total = scheduling.find_scheduled_steps(database, OPERATOR, wanted, limits.QUERY_RESULTS_MAX, 0)
    table = Table(
        "Step", "Start", "Status", "Modality", "Stations", "Accession", "Patient ID", "Patient", "What"
    )
    for step in steps:
        details = step.details
        row = (
            step.id,
            f"{details.step.start_date} {details.step.start_time[:4]}",
            step.status.value,
            details.step.modality,
            ", ".join(details.step.scheduled_station_ae_titles),
            details.request.accession_number,
            details.patient.patient_id,
            details.patient.patient_name,
            details.step.description,
        )
        table.add_row(*(escape(text) for text in row))
    to.print(table if steps else "Nothing is to be done.")
    if total > len(steps):
        to.print(f"{total - len(steps)} more are not shown.")


def take_over(database: Database, paths: list[Path], complaints: Console) -> Counter[str]:
    """Schedule what each worklist file says; why one was refused goes to `complaints`."""
    counts: Counter[str] = Counter({TAKEN_OVER: 0, THERE_ALREADY: 0, REFUSED: 0})
    for path in _worklist_files(paths):
        try:
            new = scheduling.step_of(_read_worklist_file(path))
            scheduling.schedule_step(database, OPERATOR, new)
            counts[TAKEN_OVER] += 1
        except scheduling.StepExists:
            counts[THERE_ALREADY] += 1
        except FilmlessError as error:
            counts[REFUSED] += 1
            complaints.print(f"{path}: {error.message}", highlight=False, markup=False)
    return counts


def _worklist_files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*.wl") if each.is_file())
        else:
            yield path


def _read_worklist_file(path: Path) -> DataSet:
    """The worklist item of a file, with or without file meta information; raises Invalid."""
    with path.open("rb") as file:
        raw = file.read(WORKLIST_FILE_BYTES_MAX + 1)
    if len(raw) > WORKLIST_FILE_BYTES_MAX:
        raise Invalid("The file is larger than a worklist item can be.")
    try:
        header = read_part10_header(raw)
        body = raw[header.dataset_offset :]
        return decode_data_set(body, header.meta.transfer_syntax_uid, bytes_max=WORKLIST_FILE_BYTES_MAX)
    except MalformedDataSet as error:
        raise Invalid("The file is no DICOM data set.") from error


def _start(text: str, now: datetime) -> datetime:
    if not text:
        return now
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("The start is not YYYY-MM-DD HH:MM.") from None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid("A day is not YYYY-MM-DD.") from None
