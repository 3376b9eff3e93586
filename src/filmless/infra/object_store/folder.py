"""Objects as files of one folder, durable before we say so.

A fresh id is a fresh name, and nobody looks for the name before the index names it: the commit is the moment
of birth, so no temporary name and no rename is needed (`docs/decisions/`). What is needed before the commit:
fdatasync of the file and fsync of its folder (`sync`).

Layout: `objects/0123a/bc/0123abc…`: ids sort by time, so a folder holds about half a minute of a busy day.
"""

import os
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from filmless.infra import limits
from filmless.infra.errors import NotFound, Unavailable
from filmless.infra.ids import is_id, new_id
from filmless.infra.object_store.base import Observer, StoredObject
from filmless.infra.object_store.folder_writer import FolderObjectWriter, NewFile, WritingPlace, unavailable
from filmless.infra.object_store.ready_files import ReadyFiles
from filmless.infra.object_store.staging import StagingBuffers, direct_flag

SPACE_SEEN_SECONDS = 0.1  # The fastest disk fills a tenth of DISK_FREE_BYTES_MIN in that time.
FOLDERS_OPEN_MAX = 16  # Kept open for their fsync; objects of one minute lie in two or three.


class FolderObjectStore:
    """Objects as files below one folder."""

    syncs_quickly = True

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known_folders: set[str] = set()
        self._open_folders: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()
        self._space_seen_at = float("-inf")
        try:
            new = [folder for folder in (root, *root.parents) if not folder.exists()]
            root.mkdir(parents=True, exist_ok=True)
            for folder in new or [root]:
                _sync_folder(str(folder.parent))
            direct = direct_flag(root)
        except OSError as error:
            raise unavailable(error) from error
        self.place = WritingPlace(direct, StagingBuffers(), self._sync_folder)
        self._ready = ReadyFiles(self._make_file, self._sync_folder)

    def create(self, observe: Observer | None = None) -> FolderObjectWriter:
        """Begin a new file under a fresh id; raises Unavailable when the disk is (nearly) full."""
        try:
            self._refuse_when_nearly_full()
            file = self._ready.take() or self._make_file(new_id())
        except OSError as error:
            raise unavailable(error) from error
        return FolderObjectWriter(file, self.place, observe)

    def close(self) -> None:
        """Remove files made ahead and not used, close what is open; the store may be used again."""
        self._ready.close()
        with self._lock:
            while self._open_folders:
                os.close(self._open_folders.popitem()[1])

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
            raise unavailable(error) from error
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
            raise unavailable(error) from error

    def list_objects(self) -> Iterator[StoredObject]:
        """All files whose names are ids of ours, oldest first; an empty one is not an object yet."""
        return (found for found in self._files() if found.size_bytes)

    def remove_empty(self, before: datetime) -> None:
        """Remove what interrupted receives left empty; `before` must be older than any receive under way."""
        for found in self._files():
            if not found.size_bytes and found.modified_at < before:
                self.delete(found.object_id)

    def _files(self) -> Iterator[StoredObject]:
        for outer in sorted(self.root.iterdir()):
            for inner in sorted(outer.iterdir()) if outer.is_dir() else ():
                for file in sorted(inner.iterdir()) if inner.is_dir() else ():
                    if is_id(file.name) and (found := _look_at(file)):
                        yield found

    def _refuse_when_nearly_full(self) -> None:
        now = time.monotonic()
        if now - self._space_seen_at < SPACE_SEEN_SECONDS:
            return
        if shutil.disk_usage(self.root).free < limits.DISK_FREE_BYTES_MIN:
            raise Unavailable("The disk is nearly full: nothing more is received until space is made.")
        self._space_seen_at = now

    def _open(self, object_id: str) -> int:
        try:
            return os.open(self._path_of(object_id), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound(f"Object {object_id} is not in the object store.") from None
        except OSError as error:
            raise unavailable(error) from error

    def _folder_of(self, object_id: str) -> str:
        return f"{self.root}/{object_id[:5]}/{object_id[5:7]}"

    def _path_of(self, object_id: str) -> str:
        if not is_id(object_id):  # The last wall before the file system: no name from elsewhere passes.
            raise NotFound("That is not the id of an object.")
        return f"{self._folder_of(object_id)}/{object_id}"

    def _make_file(self, object_id: str) -> NewFile:
        folder = self._folder_of(object_id)
        path = f"{folder}/{object_id}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | self.place.direct
        if folder not in self._known_folders:
            self._make_folder(folder)
        try:
            return NewFile(object_id, path, os.open(path, flags, 0o640))
        except FileNotFoundError:  # Somebody tidied empty folders away.
            self._make_folder(folder)
            return NewFile(object_id, path, os.open(path, flags, 0o640))

    def _sync_folder(self, folder: str) -> None:
        with self._lock:
            descriptor = os.dup(self._opened_folder(folder))
        try:
            os.fsync(descriptor)  # Outside the lock: syncs that wait together are one for the disk.
        finally:
            os.close(descriptor)

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
