"""Durable ingest: how many CT slices a second are on disk, indexed and answered with Success.

Scenarios of the design's speed table: stock storescu with one and with four senders against Orthanc as
installed; the pre-encoded client with four associations against Orthanc at its best and against the raw
receiver. Each run starts a fresh server on a fresh folder. Run `python -m bench.ingest [--quick]`.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bench import dicom_client, orthanc, stock_client
from bench.ct import Series
from bench.filmless_server import Filmless
from bench.folders import new_folder_in_memory
from bench.orthanc import Orthanc
from bench.raw_receiver import RawReceiver
from bench.results import Comparison, alternate, report

UNIT = "instances/s"


class Receiver(Protocol):
    """What both sides look like to a sender."""

    dicom_address: tuple[str, int]
    ae_title: str


@dataclass(frozen=True)
class Load:
    """How much is sent in one run, per sender."""

    ours: int
    theirs: int


def _fresh_series(senders: int) -> list[Series]:
    run = Series.new_run()
    return [Series(run, sender) for sender in range(senders)]


def _stock(server: Receiver, senders: int, count: int) -> float:
    return stock_client.send_folders(
        server.dicom_address, server.ae_title, _fresh_series(senders), count, new_folder_in_memory("files")
    ).per_second


class Memory:
    """The largest resident size of each of our processes right after a run."""

    def __init__(self) -> None:
        self.sizes: dict[str, float] = {}

    def note(self, server: Filmless) -> None:
        """Weigh the processes of a running server."""
        for command, mib in server.process.memory_mib().values():
            self.sizes[command] = max(self.sizes.get(command, 0.0), mib)

    def line(self) -> str:
        """One line for the report."""
        sizes = ", ".join(f"`{name}` {mib:.0f}" for name, mib in self.sizes.items())
        return f"resident MiB of Filmless right after a run: {sizes}"


def stock_scenario(senders: int, load: Load, rounds: int, target: float) -> Comparison:
    """Stock storescu against both, as installed."""
    title = f"durable ingest, stock storescu, {senders} sender{'s' * (senders > 1)}"
    print(f"\n{title}")

    def ours() -> float:
        with Filmless() as server:
            return _stock(server, senders, load.ours)

    def theirs() -> float:
        with Orthanc() as server:
            return _stock(server, senders, load.theirs)

    sides = alternate([("Filmless", ours), ("Orthanc as installed", theirs)], rounds, UNIT)
    return Comparison(title, UNIT, sides[0], sides[1], target)


def pre_encoded_scenario(associations: int, load: Load, rounds: int, memory: Memory) -> list[Comparison]:
    """The pre-encoded client against all three."""
    print(f"\ndurable ingest, pre-encoded client, {associations} associations")

    def ours() -> float:
        with Filmless() as server:
            series = _fresh_series(associations)
            rate = dicom_client.send_series(server.dicom_address, series, load.ours, server.ae_title)
            memory.note(server)
            return rate.per_second

    def theirs() -> float:
        with Orthanc(at_its_best=True) as server:
            series = _fresh_series(associations)
            return dicom_client.send_series(server.dicom_address, series, load.theirs).per_second

    def raw() -> float:
        series = _fresh_series(associations)
        with RawReceiver(series[0]) as server:
            return dicom_client.send_series(server.dicom_address, series, load.ours).per_second

    contestants: list[tuple[str, Callable[[], float]]] = [
        ("Filmless", ours),
        ("Orthanc at its best", theirs),
        ("raw receiver", raw),
    ]
    filmless, best, limit = alternate(contestants, rounds, UNIT)
    title = f"durable ingest, pre-encoded client, {associations} associations"
    return [
        Comparison(title, UNIT, filmless, best, target=2.5),
        Comparison(f"{title}, against the limit", UNIT, filmless, limit, target=0.5),
    ]


def main() -> None:
    """Run the scenarios asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one short round: does it run at all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("one", "four", "pre-encoded"), help="just this scenario")
    options = parser.parse_args()
    if not orthanc.is_installed() or not stock_client.is_installed():
        raise SystemExit(
            "This benchmark needs Debian's packages: apt-get install orthanc orthanc-dicomweb dcmtk"
        )
    rounds, scale = (1, 10) if options.quick else (options.rounds, 1)
    comparisons: list[Comparison] = []
    memory = Memory()
    if options.only in (None, "one"):
        comparisons.append(stock_scenario(1, Load(1000 // scale, 100 // scale), rounds, target=20))
    if options.only in (None, "four"):
        comparisons.append(stock_scenario(4, Load(500 // scale, 100 // scale), rounds, target=10))
    if options.only in (None, "pre-encoded"):
        comparisons += pre_encoded_scenario(4, Load(1000 // scale, 400 // scale), rounds, memory)
    notes = [
        "512×512 16-bit CT, 99 top-level elements, 514 KiB; a fresh server and folder each run, alternating",
        *([memory.line()] if memory.sizes else []),
    ]
    words = [
        "python -m bench.ingest",
        "--quick" * options.quick,
        f"--only {options.only}" if options.only else "",
    ]
    command = " ".join(word for word in words if word)
    report("Ingest", comparisons, notes, command, keep=not options.quick and options.only is None)


if __name__ == "__main__":
    main()
