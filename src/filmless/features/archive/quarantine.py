"""The quarantine: what contradicted something, kept until a person decides.

Accepting files it where it belongs, trusting the person over the contradiction; for a second version of an
instance the two change places, so the earlier bytes are kept too. Discarding takes it off the list with a
reason. Neither removes bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import orjson
import sqlalchemy as sa

from filmless.features.access import Actor, Permission
from filmless.features.archive import repository
from filmless.features.archive.archive import Archive
from filmless.features.archive.errors import (
    Contradiction,
    DemographicsConflict,
    DuplicateWithOtherContent,
    InterruptedReceive,
    PatientMismatch,
    QuarantineItemNotFound,
)
from filmless.features.archive.header_values import received_instance, scan_object
from filmless.features.archive.indexing import Submission, index_batch
from filmless.features.archive.model import ReceiveContext, ReceivedInstance, StoredBytes
from filmless.features.archive.tables import frame_indexes, instances, prepared_series, quarantine, series
from filmless.features.archive.transfers import TransferLog
from filmless.features.audit import AuditEvent, record
from filmless.infra.database import Transaction
from filmless.infra.errors import Conflict, FilmlessError, Invalid

ACCEPTABLE_REASONS = frozenset(
    {
        DuplicateWithOtherContent.reason,
        PatientMismatch.reason,
        DemographicsConflict.reason,
        InterruptedReceive.reason,
    }
)
REASON_CHARACTERS_MAX = 500  # A few sentences; more belongs into a letter.


@dataclass(frozen=True, slots=True)
class QuarantineItem:
    """One instance that waits for a decision."""

    id: str
    reason: str
    explanation: str
    contradictions: tuple[Contradiction, ...]
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    patient_id: str
    patient_name: str
    object_bytes: int
    source_ae_title: str
    received_at: datetime
    can_be_accepted: bool


def find_quarantined(
    archive: Archive, actor: Actor, limit: int, offset: int
) -> tuple[Sequence[QuarantineItem], int]:
    """What waits, newest first, and how many there are in all."""
    actor.must(Permission.QUARANTINE_READ)
    waiting = quarantine.c.resolution.is_(None)
    with archive.database.transaction() as tx:
        total = tx.execute(sa.select(sa.func.count()).select_from(quarantine).where(waiting)).scalar_one()
        rows = tx.execute(
            sa.select(quarantine)
            .where(waiting)
            .order_by(quarantine.c.received_at.desc(), quarantine.c.id.desc())
            .limit(limit)
            .offset(offset)
        ).all()
        record(tx, actor, AuditEvent.QUERY, action="E", details={"quarantine": len(rows)})
    return [_item(row) for row in rows], total


def count_quarantined(archive: Archive, actor: Actor) -> int:
    """How many instances wait for a decision."""
    actor.must(Permission.QUARANTINE_READ)
    with archive.database.read() as tx:
        statement = (
            sa.select(sa.func.count()).select_from(quarantine).where(quarantine.c.resolution.is_(None))
        )
        return int(tx.execute(statement).scalar_one())


def accept_quarantined(archive: Archive, actor: Actor, quarantine_id: str, reason: str) -> None:
    """File the instance where it belongs all the same; raises QuarantineItemNotFound, Conflict."""
    actor.must(Permission.QUARANTINE_RESOLVE)
    _check_reason(reason)
    with archive.database.read() as tx:
        row = _get_waiting(tx, quarantine_id)
    if row.reason not in ACCEPTABLE_REASONS:
        raise Conflict(
            "This instance cannot be filed as it is. Have it sent again with the fault mended, or discard it."
        )
    received = _received_again(archive, row)
    with archive.database.transaction() as tx:
        row = _get_waiting(tx, quarantine_id)
        if row.reason == DuplicateWithOtherContent.reason:
            _exchange_versions(tx, row, received)
        else:
            [decision] = index_batch(tx, [Submission(actor, received, trust_person=True)], TransferLog())
            if isinstance(decision.answer, FilmlessError):
                raise decision.answer
        _resolve(tx, actor, row, "accepted", reason)


def discard_quarantined(archive: Archive, actor: Actor, quarantine_id: str, reason: str) -> None:
    """Take the instance off the list; its bytes are kept. Raises QuarantineItemNotFound."""
    actor.must(Permission.QUARANTINE_RESOLVE)
    _check_reason(reason)
    with archive.database.transaction() as tx:
        _resolve(tx, actor, _get_waiting(tx, quarantine_id), "discarded", reason)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("Say why, in a few words: the next reader will ask.")
    if len(reason) > REASON_CHARACTERS_MAX:
        raise Invalid(f"The reason is longer than {REASON_CHARACTERS_MAX} characters.")


def _item(row: sa.Row[tuple[object, ...]]) -> QuarantineItem:
    return QuarantineItem(
        id=row.id,
        reason=row.reason,
        explanation=row.explanation,
        contradictions=tuple(Contradiction(**one) for one in orjson.loads(row.conflicts)),
        study_instance_uid=row.study_instance_uid,
        series_instance_uid=row.series_instance_uid,
        sop_instance_uid=row.sop_instance_uid,
        sop_class_uid=row.sop_class_uid,
        patient_id=row.patient_id,
        patient_name=row.patient_name,
        object_bytes=row.object_bytes,
        source_ae_title=row.source_ae_title,
        received_at=row.received_at,
        can_be_accepted=row.reason in ACCEPTABLE_REASONS,
    )


def _get_waiting(tx: Transaction, quarantine_id: str) -> sa.Row[tuple[object, ...]]:
    row = tx.execute(
        sa.select(quarantine).where(quarantine.c.id == quarantine_id, quarantine.c.resolution.is_(None))
    ).one_or_none()
    if row is None:
        raise QuarantineItemNotFound("There is no such item in the quarantine; perhaps somebody was quicker.")
    return row


def _received_again(archive: Archive, row: sa.Row[tuple[object, ...]]) -> ReceivedInstance:
    """The quarantined instance as if it had just arrived."""
    context = ReceiveContext(
        row.sop_class_uid, row.sop_instance_uid, row.transfer_syntax_uid, row.source_ae_title
    )
    stored = StoredBytes(row.object_id, row.object_bytes, row.data_set_offset, bytes(row.digest))
    scan = scan_object(archive.object_store, stored, context.transfer_syntax_uid)
    return replace(received_instance(scan, context, stored), cause=None)


def _exchange_versions(tx: Transaction, row: sa.Row[tuple[object, ...]], received: ReceivedInstance) -> None:
    """Make the quarantined bytes the current version; the quarantine row keeps the earlier ones."""
    current = tx.execute(
        sa.select(instances, series.c.series_instance_uid)
        .join(series, series.c.id == instances.c.series_ref)
        .where(instances.c.sop_instance_uid == row.sop_instance_uid)
    ).one_or_none()
    if current is None or current.series_instance_uid != received.series.series_instance_uid:
        raise Conflict("The two versions are not of the same series, so one cannot replace the other.")
    fresh, stored = received.instance, received.stored
    tx.execute(
        sa.update(instances)
        .where(instances.c.id == current.id)
        .values(
            sop_class_uid=fresh.sop_class_uid,
            transfer_syntax_uid=fresh.transfer_syntax_uid,
            instance_number=fresh.instance_number,
            rows=fresh.rows,
            columns=fresh.columns,
            bits_allocated=fresh.bits_allocated,
            number_of_frames=fresh.number_of_frames,
            object_id=stored.object_id,
            object_bytes=stored.object_bytes,
            data_set_offset=stored.data_set_offset,
            digest=stored.digest,
            source_ae_title=received.source_ae_title,
        )
    )
    tx.execute(
        sa.update(quarantine)
        .where(quarantine.c.id == row.id)
        .values(
            transfer_syntax_uid=current.transfer_syntax_uid,
            object_id=current.object_id,
            object_bytes=current.object_bytes,
            data_set_offset=current.data_set_offset,
            digest=current.digest,
            source_ae_title=current.source_ae_title,
        )
    )
    tx.execute(sa.delete(frame_indexes).where(frame_indexes.c.instance_ref == current.id))
    tx.execute(sa.delete(prepared_series).where(prepared_series.c.series_ref == current.series_ref))
    repository.resize(tx, current.series_ref, stored.object_bytes - current.object_bytes)


def _resolve(
    tx: Transaction, actor: Actor, row: sa.Row[tuple[object, ...]], resolution: str, reason: str
) -> None:
    tx.execute(
        sa.update(quarantine)
        .where(quarantine.c.id == row.id)
        .values(
            resolution=resolution,
            resolution_reason=reason.strip(),
            resolved_by=actor.name,
            resolved_at=tx.now,
        )
    )
    record(
        tx,
        actor,
        AuditEvent.INSTANCES_ACCESSED,
        action="U",
        study_instance_uid=row.study_instance_uid or None,
        details={"quarantine": row.id, "resolution": resolution},
    )
