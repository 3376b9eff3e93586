"""Objects as files of one folder, durable before we say so.

A fresh id is a fresh name, and nobody looks for the name before the index names it: the commit is the moment
of birth, so no temporary name and no rename is needed (`docs/decisions/`). What is needed: the file's bytes
(`sync`: fdatasync) and its entry in the folder (`publish`: fsync of the folder), both before the commit.

Layout: `objects/0123a/bc/0123abc…`: ids sort by time, so a folder holds about half a minute of a busy day.
"""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from filmless.infra import limits
from filmless.infra.errors import NotFound, Unavailable
from filmless.infra.ids import is_id, new_id
from filmless.infra.object_store.base import Buffer, StoredObject

WRITEV_BUFFERS_MAX = 512  # IOV_MAX is 1024 on Linux.


class FolderObjectWriter:
    """One file being written."""

    def __init__(self, object_id: str, path: str) -> None:
        self.object_id = object_id
        self.size_bytes = 0
        self._path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)

    def write(self, buffers: Sequence[Buffer]) -> None:
        """Append the buffers in order; raises Unavailable when the disk is full or fails."""
        for start in range(0, len(buffers), WRITEV_BUFFERS_MAX):
            batch = buffers[start : start + WRITEV_BUFFERS_MAX]
            wanted = sum(len(buffer) for buffer in batch)
            try:
                written = os.writev(self._descriptor, batch)
                while written < wanted:  # A short write: nearly full, or more than 2 GiB at once.
                    rest = memoryview(b"".join(batch))[written:]
                    written += os.write(self._descriptor, rest)
            except OSError as error:
                raise _unavailable(error) from error
            self.size_bytes += wanted

    def sync(self) -> None:
        """fdatasync and close. A failed sync is final: the kernel may have dropped the pages (fsyncgate)."""
        try:
            try:
                os.fdatasync(self._descriptor)
            finally:
                self._close()
        except OSError as error:
            raise _unavailable(error) from error

    def abandon(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):
            self._close()
        with contextlib.suppress(OSError):
            os.unlink(self._path)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)  # Closed even when it fails (Linux): never try twice.


class FolderObjectStore:
    """Objects as files below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known_folders: set[str] = set()
        try:
            new = [folder for folder in (root, *root.parents) if not folder.exists()]
            root.mkdir(parents=True, exist_ok=True)
            for folder in new or [root]:
                _sync_folder(str(folder.parent))
        except OSError as error:
            raise _unavailable(error) from error

    def create(self) -> FolderObjectWriter:
        """Begin a new file under a fresh id; raises Unavailable when the disk is (nearly) full."""
        object_id = new_id()
        folder = self._folder_of(object_id)
        try:
            self._refuse_when_nearly_full()
            if folder not in self._known_folders:
                self._make_folder(folder)
            try:
                return FolderObjectWriter(object_id, f"{folder}/{object_id}")
            except FileNotFoundError:  # Somebody tidied empty folders away.
                self._make_folder(folder)
                return FolderObjectWriter(object_id, f"{folder}/{object_id}")
        except OSError as error:
            raise _unavailable(error) from error

    def publish(self, object_ids: Sequence[str]) -> None:
        """fsync each folder that holds one of the objects."""
        try:
            for folder in {self._folder_of(object_id) for object_id in object_ids}:
                _sync_folder(folder)
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

    def _make_folder(self, folder: str) -> None:
        os.makedirs(folder, exist_ok=True)
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
