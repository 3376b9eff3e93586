"""The bytes of one instance, opened for reading: mapped where the object is a file, never copied whole there.

A deflated data set is inflated first, up to a limit (a bomb is refused), and then reads as explicit little
endian. Start at `opened`.
"""

import contextlib
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from filmless.features.archive.read_errors import ObjectDamaged
from filmless.features.archive.rows import InstanceRow
from filmless.features.archive.stores import ReadableArchive
from filmless.infra import limits
from filmless.infra.errors import NotFound, Unavailable
from filmless.standards.dicom.elements import InflateLimit, MalformedDataSet, inflate
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, find_transfer_syntax

# Deflate shrinks up to 1000 times, so a small object could fill the memory; it is meant for reports.
INFLATED_BYTES_MAX = 256 * limits.MIB

_MAY_READ_AT_ONCE = hasattr(os, "RWF_NOWAIT")  # Linux.


@dataclass(frozen=True, slots=True)
class OpenedObject:
    """`data[start:]` is the data set, encoded as `transfer_syntax_uid` says."""

    data: bytes | mmap.mmap
    start: int
    transfer_syntax_uid: str


def is_deflated(row: InstanceRow) -> bool:
    """Whether the data set is compressed as a whole (PS3.5 annex A.5)."""
    syntax = find_transfer_syntax(row.transfer_syntax_uid)
    return syntax is not None and syntax.deflated


@contextmanager
def opened(archive: ReadableArchive, row: InstanceRow) -> Iterator[OpenedObject]:
    """The instance's bytes for the length of the block.

    Raises Unavailable when the object store does not answer or has lost the object, ObjectDamaged when a
    deflated data set does not inflate.
    """
    if is_deflated(row):
        yield OpenedObject(_inflated(archive, row), 0, EXPLICIT_LE)
        return
    path = archive.object_store.local_path(row.object_id)
    if path is None:
        data = read_object(archive, row, 0, None)
        yield OpenedObject(data, row.data_set_offset, row.transfer_syntax_uid)
        return
    mapped = _mapped(path)
    try:
        yield OpenedObject(mapped, row.data_set_offset, row.transfer_syntax_uid)
    finally:
        with contextlib.suppress(BufferError):  # A traceback still holds a view; it is unmapped with that.
            if isinstance(mapped, mmap.mmap):
                mapped.close()


def read_object(archive: ReadableArchive, row: InstanceRow, offset: int, length: int | None) -> bytes:
    """Bytes of the stored object; raises Unavailable also when it is gone, for the index names it."""
    try:
        return archive.object_store.read(row.object_id, offset, length)
    except NotFound:
        raise _lost() from None


def read_at_once(archive: ReadableArchive, row: InstanceRow, offset: int, length: int) -> bytearray | None:
    """Bytes of the object if they are in this machine's page cache, else None: never waits for a disk."""
    path = archive.object_store.local_path(row.object_id)
    if path is None or not _MAY_READ_AT_ONCE:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None  # Whoever reads it the slow way finds out why.
    try:
        buffer = bytearray(length)
        return buffer if os.preadv(descriptor, [buffer], offset, os.RWF_NOWAIT) == length else None
    except OSError:  # Not in the cache, or a file system that cannot tell.
        return None
    finally:
        os.close(descriptor)


def _mapped(path: str) -> mmap.mmap | bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _lost() from None
    except OSError as error:
        raise Unavailable(f"The object store does not answer ({os.strerror(error.errno or 0)}).") from error
    try:
        if os.fstat(descriptor).st_size == 0:
            return b""
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    finally:
        os.close(descriptor)


def _inflated(archive: ReadableArchive, row: InstanceRow) -> bytes:
    deflated = read_object(archive, row, row.data_set_offset, None)
    try:
        return inflate(deflated, INFLATED_BYTES_MAX)
    except (MalformedDataSet, InflateLimit) as error:
        raise ObjectDamaged(
            "The deflated data set cannot be inflated; download the instance as stored."
        ) from error


def _lost() -> Unavailable:
    return Unavailable(
        "The bytes of this instance are not in the object store, though the index names them. "
        "Tell the administrator: a backup may have them."
    )
