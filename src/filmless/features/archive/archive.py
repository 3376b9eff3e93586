"""The archive as one thing: an index, an object store, and the committer that joins them."""

from filmless.features.archive.committer import Committer
from filmless.infra.database import Database
from filmless.infra.object_store.base import ObjectStore


class Archive:
    """What every verb of the archive takes first."""

    def __init__(
        self, database: Database, object_store: ObjectStore, *, accept_unknown_sop_classes: bool = True
    ) -> None:
        self.database = database
        self.object_store = object_store
        self.accept_unknown_sop_classes = accept_unknown_sop_classes
        self.committer = Committer(database, object_store)
