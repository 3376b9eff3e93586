"""`/metrics` for Prometheus: counts and durations, no data of anybody.

Open while Filmless serves this machine only; else it asks for a session or a bearer token, for how busy a
department is, is its own business.
"""

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from filmless.edge.http.context import WebContext
from filmless.edge.http.identity import credentials_of, identify
from filmless.edge.http.problems import problem_of
from filmless.features.access import system_actor
from filmless.features.archive import count_quarantined
from filmless.infra import jobs, metrics
from filmless.infra.errors import FilmlessError


def metrics_endpoint(context: WebContext) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of /metrics."""
    is_open = not context.settings.binds_beyond_loopback and not context.settings.public_url

    def figures(request: Request) -> Response:
        try:
            if not is_open:
                identify(context.access, credentials_of(request), in_use=False)
            waiting = count_quarantined(context.archive, system_actor("metrics"))
            metrics.show_backlog(jobs.counts(context.database), waiting)
        except FilmlessError as error:
            return problem_of(error, request.scope)
        return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(figures, request)

    return endpoint
