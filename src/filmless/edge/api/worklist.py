"""Scheduled steps, and what modalities performed. Translates; `scheduling` and `exams` decide."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from filmless.edge.api.routing import answers, context_of
from filmless.edge.api.schemas import PathText
from filmless.edge.api.worklist_schemas import (
    CancelIn,
    ChangedStepIn,
    NewStepIn,
    PerformedStepDetailOut,
    PerformedStepPageOut,
    StepOut,
    StepPageOut,
    WorklistViewIO,
    WorklistViewsOut,
)
from filmless.edge.http.identity import actor_of
from filmless.edge.http.responses import json_response
from filmless.features import exams, scheduling
from filmless.features.scheduling import ScheduledStep, StepEvent, StepStatus
from filmless.infra import limits
from filmless.standards.dicom.dates import parse_date, parse_time

router = APIRouter(tags=["worklist"])

QueryText = Annotated[str, Query(max_length=128, pattern=r"^[^\x00]*$")]
Limit = Annotated[int, Query(ge=1, le=limits.QUERY_RESULTS_MAX)]
Offset = Annotated[int, Query(ge=0, le=scheduling.OFFSET_MAX)]


@router.get("/worklist", **answers(200, StepPageOut, "A page of scheduled steps", 401, 403))
def find_scheduled_steps(
    request: Request,
    *,
    date_from: date | None = None,
    date_to: date | None = None,
    status: Annotated[list[StepStatus] | None, Query(max_length=len(StepStatus))] = None,
    modality: QueryText = "",
    station_ae_title: QueryText = "",
    patient_id: QueryText = "",
    patient_name: QueryText = "",
    search: QueryText = "",
    accession_number: QueryText = "",
    study_instance_uid: QueryText = "",
    limit: Limit = limits.QUERY_RESULTS_DEFAULT,
    offset: Offset = 0,
) -> Response:
    """The scheduled steps that match every field given, by their start."""
    wanted = scheduling.StepFilter(
        date_from=_da(date_from),
        date_to=_da(date_to),
        statuses=tuple(status or ()),
        modality=modality.strip(),
        station_ae_title=station_ae_title.strip(),
        patient_id=patient_id.strip(),
        patient_name=patient_name,
        accession_number=accession_number.strip(),
        study_instance_uid=study_instance_uid.strip(),
        search=search,
    )
    database, actor = context_of(request).database, actor_of(request)
    found, total = scheduling.find_scheduled_steps(database, actor, wanted, limit, offset)
    page = {"steps": [_step(step) for step in found], "total": total, "limit": limit, "offset": offset}
    return json_response(page)


@router.post("/worklist", **answers(201, StepOut, "Scheduled", 400, 401, 403, 409))
def schedule_step(request: Request, body: NewStepIn) -> Response:
    """Put a step into the worklist; numbers that it lacks are made."""
    made = scheduling.schedule_step(context_of(request).database, actor_of(request), _new_step(body))
    return json_response(_step(made), 201)


@router.get("/worklist/{step_id}", **answers(200, StepOut, "The step", 401, 403, 404))
def get_step(request: Request, step_id: PathText) -> Response:
    """One scheduled step."""
    return json_response(_step(scheduling.get_step(context_of(request).database, actor_of(request), step_id)))


@router.put("/worklist/{step_id}", **answers(200, StepOut, "Changed", 400, 401, 403, 404, 409))
def change_step(request: Request, step_id: PathText, body: ChangedStepIn) -> Response:
    """Make a step what the body says; its identifiers stay as they are."""
    database, actor = context_of(request).database, actor_of(request)
    held = scheduling.get_step(database, actor, step_id)
    wanted = replace(_new_step(body), other_attributes=held.details.other_attributes)
    return json_response(_step(scheduling.change_step(database, actor, step_id, wanted, body.revision)))


@router.post("/worklist/{step_id}/cancel", **answers(200, StepOut, "Cancelled", 400, 401, 403, 404, 409))
def cancel_step(request: Request, step_id: PathText, body: CancelIn) -> Response:
    """Take a step off the worklist."""
    database, actor = context_of(request).database, actor_of(request)
    return json_response(_step(scheduling.cancel_step(database, actor, step_id, body.reason)))


@router.post("/worklist/{step_id}/arrive", **answers(200, StepOut, "Arrived", 401, 403, 404, 409))
def arrive(request: Request, step_id: PathText) -> Response:
    """The patient is here."""
    return json_response(_step(scheduling.arrive(context_of(request).database, actor_of(request), step_id)))


@router.post("/worklist/{step_id}/prepare", **answers(200, StepOut, "Ready", 401, 403, 404, 409))
def prepare(request: Request, step_id: PathText) -> Response:
    """The patient is prepared."""
    return _moved_on(request, step_id, StepEvent.PREPARE)


@router.post("/worklist/{step_id}/depart", **answers(200, StepOut, "Departed", 401, 403, 404, 409))
def depart(request: Request, step_id: PathText) -> Response:
    """The patient has left after the exam."""
    return _moved_on(request, step_id, StepEvent.DEPART)


@router.get("/worklist-views", **answers(200, WorklistViewsOut, "What nodes are shown", 401, 403))
def list_worklist_views(request: Request) -> Response:
    """What each node's worklist shows, where that was decided."""
    views = scheduling.list_worklist_views(context_of(request).database, actor_of(request))
    return json_response({"views": [asdict(view) for view in views]})


