"""The whole grid of states and events: what is not in the tables does not happen."""

from collections.abc import Mapping
from enum import StrEnum
from itertools import product

import pytest

from filmless.features.commitment.errors import NothingToRetry
from filmless.features.commitment.model import (
    ASKED_TRANSITIONS,
    NOTICE_TRANSITIONS,
    RECEIVED_TRANSITIONS,
    AskedEvent,
    AskedState,
    NoticeEvent,
    NoticeState,
    ReceivedEvent,
    ReceivedState,
    next_state,
    retried_state,
)

# A line for each state, a column for each event in the order of its class; "." is refused.
RECEIVED = """
received            verifying  .                  .         parked  received   .
verifying           verifying  waiting to report  .         parked  verifying  .
waiting to report   .          .                  reported  parked  received   .
reported            .          .                  reported  .       received   .
parked              .          .                  reported  .       received   received
"""
ASKED = """
waiting to ask    asked  committed         partly committed  not committed     parked  .        .
asked             .      committed         partly committed  not committed     .       overdue  .
committed         .      committed         committed         committed         .       .        .
partly committed  .      partly committed  partly committed  partly committed  .       .        waiting to ask
not committed     .      not committed     not committed     not committed     .       .        waiting to ask
overdue           .      committed         partly committed  not committed     .       .        waiting to ask
parked            .      committed         partly committed  not committed     .       .        waiting to ask
"""
NOTICE = """
waiting             waiting    told    parked  .
told                waiting    .       .       .
parked              waiting    .       .       waiting
"""

MACHINES = [
    (RECEIVED, ReceivedState, ReceivedEvent, RECEIVED_TRANSITIONS),
    (ASKED, AskedState, AskedEvent, ASKED_TRANSITIONS),
    (NOTICE, NoticeState, NoticeEvent, NOTICE_TRANSITIONS),
]


@pytest.mark.parametrize(
    ("grid", "states", "events", "transitions"), MACHINES, ids=["received", "asked", "notice"]
)
def test_every_pair_of_state_and_event_ends_where_the_grid_says(
    grid: str,
    states: type[StrEnum],
    events: type[StrEnum],
    transitions: Mapping[tuple[StrEnum, StrEnum], StrEnum],
) -> None:
    lines = [[cell.strip() for cell in line.split("  ") if cell] for line in grid.strip().splitlines()]
    expected = {
        (states(line[0]), event): None if cell == "." else states(cell)
        for line in lines
        for event, cell in zip(events, line[1:], strict=True)
    }
    assert expected.keys() == set(product(states, events))
    assert {pair: next_state(transitions, *pair) for pair in expected} == expected


def test_a_retry_of_what_is_under_way_says_so() -> None:
    with pytest.raises(NothingToRetry, match="verifying"):
        retried_state(RECEIVED_TRANSITIONS, ReceivedState.VERIFYING, ReceivedEvent.RETRIED)
