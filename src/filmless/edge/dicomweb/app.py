"""DICOMweb as one ASGI application, to be mounted at /dicom-web. Start at `create_dicomweb`."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from filmless.edge.dicomweb import frames, qido, rendered, stow, wado
from filmless.edge.dicomweb.errors import NotAcceptable, UnsupportedMediaType
from filmless.edge.dicomweb.media_types import DICOM_JSON, takes_json
from filmless.edge.dicomweb.services import REVALIDATED, SERIES, STUDY, Services, accept_of
from filmless.edge.http.context import WebContext
from filmless.edge.http.problems import problem, problem_handlers
from filmless.edge.http.stack import guarded
from filmless.features.access import Actor
from filmless.features.archive import Level, Viewing


def create_dicomweb(context: WebContext, viewing: Viewing) -> Starlette:
    """The application, open to those who are signed in or show a bearer token; nothing in it is open."""
    services = Services(context.archive, viewing, context.settings.public_url.rstrip("/"))
    handlers: dict[Any, Any] = {
        **problem_handlers(),
        NotAcceptable: _on_not_acceptable,
        UnsupportedMediaType: _on_unsupported_media_type,
    }
    return Starlette(
        routes=[
            frames.frame_route(services),  # Asked for hundreds of times a second, so tried first.
            *stow.routes(services),
            *_search_routes(services),
            *rendered.routes(services),
            *wado.routes(services),
        ],
        middleware=guarded(context),
        exception_handlers=handlers,
    )


def _on_not_acceptable(request: Request, error: NotAcceptable) -> Response:
    return problem(406, error.message, name="not-acceptable", instance=request.scope["path"])


def _on_unsupported_media_type(request: Request, error: UnsupportedMediaType) -> Response:
    return problem(415, error.message, name="unsupported-media-type", instance=request.scope["path"])


def _search_routes(services: Services) -> list[Route]:
    """The six searches of PS3.18 table 10.6.1-1; what the path names is a key like any other."""

    study = {"study": "StudyInstanceUID"}
    series = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID"}
    table: list[tuple[str, Level, dict[str, str]]] = [
        ("/studies", Level.STUDY, {}),
        ("/series", Level.SERIES, {}),
        ("/instances", Level.INSTANCE, {}),
        (f"{STUDY}/series", Level.SERIES, study),
        (f"{STUDY}/instances", Level.INSTANCE, study),
        (f"{SERIES}/instances", Level.INSTANCE, series),
    ]
    return [_search_route(services, *row) for row in table]


def _search_route(services: Services, path: str, level: Level, keys: dict[str, str]) -> Route:
    async def answer(request: Request, actor: Actor) -> Response:
        if not takes_json(accept_of(request)):
            raise NotAcceptable("Search results are sent as application/dicom+json.")
        place = {keyword: request.path_params[name] for name, keyword in keys.items()}
        result = await services.run(
            qido.search,
            services.archive,
            actor,
            level,
            place,
            request.query_params.multi_items(),
            services.base_url(request),
        )
        return Response(result.body, media_type=DICOM_JSON, headers=REVALIDATED | result.headers)

    return Route(path, services.endpoint(answer))
