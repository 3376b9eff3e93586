"""STOW-RS (PS3.18 section 10.5): store instances from a multipart body, streamed part by part.

Each part is received as a C-STORE is: durable before it counts, refused or set aside with a reason. A part
that fails does not stop the others. Not here: receiving (`features/archive`). Start at `routes`.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from filmless.edge.dicomweb.errors import NotAcceptable, UnsupportedMediaType
from filmless.edge.dicomweb.media_types import DICOM, MULTIPART, parameters_of, takes_json
from filmless.edge.dicomweb.multipart import MultipartDamaged, MultipartReader, Part
from filmless.edge.dicomweb.services import STUDY, Services, accept_of
from filmless.edge.dicomweb.stow_session import StowSession
from filmless.features.access import Actor, Permission
from filmless.infra import limits
from filmless.infra.errors import Invalid, OverLimit
from filmless.standards.dicom.uids import is_valid_uid

CHUNK_BYTES = 1 << 20  # Gathered before a thread is woken: the network delivers 64 KiB at a time.
IDLE_SECONDS_MAX = limits.SEND_SECONDS_MAX


def routes(services: Services) -> list[Route]:
    """The two places one can store to."""
    stow = _Stow(services)
    return [
        Route("/studies", services.endpoint(stow.store), methods=["POST"]),
        Route(STUDY, services.endpoint(stow.store), methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True)
class _Stow:
    services: Services

    async def store(self, request: Request, actor: Actor) -> Response:
        """Store every part; 200 all stored, 202 some, 409 none (PS3.18 table 10.5.3-1)."""
        actor.must(Permission.STUDIES_STORE)
        if not takes_json(accept_of(request)):
            raise NotAcceptable("What was stored is answered as application/dicom+json.")
        media_type, parameters = parameters_of(request.headers.get("content-type", ""))
        _must_be_storable(media_type, parameters)
        study = request.path_params.get("study", "")
        if study and not is_valid_uid(study):
            raise Invalid("The address does not name a study: that is no UID.")
        loop = asyncio.get_running_loop()
        body = _Body(request, loop)
        base_url = self.services.base_url(request)
        session = StowSession(self.services.archive, actor, study, base_url, self.services.committing)
        parts: Callable[[], Iterator[Part]]
        if media_type == MULTIPART:
            parts = MultipartReader(parameters.get("boundary", ""), body.read).parts
        else:
            parts = lambda: iter([Part(DICOM, iter(body.read, b""))])  # noqa: E731 - one part, the body itself.
        return await loop.run_in_executor(self.services.storing, session.store_all, parts)


def _must_be_storable(media_type: str, parameters: dict[str, str]) -> None:
    kind = parameters.get("type", DICOM).lower() if media_type == MULTIPART else media_type
    if kind != DICOM:
        raise UnsupportedMediaType(
            'Instances are stored from multipart/related; type="application/dicom", or one alone as '
            "application/dicom."
        )


class _Body:
    """The request's body for a thread: each read waits for what the event loop receives."""

    def __init__(self, request: Request, loop: asyncio.AbstractEventLoop) -> None:
        self._stream = request.stream().__aiter__()
        self._loop = loop
        self._received = 0

    def read(self) -> bytes:
        """About CHUNK_BYTES, b"" at the end; raises Invalid when the sender goes away or goes quiet."""
        waiting = asyncio.run_coroutine_threadsafe(self._gather(), self._loop)
        try:
            data = waiting.result(IDLE_SECONDS_MAX)
        except TimeoutError:
            waiting.cancel()
            raise MultipartDamaged(
                f"Nothing came for {IDLE_SECONDS_MAX} seconds; the upload was ended."
            ) from None
        except ClientDisconnect:
            raise MultipartDamaged("The sender went away before the end of the body.") from None
        self._received += len(data)
        if self._received > limits.STOW_BODY_BYTES_MAX:
            raise OverLimit("The body is larger than one request may be; send the study in several.")
        return data

    async def _gather(self) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in self._stream:
            pieces.append(piece)
            size += len(piece)
            if size >= CHUNK_BYTES:
                break
        return b"".join(pieces)
