"""Server-sent events, read from the ASGI interface itself: clients for tests buffer until the end."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from builders import ROOT, a_ct_slice, part10
from filmless.compose import System
from filmless.edge.api import create_api, live
from filmless.features.access import (
    Permission,
    Role,
    SignInAttempt,
    create_token,
    end_session,
    revoke_token,
    sign_in,
)
from filmless.features.access.access import SEEN_SECONDS_MAX
from filmless.features.archive import StudyGrowth, receive_part10
from filmless.features.exams import create_performed_step
from filmless.features.nodes import NewNode, add_node
from filmless.features.routing import SendRequest, send_study
from filmless.features.scheduling import arrive, schedule_step
from filmless.infra import limits
from web_installation import CONSOLE, GOOD_PASSWORD, register
from worklist_builders import DESK, a_step, started

ANSWER_SECONDS_MAX = 20  # Only to end a test that hangs.


class Stream:
    """One open GET /live."""

    def __init__(self, app: Any, **headers: str) -> None:
        self.status = 0
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._asked = False
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/live",
            "raw_path": b"/live",
            "root_path": "",
            "query_string": b"",
            "headers": [(b"host", b"pacs.test"), *((k.encode(), v.encode()) for k, v in headers.items())],
            "client": ("192.0.2.1", 4711),
            "server": ("pacs.test", 80),
        }
        self._task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            if self._gone.is_set():
                raise OSError
            if message.get("body"):
                await self._chunks.put(message["body"])
            if not message.get("more_body"):
                await self._chunks.put(None)

    async def next(self) -> bytes | None:
        """The next chunk; None at the end of the stream."""
        return await asyncio.wait_for(self._chunks.get(), ANSWER_SECONDS_MAX)

    async def leave(self) -> None:
        """Close the browser."""
        self._gone.set()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 3 * ANSWER_SECONDS_MAX))


def a_session(system: System) -> tuple[str, dict[str, str]]:
    register(system)
    secret = sign_in(system.access, SignInAttempt("anna", GOOD_PASSWORD, "192.0.2.1")).secret
    return secret, {"cookie": f"filmless_session={secret}"}


async def stored(system: System, *numbers: int, study: int = 1) -> None:
    for number in numbers:
        file = part10(a_ct_slice(number, study=study))
        await asyncio.to_thread(receive_part10, system.archive, CONSOLE, "CT1", [file])


def an_app(system: System, **settings: Any) -> Any:
    """The JSON interface with a live feed that does not keep a test waiting."""
    app = create_api(system)
    app.state.live_feed = live.LiveFeed(system, **({"look_seconds": 0.01, "ping_seconds": 0.02} | settings))
    return app


def told(chunk: bytes | None) -> list[tuple[str, dict[str, Any]]]:
    assert chunk is not None
    events = [
        dict(line.split(": ", 1) for line in block.split("\n")) for block in chunk.decode().split("\n\n")[:-1]
    ]
    return [(event["event"], json.loads(event["data"])) for event in events]


def test_every_open_screen_is_told_that_a_study_grew(system: System) -> None:
    _, cookie = a_session(system)
    app = an_app(system, ping_seconds=9)

    async def story() -> None:
        await stored(system, 1)  # Before anybody listens: no news.
        streams = [Stream(app, **cookie) for _ in range(3)]
        for stream in streams:
            assert await stream.next() == b": connected\n\n"
            assert stream.status == 200
        await stored(system, 2)
        for stream in streams:
            expected = {"study_instance_uid": f"{ROOT}.1", "number_of_series": 1, "number_of_instances": 2}
            assert told(await stream.next()) == [("study_changed", expected)]
        await stored(system, 1, study=2)
        for stream in streams:
            assert told(await stream.next())[0][1]["study_instance_uid"] == f"{ROOT}.2"
            await stream.leave()
        assert app.state.live_feed.open_streams == 0

    run(story)


def test_what_happens_in_one_process_is_told_in_another(system: System) -> None:
    _, cookie = a_session(system)
    apps = [an_app(system, ping_seconds=9), an_app(system, ping_seconds=9)]

    async def story() -> None:
        streams = [Stream(app, **cookie) for app in apps]
        for stream in streams:
            await stream.next()
        await stored(system, 1)
        for stream in streams:
            assert told(await stream.next())[0][0] == "study_changed"
            await stream.leave()

    run(story)


def test_screens_of_those_who_may_send_are_told_of_transmissions(system: System) -> None:
    _, cookie = a_session(system)
    register(system, "ris", Role.SERVICE)
    secret, _ = create_token(system.access, CONSOLE, "ris")
    app = an_app(system, ping_seconds=9)
    add_node(system.database, CONSOLE, NewNode("PACS2", "192.0.2.1", 104))

    async def story() -> None:
        await stored(system, 1)
        anna, ris = Stream(app, **cookie), Stream(app, authorization=f"Bearer {secret}")
        for stream in (anna, ris):
            await stream.next()
        wanted = SendRequest(f"{ROOT}.1", ("PACS2",))
        (sent,) = await asyncio.to_thread(send_study, system.database, CONSOLE, wanted)
        expected = {
            "transmission_id": sent.id,
            "study_instance_uid": f"{ROOT}.1",
            "destination": "PACS2",
            "state": "waiting",
        }
        assert told(await anna.next()) == [("transmission_changed", expected)]
        await stored(system, 2)
        assert [name for name, _ in told(await ris.next())] == ["study_changed"]
        for stream in (anna, ris):
            await stream.leave()

    run(story)


def test_screens_of_those_who_may_see_the_worklist_are_told_of_steps_without_a_patient(
    system: System,
) -> None:
    _, cookie = a_session(system)
    register(system, "ris", Role.SERVICE)
    secret, _ = create_token(system.access, CONSOLE, "ris")
    app = an_app(system, ping_seconds=9)

    async def story() -> None:
        anna, ris = Stream(app, **cookie), Stream(app, authorization=f"Bearer {secret}")
        for stream in (anna, ris):
            await stream.next()
        step = await asyncio.to_thread(schedule_step, system.database, DESK, a_step())
        of_step = ("worklist_changed", {"step_id": step.id})
        assert told(await anna.next()) == [of_step]
        await asyncio.to_thread(arrive, system.database, DESK, step.id)
        assert told(await anna.next()) == [of_step]
        await asyncio.to_thread(create_performed_step, system.database, DESK, "1.2.3", started())
        heard = [*told(await anna.next())]
        while len(heard) < 2:  # Both are facts of one transaction, but read one kind after the other.
            heard += told(await anna.next())
        assert heard == [of_step, ("performed_step_changed", {"sop_instance_uid": "1.2.3"})]
        await stored(system, 2)
        assert [name for name, _ in told(await ris.next())] == ["study_changed"]
        for stream in (anna, ris):
            await stream.leave()

    run(story)


def test_a_silent_stream_pings_and_ends_with_the_session(system: System) -> None:
    secret, cookie = a_session(system)
    app = an_app(system)

    async def story() -> None:
        stream = Stream(app, **cookie)
        await stream.next()
        assert await stream.next() == live.PING
        end_session(system.access, secret, "")
        while (chunk := await stream.next()) is not None:
            assert chunk == live.PING  # At most the one that was on its way.
        await stream.leave()

    run(story)


def test_a_screen_that_only_listens_times_out(system: System) -> None:
    _, cookie = a_session(system)
    app = an_app(system)

    async def story() -> None:
        stream = Stream(app, **cookie)
        await stream.next()
        for _ in range(limits.SESSION_IDLE_SECONDS_MAX // 3600):
            assert await stream.next() == live.PING
            system.clock.advance(3600)  # type: ignore[attr-defined]
        while (chunk := await stream.next()) is not None:
            assert chunk == live.PING
        await stream.leave()

    run(story)


def test_a_token_may_listen_too_until_it_is_revoked(system: System) -> None:
    register(system)
    secret, token = create_token(system.access, CONSOLE, "anna")
    app = an_app(system)

    async def story() -> None:
        stream = Stream(app, authorization=f"Bearer {secret}")
        await stream.next()
        assert await stream.next() == live.PING
        revoke_token(system.access, CONSOLE, token.id)
        system.clock.advance(SEEN_SECONDS_MAX)  # type: ignore[attr-defined]
        while await stream.next() is not None:
            pass
        await stream.leave()

    run(story)


def test_streams_are_counted_and_places_given_back(system: System) -> None:
    _, cookie = a_session(system)
    app = an_app(system, streams_max=2)

    async def story() -> None:
        streams = [Stream(app, **cookie) for _ in range(2)]
        for stream in streams:
            await stream.next()
        refused = Stream(app, **cookie)
        await refused.next()
        assert refused.status == 429
        await streams[0].leave()
        again = Stream(app, **cookie)
        assert await again.next() == b": connected\n\n"
        for stream in (streams[1], again):
            await stream.leave()

    run(story)


def test_a_stream_that_is_not_read_keeps_one_state_for_each_study_and_gives_up_in_the_end() -> None:
    async def story() -> None:
        stream = live.LiveStream(frozenset(Permission))
        for count in range(5):
            stream.add([StudyGrowth("1.2", 1, count)])
        assert await stream.take(5) == [StudyGrowth("1.2", 1, 4)]
        stream.add([StudyGrowth(f"1.{n}", 1, 1) for n in range(live.PENDING_MAX + 1)])
        assert stream.is_behind

    run(story)
