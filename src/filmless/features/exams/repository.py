"""Every SQL statement of exams."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from filmless.features.exams.model import (
    PerformedSeries,
    PerformedStatus,
    PerformedStep,
    Reference,
    Remark,
)
from filmless.features.exams.tables import performed_series, performed_step_references, performed_steps
from filmless.infra.database import Transaction

Condition = sa.ColumnElement[bool]

_PARTS = {"references", "series_list"}
_FIELDS = [one.name for one in dataclasses.fields(PerformedStep) if one.name not in _PARTS]


def insert_step(tx: Transaction, step: PerformedStep, data_set: bytes) -> bool:
    """Add a performed step with all its parts; says whether the UID was free."""
    insert = sqlite.insert(performed_steps) if tx.is_sqlite else postgresql.insert(performed_steps)
    values = {**_row(step), "data_set": data_set, "revision": 1}
    statement = insert.values(**values).on_conflict_do_nothing().returning(sa.literal(1))
    if tx.execute(statement).first() is None:
        return False
    _insert_references(tx, step.sop_instance_uid, step.references)
    _insert_series(tx, step)
    return True


def update_step(tx: Transaction, step: PerformedStep, data_set: bytes, revision: int) -> bool:
    """Write a step over the revision that it was made from; says whether that was still the newest."""
    statement = (
        sa.update(performed_steps)
        .where(
            performed_steps.c.sop_instance_uid == step.sop_instance_uid,
            performed_steps.c.revision == revision,
        )
        .values(**{**_row(step), "data_set": data_set, "revision": revision + 1})
    )
    if tx.execute(statement).rowcount != 1:
        return False
    condition = performed_series.c.performed_step_uid == step.sop_instance_uid
    tx.execute(sa.delete(performed_series).where(condition))
    _insert_series(tx, step)
    return True


def find_data_set(tx: Transaction, sop_instance_uid: str) -> tuple[bytes, int, PerformedStatus] | None:
    """The encoded data set of a step, its revision and status."""
    columns = performed_steps.c
    row = tx.execute(
        sa.select(columns.data_set, columns.revision, columns.status).where(
            columns.sop_instance_uid == sop_instance_uid
        )
    ).first()
    return None if row is None else (bytes(row.data_set), row.revision, PerformedStatus(row.status))


def find_step(tx: Transaction, sop_instance_uid: str) -> PerformedStep | None:
    """A step with references and series."""
    columns = performed_steps.c
    row = tx.execute(_select().where(columns.sop_instance_uid == sop_instance_uid)).first()
    if row is None:
        return None
    return dataclasses.replace(
        _step(row),
        references=tuple(references_of(tx, sop_instance_uid)),
        series_list=tuple(_series_of(tx, sop_instance_uid)),
    )


def references_of(tx: Transaction, sop_instance_uid: str) -> list[Reference]:
    """What a performed step refers to, in the order of its items."""
    columns = performed_step_references.c
    statement = (
        sa.select(performed_step_references)
        .where(columns.performed_step_uid == sop_instance_uid)
        .order_by(columns.item_number)
    )
    return [_reference(row) for row in tx.execute(statement)]


def find_siblings(tx: Transaction, step_id: str, sop_instance_uid: str) -> list[tuple[PerformedStatus, str]]:
    """Status and discontinuation reason of the other performed steps that belong to a scheduled one."""
    references, steps = performed_step_references.c, performed_steps.c
    statement = (
        sa.select(steps.status, steps.discontinuation_reason)
        .join(performed_step_references, references.performed_step_uid == steps.sop_instance_uid)
        .where(references.step_ref == step_id, steps.sop_instance_uid != sop_instance_uid)
        .distinct()
    )
    return [(PerformedStatus(row.status), row.discontinuation_reason) for row in tx.execute(statement)]


def select_steps(
    tx: Transaction, conditions: Sequence[Condition], limit: int, offset: int
) -> list[PerformedStep]:
    """A page of steps, latest first, with their references but without their series."""
    columns = performed_steps.c
    latest = (columns.start_date.desc(), columns.start_time.desc(), columns.sop_instance_uid.desc())
    statement = _select().where(*conditions).order_by(*latest).limit(limit).offset(offset)
    steps = [_step(row) for row in tx.execute(statement)]
    references = _references_of_several(tx, [step.sop_instance_uid for step in steps])
    return [
        dataclasses.replace(step, references=tuple(references.get(step.sop_instance_uid, ())))
        for step in steps
    ]


def count_steps(tx: Transaction, conditions: Sequence[Condition]) -> int:
    """How many steps match."""
    counted = sa.select(sa.func.count()).select_from(performed_steps).where(*conditions)
    return int(tx.execute(counted).scalar_one())


def refers_to(study_instance_uid: str = "", accession_number: str = "", step_id: str = "") -> Condition:
    """The condition that a step refers to this study, accession number or scheduled step."""
    columns = performed_step_references.c
    wanted = (
        (columns.study_instance_uid, study_instance_uid),
        (columns.accession_number, accession_number),
        (columns.step_ref, step_id),
    )
    return sa.exists().where(
        columns.performed_step_uid == performed_steps.c.sop_instance_uid,
        *(column == value for column, value in wanted if value),
    )


# --- Rows and values ---------------------------------------------------------------------------------------


def _select() -> sa.Select[Any]:
    return sa.select(*(performed_steps.c[name] for name in _FIELDS))


def _row(step: PerformedStep) -> dict[str, Any]:
    return {name: getattr(step, name) for name in _FIELDS} | {"status": step.status.value}


def _step(row: Any) -> PerformedStep:
    values = {name: getattr(row, name) for name in _FIELDS}
    return PerformedStep(**values | {"status": PerformedStatus(row.status)})


def _insert_references(tx: Transaction, sop_instance_uid: str, references: Sequence[Reference]) -> None:
    rows = [
        {
            "performed_step_uid": sop_instance_uid,
            "item_number": number,
            "study_instance_uid": reference.study_instance_uid,
            "accession_number": reference.accession_number,
            "requested_procedure_id": reference.requested_procedure_id,
            "scheduled_procedure_step_id": reference.scheduled_procedure_step_id,
            "step_ref": reference.step_id,
            "remark": reference.remark.value,
        }
        for number, reference in enumerate(references, start=1)
    ]
    if rows:
        tx.execute(sa.insert(performed_step_references), rows)


def _references_of_several(tx: Transaction, uids: Sequence[str]) -> dict[str, list[Reference]]:
    found: dict[str, list[Reference]] = {}
    if uids:
        columns = performed_step_references.c
        statement = (
            sa.select(performed_step_references)
            .where(columns.performed_step_uid.in_(uids))
            .order_by(columns.performed_step_uid, columns.item_number)
        )
        for row in tx.execute(statement):
            found.setdefault(row.performed_step_uid, []).append(_reference(row))
    return found


def _reference(row: Any) -> Reference:
    return Reference(
        row.study_instance_uid,
        row.accession_number,
        row.requested_procedure_id,
        row.scheduled_procedure_step_id,
        row.step_ref,
        Remark(row.remark),
    )


def _insert_series(tx: Transaction, step: PerformedStep) -> None:
    rows = [
        {
            "performed_step_uid": step.sop_instance_uid,
            "series_instance_uid": series.series_instance_uid,
            "series_description": series.series_description,
            "protocol_name": series.protocol_name,
            "number_of_instances": len(series.instances),
            "instances": orjson.dumps(series.instances).decode(),
        }
        for series in step.series_list
    ]
    if rows:
        tx.execute(sa.insert(performed_series), rows)


def _series_of(tx: Transaction, sop_instance_uid: str) -> list[PerformedSeries]:
    columns = performed_series.c
    statement = (
        sa.select(performed_series)
        .where(columns.performed_step_uid == sop_instance_uid)
        .order_by(columns.series_instance_uid)
    )
    return [
        PerformedSeries(
            row.series_instance_uid,
            row.series_description,
            row.protocol_name,
            tuple((pair[0], pair[1]) for pair in orjson.loads(row.instances)),
        )
        for row in tx.execute(statement)
    ]
