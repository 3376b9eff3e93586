"""What all routes of DICOMweb share: the archive, the threads that its verbs run in, who is asking.

Verbs of features block, so they run in threads; the event loop only moves bytes. Start at
`Services.endpoint`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from filmless.edge.http.identity import actor_of
from filmless.features.access import Actor
from filmless.features.archive import Archive, InstancePlace, Viewing
from filmless.infra.errors import NotFound
from filmless.standards.dicom.uids import is_valid_uid

Result = TypeVar("Result")
Handler = Callable[[Request, Actor], Awaitable[Response]]

STUDY = "/studies/{study}"
SERIES = "/studies/{study}/series/{series}"
INSTANCE = "/studies/{study}/series/{series}/instances/{instance}"

READING_THREADS_MAX = 16  # A read takes a millisecond; more threads would only wait for each other.
COMMITTING_THREADS_MAX = 16  # Parts of uploads; they mostly wait for the disk, and then share a commit.
STORING_THREADS_MAX = 8  # Uploads hold a thread as long as their sender takes.

# Study, series and instance in a browser's cache are patient data: an hour, this person only.
IMMUTABLE = {"Cache-Control": "private, max-age=3600, immutable"}
NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}
REVALIDATED = {"Cache-Control": "private, no-cache"}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An answer that is too large to hold: its chunks come from a thread while they are sent."""

    content_type: str
    headers: dict[str, str]
    chunks: Iterator[bytes]


@dataclass(frozen=True)
class Services:
    """One for each process."""

    archive: Archive
    viewing: Viewing
    public_url: str = ""
    reading: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(READING_THREADS_MAX, "dicomweb-read")
    )
    storing: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(STORING_THREADS_MAX, "dicomweb-store")
    )
    committing: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(COMMITTING_THREADS_MAX, "dicomweb-commit")
    )

    def base_url(self, request: Request) -> str:
        """The address of DICOMweb as clients see it, without a slash at its end."""
        address = self.public_url or f"{request.url.scheme}://{request.url.netloc}"
        return f"{address}{request.scope.get('root_path', '')}".rstrip("/")

    async def run(self, function: Callable[..., Result], *arguments: object) -> Result:
        """Call a blocking function in a thread for reading."""
        return await asyncio.get_running_loop().run_in_executor(self.reading, function, *arguments)

    def endpoint(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """A Starlette endpoint that knows who is asking; raises NotSignedIn when nobody is."""

        async def answer(request: Request) -> Response:
            actor = actor_of(request)
            for level in ("study", "series", "instance"):
                uid = request.path_params.get(level)
                if uid is not None and not is_valid_uid(uid):
                    raise NotFound(f"There is no such {level}: what the address names is no UID.")
            return await handler(request, actor)

        return answer

    async def respond(self, answer: Response | Outgoing) -> Response:
        """The response for an answer, streamed if it must be."""
        if isinstance(answer, Response):
            return answer
        chunks = await self.chunks(answer.chunks)
        return StreamingResponse(chunks, media_type=answer.content_type, headers=answer.headers)

    async def chunks(self, blocking: Iterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks of a blocking iterator, each fetched in a thread; the first one at once.

        So what goes wrong at the first chunk is an answer, not a connection that breaks off.
        """
        first = await self.run(next, blocking, b"")
        return self._from(first, blocking)

    async def _from(self, first: bytes, blocking: Iterator[bytes]) -> AsyncIterator[bytes]:
        yield first
        while (chunk := await self.run(next, blocking, None)) is not None:
            yield chunk


def place_of(request: Request) -> InstancePlace:
    """The instance that the path names."""
    path = request.path_params
    return InstancePlace(path["study"], path["series"], path["instance"])


def accept_of(request: Request) -> str:
    """What the client accepts: the `accept` parameter (PS3.18 section 8.3.3.1), else the header."""
    wanted = request.query_params.get("accept")
    return wanted if wanted is not None else request.headers.get("accept", "")
