"""Instance availability: nodes that subscribed are told which studies can be retrieved (PS3.4 Annex R).

A study that grew and then stayed quiet makes one notice for each subscriber; the job TELL_AVAILABILITY at the
edge delivers it. Grows the study later, the notice goes out again with all that is there by then. Start at
`announce_availability_soon`.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from filmless.features.access import Actor, Permission
from filmless.features.archive import (
    Archive,
    InstanceReference,
    StudyNotFound,
    find_extent,
    performed_steps_of_study,
    references_by_series,
)
from filmless.features.audit import AuditEvent, record
from filmless.features.commitment import notice_repository
from filmless.features.commitment.errors import CommitmentNotFound, SubscriberNotFound
from filmless.features.commitment.model import (
    NOTICE_TRANSITIONS,
    NoticeEvent,
    NoticeRow,
    NoticeState,
    Subscriber,
    next_state,
    retried_state,
)
from filmless.features.nodes import get_node
from filmless.infra import limits
from filmless.infra.database import Database, Transaction
from filmless.infra.ids import new_id
from filmless.infra.jobs import back_off_seconds, enqueue
from filmless.infra.log import get_logger
from filmless.infra.outbox import once_for

ANNOUNCE_AVAILABILITY = "announce-availability"
TELL_AVAILABILITY = "tell-availability"
NETWORK_CONFIGURATION = "110128"  # PS3.16 CID 403.

_log = get_logger()


@dataclass(frozen=True, slots=True)
class AvailableSeries:
    """One series that can be retrieved."""

    series_instance_uid: str
    instances: tuple[InstanceReference, ...]


@dataclass(frozen=True, slots=True)
class AvailabilityNotice:
    """What one N-CREATE tells whom. `sop_instance_uid`: the notice's own, the same for the same content."""

    notice_id: str
    sop_instance_uid: str
    ae_title: str
    study_instance_uid: str
    performed_steps: tuple[InstanceReference, ...]
    series_list: tuple[AvailableSeries, ...]


# --- Subscribers -------------------------------------------------------------------------------------------


def subscribe_to_availability(database: Database, actor: Actor, ae_title: str) -> None:
    """Tell this node of every study from now on; subscribing twice is no error. Raises NodeNotFound."""
    actor.must(Permission.NODES_MANAGE)
    node = get_node(database, ae_title)
    with database.transaction() as tx:
        if notice_repository.insert_subscriber(tx, node.ae_title):
            _record_change(tx, actor, node.ae_title, "C")


def unsubscribe_from_availability(database: Database, actor: Actor, ae_title: str) -> None:
    """Tell this node no more; raises SubscriberNotFound."""
    actor.must(Permission.NODES_MANAGE)
    with database.transaction() as tx:
        if not notice_repository.delete_subscriber(tx, ae_title):
            raise SubscriberNotFound("This node is not told of available studies.")
        _record_change(tx, actor, ae_title, "D")


def list_subscribers(database: Database, actor: Actor) -> list[Subscriber]:
    """All subscribers by AE title."""
    actor.must(Permission.NODES_MANAGE)
    with database.read() as tx:
        return notice_repository.all_subscribers(tx)


# --- From growth to notices --------------------------------------------------------------------------------


@once_for("study_instance_uid")
def announce_availability_soon(tx: Transaction, fact: Mapping[str, Any]) -> None:
    """Reaction to SeriesGrew: once the study has been quiet, subscribers are told."""
    if notice_repository.has_subscribers(tx):
        _announce_soon(tx, fact["study_instance_uid"])


def announce_availability(archive: Archive, actor: Actor, study_instance_uid: str) -> None:
    """Make a notice of the study for each subscriber, or wait on when images have come just now."""
    actor.must(Permission.STUDIES_READ)
    study = find_extent(archive, actor, study_instance_uid)
    if study is None:
        return
    with archive.database.transaction() as tx:
        if tx.now - study.updated_at < timedelta(seconds=limits.STUDY_QUIET_SECONDS):
            _announce_soon(tx, study_instance_uid)
            return
        for subscriber in notice_repository.all_subscribers(tx):
            _make_notice(tx, subscriber.ae_title, study_instance_uid, study.number_of_instances)


def _announce_soon(tx: Transaction, study_instance_uid: str) -> None:
    enqueue(
        tx,
        ANNOUNCE_AVAILABILITY,
        {"study_instance_uid": study_instance_uid},
        unique_key=f"{ANNOUNCE_AVAILABILITY}:{study_instance_uid}",
        delay_seconds=limits.STUDY_QUIET_SECONDS,
    )


def _make_notice(tx: Transaction, ae_title: str, study_instance_uid: str, number_of_instances: int) -> None:
    row = notice_repository.find_notice(tx, ae_title, study_instance_uid)
    if row is None:
        row = NoticeRow(
            id=new_id(),
            ae_title=ae_title,
            study_instance_uid=study_instance_uid,
            state=NoticeState.WAITING,
            number_of_instances=number_of_instances,
            attempts=0,
            last_error=None,
            created_at=tx.now,
            told_at=None,
        )
        notice_repository.insert_notice(tx, row)
    elif row.state is NoticeState.TOLD and row.number_of_instances == number_of_instances:
        return  # The job ran twice: this very content has been told.
    else:
        _start_over(tx, row, NoticeEvent.GREW, number_of_instances)
    _tell_soon(tx, row.id, 0)


