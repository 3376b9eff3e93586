"""The archive as one thing: an index, an object store, and the committer that joins them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import tzinfo

from filmless.features.archive.committer import Committer
from filmless.infra import limits
from filmless.infra.database import Database
from filmless.infra.object_store.base import ObjectStore


class Archive:
    """What every verb of the archive takes first."""

    def __init__(
        self,
        database: Database,
        object_store: ObjectStore,
        *,
        accept_unknown_sop_classes: bool = True,
        zone: tzinfo | None = None,
    ) -> None:
        self.database = database
        self.object_store = object_store
        self.accept_unknown_sop_classes = accept_unknown_sop_classes
        self.zone = zone  # Where objects come from that do not say it; None is the machine's.
        self.committer = Committer(database, object_store)
        # An object is synced while its place in the index is looked for; the commit waits for both.
        self.syncing = ThreadPoolExecutor(limits.SYNCS_AT_ONCE_MAX, thread_name_prefix="sync")

    def close(self) -> None:
        """End the threads, give back what the object store holds open; nothing may be stored afterwards."""
        self.syncing.shutdown()
        self.object_store.close()
