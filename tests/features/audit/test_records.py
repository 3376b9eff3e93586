"""Writing and finding audit records."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from filmless.features.access import Role, node_actor, system_actor, user_actor
from filmless.features.audit import AuditEvent, AuditFilter, AuditRecord, find_records, record
from filmless.features.audit.tables import audit_records
from filmless.infra.database import Database
from filmless.infra.errors import NotPermitted
from frozen_clock import FrozenClock

CT1 = node_actor("CT1", "192.0.2.50")
ANNA = user_actor("anna", Role.ADMINISTRATOR, "192.0.2.1")


def found(database: Database, wanted: AuditFilter, limit: int = 100, offset: int = 0) -> list[AuditRecord]:
    return find_records(database, ANNA, wanted, limit, offset)[0]


def test_a_record_says_who_did_what_to_what_when_and_from_where(
    database: Database, clock: FrozenClock
) -> None:
    with database.transaction() as tx:
        record(
            tx,
            CT1,
            AuditEvent.INSTANCES_TRANSFERRED,
            action="C",
            outcome=4,
            study_instance_uid="1.2.3",
            patient_ref=7,
            details={"sop_instance_uid": "1.2.3.4", "100%": "ü?"},
        )
    (it,) = found(database, AuditFilter())
    assert it == AuditRecord(
        id=it.id,
        at=clock.now(),
        event=AuditEvent.INSTANCES_TRANSFERRED,
        action="C",
        outcome=4,
        actor_kind="node",
        actor="CT1",
        address="192.0.2.50",
        study_instance_uid="1.2.3",
        patient_ref=7,
        details={"sop_instance_uid": "1.2.3.4", "100%": "ü?"},
    )


def test_a_record_is_undone_with_the_act(database: Database) -> None:
    def act() -> None:
        with database.transaction() as tx:
            record(tx, CT1, AuditEvent.QUERY)
            raise LookupError

    with pytest.raises(LookupError):
        act()
    with database.read() as tx:
        assert tx.execute(sa.select(audit_records)).first() is None


def test_records_are_found_by_each_part_and_paged_newest_first(
    database: Database, clock: FrozenClock
) -> None:
    began = clock.now()
    for number in range(4):
        with database.transaction() as tx:
            event = AuditEvent.QUERY if number % 2 else AuditEvent.INSTANCES_ACCESSED
            record(
                tx, CT1 if number < 2 else ANNA, event, study_instance_uid=f"1.{number}", patient_ref=number
            )
        clock.advance(60)
    minute = timedelta(minutes=1)
    for wanted, studies in [
        (AuditFilter(actor="CT1"), ["1.1", "1.0"]),
        (AuditFilter(event=AuditEvent.QUERY), ["1.3", "1.1"]),
        (AuditFilter(study_instance_uid="1.2"), ["1.2"]),
        (AuditFilter(patient_ref=3), ["1.3"]),
        (AuditFilter(since=began + minute, until=began + 3 * minute), ["1.2", "1.1"]),
        (AuditFilter(actor="nobody"), []),
    ]:
        assert [it.study_instance_uid for it in found(database, wanted)] == studies
    page, total = find_records(database, ANNA, AuditFilter(until=began + 4 * minute), 2, 1)
    assert ([it.study_instance_uid for it in page], total) == (["1.2", "1.1"], 4)


def test_looking_is_itself_recorded(database: Database) -> None:
    found(database, AuditFilter(actor="CT1"))
    (it,) = found(database, AuditFilter(event=AuditEvent.AUDIT_LOG_USED))
    assert (it.actor, it.details) == ("anna", {"actor": "CT1", "offset": 0})


def test_only_those_with_the_permission_may_look(database: Database) -> None:
    for actor in (CT1, user_actor("bert", Role.RADIOLOGIST, "")):
        with pytest.raises(NotPermitted):
            find_records(database, actor, AuditFilter(), 10, 0)


def test_an_event_that_dicom_does_not_know_is_our_mistake(database: Database) -> None:
    with database.transaction() as tx, pytest.raises(ValueError, match="999"):
        record(tx, system_actor("x"), "999")
