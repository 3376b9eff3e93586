"""C-MOVE and C-GET of a 300-slice CT: how many slices a second leave the archive.

Stock movescu with storescp, and stock getscu, against Orthanc as installed; then a client and a destination
that cost next to nothing, against Orthanc at its best. Both servers hold the same study and run all the time;
each retrieves in turn. Run `python -m bench.retrieve [--quick]`.
"""

import argparse
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import dicom_client, orthanc, retrieving_client
from bench.ct import Series
from bench.dicom_client import ClientError
from bench.filmless_server import Filmless, run_command
from bench.folders import new_folder_in_memory
from bench.orthanc import Orthanc
from bench.processes import free_ports
from bench.results import Comparison, alternate, report
from bench.retrieving_client import Destination

UNIT = "instances/s"
SLICES = 300
ASKER = "BENCHASKER"
SETTLE_SECONDS = 5  # Both sides look at what they were sent: thumbnails, statistics.


@dataclass(frozen=True)
class Holder:
    """A server that holds the study."""

    name: str
    address: tuple[str, int]
    ae_title: str
    study_instance_uid: str


@contextmanager
def filmless(destination_port: int, slices: int, associations: int = 1) -> Iterator[Holder]:
    """Filmless with the study; the destination takes so many associations at once."""
    with Filmless() as server:
        words = ("node", "add", Destination.ae_title, "127.0.0.1", str(destination_port))
        run_command(server.environment, *words, "--associations", str(associations))
        yield _holding(server.name, server.dicom_address, server.ae_title, slices)


@contextmanager
def their_server(destination_port: int, slices: int, *, at_its_best: bool) -> Iterator[Holder]:
    """Orthanc with the study."""
    modalities = {Destination.ae_title: ("127.0.0.1", destination_port), ASKER: ("127.0.0.1", 1)}
    with Orthanc(at_its_best=at_its_best, modalities=modalities) as server:
        yield _holding(server.name, server.dicom_address, server.ae_title, slices)


def _holding(name: str, address: tuple[str, int], ae_title: str, slices: int) -> Holder:
    series = Series(Series.new_run(), 0)
    dicom_client.send_series(address, [series], slices, ae_title)
    time.sleep(SETTLE_SECONDS)
    return Holder(name, address, ae_title, series.study_instance_uid)


def _keys(holder: Holder) -> list[str]:
    return ["-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={holder.study_instance_uid}"]


def _timed(command: list[str], folder: Path, slices: int) -> float:
    """Run a stock client that fills the folder; slices a second from its start to its end."""
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    arrived = len(list(folder.iterdir()))
    for path in folder.iterdir():
        path.unlink()
    if done.returncode != 0 or arrived != slices:
        raise ClientError(
            f"{command[0]} ended with {done.returncode}, {arrived} arrived: {done.stderr[-300:]}"
        )
    return slices / seconds


def stock_move(holder: Holder, folder: Path, slices: int) -> float:
    """movescu; the storescp beside it is running."""
    command = ["movescu", "-S", "-aet", ASKER, "-aec", holder.ae_title, "-aem", Destination.ae_title]
    return _timed([*command, *_keys(holder), holder.address[0], str(holder.address[1])], folder, slices)


def stock_get(holder: Holder, folder: Path, slices: int) -> float:
    """getscu."""
    command = ["getscu", "-S", "-aet", ASKER, "-aec", holder.ae_title, "-od", str(folder)]
    return _timed([*command, *_keys(holder), holder.address[0], str(holder.address[1])], folder, slices)


def lean_move(holder: Holder, slices: int) -> float:
    """Our own asker and destination."""
    titles = (holder.ae_title, ASKER, Destination.ae_title)
    return slices / retrieving_client.move(holder.address, titles, holder.study_instance_uid, slices)


def lean_get(holder: Holder, slices: int) -> float:
    """Our own asker."""
    uid = holder.study_instance_uid
    return slices / retrieving_client.get(holder.address, holder.ae_title, ASKER, uid, slices)


def _compared(
    title: str, ours: Holder, theirs: Holder, measure: Callable[[Holder], float], rounds: int, target: float
) -> Comparison:
    print(f"\n{title}")
    for holder in (ours, theirs):
        measure(holder)  # Once without counting: page cache, connections, code that is loaded when needed.
    contestants = [(holder.name, lambda holder=holder: measure(holder)) for holder in (ours, theirs)]
    sides = alternate(contestants, rounds, UNIT)
    return Comparison(title, UNIT, sides[0], sides[1], target)


@contextmanager
def _storescp(folder: Path) -> Iterator[int]:
    """DCMTK's storescp as it comes, on a free port."""
    (port,) = free_ports(1)
    command = ["storescp", "-od", str(folder), "-aet", Destination.ae_title, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def stock_scenario(rounds: int, slices: int) -> list[Comparison]:
    """Stock clients, both servers as installed."""
    folder = new_folder_in_memory("retrieved")
    with ExitStack() as stack:
        port = stack.enter_context(_storescp(folder))
        ours = stack.enter_context(filmless(port, slices))
        theirs = stack.enter_context(their_server(port, slices, at_its_best=False))
        return [
            _compared(
                f"{what} of {slices} slices, {client}",
                ours,
                theirs,
                lambda holder, run=run: run(holder, folder, slices),
                rounds,
                target=5,
            )
            for what, client, run in (
                ("C-MOVE", "stock movescu and storescp", stock_move),
                ("C-GET", "stock getscu", stock_get),
            )
        ]


def lean_scenario(rounds: int, slices: int) -> list[Comparison]:
    """Lean client and destination, theirs at its best."""
    with ExitStack() as stack:
        port = stack.enter_context(Destination()).port
        ours = stack.enter_context(filmless(port, slices))
        wide = stack.enter_context(filmless(port, slices, associations=4))
        theirs = stack.enter_context(their_server(port, slices, at_its_best=True))
        rows = (
            ("C-MOVE", "lean client, one association", ours, lean_move),
            ("C-MOVE", "lean client, up to four associations", wide, lean_move),
            ("C-GET", "lean client", ours, lean_get),
        )
        return [
            _compared(
                f"{what} of {slices} slices, {client}",
                holder,
                theirs,
                lambda one, run=run: run(one, slices),
                rounds,
                target=1.5,
            )
            for what, client, holder, run in rows
        ]


def main() -> None:
    """Run the scenarios asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one short round: does it run at all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("stock", "lean"), help="just this scenario")
    options = parser.parse_args()
    if not orthanc.is_installed() or shutil.which("movescu") is None:
        raise SystemExit(
            "This benchmark needs Debian's packages: apt-get install orthanc orthanc-dicomweb dcmtk"
        )
    rounds, slices = (1, 30) if options.quick else (options.rounds, SLICES)
    comparisons: list[Comparison] = []
    if options.only in (None, "stock"):
        comparisons += stock_scenario(rounds, slices)
    if options.only in (None, "lean"):
        comparisons += lean_scenario(rounds, slices)
    notes = [
        "512×512 16-bit CT, 514 KiB a slice, stored as explicit little endian; both servers running, in turn"
    ]
    words = [
        "python -m bench.retrieve",
        "--quick" * options.quick,
        f"--only {options.only}" * bool(options.only),
    ]
    command = " ".join(word for word in words if word)
    report("Retrieve", comparisons, notes, command, keep=not options.quick and options.only is None)


if __name__ == "__main__":
    main()
