"""SQL of scheduling that writes, or reads one thing; lists of steps are `repository_read`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from filmless.features.scheduling.model import (
    Code,
    ImagingRequest,
    NewStep,
    PatientDetails,
    RequestedProcedure,
    StepDetails,
    StepStatus,
    WorklistView,
)
from filmless.features.scheduling.tables import (
    imaging_requests,
    number_counters,
    requested_procedures,
    scheduled_steps,
    step_stations,
    worklist_views,
)
from filmless.infra.database import Transaction
from filmless.infra.ids import new_id
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet, decode_data_set, encode_data_set
from filmless.standards.dicom.person_name import parse_person_name
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE

OTHER_ATTRIBUTES_BYTES_MAX = 1 << 20  # Specimens, languages, documents: some KiB; a megabyte is a mistake.


def next_number(tx: Transaction, name: str) -> int:
    """The next number of a counter; two transactions never get the same one."""
    insert = sqlite.insert(number_counters) if tx.is_sqlite else postgresql.insert(number_counters)
    one_more = insert.values(name=name, value=1).on_conflict_do_update(
        index_elements=["name"], set_={"value": number_counters.c.value + 1}
    )
    return int(tx.execute(one_more.returning(number_counters.c.value)).scalar_one())


def insert_request(tx: Transaction, patient: PatientDetails, request: ImagingRequest) -> str | None:
    """Add a request; None when its accession number is taken."""
    return _insert(tx, imaging_requests, {**_request_row(patient, request), "created_at": tx.now})


def find_request(tx: Transaction, accession_number: str, issuer: str) -> tuple[str, str, str] | None:
    """Row id, Patient ID and its issuer of the request under this accession number."""
    columns = imaging_requests.c
    row = tx.execute(
        sa.select(columns.id, columns.patient_id, columns.issuer_of_patient_id).where(
            columns.accession_number == accession_number, columns.issuer_of_accession_number == issuer
        )
    ).first()
    return None if row is None else (row.id, row.patient_id, row.issuer_of_patient_id)


def insert_procedure(tx: Transaction, request_ref: str, procedure: RequestedProcedure) -> str | None:
    """Add a procedure; None when its study or its ID within the request is taken."""
    values = {**_procedure_row(procedure), "request_ref": request_ref, "created_at": tx.now}
    return _insert(tx, requested_procedures, values)


def find_procedure(
    tx: Transaction, *, request_ref: str = "", procedure_id: str = "", study_instance_uid: str = ""
) -> tuple[str, str, RequestedProcedure] | None:
    """Row id, request and procedure, by its ID within a request or by its study."""
    columns = requested_procedures.c
    condition = (
        columns.study_instance_uid == study_instance_uid
        if study_instance_uid
        else sa.and_(columns.request_ref == request_ref, columns.requested_procedure_id == procedure_id)
    )
    row = tx.execute(sa.select(requested_procedures).where(condition)).first()
    return None if row is None else (row.id, row.request_ref, procedure_of(row))


def insert_step(tx: Transaction, procedure_ref: str, new: NewStep) -> str | None:
    """Add a step with its stations; None when its ID within the procedure is taken."""
    values = {
        **_step_row(new),
        "procedure_ref": procedure_ref,
        "status": StepStatus.SCHEDULED.value,
        "revision": 1,
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    step_ref = _insert(tx, scheduled_steps, values)
    if step_ref is not None:
        _insert_stations(tx, step_ref, new.step.scheduled_station_ae_titles)
    return step_ref


def update_step(tx: Transaction, step_ref: str, new: NewStep) -> None:
    """Write all that may change of a step, its procedure and its request."""
    row = tx.execute(
        sa.select(scheduled_steps.c.procedure_ref, requested_procedures.c.request_ref)
        .join(requested_procedures, requested_procedures.c.id == scheduled_steps.c.procedure_ref)
        .where(scheduled_steps.c.id == step_ref)
    ).one()
    for table, key, values in (
        (imaging_requests, row.request_ref, _request_row(new.patient, new.request)),
        (requested_procedures, row.procedure_ref, _procedure_row(new.procedure)),
        (scheduled_steps, step_ref, {**_step_row(new), **_next_revision(tx)}),
    ):
        tx.execute(sa.update(table).where(table.c.id == key).values(**values))
    tx.execute(sa.delete(step_stations).where(step_stations.c.step_ref == step_ref))
    _insert_stations(tx, step_ref, new.step.scheduled_station_ae_titles)


def update_status(tx: Transaction, step_ref: str, status: StepStatus) -> None:
    """Write the status of a step whose row is locked."""
    changes = {"status": status.value, **_next_revision(tx)}
    tx.execute(sa.update(scheduled_steps).where(scheduled_steps.c.id == step_ref).values(**changes))


def lock_status(tx: Transaction, step_ref: str) -> StepStatus | None:
    """The status of a step, which nobody else can change until this transaction ends."""
    statement = sa.select(scheduled_steps.c.status).where(scheduled_steps.c.id == step_ref).with_for_update()
    row = tx.execute(statement).first()
    return None if row is None else StepStatus(row.status)


def find_view(tx: Transaction, ae_title: str) -> WorklistView:
    """What this caller is shown: its own view, or everybody's, or what is usual."""
    statement = sa.select(worklist_views).where(worklist_views.c.ae_title.in_((ae_title, "")))
    views = {row.ae_title: row for row in tx.execute(statement)}
    row = views.get(ae_title) or views.get("")
    return WorklistView(ae_title) if row is None else view_of(row)


