"""Facts: announced with what made them true, told afterwards, and once where several count as one."""

from dataclasses import dataclass
from typing import Any

import pytest

from filmless.infra.database import Database, Transaction
from filmless.infra.outbox import announce, dispatch, once_for


@dataclass(frozen=True)
class ShelfGrew:
    """A fact for these tests."""

    shelf: int
    books: int


def announce_all(database: Database, *facts: ShelfGrew) -> None:
    with database.transaction() as tx:
        for fact in facts:
            announce(tx, fact)


def test_a_fact_of_a_transaction_that_failed_is_never_told(database: Database) -> None:
    told: list[dict[str, Any]] = []

    def fail() -> None:
        with database.transaction() as tx:
            announce(tx, ShelfGrew(1, 1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert dispatch(database, {"ShelfGrew": [lambda _, fact: told.append(fact)]}) == 0
    assert told == []


def test_every_fact_is_told_in_order_and_only_once(database: Database) -> None:
    told: list[int] = []
    announce_all(database, *(ShelfGrew(1, number) for number in range(5)))
    reactions = {"ShelfGrew": [lambda _, fact: told.append(fact["books"])]}
    assert dispatch(database, reactions) == 5
    assert dispatch(database, reactions) == 0
    assert told == [0, 1, 2, 3, 4]


def test_facts_that_count_as_one_are_told_once_for_each_key(database: Database) -> None:
    counted: list[int] = []
    every: list[int] = []

    @once_for("shelf")
    def count(_: Transaction, fact: dict[str, Any]) -> None:
        counted.append(fact["shelf"])

    def see(_: Transaction, fact: dict[str, Any]) -> None:
        every.append(fact["shelf"])

    announce_all(database, ShelfGrew(1, 1), ShelfGrew(2, 1), ShelfGrew(1, 2), ShelfGrew(1, 3))
    assert dispatch(database, {"ShelfGrew": [count, see]}) == 4
    assert counted == [1, 2]
    assert every == [1, 2, 1, 1]
    announce_all(database, ShelfGrew(1, 4))
    dispatch(database, {"ShelfGrew": [count, see]})
    assert counted == [1, 2, 1]
