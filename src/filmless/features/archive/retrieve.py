"""Instances out: as the files they came as, and their metadata as DICOM JSON.

The bytes of the data set are those received; only a preamble that could make the file something else (an
executable, a script) is blanked on the way out. Every verb leaves an audit record before the first byte.
Start at `list_instances`. Not here: frames and pictures (`viewing`).
"""

from collections.abc import Iterator

from filmless.features.access import Actor, Permission
from filmless.features.archive import repository_read
from filmless.features.archive.access_log import record_access, record_study_access, record_transfer
from filmless.features.archive.errors import StudyNotFound
from filmless.features.archive.gzip_document import Deflated, deflate, gzip_member, joined
from filmless.features.archive.prepare import describe_instance, series_document
from filmless.features.archive.read_errors import InstanceNotFound, SeriesNotFound
from filmless.features.archive.repository_read import SeriesPlace
from filmless.features.archive.rows import InstanceRow
from filmless.features.archive.stored_object import read_object
from filmless.features.archive.stores import ReadableArchive
from filmless.infra.database import Transaction
from filmless.infra.errors import NotFound, Unavailable
from filmless.standards.dicom.part10 import PREAMBLE_BYTES, sanitised_preamble

CHUNK_BYTES = 1 << 20

_OPEN, _COMMA, _CLOSE = deflate(b"["), deflate(b","), deflate(b"]")


# --- Instances ---------------------------------------------------------------------------------------------


def list_instances(
    archive: ReadableArchive, actor: Actor, study_instance_uid: str, series_instance_uid: str | None = None
) -> list[InstanceRow]:
    """The instances of a study, or of one series of it, about to leave the house: one audit record.

    Raises StudyNotFound, SeriesNotFound, NotPermitted.
    """
    actor.must(Permission.STUDIES_READ)
    with archive.database.read() as tx:
        if series_instance_uid is None:
            rows = repository_read.list_instances_of_study(tx, study_instance_uid)
        else:
            rows = repository_read.list_instances_of_series(tx, series_instance_uid)
    if series_instance_uid is None and not rows:
        raise StudyNotFound("There is no study with that Study Instance UID here.")
    if not rows or rows[0].study_instance_uid != study_instance_uid:
        raise SeriesNotFound("There is no such series in that study.")
    record_transfer(archive, actor, rows)
    return rows


def get_instance(
    archive: ReadableArchive,
    actor: Actor,
    study_instance_uid: str,
    series_instance_uid: str,
    sop_instance_uid: str,
) -> InstanceRow:
    """One instance about to leave the house: one audit record. Raises InstanceNotFound, NotPermitted."""
    actor.must(Permission.STUDIES_READ)
    with archive.database.read() as tx:
        row = instance_at(tx, study_instance_uid, series_instance_uid, sop_instance_uid)
    record_transfer(archive, actor, [row])
    return row


def instance_at(
    tx: Transaction, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
) -> InstanceRow:
    """The instance if it is in that series and study; else InstanceNotFound, not saying where it is."""
    row = repository_read.get_instance(tx, sop_instance_uid)
    if row is None or (row.study_instance_uid, row.series_instance_uid) != (
        study_instance_uid,
        series_instance_uid,
    ):
        raise InstanceNotFound("There is no such instance in that series and study.")
    return row


def part10_chunks(archive: ReadableArchive, row: InstanceRow) -> Iterator[bytes]:
    """The instance as a DICOM file, in chunks; `row.object_bytes` in all.

    Raises Unavailable at the first chunk when the object is not there.
    """
    first = read_object(archive, row, 0, min(CHUNK_BYTES, row.object_bytes))
    if len(first) < min(CHUNK_BYTES, row.object_bytes):
        raise Unavailable("The stored object is shorter than the index says. Tell the administrator.")
    yield sanitised_preamble(first[:PREAMBLE_BYTES]) + first[PREAMBLE_BYTES:]
    if row.object_bytes > CHUNK_BYTES:
        try:
            yield from archive.object_store.stream(row.object_id, CHUNK_BYTES, CHUNK_BYTES)
        except NotFound:
            raise Unavailable("The stored object went away while it was read.") from None


# --- Metadata ----------------------------------------------------------------------------------------------


def series_metadata_gzip(
    archive: ReadableArchive, actor: Actor, study_instance_uid: str, series_instance_uid: str
) -> bytes:
    """DICOM JSON of all instances of the series, as gzip; that of the index at this moment.

    Raises SeriesNotFound, NotPermitted, Unavailable. One audit record.
    """
    actor.must(Permission.STUDIES_READ)
    place = _series_at(archive, study_instance_uid, series_instance_uid)
    document = series_document(archive, place.series_ref)
    record_study_access(archive, actor, study_instance_uid, place.patient_ref, "metadata of a series")
    return gzip_member(joined((_OPEN, document, _CLOSE)))


def study_metadata_gzip(archive: ReadableArchive, actor: Actor, study_instance_uid: str) -> bytes:
    """DICOM JSON of all instances of the study, as gzip; raises StudyNotFound, NotPermitted, Unavailable."""
    actor.must(Permission.STUDIES_READ)
    with archive.database.read() as tx:
        refs = repository_read.list_series_refs(tx, study_instance_uid)
    if refs is None:
        raise StudyNotFound("There is no study with that Study Instance UID here.")
    parts: list[Deflated] = []
    for series_ref, _ in refs:
        parts += [_COMMA] if parts else []
        parts.append(series_document(archive, series_ref))
    record_study_access(archive, actor, study_instance_uid, None, "metadata of a study")
    return gzip_member(joined((_OPEN, *parts, _CLOSE)))


def instance_metadata(
    archive: ReadableArchive,
    actor: Actor,
    study_instance_uid: str,
    series_instance_uid: str,
    sop_instance_uid: str,
) -> bytes:
    """DICOM JSON array of this one instance, read from its object; raises InstanceNotFound. Audited."""
    actor.must(Permission.STUDIES_READ)
    with archive.database.read() as tx:
        row = instance_at(tx, study_instance_uid, series_instance_uid, sop_instance_uid)
    record_access(archive, actor, row, "metadata of an instance")
    return b"[" + describe_instance(archive, row) + b"]"


def _series_at(archive: ReadableArchive, study_instance_uid: str, series_instance_uid: str) -> SeriesPlace:
    with archive.database.read() as tx:
        place = repository_read.get_series_place(tx, series_instance_uid)
    if place is None or place.study_instance_uid != study_instance_uid:
        raise SeriesNotFound("There is no such series in that study.")
    return place
