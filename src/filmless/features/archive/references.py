"""Instances of a study by name only: what others are told or asked about, without any byte leaving.

Not here: instances on their way out (`retrieve`). Start at `references_by_series`.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import orjson
import sqlalchemy as sa

from filmless.features.access import Actor, Permission
from filmless.features.archive import repository_read
from filmless.features.archive.errors import StudyNotFound
from filmless.features.archive.prepare import describe_instance
from filmless.features.archive.rows import InstanceRow
from filmless.features.archive.stores import ReadableArchive
from filmless.features.archive.tables import studies

SERIES_LOOKED_INTO_MAX = 64  # One header of each is read; a study of more belongs to few steps all the same.
_REFERENCED_PERFORMED_STEPS = "00081111"


@dataclass(frozen=True, slots=True)
class InstanceReference:
    """An instance as others name it (PS3.3 section 10.8, SOP Instance Reference Macro)."""

    sop_class_uid: str
    sop_instance_uid: str


def references_by_series(
    archive: ReadableArchive, actor: Actor, study_instance_uid: str
) -> dict[str, list[InstanceReference]]:
    """The study's instances by Series Instance UID. Raises StudyNotFound, NotPermitted.

    Leaves no audit record: names alone show nothing. Whoever tells them to others records that.
    """
    actor.must(Permission.STUDIES_READ)
    found: dict[str, list[InstanceReference]] = {}
    for row in _rows(archive, study_instance_uid):
        reference = InstanceReference(row.sop_class_uid, row.sop_instance_uid)
        found.setdefault(row.series_instance_uid, []).append(reference)
    return found


@dataclass(frozen=True, slots=True)
class StudyExtent:
    """How much there is of a study, and when it last grew."""

    number_of_instances: int
    updated_at: datetime


def find_extent(archive: ReadableArchive, actor: Actor, study_instance_uid: str) -> StudyExtent | None:
    """How much there is of the study; None when there is no such study. No datum of a patient, no record."""
    actor.must(Permission.STUDIES_READ)
    wanted = studies.c.study_instance_uid == study_instance_uid
    with archive.database.read() as tx:
        row = tx.execute(sa.select(studies.c.number_of_instances, studies.c.updated_at).where(wanted)).first()
    return None if row is None else StudyExtent(row.number_of_instances, row.updated_at)


def performed_steps_of_study(
    archive: ReadableArchive, actor: Actor, study_instance_uid: str
) -> list[InstanceReference]:
    """The performed procedure steps that the images themselves name (PS3.3 C.7.3.1), each once.

    Reads one header of each series. Raises StudyNotFound, NotPermitted, Unavailable.
    """
    actor.must(Permission.STUDIES_READ)
    first_of_series: dict[str, InstanceRow] = {}
    for row in _rows(archive, study_instance_uid):
        first_of_series.setdefault(row.series_instance_uid, row)
    steps: dict[InstanceReference, None] = {}
    for row in islice(first_of_series.values(), SERIES_LOOKED_INTO_MAX):
        named = orjson.loads(describe_instance(archive, row)).get(_REFERENCED_PERFORMED_STEPS, {})
        for item in named.get("Value", ()):
            reference = InstanceReference(_text(item, "00081150"), _text(item, "00081155"))
            if reference.sop_class_uid and reference.sop_instance_uid:
                steps[reference] = None
    return list(steps)


def _rows(archive: ReadableArchive, study_instance_uid: str) -> list[InstanceRow]:
    with archive.database.read() as tx:
        rows = repository_read.list_instances_of_study(tx, study_instance_uid)
    if not rows:
        raise StudyNotFound("There is no study with that Study Instance UID here.")
    return rows


def _text(item: Any, tag: str) -> str:
    """The first value of a UI element in DICOM JSON, "" for anything else."""
    values = item.get(tag, {}).get("Value") if isinstance(item, dict) else None
    return str(values[0]) if values else ""
