"""Requests that we make of other nodes: to take responsibility for instances that we sent them.

`ask_commitment` writes the question down, the job ASK_COMMITMENT at the edge asks it, the node's report comes
when it likes and is taken by `take_report`. What nobody answers in time becomes overdue (`tending`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from filmless.features.access import Actor, Permission
from filmless.features.archive import Archive, InstanceReference, references_by_series
from filmless.features.audit import AuditEvent, record
from filmless.features.commitment import repository
from filmless.features.commitment.checking import checked_references
from filmless.features.commitment.errors import CommitmentNotFound, TransactionUnknown
from filmless.features.commitment.model import (
    ASKED_TRANSITIONS,
    AskedEvent,
    AskedState,
    CommitmentAsked,
    FailedInstance,
    FailureReason,
    Report,
    next_state,
    retried_state,
)
from filmless.features.nodes import get_node
from filmless.infra import limits
from filmless.infra.database import Database, Transaction
from filmless.infra.ids import new_id
from filmless.infra.jobs import back_off_seconds, enqueue
from filmless.infra.log import get_logger
from filmless.standards.dicom.uids import new_uid

ASK_COMMITMENT = "ask-commitment"

_log = get_logger()


@dataclass(frozen=True, slots=True)
class Question:
    """What one N-ACTION asks of which node (PS3.4 J.3.2)."""

    request_id: str
    node_ae_title: str
    transaction_uid: str
    instances: tuple[InstanceReference, ...]


def ask_commitment(
    database: Database,
    actor: Actor,
    node_ae_title: str,
    references: Sequence[InstanceReference],
    *,
    delay_seconds: float = 0,
) -> str:
    """Have a node asked to take responsibility for instances; returns our id for the request.

    Raises NodeNotFound, CommitmentRequestMalformed (no instances, too many), NotPermitted.
    """
    actor.must(Permission.STUDIES_SEND)
    node = get_node(database, node_ae_title)
    wanted = checked_references(references)
    packed = repository.pack_instances(wanted)
    with database.transaction() as tx:
        row = CommitmentAsked(
            id=new_id(),
            transaction_uid=new_uid(),
            node_ae_title=node.ae_title,
            state=AskedState.WAITING_TO_ASK,
            number_of_instances=len(wanted),
            number_failed=0,
            attempts=0,
            last_error=None,
            created_at=tx.now,
            asked_at=None,
            answered_at=None,
            reported_by=None,
        )
        repository.insert_asked(tx, row, packed)
        _soon(tx, row.id, delay_seconds)
        _record(tx, actor, "E", row, {"instances": len(wanted)})
    return row.id


def ask_commitment_of_study(
    archive: Archive, actor: Actor, node_ae_title: str, study_instance_uid: str
) -> str:
    """Have a node asked about all that we hold of a study; raises StudyNotFound and as `ask_commitment`."""
    actor.must(Permission.STUDIES_SEND)
    by_series = references_by_series(archive, actor, study_instance_uid)
    references = [one for instances in by_series.values() for one in instances]
    return ask_commitment(archive.database, actor, node_ae_title, references)


def get_question(database: Database, actor: Actor, request_id: str) -> Question | None:
    """What is to be asked; None when it has been asked or answered. Raises NotPermitted."""
    actor.must(Permission.STUDIES_SEND)
    with database.read() as tx:
        whole = repository.load_asked(tx, request_id)
    if whole is None or whole.row.state is not AskedState.WAITING_TO_ASK:
        return None
    return Question(request_id, whole.row.node_ae_title, whole.row.transaction_uid, whole.instances)


def note_asked(database: Database, actor: Actor, request_id: str) -> None:
    """The node answered N-ACTION with Success: it will report."""
    actor.must(Permission.STUDIES_SEND)
    with database.transaction() as tx:
        row = repository.get_asked(tx, request_id)
        if row is not None and _advance(tx, row, AskedEvent.TAKEN):
            repository.update_asked(tx, request_id, asked_at=tx.now, last_error=None)


def asking_failed(
    database: Database, actor: Actor, request_id: str, why: str, *, give_up: bool = False
) -> None:
    """The question did not reach the node, or it refused: try again later, or leave it to a person.

    With `give_up`, trying again unchanged cannot help.
    """
    actor.must(Permission.STUDIES_SEND)
    with database.transaction() as tx:
        row = repository.get_asked(tx, request_id)
        if row is None or row.state is not AskedState.WAITING_TO_ASK:
            return
        attempts = row.attempts + 1
        repository.update_asked(tx, request_id, attempts=attempts, last_error=why)
        if give_up or attempts >= limits.JOB_ATTEMPTS_MAX:
            _advance(tx, row, AskedEvent.GAVE_UP)
            _log.error("commitment_not_asked", commitment=request_id, node=row.node_ae_title, reason=why)
            return
        _soon(tx, request_id, back_off_seconds(attempts))


def take_report(database: Database, actor: Actor, report: Report) -> AskedState:
    """What a node reports of a transaction of ours; returns where the request stands now.

    An instance that we asked about and the report leaves out counts as failed. Nodes may report from another
    AE title than the one asked (an archive with several): the Transaction UID, which we made up and told
    nobody else, is what ties the two; who reported is written down. Raises TransactionUnknown, NotPermitted.
    """
    actor.must(Permission.STUDIES_COMMIT)
    with database.read() as tx:
        whole = repository.find_asked_transaction(tx, report.transaction_uid)
    if whole is None:
        raise TransactionUnknown("We asked for no commitment under this Transaction UID.")
    failures = _failures_of(whole.instances, report)
    packed = repository.pack_failures(failures)
    event = _event_of(len(whole.instances), len(failures))
    with database.transaction() as tx:
        row = repository.get_asked(tx, whole.row.id)
        if row is None or row.transaction_uid != report.transaction_uid:
            raise TransactionUnknown("This Transaction UID has been replaced by another since.")
        after = next_state(ASKED_TRANSITIONS, row.state, event)
        assert after is not None  # A report is welcome in every state; the table says so.
        if after is row.state:
            return after
        repository.update_asked(
            tx,
            row.id,
            state=after.value,
            failures=packed,
            number_failed=len(failures),
            last_error=None,
            answered_at=tx.now,
            reported_by=actor.name,
        )
        _record(tx, actor, "U", row, {"instances": row.number_of_instances, "failed": len(failures)})
    return after


def find_asked(
    database: Database, actor: Actor, state: AskedState | None, limit: int, offset: int
) -> tuple[list[CommitmentAsked], int]:
    """Requests of ours, newest first, and how many there are in all. No datum of any patient."""
    actor.must(Permission.STUDIES_READ)
    with database.read() as tx:
        return repository.page_of_asked(tx, state, limit, offset)


def retry_asked(database: Database, actor: Actor, request_id: str) -> None:
    """Ask once more, under a new Transaction UID; raises CommitmentNotFound, NothingToRetry.

    New, because a node may refuse one that it knows (0131).
    """
    actor.must(Permission.STUDIES_SEND)
    with database.transaction() as tx:
        row = repository.get_asked(tx, request_id)
        if row is None:
            raise CommitmentNotFound("There is no such commitment request.")
        after = retried_state(ASKED_TRANSITIONS, row.state, AskedEvent.RETRIED)
        repository.update_asked(
            tx,
            request_id,
            state=after.value,
            transaction_uid=new_uid(),
            failures=repository.pack_failures(()),
            number_failed=0,
            attempts=0,
            last_error=None,
            asked_at=None,
            answered_at=None,
            reported_by=None,
        )
        _soon(tx, request_id, 0)
        _record(tx, actor, "U", row, {"retried": True})


def _failures_of(asked: tuple[InstanceReference, ...], report: Report) -> list[FailedInstance]:
    committed = {one.sop_instance_uid for one in report.committed}
    reasons = {one.reference.sop_instance_uid: one.reason for one in report.failed}
    return [
        FailedInstance(one, reasons.get(one.sop_instance_uid, FailureReason.PROCESSING_FAILURE))
        for one in asked
        if one.sop_instance_uid in reasons or one.sop_instance_uid not in committed
    ]


def _event_of(number_of_instances: int, number_failed: int) -> AskedEvent:
    if not number_failed:
        return AskedEvent.ALL_COMMITTED
    return AskedEvent.SOME_COMMITTED if number_failed < number_of_instances else AskedEvent.NONE_COMMITTED


def _advance(tx: Transaction, row: CommitmentAsked, event: AskedEvent) -> bool:
    after = next_state(ASKED_TRANSITIONS, row.state, event)
    if after is not None:
        repository.update_asked(tx, row.id, state=after.value)
    return after is not None


def _soon(tx: Transaction, request_id: str, delay_seconds: float) -> None:
    key = f"{ASK_COMMITMENT}:{request_id}"
    payload = {"request_id": request_id}
    enqueue(tx, ASK_COMMITMENT, payload, unique_key=key, delay_seconds=delay_seconds)


def _record(
    tx: Transaction, actor: Actor, action: str, row: CommitmentAsked, details: Mapping[str, object]
) -> None:
    what = {
        "what": "storage commitment asked",
        "transaction": row.transaction_uid,
        "node": row.node_ae_title,
        **details,
    }
    record(tx, actor, AuditEvent.INSTANCES_ACCESSED, action=action, details=what)
