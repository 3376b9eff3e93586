"""The connection doctor for the web application: findings as they come, one line of JSON each (NDJSON)."""

from collections.abc import Iterator
from itertools import chain

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from filmless.edge.api.dicom_side import ConnectionFinding, dicom_side_of
from filmless.edge.api.remote_schemas import CheckIn, FindingOut
from filmless.edge.api.routing import answers
from filmless.edge.api.schemas import PathText
from filmless.edge.http.identity import actor_of

router = APIRouter(tags=["nodes"])


# An AE title may have a slash in it: hence `path`.
@router.post(
    "/nodes/{ae_title:path}/check",
    **answers(200, FindingOut, "A finding a line, as newline-delimited JSON", 401, 403, 404, 429, 503),
)
def check_connection(request: Request, ae_title: PathText, body: CheckIn) -> Response:
    """Examine the connection with a node, both ways."""
    findings = dicom_side_of(request).check_connection(actor_of(request), ae_title, may_store=body.may_store)
    first = next(findings)  # What is refused is refused before the answer begins.
    return StreamingResponse(
        _lines(chain((first,), findings)),
        media_type="application/x-ndjson",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _lines(findings: Iterator[ConnectionFinding]) -> Iterator[bytes]:
    for it in findings:
        finding = {"step": it.step, "name": it.name, "state": it.state, "seen": it.seen, "advice": it.advice}
        yield orjson.dumps(finding) + b"\n"
