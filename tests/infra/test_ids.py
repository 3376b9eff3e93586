"""Identifiers sort by time and are safe as names."""

import pytest

from filmless.infra.ids import is_id, new_id


def test_ids_are_unique_and_sort_by_the_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for millisecond in range(1_700_000_000_000, 1_700_000_000_100):
        monkeypatch.setattr("time.time_ns", lambda now=millisecond: now * 1_000_000)
        made.append(new_id())
    assert made == sorted(made)
    assert len({new_id() for _ in range(1000)}) == 1000
    assert all(is_id(each) for each in made)


@pytest.mark.parametrize(
    "text", ["", "0" * 25, "0" * 27, "A" * 26, "i" * 26, "../" + "0" * 23, "0" * 25 + "\n", "é" * 26]
)
def test_anything_else_is_no_id(text: str) -> None:
    assert not is_id(text)
