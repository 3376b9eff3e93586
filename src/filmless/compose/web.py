"""The web application of one installation: every HTTP door under one origin.

`/` the application, `/viewer` OHIF, `/dicom-web`, `/api`, `/metrics`, `/healthz`, `/readyz`. The web server
loads it in each of its processes through `application`.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from filmless.compose.folders import web_folder
from filmless.compose.system import System, open_system
from filmless.edge.api import create_api
from filmless.edge.dicomweb import create_dicomweb
from filmless.edge.dimse.our_side import OurSide
from filmless.edge.dimse.remote import RemoteArchives
from filmless.edge.http.context import is_public_https
from filmless.edge.http.health import health_routes
from filmless.edge.http.metrics import metrics_endpoint
from filmless.edge.http.static import spa_app, viewer_app
from filmless.features.archive import SANDBOX_MODULES, Viewing
from filmless.infra.log import configure_log
from filmless.infra.sandbox import Sandbox
from filmless.infra.settings import Settings

SANDBOX_WORKERS = 2  # Thumbnails and renderings at once; each takes a core.


def create_web_app(system: System, sandbox: Sandbox) -> Starlette:
    """The ASGI application of this installation."""
    viewing = Viewing(system.archive, sandbox)
    api = create_api(system, RemoteArchives(OurSide.of(system.settings, system.archive)))
    dicomweb = create_dicomweb(system, viewing)
    https = is_public_https(system.settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for mounted in (api, dicomweb):
                if isinstance(mounted, Starlette):  # Starlette does not run the lifespan of what is mounted.
                    await stack.enter_async_context(mounted.router.lifespan_context(mounted))
            yield

    return Starlette(
        lifespan=lifespan,
        routes=[
            *health_routes(system),
            Route("/metrics", metrics_endpoint(system)),
            Mount("/api", api),
            Mount("/dicom-web", dicomweb),
            Route(
                "/viewer", lambda _: RedirectResponse("/viewer/")
            ),  # Before its mount, which needs the slash.
            Mount(
                "/viewer",
                viewer_app(web_folder("viewer"), web_folder("viewer-app-config.js"), https=https),
            ),
            Mount("/", spa_app(web_folder("dist"), https=https)),
        ],
    )


def application() -> ASGIApp:
    """The application of the installation that the environment names; lives as long as the process."""
    settings = Settings.load()
    configure_log(settings.log_format, "web")
    opened = ExitStack()
    system = opened.enter_context(open_system(settings))
    sandbox = Sandbox(workers=SANDBOX_WORKERS, modules_to_preload=SANDBOX_MODULES)
    app = create_web_app(system, sandbox)
    app.state.opened = opened  # Kept: a system that nobody holds closes itself.
    return app
