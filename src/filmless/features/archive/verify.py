"""Verify: whether instances are held whole, by reading every byte of them again.

What a storage commitment rests on: the object is read to its end, its length and its digest are those of the
day it was received. Not here: who asked and what is promised (`commitment`). Start at `verify_instances`.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from blake3 import blake3

from filmless.features.access import Actor, Permission
from filmless.features.archive.references import InstanceReference
from filmless.features.archive.stores import ReadableArchive
from filmless.features.archive.tables import instances, quarantine
from filmless.infra.errors import NotFound
from filmless.infra.log import get_logger

BATCH_INSTANCES = 500  # Looked up in one read: short, and below SQLite's limit of parameters.
CHUNK_BYTES = 1 << 20  # Read and hashed at a time; all the memory that verifying takes.

_log = get_logger()


class Verdict(StrEnum):
    """What came of looking at one instance."""

    HELD = "held"
    UNKNOWN = "unknown"  # No instance of that UID was ever filed here.
    OF_ANOTHER_CLASS = "of another class"
    UNDECIDED = "undecided"  # It, or another version of it, waits in the quarantine for a person.
    LOST = "lost"  # The index names an object that the store does not have.
    DAMAGED = "damaged"  # Other bytes than those received.


@dataclass(frozen=True, slots=True)
class VerifiedInstance:
    """One instance that was looked at; `bytes_read` is what it cost."""

    reference: InstanceReference
    verdict: Verdict
    bytes_read: int


def verify_instances(
    archive: ReadableArchive, actor: Actor, references: Iterable[InstanceReference]
) -> Iterator[VerifiedInstance]:
    """Look at each instance in turn, in the order given; may be left off at any time.

    Reads whole objects, so call it where nobody waits. Raises NotPermitted, and Unavailable when the database
    or the object store does not answer: then nothing is known of the rest.
    """
    actor.must(Permission.STUDIES_COMMIT)
    waiting = iter(references)
    while batch := list(itertools.islice(waiting, BATCH_INSTANCES)):
        rows, undecided = _look_up(archive, [one.sop_instance_uid for one in batch])
        for reference in batch:
            row = rows.get(reference.sop_instance_uid)
            bytes_read = 0
            if reference.sop_instance_uid in undecided:
                verdict = Verdict.UNDECIDED
            elif row is None:
                verdict = Verdict.UNKNOWN
            elif row.sop_class_uid != reference.sop_class_uid:
                verdict = Verdict.OF_ANOTHER_CLASS
            else:
                verdict, bytes_read = _read_again(archive, row)
            yield VerifiedInstance(reference, verdict, bytes_read)


def size_of_instances(archive: ReadableArchive, actor: Actor, references: Sequence[InstanceReference]) -> int:
    """How many bytes verifying these instances would read; raises NotPermitted."""
    actor.must(Permission.STUDIES_COMMIT)
    uids = [one.sop_instance_uid for one in references]
    total = 0
    for start in range(0, len(uids), BATCH_INSTANCES):
        wanted = instances.c.sop_instance_uid.in_(uids[start : start + BATCH_INSTANCES])
        with archive.database.read() as tx:
            found = tx.execute(sa.select(sa.func.sum(instances.c.object_bytes)).where(wanted)).scalar_one()
        total += int(found or 0)
    return total


def _look_up(archive: ReadableArchive, uids: list[str]) -> tuple[dict[str, sa.Row[Any]], set[str]]:
    """The rows of these instances, and which of them a person has yet to decide on."""
    columns = ("sop_instance_uid", "sop_class_uid", "object_id", "object_bytes", "data_set_offset", "digest")
    held = sa.select(*(instances.c[name] for name in columns)).where(instances.c.sop_instance_uid.in_(uids))
    aside = sa.select(quarantine.c.sop_instance_uid).where(
        quarantine.c.sop_instance_uid.in_(uids), quarantine.c.resolution.is_(None)
    )
    with archive.database.read() as tx:
        rows = {row.sop_instance_uid: row for row in tx.execute(held)}
        return rows, set(tx.execute(aside).scalars())


def _read_again(archive: ReadableArchive, row: sa.Row[Any]) -> tuple[Verdict, int]:
    digest = blake3()
    bytes_read = 0
    try:
        for chunk in archive.object_store.stream(row.object_id, row.data_set_offset, CHUNK_BYTES):
            digest.update(chunk)
            bytes_read += len(chunk)
    except NotFound:
        _log.error("object_lost", object_id=row.object_id)
        return Verdict.LOST, bytes_read
    except OSError as error:  # A sector that the disk cannot read any more.
        _log.error("object_damaged", object_id=row.object_id, reason=error.strerror)
        return Verdict.DAMAGED, bytes_read
    if bytes_read != row.object_bytes - row.data_set_offset or digest.digest() != bytes(row.digest):
        _log.error("object_damaged", object_id=row.object_id)
        return Verdict.DAMAGED, bytes_read
    return Verdict.HELD, bytes_read
