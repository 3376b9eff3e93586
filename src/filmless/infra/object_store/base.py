"""What an object store is: put a stream, get a range, delete, list. Names are ours, never from the wire."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

Buffer = bytes | bytearray | memoryview

Observer = Callable[[memoryview], None]
"""Is shown an object's bytes in order, in runs as large as they come, each before it is durable."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as a listing shows it."""

    object_id: str
    size_bytes: int
    modified_at: datetime


class ObjectWriter(Protocol):
    """One object being written. Ends by `seal` and `sync`, or by `abandon`."""

    object_id: str
    size_bytes: int

    def write(self, buffers: Sequence[Buffer]) -> None:
        """Append the buffers in order; they may be used again when this returns.

        Raises Unavailable when the store is full or gone.
        """
        ...

    def seal(self) -> None:
        """There are no more bytes: the observer has seen all of them when this returns."""
        ...

    def sync(self) -> None:
        """Make bytes and name durable; raises Unavailable, after which the object counts as not stored."""
        ...

    def abandon(self) -> None:
        """Remove what was written; safe to call at any time, also twice."""
        ...


class ObjectStore(Protocol):
    """Immutable objects under ids of our own making."""

    syncs_quickly: bool  # Whether a transaction may wait for a sync: milliseconds of a disk, no upload.

    def create(self, observe: Observer | None = None) -> ObjectWriter:
        """Begin a new object under a fresh id; `observe` has seen every byte when it is sealed."""
        ...

    def read(self, object_id: str, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes of the object from offset; raises NotFound or Unavailable."""
        ...

    def stream(self, object_id: str, offset: int = 0, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        """The object from offset to its end, in chunks."""
        ...

    def size(self, object_id: str) -> int:
        """Length in bytes; raises NotFound."""
        ...

    def local_path(self, object_id: str) -> str | None:
        """Path of a file with the object's bytes, where the store is a folder of this machine."""
        ...

    def delete(self, object_id: str) -> None:
        """Remove the object; an absent one is no error."""
        ...

    def close(self) -> None:
        """Give back what is held open; the store may be used again."""
        ...

    def remove_empty(self, before: datetime) -> None:
        """Remove what interrupted receives left empty; `before` must be older than any receive under way."""
        ...

    def list_objects(self) -> Iterator[StoredObject]:
        """All objects, oldest names first."""
        ...
