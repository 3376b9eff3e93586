"""Folders of the servers under measurement, removed only when the whole bench is done.

ext4 is slow to make files for minutes after many were deleted (it steps over inodes deleted a moment ago), so
what one run tidies away, the next one pays for, whoever it measures. Start at `new_folder`.
"""

import atexit
import shutil
import tempfile
from pathlib import Path


def new_folder(name: str) -> Path:
    """A fresh folder on the disk under measurement; removed at the end of this process."""
    folder = Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def new_folder_in_memory(name: str) -> Path:
    """A fresh folder for files that are only read, in memory where the machine has such a place."""
    memory = Path("/dev/shm")
    parent = memory if memory.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix=f"bench-{name}-", dir=parent))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
