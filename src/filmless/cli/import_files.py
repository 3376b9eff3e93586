"""`filmless import PATH`: a folder, a zip, a DICOMDIR or one file, into the archive.

The same verb as C-STORE, so the same promises hold. An interrupted import goes on where it stopped: files
that were acknowledged stand in a list in the data folder until the whole import is done.
"""

from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from filmless.cli.common import console, error_console, opened_system
from filmless.cli.import_sources import ImportList, Source, find_sources
from filmless.compose import System
from filmless.features.access import system_actor
from filmless.features.archive import NotDICOM, QuarantineCause, StoreStatus, end_transfers, receive_part10
from filmless.infra.errors import FilmlessError

THREADS = 4  # While one waits for the disk another reads; more only queue at the disk.
IN_FLIGHT_MAX = 64  # Enough that no thread idles; each holds one chunk in memory.
FAILURES_SHOWN_MAX = 20  # A screenful; the count says the rest.

ACTOR = system_actor("import")
STORED, ALREADY, QUARANTINED, NOT_DICOM, FAILED = (
    "stored",
    "already stored",
    "kept in quarantine",
    "not DICOM",
    "failed",
)


def import_path(
    path: Annotated[
        Path, typer.Argument(help="A folder, a zip file, a DICOMDIR or one DICOM file.", exists=True)
    ],
    again: Annotated[
        bool, typer.Option("--again", help="Look at files of an interrupted import too.")
    ] = False,
) -> None:
    """Bring images from disk into the archive."""
    with opened_system() as system:
        done = ImportList(system.settings.data / "imports", path)
        if again:
            done.forget()
        counts, failures = _import_all(system, path, done)
        end_transfers(system.archive, ACTOR)
        if not counts[FAILED]:
            done.forget()
    _report(counts, failures)
    if counts[FAILED]:
        raise typer.Exit(1)


def _import_all(system: System, path: Path, done: ImportList) -> tuple[Counter[str], list[str]]:
    sources = find_sources(path)
    counts: Counter[str] = Counter()
    failures: list[str] = []
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with (
        Progress(*columns, console=error_console) as progress,
        ThreadPoolExecutor(THREADS, thread_name_prefix="import") as threads,
    ):
        task = progress.add_task("Importing", total=len(sources))
        running: dict[Future[str], Source] = {}

        def settle(finished: set[Future[str]]) -> None:
            for future in finished:
                source, result = running.pop(future), future.result()
                kind, _, explanation = result.partition(": ")
                counts[kind] += 1
                if kind == FAILED:
                    failures.append(f"{source.label}: {explanation}")
                else:
                    done.add(source)
                progress.advance(task)

        for source in sources:
            if source in done:
                progress.advance(task)
                counts[ALREADY] += 1
                continue
            running[threads.submit(_import_one, system, source)] = source
            if len(running) >= IN_FLIGHT_MAX:
                settle(wait(running, return_when=FIRST_COMPLETED).done)
        settle(wait(running).done)
    return counts, failures


def _import_one(system: System, source: Source) -> str:
    """Import one file; the outcome, for a failure with its explanation behind a colon."""
    try:
        outcome = receive_part10(system.archive, ACTOR, "", source.chunks())
    except NotDICOM:
        return NOT_DICOM
    except FilmlessError as error:
        return QUARANTINED if isinstance(error, QuarantineCause) else f"{FAILED}: {error.message}"
    except OSError as error:
        return f"{FAILED}: it cannot be read ({error.strerror})"
    return STORED if outcome.status is StoreStatus.STORED else ALREADY


def _report(counts: Counter[str], failures: list[str]) -> None:
    table = Table(show_header=False, box=None)
    for kind in (STORED, ALREADY, QUARANTINED, NOT_DICOM, FAILED):
        if counts[kind]:
            table.add_row(kind, str(counts[kind]))
    if counts:
        console.print(table)
    else:
        console.print("There are no files.")
    for line in failures[:FAILURES_SHOWN_MAX]:
        error_console.print(f"[red]failed[/] {line}", highlight=False)
    if len(failures) > FAILURES_SHOWN_MAX:
        error_console.print(f"… and {len(failures) - FAILURES_SHOWN_MAX} more.")
    if failures:
        error_console.print("Run the same command again: it goes on with what is missing.")