def _start_over(tx: Transaction, row: NoticeRow, event: NoticeEvent, number_of_instances: int) -> None:
    after = retried_state(NOTICE_TRANSITIONS, row.state, event)
    notice_repository.update_notice(
        tx,
        row.id,
        state=after.value,
        number_of_instances=number_of_instances,
        attempts=0,
        last_error=None,
        told_at=None,
    )


# --- Telling -----------------------------------------------------------------------------------------------


def get_notice(archive: Archive, actor: Actor, notice_id: str) -> AvailabilityNotice | None:
    """What is to be told to whom; None when nothing waits to be told. Raises NotPermitted, Unavailable."""
    actor.must(Permission.STUDIES_READ)
    with archive.database.read() as tx:
        row = notice_repository.get_notice(tx, notice_id)
    if row is None or row.state is not NoticeState.WAITING:
        return None
    study = row.study_instance_uid
    try:
        series = references_by_series(archive, actor, study)
        steps = performed_steps_of_study(archive, actor, study)
    except StudyNotFound:
        return None
    return AvailabilityNotice(
        notice_id,
        _uid_of(notice_id, sum(len(instances) for instances in series.values())),
        row.ae_title,
        study,
        tuple(steps),
        tuple(AvailableSeries(uid, tuple(instances)) for uid, instances in series.items()),
    )


def note_told(database: Database, actor: Actor, notice: AvailabilityNotice) -> None:
    """The subscriber has taken the notice."""
    actor.must(Permission.STUDIES_READ)
    with database.transaction() as tx:
        row = notice_repository.get_notice(tx, notice.notice_id)
        if row is None:
            return
        after = next_state(NOTICE_TRANSITIONS, row.state, NoticeEvent.TOLD)
        if after is not None:
            number = sum(len(one.instances) for one in notice.series_list)
            notice_repository.update_notice(
                tx,
                row.id,
                state=after.value,
                number_of_instances=number,
                told_at=tx.now,
                last_error=None,
            )
            _record_telling(tx, actor, row, number)


def telling_failed(
    database: Database, actor: Actor, notice_id: str, why: str, *, give_up: bool = False
) -> None:
    """The subscriber did not take the notice: try again later, or leave it to a person."""
    actor.must(Permission.STUDIES_READ)
    with database.transaction() as tx:
        row = notice_repository.get_notice(tx, notice_id)
        if row is None or row.state is not NoticeState.WAITING:
            return
        attempts = row.attempts + 1
        notice_repository.update_notice(tx, notice_id, attempts=attempts, last_error=why)
        if give_up or attempts >= limits.JOB_ATTEMPTS_MAX:
            after = NOTICE_TRANSITIONS[row.state, NoticeEvent.GAVE_UP]
            notice_repository.update_notice(tx, notice_id, state=after.value)
            _log.error("availability_not_told", notice=notice_id, node=row.ae_title, reason=why)
            return
        _tell_soon(tx, notice_id, back_off_seconds(attempts))


def find_notices(
    database: Database, actor: Actor, state: NoticeState | None, limit: int, offset: int
) -> tuple[list[NoticeRow], int]:
    """Notices, newest first, and how many there are in all."""
    actor.must(Permission.STUDIES_READ)
    with database.read() as tx:
        return notice_repository.page_of_notices(tx, state, limit, offset)


def retry_notice(database: Database, actor: Actor, notice_id: str) -> None:
    """Tell a parked notice once more; raises CommitmentNotFound, NothingToRetry."""
    actor.must(Permission.STUDIES_SEND)
    with database.transaction() as tx:
        row = notice_repository.get_notice(tx, notice_id)
        if row is None:
            raise CommitmentNotFound("There is no such availability notice.")
        _start_over(tx, row, NoticeEvent.RETRIED, row.number_of_instances)
        _tell_soon(tx, notice_id, 0)


def _uid_of(notice_id: str, number_of_instances: int) -> str:
    """A notice that is sent twice, because its answer was lost, is the same to whoever counts them."""
    made = uuid.uuid5(uuid.NAMESPACE_OID, f"{notice_id}:{number_of_instances}")
    return f"2.25.{made.int}"  # PS3.5 annex B.2.


def _tell_soon(tx: Transaction, notice_id: str, delay_seconds: float) -> None:
    key = f"{TELL_AVAILABILITY}:{notice_id}"
    enqueue(tx, TELL_AVAILABILITY, {"notice_id": notice_id}, unique_key=key, delay_seconds=delay_seconds)


def _record_change(tx: Transaction, actor: Actor, ae_title: str, action: str) -> None:
    details = {"type": NETWORK_CONFIGURATION, "availability_subscriber": ae_title}
    record(tx, actor, AuditEvent.SECURITY_ALERT, action=action, details=details)


def _record_telling(tx: Transaction, actor: Actor, row: NoticeRow, number_of_instances: int) -> None:
    details = {"what": "availability notice", "node": row.ae_title, "instances": number_of_instances}
    study = row.study_instance_uid
    record(tx, actor, AuditEvent.INSTANCES_ACCESSED, study_instance_uid=study, details=details)
