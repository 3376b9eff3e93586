"""Hosts and their addresses: asked seldom, waited for briefly, remembered when nobody answers."""

import threading

import pytest

from filmless.edge.dimse.addresses import AddressBook
from filmless.infra import limits


class NameServer:
    """Answers from a table, counts, and may be told to keep silent."""

    def __init__(self) -> None:
        self.known = {"ct1": frozenset({"192.0.2.1"})}
        self.asked = 0
        self.speaks = threading.Event()
        self.speaks.set()

    def __call__(self, host: str) -> frozenset[str]:
        self.asked += 1
        self.speaks.wait(30)
        if host not in self.known:
            raise OSError("unknown host")
        return self.known[host]


@pytest.mark.parametrize("address", ["192.0.2.9", "2001:db8::9", "fe80::1%eth0"])
def test_an_address_is_itself_and_nobody_is_asked(address: str) -> None:
    names = NameServer()
    assert AddressBook(names).addresses_of(address) == {address}
    assert names.asked == 0


def test_a_name_is_asked_once_and_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    names = NameServer()
    book = AddressBook(names)
    assert [book.addresses_of("ct1") for _ in range(5)] == [{"192.0.2.1"}] * 5
    assert names.asked == 1
    assert book.addresses_of("nobody") == book.addresses_of("nobody") == frozenset()
    assert names.asked == 2
    monkeypatch.setattr(limits, "NAME_KNOWN_SECONDS_MAX", 0)
    book = AddressBook(names)
    names.known["ct1"] = frozenset({"192.0.2.2"})
    book.addresses_of("ct1")
    names.known["ct1"] = frozenset({"192.0.2.3"})
    assert book.addresses_of("ct1") == {"192.0.2.3"}


def test_what_was_known_counts_while_the_name_server_fails_or_keeps_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "NAME_KNOWN_SECONDS_MAX", 0)
    monkeypatch.setattr(limits, "NAME_LOOKUP_SECONDS_MAX", 0.01)
    names = NameServer()
    book = AddressBook(names)
    while not book.addresses_of("ct1"):
        pass
    del names.known["ct1"]
    assert book.addresses_of("ct1") == {"192.0.2.1"}
    names.speaks.clear()
    asked_before = names.asked
    assert [book.addresses_of("ct1") for _ in range(5)] == [{"192.0.2.1"}] * 5
    assert names.asked <= asked_before + 1  # One thread waits, not five.
    names.speaks.set()


def test_a_silent_name_server_pins_a_bounded_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NAME_LOOKUP_SECONDS_MAX", 0)
    names = NameServer()
    names.speaks.clear()
    book = AddressBook(names)
    for number in range(5 * limits.NAME_LOOKUPS_AT_ONCE_MAX):
        assert book.addresses_of(f"host-{number}") == frozenset()
    assert names.asked <= limits.NAME_LOOKUPS_AT_ONCE_MAX
    names.speaks.set()
