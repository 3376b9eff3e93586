"""Sweep: objects that no row names, left by a receive that was cut off between its sync and its commit.

Their sender was never told Success and sends them again. So an orphan whose bytes are held anyway is removed;
any other is set aside in the quarantine, whole or not, for a person to look at. Nothing else is ever deleted.
"""

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa
from blake3 import blake3

from filmless.features.access import system_actor
from filmless.features.archive import repository
from filmless.features.archive.archive import Archive
from filmless.features.archive.errors import InterruptedReceive
from filmless.features.archive.header_values import received_instance, scan_object
from filmless.features.archive.indexing import Submission, set_aside
from filmless.features.archive.model import ReceiveContext, SetAside, StoredBytes
from filmless.features.archive.tables import instances, quarantine
from filmless.infra import limits
from filmless.infra.database import Transaction
from filmless.infra.errors import NotFound
from filmless.infra.jobs import enqueue
from filmless.infra.log import get_logger
from filmless.infra.object_store.base import StoredObject
from filmless.standards.dicom.elements import MalformedDataSet
from filmless.standards.dicom.part10 import read_part10_header

SWEEP_ORPHANS = "sweep-orphans"
SWEEP_EVERY_SECONDS = 24 * 3600
BATCH_OBJECTS = 500
OWN_HEADER_BYTES_MAX = 512  # What we write before a data set; a cut inside it holds nothing of the sender's.

_log = get_logger()


def sweep_orphans_soon(tx: Transaction, delay_seconds: int = 0) -> None:
    """Ask for a sweep; while one is waiting, nothing more happens."""
    enqueue(tx, SWEEP_ORPHANS, {}, unique_key=SWEEP_ORPHANS, delay_seconds=delay_seconds)


def sweep_orphans(archive: Archive) -> None:
    """Look at every object older than an hour, settle those that no row names, and ask for the next sweep."""
    before = archive.database.clock.now() - timedelta(seconds=limits.ORPHAN_SECONDS_MIN)
    settled = 0
    archive.object_store.remove_empty(before)
    for batch in _batches(archive, before):
        for orphan in _without_row(archive, batch):
            settled += _settle(archive, orphan)
    with archive.database.transaction() as tx:
        sweep_orphans_soon(tx, SWEEP_EVERY_SECONDS)
    if settled:
        _log.warning("orphans_settled", objects=settled)


def _batches(archive: Archive, before: datetime) -> Iterator[list[StoredObject]]:
    old = (one for one in archive.object_store.list_objects() if one.modified_at < before)
    while batch := list(itertools.islice(old, BATCH_OBJECTS)):
        yield batch


def _without_row(archive: Archive, batch: list[StoredObject]) -> list[StoredObject]:
    ids = [one.object_id for one in batch]
    with archive.database.read() as tx:
        named: set[str] = set()
        for table in (instances, quarantine):
            named |= set(tx.execute(sa.select(table.c.object_id).where(table.c.object_id.in_(ids))).scalars())
    return [one for one in batch if one.object_id not in named]


def _settle(archive: Archive, orphan: StoredObject) -> bool:
    store = archive.object_store
    try:
        header = read_part10_header(store.read(orphan.object_id, 0, limits.PART10_PREFIX_BYTES))
    except MalformedDataSet:
        if orphan.size_bytes > OWN_HEADER_BYTES_MAX:
            _log.error("orphan_unreadable", object_id=orphan.object_id, bytes=orphan.size_bytes)
            return False  # Not as we write objects: somebody else's, or damage. Not ours to remove.
        store.delete(orphan.object_id)  # Cut off in the header that we write ourselves.
        return True
    except NotFound:
        return False
    digest = blake3()
    for chunk in store.stream(orphan.object_id, header.dataset_offset):
        digest.update(chunk)
    meta = header.meta
    context = ReceiveContext(
        meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid, meta.source_ae_title
    )
    stored = StoredBytes(orphan.object_id, orphan.size_bytes, header.dataset_offset, digest.digest())
    received = received_instance(scan_object(store, stored, context.transfer_syntax_uid), context, stored)
    with archive.database.transaction() as tx:
        held = repository.find_instance(tx, context.sop_instance_uid)
        needed = False
        if held is None or held.digest != stored.digest:
            aside = SetAside(
                InterruptedReceive(
                    "Its receive was cut off before it was indexed; the sender was not told Success."
                )
            )
            needed = set_aside(tx, Submission(system_actor("sweep"), received), aside).object_is_needed
    if not needed:
        store.delete(orphan.object_id)
    return True
