"""Every SQL statement that writes the index. On the hot path: the driver itself, no builder."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson

from filmless.features.archive.model import INDEXED_CHARACTERS_MAX, ReceivedInstance, SetAside
from filmless.features.patients import Demographics, Patient
from filmless.infra.database import Transaction, to_microseconds
from filmless.standards.dicom import tags
from filmless.standards.dicom.header import RawSequence, read_items
from filmless.standards.dicom.person_name import normalise_text, parse_person_name

REQUESTS_MAX = 50  # Scheduled steps that one series was made for; a group case has about ten.

_FIND_INSTANCE = (
    "SELECT i.id, i.digest, i.object_id, se.series_instance_uid FROM instances i "
    "JOIN series se ON se.id = i.series_ref WHERE i.sop_instance_uid = ?"
)
_PATIENT = "p.id, p.patient_id, p.issuer_of_patient_id, p.patient_name, p.patient_birth_date, p.patient_sex"
_STUDY = "st.id, st.study_instance_uid, st.modalities_in_study, st.sop_classes_in_study"
_FIND_SERIES = (
    f"SELECT {_PATIENT}, {_STUDY}, se.id FROM series se JOIN studies st ON st.id = se.study_ref "
    "JOIN patients p ON p.id = st.patient_ref WHERE se.series_instance_uid = ?"
)
_FIND_STUDY = (
    f"SELECT {_PATIENT}, {_STUDY} FROM studies st JOIN patients p ON p.id = st.patient_ref "
    "WHERE st.study_instance_uid = ?"
)
_INSERT_STUDY = (
    "INSERT INTO studies (patient_ref, study_instance_uid, study_id, study_date, study_time,"
    " accession_number, issuer_of_accession_number, study_description, study_description_key,"
    " referring_physician_name, referring_physician_name_key, timezone_offset,"
    " modalities_in_study, sop_classes_in_study, number_of_series, number_of_instances, size_bytes,"
    " received_at, updated_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', 0, 0, 0, ?, ?)"
    " ON CONFLICT (study_instance_uid) DO NOTHING RETURNING id"
)
_INSERT_SERIES = (
    "INSERT INTO series (study_ref, series_instance_uid, modality, series_number, series_description,"
    " series_description_key, series_date, series_time, body_part_examined, laterality, protocol_name,"
    " protocol_name_key, station_name, institution_name, institution_name_key,"
    " performed_procedure_step_start_date, performed_procedure_step_start_time, number_of_instances,"
    " size_bytes, received_at, updated_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, ?)"
    " ON CONFLICT (series_instance_uid) DO NOTHING RETURNING id"
)
_INSERT_REQUEST = (
    "INSERT INTO series_requests (series_ref, accession_number, study_instance_uid, requested_procedure_id,"
    " scheduled_procedure_step_id) VALUES (?, ?, ?, ?, ?)"
)
_REQUEST_TAGS = (
    tags.ACCESSION_NUMBER,
    tags.STUDY_INSTANCE_UID,
    tags.REQUESTED_PROCEDURE_ID,
    tags.SCHEDULED_PROCEDURE_STEP_ID,
)
_INSERT_INSTANCE = (
    "INSERT INTO instances (series_ref, sop_instance_uid, sop_class_uid, transfer_syntax_uid,"
    " instance_number, rows, columns, bits_allocated, number_of_frames, object_id, object_bytes,"
    " data_set_offset, digest, source_ae_title, received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
    " ?, ?, ?, ?)"
    " ON CONFLICT (sop_instance_uid) DO NOTHING RETURNING id"
)
_GROW_SERIES = (
    "UPDATE series SET number_of_instances = number_of_instances + ?, size_bytes = size_bytes + ?,"
    " updated_at = ? WHERE id = ?"
)
_GROW_STUDY = (
    "UPDATE studies SET number_of_series = number_of_series + ?,"
    " number_of_instances = number_of_instances + ?, size_bytes = size_bytes + ?, updated_at = ? WHERE id = ?"
)
_LOCK_STUDY_SETS = "SELECT modalities_in_study, sop_classes_in_study FROM studies WHERE id = ?"
_WIDEN_STUDY = "UPDATE studies SET modalities_in_study = ?, sop_classes_in_study = ? WHERE id = ?"
_FIND_QUARANTINED = "SELECT id FROM quarantine WHERE sop_instance_uid = ? AND digest = ? AND reason = ?"
_INSERT_QUARANTINED = (
    "INSERT INTO quarantine (id, reason, explanation, conflicts, study_instance_uid, series_instance_uid,"
    " sop_instance_uid, sop_class_uid, transfer_syntax_uid, patient_id, patient_name, object_id,"
    " object_bytes, data_set_offset, digest, source_ae_title, received_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class HeldInstance:
    """An instance already in the index, as far as a duplicate must be compared with it."""

    ref: int
    digest: bytes
    object_id: str
    series_instance_uid: str


@dataclass(slots=True)
class Place:
    """Where an instance goes: its patient, study and series; and how much one commit adds to them."""

    patient: Patient
    study_ref: int
    study_instance_uid: str
    series_ref: int = 0
    series_instance_uid: str = ""
    series_added: int = 0
    instances_added: int = 0
    bytes_added: int = 0
    modalities: set[str] = field(default_factory=set)
    sop_classes: set[str] = field(default_factory=set)
    known_modalities: str = ""
    known_sop_classes: str = ""


def find_instance(tx: Transaction, sop_instance_uid: str) -> HeldInstance | None:
    """The instance with this UID, if the index has it."""
    row = tx.fast(_FIND_INSTANCE, (sop_instance_uid,)).fetchone()
    return None if row is None else HeldInstance(row[0], bytes(row[1]), row[2], row[3])


def find_series(tx: Transaction, series_instance_uid: str) -> Place | None:
    """The place of a series in the index."""
    row = tx.fast(_FIND_SERIES, (series_instance_uid,)).fetchone()
    if row is None:
        return None
    place = _place(row)
    place.series_ref, place.series_instance_uid = row[10], series_instance_uid
    return place


def find_study(tx: Transaction, study_instance_uid: str) -> Place | None:
    """The place of a study in the index, its series open."""
    row = tx.fast(_FIND_STUDY, (study_instance_uid,)).fetchone()
    return None if row is None else _place(row)


def _place(row: tuple[object, ...]) -> Place:
    patient_ref, *demographics = row[:6]
    return Place(
        patient=Patient(patient_ref, Demographics(*demographics)),  # type: ignore[arg-type]
        study_ref=row[6],  # type: ignore[arg-type]
        study_instance_uid=row[7],  # type: ignore[arg-type]
        known_modalities=row[8],  # type: ignore[arg-type]
        known_sop_classes=row[9],  # type: ignore[arg-type]
    )


def insert_study(tx: Transaction, patient: Patient, received: ReceivedInstance) -> Place | None:
    """Add the study; None when somebody else added it a moment ago."""
    study, now = received.study, to_microseconds(tx.now)
    row = tx.fast(
        _INSERT_STUDY,
        (
            patient.ref,
            study.study_instance_uid,
            study.study_id,
            study.study_date,
            study.study_time,
            study.accession_number,
            study.issuer_of_accession_number,
            study.study_description,
            normalise_text(study.study_description),
            study.referring_physician_name,
            parse_person_name(study.referring_physician_name).matching_key(),
            study.timezone_offset,
            now,
            now,
        ),
    ).fetchone()
    return None if row is None else Place(patient, row[0], study.study_instance_uid)


def insert_series(tx: Transaction, study_ref: int, received: ReceivedInstance) -> int | None:
    """Add the series; None when somebody else added it a moment ago."""
    series, now = received.series, to_microseconds(tx.now)
    row = tx.fast(
        _INSERT_SERIES,
        (
            study_ref,
            series.series_instance_uid,
            series.modality,
            series.series_number,
            series.series_description,
            normalise_text(series.series_description),
            series.series_date,
            series.series_time,
            series.body_part_examined,
            series.laterality,
            series.protocol_name,
            normalise_text(series.protocol_name),
            series.station_name,
            series.institution_name,
            normalise_text(series.institution_name),
            series.performed_procedure_step_start_date,
            series.performed_procedure_step_start_time,
            now,
            now,
        ),
    ).fetchone()
    if row is None:
        return None
    if series.requests is not None:
        _insert_requests(tx, row[0], series.requests)
    return int(row[0])


def _insert_requests(tx: Transaction, series_ref: int, sequence: RawSequence) -> None:
    """What the series was made for, from the first of its instances to arrive."""
    for item in read_items(sequence, _REQUEST_TAGS, REQUESTS_MAX):
        values = [item.get(tag, "")[:INDEXED_CHARACTERS_MAX].replace("\x00", "") for tag in _REQUEST_TAGS]
        tx.fast(_INSERT_REQUEST, (series_ref, *values))


def insert_instance(tx: Transaction, series_ref: int, received: ReceivedInstance) -> bool:
    """Add the instance; False when somebody else added its UID a moment ago."""
    instance, stored = received.instance, received.stored
    row = tx.fast(
        _INSERT_INSTANCE,
        (
            series_ref,
            instance.sop_instance_uid,
            instance.sop_class_uid,
            instance.transfer_syntax_uid,
            instance.instance_number,
            instance.rows,
            instance.columns,
            instance.bits_allocated,
            instance.number_of_frames,
            stored.object_id,
            stored.object_bytes,
            stored.data_set_offset,
            stored.digest,
            received.source_ae_title,
            to_microseconds(tx.now),
        ),
    ).fetchone()
    return row is not None


def grow(tx: Transaction, places: Iterable[Place]) -> None:
    """Add what one commit brought to the counts of its series and studies, in a fixed order of rows."""
    now = to_microseconds(tx.now)
    ordered = sorted(
        (place for place in places if place.instances_added or place.series_added),
        key=lambda place: (place.study_ref, place.series_ref),
    )  # The same order in every process: two commits wait for each other, never in a ring.
    for place in ordered:
        tx.fast(
            _GROW_STUDY, (place.series_added, place.instances_added, place.bytes_added, now, place.study_ref)
        )
        _widen(tx, place)
        tx.fast(_GROW_SERIES, (place.instances_added, place.bytes_added, now, place.series_ref))


def resize(tx: Transaction, series_ref: int, bytes_added: int) -> None:
    """Correct the sizes of a series and its study after one instance's bytes were exchanged."""
    now = to_microseconds(tx.now)
    [study_ref] = tx.fast("SELECT study_ref FROM series WHERE id = ?", (series_ref,)).fetchone()
    tx.fast(_GROW_STUDY, (0, 0, bytes_added, now, study_ref))
    tx.fast(_GROW_SERIES, (0, bytes_added, now, series_ref))


