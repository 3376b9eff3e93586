"""Where the receiving process spends its time while four associations send: py-spy, summed by function.

Two tables: self time (the function's own lines) and total time (it and all it calls). Idle threads are left
out; `--gil` counts only threads that hold the interpreter lock, which is what one Python process runs out of.
Run `python -m bench.profile_ingest`; the raw stacks stay in `bench/out`, ready for a flame graph.
"""

import argparse
import signal
import subprocess
from collections import Counter

from bench.ct import Series
from bench.dicom_client import send_series
from bench.filmless_server import ROOT, Filmless
from bench.results import RAW

PY_SPY = str(ROOT / ".venv/bin/py-spy")


def summarise(raw: str) -> tuple[Counter[str], Counter[str], int]:
    """Samples by function (self, total) and the number of all samples, from py-spy's folded stacks."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    samples = 0
    for line in raw.splitlines():
        stack, _, count_text = line.rpartition(" ")
        frames, count = stack.split(";"), int(count_text)
        samples += count
        own[frames[-1]] += count
        for frame in set(frames):
            whole[frame] += count
    return own, whole, samples


def profile(count: int, associations: int, flags: list[str]) -> tuple[str, float]:
    """Send under py-spy; returns the folded stacks and the instances a second while watched."""
    RAW.mkdir(exist_ok=True)
    output = RAW / "profile-ingest.folded"
    with Filmless() as server:
        run = Series.new_run()
        send_series(
            server.dicom_address, [Series(run, 999)], 20, server.ae_title
        )  # Warm: imports, first pages.
        pid = server.process.listener(server.dicom_address[1])
        command = [
            PY_SPY,
            "record",
            "-p",
            str(pid),
            "-o",
            str(output),
            "-f",
            "raw",
            "-r",
            "250",
            "-F",
            *flags,
        ]
        spy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            series = [Series(run, sender) for sender in range(associations)]
            rate = send_series(server.dicom_address, series, count, server.ae_title)
        finally:
            spy.send_signal(signal.SIGINT)
            spy.wait(60)
    return output.read_text(), rate.per_second


def main() -> None:
    """Profile and print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1000, help="instances an association")
    parser.add_argument("--associations", type=int, default=4)
    parser.add_argument("--top", type=int, default=30)
    parser.add_argument("--gil", action="store_true", help="only threads that hold the interpreter lock")
    options = parser.parse_args()
    raw, per_second = profile(options.count, options.associations, ["--gil"] * options.gil)
    own, whole, samples = summarise(raw)
    print(f"{per_second:.0f} instances/s while watched, {samples} samples")
    for title, counts in (("self", own), ("total", whole)):
        print(f"\n{title} time")
        for name, count in counts.most_common(options.top):
            print(f"{100 * count / samples:6.1f} %  {name}")


if __name__ == "__main__":
    main()