def all_views(tx: Transaction) -> list[WorklistView]:
    """Every view by AE title."""
    return [view_of(row) for row in tx.execute(sa.select(worklist_views).order_by(worklist_views.c.ae_title))]


def replace_view(tx: Transaction, view: WorklistView) -> None:
    """Write the view of one caller."""
    tx.execute(sa.delete(worklist_views).where(worklist_views.c.ae_title == view.ae_title))
    tx.execute(
        sa.insert(worklist_views).values(
            ae_title=view.ae_title,
            statuses="\\".join(status.value for status in view.statuses),
            own_station_only=view.own_station_only,
        )
    )


# --- Rows and values ---------------------------------------------------------------------------------------


def view_of(row: Any) -> WorklistView:
    """A view from its row."""
    statuses = tuple(StepStatus(text) for text in row.statuses.split("\\") if text)
    return WorklistView(row.ae_title, statuses, row.own_station_only)


def patient_of(row: Any) -> PatientDetails:
    """The patient from a row of requests."""
    return PatientDetails(**_fields(PatientDetails, row))


def request_of(row: Any) -> ImagingRequest:
    """The request from its row."""
    return ImagingRequest(**_fields(ImagingRequest, row))


def procedure_of(row: Any) -> RequestedProcedure:
    """The procedure from its row."""
    return RequestedProcedure(**_fields(RequestedProcedure, row))


def step_details_of(row: Any, station_ae_titles: Sequence[str]) -> StepDetails:
    """The step from its row and the rows of its stations."""
    values = _fields(StepDetails, row, without="scheduled_station_ae_titles")
    return StepDetails(scheduled_station_ae_titles=tuple(station_ae_titles), **values)


def other_attributes_of(row: Any) -> DataSet:
    """What is only handed on, from the row of a step."""
    if not row.other_attributes:
        return DataSet()
    encoded = bytes(row.other_attributes)
    others = decode_data_set(encoded, EXPLICIT_LE, bytes_max=OTHER_ATTRIBUTES_BYTES_MAX)
    del others[tags.SPECIFIC_CHARACTER_SET]  # It is text now.
    return others


def encoded_other_attributes(others: DataSet) -> bytes:
    """What is only handed on, as it is kept."""
    return encode_data_set(others, EXPLICIT_LE, character_set="ISO_IR 192") if others else b""


def _fields(kind: type[Any], row: Any, without: str = "") -> dict[str, Any]:
    names = [one.name for one in dataclasses.fields(kind) if one.name != without]
    values = {name: getattr(row, name) for name in names}
    for name in names:
        if name.endswith("_codes"):
            values[name] = tuple(Code(*code) for code in orjson.loads(values[name]))
    return values


def _request_row(patient: PatientDetails, request: ImagingRequest) -> dict[str, Any]:
    key = parse_person_name(patient.patient_name).matching_key()
    return {**_columns(patient), **_columns(request), "patient_name_key": key}


def _procedure_row(procedure: RequestedProcedure) -> dict[str, Any]:
    return _columns(procedure)


def _step_row(new: NewStep) -> dict[str, Any]:
    values = _columns(new.step)
    del values["scheduled_station_ae_titles"]
    return {**values, "other_attributes": encoded_other_attributes(new.other_attributes)}


def _columns(part: Any) -> dict[str, Any]:
    values = {one.name: getattr(part, one.name) for one in dataclasses.fields(part)}
    for name in values:
        if name.endswith("_codes"):
            values[name] = orjson.dumps([dataclasses.astuple(code) for code in values[name]]).decode()
    return values


def _next_revision(tx: Transaction) -> dict[str, Any]:
    return {"revision": scheduled_steps.c.revision + 1, "updated_at": tx.now}


def _insert(tx: Transaction, table: sa.Table, values: dict[str, Any]) -> str | None:
    insert = sqlite.insert(table) if tx.is_sqlite else postgresql.insert(table)
    statement = insert.values(id=new_id(), **values).on_conflict_do_nothing().returning(table.c.id)
    row = tx.execute(statement).first()
    return None if row is None else str(row.id)


def _insert_stations(tx: Transaction, step_ref: str, ae_titles: Sequence[str]) -> None:
    rows = [
        {"step_ref": step_ref, "scheduled_station_ae_title": title, "item_number": number}
        for number, title in enumerate(ae_titles, start=1)
    ]
    tx.execute(sa.insert(step_stations), rows)
