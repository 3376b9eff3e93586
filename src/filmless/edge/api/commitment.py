"""Storage commitment both ways, and notices of available studies: what stands where, and another try."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from filmless.edge.api.routing import answers, context_of
from filmless.edge.api.schemas import (
    AskCommitment,
    AvailabilityNoticePageOut,
    AvailabilitySubscribersOut,
    CommitmentAskedPageOut,
    CommitmentFailuresOut,
    CommitmentReceivedPageOut,
    CreatedOut,
    PathText,
)
from filmless.edge.http.identity import actor_of
from filmless.edge.http.responses import json_response
from filmless.features import commitment
from filmless.features.commitment import AskedState, NoticeState, ReceivedState
from filmless.infra import limits

OFFSET_MAX = 100_000  # Requests of a quarter; nobody pages further.

Limit = Annotated[int, Query(ge=1, le=limits.QUERY_RESULTS_MAX)]
Offset = Annotated[int, Query(ge=0, le=OFFSET_MAX)]

router = APIRouter(tags=["commitment"])


# --- Asked of us -------------------------------------------------------------------------------------------


@router.get(
    "/commitments/received", **answers(200, CommitmentReceivedPageOut, "A page of requests", 401, 403)
)
def find_received(
    request: Request,
    state: ReceivedState | None = None,
    limit: Limit = limits.QUERY_RESULTS_DEFAULT,
    offset: Offset = 0,
) -> Response:
    """Requests that nodes made of us, newest first."""
    database = context_of(request).database
    return _page(commitment.find_received(database, actor_of(request), state, limit, offset))


@router.post(
    "/commitments/received/{commitment_id}/retry",
    **answers(204, None, "It is verified and reported anew", 401, 403, 404, 409),
)
def retry_received(request: Request, commitment_id: PathText) -> Response:
    """Verify and report a parked request once more."""
    commitment.retry_received(context_of(request).database, actor_of(request), commitment_id)
    return Response(status_code=204)


# --- Asked by us -------------------------------------------------------------------------------------------


@router.get("/commitments/asked", **answers(200, CommitmentAskedPageOut, "A page of requests", 401, 403))
def find_asked(
    request: Request,
    state: AskedState | None = None,
    limit: Limit = limits.QUERY_RESULTS_DEFAULT,
    offset: Offset = 0,
) -> Response:
    """Requests that we make of other nodes, newest first."""
    database = context_of(request).database
    return _page(commitment.find_asked(database, actor_of(request), state, limit, offset))


@router.post("/commitments/asked", **answers(201, CreatedOut, "It will be asked", 400, 401, 403, 404))
def ask_commitment(request: Request, body: AskCommitment) -> Response:
    """Ask a node to take responsibility for all that we hold of a study."""
    request_id = commitment.ask_commitment_of_study(
        context_of(request).archive, actor_of(request), body.node_ae_title, body.study_instance_uid
    )
    return json_response({"id": request_id}, 201)


@router.post(
    "/commitments/asked/{commitment_id}/retry",
    **answers(204, None, "It will be asked again", 401, 403, 404, 409),
)
def retry_asked(request: Request, commitment_id: PathText) -> Response:
    """Ask once more."""
    commitment.retry_asked(context_of(request).database, actor_of(request), commitment_id)
    return Response(status_code=204)


# --- Both --------------------------------------------------------------------------------------------------


@router.get(
    "/commitments/{commitment_id}/failures",
    **answers(200, CommitmentFailuresOut, "What is not committed", 401, 403, 404),
)
def list_failures(request: Request, commitment_id: PathText) -> Response:
    """Which instances of a request, of either direction, are not committed, and why."""
    failures = commitment.list_failures(context_of(request).database, actor_of(request), commitment_id)
    items = [
        {
            "sop_class_uid": one.reference.sop_class_uid,
            "sop_instance_uid": one.reference.sop_instance_uid,
            "failure_reason": one.reason,
            "explanation": one.in_words,
        }
        for one in failures[: limits.QUERY_RESULTS_MAX]
    ]
    return json_response({"items": items, "total": len(failures)})


# --- Instance availability ---------------------------------------------------------------------------------


@router.get(
    "/availability/subscribers", **answers(200, AvailabilitySubscribersOut, "All subscribers", 401, 403)
)
def list_subscribers(request: Request) -> Response:
    """The nodes that are told which studies can be retrieved."""
    subscribers = commitment.list_subscribers(context_of(request).database, actor_of(request))
    return json_response({"items": [asdict(one) for one in subscribers]})


@router.put("/availability/subscribers/{ae_title}", **answers(204, None, "It is told", 401, 403, 404))
def subscribe(request: Request, ae_title: PathText) -> Response:
    """Tell this node of every study from now on."""
    commitment.subscribe_to_availability(context_of(request).database, actor_of(request), ae_title)
    return Response(status_code=204)


@router.delete("/availability/subscribers/{ae_title}", **answers(204, None, "Told no more", 401, 403, 404))
def unsubscribe(request: Request, ae_title: PathText) -> Response:
    """Tell this node no more."""
    commitment.unsubscribe_from_availability(context_of(request).database, actor_of(request), ae_title)
    return Response(status_code=204)


@router.get("/availability/notices", **answers(200, AvailabilityNoticePageOut, "A page of notices", 401, 403))
def find_notices(
    request: Request,
    state: NoticeState | None = None,
    limit: Limit = limits.QUERY_RESULTS_DEFAULT,
    offset: Offset = 0,
) -> Response:
    """Notices to subscribers, newest first."""
    database = context_of(request).database
    return _page(commitment.find_notices(database, actor_of(request), state, limit, offset))


@router.post(
    "/availability/notices/{notice_id}/retry",
    **answers(204, None, "It is told again", 401, 403, 404, 409),
)
def retry_notice(request: Request, notice_id: PathText) -> Response:
    """Tell a parked notice once more."""
    commitment.retry_notice(context_of(request).database, actor_of(request), notice_id)
    return Response(status_code=204)


def _page(found: tuple[Sequence[Any], int]) -> Response:
    rows, total = found
    return json_response({"items": [asdict(row) for row in rows], "total": total})
