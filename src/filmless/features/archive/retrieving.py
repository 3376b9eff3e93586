"""Choosing the instances that a node retrieves, and the audit records of their way out (PS3.4 C.4.2, C.4.3).

UIDs say by themselves what is meant, so keys above the level asked for may be left out; where they are given
they must hold. A Patient ID that several people have is refused unless its issuer says whose it is.
Start at `find_instances_to_send`. Not here: how the bytes leave (`edge/dimse/sending`), what becomes of them
on the way (`transcoding`).
"""

import mmap
import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from filmless.features.access import Actor, Permission
from filmless.features.archive import repository_retrieve as repository
from filmless.features.archive.read_errors import PatientAmbiguous, RetrievalNotUnderstood
from filmless.features.archive.repository_retrieve import Condition
from filmless.features.archive.rows import InstanceRow
from filmless.features.archive.stores import ReadableArchive
from filmless.features.audit import AuditEvent, record
from filmless.infra.database import Transaction
from filmless.infra.errors import NotFound, Unavailable
from filmless.standards.dicom.uids import UID_CHARACTERS_MAX

CHUNK_BYTES = 1 << 20  # From an object store that is no folder.
STUDIES_A_RECORDING_MAX = 200  # Audit records in one transaction: a few milliseconds of the one writer.
INSTANCES_MAX = 1_000_000  # Half a KiB a row; a patient with more is retrieved study by study.

_UID_CHARACTERS = frozenset("0123456789.")


class RetrieveLevel(StrEnum):
    """Query/Retrieve Level (0008,0052)."""

    PATIENT = "PATIENT"
    STUDY = "STUDY"
    SERIES = "SERIES"
    IMAGE = "IMAGE"


@dataclass(frozen=True, slots=True)
class RetrieveKeys:
    """The unique keys of an identifier; empty: not given."""

    patient_id: str = ""
    issuer_of_patient_id: str = ""
    study_instance_uids: tuple[str, ...] = ()
    series_instance_uids: tuple[str, ...] = ()
    sop_instance_uids: tuple[str, ...] = ()

    def at(self, level: RetrieveLevel) -> tuple[str, ...]:
        """The values of the unique key of that level."""
        return {
            RetrieveLevel.PATIENT: (self.patient_id,) if self.patient_id else (),
            RetrieveLevel.STUDY: self.study_instance_uids,
            RetrieveLevel.SERIES: self.series_instance_uids,
            RetrieveLevel.IMAGE: self.sop_instance_uids,
        }[level]


@dataclass(frozen=True, slots=True)
class Transfer:
    """Where instances go, for the audit trail: AE title of the receiver, and who else asked for it."""

    destination: str
    reason: str = ""


def find_instances_to_send(
    archive: ReadableArchive,
    actor: Actor,
    level: RetrieveLevel,
    keys: RetrieveKeys,
    transfer: Transfer,
) -> list[InstanceRow]:
    """The instances an identifier asks for, about to leave for `transfer.destination`.

    Leaves one audit record a study (PS3.15 A.5.3.3, Begin Transferring); call `record_sent` when it is over.
    Nothing found is no error: the list is empty. Raises RetrievalNotUnderstood, PatientAmbiguous,
    NotPermitted, Unavailable.
    """
    actor.must(Permission.STUDIES_RETRIEVE)
    conditions = _conditions(level, keys)
    with archive.database.read() as tx:
        if level is RetrieveLevel.PATIENT and not keys.issuer_of_patient_id:
            _check_one_patient(tx, keys.patient_id)
        rows: list[InstanceRow] = []
        for row in repository.iterate_instances(tx, conditions):
            if len(rows) >= INSTANCES_MAX:
                raise RetrievalNotUnderstood("More than a million instances match; ask for single studies.")
            rows.append(row)
    _record(archive, actor, AuditEvent.BEGIN_TRANSFERRING_INSTANCES, rows, transfer)
    return rows


def record_sent(
    archive: ReadableArchive,
    actor: Actor,
    rows: Sequence[InstanceRow],
    transfer: Transfer,
    not_sent: Collection[str] = (),
) -> None:
    """Say in the audit trail what has left (PS3.15 A.5.3.4, Instances Transferred): one record a study.

    `not_sent`: SOP Instance UIDs that failed or were never tried. The outcome of a study is success, minor
    failure when some did not leave, serious failure when none did.
    """
    actor.must(Permission.STUDIES_RETRIEVE)
    _record(archive, actor, AuditEvent.INSTANCES_TRANSFERRED, rows, transfer, frozenset(not_sent))


