"""What is prepared of a series so that nobody waits for it: metadata, frame positions, thumbnail.

The metadata of a series is one compressed document that grows with it: only instances that came since are
read, and the document is replaced only if nobody else has replaced it meanwhile. A request that comes before
the job builds what is missing itself, so the answer is always that of the index at this moment.
Start at `prepare_series` (the job) and `series_document`. Not here: who may see it (`retrieve`).
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import orjson

from filmless.features.archive import repository_read
from filmless.features.archive.frame_positions import index_frames
from filmless.features.archive.gzip_document import Deflated, deflate, joined
from filmless.features.archive.read_errors import NothingToShow, ObjectDamaged, SeriesNotFound
from filmless.features.archive.repository_read import PreparedMetadata
from filmless.features.archive.rows import InstanceRow
from filmless.features.archive.stored_object import opened
from filmless.features.archive.stores import ReadableArchive
from filmless.infra.database import Transaction
from filmless.infra.errors import NotFound
from filmless.infra.jobs import enqueue
from filmless.infra.log import get_logger
from filmless.infra.object_store.base import ObjectStore
from filmless.infra.outbox import once_for
from filmless.infra.sandbox import FileSlice, Sandbox, SandboxCallFailed, SandboxCrashed
from filmless.standards.dicom import json_model

PREPARE_SERIES = "prepare-series"
"""The kind of the job whose body is `prepare_series`; payload: series_ref."""

SETTLED_AFTER_SECONDS = 2.0  # Slices of a series come several a second; preparing each by itself is waste.
SANDBOX_MODULES = (
    "filmless.standards.dicom.object_rendering",
    "filmless.standards.dicom.frame_decoding",
    "filmless.standards.dicom.frame_recoding",
)
"""What a sandbox for pictures and frames should load before its first call."""

DICOM_WEB_ROOT = "/dicom-web"  # BulkDataURIs are absolute paths: right behind any host name and port.
BATCH_INSTANCES_MAX = 200  # Described between two saves; some MiB of JSON.
THUMBNAIL_FUNCTION = "filmless.standards.dicom.object_rendering:thumbnail_of_object"

_log = get_logger()
_EMPTY = Deflated(0, 0, b"")
_NOTHING = PreparedMetadata(0, 0, 0, None)


def prepare_series(archive: ReadableArchive, sandbox: Sandbox, series_ref: int) -> None:
    """Bring all that is prepared of the series up to date; doing it twice changes nothing.

    A series that is gone by now is no error.
    """
    try:
        series_document(archive, series_ref)
    except SeriesNotFound:
        return
    _index_missing_frames(archive, series_ref)
    try:
        make_thumbnail(archive, sandbox, series_ref)
    except NothingToShow:  # Damaged pixels stay damaged: trying again tomorrow would not help.
        _log.warning("thumbnail_impossible", series_ref=series_ref)


@once_for("series_ref")
def prepare_series_soon(tx: Transaction, fact: Mapping[str, Any]) -> None:
    """React to SeriesGrew: prepare the series once it has not grown for a moment."""
    series_ref = int(fact["series_ref"])
    enqueue(
        tx,
        PREPARE_SERIES,
        {"series_ref": series_ref},
        unique_key=f"{PREPARE_SERIES}:{series_ref}",
        delay_seconds=SETTLED_AFTER_SECONDS,
    )


# --- Metadata ----------------------------------------------------------------------------------------------


def series_document(archive: ReadableArchive, series_ref: int) -> Deflated:
    """DICOM JSON of every instance of the series, with commas between and no brackets (PS3.18 annex F).

    Raises SeriesNotFound, Unavailable.
    """
    with archive.database.read() as tx:
        prepared = repository_read.get_prepared(tx, series_ref)
        if prepared is None:
            raise SeriesNotFound("There is no such series here.")
        if prepared.document is not None and prepared.instances_prepared == prepared.instances_indexed:
            return Deflated.from_bytes(prepared.document)
        newer = repository_read.list_newer_instances(tx, series_ref, prepared.last_instance_ref)
        started_from = prepared
        if prepared.instances_prepared + len(newer) < prepared.instances_indexed:
            # A row with a smaller id was committed after one with a larger: begin again with all of them.
            newer = repository_read.list_newer_instances(tx, series_ref, 0)
            started_from = _NOTHING
        elif prepared.instances_prepared > prepared.instances_indexed:
            newer, started_from = repository_read.list_newer_instances(tx, series_ref, 0), _NOTHING
    return _extended(archive, series_ref, prepared, started_from, newer)


def _extended(
    archive: ReadableArchive,
    series_ref: int,
    held: PreparedMetadata,
    started_from: PreparedMetadata,
    newer: Sequence[InstanceRow],
) -> Deflated:
    """`started_from` with the newer instances; saved batch by batch while nobody else replaces `held`."""
    raw = started_from.document
    document = _EMPTY if raw is None else Deflated.from_bytes(raw)
    count, remaining = started_from.instances_prepared, iter(newer)
    may_save = True
    while batch := list(islice(remaining, BATCH_INSTANCES_MAX)):
        described = [_described(archive, row) for row in batch]
        parts = [document, deflate(b",")] if count else []
        document = joined([*parts, deflate(b",".join(text for text, _ in described))])
        count += len(batch)
        after = PreparedMetadata(0, batch[-1].ref, count, document.to_bytes())
        frames = [(row.ref, index) for row, (_, index) in zip(batch, described, strict=True) if index]
        if may_save:
            with archive.database.transaction() as tx:
                may_save = repository_read.save_prepared(tx, series_ref, held, after)
                repository_read.save_frame_indexes(tx, frames)
            held = after
    return document


def describe_instance(archive: ReadableArchive, row: InstanceRow) -> bytes:
    """The instance as one DICOM JSON object (PS3.18 annex F)."""
    return _described(archive, row)[0]


def _described(archive: ReadableArchive, row: InstanceRow) -> tuple[bytes, bytes | None]:
    """The instance as one DICOM JSON object, and its frame index for the database."""
    uri = (
        f"{DICOM_WEB_ROOT}/studies/{row.study_instance_uid}/series/{row.series_instance_uid}"
        f"/instances/{row.sop_instance_uid}/bulkdata"
    )
    try:
        with opened(archive, row) as stored:
            described = json_model.dataset_to_json(
                stored.data, stored.transfer_syntax_uid, bulk_data_uri=uri, start=stored.start
            )
            is_as_stored = stored.transfer_syntax_uid == row.transfer_syntax_uid
            index = index_frames(stored) if is_as_stored and row.rows else None
    except ObjectDamaged:
        return _identifiers_only(row), None
    return described.body, None if index is None else index.to_bytes()


def _identifiers_only(row: InstanceRow) -> bytes:
    """For a data set that cannot be read any more: what the index knows, so that the others still show."""
    uids = {
        "00080016": row.sop_class_uid,
        "00080018": row.sop_instance_uid,
        "0020000D": row.study_instance_uid,
        "0020000E": row.series_instance_uid,
    }
    return orjson.dumps({tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids.items()})


# --- Frames ------------------------------------------------------------------------------------------------


def _index_missing_frames(archive: ReadableArchive, series_ref: int) -> None:
    """For instances whose metadata somebody else prepared without saving their frames."""
    with archive.database.read() as tx:
        missing = repository_read.list_instances_without_frame_index(tx, series_ref)
        rows = repository_read.list_newer_instances(tx, series_ref, 0) if missing else []
    found: list[tuple[int, bytes]] = []
    for row in rows:
        if row.ref not in missing or not row.rows:
            continue
        try:
            with opened(archive, row) as stored:
                index = (
                    index_frames(stored) if stored.transfer_syntax_uid == row.transfer_syntax_uid else None
                )
        except ObjectDamaged:
            continue
        if index is not None:
            found.append((row.ref, index.to_bytes()))
    if found:
        with archive.database.transaction() as tx:
            repository_read.save_frame_indexes(tx, found)


# --- Thumbnail ---------------------------------------------------------------------------------------------


def make_thumbnail(archive: ReadableArchive, sandbox: Sandbox, series_ref: int) -> bytes:
    """A small JPEG of the middle instance of the series, also kept if its metadata is prepared.

    Raises SeriesNotFound; NothingToShow when the picture cannot be made; SandboxBusy, SandboxTimedOut.
    """
    with archive.database.read() as tx:
        rows = repository_read.list_newer_instances(tx, series_ref, 0)
    if not rows:
        raise SeriesNotFound("There is no such series here.")
    rows.sort(key=lambda row: (row.instance_number is None, row.instance_number or 0, row.ref))
    jpeg = thumbnail_of(archive, sandbox, rows[len(rows) // 2])
    with archive.database.transaction() as tx:
        repository_read.save_thumbnail(tx, series_ref, jpeg)
    return jpeg


def thumbnail_of(archive: ReadableArchive, sandbox: Sandbox, row: InstanceRow) -> bytes:
    """A small JPEG of one instance; raises NothingToShow when it cannot be made."""
    try:
        jpeg: bytes = sandbox.call(THUMBNAIL_FUNCTION, object_argument(archive.object_store, row))
    except (SandboxCallFailed, SandboxCrashed, NotFound) as error:
        raise NothingToShow("No thumbnail can be made of this instance: its pixels are damaged.") from error
    return jpeg


def object_argument(object_store: ObjectStore, row: InstanceRow) -> FileSlice | bytes:
    """The whole object as an argument of a sandboxed call: mapped there if it is a file of this machine."""
    path = object_store.local_path(row.object_id)
    return FileSlice(path) if path is not None else object_store.read(row.object_id)
