"""kill -9 while instances leave: started again, the queue goes on by itself; the acknowledged comes once.

The destination withholds one answer, so it is known at the moment of death what was acknowledged and what was
under way. Not here: what comes in (`test_kill_minus_nine`).
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from bench.filmless_server import run_command

from builders import ROOT, a_ct_slice, part10
from department import Filmless
from filmless.edge.dimse.errors import AssociationAborted
from filmless.edge.dimse.requestor import Peer
from filmless.standards.dicom.sop_classes import STUDY_ROOT_MOVE
from retrieving_peer import Outcome, move
from storing_peer import StoringPeer

pytestmark = [pytest.mark.slow, pytest.mark.fault]

SLICES = 30
STUDY = f"{ROOT}.1"
WHOLE_STUDY = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": STUDY}
UIDS = {f"{STUDY}.1.{number}" for number in range(1, SLICES + 1)}
ACKNOWLEDGED = 12
SECONDS_MAX = 400  # A dead worker's leases last two minutes, the job's and the transmission's.
LOOK_SECONDS = 0.1


class Withholding:
    """Answers so many, then keeps one waiting until the sender is dead; then it answers again."""

    def __init__(self) -> None:
        self.has_reached_it = threading.Event()
        self.is_dead = threading.Event()

    def __call__(self, number: int) -> tuple[int, str] | None:
        if number == ACKNOWLEDGED + 1:
            self.has_reached_it.set()
            self.is_dead.wait(SECONDS_MAX)
            return None
        return 0, ""


@pytest.fixture
def withholding() -> Iterator[Withholding]:
    """How the destination answers; lets go of what it withholds at the end."""
    answer = Withholding()
    yield answer
    answer.is_dead.set()


@pytest.fixture
def destination(running_server: Filmless, tmp_path: Path, withholding: Withholding) -> Iterator[StoringPeer]:
    """A node of ours; we hold the study."""
    folder = tmp_path / "to-import"
    folder.mkdir()
    for number in range(1, SLICES + 1):
        (folder / f"{number}.dcm").write_bytes(part10(a_ct_slice(number)))
    run_command(running_server.environment, "import", str(folder))
    with StoringPeer(answer=withholding) as peer:
        words = ("node", "add", "ARCHIVE", "127.0.0.1", str(peer.port), "--associations", "1")
        run_command(running_server.environment, *words)
        yield peer


def kill_and_start_again(server: Filmless, withholding: Withholding) -> None:
    server.kill()
    withholding.is_dead.set()
    server.start()


def ask(server: Filmless) -> Outcome:
    host, port = server.dicom_address
    return move(Peer(host, port, server.ae_title, "TESTER"), STUDY_ROOT_MOVE, "ARCHIVE", WHOLE_STUDY)


def test_a_move_that_was_killed_can_be_asked_again(
    running_server: Filmless, destination: StoringPeer, withholding: Withholding
) -> None:
    heard: list[BaseException] = []

    def ask_and_lose() -> None:
        with suppress(AssociationAborted):
            ask(running_server)
            return
        heard.append(AssociationAborted("as expected"))

    asker = threading.Thread(target=ask_and_lose, daemon=True)
    asker.start()
    assert withholding.has_reached_it.wait(SECONDS_MAX)
    kill_and_start_again(running_server, withholding)
    asker.join(SECONDS_MAX)
    assert heard  # The asker is not left waiting.
    outcome = ask(running_server)
    assert (outcome.status, outcome.counts) == (0x0000, (SLICES, 0, 0, None))
    assert set(destination.received_uids()[ACKNOWLEDGED + 1 :]) == UIDS


class Queue:
    """The queue as its screen sees it."""

    def __init__(self, server: Filmless) -> None:
        self._http = httpx.Client(
            base_url=server.http_url, headers=server.headers, timeout=60, trust_env=False
        )

    def wait_for(self, **wanted: Any) -> dict[str, Any]:
        """The one transmission, when it is as wanted."""
        deadline = time.monotonic() + SECONDS_MAX
        pause = threading.Event()  # Never set.
        found: dict[str, Any] = {}
        while time.monotonic() < deadline:
            (found,) = self._http.get("/api/transmissions").raise_for_status().json()["transmissions"]
            if all(found[key] == value for key, value in wanted.items()):
                return found
            pause.wait(LOOK_SECONDS)
        raise AssertionError(f"It did not become {wanted}: {found}")


def test_a_transmission_goes_on_by_itself_and_what_was_acknowledged_comes_once(
    running_server: Filmless, destination: StoringPeer, withholding: Withholding
) -> None:
    run_command(running_server.environment, "send", STUDY, "ARCHIVE")
    queue = Queue(running_server)
    queue.wait_for(state="sending", instances_sent=ACKNOWLEDGED)  # Written down, one more under way.
    assert withholding.has_reached_it.is_set()
    kill_and_start_again(running_server, withholding)
    done = queue.wait_for(state="done")
    assert (done["instances_sent"], done["instances"]) == (SLICES, SLICES)
    times = Counter(destination.received_uids())
    assert set(times) == UIDS
    under_way = destination.received_uids()[ACKNOWLEDGED]
    assert {uid for uid, count in times.items() if count > 1} == {under_way}  # Nobody can know of that one.
    assert times[under_way] == 2
