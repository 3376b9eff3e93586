"""The verbs: write a record, find records."""

from collections.abc import Mapping

from filmless.features.access import Actor, Permission
from filmless.features.audit import repository
from filmless.features.audit.model import ACTIONS, OUTCOMES, AuditEvent, AuditFilter, AuditRecord
from filmless.infra import limits
from filmless.infra.database import Database, Transaction


def record(
    tx: Transaction,
    actor: Actor,
    event: str,
    *,
    action: str = "R",
    outcome: int = 0,
    study_instance_uid: str | None = None,
    patient_ref: int | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    """Write one record in the caller's transaction: the act and its record are committed together or not.

    `event` is an AuditEvent, `action` one of C R U D E, `outcome` 0, 4, 8 or 12. One study and one patient a
    record (PS3.15 A.5.3.2). `details` may name ids and query keys; it is JSON and holds no image. Runs on the
    driver itself: ingest writes one for each instance.
    """
    assert action in ACTIONS
    assert outcome in OUTCOMES
    repository.insert_record(
        tx,
        AuditEvent(event).value,
        action,
        outcome,
        actor,
        about=(study_instance_uid, patient_ref),
        details=details or {},
    )


def find_records(
    database: Database, actor: Actor, wanted: AuditFilter, limit: int, offset: int
) -> tuple[list[AuditRecord], int]:
    """A page of records, newest first, and how many there are in all; looking is itself recorded (110101)."""
    actor.must(Permission.AUDIT_READ)
    assert 0 < limit <= limits.QUERY_RESULTS_MAX
    with database.transaction() as tx:
        rows, total = repository.find_records(tx, wanted, limit, offset)
        filters = {
            "event": wanted.event,
            "actor": wanted.actor,
            "study_instance_uid": wanted.study_instance_uid,
            "since": wanted.since and wanted.since.isoformat(),
            "until": wanted.until and wanted.until.isoformat(),
            "offset": offset,
        }
        used = {key: value for key, value in filters.items() if value is not None}
        record(tx, actor, AuditEvent.AUDIT_LOG_USED, action="R", patient_ref=wanted.patient_ref, details=used)
    return rows, total
