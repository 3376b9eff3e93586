"""Registering DICOM peers."""

import dataclasses

import pytest

from filmless.features.access import Permission, Role, system_actor, user_actor
from filmless.features.audit import AuditEvent, AuditFilter, find_records
from filmless.features.nodes import (
    ALL_CAPABILITIES,
    AETitleTaken,
    Capability,
    NewNode,
    NodeNotFound,
    TLSMode,
    add_node,
    find_node,
    get_node,
    list_bound_certificates,
    list_destinations,
    list_nodes,
    nodes_permitting,
    parse_ae_title,
    remove_node,
    update_node,
)
from filmless.infra.database import Database
from filmless.infra.errors import Invalid, NotPermitted
from frozen_clock import FrozenClock
from made_certificates import MadeCertificate

CONSOLE = system_actor("console")
CT1 = NewNode("CT1", "ct1.example.org", 104, "CT, room 1")
CERTIFICATE = MadeCertificate.of("CT1")
FULL = NewNode(
    "CT1",
    "ct1.example.org",
    104,
    "CT, room 1",
    capabilities=frozenset({Capability.STORE, Capability.WORKLIST}),
    is_active=False,
    address_must_match=True,
    addresses=("192.0.2.0/24", "2001:db8::1"),
    tls=TLSMode.REQUIRED,
    certificate_pem=CERTIFICATE.pem,
    associations_max=3,
    preferred_transfer_syntaxes=("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.1"),
    commits_on_same_association=True,
)


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
        NewNode("CT1", "localhost", 104, associations_max=0),
        NewNode("CT1", "localhost", 104, associations_max=17),
        NewNode("CT1", "localhost", 104, addresses=("192.0.2.0/33",)),
        NewNode("CT1", "localhost", 104, addresses=("ct1.example.org",)),
        NewNode("CT1", "localhost", 104, addresses=tuple(f"192.0.2.{n}" for n in range(33))),
        NewNode("CT1", "localhost", 104, preferred_transfer_syntaxes=("1.2.3",)),
        NewNode("CT1", "localhost", 104, certificate_pem="no certificate"),
        NewNode("CT1", "localhost", 104, certificate_pem=CERTIFICATE.key_pem),
        NewNode("CT1", "localhost", 104, certificate_pem=CERTIFICATE.pem + CERTIFICATE.key_pem),
        NewNode("CT1", "localhost", 104, certificate_pem=CERTIFICATE.pem.replace("M", "", 1)),
        NewNode(
            "CT1",
            "localhost",
            104,
            certificate_pem="".join(MadeCertificate.of(f"X{number}").pem for number in range(5)),
        ),
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
        lambda: update_node(database, bert, CT1),
        lambda: remove_node(database, bert, "CT1"),
        lambda: list_nodes(database, bert),
        lambda: nodes_permitting(database, bert, Capability.STORE),
        lambda: list_destinations(database, user_actor("program", Role.SERVICE, "")),
    ):
        with pytest.raises(NotPermitted):
            forbidden()
    add_node(database, CONSOLE, CT1)
    update_node(database, CONSOLE, FULL)
    remove_node(database, CONSOLE, "CT1")
    records, _ = find_records(database, CONSOLE, AuditFilter(event=AuditEvent.SECURITY_ALERT), 10, 0)
    assert [(it.action, it.details["ae_title"]) for it in reversed(records)] == [
        ("C", "CT1"),
        ("U", "CT1"),
        ("D", "CT1"),
    ]
    changed = records[1].details
    assert changed["changed"] == [
        "capabilities",
        "is_active",
        "address_must_match",
        "addresses",
        "tls",
        "certificate_pem",
        "associations_max",
        "preferred_transfer_syntaxes",
        "commits_on_same_association",
    ]
    assert changed["certificate_fingerprints"] == [CERTIFICATE.fingerprint]


