"""Registering DICOM peers."""

import pytest

from filmless.features.access import Role, system_actor, user_actor
from filmless.features.audit import AuditEvent, AuditFilter, find_records
from filmless.features.nodes import (
    AETitleTaken,
    NewNode,
    NodeNotFound,
    add_node,
    find_node,
    get_node,
    list_nodes,
    parse_ae_title,
    remove_node,
)
from filmless.infra.database import Database
from filmless.infra.errors import Invalid, NotPermitted

CONSOLE = system_actor("console")
CT1 = NewNode("CT1", "ct1.example.org", 104, "CT, room 1")


@pytest.mark.parametrize(
    ("text", "title"), [("CT1", "CT1"), ("  CT 1  ", "CT 1"), ("X" * 16, "X" * 16), ("a_b-c.d", "a_b-c.d")]
)
def test_an_ae_title_loses_the_spaces_around_it(text: str, title: str) -> None:
    assert parse_ae_title(text) == title


@pytest.mark.parametrize("text", ["", "    ", "X" * 17, "A\\B", "A\nB", "A\x00", "ÄÖ", "A\x7f"], ids=ascii)
def test_what_is_no_ae_title_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_ae_title(text)


@pytest.mark.parametrize(
    "host", ["localhost", "ct1.example.org", "192.0.2.50", "2001:db8::1", "fe80::1%eth0", "CT_1"]
)
def test_a_node_is_found_again_as_registered(database: Database, host: str) -> None:
    node = add_node(database, CONSOLE, NewNode(" CT1 ", f" {host} ", 104, " CT, room 1 "))
    assert (node.ae_title, node.host, node.port, node.description) == ("CT1", host, 104, "CT, room 1")
    assert get_node(database, "CT1 ") == find_node(database, "CT1") == node
    assert list_nodes(database, CONSOLE) == [node]


@pytest.mark.parametrize(
    "wrong",
    [
        NewNode("", "localhost", 104),
        NewNode("CT1", "", 104),
        NewNode("CT1", "a b", 104),
        NewNode("CT1", "http://x", 104),
        NewNode("CT1", "-x", 104),
        NewNode("CT1", "x" * 254, 104),
        NewNode("CT1", "localhost", 0),
        NewNode("CT1", "localhost", 65536),
        NewNode("CT1", "localhost", 104, "two\nlines"),
    ],
)
def test_a_node_with_a_wrong_part_is_refused(database: Database, wrong: NewNode) -> None:
    with pytest.raises(Invalid):
        add_node(database, CONSOLE, wrong)
    assert list_nodes(database, CONSOLE) == []


def test_an_ae_title_is_registered_once_and_case_matters(database: Database) -> None:
    add_node(database, CONSOLE, CT1)
    with pytest.raises(AETitleTaken):
        add_node(database, CONSOLE, CT1)
    add_node(database, CONSOLE, NewNode("ct1", "localhost", 105))
    assert [node.port for node in list_nodes(database, CONSOLE)] == [104, 105]


def test_a_removed_node_is_unknown(database: Database) -> None:
    add_node(database, CONSOLE, CT1)
    remove_node(database, CONSOLE, "CT1")
    assert find_node(database, "CT1") is None
    assert find_node(database, "no\\title") is None
    with pytest.raises(NodeNotFound):
        get_node(database, "CT1")
    with pytest.raises(NodeNotFound):
        remove_node(database, CONSOLE, "CT1")


def test_changes_need_the_permission_and_are_audited(database: Database) -> None:
    bert = user_actor("bert", Role.RADIOLOGIST, "")
    for forbidden in (
        lambda: add_node(database, bert, CT1),
        lambda: remove_node(database, bert, "CT1"),
        lambda: list_nodes(database, bert),
    ):
        with pytest.raises(NotPermitted):
            forbidden()
    add_node(database, CONSOLE, CT1)
    remove_node(database, CONSOLE, "CT1")
    records, _ = find_records(database, CONSOLE, AuditFilter(event=AuditEvent.SECURITY_ALERT), 10, 0)
    assert [(it.action, it.details["ae_title"]) for it in reversed(records)] == [("C", "CT1"), ("D", "CT1")]
