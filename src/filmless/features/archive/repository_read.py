"""Every SQL statement that reads the index, and the two that keep what was prepared from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from filmless.features.archive.keys import NUMBER_OF_PATIENT_RELATED
from filmless.features.archive.matching import Level
from filmless.features.archive.patterns import Condition
from filmless.features.archive.rows import FoundInstance, InstanceRow, PatientRow, SeriesRow, StudyRow
from filmless.features.archive.tables import instances, series, studies
from filmless.features.patients.tables import patients
from filmless.infra.database import Transaction, to_microseconds

TIMEZONE_OFFSETS_MAX = 64  # The world has 38; what bad senders add beyond is taken as unknown.
MATCHES_COUNTED_MAX = 3000  # Nobody pages further; counting on would read the whole index for a number.
PAGE_ROWS_MAX = 10_000  # Some MiB of answer; no study has so many series.

_STUDY_COLUMNS = [
    *(studies.c[name] for name in ("id", "patient_ref", "study_instance_uid", "study_id", "study_date")),
    *(studies.c[name] for name in ("study_time", "accession_number", "study_description")),
    *(
        studies.c[name]
        for name in ("referring_physician_name", "modalities_in_study", "sop_classes_in_study")
    ),
    *(studies.c[name] for name in ("number_of_series", "number_of_instances", "size_bytes")),
    *(studies.c[name] for name in ("received_at", "updated_at")),
    *(patients.c[name] for name in ("patient_id", "issuer_of_patient_id", "patient_name")),
    *(patients.c[name] for name in ("patient_birth_date", "patient_sex")),
    *(studies.c[name] for name in ("issuer_of_accession_number", "timezone_offset")),
]
_SERIES_COLUMNS = [
    *(series.c[name] for name in ("id", "series_instance_uid", "modality", "series_number")),
    *(series.c[name] for name in ("series_description", "body_part_examined", "station_name")),
    series.c.performed_procedure_step_start_date,
    series.c.performed_procedure_step_start_time,
    *(series.c[name] for name in ("number_of_instances", "size_bytes", "received_at", "updated_at")),
    *(series.c[name] for name in ("series_date", "series_time", "laterality")),
    *(series.c[name] for name in ("protocol_name", "institution_name")),
]
_PATIENT_COLUMNS = [
    *(patients.c[name] for name in ("id", "patient_id", "issuer_of_patient_id", "patient_name")),
    *(patients.c[name] for name in ("patient_birth_date", "patient_sex")),
    *NUMBER_OF_PATIENT_RELATED.values(),
]
_INSTANCE_COLUMNS = [
    *(instances.c[name] for name in ("id", "series_ref")),
    studies.c.study_instance_uid,
    series.c.series_instance_uid,
    *(instances.c[name] for name in ("sop_instance_uid", "sop_class_uid", "transfer_syntax_uid")),
    *(instances.c[name] for name in ("instance_number", "rows", "columns", "bits_allocated")),
    *(instances.c[name] for name in ("number_of_frames", "object_id", "object_bytes", "data_set_offset")),
    studies.c.patient_ref.label("instance_patient_ref"),
]
_COLUMNS: dict[Level, Sequence[sa.ColumnElement[Any]]] = {
    Level.PATIENT: _PATIENT_COLUMNS,
    Level.STUDY: _STUDY_COLUMNS,
    Level.SERIES: [*_SERIES_COLUMNS, *_STUDY_COLUMNS],
    Level.INSTANCE: [*_INSTANCE_COLUMNS, *_SERIES_COLUMNS, *_STUDY_COLUMNS],
}
_STUDIES = studies.join(patients, patients.c.id == studies.c.patient_ref)
_SOURCES: dict[Level, sa.FromClause] = {
    Level.PATIENT: patients,
    Level.STUDY: _STUDIES,
    Level.SERIES: series.join(_STUDIES, studies.c.id == series.c.study_ref),
    Level.INSTANCE: instances.join(series, series.c.id == instances.c.series_ref).join(
        _STUDIES, studies.c.id == series.c.study_ref
    ),
}

_NEXT_TIMEZONE_OFFSET = (
    "SELECT min(timezone_offset) FROM studies WHERE timezone_offset <> '' AND timezone_offset > ?"
)
_INSTANCE_SQL = (
    "SELECT i.id, i.series_ref, st.study_instance_uid, se.series_instance_uid, i.sop_instance_uid,"
    " i.sop_class_uid, i.transfer_syntax_uid, i.instance_number, i.rows, i.columns, i.bits_allocated,"
    " i.number_of_frames, i.object_id, i.object_bytes, i.data_set_offset, st.patient_ref"
    " FROM instances i JOIN series se ON se.id = i.series_ref JOIN studies st ON st.id = se.study_ref"
)
_GET_INSTANCE = f"{_INSTANCE_SQL} WHERE i.sop_instance_uid = ?"
_IN_ORDER = "ORDER BY se.series_number, se.id, i.instance_number, i.id"
_LIST_OF_STUDY = f"{_INSTANCE_SQL} WHERE st.study_instance_uid = ? {_IN_ORDER}"
_LIST_OF_SERIES = f"{_INSTANCE_SQL} WHERE se.series_instance_uid = ? {_IN_ORDER}"
_LIST_NEWER = f"{_INSTANCE_SQL} WHERE i.series_ref = ? AND i.id > ? ORDER BY i.id"
_SERIES_OF_STUDY = (
    "SELECT se.id, se.series_instance_uid, st.id FROM studies st LEFT JOIN series se ON se.study_ref = st.id"
    " WHERE st.study_instance_uid = ? ORDER BY se.series_number, se.id"
)
_SERIES_REF = (
    "SELECT se.id, st.study_instance_uid, st.patient_ref FROM series se"
    " JOIN studies st ON st.id = se.study_ref WHERE se.series_instance_uid = ?"
)
_PREPARED = (
    "SELECT se.number_of_instances, p.last_instance_ref, p.number_of_instances, p.metadata_gzip"
    " FROM series se LEFT JOIN prepared_series p ON p.series_ref = se.id WHERE se.id = ?"
)
_INSERT_PREPARED = (
    "INSERT INTO prepared_series"
    " (series_ref, last_instance_ref, number_of_instances, metadata_gzip, prepared_at)"
    " VALUES (?, ?, ?, ?, ?) ON CONFLICT (series_ref) DO NOTHING"
)
_UPDATE_PREPARED = (
    "UPDATE prepared_series SET last_instance_ref = ?, number_of_instances = ?, metadata_gzip = ?,"
    " prepared_at = ? WHERE series_ref = ? AND last_instance_ref = ? AND number_of_instances = ?"
)
_THUMBNAIL = (
    "SELECT p.thumbnail_jpeg, st.study_instance_uid FROM series se JOIN studies st ON st.id = se.study_ref"
    " LEFT JOIN prepared_series p ON p.series_ref = se.id WHERE se.series_instance_uid = ?"
)
_SAVE_THUMBNAIL = "UPDATE prepared_series SET thumbnail_jpeg = ? WHERE series_ref = ?"
_FRAMES = "SELECT frames FROM frame_indexes WHERE instance_ref = ?"
_SAVE_FRAMES = "INSERT INTO frame_indexes (instance_ref, frames) VALUES (?, ?) ON CONFLICT DO NOTHING"
_WITHOUT_FRAMES = (
    "SELECT i.id FROM instances i LEFT JOIN frame_indexes f ON f.instance_ref = i.id"
    " WHERE i.series_ref = ? AND f.instance_ref IS NULL"
)


# --- Queries -----------------------------------------------------------------------------------------------


def select_page(
    level: Level,
    conditions: Sequence[Condition],
    order: Sequence[sa.ColumnElement[Any]],
    *,
    limit: int,
    offset: int,
) -> sa.Select[Any]:
    """The statement for one page of a query."""
    statement = sa.select(*_COLUMNS[level]).select_from(_SOURCES[level]).where(*conditions)
    return statement.order_by(*order).limit(limit).offset(offset)


def select_matching_studies(
    conditions: Sequence[Condition], order: Sequence[sa.ColumnElement[Any]], limit: int
) -> sa.Select[tuple[int]]:
    """Only the row ids of studies that match: what is sorted is small."""
    return sa.select(studies.c.id).select_from(_STUDIES).where(*conditions).order_by(*order).limit(limit)


def count_matches(tx: Transaction, level: Level, conditions: Sequence[Condition], *, of_patient: bool) -> int:
    """How many rows match, counted to one more than MATCHES_COUNTED_MAX."""
    source = _SOURCES[level]
    if level is Level.STUDY and not of_patient:
        source = studies
    matches = sa.select(sa.literal(1)).select_from(source).where(*conditions).limit(MATCHES_COUNTED_MAX + 1)
    counted = tx.execute(sa.select(sa.func.count()).select_from(matches.subquery())).scalar_one()
    return int(counted)


def count_among(
    tx: Transaction, rows: sa.Select[tuple[int]], conditions: Sequence[Condition], *, of_patient: bool
) -> int:
    """As `count_matches` for studies, along a statement for patients (`of_patient`) or studies."""
    source = rows.get_final_froms()[0]
    on = studies.c.patient_ref == patients.c.id
    joined = source.join(studies if of_patient else patients, on)
    matches = rows.with_only_columns(sa.literal(1), maintain_column_froms=False).select_from(joined)
    counted = matches.where(*conditions).limit(MATCHES_COUNTED_MAX + 1).subquery()
    return int(tx.execute(sa.select(sa.func.count()).select_from(counted)).scalar_one())


def list_timezone_offsets(tx: Transaction) -> list[str]:
    """Every Timezone Offset From UTC that studies have, by one step of the index for each."""
    offsets: list[str] = []
    while len(offsets) < TIMEZONE_OFFSETS_MAX:
        row = tx.fast(_NEXT_TIMEZONE_OFFSET, (offsets[-1] if offsets else "",)).fetchone()
        if row is None or row[0] is None:
            break
        offsets.append(row[0])
    return offsets


def patient_row(values: Sequence[Any]) -> PatientRow:
    """A row of the patient columns."""
    return PatientRow(*values)


def study_row(values: Sequence[Any]) -> StudyRow:
    """A row of the study columns."""
    fields = list(values)
    fields[9:11] = _several(fields[9]), _several(fields[10])
    return StudyRow(*fields)


def series_row(values: Sequence[Any]) -> SeriesRow:
    """A row of the series and study columns."""
    fields = [*values[:18], study_row(values[18:])]
    return SeriesRow(*fields)


def found_instance(values: Sequence[Any]) -> FoundInstance:
    """A row of the instance, series and study columns."""
    return FoundInstance(InstanceRow(*values[:16]), series_row(values[16:]))


def _several(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split("\\") if part)


# --- Single rows -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SeriesPlace:
    """A series by our row id, and whose it is."""

    series_ref: int
    study_instance_uid: str
    patient_ref: int


@dataclass(frozen=True, slots=True)
class PreparedMetadata:
    """What is prepared for a series, and how many instances the index has by now."""

    instances_indexed: int
    last_instance_ref: int
    instances_prepared: int
    document: bytes | None


def get_instance(tx: Transaction, sop_instance_uid: str) -> InstanceRow | None:
    """The instance with this UID."""
    row = tx.fast(_GET_INSTANCE, (sop_instance_uid,)).fetchone()
    return None if row is None else InstanceRow(*row)


def list_instances_of_study(tx: Transaction, study_instance_uid: str) -> list[InstanceRow]:
    """All instances of the study in order of series and instance number."""
    return [InstanceRow(*row) for row in tx.fast(_LIST_OF_STUDY, (study_instance_uid,))]


def list_instances_of_series(tx: Transaction, series_instance_uid: str) -> list[InstanceRow]:
    """All instances of the series in order of instance number."""
    return [InstanceRow(*row) for row in tx.fast(_LIST_OF_SERIES, (series_instance_uid,))]


def list_newer_instances(tx: Transaction, series_ref: int, after_ref: int) -> list[InstanceRow]:
    """The instances of the series that were indexed after the one given."""
    return [InstanceRow(*row) for row in tx.fast(_LIST_NEWER, (series_ref, after_ref))]


def list_series_refs(tx: Transaction, study_instance_uid: str) -> list[tuple[int, str]] | None:
    """Row id and UID of each series of the study; None when there is no such study."""
    rows = tx.fast(_SERIES_OF_STUDY, (study_instance_uid,)).fetchall()
    return [(row[0], row[1]) for row in rows if row[0] is not None] if rows else None


def get_series_place(tx: Transaction, series_instance_uid: str) -> SeriesPlace | None:
    """Where the series is."""
    row = tx.fast(_SERIES_REF, (series_instance_uid,)).fetchone()
    return None if row is None else SeriesPlace(*row)


# --- What was prepared -------------------------------------------------------------------------------------


def get_prepared(tx: Transaction, series_ref: int) -> PreparedMetadata | None:
    """What is prepared for the series, from one statement and so one snapshot; None: there is no series."""
    row = tx.fast(_PREPARED, (series_ref,)).fetchone()
    if row is None:
        return None
    document = None if row[3] is None else bytes(row[3])
    return PreparedMetadata(row[0], row[1] or 0, row[2] or 0, document)


def save_prepared(
    tx: Transaction, series_ref: int, before: PreparedMetadata, after: PreparedMetadata
) -> bool:
    """Replace what is prepared unless somebody else has done so since `before` was read."""
    now = to_microseconds(tx.now)
    values = (after.last_instance_ref, after.instances_prepared, after.document)
    if before.document is None:
        cursor = tx.fast(_INSERT_PREPARED, (series_ref, *values, now))
    else:
        held = (series_ref, before.last_instance_ref, before.instances_prepared)
        cursor = tx.fast(_UPDATE_PREPARED, (*values, now, *held))
    return int(cursor.rowcount) == 1


def get_thumbnail(tx: Transaction, series_instance_uid: str) -> tuple[bytes | None, str] | None:
    """The prepared thumbnail of the series, if there is one, and its study's UID; None: no such series."""
    row = tx.fast(_THUMBNAIL, (series_instance_uid,)).fetchone()
    return None if row is None else (None if row[0] is None else bytes(row[0]), row[1])


def save_thumbnail(tx: Transaction, series_ref: int, jpeg: bytes) -> None:
    """Keep the thumbnail of a series whose metadata is prepared."""
    tx.fast(_SAVE_THUMBNAIL, (jpeg, series_ref))


def get_frame_index(tx: Transaction, instance_ref: int) -> bytes | None:
    """The saved frame index of the instance."""
    row = tx.fast(_FRAMES, (instance_ref,)).fetchone()
    return None if row is None else bytes(row[0])


def save_frame_indexes(tx: Transaction, rows: Sequence[tuple[int, bytes]]) -> None:
    """Keep frame indexes by instance; one that is there already stays."""
    tx.fast_many(_SAVE_FRAMES, rows)


def list_instances_without_frame_index(tx: Transaction, series_ref: int) -> set[int]:
    """Row ids of the series' instances whose frames are not indexed."""
    return {row[0] for row in tx.fast(_WITHOUT_FRAMES, (series_ref,))}
