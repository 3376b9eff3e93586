"""The object store: image bytes under ids of our own, in a folder or in a bucket.

Objects are written once and never changed. What an object store must do is in `base`; `folder` and `s3` do
it. Not here: what the bytes mean, and which of them are in use. Start at `open_object_store`.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from filmless.infra.errors import Invalid
from filmless.infra.object_store.base import Buffer, ObjectStore, ObjectWriter, StoredObject
from filmless.infra.object_store.folder import FolderObjectStore

BUCKET_SCHEMES = ("s3", "gs", "az")


def open_object_store(url: str) -> ObjectStore:
    """The object store at a URL: `file:///folder`, `s3://bucket/prefix`, `gs://…` or `az://…`.

    Raises Invalid for any other URL, Unavailable when the folder cannot be used.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return FolderObjectStore(Path(unquote(parts.path)))
    if parts.scheme in BUCKET_SCHEMES and parts.netloc:
        from filmless.infra.object_store.s3 import BucketObjectStore  # Heavy, and only needed here.

        try:
            return BucketObjectStore(url)
        except Exception as error:
            raise Invalid(f"The object store URL does not work: {type(error).__name__}.") from error
    raise Invalid("The object store URL must be file:///folder, s3://bucket/prefix, gs://… or az://….")


__all__ = [
    "Buffer",
    "FolderObjectStore",
    "ObjectStore",
    "ObjectWriter",
    "StoredObject",
    "open_object_store",
]
