"""Rendered resources (PS3.18 section 10.4.1.1.3) and thumbnails: pictures a browser shows by itself.

Not here: how pixels become a picture (`standards/dicom/rendering`, run in the sandbox). Start at `routes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from filmless.edge.dicomweb.errors import NotAcceptable
from filmless.edge.dicomweb.frames import frame_numbers
from filmless.edge.dicomweb.media_types import parse_accept
from filmless.edge.dicomweb.services import (
    IMMUTABLE,
    INSTANCE,
    NO_SNIFFING,
    REVALIDATED,
    SERIES,
    STUDY,
    Outgoing,
    Services,
    accept_of,
    place_of,
)
from filmless.features.access import Actor
from filmless.features.archive import Piece
from filmless.infra.errors import Invalid
from filmless.standards.dicom.pixel_description import UndecodableFrame
from filmless.standards.dicom.rendering import Rendition, Viewport, Window

QUALITY_DEFAULT = 90

PictureType = Literal["image/jpeg", "image/png"]


def routes(services: Services) -> list[Route]:
    """The routes of pictures."""
    pictures, endpoint = _Pictures(services), services.endpoint
    return [
        Route(INSTANCE + "/frames/{frames}/rendered", endpoint(pictures.rendered)),
        Route(INSTANCE + "/frames/{frames}/thumbnail", endpoint(pictures.rendered)),
        Route(INSTANCE + "/rendered", endpoint(pictures.rendered)),
        Route(SERIES + "/rendered", endpoint(pictures.rendered_of)),
        Route(STUDY + "/rendered", endpoint(pictures.rendered_of)),
        Route(INSTANCE + "/thumbnail", endpoint(pictures.instance_thumbnail)),
        Route(SERIES + "/thumbnail", endpoint(pictures.thumbnail_of)),
        Route(STUDY + "/thumbnail", endpoint(pictures.thumbnail_of)),
    ]


@dataclass(frozen=True, slots=True)
class _Pictures:
    services: Services

    async def rendered(self, request: Request, actor: Actor) -> Response:
        """An instance or one of its frames; a document or video goes out as what it is."""
        viewing, place = self.services.viewing, place_of(request)
        frames = request.path_params.get("frames")
        if frames is None:
            document = await self.services.run(viewing.document, actor, place)
            if document is not None:
                return await self.services.respond(_document(request, *document))
            number = None
        else:
            numbers = frame_numbers(frames)
            if len(numbers) > 1:
                raise Invalid("One frame at a time is rendered.")
            number = numbers[0]
        rendition = rendition_of(request.query_params, accept_of(request))
        picture = await self.services.run(viewing.rendered, actor, place, number, rendition)
        return Response(picture, media_type=rendition.media_type, headers=IMMUTABLE)

    async def rendered_of(self, request: Request, actor: Actor) -> Response:
        """The middle instance of a series, or of a study's first series."""
        rendition = rendition_of(request.query_params, accept_of(request))
        path = request.path_params
        picture = await self.services.run(
            self.services.viewing.rendered_of, actor, path["study"], path.get("series"), rendition
        )
        return Response(picture, media_type=rendition.media_type, headers=REVALIDATED)

    async def instance_thumbnail(self, request: Request, actor: Actor) -> Response:
        """A small picture of an instance."""
        _must_take_jpeg(request)
        jpeg = await self.services.run(self.services.viewing.instance_thumbnail, actor, place_of(request))
        return Response(jpeg, media_type="image/jpeg", headers=IMMUTABLE)

    async def thumbnail_of(self, request: Request, actor: Actor) -> Response:
        """A small picture of a series, or of a study's first series."""
        _must_take_jpeg(request)
        path, viewing = request.path_params, self.services.viewing
        if "series" in path:
            jpeg = await self.services.run(viewing.series_thumbnail, actor, path["study"], path["series"])
        else:
            jpeg = await self.services.run(viewing.study_thumbnail, actor, path["study"])
        # The series may still grow, and its middle move: the browser asks again after a minute.
        headers = {"Cache-Control": "private, max-age=60"}
        return Response(jpeg, media_type="image/jpeg", headers=headers)


def _document(request: Request, media_type: str, piece: Piece) -> Outgoing:
    if not any(
        accepted.takes(media_type) or accepted.takes("application/octet-stream")
        for accepted in parse_accept(accept_of(request))
    ):
        raise NotAcceptable(f"This instance is shown as {media_type}.")
    headers = {**IMMUTABLE, **NO_SNIFFING, "Content-Disposition": "inline"}
    return Outgoing(media_type, {**headers, "Content-Length": str(piece.length)}, piece.chunks)


def rendition_of(parameters: Mapping[str, str], accept: str) -> Rendition:
    """How the client wants its picture (PS3.18 section 8.3.5); raises Invalid, NotAcceptable."""
    media_type = _picture_type(accept)
    try:
        return Rendition(
            viewport=_viewport(parameters.get("viewport", "")),
            window=_window(parameters.get("window", "")),
            quality=_quality(parameters.get("quality", "")),
            media_type=media_type,
        )
    except UndecodableFrame as error:
        raise Invalid(str(error)) from error


def _picture_type(accept: str) -> PictureType:
    for accepted in parse_accept(accept):
        if accepted.is_multipart:
            continue
        if accepted.takes("image/jpeg"):
            return "image/jpeg"
        if accepted.takes("image/png"):
            return "image/png"
    raise NotAcceptable("Pictures are sent as image/jpeg or image/png.")


def _must_take_jpeg(request: Request) -> None:
    if not any(read.takes("image/jpeg") for read in parse_accept(accept_of(request))):
        raise NotAcceptable("Thumbnails are sent as image/jpeg.")


def _numbers(text: str, name: str, count: int) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")[:count]]
    except ValueError:
        raise Invalid(f"{name} is made of numbers with commas between.") from None
    if len(numbers) < count or not all(map(isfinite, numbers)):
        raise Invalid(f"{name} has {count} numbers.")
    return numbers


def _viewport(text: str) -> Viewport | None:
    """`vw,vh[,sx,sy,sw,sh]`; empty numbers of the source mean its defaults (PS3.18 section 8.3.5.1.3)."""
    if not text:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) not in (2, 6):
        raise Invalid("viewport has two numbers, or six.")
    width, height = _numbers(text, "viewport", 2)
    if len(parts) == 2:
        return Viewport(int(width), int(height))
    try:
        x, y, source_width, source_height = (float(part) if part else None for part in parts[2:])
    except ValueError:
        raise Invalid("viewport is made of numbers with commas between.") from None
    return Viewport(int(width), int(height), x or 0.0, y or 0.0, source_width, source_height)


def _window(text: str) -> Window | None:
    """`center,width[,function]` (PS3.18 section 8.3.5.1.4)."""
    if not text:
        return None
    center, width = _numbers(text, "window", 2)
    function = (text.split(",")[2:] or ["linear"])[0].strip().lower().replace("-", "_")
    if function == "linear":
        return Window(center, width)
    if function == "linear_exact":
        return Window(center, width, "LINEAR_EXACT")
    if function == "sigmoid":
        return Window(center, width, "SIGMOID")
    raise Invalid("The function of a window is linear, linear-exact or sigmoid.")


def _quality(text: str) -> int:
    if not text:
        return QUALITY_DEFAULT
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= 100:
        raise Invalid("quality is a whole number from 1 to 100.")
    return int(text)
