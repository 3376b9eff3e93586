"""Every SQL statement of the audit trail. There is no update and no delete."""

from collections.abc import Mapping
from typing import Any

import orjson
import sqlalchemy as sa

from filmless.features.access import Actor
from filmless.features.audit.model import AuditEvent, AuditFilter, AuditRecord
from filmless.features.audit.tables import audit_records
from filmless.infra.database import Transaction, to_microseconds

_INSERT = (
    "INSERT INTO audit_records (at, event, action, outcome, actor_kind, actor, address,"
    " study_instance_uid, patient_ref, details) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def insert_record(
    tx: Transaction,
    event: str,
    action: str,
    outcome: int,
    actor: Actor,
    *,
    about: tuple[str | None, int | None],
    details: Mapping[str, object],
) -> None:
    """Append one record; `about` is study and patient."""
    tx.fast(
        _INSERT,
        (
            to_microseconds(tx.now),
            event,
            action,
            outcome,
            actor.kind.value,
            actor.name,
            actor.address,
            *about,
            orjson.dumps(details).decode() if details else "{}",
        ),
    )


def _conditions(wanted: AuditFilter) -> list[sa.ColumnElement[bool]]:
    columns = audit_records.c
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.event is not None:
        conditions.append(columns.event == wanted.event.value)
    if wanted.actor is not None:
        conditions.append(columns.actor == wanted.actor)
    if wanted.study_instance_uid is not None:
        conditions.append(columns.study_instance_uid == wanted.study_instance_uid)
    if wanted.patient_ref is not None:
        conditions.append(columns.patient_ref == wanted.patient_ref)
    if wanted.since is not None:
        conditions.append(columns.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(columns.at < wanted.until)
    return conditions


def find_records(
    tx: Transaction, wanted: AuditFilter, limit: int, offset: int
) -> tuple[list[AuditRecord], int]:
    """A page of records, newest first, and how many match."""
    conditions = _conditions(wanted)
    total = tx.execute(sa.select(sa.func.count()).select_from(audit_records).where(*conditions)).scalar_one()
    page = (
        sa.select(audit_records)
        .where(*conditions)
        .order_by(audit_records.c.at.desc(), audit_records.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [_record(row) for row in tx.execute(page)], total


def _record(row: Any) -> AuditRecord:
    return AuditRecord(
        id=row.id,
        at=row.at,
        event=AuditEvent(row.event),
        action=row.action,
        outcome=row.outcome,
        actor_kind=row.actor_kind,
        actor=row.actor,
        address=row.address,
        study_instance_uid=row.study_instance_uid,
        patient_ref=row.patient_ref,
        details=orjson.loads(row.details),
    )
