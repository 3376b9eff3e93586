"""Resident memory of each process of Filmless: idle, and while 50 associations send.

The design allows a process 200 MB when idle and 400 MB with 50 associations sending. The largest size seen
counts. The senders are `dicom_client` in a process of its own. Not here: speed (`ingest`), hostile peers
(tests). Run `python -m bench.memory [--quick]`.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from bench.filmless_server import Filmless
from bench.results import RAW, machine, replace_section

SECTION = "Memory"
ASSOCIATIONS = 50
MIB_PER_MB = 10**6 / 2**20
IDLE_MIB_MAX = 200 * MIB_PER_MB
SENDING_MIB_MAX = 400 * MIB_PER_MB
SETTLE_SECONDS = 5.0  # After the start: what is loaded when first needed by the jobs of every minute.
IDLE_SECONDS = 5.0
PAUSE_SECONDS = 0.1  # Between two looks; each reads a few files of /proc.


@dataclass
class Weight:
    """One process: what it is, its largest size idle and sending; 0: it did not exist then."""

    name: str
    idle_mib: float = 0.0
    sending_mib: float = 0.0

    @property
    def is_kept(self) -> bool:
        """Whether it stays within what the design allows."""
        return self.idle_mib <= IDLE_MIB_MAX and self.sending_mib <= SENDING_MIB_MAX

    def line(self) -> str:
        """One row of the table."""
        mark = "yes" if self.is_kept else "**no**"
        return f"| `{self.name}` | {self.idle_mib:.0f} | {self.sending_mib:.0f} | {mark} |"


def weigh(server: Filmless, weights: dict[int, Weight], state: str, goes_on: Callable[[], bool]) -> int:
    """Note the largest size of each process in `state` (a field of Weight); returns how often."""
    looks = 0
    while goes_on():
        for pid, (name, mib) in server.process.memory_mib().items():
            weight = weights.setdefault(pid, Weight(name))
            setattr(weight, state, max(getattr(weight, state), mib))
        looks += 1
        time.sleep(PAUSE_SECONDS)
    return looks


def measure(count: int) -> tuple[list[Weight], str, int]:
    """Each process, what the senders said of themselves, and how often was looked while they sent."""
    weights: dict[int, Weight] = {}
    with Filmless() as server:
        time.sleep(SETTLE_SECONDS)
        until = time.monotonic() + IDLE_SECONDS
        weigh(server, weights, "idle_mib", lambda: time.monotonic() < until)
        host, port = server.dicom_address
        words = (host, str(port), "--associations", str(ASSOCIATIONS), "--count", str(count))
        command = [sys.executable, "-m", "bench.dicom_client", *words, "--called", server.ae_title]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as senders:
            looks = weigh(server, weights, "sending_mib", lambda: senders.poll() is None)
            said = senders.stdout.read().strip() if senders.stdout else ""
        if senders.returncode != 0:
            raise SystemExit(f"The senders ended with {senders.returncode}")
    return list(weights.values()), said, looks


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few instances: does it run at all")
    options = parser.parse_args()
    weights, said, looks = measure(10 if options.quick else 200)
    measured_at = datetime.now(UTC)
    command = "python -m bench.memory" + " --quick" * options.quick
    head = f"| process | idle, MiB | {ASSOCIATIONS} associations sending, MiB | kept |\n|---|---|---|---|"
    limits = f"| allowed | {IDLE_MIB_MAX:.0f} | {SENDING_MIB_MAX:.0f} | |"
    about = f"`{command}` on {machine()}, {measured_at:%Y-%m-%d %H:%M} UTC."
    notes = (
        f"Largest of all looks, one each {PAUSE_SECONDS:g} s, {looks} while sending; pages that"
        f" processes share count in each. The senders: {said}."
    )
    body = "\n".join([head, *(one.line() for one in weights), limits, "", about, notes])
    print(f"\n{SECTION}\n\n{body}")
    RAW.mkdir(exist_ok=True)
    raw = {"section": SECTION, "command": command, "machine": machine(), "said": said, "looks": looks}
    raw_path = RAW / f"memory-{measured_at:%Y%m%dT%H%M%S}.json"
    raw_path.write_text(
        json.dumps(
            raw | {"measured_at": measured_at.isoformat(), "processes": [asdict(one) for one in weights]}
        )
    )
    if not options.quick:
        replace_section(SECTION, body)


if __name__ == "__main__":
    main()
