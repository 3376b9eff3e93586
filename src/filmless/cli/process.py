"""Processes: a child that ends with its parent, a folder that only one installation uses."""

import ctypes
import fcntl
import os
import signal
import sys
from pathlib import Path
from typing import IO

from filmless.infra.errors import Conflict

_PR_SET_PDEATHSIG = 1  # prctl(2)
SUPERVISOR_VARIABLE = "_FILMLESS_SUPERVISOR"  # Between our own processes; not a setting.


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent does, even by kill -9: no orphan keeps a port."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def die_with_supervisor() -> None:
    """`die_with_parent` for a role that the supervisor started; a role started alone lives by itself."""
    supervisor = os.environ.get(SUPERVISOR_VARIABLE)
    if supervisor is not None:
        die_with_parent()
        if str(os.getppid()) != supervisor:  # It ended before we asked.
            os.kill(os.getpid(), signal.SIGTERM)


def lock_data_folder(folder: Path) -> IO[str]:
    """Take the data folder for this supervisor; raises Conflict when another one runs on it.

    The lock lasts as long as the returned file is open; the kernel frees it with the process.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = open(folder / "filmless.lock", "a+", encoding="utf-8")  # noqa: SIM115
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise Conflict(
            f"Filmless is already running on the folder {folder}. Stop it first, or name another folder "
            "with FILMLESS_DATA."
        ) from None
    return file
