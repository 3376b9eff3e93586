"""The job that fetches from other archives: which failures are worth another try, and when it gives up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from filmless.edge.dimse.our_side import OurSide
from filmless.edge.dimse.remote import Puller
from filmless.features import archive as archives
from filmless.features.access import system_actor
from filmless.features.archive import Archive, NewPull, Pull, PullMethod, PullState
from filmless.features.nodes import NewNode, add_node, remove_node
from filmless.infra import jobs, limits
from filmless.infra.database import Database
from filmless.infra.errors import Unavailable
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.infra.tls_files import TLSFiles
from filmless.standards.dicom import sop_classes
from neighbour import Manners, Neighbour

ME = system_actor("test")
GETS = (sop_classes.STUDY_ROOT_GET, sop_classes.PATIENT_ROOT_GET)
COMPLETED, FAILED = "number_of_completed_suboperations", "number_of_failed_suboperations"


@pytest.fixture
def ours(sqlite_database: Database, object_store: FolderObjectStore, tmp_path: Path) -> OurSide:
    archive = Archive(sqlite_database, object_store)
    return OurSide(archive, "FILMLESS", "127.0.0.1", 11112, 0, TLSFiles(tmp_path / "tls"))


@pytest.fixture
def manners() -> Manners:
    """Of the neighbour: an archive that only moves."""
    return Manners(refuses=GETS)


@pytest.fixture
def neighbour(manners: Manners, ours: OurSide) -> Iterator[Neighbour]:
    neighbour = Neighbour(manners)
    add_node(ours.archive.database, ME, NewNode("CT1", "127.0.0.1", neighbour.port))
    yield neighbour
    neighbour.stop()


def asked(ours: OurSide, method: PullMethod = PullMethod.AUTO, *series: str) -> str:
    return archives.ask_pull(ours.archive, ME, NewPull("CT1", "1.2.3", series, method)).id


def after(ours: OurSide, pull_id: str) -> Pull:
    return archives.get_pull(ours.archive, ME, pull_id)


@pytest.mark.usefixtures("neighbour")
def test_an_archive_without_c_get_is_asked_to_move(ours: OurSide, manners: Manners) -> None:
    manners.move_counts = {COMPLETED: 5}
    pull_id = asked(ours)
    Puller(ours).pull_study(pull_id)
    pull = after(ours, pull_id)
    assert (pull.state, pull.counts.completed, pull.explanation) == (PullState.DONE, 5, "")


@pytest.mark.usefixtures("neighbour")
def test_series_are_fetched_one_by_one_and_counted_together(ours: OurSide, manners: Manners) -> None:
    manners.move_counts = {COMPLETED: 5}
    pull_id = asked(ours, PullMethod.MOVE, "1.2.3.1", "1.2.3.2")
    Puller(ours).pull_study(pull_id)
    assert after(ours, pull_id).counts.completed == 10


# Status of the archive, what came and did not -> whether it is tried again, words.
ENDINGS = [
    (0xA702, {}, True, "can reach FILMLESS"),
    (0xB000, {COMPLETED: 3, FAILED: 2}, True, "could not send all of it to FILMLESS"),
    (0xC000, {}, True, "its log says why"),
    (0x0000, {COMPLETED: 3, FAILED: 2}, True, "2 instances did not come"),
    (0xA801, {}, False, "register our AE title FILMLESS there"),
    (0x0000, {COMPLETED: 0}, False, "CT1 found nothing to send"),
]


@pytest.mark.usefixtures("neighbour")
@pytest.mark.parametrize(("status", "counts", "again", "words"), ENDINGS)
def test_what_may_work_later_is_tried_again_and_the_rest_given_up(
    ours: OurSide, manners: Manners, *, status: int, counts: dict[str, int], again: bool, words: str
) -> None:
    manners.move, manners.move_counts = status, counts
    pull_id = asked(ours)
    if again:
        with pytest.raises(Unavailable):
            Puller(ours).pull_study(pull_id)
    else:
        Puller(ours).pull_study(pull_id)
    pull = after(ours, pull_id)
    assert pull.state is (PullState.WAITING if again else PullState.FAILED)
    assert words in pull.explanation
    assert (pull.counts.completed, pull.counts.failed) == (counts.get(COMPLETED, 0), counts.get(FAILED, 0))


def test_after_some_attempts_it_is_given_up(ours: OurSide, neighbour: Neighbour) -> None:
    neighbour.stop()
    pull_id = asked(ours)
    for attempt in range(1, limits.PULL_ATTEMPTS_MAX):
        with pytest.raises(Unavailable):
            Puller(ours).pull_study(pull_id)
        assert (after(ours, pull_id).state, after(ours, pull_id).attempts) == (PullState.WAITING, attempt)
    Puller(ours).pull_study(pull_id)  # The job is done with: nobody else is to be bothered.
    pull = after(ours, pull_id)
    assert (pull.state, pull.attempts) == (PullState.FAILED, limits.PULL_ATTEMPTS_MAX)
    assert "CT1 at 127.0.0.1" in pull.explanation


@pytest.mark.usefixtures("neighbour")
def test_a_node_that_was_removed_meanwhile_is_no_reason_to_try_again(ours: OurSide) -> None:
    pull_id = asked(ours)
    remove_node(ours.archive.database, ME, "CT1")
    Puller(ours).pull_study(pull_id)
    assert after(ours, pull_id).state is PullState.FAILED


@pytest.mark.usefixtures("neighbour")
def test_an_archive_that_offers_no_c_get_cannot_be_asked_for_it(ours: OurSide) -> None:
    pull_id = asked(ours, PullMethod.GET)
    Puller(ours).pull_study(pull_id)
    pull = after(ours, pull_id)
    assert (pull.state, "does not take SOP class" in pull.explanation) == (PullState.FAILED, True)


@pytest.mark.usefixtures("neighbour")
def test_a_pull_that_was_stopped_before_its_turn_asks_nobody(ours: OurSide, manners: Manners) -> None:
    manners.hangs_up = True
    pull_id = asked(ours)
    archives.stop_pull(ours.archive, ME, pull_id)
    Puller(ours).pull_study(pull_id)
    assert after(ours, pull_id).attempts == 0


@pytest.mark.usefixtures("neighbour")
def test_beyond_the_places_a_pull_waits_for_its_turn(ours: OurSide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PULLS_AT_ONCE_MAX", 0)
    pull_id = asked(ours)
    (job,) = jobs.find_jobs(ours.archive.database)
    Puller(ours).pull_study(pull_id)
    assert (after(ours, pull_id).state, after(ours, pull_id).attempts) == (PullState.WAITING, 0)
    (later,) = jobs.find_jobs(ours.archive.database)
    assert (later.id, later.run_at > job.run_at) == (job.id, True)
