"""Lists of scheduled steps: one page at a time, in the order of the day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from filmless.features.scheduling.model import NewStep, ScheduledStep, StepStatus
from filmless.features.scheduling.repository import (
    other_attributes_of,
    patient_of,
    procedure_of,
    request_of,
    step_details_of,
)
from filmless.features.scheduling.tables import (
    imaging_requests,
    requested_procedures,
    scheduled_steps,
    step_stations,
)
from filmless.infra.database import Transaction

Condition = sa.ColumnElement[bool]
Position = tuple[str, str, str]
"""Where a page ended: date, time and id of its last step."""

_SKIPPED = {"id", "created_at", "request_ref", "procedure_ref"}
_ORDER = (scheduled_steps.c.start_date, scheduled_steps.c.start_time, scheduled_steps.c.id)


def _columns() -> list[sa.ColumnElement[Any]]:
    others = [
        column
        for table in (imaging_requests, requested_procedures)
        for column in table.c
        if column.name not in _SKIPPED
    ]
    return [*scheduled_steps.c, *others]


_JOINED = scheduled_steps.join(
    requested_procedures, requested_procedures.c.id == scheduled_steps.c.procedure_ref
).join(imaging_requests, imaging_requests.c.id == requested_procedures.c.request_ref)
_SELECT = sa.select(*_columns()).select_from(_JOINED)


def select_steps(
    tx: Transaction,
    conditions: Sequence[Condition],
    limit: int,
    *,
    after: Position | None = None,
    offset: int = 0,
) -> list[ScheduledStep]:
    """A page of steps by start; `after` begins it behind another page's end."""
    statement = _SELECT.where(*conditions).order_by(*_ORDER).limit(limit)
    if after is not None:
        statement = statement.where(sa.tuple_(*_ORDER) > sa.tuple_(*after))
    if offset:
        statement = statement.offset(offset)
    rows = list(tx.execute(statement))
    stations = _stations_of(tx, [row.id for row in rows])
    return [_step(row, stations.get(row.id, [])) for row in rows]


def count_steps(tx: Transaction, conditions: Sequence[Condition]) -> int:
    """How many steps match."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(_JOINED).where(*conditions)).scalar_one())


def find_step(tx: Transaction, step_id: str) -> ScheduledStep | None:
    """One step."""
    found = select_steps(tx, [scheduled_steps.c.id == step_id], 1)
    return found[0] if found else None


def of_procedures(conditions: Sequence[Condition]) -> Condition:
    """The condition that a step is of a procedure and request that fulfil these, found by their indexes."""
    procedures = sa.select(requested_procedures.c.id).join(
        imaging_requests, imaging_requests.c.id == requested_procedures.c.request_ref
    )
    return scheduled_steps.c.procedure_ref.in_(procedures.where(*conditions))


def position_of(step: ScheduledStep) -> Position:
    """Where a page ends that ends with this step."""
    return (step.details.step.start_date, step.details.step.start_time, step.id)


def _stations_of(tx: Transaction, step_refs: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if step_refs:
        columns = step_stations.c
        statement = (
            sa.select(step_stations)
            .where(columns.step_ref.in_(step_refs))
            .order_by(columns.step_ref, columns.item_number)
        )
        for row in tx.execute(statement):
            found.setdefault(row.step_ref, []).append(row.scheduled_station_ae_title)
    return found


def _step(row: Any, station_ae_titles: Sequence[str]) -> ScheduledStep:
    details = NewStep(
        patient_of(row),
        request_of(row),
        procedure_of(row),
        step_details_of(row, station_ae_titles),
        other_attributes_of(row),
    )
    return ScheduledStep(
        row.id, row.revision, StepStatus(row.status), details, row.created_at, row.updated_at
    )


def at_station(ae_titles: Sequence[str]) -> Condition:
    """The condition that a step is meant for one of these stations."""
    columns = step_stations.c
    return sa.exists().where(
        columns.step_ref == scheduled_steps.c.id, columns.scheduled_station_ae_title.in_(ae_titles)
    )
