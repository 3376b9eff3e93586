"""What was set aside: the list, and a person's decision."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from filmless.edge.api.routing import answers, context_of
from filmless.edge.api.schemas import PathText, QuarantinePageOut, Resolve
from filmless.edge.http.identity import actor_of
from filmless.edge.http.responses import json_response
from filmless.features import archive
from filmless.infra import limits

OFFSET_MAX = 100_000  # A quarantine this long is no longer read page by page.

router = APIRouter(tags=["quarantine"])


@router.get("/quarantine", **answers(200, QuarantinePageOut, "A page of what waits", 401, 403))
def find_quarantined(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=limits.QUERY_RESULTS_MAX)] = limits.QUERY_RESULTS_DEFAULT,
    offset: Annotated[int, Query(ge=0, le=OFFSET_MAX)] = 0,
) -> Response:
    """What waits for a decision, newest first."""
    items, total = archive.find_quarantined(context_of(request).archive, actor_of(request), limit, offset)
    return json_response({"items": [_item(item) for item in items], "total": total})


@router.post("/quarantine/{quarantine_id}/accept", **answers(204, None, "Filed", 400, 401, 403, 404, 409))
def accept_quarantined(request: Request, quarantine_id: PathText, body: Resolve) -> Response:
    """File the instance all the same."""
    archive.accept_quarantined(context_of(request).archive, actor_of(request), quarantine_id, body.reason)
    return Response(status_code=204)


@router.post("/quarantine/{quarantine_id}/discard", **answers(204, None, "Discarded", 400, 401, 403, 404))
def discard_quarantined(request: Request, quarantine_id: PathText, body: Resolve) -> Response:
    """Take the instance off the list; its bytes are kept."""
    archive.discard_quarantined(context_of(request).archive, actor_of(request), quarantine_id, body.reason)
    return Response(status_code=204)


def _item(item: archive.QuarantineItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "reason": item.reason,
        "explanation": item.explanation,
        "received_at": item.received_at,
        "calling_ae_title": item.source_ae_title,
        "study_instance_uid": item.study_instance_uid,
        "series_instance_uid": item.series_instance_uid,
        "sop_instance_uid": item.sop_instance_uid,
        "size_bytes": item.object_bytes,
        "patient_id": item.patient_id,
        "patient_name": item.patient_name,
        "can_be_accepted": item.can_be_accepted,
        "conflicts": [
            {"attribute": it.attribute, "held": it.held, "received": it.received}
            for it in item.contradictions
        ],
    }
