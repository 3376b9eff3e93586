"""Requests that nodes make of us: take them, read the bytes again, hand out the report.

`receive_request` writes the request down before anybody says yes to it; two jobs then follow each other,
VERIFY_COMMITMENT here and REPORT_COMMITMENT at the edge. A door that can report at once on the association of
the question calls the same verbs itself; the jobs then find nothing left to do.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from filmless.features.access import Actor, Permission
from filmless.features.archive import Archive, InstanceReference, size_of_instances, verify_instances
from filmless.features.audit import AuditEvent, record
from filmless.features.commitment import repository
from filmless.features.commitment.checking import check_transaction_uid, checked_references
from filmless.features.commitment.errors import CommitmentNotFound
from filmless.features.commitment.model import (
    REASON_OF,
    RECEIVED_TRANSITIONS,
    CommitmentReceived,
    FailedInstance,
    FailureReason,
    ReceivedEvent,
    ReceivedState,
    Report,
    next_state,
    retried_state,
)
from filmless.features.commitment.repository import ReceivedWhole
from filmless.infra import limits
from filmless.infra.database import Database, Transaction
from filmless.infra.errors import FilmlessError
from filmless.infra.ids import new_id
from filmless.infra.jobs import back_off_seconds, enqueue
from filmless.infra.log import get_logger

VERIFY_COMMITMENT = "verify-commitment"
REPORT_COMMITMENT = "report-commitment"

_log = get_logger()


# --- The request -------------------------------------------------------------------------------------------


def receive_request(
    database: Database,
    actor: Actor,
    transaction_uid: str,
    references: Sequence[InstanceReference],
    *,
    verify_after_seconds: float = 0,
) -> str:
    """Write the request of a node down; when this returns, it will be answered whatever happens.

    Returns our id for it. The same request again is the same one, looked at again. A Transaction UID that
    this node used for other instances makes a request that fails as a whole (0131). Raises
    CommitmentRequestMalformed, NotPermitted, Unavailable.
    """
    actor.must(Permission.STUDIES_COMMIT)
    check_transaction_uid(transaction_uid)
    wanted = checked_references(references)
    with database.read() as tx:
        earlier = repository.find_received_transaction(tx, actor.name, transaction_uid)
    is_known = earlier is not None and set(earlier.instances) == set(wanted)
    failures: list[FailedInstance] = []
    if earlier is not None and not is_known:
        failures = [FailedInstance(one, FailureReason.DUPLICATE_TRANSACTION_UID) for one in wanted]
    packed = repository.pack_instances(wanted), repository.pack_failures(failures)
    with database.transaction() as tx:
        if earlier is not None and is_known:
            request_id = earlier.row.id
            _ask_again(tx, request_id, verify_after_seconds)
        else:
            row = _new_row(tx, actor, transaction_uid, len(wanted), len(failures))
            request_id = row.id
            repository.insert_received(tx, row, *packed)
            _soon(tx, REPORT_COMMITMENT if failures else VERIFY_COMMITMENT, request_id, verify_after_seconds)
        _record(tx, actor, "E", transaction_uid, {"instances": len(wanted)})
    return request_id


def is_verified_quickly(archive: Archive, actor: Actor, references: Sequence[InstanceReference]) -> bool:
    """Whether so little is to be read that somebody may wait for it. Raises NotPermitted."""
    actor.must(Permission.STUDIES_COMMIT)
    if len(references) > limits.COMMITMENT_QUICK_INSTANCES_MAX:
        return False
    return size_of_instances(archive, actor, references) <= limits.COMMITMENT_QUICK_BYTES_MAX


def _new_row(
    tx: Transaction, actor: Actor, transaction_uid: str, number_of_instances: int, number_failed: int
) -> CommitmentReceived:
    """A fresh request; one that failed before anything was read is ready to be reported."""
    return CommitmentReceived(
        id=new_id(),
        transaction_uid=transaction_uid,
        calling_ae_title=actor.name,
        state=ReceivedState.WAITING_TO_REPORT if number_failed else ReceivedState.RECEIVED,
        number_of_instances=number_of_instances,
        number_verified=number_failed,
        number_failed=number_failed,
        attempts=0,
        last_error=None,
        received_at=tx.now,
        verified_at=tx.now if number_failed else None,
        reported_at=None,
    )


def _ask_again(tx: Transaction, request_id: str, verify_after_seconds: float) -> None:
    row = repository.get_received(tx, request_id)
    if row is None:
        return
    after = next_state(RECEIVED_TRANSITIONS, row.state, ReceivedEvent.ASKED_AGAIN)
    if after is ReceivedState.RECEIVED:  # Else it is being read right now.
        _start_over(tx, request_id)
        _soon(tx, VERIFY_COMMITMENT, request_id, verify_after_seconds)


def _start_over(tx: Transaction, request_id: str) -> None:
    repository.update_received(
        tx,
        request_id,
        state=ReceivedState.RECEIVED.value,
        failures=repository.pack_failures(()),
        number_failed=0,
        number_verified=0,
        attempts=0,
        last_error=None,
        verified_at=None,
    )


# --- Verification ------------------------------------------------------------------------------------------


def verify_request(
    archive: Archive, actor: Actor, request_id: str, *, report_after_seconds: float = 0
) -> bool:
    """Read some of the request's instances again; True when that was the last of them.

    Some means about COMMITMENT_SLICE_BYTES: then a job for the rest waits in line behind other work. Twice at
    a time is harmless, the slower one's work is dropped. Raises NotPermitted; a database or object store that
    does not answer counts as an attempt and is tried again later.
    """
    actor.must(Permission.STUDIES_COMMIT)
    with archive.database.transaction() as tx:
        row = repository.get_received(tx, request_id)
        if row is None or not _advance(tx, row, ReceivedEvent.BEGAN):
            return False
    with archive.database.read() as tx:
        whole = repository.load_received(tx, request_id)
    if whole is None or whole.row.state is not ReceivedState.VERIFYING:
        return False
    try:
        number, failures = _verify_slice(archive, actor, whole)
    except FilmlessError as error:
        _attempt_failed(archive.database, actor, request_id, error.message, VERIFY_COMMITMENT)
        return False
    return _keep_slice(
        archive.database, actor, whole, number, (*whole.failures, *failures), report_after_seconds
    )


def _verify_slice(archive: Archive, actor: Actor, whole: ReceivedWhole) -> tuple[int, list[FailedInstance]]:
    number = bytes_read = 0
    failures: list[FailedInstance] = []
    for one in verify_instances(archive, actor, whole.instances[whole.row.number_verified :]):
        number += 1
        bytes_read += one.bytes_read
        reason = REASON_OF[one.verdict]
        if reason is not None:
            failures.append(FailedInstance(one.reference, reason))
        if bytes_read >= limits.COMMITMENT_SLICE_BYTES:
            break
    return number, failures


def _keep_slice(
    database: Database,
    actor: Actor,
    whole: ReceivedWhole,
    number: int,
    failures: tuple[FailedInstance, ...],
    report_after_seconds: float,
) -> bool:
    """Write down what was found, unless somebody else has since."""
    number_verified = whole.row.number_verified + number
    values: dict[str, Any] = {
        "number_verified": number_verified,
        "number_failed": len(failures),
        "failures": repository.pack_failures(failures),
    }
    with database.transaction() as tx:
        row = repository.get_received(tx, whole.row.id)
        if row is None or (row.state, row.number_verified) != (whole.row.state, whole.row.number_verified):
            return False
        if number_verified < row.number_of_instances:
            repository.update_received(tx, row.id, **values)
            _soon(tx, VERIFY_COMMITMENT, row.id, 0)
            return False
        repository.update_received(tx, row.id, **values, verified_at=tx.now, attempts=0, last_error=None)
        _advance(tx, row, ReceivedEvent.VERIFIED)
        _soon(tx, REPORT_COMMITMENT, row.id, report_after_seconds)
        counts = {"instances": row.number_of_instances, "failed": len(failures)}
        _record(tx, actor, "R", row.transaction_uid, counts)
    return True


# --- Report ------------------------------------------------------------------------------------------------


def get_report(database: Database, actor: Actor, request_id: str) -> tuple[str, Report] | None:
    """The AE title to tell and what to tell it; None when nothing waits to be told. Raises NotPermitted."""
    actor.must(Permission.STUDIES_COMMIT)
    with database.read() as tx:
        whole = repository.load_received(tx, request_id)
    if whole is None or whole.row.state is not ReceivedState.WAITING_TO_REPORT:
        return None
    failed = {one.reference for one in whole.failures}
    committed = tuple(one for one in whole.instances if one not in failed)
    return whole.row.calling_ae_title, Report(whole.row.transaction_uid, committed, whole.failures)


def note_reported(database: Database, actor: Actor, request_id: str) -> None:
    """The node has answered our report with Success."""
    actor.must(Permission.STUDIES_COMMIT)
    with database.transaction() as tx:
        row = repository.get_received(tx, request_id)
        if row is not None and _advance(tx, row, ReceivedEvent.REPORTED):
            repository.update_received(tx, request_id, reported_at=tx.now, last_error=None)


def reporting_failed(
    database: Database, actor: Actor, request_id: str, why: str, *, give_up: bool = False
) -> None:
    """The report did not reach the node: try again later, or leave it to a person after JOB_ATTEMPTS_MAX.

    With `give_up`, trying again unchanged cannot help: a person must do something first.
    """
    actor.must(Permission.STUDIES_COMMIT)
    _attempt_failed(database, actor, request_id, why, REPORT_COMMITMENT, give_up=give_up)


# --- Persons -----------------------------------------------------------------------------------------------


def find_received(
    database: Database, actor: Actor, state: ReceivedState | None, limit: int, offset: int
) -> tuple[list[CommitmentReceived], int]:
    """Requests made of us, newest first, and how many there are in all. No datum of any patient."""
    actor.must(Permission.STUDIES_READ)
    with database.read() as tx:
        return repository.page_of_received(tx, state, limit, offset)


def retry_received(database: Database, actor: Actor, request_id: str) -> None:
    """Verify and report a parked request once more; raises CommitmentNotFound, NothingToRetry."""
    actor.must(Permission.STUDIES_SEND)
    with database.transaction() as tx:
        row = repository.get_received(tx, request_id)
        if row is None:
            raise CommitmentNotFound("There is no such commitment request.")
        retried_state(RECEIVED_TRANSITIONS, row.state, ReceivedEvent.RETRIED)
        _start_over(tx, request_id)
        _soon(tx, VERIFY_COMMITMENT, request_id, 0)
        _record(tx, actor, "U", row.transaction_uid, {"retried": True})


# --- Inside ------------------------------------------------------------------------------------------------


def _advance(tx: Transaction, row: CommitmentReceived, event: ReceivedEvent) -> bool:
    after = next_state(RECEIVED_TRANSITIONS, row.state, event)
    if after is not None and after is not row.state:
        repository.update_received(tx, row.id, state=after.value)
    return after is not None


def _attempt_failed(
    database: Database, actor: Actor, request_id: str, why: str, job: str, *, give_up: bool = False
) -> None:
    with database.transaction() as tx:
        row = repository.get_received(tx, request_id)
        if row is None or (row.state, ReceivedEvent.GAVE_UP) not in RECEIVED_TRANSITIONS:
            return
        attempts = row.attempts + 1
        repository.update_received(tx, request_id, attempts=attempts, last_error=why)
        if give_up or attempts >= limits.JOB_ATTEMPTS_MAX:
            _advance(tx, row, ReceivedEvent.GAVE_UP)
            _log.error("commitment_parked", commitment=request_id, actor=actor.name, reason=why)
            return
        _soon(tx, job, request_id, back_off_seconds(attempts))


def _soon(tx: Transaction, job: str, request_id: str, delay_seconds: float) -> None:
    payload = {"request_id": request_id}
    enqueue(tx, job, payload, unique_key=f"{job}:{request_id}", delay_seconds=delay_seconds)


def _record(
    tx: Transaction, actor: Actor, action: str, transaction_uid: str, details: Mapping[str, object]
) -> None:
    """One audit record; a request may be about many studies, so it names the transaction instead."""
    what = {"what": "storage commitment", "transaction": transaction_uid, **details}
    record(tx, actor, AuditEvent.INSTANCES_ACCESSED, action=action, details=what)
