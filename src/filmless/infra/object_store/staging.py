"""Buffers between the network and the disk: page-aligned, of one size, used again and again.

The kernel moves aligned memory straight to the disk (O_DIRECT), which spares a copy and the page cache: a
sixth of the processor time for a CT slice (`docs/decisions/`). Not here: files (`folder`).
"""

import mmap
import os
import threading
from pathlib import Path

BUFFER_BYTES = 1 << 20  # A CT or MR slice fits whole, so it is written at once; larger ones go in such steps.
BUFFERS_KEPT_MAX = 64  # As many as senders at once on a busy morning; more are made and dropped again.
BLOCK_BYTES = 4096  # What direct writes are aligned to: the page, and a multiple of every disk's sector.

_O_DIRECT = getattr(os, "O_DIRECT", 0)  # Linux only.


class StagingBuffers:
    """A pool of aligned buffers for any number of threads."""

    def __init__(self) -> None:
        self._free: list[mmap.mmap] = []
        self._lock = threading.Lock()

    def take(self) -> mmap.mmap:
        """A buffer of BUFFER_BYTES; what is in it is somebody else's: hand on only what you have written."""
        with self._lock:
            if self._free:
                return self._free.pop()
        return mmap.mmap(-1, BUFFER_BYTES)

    def give(self, buffer: mmap.mmap) -> None:
        """Hand a buffer back."""
        with self._lock:
            if len(self._free) < BUFFERS_KEPT_MAX:
                self._free.append(buffer)


def direct_flag(folder: Path) -> int:
    """O_DIRECT where the folder's file system takes it, else 0; raises OSError when it takes nothing."""
    probe = folder / f".probe-{os.getpid()}-{threading.get_ident()}"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | _O_DIRECT, 0o600)
    except OSError:
        return 0  # tmpfs and some network file systems.
    try:
        with mmap.mmap(-1, BLOCK_BYTES) as block:
            os.write(descriptor, block)
    except OSError:
        return 0  # A disk of larger sectors, or a full one: the ordinary way will tell.
    finally:
        os.close(descriptor)
        os.unlink(probe)
    return _O_DIRECT
