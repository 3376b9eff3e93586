"""Those who were turned away: one row each, bounded, cleaned, struck off when they are let in."""

import pytest

from filmless.features.access import Role, system_actor, user_actor
from filmless.features.audit import AuditEvent, AuditFilter, AuditRecord, find_records
from filmless.features.nodes import (
    NewNode,
    Refusal,
    RefusalReason,
    UnknownCallerNotFound,
    add_node,
    forget_unknown_caller,
    list_unknown_callers,
    note_refusals,
    update_node,
)
from filmless.infra import limits
from filmless.infra.database import Database
from filmless.infra.errors import NotPermitted
from frozen_clock import FrozenClock

CONSOLE = system_actor("console")


def a_refusal(
    title: str = "CT9", address: str = "192.0.2.9", reason: RefusalReason = RefusalReason.UNKNOWN_NODE
) -> Refusal:
    return Refusal(title, address, "FILMLESS", reason)


def listed(database: Database) -> list[tuple[str, str, int]]:
    return [
        (each.last.calling_ae_title, each.last.address, each.calls)
        for each in list_unknown_callers(database, CONSOLE)
    ]


def alerts(database: Database) -> list[AuditRecord]:
    return find_records(database, CONSOLE, AuditFilter(event=AuditEvent.SECURITY_ALERT), 1000, 0)[0]


def test_a_caller_has_one_row_with_its_first_and_last_call(database: Database, clock: FrozenClock) -> None:
    first = clock.now()
    note_refusals(database, {a_refusal(): 2})
    clock.advance(3600)
    note_refusals(database, {a_refusal(reason=RefusalReason.ADDRESS): 3})
    (caller,) = list_unknown_callers(database, CONSOLE)
    assert caller.calls == 5
    assert (caller.first_seen_at, caller.last_seen_at) == (first, clock.now())
    assert caller.last == a_refusal(reason=RefusalReason.ADDRESS)


def test_the_same_title_at_another_address_is_another_caller_and_the_latest_comes_first(
    database: Database, clock: FrozenClock
) -> None:
    note_refusals(database, {a_refusal(): 1})
    clock.advance(1)
    note_refusals(database, {a_refusal(address="2001:db8::9"): 1})
    assert listed(database) == [("CT9", "2001:db8::9", 1), ("CT9", "192.0.2.9", 1)]


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("\x1b[31mCT9\n", "?[31mCT9?"),
        ("<script>alert(1)</script>", "<script>alert(1)"),
        ("X" * 1000, "X" * 16),
        ("CT\x00\ud800Ü", "CT???"),
        ("", ""),
    ],
    ids=ascii,
)
def test_what_a_stranger_says_is_cleaned(database: Database, title: str, kept: str) -> None:
    note_refusals(database, {a_refusal(title, "198.51.100.7" * 20): 1})
    ((listed_title, address, _),) = listed(database)
    assert listed_title == kept
    assert len(address) <= 64


def test_titles_that_look_alike_when_cleaned_are_one_caller(database: Database) -> None:
    note_refusals(database, {a_refusal("CT\x01"): 1, a_refusal("CT\x02"): 2})
    assert listed(database) == [("CT?", "192.0.2.9", 3)]


def test_the_list_is_bounded_and_forgets_the_longest_silent(
    database: Database, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(limits, "UNKNOWN_CALLERS_MAX", 3)
        for number in range(5):
            clock.advance(1)
            note_refusals(database, {a_refusal(f"CT{number}"): 1})
    assert [title for title, _, _ in listed(database)] == ["CT4", "CT3", "CT2"]


def test_each_refusal_is_a_security_alert_of_node_authentication(database: Database) -> None:
    note_refusals(database, {a_refusal(): 7})
    (alert,) = alerts(database)
    assert (alert.actor_kind, alert.actor, alert.address) == ("node", "CT9", "192.0.2.9")
    assert (alert.action, alert.outcome) == ("E", 4)
    assert alert.details == {
        "type": "110126",
        "called_ae_title": "FILMLESS",
        "reason": "unknown_node",
        "calls": 7,
    }


def test_many_at_once_leave_a_few_records_and_their_sum(database: Database) -> None:
    note_refusals(database, {a_refusal(f"CT{number}"): number for number in range(1, 31)})
    records = alerts(database)
    assert len(records) == 9
    assert sum(int(str(each.details["calls"])) for each in records) == sum(range(1, 31))
    assert len(listed(database)) == 30


def test_nothing_to_note_writes_nothing(database: Database) -> None:
    note_refusals(database, {})
    assert listed(database) == []
    assert alerts(database) == []


def test_who_is_registered_or_changed_is_no_unknown_caller_any_more(database: Database) -> None:
    note_refusals(database, {a_refusal(): 1, a_refusal(address="2001:db8::9"): 1, a_refusal("CT8"): 1})
    add_node(database, CONSOLE, NewNode("CT9", "192.0.2.9", 104))
    assert [title for title, _, _ in listed(database)] == ["CT8"]
    note_refusals(database, {a_refusal("", reason=RefusalReason.CERTIFICATE): 1})
    update_node(database, CONSOLE, NewNode("CT9", "192.0.2.9", 105))
    assert [title for title, _, _ in listed(database)] == ["CT8"]


def test_one_may_be_struck_off_and_returns_when_it_calls_again(database: Database) -> None:
    note_refusals(database, {a_refusal(): 1})
    with pytest.raises(UnknownCallerNotFound):
        forget_unknown_caller(database, CONSOLE, "CT9", "192.0.2.8")
    forget_unknown_caller(database, CONSOLE, "CT9", "192.0.2.9")
    assert listed(database) == []
    with pytest.raises(UnknownCallerNotFound):
        forget_unknown_caller(database, CONSOLE, "CT9", "192.0.2.9")
    note_refusals(database, {a_refusal(): 1})
    assert listed(database) == [("CT9", "192.0.2.9", 1)]


def test_the_list_is_for_administrators(database: Database) -> None:
    bert = user_actor("bert", Role.TECHNOLOGIST, "")
    with pytest.raises(NotPermitted):
        list_unknown_callers(database, bert)
    with pytest.raises(NotPermitted):
        forget_unknown_caller(database, bert, "CT9", "192.0.2.9")
