"""Where the processes of one machine leave their figures, so that one of them can show all.

Not here: the figures (`metrics`). prometheus-client decides when it is imported whether figures go to files,
so this module imports nothing of it, and the process that calls it does so for its children.
"""

import os
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def prepare_metrics_folder(data: Path, *, clear: bool) -> None:
    """Let the processes started from here on write their figures below the data folder.

    The supervisor clears what earlier runs left: counters start at zero again, as a scraper expects after a
    restart. Who does not clear joins the figures of those who run already. This process itself takes part
    only if it has not imported `metrics` yet.
    """
    folder = data.absolute() / "run" / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    if clear:
        for file in folder.glob("*.db"):
            file.unlink(missing_ok=True)
    os.environ[VARIABLE] = str(folder)
