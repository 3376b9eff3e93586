"""DICOMweb beside Orthanc's plugin, on the same slices: query, series metadata, frames.

One server of each, filled once, idle while the other is asked; rounds alternate. Run
`python -m bench.dicomweb [--quick]`.
"""

import argparse
import contextlib
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from bench import orthanc
from bench.ct import Series
from bench.dicom_client import send_series
from bench.filmless_server import Filmless
from bench.http_client import Connection, encode_request, latencies, throughput
from bench.orthanc import Orthanc
from bench.results import Comparison, alternate, report

FRAME_BYTES = 512 * 512 * 2
CLIENTS = 8


class Server(Protocol):
    """What both sides look like to a DICOMweb client."""

    dicom_address: tuple[str, int]
    http_address: tuple[str, int]
    dicomweb_path: str
    ae_title: str

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that every request must carry."""


@dataclass(frozen=True)
class Corpus:
    """What both servers hold."""

    small: list[Series]  # Many patients with one tiny slice each: what a query looks through.
    series: dict[int, Series]  # Number of instances -> a series of that many full slices.

    def fill(self, server: Server) -> None:
        """Store everything in one server."""
        for start in range(0, len(self.small), 20):
            send_series(server.dicom_address, self.small[start : start + 20], 1, server.ae_title)
        for count, series in self.series.items():
            send_series(server.dicom_address, [series], count, server.ae_title)


def make_corpus(patients: int, counts: Sequence[int]) -> Corpus:
    """A corpus with fresh UIDs."""
    run = Series.new_run()
    small = [Series(run, number, 16, 16) for number in range(patients)]
    series = {count: Series(run, 900 + place) for place, count in enumerate(counts)}
    return Corpus(small, series)


def _request(server: Server, path: str, accept: str, **headers: str) -> bytes:
    return encode_request(server.dicomweb_path + path, {**server.headers, "Accept": accept, **headers})


def _milliseconds(server: Server, requests: Sequence[bytes], body_bytes_min: int) -> float:
    return statistics.median(latencies(server.http_address, requests, body_bytes_min))


def query_milliseconds(server: Server, corpus: Corpus, times: int) -> float:
    """QIDO studies by Patient ID, another patient each time."""
    ids = [one.patient_id for one in corpus.small][:times]
    requests = [_request(server, f"/studies?PatientID={one}", "application/dicom+json") for one in ids]
    return _milliseconds(server, requests, 100)


def metadata_milliseconds(server: Server, series: Series, count: int, times: int, encoding: str) -> float:
    """WADO-RS metadata of one series."""
    path = f"/studies/{series.study_instance_uid}/series/{series.series_instance_uid}/metadata"
    request = _request(server, path, "application/dicom+json", **{"Accept-Encoding": encoding})
    least = count * (1000 if encoding == "identity" else 20)
    return _milliseconds(server, [request] * times, least)


def frames_per_second(server: Server, series: Series, count: int, seconds: float) -> float:
    """WADO-RS frames, eight clients, all slices of the series in turn."""
    accept = 'multipart/related; type="application/octet-stream"'
    prefix = f"/studies/{series.study_instance_uid}/series/{series.series_instance_uid}/instances"
    paths = [f"{prefix}/{series.sop_instance_uid(number)}/frames/1" for number in range(count)]
    requests = [_request(server, path, accept) for path in paths]
    return throughput(server.http_address, requests, FRAME_BYTES, clients=CLIENTS, seconds=seconds)


def check_same_frame(servers: Sequence[Server], series: Series) -> None:
    """Both must hand out the pixels that were sent; a fast wrong answer is no answer."""
    pixels = series.data_set(0)[-FRAME_BYTES:]
    for server in servers:
        path = (
            f"/studies/{series.study_instance_uid}/series/{series.series_instance_uid}"
            f"/instances/{series.sop_instance_uid(0)}/frames/1"
        )
        request = _request(server, path, 'multipart/related; type="application/octet-stream"')
        connection = Connection(server.http_address)
        assert pixels in connection.get_body(request), f"{path}: these are not the pixels that were sent"
        connection.close()


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    patients: int
    counts: tuple[int, int]  # Instances of the short and the long series.
    rounds: int
    queries: int
    seconds: float


FULL = Plan(patients=400, counts=(100, 1000), rounds=5, queries=200, seconds=4.0)
QUICK = Plan(patients=40, counts=(10, 50), rounds=1, queries=40, seconds=1.0)


class Bench:
    """Both servers, filled with the same corpus."""

    def __init__(self, ours: Server, theirs: Server, plan: Plan) -> None:
        self._ours, self._theirs, self._plan = ours, theirs, plan
        self._corpus = make_corpus(plan.patients, plan.counts)
        self._corpus.fill(ours)
        self._corpus.fill(theirs)

    def first_metadata(self) -> str:
        """What the first reader after the ingest waits for; must run before everything else."""
        count = self._plan.counts[1]
        ours, theirs = (
            metadata_milliseconds(server, self._corpus.series[count], count, 1, "identity")
            for server in (self._ours, self._theirs)
        )
        return (
            f"first metadata request after {count} instances: Filmless {ours:.0f} ms, Orthanc {theirs:.0f} ms"
        )

    def comparisons(self) -> list[Comparison]:
        """All of them, in turn."""
        plan, corpus = self._plan, self._corpus
        check_same_frame([self._ours, self._theirs], corpus.series[plan.counts[0]])
        title = f"QIDO by Patient ID, {plan.patients + 2} studies"
        found = [self._compare(title, "ms", lambda it: query_milliseconds(it, corpus, plan.queries), 1, 10)]
        found += [
            self._metadata(count, encoding) for encoding in ("identity", "gzip") for count in plan.counts
        ]
        few = plan.counts[0]
        title = f"frames of 512 KiB, {CLIENTS} clients"
        frames = partial(frames_per_second, series=corpus.series[few], count=few, seconds=plan.seconds)
        found.append(self._compare(title, "requests/s", frames, 3))
        return found

    def _metadata(self, count: int, encoding: str) -> Comparison:
        measure = partial(
            metadata_milliseconds, series=self._corpus.series[count], count=count, times=5, encoding=encoding
        )
        return self._compare(f"series metadata, {count} instances, {encoding}", "ms", measure, 30, 20)

    def _compare(
        self,
        title: str,
        unit: str,
        measure: Callable[[Server], float],
        target: float,
        limit: float | None = None,
    ) -> Comparison:
        print(f"\n{title}")
        contestants = [("Filmless", lambda: measure(self._ours)), ("Orthanc", lambda: measure(self._theirs))]
        ours, theirs = alternate(contestants, self._plan.rounds, unit)
        return Comparison(title, unit, ours, theirs, target, less_is_better=unit == "ms", limit=limit)


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="one short round on few images: does it run at all"
    )
    options = parser.parse_args()
    if not orthanc.is_installed():
        raise SystemExit("This benchmark needs Debian's packages: apt-get install orthanc orthanc-dicomweb")
    with contextlib.ExitStack() as stack:
        ours, theirs = stack.enter_context(Filmless()), stack.enter_context(Orthanc(at_its_best=True))
        bench = Bench(ours, theirs, QUICK if options.quick else FULL)
        notes = [bench.first_metadata()]
        comparisons = bench.comparisons()
        sizes = [f"`{name}` {mib:.0f}" for name, mib in ours.process.memory_mib().values()]
    notes.append(f"resident MiB of Filmless at the end: {', '.join(sizes)}")
    report("DICOMweb", comparisons, notes, "python -m bench.dicomweb", keep=not options.quick)


if __name__ == "__main__":
    main()
