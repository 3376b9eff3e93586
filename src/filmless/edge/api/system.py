"""What the installation is and holds, and where modalities send to: the status line and the empty screen."""

import threading
from datetime import datetime, timedelta
from importlib.metadata import version
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import Response

from filmless.edge.api.routing import answers, context_of
from filmless.edge.api.schemas import SystemOut
from filmless.edge.http.context import WebContext
from filmless.edge.http.identity import actor_of
from filmless.edge.http.responses import json_response
from filmless.features.access import Actor, Permission
from filmless.features.archive import Holdings, count_holdings, count_quarantined

HOLDINGS_SECONDS_MIN = 2  # Every open screen asks after each image that arrives.
HOLDINGS_SHARE_MAX = 0.05  # Counting reads the whole table of studies: at a million, some tenths of a second.

router = APIRouter(tags=["system"])


class HoldingsCounter:
    """Counts the holdings now and then, however many ask; the more it costs, the more seldom."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holdings: Holdings | None = None
        self._counted_until: datetime | None = None

    def count(self, context: WebContext, actor: Actor) -> Holdings:
        """The totals, some seconds old at most."""
        began = context.clock.now()
        with self._lock:
            if self._holdings is None or self._counted_until is None or began >= self._counted_until:
                self._holdings = count_holdings(context.archive, actor)
                ended = context.clock.now()
                good_for = max(timedelta(seconds=HOLDINGS_SECONDS_MIN), (ended - began) / HOLDINGS_SHARE_MAX)
                self._counted_until = ended + good_for
            return self._holdings


@router.get("/system", **answers(200, SystemOut, "What the installation is and holds", 401, 403))
def get_system(request: Request) -> Response:
    """What the installation is and holds, and where to send images."""
    context, actor = context_of(request), actor_of(request)
    counter: HoldingsCounter = request.app.state.holdings
    holdings = counter.count(context, actor)
    may_look = Permission.QUARANTINE_READ in actor.permissions
    return json_response(
        {
            "version": version("filmless"),
            "ae_title": context.settings.ae_title,
            "dicom_port": context.settings.dicom_port,
            "dicom_host": dicom_host(context, request),
            "studies": holdings.studies,
            "instances": holdings.instances,
            "size_bytes": holdings.size_bytes,
            "quarantine": count_quarantined(context.archive, actor) if may_look else None,
        }
    )


def dicom_host(context: WebContext, request: Request) -> str:
    """The host that a modality in the same network can reach us by, as well as we can know it."""
    settings = context.settings
    if settings.bind not in ("0.0.0.0", "::"):
        return settings.bind
    return urlsplit(settings.public_url).hostname or request.url.hostname or settings.bind
