"""Place received instances in the index: one transaction for many of them, each with its own answer.

The bytes are durable before this begins. Here it is decided, under the transaction's eyes, whether an
instance is new, already stored, or contradicts what is held; the last goes to quarantine in the same commit.
"""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from filmless.features.access import Actor
from filmless.features.archive import repository
from filmless.features.archive.errors import (
    Contradiction,
    DemographicsConflict,
    DuplicateWithOtherContent,
    InstanceElsewhere,
    PatientMismatch,
)
from filmless.features.archive.events import InstanceQuarantined, SeriesGrew
from filmless.features.archive.model import ReceivedInstance, SetAside, StoreOutcome, StoreStatus
from filmless.features.archive.repository import Place
from filmless.features.archive.transfers import Transfer, TransferLog
from filmless.features.audit import AuditEvent, record
from filmless.features.patients import (
    Demographics,
    complete_demographics,
    contradicting_attributes,
    identify_or_register,
)
from filmless.infra.database import Transaction
from filmless.infra.errors import FilmlessError
from filmless.infra.ids import new_id
from filmless.infra.outbox import announce

Answer = StoreOutcome | FilmlessError


@dataclass(frozen=True, slots=True)
class Submission:
    """One received instance on its way into the index."""

    actor: Actor
    received: ReceivedInstance
    durable: Future[None] | None = None  # Its object being synced; None when that is done already.
    trust_person: bool = False  # Somebody has looked: it belongs to the patient of its study or Patient ID.


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one submission, once the transaction commits."""

    answer: Answer
    object_is_needed: bool = True  # False: the same bytes are held already, these may go.


@dataclass(slots=True)
class _Batch:
    """What one transaction has learnt and changed so far."""

    places: dict[str, Place] = field(default_factory=dict)
    stored: Counter[Transfer] = field(default_factory=Counter)


def index_batch(tx: Transaction, submissions: Sequence[Submission], transfers: TransferLog) -> list[Decision]:
    """Index all submissions in this transaction; the decisions hold once it commits."""
    batch = _Batch()
    decisions = [_index_one(tx, batch, submission) for submission in submissions]
    repository.grow(tx, batch.places.values())
    for place in batch.places.values():
        if place.instances_added:
            announce(
                tx,
                SeriesGrew(
                    place.study_ref,
                    place.series_ref,
                    place.study_instance_uid,
                    place.series_instance_uid,
                    place.instances_added,
                ),
            )
    for transfer, count in batch.stored.items():
        transfers.count(tx, transfer, count)
    return decisions


def _index_one(tx: Transaction, batch: _Batch, submission: Submission) -> Decision:
    received = submission.received
    if received.cause is not None:
        return set_aside(tx, submission, SetAside(received.cause))
    known = _known_place(tx, batch, submission)
    if known is not None and repository.insert_instance(tx, known.series_ref, received):
        return _stored(batch, known, submission)  # The ordinary case: one more slice of a series we hold.
    held = repository.find_instance(tx, received.instance.sop_instance_uid)
    if held is not None:
        if held.digest != received.stored.digest:
            return set_aside(tx, submission, SetAside(_duplicate()))
        # PS3.4 B.2.3: the same instance again is Success; it is the same bytes, so nothing is stored twice.
        outcome = _outcome(received, StoreStatus.ALREADY_STORED)
        return Decision(outcome, object_is_needed=held.object_id == received.stored.object_id)
    place = _place_for(tx, batch, submission)
    if isinstance(place, SetAside):
        return set_aside(tx, submission, place)
    if not repository.insert_instance(tx, place.series_ref, received):
        return _index_one(tx, batch, submission)  # Another process was quicker: now it is held.
    return _stored(batch, place, submission)


def _stored(batch: _Batch, place: Place, submission: Submission) -> Decision:
    """Count the instance that was just inserted."""
    received = submission.received
    place.instances_added += 1
    place.bytes_added += received.stored.object_bytes
    place.modalities.add(received.series.modality)
    place.sop_classes.add(received.instance.sop_class_uid)
    batch.stored[Transfer(submission.actor, place.patient.ref, place.study_instance_uid)] += 1
    return Decision(_outcome(received, StoreStatus.STORED))


def _known_place(tx: Transaction, batch: _Batch, submission: Submission) -> Place | None:
    """The series that the instance says it belongs to, if we hold it and nothing contradicts."""
    received = submission.received
    uid = received.series.series_instance_uid
    place = batch.places.get(uid) or repository.find_series(tx, uid)
    if place is None or place.study_instance_uid != received.study.study_instance_uid:
        return None
    if _patient_mismatch(place, submission) or _demographics_conflict(place.patient.demographics, submission):
        return None
    batch.places[uid] = place
    return place


def _place_for(tx: Transaction, batch: _Batch, submission: Submission) -> Place | SetAside:
    """The series to add to, made if need be; or why the instance must be set aside."""
    received = submission.received
    series_instance_uid = received.series.series_instance_uid
    place = batch.places.get(series_instance_uid) or repository.find_series(tx, series_instance_uid)
    if place is not None and place.study_instance_uid != received.study.study_instance_uid:
        return SetAside(
            InstanceElsewhere(
                "The series is already part of another study. The instance is kept in quarantine."
            )
        )
    if place is None:
        place = repository.find_study(tx, received.study.study_instance_uid)
    if place is None:
        patient = identify_or_register(tx, received.demographics, received.study.study_instance_uid)
        conflict = _demographics_conflict(patient.demographics, submission)
        if conflict is not None:
            return conflict
        complete_demographics(tx, patient, received.demographics)
        place = repository.insert_study(tx, patient, received)
        if place is None:
            return _place_for(tx, batch, submission)  # Another process was quicker.
    else:
        conflict = _patient_mismatch(place, submission) or _demographics_conflict(
            place.patient.demographics, submission
        )
        if conflict is not None:
            return conflict
    if not place.series_ref:
        series_ref = repository.insert_series(tx, place.study_ref, received)
        if series_ref is None:
            return _place_for(tx, batch, submission)
        place.series_ref, place.series_instance_uid = series_ref, series_instance_uid
        place.series_added = 1
    batch.places[series_instance_uid] = place
    return place


def _patient_mismatch(place: Place, submission: Submission) -> SetAside | None:
    held, claimed = place.patient.demographics, submission.received.demographics
    if submission.trust_person:
        return None
    contradictions = tuple(
        Contradiction(attribute, one, other)
        for attribute, one, other in (
            ("PatientID", held.patient_id, claimed.patient_id),
            ("IssuerOfPatientID", held.issuer_of_patient_id, claimed.issuer_of_patient_id),
        )
        if one != other
    )
    if not contradictions:
        return None
    return SetAside(
        PatientMismatch("The study belongs to another patient. The instance is kept in quarantine."),
        (*contradictions, Contradiction("PatientName", held.patient_name, claimed.patient_name)),
    )


def _demographics_conflict(held: Demographics, submission: Submission) -> SetAside | None:
    claimed = submission.received.demographics
    if submission.trust_person or held == claimed:
        return None
    if not contradicting_attributes(held, claimed):
        return None
    return SetAside(
        DemographicsConflict(
            "The Patient ID belongs to somebody with another name or birth date. "
            "The instance is kept in quarantine until a person decides."
        ),
        (
            Contradiction("PatientName", held.patient_name, claimed.patient_name),
            Contradiction("PatientBirthDate", held.patient_birth_date, claimed.patient_birth_date),
            Contradiction("PatientSex", held.patient_sex, claimed.patient_sex),
        ),
    )


def _duplicate() -> DuplicateWithOtherContent:
    return DuplicateWithOtherContent(
        "An instance with this SOP Instance UID and other content is already stored. "
        "What was sent is kept in quarantine."
    )


def set_aside(tx: Transaction, submission: Submission, aside: SetAside) -> Decision:
    """Keep the instance in the quarantine, announced and audited, unless the same bytes are there already."""
    quarantine_id = new_id()
    is_new = repository.insert_quarantined(tx, quarantine_id, submission.received, aside)
    if is_new:
        announce(tx, InstanceQuarantined(quarantine_id, aside.error.reason))
        record(
            tx,
            submission.actor,
            AuditEvent.INSTANCES_TRANSFERRED,
            action="C",
            outcome=4,
            study_instance_uid=submission.received.study.study_instance_uid or None,
            details={"quarantine": quarantine_id, "reason": aside.error.reason},
        )
    return Decision(aside.error, object_is_needed=is_new)


def _outcome(received: ReceivedInstance, status: StoreStatus) -> StoreOutcome:
    return StoreOutcome(
        status,
        received.study.study_instance_uid,
        received.series.series_instance_uid,
        received.instance.sop_instance_uid,
        received.problems,
    )
