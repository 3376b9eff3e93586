"""Is the process alive, is the installation ready: for supervisors and load balancers, open to everybody.

The answers name parts of ours and nothing else. Start at `health_routes`.
"""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from filmless.edge.http.context import WebContext
from filmless.edge.http.responses import json_response
from filmless.infra.errors import FilmlessError, NotFound
from filmless.infra.ids import new_id
from filmless.infra.log import get_logger
from filmless.infra.migrations import current_revision, head_revision

log = get_logger()


def health_routes(context: WebContext) -> list[Route]:
    """The routes /healthz and /readyz."""
    checks: dict[str, Callable[[], bool]] = {
        "database": lambda: current_revision(context.database) is not None,
        "migrations": lambda: current_revision(context.database) == head_revision(),
        "object_store": lambda: _answers(context),
    }

    async def alive(_: Request) -> Response:
        return json_response({"alive": True})

    async def ready(_: Request) -> Response:
        results = {name: await run_in_threadpool(_passes, name, check) for name, check in checks.items()}
        is_ready = all(results.values())
        return json_response({"ready": is_ready, "checks": results}, 200 if is_ready else 503)

    return [Route("/healthz", alive), Route("/readyz", ready)]


def _answers(context: WebContext) -> bool:
    """Whether the object store can tell that it has no object of an id nobody was given."""
    try:
        context.object_store.size(new_id())
    except NotFound:
        return True
    return False


def _passes(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (FilmlessError, OSError) as error:
        log.warning("not_ready", check=name, error=type(error).__name__)
        return False