@router.put("/worklist-views", **answers(204, None, "Decided", 400, 401, 403))
def set_worklist_view(request: Request, body: WorklistViewIO) -> Response:
    """Decide what a node's worklist shows."""
    view = scheduling.WorklistView(
        body.ae_title.strip(), tuple(dict.fromkeys(body.statuses)), body.own_station_only
    )
    scheduling.set_worklist_view(context_of(request).database, actor_of(request), view)
    return Response(status_code=204)


@router.get("/performed-steps", **answers(200, PerformedStepPageOut, "A page of performed steps", 401, 403))
def find_performed_steps(
    request: Request,
    *,
    date_from: date | None = None,
    date_to: date | None = None,
    status: Annotated[list[exams.PerformedStatus] | None, Query(max_length=3)] = None,
    modality: QueryText = "",
    station_ae_title: QueryText = "",
    patient_id: QueryText = "",
    study_instance_uid: QueryText = "",
    accession_number: QueryText = "",
    step_id: QueryText = "",
    limit: Limit = limits.QUERY_RESULTS_DEFAULT,
    offset: Offset = 0,
) -> Response:
    """What modalities say they did, latest first."""
    wanted = exams.PerformedFilter(
        date_from=_da(date_from),
        date_to=_da(date_to),
        statuses=tuple(status or ()),
        modality=modality.strip(),
        station_ae_title=station_ae_title.strip(),
        patient_id=patient_id.strip(),
        study_instance_uid=study_instance_uid.strip(),
        accession_number=accession_number.strip(),
        step_id=step_id.strip(),
    )
    database, actor = context_of(request).database, actor_of(request)
    found, total = exams.find_performed_steps(database, actor, wanted, limit, offset)
    rows = [_performed(step) for step in found]
    return json_response({"performed_steps": rows, "total": total, "limit": limit, "offset": offset})


@router.get(
    "/performed-steps/{sop_instance_uid}", **answers(200, PerformedStepDetailOut, "It", 401, 403, 404)
)
def get_performed_step(request: Request, sop_instance_uid: PathText) -> Response:
    """One performed step with what it belongs to and the series that were made."""
    database, actor = context_of(request).database, actor_of(request)
    step = exams.get_performed_step(database, actor, sop_instance_uid)
    series_list = [
        {
            "series_instance_uid": series.series_instance_uid,
            "series_description": series.series_description,
            "protocol_name": series.protocol_name,
            "number_of_instances": len(series.instances),
        }
        for series in step.series_list
    ]
    return json_response({**_performed(step), "series_list": series_list})


# --- In ----------------------------------------------------------------------------------------------------


def _new_step(body: NewStepIn) -> scheduling.NewStep:
    return scheduling.NewStep(
        scheduling.PatientDetails(**_fields(body.patient)),
        scheduling.ImagingRequest(**_fields(body.request)),
        scheduling.RequestedProcedure(**_fields(body.procedure)),
        scheduling.StepDetails(**_fields(body.step)),
    )


def _moved_on(request: Request, step_id: str, event: StepEvent) -> Response:
    database, actor = context_of(request).database, actor_of(request)
    return json_response(_step(scheduling.move_on(database, actor, step_id, event)))


def _fields(part: BaseModel) -> dict[str, Any]:
    """The fields of a part as DICOM text."""
    values = {}
    for name in type(part).model_fields:
        value = getattr(part, name)
        if name.endswith("_codes"):
            value = tuple(scheduling.Code(**code.model_dump()) for code in value)
        elif name.endswith("_date"):
            value = _da(value)
        elif name.endswith("_time"):
            value = value.strftime("%H%M%S")
        elif isinstance(value, list):
            value = tuple(value)
        values[name] = value
    return values


def _da(day: date | None) -> str:
    return "" if day is None else day.strftime("%Y%m%d")


# --- Out ---------------------------------------------------------------------------------------------------


def _step(step: ScheduledStep) -> dict[str, Any]:
    details = step.details
    parts: Sequence[str] = ("patient", "request", "procedure", "step")
    return {
        "id": step.id,
        "revision": step.revision,
        "status": step.status,
        "created_at": step.created_at,
        "updated_at": step.updated_at,
        **{part: _shown(asdict(getattr(details, part))) for part in parts},
    }


def _performed(step: exams.PerformedStep) -> dict[str, Any]:
    values = asdict(step)
    del values["series_list"]  # Lists have it not; one step shows its own.
    return _shown(values)


def _shown(values: dict[str, Any]) -> dict[str, Any]:
    """The same with dates and times in ISO 8601; what is no date is shown as none."""
    for name, value in values.items():
        if name.endswith("_date"):
            values[name] = parse_date(value).value
        elif name.endswith("_time"):
            shown = parse_time(value).value
            values[name] = shown and shown[:8]
    return values
