"""Who is turned away is written down seldom, whole, and never at the caller's cost."""

import threading

from filmless.edge.dimse.turned_away import TurnedAway
from filmless.features.access import system_actor
from filmless.features.audit import AuditEvent, AuditFilter, find_records
from filmless.features.nodes import Refusal, RefusalReason, list_unknown_callers
from filmless.infra import limits
from filmless.infra.database import Database
from frozen_clock import FrozenClock

CONSOLE = system_actor("console")


def a_refusal(title: str = "CT9", address: str = "192.0.2.9") -> Refusal:
    return Refusal(title, address, "FILMLESS", RefusalReason.UNKNOWN_NODE)


def alerts(database: Database) -> int:
    return find_records(database, CONSOLE, AuditFilter(event=AuditEvent.SECURITY_ALERT), 1000, 0)[1]


def calls(database: Database) -> list[int]:
    return [each.calls for each in list_unknown_callers(database, CONSOLE)]


def note(turned_away: TurnedAway) -> list[threading.Timer]:
    """The threads that one more refusal starts."""
    before = set(threading.enumerate())
    turned_away.note(a_refusal())
    new = set(threading.enumerate()) - before
    return [thread for thread in new if isinstance(thread, threading.Timer)]


def test_a_caller_in_a_loop_costs_one_row_and_few_writings(sqlite_database: Database) -> None:
    turned_away = TurnedAway(sqlite_database)
    for _ in range(1000):
        turned_away.note(a_refusal())
    turned_away.close()
    (caller,) = list_unknown_callers(sqlite_database, CONSOLE)
    assert caller.calls == 1000
    assert alerts(sqlite_database) <= 2  # At once for the first, and what came until the end.


def test_the_first_is_written_by_itself_and_the_next_when_some_time_has_passed(
    sqlite_database: Database,
) -> None:
    turned_away = TurnedAway(sqlite_database)
    for writing in note(turned_away):  # None, if it was so quick that it has ended.
        writing.join(30)
    turned_away.write()  # Waits for one that is under way.
    assert calls(sqlite_database) == [1]
    (waiting,) = note(turned_away)
    assert waiting.interval > limits.REFUSAL_WRITE_SECONDS_MIN / 2
    assert calls(sqlite_database) == [1]
    turned_away.close()
    assert calls(sqlite_database) == [2]
    assert note(turned_away) == []  # Nothing is begun after the end.


def test_a_flood_of_invented_titles_is_counted_not_kept(sqlite_database: Database) -> None:
    turned_away = TurnedAway(sqlite_database)
    for number in range(20 * limits.REFUSALS_HELD_MAX):
        turned_away.note(a_refusal(f"X{number}"))
    turned_away.close()
    listed = list_unknown_callers(sqlite_database, CONSOLE)
    assert len(listed) <= 2 * limits.REFUSALS_HELD_MAX
    assert alerts(sqlite_database) <= 20


def test_a_database_in_trouble_is_no_trouble_of_the_caller() -> None:
    nowhere = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing", FrozenClock())
    turned_away = TurnedAway(nowhere)
    turned_away.note(a_refusal())
    turned_away.close()
    nowhere.close()
