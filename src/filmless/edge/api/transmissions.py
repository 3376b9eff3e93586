"""The queue of transmissions: send a study, look, retry, cancel, put first, pause and resume."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from filmless.edge.api.routing import answers, context_of
from filmless.edge.api.routing_schemas import (
    DestinationIn,
    PriorityIn,
    QueueOut,
    RefusedInstancesOut,
    RetriedOut,
    SendIn,
    TransmissionOut,
    TransmissionPageOut,
    TransmissionsOut,
)
from filmless.edge.api.schemas import PathText
from filmless.edge.http.identity import actor_of
from filmless.edge.http.responses import json_response
from filmless.features import routing
from filmless.features.routing import State, TransmissionPriority
from filmless.infra import limits

OFFSET_MAX = 100_000  # A month of a busy house; nobody pages further.

Text = Annotated[str, Query(max_length=128, pattern=r"^[^\x00]*$")]

router = APIRouter(tags=["transmissions"])


@router.post(
    "/studies/{study_instance_uid}/send",
    **answers(202, TransmissionsOut, "Queued, one transmission for each node", 400, 401, 403, 404),
)
def send_study(request: Request, study_instance_uid: PathText, body: SendIn) -> Response:
    """Queue a study, or series of it, for one or more nodes."""
    wanted = routing.SendRequest(
        study_instance_uid,
        tuple(body.destinations),
        tuple(body.series_instance_uids),
        TransmissionPriority[body.priority.upper()],
        body.request_commitment,
        body.project,
    )
    queued = routing.send_study(context_of(request).database, actor_of(request), wanted)
    return json_response({"transmissions": [_transmission(row) for row in queued]}, 202)


@router.get("/transmissions", **answers(200, TransmissionPageOut, "A page of the queue", 400, 401, 403))
def find_transmissions(
    request: Request,
    *,
    state: Annotated[list[State] | None, Query(max_length=len(State))] = None,
    destination: Text = "",
    study_instance_uid: Text = "",
    limit: Annotated[int, Query(ge=1, le=limits.QUERY_RESULTS_MAX)] = limits.QUERY_RESULTS_DEFAULT,
    offset: Annotated[int, Query(ge=0, le=OFFSET_MAX)] = 0,
) -> Response:
    """Transmissions that are in one of the states, newest first; each filter that is empty lets all pass."""
    wanted = routing.TransmissionFilter(tuple(state or ()), destination, study_instance_uid)
    database, actor = context_of(request).database, actor_of(request)
    rows, total = routing.find_transmissions(database, actor, wanted, limit, offset)
    return json_response({"transmissions": [_transmission(row) for row in rows], "total": total})


@router.get("/transmissions/{transmission_id}", **answers(200, TransmissionOut, "One of them", 401, 403, 404))
def get_transmission(request: Request, transmission_id: PathText) -> Response:
    """One transmission."""
    database = context_of(request).database
    return json_response(
        _transmission(routing.get_transmission(database, actor_of(request), transmission_id))
    )


@router.get(
    "/transmissions/{transmission_id}/refused",
    **answers(200, RefusedInstancesOut, "What was refused", 401, 403, 404),
)
def list_refused(request: Request, transmission_id: PathText) -> Response:
    """Which instances the other side refused for good."""
    database, actor = context_of(request).database, actor_of(request)
    rows, total = routing.list_refused(database, actor, transmission_id, limits.QUERY_RESULTS_DEFAULT)
    items = [
        {"sop_instance_uid": row.sop_instance_uid, "series_instance_uid": row.series_instance_uid}
        for row in rows
    ]
    return json_response({"items": items, "total": total})


@router.post(
    "/transmissions/{transmission_id}/retry", **answers(200, TransmissionOut, "Queued", 401, 403, 404, 409)
)
def retry_transmission(request: Request, transmission_id: PathText) -> Response:
    """Try it again now."""
    database = context_of(request).database
    return json_response(
        _transmission(routing.retry_transmission(database, actor_of(request), transmission_id))
    )


@router.post(
    "/transmissions/{transmission_id}/cancel", **answers(200, TransmissionOut, "Ended", 401, 403, 404, 409)
)
def cancel_transmission(request: Request, transmission_id: PathText) -> Response:
    """Send no more of it."""
    database = context_of(request).database
    return json_response(
        _transmission(routing.cancel_transmission(database, actor_of(request), transmission_id))
    )


@router.put(
    "/transmissions/{transmission_id}/priority",
    **answers(200, TransmissionOut, "Changed", 401, 403, 404, 409),
)
def change_priority(request: Request, transmission_id: PathText, body: PriorityIn) -> Response:
    """Change when its turn comes."""
    changed = routing.change_priority(
        context_of(request).database,
        actor_of(request),
        transmission_id,
        TransmissionPriority[body.priority.upper()],
    )
    return json_response(_transmission(changed))


# --- The whole queue ---------------------------------------------------------------------------------------


@router.get("/queue", **answers(200, QueueOut, "The queue at a glance", 401, 403))
def get_queue(request: Request) -> Response:
    """What waits for whom, and who is paused or unreachable."""
    found = routing.get_overview(context_of(request).database, actor_of(request))
    known = {row.ae_title: row for row in found.destinations}
    destinations = [
        {
            "ae_title": title,
            "is_paused": title in known and known[title].is_paused,
            "failures": known[title].failures if title in known else 0,
            "next_try_at": known[title].next_try_at if title in known else None,
            "counts": {state.value: number for state, number in found.counts.get(title, {}).items()},
        }
        for title in sorted({*known, *found.counts})
    ]
    return json_response({"is_paused": found.is_paused, "destinations": destinations})


@router.post("/queue/pause", **answers(204, None, "Paused", 401, 403, 404))
def pause_queue(request: Request, body: DestinationIn) -> Response:
    """Send nothing more to a node, or to anybody."""
    routing.pause_queue(context_of(request).database, actor_of(request), body.destination)
    return Response(status_code=204)


@router.post("/queue/resume", **answers(204, None, "Resumed", 401, 403))
def resume_queue(request: Request, body: DestinationIn) -> Response:
    """Send again."""
    routing.resume_queue(context_of(request).database, actor_of(request), body.destination)
    return Response(status_code=204)


@router.post("/queue/retry", **answers(200, RetriedOut, "Queued again", 401, 403))
def retry_parked(request: Request, body: DestinationIn) -> Response:
    """Try all parked transmissions again, those to a node or all."""
    retried = routing.retry_parked(context_of(request).database, actor_of(request), body.destination)
    return json_response({"retried": retried})


def _transmission(row: routing.Transmission) -> dict[str, Any]:
    return asdict(row) | {"priority": row.priority.name.lower()}
