"""The layers of a guarded application, outermost first: counting, headers, problems, who is asking."""

from starlette.middleware import Middleware

from filmless.edge.http.context import WebContext, is_public_https
from filmless.edge.http.counting import CountRequests
from filmless.edge.http.identity import Routes, SignInRequired
from filmless.edge.http.problems import Problems
from filmless.edge.http.security_headers import DATA_POLICY, SecurityHeaders


def guarded(context: WebContext, open_routes: Routes = frozenset()) -> list[Middleware]:
    """For `Starlette(middleware=...)`; use it with `exception_handlers=problem_handlers()`.

    Answers are private and not kept by a browser unless the route sets Cache-Control itself.
    """
    return [
        Middleware(CountRequests),
        # Headers outside problems: an error page needs them no less.
        Middleware(
            SecurityHeaders,
            policy=DATA_POLICY,
            https=is_public_https(context.settings),
            defaults={"cache-control": "no-store"},
        ),
        Middleware(Problems),
        Middleware(SignInRequired, context=context, open_routes=open_routes),
    ]
