"""Objects in a bucket: S3 and what speaks it, Google Cloud Storage, Azure.

A bucket shows an object only when its upload is complete and acknowledges it only when it is durable, so
`sync` completes the upload and `publish` has nothing to do. Keys and endpoint come from the environment under
the vendors' names (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, …). A killed receiver may leave an unfinished
upload behind, invisible: a lifecycle rule of the bucket (abort incomplete multipart uploads) clears those.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import obstore
import obstore.exceptions
import obstore.store

from filmless.infra.errors import NotFound, Unavailable
from filmless.infra.ids import is_id, new_id
from filmless.infra.object_store.base import Buffer, Observer, StoredObject

MIB = 1 << 20
PART_BYTES = (
    8 * MIB
)  # What is smaller goes up in one request; most slices are. S3 wants parts of 5 MiB or more.
PARTS_AT_ONCE_MAX = 2  # Bounds the memory of one upload to three parts.
CLIENT_OPTIONS = {"connect_timeout": "5s", "timeout": "60s"}
RETRY = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}


class BucketObjectWriter:
    """One object being uploaded: in parts while it comes in, or in one piece when it is small."""

    def __init__(self, store: Any, object_id: str, observe: Observer | None) -> None:
        self.object_id = object_id
        self._observe = observe
        self.size_bytes = 0
        self._store = store
        self._stored = False
        self._upload: Any = obstore.open_writer(
            store, object_id, buffer_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE_MAX
        )

    def write(self, buffers: Sequence[Buffer]) -> None:
        """Append the buffers in order; raises Unavailable when the bucket does not take them."""
        with _translated(self.object_id):
            for buffer in buffers:
                if self._observe is not None:
                    self._observe(memoryview(buffer))
                # A copy: the upload goes on after we return, and the caller's buffer is used again.
                self._upload.write(bytes(buffer))
                self.size_bytes += len(buffer)

    def seal(self) -> None:
        """Nothing: the observer is shown every buffer as it comes."""

    def sync(self) -> None:
        """Complete the upload; raises Unavailable, after which the object counts as not stored."""
        with _translated(self.object_id):
            self._upload.close()
        self._upload = None
        self._stored = True

    def abandon(self) -> None:
        """Give the upload up, or remove the object where it was complete."""
        upload, self._upload = self._upload, None
        try:
            if upload is not None:
                # Leaving with an exception aborts the upload; closing would complete it.
                upload.__exit__(Unavailable, Unavailable("Abandoned."), None)
            elif self._stored:
                obstore.delete(self._store, self.object_id)
        except (OSError, ValueError, obstore.exceptions.BaseError):
            return  # Nothing more can be done now: see the lifecycle rule above, and the sweeper.


class BucketObjectStore:
    """Objects under one prefix of a bucket."""

    syncs_quickly = False

    def __init__(self, url: str, **options: Any) -> None:
        """`options` are obstore's own (`config`, `client_options`, `retry_config`)."""
        # Plain HTTP only to an endpoint that the administrator named so, such as a store in the same rack.
        allow_http = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
        settings = {
            "client_options": {**CLIENT_OPTIONS, "allow_http": allow_http},
            "retry_config": RETRY,
            **options,
        }
        self._store: Any = obstore.store.from_url(url, **settings)

    def create(self, observe: Observer | None = None) -> BucketObjectWriter:
        """Begin a new object under a fresh id."""
        object_id = new_id()
        with _translated(object_id):
            return BucketObjectWriter(self._store, object_id, observe)

    def read(self, object_id: str, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes of the object from offset; fewer than asked for at its end."""
        if length == 0:
            return b""
        with _translated(_known(object_id)):
            try:
                if length is None:
                    options: Any = {"range": {"offset": offset}} if offset else None
                    return bytes(obstore.get(self._store, object_id, options=options).bytes())
                return bytes(obstore.get_range(self._store, object_id, start=offset, length=length))
            except obstore.exceptions.BaseError:
                if offset >= self.size(object_id):  # A range that begins at the end is an error to a bucket.
                    return b""
                raise

    def stream(self, object_id: str, offset: int = 0, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        """The object from offset to its end, in chunks of about that size."""
        if offset and offset >= self.size(object_id):
            return
        with _translated(_known(object_id)):
            options: Any = {"range": {"offset": offset}} if offset else None
            answer = obstore.get(self._store, object_id, options=options)
            for chunk in answer.stream(min_chunk_size=chunk_bytes):
                yield bytes(chunk)

    def size(self, object_id: str) -> int:
        """Length in bytes."""
        with _translated(_known(object_id)):
            return int(obstore.head(self._store, object_id)["size"])

    def local_path(self, object_id: str) -> str | None:  # noqa: ARG002
        """None: a bucket has no path."""
        return None

    def delete(self, object_id: str) -> None:
        """Remove the object; an absent one is no error."""
        with _translated(_known(object_id)):
            try:
                obstore.delete(self._store, object_id)
            except FileNotFoundError:
                return

    def close(self) -> None:
        """Nothing: connections are closed with the process."""

    def remove_empty(self, before: datetime) -> None:
        """Nothing: an object of a bucket is whole or absent."""

    def list_objects(self) -> Iterator[StoredObject]:
        """All objects whose names are ids of ours, oldest first, as buckets list by name."""
        with _translated(""):
            for page in obstore.list(self._store):
                for found in page:
                    if is_id(found["path"]):
                        yield StoredObject(found["path"], found["size"], found["last_modified"])


def _known(object_id: str) -> str:
    if not is_id(object_id):  # The last wall before the bucket: no name from elsewhere passes.
        raise NotFound("That is not the id of an object.")
    return object_id


@contextmanager
def _translated(object_id: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise NotFound(f"Object {object_id} is not in the object store.") from None
    except (obstore.exceptions.BaseError, OSError) as error:
        kind = type(error).__name__  # The text names address and bucket, and quotes the answer at length.
        raise Unavailable(f"The object store does not answer ({kind}). Try again later.") from error
