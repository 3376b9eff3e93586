"""What the route modules share: the installation behind a request, and how answers are documented."""

from typing import Any

from fastapi import Request
from pydantic import BaseModel

from filmless.edge.api.schemas import Problem
from filmless.edge.http.context import WebContext


def context_of(request: Request) -> WebContext:
    """The installation that this application was made for."""
    context: WebContext = request.app.state.context
    return context


def answers(status: int, model: type[BaseModel] | None, description: str, *problems: int) -> dict[str, Any]:
    """Keyword arguments of a route: what it answers, for the OpenAPI document only."""
    content: dict[str, Any] = {"description": description}
    if model is not None:
        content["model"] = model
    others = {
        code: {"model": Problem, "content": {"application/problem+json": {}}, "description": "A problem"}
        for code in sorted({*problems, 422})
    }
    return {"responses": {status: content, **others}, "status_code": status, "response_model": None}
