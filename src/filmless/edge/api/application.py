"""The JSON application, put together."""

from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware import Middleware

from filmless.edge.api import (
    commitment,
    connection_check,
    live,
    nodes,
    quarantine,
    remote,
    routing_rules,
    session,
    studies,
    system,
    transmissions,
    worklist,
)
from filmless.edge.api.dicom_side import DICOMSide
from filmless.edge.http.context import WebContext
from filmless.edge.http.limits import BodyLimit
from filmless.edge.http.problems import problem_handlers
from filmless.edge.http.stack import guarded
from filmless.infra import limits

OPENAPI_PATH = "/openapi.json"


def create_api(context: WebContext, dicom_side: DICOMSide | None = None) -> FastAPI:
    """The application to mount at /api. Its document, /api/openapi.json, needs no sign-in.

    Without `dicom_side`, questions to other archives are answered 503.
    """
    api = FastAPI(
        title="Filmless",
        version=version("filmless"),
        summary="The JSON interface of the Filmless web application.",
        openapi_url=OPENAPI_PATH,
        docs_url=None,
        redoc_url=None,
        servers=[{"url": "/api"}],
        root_path_in_servers=False,
        middleware=[
            *guarded(context, session.OPEN_ROUTES | {("GET", OPENAPI_PATH)}),
            Middleware(BodyLimit, bytes_max=limits.JSON_BODY_BYTES_MAX),
        ],
        exception_handlers=problem_handlers(),
    )
    api.state.context = context
    api.state.dicom_side = dicom_side
    api.state.live_feed = live.LiveFeed(context)
    api.state.holdings = system.HoldingsCounter()
    for module in (
        session,
        studies,
        live,
        nodes,
        connection_check,
        remote,
        quarantine,
        commitment,
        routing_rules,
        transmissions,
        worklist,
        system,
    ):
        api.include_router(module.router)
    return api
