"""Attributes that the index does not keep, read from a stored data set for whoever asks for them in a query.

A patient's, study's or series' own attributes are the same in all its instances, or ought to be: they are
read from the instance that came first. Only the part of the object in front of pixel data is read, and of it
no more than a limit. Not here: matching, which knows the index alone. Start at `read_optional_keys`.
"""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from filmless.features.access import Actor, Permission
from filmless.features.archive.matches import MatchRow
from filmless.features.archive.matching import Level
from filmless.features.archive.rows import FoundInstance, SeriesRow, StudyRow
from filmless.features.archive.stores import ReadableArchive
from filmless.features.archive.tables import instances, series, studies
from filmless.infra import limits
from filmless.infra.errors import NotFound, Unavailable
from filmless.infra.log import get_logger
from filmless.standards.dicom.data_set import DataSet, decode_elements
from filmless.standards.dicom.elements import MalformedDataSet, inflate
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, find_transfer_syntax

LOOK_BYTES_MAX = limits.MIB  # A second look: headers with large private values are below half of it.
VALUE_BYTES_MAX = 64 * limits.KIB  # Longer ones are no answer to a query; a sequence may take the whole look.

_log = get_logger()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the bytes of an instance are."""

    object_id: str
    object_bytes: int
    data_set_offset: int
    transfer_syntax_uid: str


_PLACE = (
    sa.select(
        instances.c.object_id,
        instances.c.object_bytes,
        instances.c.data_set_offset,
        instances.c.transfer_syntax_uid,
    )
    .order_by(series.c.id, instances.c.id)
    .limit(1)
)
_IN_SERIES = instances.join(series, series.c.id == instances.c.series_ref)
_REF: sa.BindParameter[int] = sa.bindparam("ref")
_FIRST_OF = {
    Level.PATIENT: _PLACE.select_from(_IN_SERIES).where(
        series.c.study_ref
        == sa.select(sa.func.min(studies.c.id)).where(studies.c.patient_ref == _REF).scalar_subquery()
    ),
    Level.STUDY: _PLACE.select_from(_IN_SERIES).where(series.c.study_ref == _REF),
    Level.SERIES: _PLACE.select_from(_IN_SERIES).where(series.c.id == _REF),
}


def read_optional_keys(
    archive: ReadableArchive, actor: Actor, row: MatchRow, wanted: Collection[int]
) -> DataSet | None:
    """Those of the wanted top-level attributes that the entity has; None when nothing can be read of it.

    Belongs to the query that found the row, which has left the audit record. Raises NotPermitted.
    """
    actor.must(Permission.STUDIES_READ)
    place = _place_of(archive, row)
    if place is None:
        return None
    try:
        found, needs_bytes = _read(archive, place, wanted, limits.PART10_PREFIX_BYTES)
        if needs_bytes and needs_bytes <= LOOK_BYTES_MAX:  # Some makers' private values come in between.
            found, _ = _read(archive, place, wanted, LOOK_BYTES_MAX)
    except (NotFound, Unavailable, MalformedDataSet) as error:
        # A query answers what it can: the index is whole, and the next one who retrieves this will be told.
        _log.warning("optional_keys_unreadable", object=place.object_id, error=type(error).__name__)
        return None
    return found


def _place_of(archive: ReadableArchive, row: MatchRow) -> _Place | None:
    if isinstance(row, FoundInstance):
        found = row.instance
        return _Place(found.object_id, found.object_bytes, found.data_set_offset, found.transfer_syntax_uid)
    if isinstance(row, SeriesRow):
        level = Level.SERIES
    else:
        level = Level.STUDY if isinstance(row, StudyRow) else Level.PATIENT
    with archive.database.read() as tx:
        place = tx.execute(_FIRST_OF[level], {"ref": row.ref}).first()
    return None if place is None else _Place(*tuple(place))


def _read(
    archive: ReadableArchive, place: _Place, wanted: Collection[int], bytes_max: int
) -> tuple[DataSet, int]:
    """The wanted attributes in the first bytes of the data set; how many it takes to go on, 0 if none."""
    length = min(place.object_bytes - place.data_set_offset, bytes_max)
    data = archive.object_store.read(place.object_id, place.data_set_offset, length)
    syntax_uid = place.transfer_syntax_uid
    syntax = find_transfer_syntax(syntax_uid)
    if syntax is not None and syntax.deflated:
        data, syntax_uid = inflate(data, bytes_max, whole=False), EXPLICIT_LE
    return decode_elements(data, syntax_uid, wanted, bytes_max=VALUE_BYTES_MAX)