def stored_chunks(archive: ReadableArchive, row: InstanceRow) -> Iterator[bytes | memoryview]:
    """The data set as it was received, without file meta; mapped where the object is a file, never copied.

    Raises Unavailable at the first chunk when the object is not there.
    """
    path = archive.object_store.local_path(row.object_id)
    if path is None:
        try:
            yield from archive.object_store.stream(row.object_id, row.data_set_offset, CHUNK_BYTES)
        except NotFound:
            raise _lost() from None
        return
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _lost() from None
    except OSError as error:
        raise Unavailable(f"The object store does not answer ({os.strerror(error.errno or 0)}).") from error
    try:
        if os.fstat(descriptor).st_size < row.object_bytes:
            raise Unavailable("The stored object is shorter than the index says. Tell the administrator.")
        mapped = mmap.mmap(descriptor, row.object_bytes, access=mmap.ACCESS_READ)
    finally:
        os.close(descriptor)
    # Unmapped when the last slice of it is gone: the sender may hold some while we are asked for more.
    yield memoryview(mapped)[row.data_set_offset :]


def _lost() -> Unavailable:
    return Unavailable("The bytes of this instance are not in the object store. Tell the administrator.")


def _conditions(level: RetrieveLevel, keys: RetrieveKeys) -> list[Condition]:
    """What the identifier asks for. Raises RetrievalNotUnderstood."""
    if not keys.at(level):
        raise RetrievalNotUnderstood(f"The identifier has no unique key of level {level}.")
    conditions = []
    for above, column in _UID_COLUMNS.items():
        values = keys.at(above)
        if not values or _DEPTH[above] > _DEPTH[level]:
            continue  # A key below the level is one asked to be returned, if anything.
        if above is not level and len(values) > 1:
            raise RetrievalNotUnderstood(f"Above level {level} only one value a key is possible.")
        if not all(_is_uid(value) for value in values):
            raise RetrievalNotUnderstood("A retrieval names whole UIDs, without wildcards.")
        conditions.append(Condition(column, tuple(dict.fromkeys(values))))
    if keys.patient_id:
        conditions.append(Condition(repository.PATIENT_ID, (keys.patient_id,)))
    if keys.issuer_of_patient_id:
        conditions.append(Condition(repository.ISSUER_OF_PATIENT_ID, (keys.issuer_of_patient_id,)))
    return conditions


_DEPTH = {level: depth for depth, level in enumerate(RetrieveLevel)}
_UID_COLUMNS = {
    RetrieveLevel.STUDY: repository.STUDY_INSTANCE_UID,
    RetrieveLevel.SERIES: repository.SERIES_INSTANCE_UID,
    RetrieveLevel.IMAGE: repository.SOP_INSTANCE_UID,
}


def _is_uid(value: str) -> bool:
    return 0 < len(value) <= UID_CHARACTERS_MAX and _UID_CHARACTERS.issuperset(value)


def _check_one_patient(tx: Transaction, patient_id: str) -> None:
    """Refuse an ID that is not one person's: sending both would mix them up at the receiver."""
    if len(repository.find_patients(tx, patient_id)) > 1:
        raise PatientAmbiguous(
            "Several people have this Patient ID. Name the Issuer of Patient ID, or retrieve by study."
        )


def _record(
    archive: ReadableArchive,
    actor: Actor,
    event: AuditEvent,
    rows: Sequence[InstanceRow],
    transfer: Transfer,
    not_sent: frozenset[str] = frozenset(),
) -> None:
    wanted = Counter((row.study_instance_uid, row.patient_ref) for row in rows)
    missing = Counter(
        (row.study_instance_uid, row.patient_ref) for row in rows if row.sop_instance_uid in not_sent
    )
    begins = event is AuditEvent.BEGIN_TRANSFERRING_INSTANCES
    studies = list(wanted)
    for start in range(0, len(studies), STUDIES_A_RECORDING_MAX):
        with archive.database.transaction() as tx:
            for study in studies[start : start + STUDIES_A_RECORDING_MAX]:
                sent = wanted[study] - missing[study]
                details: dict[str, object] = {"destination": transfer.destination, "instances": sent}
                if transfer.reason:
                    details["reason"] = transfer.reason
                if missing[study]:
                    details["not_sent"] = missing[study]
                record(
                    tx,
                    actor,
                    event,
                    action="E" if begins else "R",
                    outcome=(4 if sent else 8) if missing[study] else 0,
                    study_instance_uid=study[0],
                    patient_ref=study[1],
                    details=details,
                )
