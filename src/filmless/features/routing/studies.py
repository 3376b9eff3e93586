"""What routing reads of the archive: a study with its series, and who sent each of its instances.

Statements over the archive's tables, so that a study of ten thousand slices is a few numbers a slice and not
ten thousand rows of everything. Not here: changing anything.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from filmless.features.archive import InstanceRow
from filmless.features.archive.tables import instances, series, studies
from filmless.features.routing.model import SeriesFacts
from filmless.infra.database import Transaction

ValueT = TypeVar("ValueT")

REFS_AT_ONCE_MAX = 500  # Parameters of one statement; SQLite of old takes 999.


@dataclass(frozen=True, slots=True)
class HeldInstance:
    """One instance as far as rules care."""

    ref: int
    series_ref: int
    calling_ae_title: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class HeldSeries:
    """One series and what conditions look at."""

    ref: int
    series_instance_uid: str
    facts: SeriesFacts


@dataclass(frozen=True, slots=True)
class HeldStudy:
    """One study with all its series and instances."""

    ref: int
    patient_ref: int
    study_instance_uid: str
    updated_at: datetime
    series_list: tuple[HeldSeries, ...]
    instances: tuple[HeldInstance, ...]


def get_held_study(tx: Transaction, study_instance_uid: str) -> HeldStudy | None:
    """The study as the index has it now."""
    study = tx.execute(
        sa.select(
            *(studies.c[name] for name in ("id", "patient_ref", "study_description", "received_at")),
            *(studies.c[name] for name in ("referring_physician_name", "updated_at")),
        ).where(studies.c.study_instance_uid == study_instance_uid)
    ).first()
    if study is None:
        return None
    held = tuple(
        HeldInstance(row.id, row.series_ref, row.source_ae_title, row.received_at)
        for row in tx.execute(
            sa.select(*(instances.c[name] for name in ("id", "series_ref", "source_ae_title", "received_at")))
            .join(series, series.c.id == instances.c.series_ref)
            .where(series.c.study_ref == study.id)
            .order_by(instances.c.id)
        )
    )
    senders: dict[int, set[str]] = {}
    for one in held:
        senders.setdefault(one.series_ref, set()).add(one.calling_ae_title)
    rows = tx.execute(
        sa.select(
            *(series.c[name] for name in ("id", "series_instance_uid", "modality", "station_name")),
            *(series.c[name] for name in ("series_description", "body_part_examined")),
        )
        .where(series.c.study_ref == study.id)
        .order_by(series.c.series_number, series.c.id)
    )
    series_list = tuple(
        HeldSeries(
            row.id,
            row.series_instance_uid,
            SeriesFacts(
                frozenset(senders.get(row.id, ())),
                row.modality,
                row.station_name,
                study.study_description,
                row.series_description,
                study.referring_physician_name,
                row.body_part_examined,
                study.received_at,
            ),
        )
        for row in rows
    )
    return HeldStudy(study.id, study.patient_ref, study_instance_uid, study.updated_at, series_list, held)


def held_studies(tx: Transaction, study_instance_uids: Sequence[str]) -> set[str]:
    """Those of the studies that are here."""
    found: set[str] = set()
    for some in _pieces(study_instance_uids):
        uid = studies.c.study_instance_uid
        found |= set(tx.execute(sa.select(uid).where(uid.in_(some))).scalars())
    return found


def list_instance_rows(tx: Transaction, refs: Sequence[int]) -> list[InstanceRow]:
    """The instances with these row ids, those that are still here, in order of series and instance number."""
    found: list[InstanceRow] = []
    numbers: dict[int, int] = {}
    for some in _pieces(refs):
        for values in tx.execute(_instance_columns().where(instances.c.id.in_(some))):
            row = InstanceRow(*tuple(values)[1:])
            numbers[row.series_ref] = values[0] or 0
            found.append(row)
    found.sort(key=lambda row: (numbers[row.series_ref], row.series_ref, row.instance_number or 0, row.ref))
    return found


def _pieces(values: Sequence[ValueT]) -> Iterator[Sequence[ValueT]]:
    return (values[at : at + REFS_AT_ONCE_MAX] for at in range(0, len(values), REFS_AT_ONCE_MAX))


def _instance_columns() -> sa.Select[Any]:
    return sa.select(
        series.c.series_number,
        *(instances.c[name] for name in ("id", "series_ref")),
        studies.c.study_instance_uid,
        series.c.series_instance_uid,
        *(instances.c[name] for name in ("sop_instance_uid", "sop_class_uid", "transfer_syntax_uid")),
        *(instances.c[name] for name in ("instance_number", "rows", "columns", "bits_allocated")),
        *(instances.c[name] for name in ("number_of_frames", "object_id", "object_bytes", "data_set_offset")),
        studies.c.patient_ref,
    ).select_from(
        instances.join(series, series.c.id == instances.c.series_ref).join(
            studies, studies.c.id == series.c.study_ref
        )
    )