def _widen(tx: Transaction, place: Place) -> None:
    """Add new modalities and SOP classes to the study's sets; its row is already locked by the count."""
    if place.modalities <= set(place.known_modalities.split("\\")) and place.sop_classes <= set(
        place.known_sop_classes.split("\\")
    ):
        return
    modalities, sop_classes = tx.fast(_LOCK_STUDY_SETS, (place.study_ref,)).fetchone()
    tx.fast(
        _WIDEN_STUDY,
        (_joined(modalities, place.modalities), _joined(sop_classes, place.sop_classes), place.study_ref),
    )


def _joined(held: str, added: set[str]) -> str:
    return "\\".join(sorted((set(held.split("\\")) | added) - {""}))


def insert_quarantined(
    tx: Transaction, quarantine_id: str, received: ReceivedInstance, aside: SetAside
) -> bool:
    """Set an instance aside; False when the same bytes already wait for the same reason."""
    stored, uid, reason = received.stored, received.instance.sop_instance_uid, aside.error.reason
    if tx.fast(_FIND_QUARANTINED, (uid, stored.digest, reason)).fetchone() is not None:
        return False
    tx.fast(
        _INSERT_QUARANTINED,
        (
            quarantine_id,
            reason,
            aside.error.message,
            orjson.dumps(aside.contradictions).decode(),
            received.study.study_instance_uid,
            received.series.series_instance_uid,
            uid,
            received.instance.sop_class_uid,
            received.instance.transfer_syntax_uid,
            received.demographics.patient_id,
            received.demographics.patient_name,
            stored.object_id,
            stored.object_bytes,
            stored.data_set_offset,
            stored.digest,
            received.source_ae_title,
            to_microseconds(tx.now),
        ),
    )
    return True
