"""One object on its way into a folder: staged in aligned memory, written past the page cache, synced.

Not here: names and folders (`folder`), files made ahead (`ready_files`).
"""

import contextlib
import errno
import fcntl
import mmap
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from filmless.infra.errors import Unavailable
from filmless.infra.object_store.base import Buffer, Observer
from filmless.infra.object_store.staging import BLOCK_BYTES, BUFFER_BYTES, StagingBuffers

LONG_SECONDS = 600.0  # From here on a sweep (an hour) might have taken the file for something left behind.


@dataclass(frozen=True, slots=True)
class NewFile:
    """An empty file under its final name, open for writing."""

    object_id: str
    path: str
    descriptor: int
    name_is_durable: bool = False


@dataclass(frozen=True, slots=True)
class WritingPlace:
    """What writers of one store share. `direct` is O_DIRECT or 0; `sync_folder` may raise OSError."""

    direct: int
    buffers: StagingBuffers
    sync_folder: Callable[[str], None]


class FolderObjectWriter:
    """One file being written, through a staging buffer and straight to the disk where that is possible."""

    def __init__(self, file: NewFile, place: "WritingPlace", observe: Observer | None) -> None:
        self.object_id = file.object_id
        self.size_bytes = 0
        self._file = file
        self._descriptor = file.descriptor
        self._begun_at = time.monotonic()
        self._observe = observe
        self._place = place
        self._staging: mmap.mmap | None = place.buffers.take()
        self._filled = 0  # Bytes in the staging buffer that are not in the file yet.
        self._flushed = 0  # Bytes in the file: whole blocks until the last flush.

    def write(self, buffers: Sequence[Buffer]) -> None:
        """Append the buffers in order; raises Unavailable when the disk is full or fails."""
        staging = self._staging
        assert staging is not None  # Nobody writes after `sync` or `abandon`.
        for buffer in buffers:
            length, taken = len(buffer), 0
            while taken < length:
                step = min(length - taken, BUFFER_BYTES - self._filled)
                whole = step == length
                staging[self._filled : self._filled + step] = (
                    buffer if whole else memoryview(buffer)[taken : taken + step]
                )
                self._filled += step
                taken += step
                if self._filled == BUFFER_BYTES:
                    self._flush(staging)
            self.size_bytes += length

    def seal(self) -> None:
        """There are no more bytes: show the observer the last ones."""
        if self._observe is not None and self._staging is not None:
            with memoryview(self._staging) as view, view[: self._filled] as run:
                self._observe(run)
            self._observe = None

    def sync(self) -> None:
        """Write the rest, sync file and folder. A failed sync is final: the kernel may have dropped pages."""
        staging = self._staging
        assert staging is not None  # An object is synced once.
        try:
            try:
                self._flush(staging)
                os.fdatasync(self._descriptor)
                if (
                    time.monotonic() - self._begun_at > LONG_SECONDS
                    and not os.fstat(self._descriptor).st_nlink
                ):
                    raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))  # Removed under our hands.
            finally:
                self._close()
            if not self._file.name_is_durable:
                self._place.sync_folder(os.path.dirname(self._file.path))
        except OSError as error:
            raise unavailable(error) from error

    def abandon(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):
            self._close()
        with contextlib.suppress(OSError):
            os.unlink(self._file.path)

    def _flush(self, staging: mmap.mmap) -> None:
        """Write what is staged: whole blocks straight to the disk, the last piece the ordinary way."""
        filled, self._filled = self._filled, 0
        whole = filled - filled % BLOCK_BYTES if self._place.direct else filled
        with memoryview(staging) as view:
            if self._observe is not None:
                with view[:filled] as run:
                    self._observe(run)
            try:
                self._write_all(view, 0, whole)
                if whole < filled:
                    fcntl.fcntl(self._descriptor, fcntl.F_SETFL, os.O_WRONLY)  # No longer O_DIRECT.
                    self._write_all(view, whole, filled)
            except OSError as error:
                raise unavailable(error) from error

    def _write_all(self, view: memoryview, start: int, end: int) -> None:
        while start < end:
            with view[start:end] as rest:
                written = os.pwrite(self._descriptor, rest, self._flushed)
            start += written
            self._flushed += written
            if not written or (start < end and written % BLOCK_BYTES):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # A write that ends in the middle.

    def _close(self) -> None:
        staging, self._staging = self._staging, None
        if staging is not None:
            self._place.buffers.give(staging)
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)  # Closed even when it fails (Linux): never try twice.


def unavailable(error: OSError) -> Unavailable:
    """The error for whoever stores: what the disk said, in plain words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable("The disk is full: nothing more is received until space is made.")
    reason = os.strerror(error.errno or 0)
    return Unavailable(f"The object store does not answer ({reason}). Try again later.")
