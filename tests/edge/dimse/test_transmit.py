"""The queue on the wire: peers that are down, full, picky or gone in mid-way; each instance arrives once.

The facts are told and the jobs run by a worker of the test, on a clock of the test; peers are real sockets.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any

import pydicom
import pytest

from builders import CT_IMAGE_STORAGE, a_ct_slice, encoded, part10
from filmless.edge.dimse import transmit
from filmless.features import routing
from filmless.features.archive import receive_part10
from filmless.features.commitment import ASK_COMMITMENT
from filmless.features.nodes import remove_node
from filmless.features.routing import State, Transmission
from filmless.infra import limits
from filmless.infra.jobs import find_jobs
from filmless.standards.dicom.deidentification import Option
from filmless.standards.dicom.upper_layer import SyntaxOffer
from routing_house import ME, ROOT, House, house, sandbox
from storing_peer import StoringPeer

__all__ = ["house", "sandbox"]  # Fixtures.


def uids(*numbers: int) -> list[str]:
    return [f"{ROOT}.1.1.{number}" for number in numbers]


def test_a_study_arrives_byte_for_byte(house: House) -> None:
    house.holds(3)
    with StoringPeer() as peer:
        house.knows("ARCHIVE", peer.port)
        sent = house.sends()
        house.works()
    assert [one.data_set for one in peer.received] == [encoded(a_ct_slice(number)) for number in (1, 2, 3)]
    done = house.now(sent)
    assert (done.state, done.instances_sent, done.last_error) == (State.DONE, 3, "")
    house.works(3600)
    assert len(peer.received) == 3


def test_rules_send_what_came_and_later_what_came_late(house: House) -> None:
    with StoringPeer() as peer:
        house.knows("ARCHIVE", peer.port)
        delivery = routing.Delivery(("ARCHIVE",), quiet_seconds=60)
        routing.add_rule(house.database, ME, routing.NewRule("all", delivery))
        house.holds(2)
        house.works()
        assert not peer.received
        house.works(61)
        assert peer.received_uids() == uids(1, 2)
        house.holds(2, first=3)
        house.works()
        house.works(61)
        house.works(3600)
    assert peer.received_uids() == uids(1, 2, 3, 4)


def test_a_peer_that_is_down_gets_it_later_once(house: House) -> None:
    house.holds(3)
    with StoringPeer() as gone:
        house.knows("ARCHIVE", gone.port)
    sent = house.sends()
    house.works()
    waiting = house.now(sent)
    assert waiting.state is State.WAITING
    assert "cannot be reached" in waiting.last_error
    house.works(16)
    assert house.now(sent).attempts == 2
    with StoringPeer() as peer:
        house.knows("ARCHIVE", peer.port)
        house.works(61)
        house.works(3600)
    assert peer.received_uids() == uids(1, 2, 3)
    assert house.now(sent).state is State.DONE


def test_after_a_peer_died_in_mid_way_only_the_rest_is_sent(house: House) -> None:
    house.holds(10)
    # Nobody can say whether the one that was under way has arrived: it is sent again.
    with StoringPeer(answer=lambda number: (0, "") if number <= 4 else None) as dying:
        house.knows("ARCHIVE", dying.port)
        sent = house.sends()
        house.works()
    held = house.now(sent)
    assert (held.state, held.instances_sent) == (State.WAITING, 4)
    with StoringPeer() as peer:
        house.knows("ARCHIVE", peer.port)
        house.works(3600)
    assert sorted(peer.received_uids()) == sorted(uids(5, 6, 7, 8, 9, 10))
    assert house.now(sent).state is State.DONE


class Killed(BaseException):
    """Stands for the end of the process: no handler of ours may see to it."""


def test_after_our_own_worker_died_only_the_rest_is_sent(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.holds(10)
    monkeypatch.setattr(transmit, "PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr(transmit, "SIGN_OF_LIFE_SECONDS", 0.0)
    kill = KillAfter(4)
    with StoringPeer(answer=kill.answer) as peer:
        house.knows("ARCHIVE", peer.port)
        sent = house.sends()
        house.progress.record = kill.record_progress
        with pytest.raises(Killed):
            house.works()
        house.progress.record = routing.record_progress
        known = house.now(sent)
        assert (known.state, known.instances_sent) == (State.SENDING, kill.noted)
        house.works(60)  # Its lease still lasts.
        before = len(peer.received)
        house.works(61)
        house.works(130)
    assert before < len(peer.received)
    assert house.now(sent).state is State.DONE
    assert set(peer.received_uids()) == set(uids(*range(1, 11)))
    again = peer.received_uids()[before:]
    assert len(again) == 10 - kill.noted


class KillAfter:
    """Lets so many instances be noted, then ends the worker at its next word."""

    def __init__(self, instances: int) -> None:
        self._instances = instances
        self._is_over = threading.Event()
        self.noted = 0

    def answer(self, number: int) -> tuple[int, str] | None:
        """Those after them are not answered before the worker is dead; then the connection is."""
        if number > self._instances and not self._is_over.is_set():
            self._is_over.wait(10)
            return None
        return 0, ""

    def record_progress(self, *arguments: Any) -> bool:
        if self.noted >= self._instances:
            self._is_over.set()
            raise Killed
        going_on = routing.record_progress(*arguments)
        self.noted = 10 - len(arguments[3])
        return going_on


@pytest.mark.parametrize(
    ("answer", "state", "words", "sent"),
    [
        ((0xA700, "disk full"), State.WAITING, "no room left", 2),
        ((0xC000, "Secret^Patient"), State.PARKED, "does not understand", 2),
        ((0xA900, ""), State.PARKED, "does not fit its SOP class", 2),
        ((0xA779, ""), State.PARKED, "status A779", 2),
        ((0x0124, ""), State.PARKED, "does not allow it to our AE title FILMLESS", 2),
        ((0xB000, "coerced"), State.DONE, "", 3),
    ],
)
def test_refusals_for_now_are_tried_again_and_others_wait_for_a_person(
    house: House, answer: tuple[int, str], state: State, words: str, sent: int
) -> None:
    house.holds(3)
    with StoringPeer(answer=lambda number: answer if number == 2 else (0, "")) as peer:
        house.knows("ARCHIVE", peer.port)
        row = house.sends()
        house.works()
        found = house.now(row)
        assert (found.state, found.instances_sent) == (state, sent)
        assert words in found.last_error
        assert "Secret" not in found.last_error
        if state is State.PARKED:
            routing.retry_transmission(house.database, ME, row.id)
        house.works(16)
        assert house.now(row).state is State.DONE
    expected = uids(1, 2, 3) if state is State.DONE else uids(1, 2, 3, 2)
    assert peer.received_uids() == expected


def test_a_peer_that_does_not_take_the_class_is_named(house: House) -> None:
    house.holds(1)
    with StoringPeer(takes=lambda uid: None if uid == CT_IMAGE_STORAGE else SyntaxOffer(())) as peer:
        house.knows("ARCHIVE", peer.port)
        row = house.sends()
        house.works()
    found = house.now(row)
    assert found.state is State.PARKED
    assert "does not support this SOP class" in found.last_error


def test_a_peer_that_has_no_place_free_is_tried_later(house: House) -> None:
    house.holds(1)
    with StoringPeer(associations_max=0) as peer:
        house.knows("ARCHIVE", peer.port)
        row = house.sends()
        house.works()
    assert house.now(row).state is State.WAITING


def test_when_all_places_are_taken_the_node_is_looked_at_a_little_later(house: House) -> None:
    house.holds(1)
    with StoringPeer() as peer:
        house.knows("ARCHIVE", peer.port)
        row = house.sends()
        for _ in range(limits.TRANSMISSIONS_AT_ONCE_MAX):
            assert house.places.acquire(blocking=False)
        house.works()
        assert house.now(row).state is State.WAITING
        house.places.release(limits.TRANSMISSIONS_AT_ONCE_MAX)
        house.works(transmit.BUSY_SECONDS)
    assert house.now(row).state is State.DONE


def test_a_node_that_is_not_registered_any_more_is_left_to_a_person(house: House) -> None:
    house.holds(1)
    house.knows("ARCHIVE", 104)
    row = house.sends()
    remove_node(house.database, ME, "ARCHIVE")
    house.works()
    found = house.now(row)
    assert (found.state, found.instances_sent) == (State.PARKED, 0)
    assert found.last_error == "No node ARCHIVE is registered here. Add it, or change who sends to it."


@pytest.mark.parametrize(
    ("verb", "state"),
    [
        (lambda house, row: routing.pause_queue(house.database, ME, "ARCHIVE"), State.HELD),
        (lambda house, row: routing.cancel_transmission(house.database, ME, row.id), State.CANCELLED),
    ],
    ids=["pause", "cancel"],
)
def test_sending_stops_when_a_person_says_so(
    house: House, verb: Callable[[House, Transmission], object], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.holds(20)
    monkeypatch.setattr(transmit, "PROGRESS_SECONDS", 0.0)
    heard = threading.Event()

    def answer(number: int) -> tuple[int, str]:
        if number == 5:
            verb(house, sent)
            assert heard.wait(10)
        return 0, ""

    def record_progress(*arguments: Any) -> bool:
        going_on = routing.record_progress(*arguments)
        if not going_on:
            heard.set()
        return going_on

    house.progress.record = record_progress
    with StoringPeer(answer=answer) as peer:
        house.knows("ARCHIVE", peer.port)
        sent = house.sends()
        house.works()
        assert house.now(sent).state is state
        assert 5 <= len(peer.received) < 20
        if state is State.HELD:
            routing.resume_queue(house.database, ME, "ARCHIVE")
        else:
            routing.retry_transmission(house.database, ME, sent.id)
        house.works(1)
    assert house.now(sent).state is State.DONE
    assert len(peer.received) == len(set(peer.received_uids())) == 20


def test_what_is_sent_de_identified_names_nobody(house: House) -> None:
    house.holds(2)
    routing.add_project(house.database, ME, "TRIAL-7", [Option.SHIFT_DATES])
    with StoringPeer() as peer:
        house.knows("ARCHIVE", peer.port)
        row = house.sends(project="TRIAL-7")
        house.works()
    assert house.now(row).state is State.DONE
    assert len(peer.received) == 2
    for one in peer.received:
        data_set = pydicom.dcmread(io.BytesIO(one.data_set), force=True)
        assert data_set.SOPInstanceUID == one.command.affected_sop_instance_uid
        assert data_set.SOPInstanceUID not in uids(1, 2)
        assert data_set.PatientIdentityRemoved == "YES"
        assert b"Synthetic" not in one.data_set
        assert data_set.PatientID.startswith("TRIAL-7-")


def test_what_may_show_a_name_is_not_sent_de_identified(house: House) -> None:
    receive_part10(
        house.system.archive,
        ME,
        "CT1",
        [
            part10(a_ct_slice(1)),
        ],
    )
    receive_part10(house.system.archive, ME, "CT1", [part10(a_ct_slice(2, BurnedInAnnotation="YES"))])
    routing.add_project(house.database, ME, "TRIAL-7")
    with StoringPeer() as peer:
        house.knows("ARCHIVE", peer.port)
        row = house.sends(project="TRIAL-7")
        house.works()
    found = house.now(row)
    assert (found.state, found.instances_sent, len(peer.received)) == (State.PARKED, 1, 1)
    assert "burned in" in found.last_error


def test_the_node_is_asked_to_take_responsibility(house: House) -> None:
    house.holds(2)
    with StoringPeer() as peer:
        house.knows("ARCHIVE", peer.port)
        house.sends(request_commitment=True)
        house.works()
    kinds = [job.kind for job in find_jobs(house.database, None)]
    assert ASK_COMMITMENT in kinds
