"""The audit records of looking at images: one for each person and study in a while, not one for each frame.

Scrolling through a study asks for hundreds of frames a second; what matters to an auditor is that this person
saw this study at this time. Start at `AccessLog.note`.
"""

import threading
from datetime import datetime, timedelta

from filmless.features.access import Actor
from filmless.features.archive.rows import InstanceRow
from filmless.features.archive.stores import ReadableArchive
from filmless.features.audit import AuditEvent, record

NOTE_AGAIN_AFTER = timedelta(minutes=5)
NOTED_MAX = 20_000  # People times studies in five minutes; beyond it, records come more often, never less.


def record_access(archive: ReadableArchive, actor: Actor, row: InstanceRow, what: str) -> None:
    """Write one record that the actor saw something of this instance's study (PS3.15 A.5.3.3)."""
    _write(archive, actor, AuditEvent.INSTANCES_ACCESSED, (row.study_instance_uid, row.patient_ref), what)


def record_transfer(archive: ReadableArchive, actor: Actor, rows: list[InstanceRow]) -> None:
    """Write one record that these instances of one study leave as files (PS3.15 A.5.3.4)."""
    first = rows[0]
    about = (first.study_instance_uid, first.patient_ref)
    _write(archive, actor, AuditEvent.INSTANCES_TRANSFERRED, about, f"{len(rows)} instances")


def record_study_access(
    archive: ReadableArchive, actor: Actor, study_instance_uid: str, patient_ref: int | None, what: str
) -> None:
    """Write one record that the actor saw something of this study."""
    _write(archive, actor, AuditEvent.INSTANCES_ACCESSED, (study_instance_uid, patient_ref), what)


def _write(
    archive: ReadableArchive, actor: Actor, event: AuditEvent, about: tuple[str, int | None], what: str
) -> None:
    with archive.database.transaction() as tx:
        record(
            tx,
            actor,
            event,
            action="R",
            study_instance_uid=about[0],
            patient_ref=about[1],
            details={"what": what},
        )


class AccessLog:
    """Remembers in this process whose access to which study is on record already."""

    def __init__(self, archive: ReadableArchive) -> None:
        self._archive = archive
        self._noted: dict[tuple[str, str, str, str], datetime] = {}
        self._lock = threading.Lock()

    def is_noted(self, actor: Actor, row: InstanceRow) -> bool:
        """Whether such a record is committed already; asks no database."""
        key = (actor.kind.value, actor.name, actor.address, row.study_instance_uid)
        noted_at = self._noted.get(key)
        return noted_at is not None and self._archive.database.clock.now() - noted_at < NOTE_AGAIN_AFTER

    def note(self, actor: Actor, row: InstanceRow) -> None:
        """Make sure that a record of this access, at most NOTE_AGAIN_AFTER old, is committed."""
        if self.is_noted(actor, row):
            return
        key = (actor.kind.value, actor.name, actor.address, row.study_instance_uid)
        now = self._archive.database.clock.now()
        record_access(self._archive, actor, row, "images")
        with self._lock:  # Only after the commit: a record that failed must not count as written.
            if len(self._noted) >= NOTED_MAX:
                self._noted.clear()
            self._noted[key] = now
