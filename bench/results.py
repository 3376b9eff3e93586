"""Figures side by side: alternate the runs, take medians, say the ratio, keep the numbers.

Ratios of one run on one machine are what counts; single figures are not. Not here: what is measured.
Start at `alternate` and `Comparison`.
"""

import json
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
RAW = FOLDER / "out"
SUMMARY = FOLDER / "RESULTS.md"


@dataclass(frozen=True)
class Side:
    """One contestant's figures of all rounds."""

    name: str
    figures: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle figure."""
        return statistics.median(self.figures)


@dataclass(frozen=True)
class Comparison:
    """What one scenario found. `target` is what ours / theirs (more is better) must reach."""

    title: str
    unit: str
    ours: Side
    theirs: Side
    target: float
    less_is_better: bool = False
    limit: float | None = None  # What ours must not exceed, whatever theirs is.

    @property
    def ratio(self) -> float:
        """How many times better ours is: the ratio of the medians, above 1 is better."""
        ratio = self.ours.median / self.theirs.median
        return 1 / ratio if self.less_is_better else ratio

    @property
    def reached(self) -> bool:
        """Whether target and limit are reached."""
        return self.ratio >= self.target and (self.limit is None or self.ours.median <= self.limit)

    def line(self) -> str:
        """One row of the summary table."""
        mark = "yes" if self.reached else "**no**"
        must = f"≥ {self.target:g} ×" + (f", ≤ {self.limit:g} {self.unit}" if self.limit else "")
        theirs = f"{self.theirs.name} {_figure(self.theirs.median)}"
        return (
            f"| {self.title} | {_figure(self.ours.median)} | {theirs} "
            f"| {self.unit} | {self.ratio:.2f} × | {must} | {mark} |"
        )


def alternate(contestants: Sequence[tuple[str, Callable[[], float]]], rounds: int, unit: str) -> list[Side]:
    """Run A B C, A B C, …; print each figure as it comes."""
    figures: list[list[float]] = [[] for _ in contestants]
    for _ in range(rounds):
        for place, (name, measure) in enumerate(contestants):
            os.sync()  # The last one's dirty pages are not this one's burden.
            time.sleep(0.5)
            figure = measure()
            figures[place].append(figure)
            print(f"    {name:24} {_figure(figure):>10} {unit}", flush=True)
    return [Side(name, tuple(found)) for (name, _), found in zip(contestants, figures, strict=True)]


def report(
    section: str, comparisons: Sequence[Comparison], notes: Sequence[str], command: str, *, keep: bool = True
) -> None:
    """Print the table, save the raw figures, and (keep) replace the section of that name in the summary."""
    head = "| Work | Filmless | peer | unit | ratio | must reach | reached |\n|---|---|---|---|---|---|---|"
    table = "\n".join([head, *(comparison.line() for comparison in comparisons)])
    measured_at = datetime.now(UTC)
    about = f"`{command}` on {machine()}, {measured_at:%Y-%m-%d %H:%M} UTC. Medians; all figures:"
    figures = [
        f"- {one.title}: "
        + "; ".join(f"{side.name} {' '.join(map(_figure, side.figures))}" for side in (one.ours, one.theirs))
        for one in comparisons
    ]
    body = "\n".join([table, "", about, "", *figures, *(f"- {note}" for note in notes)])
    print(f"\n{section}\n\n{body}")
    RAW.mkdir(exist_ok=True)
    raw = {
        "section": section,
        "command": command,
        "machine": machine(),
        "measured_at": measured_at.isoformat(),
    }
    raw_path = RAW / f"{section.lower().replace(' ', '-')}-{measured_at:%Y%m%dT%H%M%S}.json"
    raw_path.write_text(
        json.dumps(raw | {"comparisons": [asdict(one) for one in comparisons], "notes": list(notes)})
    )
    if keep:
        replace_section(section, body)


def machine() -> str:
    """Processor, cores, memory, system, in one line."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory_kib = int(Path("/proc/meminfo").read_text().split()[1])
    facts = (
        model.group(1) if model else platform.machine(),
        f"{os.cpu_count()} cores, {memory_kib / 2**20:.0f} GiB",
        f"Linux {platform.release()}, Python {platform.python_version()}",
        f"load {os.getloadavg()[0]:.1f} at the end",
    )
    return ", ".join(facts)


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def replace_section(section: str, body: str) -> None:
    """Replace the section of that name in the summary, or add it."""
    text = (
        SUMMARY.read_text()
        if SUMMARY.exists()
        else "# Results\n\nWritten by the scripts of this folder; read ratios, not digits.\n"
    )
    parts = re.split(r"(?m)^## ", text)
    kept = [part for part in parts[1:] if not part.startswith(f"{section}\n")]
    kept.append(f"{section}\n\n{body}\n")
    SUMMARY.write_text(
        "## ".join([parts[0].rstrip() + "\n\n", *(part.rstrip() + "\n\n" for part in sorted(kept))]).rstrip()
        + "\n"
    )
