"""Who is let in: the grid of caller, address, certificate, TLS and switch, to actor or reject code."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from filmless.edge.dimse.addresses import AddressBook
from filmless.edge.dimse.admission import Admission
from filmless.edge.dimse.errors import TLSHandshakeFailed
from filmless.edge.dimse.tls import PeerCertificate
from filmless.features.access import Actor, Permission, system_actor
from filmless.features.nodes import (
    Capability,
    NewNode,
    RefusalReason,
    TLSMode,
    UnknownCaller,
    add_node,
    list_unknown_callers,
)
from filmless.infra.database import Database
from filmless.standards.dicom.upper_layer import AssociateReject, AssociateRequest, UserInformation
from made_certificates import MadeCertificate

CONSOLE = system_actor("console")
OWN, OTHER = MadeCertificate.of("CT1"), MadeCertificate.of("CT2")
PLAIN, NONE_SHOWN = None, PeerCertificate()
SHOWS_OWN = PeerCertificate(OWN.fingerprint, "commonName=CT1")
SHOWS_OTHER = PeerCertificate(OTHER.fingerprint, "commonName=CT2")
HOME, AWAY = "192.0.2.50", "198.51.100.7"
CALLING, CALLED = (1, 1, 3), (1, 1, 7)  # PS3.8 Table 9-21: result, source, reason.

BASE = NewNode("CT1", "ct1.example.org", 104)
ANYWHERE = BASE
AT_HOME = dataclasses.replace(BASE, address_must_match=True)
IN_NETWORK = dataclasses.replace(AT_HOME, addresses=("198.51.100.0/24",))
BY_NUMBER = dataclasses.replace(AT_HOME, host="2001:db8::5")
SWITCHED_OFF = dataclasses.replace(BASE, is_active=False)
TLS_ON = dataclasses.replace(BASE, tls=TLSMode.ON)
TLS_ONLY = dataclasses.replace(BASE, tls=TLSMode.REQUIRED)
BOUND = dataclasses.replace(BASE, tls=TLSMode.ON, certificate_pem=OWN.pem)
BOUND_ONLY = dataclasses.replace(BOUND, tls=TLSMode.REQUIRED)
RENEWING = dataclasses.replace(BOUND_ONLY, certificate_pem=OWN.pem + OTHER.pem)
STRICT = dataclasses.replace(BOUND_ONLY, address_must_match=True)


@dataclass(frozen=True)
class Call:
    """One caller and what becomes of it; `refused` None: let in."""

    what: str
    node: NewNode
    refused: RefusalReason | None
    address: str = HOME
    shows: PeerCertificate | None = PLAIN
    calling: str = "CT1"


GRID = [
    Call("a known title from anywhere", ANYWHERE, None, AWAY),
    Call("a title nobody knows", ANYWHERE, RefusalReason.UNKNOWN_NODE, calling="CT9"),
    Call("a title in other letters", ANYWHERE, RefusalReason.UNKNOWN_NODE, calling="ct1"),
    Call("no title at all", ANYWHERE, RefusalReason.NO_CALLING_AE_TITLE, calling=""),
    Call("a node that is switched off", SWITCHED_OFF, RefusalReason.INACTIVE),
    Call("from its host", AT_HOME, None),
    Call("from elsewhere", AT_HOME, RefusalReason.ADDRESS, AWAY),
    Call("from its network", IN_NETWORK, None, AWAY),
    Call("from its host beside the network", IN_NETWORK, None),
    Call("from outside host and network", IN_NETWORK, RefusalReason.ADDRESS, "203.0.113.1"),
    Call("from its IPv6 host", BY_NUMBER, None, "2001:DB8::5"),
    Call("from its IPv4 host as IPv6 writes it", AT_HOME, None, f"::ffff:{HOME}"),
    Call("from no address", AT_HOME, RefusalReason.ADDRESS, ""),
    Call("TLS where clear text would do", ANYWHERE, None, shows=NONE_SHOWN),
    Call("clear text where TLS would do", TLS_ON, None),
    Call("clear text where TLS must be", TLS_ONLY, RefusalReason.TLS_REQUIRED),
    Call("TLS where TLS must be, no certificate bound", TLS_ONLY, None, shows=NONE_SHOWN),
    Call("its own certificate", BOUND_ONLY, None, shows=SHOWS_OWN),
    Call("another's certificate", BOUND_ONLY, RefusalReason.CERTIFICATE, shows=SHOWS_OTHER),
    Call("no certificate where one is bound", BOUND_ONLY, RefusalReason.CERTIFICATE, shows=NONE_SHOWN),
    Call("clear text where a certificate is bound", BOUND_ONLY, RefusalReason.TLS_REQUIRED),
    Call("clear text where one is bound but TLS is not a must", BOUND, None),
    Call(
        "another's where one is bound but TLS is not a must",
        BOUND,
        RefusalReason.CERTIFICATE,
        shows=SHOWS_OTHER,
    ),
    Call("the old one during a renewal", RENEWING, None, shows=SHOWS_OWN),
    Call("the new one during a renewal", RENEWING, None, shows=SHOWS_OTHER),
    Call("everything right", STRICT, None, shows=SHOWS_OWN),
    Call("the right certificate from elsewhere", STRICT, RefusalReason.ADDRESS, AWAY, SHOWS_OWN),
    Call("the wrong certificate from its host", STRICT, RefusalReason.CERTIFICATE, shows=SHOWS_OTHER),
]


HANDSHAKES = [
    ("CERTIFICATE_VERIFY_FAILED", RefusalReason.CERTIFICATE),
    ("TLSV1_ALERT_UNKNOWN_CA", RefusalReason.OUR_CERTIFICATE),
    ("UNSUPPORTED_PROTOCOL", RefusalReason.TLS_HANDSHAKE),
    ("", RefusalReason.TLS_HANDSHAKE),
]


def a_request(calling: str = "CT1", called: str = "FILMLESS") -> AssociateRequest:
    return AssociateRequest(called, calling, (), UserInformation(16384, "1.2.3", "TEST"))


@pytest.fixture
def admission(sqlite_database: Database) -> Iterator[Admission]:
    """By the settings as they are when nobody touches them."""
    made = an_admission(sqlite_database)
    yield made
    made.close()


def an_admission(database: Database, *, must_match: bool = False, accept_unknown: bool = False) -> Admission:
    def ask(host: str) -> frozenset[str]:
        return frozenset({HOME}) if host == "ct1.example.org" else frozenset()

    return Admission(database, "FILMLESS", must_match, accept_unknown, AddressBook(ask))


def code(answer: Actor | AssociateReject) -> tuple[int, int, int] | None:
    return (answer.result, answer.source, answer.reason) if isinstance(answer, AssociateReject) else None


def turned_away(admission: Admission) -> list[UnknownCaller]:
    admission.close()
    return list_unknown_callers(admission.database, CONSOLE)


@pytest.mark.parametrize("call", GRID, ids=lambda call: call.what)
def test_the_grid_of_callers(admission: Admission, call: Call) -> None:
    add_node(admission.database, CONSOLE, call.node)
    answer = admission.of(a_request(call.calling), f"{call.address}:40000", call.shows)
    assert code(answer) == (None if call.refused is None else CALLING)
    assert [each.last.reason for each in turned_away(admission)] == [call.refused] * (
        call.refused is not None
    )


def test_every_reason_to_refuse_is_in_a_test() -> None:
    elsewhere = {RefusalReason.CALLED_AE_TITLE, *(reason for _, reason in HANDSHAKES)}
    assert {call.refused for call in GRID if call.refused} | elsewhere == set(RefusalReason)


@pytest.mark.parametrize(
    ("must_match", "called", "expected"),
    [(False, "ANY-SCP", None), (True, "FILMLESS", None), (True, "ANY-SCP", CALLED), (True, "", CALLED)],
)
def test_the_called_title_counts_where_the_setting_says_so(
    sqlite_database: Database, must_match: bool, called: str, expected: tuple[int, int, int] | None
) -> None:
    add_node(sqlite_database, CONSOLE, BASE)
    admission = an_admission(sqlite_database, must_match=must_match)
    assert code(admission.of(a_request(called=called), f"{HOME}:1")) == expected
    assert len(turned_away(admission)) == (expected is not None)


@pytest.mark.parametrize("capability", list(Capability))
def test_a_node_may_do_what_its_capabilities_say_and_no_more(
    admission: Admission, capability: Capability
) -> None:
    new_node = dataclasses.replace(BASE, capabilities=frozenset({capability}))
    node = add_node(admission.database, CONSOLE, new_node)
    actor = admission.of(a_request(), f"{HOME}:1")
    assert isinstance(actor, Actor)
    assert actor.permissions == node.permissions
    assert len(actor.permissions) == 1
    assert (actor.name, actor.address) == ("CT1", f"{HOME}:1")


def test_a_node_without_capabilities_may_come_in_and_do_nothing(admission: Admission) -> None:
    add_node(admission.database, CONSOLE, dataclasses.replace(BASE, capabilities=frozenset()))
    actor = admission.of(a_request(), f"{HOME}:1")
    assert isinstance(actor, Actor)
    assert actor.permissions == frozenset()


def test_where_strangers_are_welcome_they_may_do_what_any_node_may(sqlite_database: Database) -> None:
    admission = an_admission(sqlite_database, accept_unknown=True)
    actor = admission.of(a_request("STRANGER"), f"{AWAY}:1")
    assert isinstance(actor, Actor)
    assert Permission.STUDIES_STORE in actor.permissions
    assert turned_away(admission) == []


def test_where_strangers_are_welcome_a_known_title_must_still_be_itself(sqlite_database: Database) -> None:
    add_node(sqlite_database, CONSOLE, STRICT)
    admission = an_admission(sqlite_database, accept_unknown=True)
    assert code(admission.of(a_request(), f"{AWAY}:1", SHOWS_OWN)) == CALLING
    assert code(admission.of(a_request("STRANGER"), f"{AWAY}:1")) is None
    assert len(turned_away(admission)) == 1


@pytest.mark.parametrize(("openssl", "reason"), HANDSHAKES)
def test_a_caller_who_never_told_its_title_is_listed_by_its_address(
    admission: Admission, openssl: str, reason: RefusalReason
) -> None:
    admission.no_tls(f"{AWAY}:4242", TLSHandshakeFailed("No TLS connection.", openssl))
    (caller,) = turned_away(admission)
    assert (caller.last.calling_ae_title, caller.last.address) == ("", AWAY)
    assert caller.last.reason is reason


def test_the_list_shows_what_the_caller_showed(admission: Admission) -> None:
    for port in (1, 2, 3):
        admission.of(a_request("CT7", "OTHER"), f"{AWAY}:{port}", SHOWS_OWN)
    (caller,) = turned_away(admission)
    assert (caller.last.called_ae_title, caller.last.certificate_fingerprint) == ("OTHER", OWN.fingerprint)
    assert caller.calls == 3