def test_every_part_is_found_again_as_registered(database: Database) -> None:
    node = add_node(database, CONSOLE, FULL)
    assert get_node(database, "CT1") == node
    for each in dataclasses.fields(NewNode):
        assert getattr(node, each.name) == getattr(FULL, each.name), each.name


def test_a_node_of_three_words_may_do_everything_from_anywhere_in_clear_text(database: Database) -> None:
    node = add_node(database, CONSOLE, NewNode("CT1", "localhost", 104))
    assert node.capabilities == ALL_CAPABILITIES
    assert node.permissions == frozenset(
        {
            Permission.STUDIES_READ,
            Permission.STUDIES_RETRIEVE,
            Permission.STUDIES_STORE,
            Permission.STUDIES_COMMIT,
            Permission.WORKLIST_READ,
            Permission.PERFORMED_STEPS_WRITE,
        }
    )
    assert (node.is_active, node.address_must_match, node.tls) == (True, False, TLSMode.OFF)
    assert node.certificate_fingerprints == ()


def test_a_node_that_is_switched_off_may_do_nothing_and_is_nobody_s_destination(database: Database) -> None:
    add_node(database, CONSOLE, dataclasses.replace(CT1, is_active=False))
    add_node(database, CONSOLE, NewNode("CT2", "localhost", 104, "room 2"))
    assert get_node(database, "CT1").permissions == frozenset()
    bert = user_actor("bert", Role.RADIOLOGIST, "")
    assert [(it.ae_title, it.description) for it in list_destinations(database, bert)] == [("CT2", "room 2")]
    assert [it.ae_title for it in nodes_permitting(database, CONSOLE, Capability.FIND)] == ["CT2"]


def test_a_node_is_changed_as_a_whole_and_keeps_its_age(database: Database, clock: FrozenClock) -> None:
    held = add_node(database, CONSOLE, FULL)
    clock.advance(60)
    changed = update_node(database, CONSOLE, dataclasses.replace(held, port=11112, certificate_pem=""))
    assert get_node(database, "CT1") == changed
    assert (changed.port, changed.certificate_fingerprints) == (11112, ())
    assert (changed.created_at, changed.updated_at) == (held.created_at, clock.now())
    with pytest.raises(NodeNotFound):
        update_node(database, CONSOLE, NewNode("CT9", "localhost", 104))
    with pytest.raises(Invalid):
        update_node(database, CONSOLE, dataclasses.replace(held, port=0))
    assert get_node(database, "CT1") == changed


def test_what_is_bound_is_kept_once_without_what_stands_around_it(database: Database) -> None:
    other = MadeCertificate.of("CT1 from next month")
    pem = f"subject=CN = CT1\n{CERTIFICATE.pem}\n\n{other.pem}{CERTIFICATE.pem}"
    node = add_node(database, CONSOLE, dataclasses.replace(CT1, certificate_pem=pem))
    assert node.certificate_pem == CERTIFICATE.pem + other.pem
    assert node.certificate_fingerprints == (CERTIFICATE.fingerprint, other.fingerprint)


def test_only_what_is_bound_to_an_active_node_is_trusted(database: Database) -> None:
    add_node(database, CONSOLE, FULL)
    assert list_bound_certificates(database) == []
    update_node(database, CONSOLE, dataclasses.replace(FULL, is_active=True))
    assert list_bound_certificates(database) == [CERTIFICATE.pem]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ((), ()),
        (("192.0.2.1",), ("192.0.2.1",)),
        ((" 192.0.2.1/32 ", "192.0.2.1"), ("192.0.2.1",)),
        (("192.0.2.77/24",), ("192.0.2.0/24",)),
        (("2001:DB8:0::1",), ("2001:db8::1",)),
        (("2001:db8::/32",), ("2001:db8::/32",)),
    ],
)
def test_addresses_are_kept_in_one_form(
    database: Database, given: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    assert add_node(database, CONSOLE, dataclasses.replace(CT1, addresses=given)).addresses == kept
