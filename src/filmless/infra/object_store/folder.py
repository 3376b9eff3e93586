"""Objects as files of one folder, durable before we say so.

A fresh id is a fresh name, and nobody looks for the name before the index names it: the commit is the moment
of birth, so no temporary name and no rename is needed (`docs/decisions/`). What is needed before the commit:
fdatasync of the file and fsync of its folder (`sync`).

Layout: `objects/0123a/bc/0123abc…`: ids sort by time, so a folder holds about half a minute of a busy day.
"""

import contextlib
import errno
import fcntl
import mmap
import os
import shutil
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from filmless.infra import limits
from filmless.infra.errors import NotFound, Unavailable
from filmless.infra.ids import is_id, new_id
from filmless.infra.object_store.base import Buffer, Observer, StoredObject
from filmless.infra.object_store.staging import BLOCK_BYTES, BUFFER_BYTES, StagingBuffers, direct_flag

FOLDERS_OPEN_MAX = 16  # Kept open for their fsync; objects of one minute lie in two or three.


class FolderObjectWriter:
    """One file being written, through a staging buffer and straight to the disk where that is possible."""

    def __init__(
        self, object_id: str, path: str, store: "FolderObjectStore", observe: Observer | None
    ) -> None:
        self.object_id = object_id
        self.size_bytes = 0
        self._path = path
        self._observe = observe
        self._store = store
        self._direct = store.direct
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | self._direct
        self._descriptor = os.open(path, flags, 0o640)
        self._staging: mmap.mmap | None = store.buffers.take()
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

    def sync(self) -> None:
        """Write the rest, sync file and folder. A failed sync is final: the kernel may have dropped pages."""
        staging = self._staging
        assert staging is not None  # An object is synced once.
        try:
            try:
                self._flush(staging)
                os.fdatasync(self._descriptor)
            finally:
                self._close()
        except OSError as error:
            raise _unavailable(error) from error
        self._store.sync_folder_of(self.object_id)

    def abandon(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):
            self._close()
        with contextlib.suppress(OSError):
            os.unlink(self._path)

    def _flush(self, staging: mmap.mmap) -> None:
        """Write what is staged: whole blocks straight to the disk, the last piece the ordinary way."""
        filled, self._filled = self._filled, 0
        whole = filled - filled % BLOCK_BYTES if self._direct else filled
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
                raise _unavailable(error) from error

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
            self._store.buffers.give(staging)
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)  # Closed even when it fails (Linux): never try twice.


