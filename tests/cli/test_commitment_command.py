"""What an administrator reads about storage commitment."""

import io

import pytest
from rich.console import Console

from builders import CT_IMAGE_STORAGE, ROOT
from filmless.cli.commitment import list_commitments, retry_commitment, show_failures
from filmless.features.access import node_actor, system_actor
from filmless.features.archive import InstanceReference
from filmless.features.commitment import (
    CommitmentNotFound,
    ask_commitment,
    asking_failed,
    receive_request,
    reporting_failed,
)
from filmless.features.nodes import NewNode, add_node
from filmless.infra.database import Database
from filmless.infra.errors import Invalid

US = system_actor("test")
ONE, TWO = (InstanceReference(CT_IMAGE_STORAGE, f"{ROOT}.{number}") for number in (1, 2))


def listed(database: Database, state: str | None = None) -> str:
    console = Console(file=io.StringIO(), width=200)
    list_commitments(database, state, 50, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_both_directions_are_listed_and_either_is_retried(sqlite_database: Database) -> None:
    database = sqlite_database
    add_node(database, US, NewNode("REMOTE", "remote.example.org", 104))
    of_us = receive_request(database, node_actor("CT1", ""), "2.25.1", [ONE])
    by_us = ask_commitment(database, US, "REMOTE", [ONE])
    said = listed(database)
    assert "Asked of us: 1." in said
    assert of_us in said
    assert "CT1" in said
    assert "Asked by us: 1." in said
    assert by_us in said
    reporting_failed(database, US, of_us, "Register [it] first.", give_up=True)
    asking_failed(database, US, by_us, "It cannot be reached.", give_up=True)
    parked = listed(database, "parked")
    assert "Register [it] first." in parked
    assert "It cannot be reached." in parked
    for request_id in (of_us, by_us):
        retry_commitment(database, request_id)
    assert "Asked of us: 0." in listed(database, "parked")


def test_what_is_not_committed_is_shown_with_its_reason(sqlite_database: Database) -> None:
    node = node_actor("CT1", "")
    receive_request(sqlite_database, node, "2.25.1", [ONE])
    twice = receive_request(sqlite_database, node, "2.25.1", [ONE, TWO])
    console = Console(file=io.StringIO(), width=200)
    show_failures(sqlite_database, twice, console)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert ONE.sop_instance_uid in said
    assert "the Transaction UID is in use for other instances (0131)" in said
    assert "2 instances are not committed." in said
    with pytest.raises(CommitmentNotFound):
        show_failures(sqlite_database, "nobody", console)


def test_a_state_of_one_direction_leaves_the_other_out(sqlite_database: Database) -> None:
    assert "Asked of us" not in listed(sqlite_database, "overdue")
    assert "Asked by us" not in listed(sqlite_database, "verifying")


def test_what_there_is_not_is_said_in_plain_words(sqlite_database: Database) -> None:
    with pytest.raises(Invalid, match="received, verifying"):
        listed(sqlite_database, "lost")
    with pytest.raises(CommitmentNotFound):
        retry_commitment(sqlite_database, "nobody")
