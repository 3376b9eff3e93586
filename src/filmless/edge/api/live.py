"""Server-sent events for open screens: studies that grew, transmissions and steps that changed.

The format is that of WHATWG HTML 9.2.

One task in each process looks at the outbox twice a second, and only while somebody listens; each stream
keeps the newest state of each of them until its browser takes it, so a slow one costs little memory.
A stream ends when its session does. Start at `LiveFeed`.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict

import orjson
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from filmless.edge.api.routing import answers
from filmless.edge.http.context import WebContext
from filmless.edge.http.identity import Identity, identify, identity_of
from filmless.features.access import Permission, system_actor
from filmless.features.archive import GrowthReader, StudyGrowth
from filmless.features.exams import PerformedStepNews, PerformedStepReader
from filmless.features.routing import ChangeReader, TransmissionChanged
from filmless.features.scheduling import StepNews, StepReader
from filmless.infra import limits
from filmless.infra.errors import NotSignedIn, OverLimit
from filmless.infra.log import get_logger

LOOK_SECONDS = 0.5
PING_SECONDS = 15.0  # Proxies close what is silent for a minute.
PENDING_MAX = 1000  # A browser that slept through this much had better load its list anew.
RETRY_SECONDS = 10  # When all places are taken.

PING = b"event: ping\ndata: {}\n\n"

News = StudyGrowth | TransmissionChanged | StepNews | PerformedStepNews

# What each kind is called on the wire, which field names what it is about, and who may hear of it.
KINDS: dict[type[News], tuple[bytes, str, Permission]] = {
    StudyGrowth: (b"study_changed", "study_instance_uid", Permission.STUDIES_READ),
    TransmissionChanged: (b"transmission_changed", "transmission_id", Permission.STUDIES_SEND),
    StepNews: (b"worklist_changed", "step_id", Permission.WORKLIST_READ),
    PerformedStepNews: (
        b"performed_step_changed",
        "sop_instance_uid",
        Permission.PERFORMED_STEPS_READ,
    ),
}

log = get_logger()
router = APIRouter(tags=["live"])


class LiveStream:
    """What one browser has not been told yet."""

    def __init__(self, permissions: frozenset[Permission]) -> None:
        """`permissions`: those of its user, who hears of nothing else."""
        self._permissions = permissions
        self._pending: dict[str, News] = {}
        self._something = asyncio.Event()
        self.is_behind = False

    def add(self, news: list[News]) -> None:
        """Note what to tell; what is newer about a study, transmission or step replaces what is older."""
        told = [it for it in news if KINDS[type(it)][2] in self._permissions]
        if not told:
            return
        self._pending.update((_key(it), it) for it in told)
        self.is_behind = self.is_behind or len(self._pending) > PENDING_MAX
        self._something.set()

    async def take(self, wait_seconds: float) -> list[News]:
        """What there is to tell, waiting for it so long at most."""
        try:
            await asyncio.wait_for(self._something.wait(), wait_seconds)
        except TimeoutError:
            return []
        self._something.clear()
        news, self._pending = list(self._pending.values()), {}
        return news


class LiveFeed:
    """All streams of this process, and the one task that feeds them."""

    def __init__(
        self,
        context: WebContext,
        *,
        look_seconds: float = LOOK_SECONDS,
        ping_seconds: float = PING_SECONDS,
        streams_max: int = limits.LIVE_STREAMS_MAX,
    ) -> None:
        self._context = context
        self._look_seconds = look_seconds
        self._ping_seconds = ping_seconds
        self._streams_max = streams_max
        self._streams: set[LiveStream] = set()
        self._task: asyncio.Task[None] | None = None
        self._has_looked = asyncio.Event()

    async def events(self, identity: Identity) -> AsyncIterator[bytes]:
        """The stream of one browser, until it leaves or its session ends."""
        stream = self._open(identity.actor.permissions)
        try:
            await self._has_looked.wait()  # From here on nothing is missed: the browser may load its list.
            yield b": connected\n\n"
            while not stream.is_behind:
                news = await stream.take(self._ping_seconds)
                try:  # No use of the session: a screen that only listens still times out.
                    await run_in_threadpool(
                        identify, self._context.access, identity.credentials, in_use=False
                    )
                except NotSignedIn:
                    return
                yield b"".join(map(_event, news)) if news else PING
        finally:
            self._close(stream)

    @property
    def open_streams(self) -> int:
        """How many browsers are listening."""
        return len(self._streams)

    @property
    def is_full(self) -> bool:
        """Whether no further stream may open."""
        return self.open_streams >= self._streams_max

    def _open(self, permissions: frozenset[Permission]) -> LiveStream:
        stream = LiveStream(permissions)
        self._streams.add(stream)
        if self._task is None:
            self._task = asyncio.create_task(self._look())
        return stream

    def _close(self, stream: LiveStream) -> None:
        self._streams.discard(stream)
        if not self._streams and self._task is not None:
            self._task.cancel()
            self._task = None
            self._has_looked.clear()

    async def _look(self) -> None:
        database, actor = self._context.database, system_actor("live")
        readers = (
            GrowthReader(self._context.archive, actor),
            ChangeReader(database, actor),
            StepReader(database, actor),
            PerformedStepReader(database, actor),
        )
        while True:
            news: list[News] = []
            try:
                for reader in readers:
                    news += await run_in_threadpool(reader.read)
            except Exception as error:  # noqa: BLE001 - The next look may succeed; the screens stay open.
                log.warning("live_feed_waits", error=type(error).__name__)
            self._has_looked.set()
            if news:
                for stream in self._streams:
                    stream.add(news)
            await asyncio.sleep(self._look_seconds)


@router.get(
    "/live",
    **answers(
        200,
        None,
        f"Server-sent events: {', '.join(name.decode() for name, _, _ in KINDS.values())}, ping",
        401,
        403,
        429,
    ),
)
async def listen(request: Request) -> Response:
    """Be told, as it happens, which studies grow, and what of KINDS one may know changes."""
    identity = identity_of(request)
    identity.actor.must(Permission.STUDIES_READ)
    feed: LiveFeed = request.app.state.live_feed
    if feed.is_full:
        raise OverLimit("Too many screens are being kept up to date. Reload this one later.", RETRY_SECONDS)
    return StreamingResponse(
        feed.events(identity),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _key(news: News) -> str:
    return str(getattr(news, KINDS[type(news)][1]))


def _event(news: News) -> bytes:
    return b"event: " + KINDS[type(news)][0] + b"\ndata: " + orjson.dumps(asdict(news)) + b"\n\n"
