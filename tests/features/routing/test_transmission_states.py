"""The states of a transmission: the whole grid, and what the end of an attempt does."""

from datetime import UTC, datetime, timedelta

import pytest

from filmless.features.routing.errors import TransitionRefused
from filmless.features.routing.ref_set import pack_refs, unpack_refs
from filmless.features.routing.transmissions import (
    BACK_OFF_SECONDS_MAX,
    GIVE_UP_AFTER,
    TRANSITIONS,
    Attempt,
    Ending,
    Event,
    State,
    back_off_seconds,
    event_after,
    sources_of,
    state_after,
)

W, H, S, D, P, C = (
    State.WAITING,
    State.HELD,
    State.SENDING,
    State.DONE,
    State.PARKED,
    State.CANCELLED,
)
# One row an event, one column a state; None is refused.
GRID: dict[Event, tuple[State | None, ...]] = {
    #               waiting held sending done  parked cancelled
    Event.CLAIM: (S, None, S, None, None, None),
    Event.SUCCEED: (None, None, D, None, None, None),
    Event.FAIL: (None, None, W, None, None, None),
    Event.YIELD: (None, None, W, None, None, None),
    Event.GIVE_UP: (None, None, P, None, None, None),
    Event.HOLD: (H, None, H, None, None, None),
    Event.RELEASE: (None, W, None, None, None, None),
    Event.CANCEL: (C, C, C, None, C, None),
    Event.RETRY: (W, None, None, None, W, W),
}


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("state", State)
def test_every_event_in_every_state(state: State, event: Event) -> None:
    after = GRID[event][[W, H, S, D, P, C].index(state)]
    if after is None:
        with pytest.raises(TransitionRefused, match=str(state)):
            state_after(state, event)
    else:
        assert state_after(state, event) is after
        assert state in sources_of(event)


def test_nothing_leaves_done() -> None:
    assert not [event for state, event in TRANSITIONS if state is State.DONE]


NOW = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempt", "age", "event"),
    [
        (Attempt(Ending.COMPLETE, ()), timedelta(), Event.SUCCEED),
        (Attempt(Ending.COMPLETE, (), (7,)), timedelta(), Event.GIVE_UP),
        (Attempt(Ending.INTERRUPTED, (7,)), GIVE_UP_AFTER, Event.YIELD),
        (Attempt(Ending.REFUSED_FOR_NOW, (7,)), timedelta(hours=1), Event.FAIL),
        (Attempt(Ending.REFUSED_FOR_NOW, (7,)), GIVE_UP_AFTER, Event.GIVE_UP),
        (Attempt(Ending.UNREACHABLE, (7,)), timedelta(days=6), Event.FAIL),
        (Attempt(Ending.UNREACHABLE, (7,)), GIVE_UP_AFTER, Event.GIVE_UP),
        (Attempt(Ending.IMPOSSIBLE, (7,)), timedelta(), Event.GIVE_UP),
    ],
)
def test_the_end_of_an_attempt(attempt: Attempt, age: timedelta, event: Event) -> None:
    assert event_after(attempt, NOW - age, NOW) is event


def test_pauses_grow_to_a_bound() -> None:
    pauses = [back_off_seconds(failures) for failures in range(1, 40)]
    assert pauses[:4] == [15, 60, 240, BACK_OFF_SECONDS_MAX]
    assert set(pauses[3:]) == {BACK_OFF_SECONDS_MAX}


@pytest.mark.parametrize(
    "refs", [[], [1], [127, 128, 129], [5, 3, 5], list(range(1, 1000)), [1, 1 << 40, 2**63 - 1]]
)
def test_a_set_of_instances_comes_back_as_it_was(refs: list[int]) -> None:
    assert unpack_refs(pack_refs(refs)) == sorted(set(refs))


def test_a_study_of_300_slices_takes_300_bytes() -> None:
    assert len(pack_refs(range(1_000_000, 1_000_300))) < 310
