"""Storage commitment through accidents: once N-ACTION was answered with Success, the report comes."""

from collections.abc import Callable

import pytest

from commitment_sites import US, Modality, Site, open_site
from filmless.features.archive import InstanceReference
from filmless.features.commitment import (
    REPORT_COMMITMENT,
    VERIFY_COMMITMENT,
    AskedState,
    ReceivedState,
    ask_commitment,
)
from filmless.infra import limits
from held_instances import hold

__all__ = ["open_site"]

pytestmark = pytest.mark.fault


@pytest.fixture
def sites(open_site: Callable[[str], Site], monkeypatch: pytest.MonkeyPatch) -> tuple[Site, Site]:
    """One that asks and one that answers; each knows the other."""
    monkeypatch.setattr(limits, "COMMITMENT_REPORT_WAIT_SECONDS", 0)
    asking, answering = open_site("ASKING"), open_site("ANSWERING")
    asking.knows("ANSWERING", answering.server.port)
    answering.knows("ASKING", asking.server.port)
    return asking, answering


def ask(sites: tuple[Site, Site], *references: InstanceReference) -> None:
    ask_commitment(sites[0].database, US, "ANSWERING", references)
    sites[0].work()
    assert sites[0].asked.state is AskedState.ASKED


def test_an_installation_that_is_started_again_reports(
    sites: tuple[Site, Site], open_site: Callable[[str], Site]
) -> None:
    asking, answering = sites
    ask(sites, hold(answering.archive))
    answering.close()
    started_again = open_site("ANSWERING")
    started_again.work()
    assert started_again.received.state is ReceivedState.REPORTED
    assert asking.asked.state is AskedState.COMMITTED


@pytest.mark.parametrize("dies_at", [VERIFY_COMMITMENT, REPORT_COMMITMENT])
def test_another_worker_goes_on_where_one_died(
    sites: tuple[Site, Site], dies_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking, answering = sites
    monkeypatch.setattr(limits, "COMMITMENT_QUICK_BYTES_MAX", 0)
    ask(sites, hold(answering.archive, 1), hold(answering.archive, 2))
    answering.dies_with_a_job(dies_at)
    answering.work()
    assert asking.asked.state is AskedState.ASKED
    answering.work(after_seconds=limits.JOB_LEASE_SECONDS + 1)
    assert asking.asked.state is AskedState.COMMITTED


def test_an_asker_that_is_down_when_we_report_hears_later(
    sites: tuple[Site, Site], open_site: Callable[[str], Site]
) -> None:
    asking, answering = sites
    ask(sites, hold(answering.archive))
    asking.server.stop()
    answering.work()
    assert (answering.received.state, answering.received.attempts) == (ReceivedState.WAITING_TO_REPORT, 1)
    back = open_site("ASKING")
    answering.moves("ASKING", back.server.port)
    answering.work(after_seconds=2 * limits.JOB_BACK_OFF_SECONDS_MIN)
    assert back.asked.state is AskedState.COMMITTED


def test_a_modality_that_loses_the_answer_asks_again_and_is_one_request(
    open_site: Callable[[str], Site],
) -> None:
    us = open_site("FILMLESS")
    modality, held = Modality(us), hold(us.archive)
    for _ in range(2):
        with modality.association() as requestor:
            assert modality.ask(requestor, held) == 0x0000
            assert modality.listens(requestor)
    assert us.received.state is ReceivedState.REPORTED  # There is one.
    assert [report.committed for report in modality.heard] == [(held,), (held,)]
