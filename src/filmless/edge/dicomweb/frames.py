"""Frames (PS3.18 section 10.4.1.1.6): what a viewer that scrolls asks for, hundreds of times a second.

A frame of an instance seen a moment ago, whose bytes the machine has in memory, is answered in the event
loop itself; everything else in a thread. Not here: where frames lie (`features/archive`). Start at
`FrameEndpoint`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from filmless.edge.dicomweb.errors import NotAcceptable
from filmless.edge.dicomweb.media_types import OCTET_STREAM, Accepted, media_type_of_frames, parse_accept
from filmless.edge.dicomweb.multipart import content_type_of, multipart_body, multipart_chunks
from filmless.edge.dicomweb.services import (
    IMMUTABLE,
    INSTANCE,
    NO_SNIFFING,
    Outgoing,
    Services,
    accept_of,
    place_of,
)
from filmless.edge.http.identity import actor_of
from filmless.features.access import Actor
from filmless.features.archive import FRAMES_AT_ONCE_MAX, FrameSource, Piece
from filmless.infra.errors import Invalid, NotFound
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, IMPLICIT_LE

WHOLE_BYTES_MAX = 8 << 20  # Larger frames are streamed: a thousand readers must fit into memory.


def frame_route(services: Services) -> Route:
    """The busiest route of all."""
    return Route(INSTANCE + "/frames/{frames}", FrameEndpoint(services), methods=["GET"])


@dataclass(frozen=True, slots=True)
class Form:
    """How frames are sent: as stored or decoded, in parts or alone."""

    is_multipart: bool
    decode: bool


class FrameEndpoint:
    """Answers for frames; plain ASGI, for each layer costs as much as reading the frame."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        actor = actor_of(request)
        response = self._at_once(request, actor)
        if response is None:
            answer = await self._services.run(self._in_thread, request, actor)
            response = await self._services.respond(answer)
        await response(scope, receive, send)

    def _at_once(self, request: Request, actor: Actor) -> Response | None:
        """The answer if nothing needs to be waited for."""
        viewing = self._services.viewing
        source = viewing.recent_source(actor, place_of(request))
        if source is None:
            return None
        numbers = frame_numbers(request.path_params["frames"])
        form = choose_form(parse_accept(accept_of(request)), source, len(numbers))
        if form.decode or len(numbers) > 1:
            return None
        frame = viewing.frame_at_once(source, numbers[0])
        if frame is None:
            return None
        syntax = source.transfer_syntax_uid
        return _whole(frame, form, media_type_of_frames(syntax), syntax)

    def _in_thread(self, request: Request, actor: Actor) -> Response | Outgoing:
        numbers = frame_numbers(request.path_params["frames"])
        viewing = self._services.viewing
        source = viewing.source(actor, place_of(request))
        form = choose_form(parse_accept(accept_of(request)), source, len(numbers))
        read = viewing.decoded_frames if form.decode else viewing.frames
        syntax = EXPLICIT_LE if form.decode else source.transfer_syntax_uid
        return in_form(read(source, numbers), len(numbers), form, syntax)


def frame_numbers(text: str) -> list[int]:
    """ "1" or "1,2,3" (or with %2C) from the path; raises Invalid."""
    try:
        numbers = [int(part) for part in text.split(",")] if len(text) <= 8 * FRAMES_AT_ONCE_MAX else []
    except ValueError:
        raise Invalid("Frames are asked for by number, counted from 1, with commas between.") from None
    if not 0 < len(numbers) <= FRAMES_AT_ONCE_MAX:
        raise Invalid(f"At most {FRAMES_AT_ONCE_MAX} frames are sent at once.")
    if min(numbers) < 1:
        raise NotFound("Frames are counted from 1.")
    return numbers


def choose_form(accept: tuple[Accepted, ...], source: FrameSource, count: int) -> Form:
    """How to send frames: as stored wherever the client takes that, else decoded; raises NotAcceptable.

    Octets without a named transfer syntax are explicit little endian (PS3.18 table 8.7.3-5).
    """
    stored = source.transfer_syntax_uid
    media_type = media_type_of_frames(stored)
    for accepted in accept:
        if not accepted.is_multipart and count > 1:
            continue
        wanted = accepted.transfer_syntax
        if wanted == IMPLICIT_LE:
            wanted = EXPLICIT_LE  # Of pixels the two are the same.
        names_stored = wanted in ("*", stored)
        if accepted.media_type == OCTET_STREAM:
            if names_stored or (wanted is None and stored == EXPLICIT_LE):
                return Form(accepted.is_multipart, decode=False)
            if wanted in (None, EXPLICIT_LE):
                return Form(accepted.is_multipart, decode=True)
        elif accepted.takes(media_type) and (names_stored or wanted is None):
            return Form(accepted.is_multipart, decode=False)
        elif accepted.takes(OCTET_STREAM) and wanted == EXPLICIT_LE:
            return Form(accepted.is_multipart, decode=True)
    raise NotAcceptable(
        f"The frames can be sent as {media_type} in transfer syntax {stored}, or as application/octet-stream "
        "in explicit VR little endian."
    )


def in_form(pieces: Iterator[Piece], count: int, form: Form, transfer_syntax_uid: str) -> Response | Outgoing:
    """The answer with these frames or values: at once if it is one of usual size, else as a stream."""
    media_type = media_type_of_frames(transfer_syntax_uid)
    content_type = f"{media_type}; transfer-syntax={transfer_syntax_uid}"
    if form.is_multipart and count > 1:
        return Outgoing(content_type_of(media_type), IMMUTABLE, multipart_chunks(content_type, pieces))
    piece = next(pieces)
    if piece.length <= WHOLE_BYTES_MAX:
        return _whole(piece.read(), form, media_type, transfer_syntax_uid)
    if form.is_multipart:
        chunks = multipart_chunks(content_type, iter((piece,)))
        return Outgoing(content_type_of(media_type), IMMUTABLE, chunks)
    headers = {**IMMUTABLE, **NO_SNIFFING, "Content-Length": str(piece.length)}
    return Outgoing(content_type, headers, piece.chunks)


def _whole(frame: bytes | bytearray, form: Form, media_type: str, transfer_syntax_uid: str) -> Response:
    content_type = f"{media_type}; transfer-syntax={transfer_syntax_uid}"
    if form.is_multipart:
        body = multipart_body(content_type, [frame])
        return Response(body, media_type=content_type_of(media_type), headers=IMMUTABLE)
    return Response(bytes(frame), media_type=content_type, headers=IMMUTABLE | NO_SNIFFING)
