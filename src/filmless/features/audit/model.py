"""Values of the audit trail. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AuditEvent(StrEnum):
    """What kind of act a record is about: the codes of PS3.15 A.5.3, defined in PS3.16 CID 400."""

    APPLICATION_ACTIVITY = "110100"
    AUDIT_LOG_USED = "110101"
    BEGIN_TRANSFERRING_INSTANCES = "110102"
    INSTANCES_ACCESSED = "110103"
    INSTANCES_TRANSFERRED = "110104"
    STUDY_DELETED = "110105"
    EXPORT = "110106"
    IMPORT = "110107"
    NETWORK_ENTRY = "110108"
    ORDER_RECORD = "110109"
    PATIENT_RECORD = "110110"
    PROCEDURE_RECORD = "110111"
    QUERY = "110112"
    SECURITY_ALERT = "110113"
    USER_AUTHENTICATION = "110114"


ACTIONS = frozenset("CRUDE")  # PS3.15 A.5.2.1 EventActionCode: create, read, update, delete, execute.
OUTCOMES = frozenset({0, 4, 8, 12})  # EventOutcomeIndicator: success; minor, serious, major failure.


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One act: who did what to whose data, when, from where."""

    id: int
    at: datetime
    event: AuditEvent
    action: str
    outcome: int
    actor_kind: str
    actor: str
    address: str
    study_instance_uid: str | None
    patient_ref: int | None
    details: dict[str, object]


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which records to find; every part that is None lets all pass. `since` is included, `until` is not."""

    event: AuditEvent | None = None
    actor: str | None = None
    study_instance_uid: str | None = None
    patient_ref: int | None = None
    since: datetime | None = None
    until: datetime | None = None