class FolderObjectStore:
    """Objects as files below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.buffers = StagingBuffers()
        self.direct = 0
        self._known_folders: set[str] = set()
        self._open_folders: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()
        try:
            new = [folder for folder in (root, *root.parents) if not folder.exists()]
            root.mkdir(parents=True, exist_ok=True)
            for folder in new or [root]:
                _sync_folder(str(folder.parent))
            self.direct = direct_flag(root)
        except OSError as error:
            raise _unavailable(error) from error

    def create(self, observe: Observer | None = None) -> FolderObjectWriter:
        """Begin a new file under a fresh id; raises Unavailable when the disk is (nearly) full."""
        object_id = new_id()
        folder = self._folder_of(object_id)
        try:
            self._refuse_when_nearly_full()
            if folder not in self._known_folders:
                self._make_folder(folder)
            try:
                return FolderObjectWriter(object_id, f"{folder}/{object_id}", self, observe)
            except FileNotFoundError:  # Somebody tidied empty folders away.
                self._make_folder(folder)
                return FolderObjectWriter(object_id, f"{folder}/{object_id}", self, observe)
        except OSError as error:
            raise _unavailable(error) from error

    def sync_folder_of(self, object_id: str) -> None:
        """fsync the folder that holds the object: its name is durable then; raises Unavailable."""
        try:
            with self._lock:
                descriptor = os.dup(self._opened_folder(self._folder_of(object_id)))
            try:
                os.fsync(descriptor)  # Outside the lock: syncs that wait together are one for the disk.
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _unavailable(error) from error

    def read(self, object_id: str, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes of the object from offset."""
        descriptor = self._open(object_id)
        try:
            if length is None:
                length = max(0, os.fstat(descriptor).st_size - offset)
            data = os.pread(descriptor, length, offset)
            while len(data) < length:  # More than 2 GiB comes in pieces; the end of the file is no error.
                more = os.pread(descriptor, length - len(data), offset + len(data))
                if not more:
                    break
                data += more
            return data
        except OSError as error:
            raise _unavailable(error) from error
        finally:
            os.close(descriptor)

    def stream(self, object_id: str, offset: int = 0, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        """The object from offset to its end, in chunks."""
        descriptor = self._open(object_id)
        try:
            while chunk := os.pread(descriptor, chunk_bytes, offset):
                offset += len(chunk)
                yield chunk
        finally:
            os.close(descriptor)

    def size(self, object_id: str) -> int:
        """Length in bytes."""
        descriptor = self._open(object_id)
        try:
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def local_path(self, object_id: str) -> str | None:
        """Path of the object's file."""
        return self._path_of(object_id)

    def delete(self, object_id: str) -> None:
        """Unlink the file; an absent one is no error."""
        try:
            os.unlink(self._path_of(object_id))
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unavailable(error) from error

    def list_objects(self) -> Iterator[StoredObject]:
        """All files whose names are ids of ours, oldest first."""
        for outer in sorted(self.root.iterdir()):
            for inner in sorted(outer.iterdir()) if outer.is_dir() else ():
                for file in sorted(inner.iterdir()) if inner.is_dir() else ():
                    if is_id(file.name) and (found := _look_at(file)):
                        yield found

    def _refuse_when_nearly_full(self) -> None:
        if shutil.disk_usage(self.root).free < limits.DISK_FREE_BYTES_MIN:
            raise Unavailable("The disk is nearly full: nothing more is received until space is made.")

    def _open(self, object_id: str) -> int:
        try:
            return os.open(self._path_of(object_id), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound(f"Object {object_id} is not in the object store.") from None
        except OSError as error:
            raise _unavailable(error) from error

    def _folder_of(self, object_id: str) -> str:
        return f"{self.root}/{object_id[:5]}/{object_id[5:7]}"

    def _path_of(self, object_id: str) -> str:
        if not is_id(object_id):  # The last wall before the file system: no name from elsewhere passes.
            raise NotFound("That is not the id of an object.")
        return f"{self._folder_of(object_id)}/{object_id}"

    def _opened_folder(self, folder: str) -> int:
        """A descriptor of the folder, kept open for the next time; under the lock."""
        descriptor = self._open_folders.get(folder)
        if descriptor is None:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._open_folders[folder] = descriptor
            if len(self._open_folders) > FOLDERS_OPEN_MAX:
                os.close(self._open_folders.popitem(last=False)[1])
        return descriptor

    def _make_folder(self, folder: str) -> None:
        os.makedirs(folder, exist_ok=True)
        with self._lock:
            stale = self._open_folders.pop(folder, None)
            if stale is not None:
                os.close(stale)
        outer = os.path.dirname(folder)
        _sync_folder(outer)
        _sync_folder(os.path.dirname(outer))
        if len(self._known_folders) > 1000:
            self._known_folders.clear()
        self._known_folders.add(folder)


def _look_at(file: Path) -> StoredObject | None:
    try:
        status = file.stat()
    except FileNotFoundError:  # Deleted since the folder was read.
        return None
    return StoredObject(file.name, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def _sync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unavailable(error: OSError) -> Unavailable:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable("The disk is full: nothing more is received until space is made.")
    reason = os.strerror(error.errno or 0)
    return Unavailable(f"The object store does not answer ({reason}). Try again later.")
