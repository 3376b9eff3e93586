"""Sending instances to peers that are good, picky, slow, lying, or dead in mid-way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from builders import CT_IMAGE_STORAGE, EXPLICIT_LE, IMPLICIT_LE, a_ct_slice, encoded, part10
from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.errors import PeerBusy, PeerUnreachable
from filmless.edge.dimse.requestor import Peer
from filmless.edge.dimse.sending import Outgoing, SendReport, outgoing_of, send_instances
from filmless.features.access import system_actor
from filmless.features.archive import (
    Archive,
    RetrieveKeys,
    RetrieveLevel,
    Transfer,
    find_instances_to_send,
    receive_part10,
)
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.infra.sandbox import Sandbox
from filmless.infra.tls_files import TLSFiles
from filmless.standards.dicom.transfer_syntaxes import JPEG_BASELINE, JPEG_LS_LOSSLESS
from filmless.standards.dicom.upper_layer import SyntaxOffer
from storing_peer import StoringPeer

ME = system_actor("test")
ROOT = "1.2.826.0.1.3680043.10.1000"


@pytest.fixture
def services(sqlite_database: Database, object_store: FolderObjectStore) -> Iterator[Services]:
    with Sandbox(workers=1) as sandbox:
        yield Services(Archive(sqlite_database, object_store), "FILMLESS", sandbox, TLSFiles(Path("no-data")))


def outgoing(services: Services, count: int) -> list[Outgoing]:
    """`count` slices of one study, stored and about to be sent."""
    for number in range(1, count + 1):
        receive_part10(services.archive, ME, "TEST", [part10(a_ct_slice(number))])
    keys = RetrieveKeys(study_instance_uids=(f"{ROOT}.1",))
    rows = find_instances_to_send(services.archive, ME, RetrieveLevel.STUDY, keys, Transfer("ARCHIVE"))
    return [outgoing_of(services, row) for row in rows]


def counts(report: SendReport) -> tuple[int, int, int, int]:
    return report.completed, report.warned, len(report.failed), report.remaining


def test_instances_arrive_byte_for_byte_and_in_order(services: Services) -> None:
    with StoringPeer() as peer:
        report = send_instances(services, peer.peer, outgoing(services, 3))
    assert counts(report) == (3, 0, 0, 0)
    assert [one.data_set for one in peer.received] == [encoded(a_ct_slice(number)) for number in (1, 2, 3)]
    assert {one.transfer_syntax_uid for one in peer.received} == {EXPLICIT_LE}


def test_many_instances_use_several_associations(services: Services) -> None:
    with StoringPeer() as peer:
        report = send_instances(services, peer.peer, outgoing(services, 40), associations_max=3)
    assert counts(report) == (40, 0, 0, 0)
    assert len(set(peer.received_uids())) == 40
    assert len(peer.requests) == 3


def test_a_peer_that_takes_only_one_association_gets_everything_on_it(services: Services) -> None:
    with StoringPeer(associations_max=1) as peer:
        report = send_instances(services, peer.peer, outgoing(services, 40))
    assert counts(report) == (40, 0, 0, 0)


def test_the_window_that_the_peer_grants_is_used_and_answers_may_come_in_any_order(
    services: Services,
) -> None:
    refused = f"{ROOT}.1.1.2"
    statuses = iter([(0, ""), (0xA700, "disk full"), *[(0, "")] * 10])
    with StoringPeer(window=3, answer=lambda number: next(statuses)) as peer:
        report = send_instances(services, peer.peer, outgoing(services, 7), associations_max=1)
    assert counts(report) == (6, 0, 1, 0)
    assert peer.most_at_once == 3
    assert [one.sop_instance_uid for one in report.failed] == [refused]


def test_without_a_window_one_operation_is_under_way(services: Services) -> None:
    with StoringPeer(window=1) as peer:
        send_instances(services, peer.peer, outgoing(services, 5), associations_max=1)
    assert peer.most_at_once == 1


ANSWERS = [
    ("success", 0x0000, (1, 0, 0)),
    ("coercion of data elements", 0xB000, (0, 1, 0)),
    ("elements discarded", 0xB006, (0, 1, 0)),
    ("attribute list error", 0x0107, (0, 1, 0)),
    ("out of resources", 0xA700, (0, 0, 1)),
    ("cannot understand", 0xC123, (0, 0, 1)),
    ("not authorized", 0x0124, (0, 0, 1)),
]


@pytest.mark.parametrize(("name", "status", "expected"), ANSWERS, ids=[row[0] for row in ANSWERS])
def test_each_answer_counts_as_what_it_is(
    services: Services, name: str, status: int, expected: tuple[int, int, int]
) -> None:
    with StoringPeer(answer=lambda number: (status, "its own words")) as peer:
        report = send_instances(services, peer.peer, outgoing(services, 1))
    assert counts(report)[:3] == expected
    if report.failed:
        assert (report.failed[0].status, report.failed[0].comment) == (status, "its own words")


def test_a_peer_that_dies_for_good_leaves_an_exact_count(services: Services) -> None:
    stop = threading.Event()

    def answer(number: int) -> tuple[int, str] | None:
        if number < 3:
            return 0, ""
        peer.stop_listening()
        stop.set()
        return None

    with StoringPeer(answer=answer) as peer:
        report = send_instances(services, peer.peer, outgoing(services, 6), associations_max=1)
    assert stop.is_set()
    assert counts(report) == (2, 0, 1, 3)
    assert report.failed[0].sop_instance_uid == f"{ROOT}.1.1.3"
    assert report.not_tried == [f"{ROOT}.1.1.{number}" for number in (4, 5, 6)]
    assert len(report.not_sent) == 4


def test_a_peer_that_breaks_off_once_gets_the_rest_on_a_new_association(services: Services) -> None:
    with StoringPeer(answer=lambda number: None if number == 2 else (0, "")) as peer:
        report = send_instances(services, peer.peer, outgoing(services, 5), associations_max=1)
    assert counts(report) == (4, 0, 1, 0)


def test_a_peer_that_breaks_off_every_time_is_given_up(services: Services) -> None:
    with StoringPeer(answer=lambda number: None) as peer:
        report = send_instances(services, peer.peer, outgoing(services, 9), associations_max=1)
    assert counts(report) == (0, 0, 3, 6)


def test_operations_under_way_when_the_peer_dies_have_all_failed(services: Services) -> None:
    def answer(number: int) -> tuple[int, str] | None:
        peer.stop_listening()
        return None if number == 3 else (0, "")

    with StoringPeer(window=4, answer=answer) as peer:
        report = send_instances(services, peer.peer, outgoing(services, 9), associations_max=1)
    assert report.completed == 0
    assert 3 <= len(report.failed) <= 4
    assert len(report.failed) + report.remaining == 9


def test_progress_may_stop_it(services: Services) -> None:
    proceed = threading.Event()

    def answer(number: int) -> tuple[int, str]:
        if number == 2:
            proceed.wait(10)
        return 0, ""

    def on_progress(report: SendReport) -> bool:
        if report.completed == 1:
            proceed.set()
            return False
        return True

    with StoringPeer(answer=answer) as peer:
        report = send_instances(
            services, peer.peer, outgoing(services, 6), associations_max=1, on_progress=on_progress
        )
    # The one that was under way is finished; the next may have been on its way to the socket already.
    assert report.completed in (2, 3)
    assert report.completed + report.remaining == 6
    assert not report.failed


def test_an_object_that_is_gone_costs_only_itself(services: Services) -> None:
    going = outgoing(services, 3)
    assert going[1].row is not None
    services.archive.object_store.delete(going[1].row.object_id)
    with StoringPeer() as peer:
        report = send_instances(services, peer.peer, going)
    assert counts(report) == (2, 0, 1, 0)
    assert report.failed[0].sop_instance_uid == going[1].sop_instance_uid


def test_a_class_that_the_peer_does_not_take_fails_in_plain_words(services: Services) -> None:
    with StoringPeer(takes=lambda uid: None) as peer:
        report = send_instances(services, peer.peer, outgoing(services, 2))
    assert counts(report) == (0, 0, 2, 0)
    assert {(one.status, one.comment) for one in report.failed} == {
        (0x0122, "The peer does not take this SOP class.")
    }


def test_nobody_there_is_an_error(services: Services) -> None:
    with StoringPeer() as peer:
        gone = peer.peer
    with pytest.raises(PeerUnreachable):
        send_instances(services, gone, outgoing(services, 2))


def test_a_full_peer_is_an_error(services: Services) -> None:
    with StoringPeer(associations_max=0) as peer, pytest.raises(PeerBusy):
        send_instances(services, peer.peer, outgoing(services, 2))


def test_nothing_to_send_opens_nothing(services: Services) -> None:
    assert counts(send_instances(services, Peer("127.0.0.1", 1, "A", "B"), [])) == (0, 0, 0, 0)


def test_more_classes_than_one_association_carries_go_on_several(services: Services) -> None:
    many = [
        Outgoing(f"1.2.3.{number}", f"1.2.4.{number}", EXPLICIT_LE, lambda: (b"",)) for number in range(100)
    ]
    with StoringPeer() as peer:
        report = send_instances(services, peer.peer, many, associations_max=1)
    assert counts(report) == (100, 0, 0, 0)
    assert [len(request.contexts) for request in peer.requests] == [126, 126, 48]


def test_the_move_originator_is_named(services: Services) -> None:
    with StoringPeer() as peer:
        send_instances(services, peer.peer, outgoing(services, 1), move_originator=("WORKSTATION", 77))
    command = peer.received[0].command
    assert (command.move_originator_ae_title, command.move_originator_message_id) == ("WORKSTATION", 77)


def test_a_picky_peer_gets_what_it_takes(services: Services) -> None:
    with StoringPeer(takes=lambda uid: SyntaxOffer((IMPLICIT_LE,))) as peer:
        report = send_instances(services, peer.peer, outgoing(services, 1))
    assert counts(report) == (1, 0, 0, 0)
    assert peer.received[0].data_set == encoded(a_ct_slice(1), IMPLICIT_LE)
    assert peer.received[0].command.affected_sop_class_uid == CT_IMAGE_STORAGE


PREFERENCES = [
    ("implicit rather than as stored", (IMPLICIT_LE,), IMPLICIT_LE),
    ("compressed without loss", (JPEG_LS_LOSSLESS, IMPLICIT_LE), JPEG_LS_LOSSLESS),
    ("with loss we make nothing", (JPEG_BASELINE,), EXPLICIT_LE),
]


@pytest.mark.parametrize(("why", "preferred", "syntax"), PREFERENCES, ids=[row[0] for row in PREFERENCES])
def test_a_peer_may_prefer_what_is_not_stored(
    services: Services, why: str, preferred: tuple[str, ...], syntax: str
) -> None:
    with StoringPeer() as peer:
        node = replace(peer.peer, preferred_transfer_syntaxes=preferred)
        report = send_instances(services, node, outgoing(services, 1))
    assert counts(report) == (1, 0, 0, 0)
    assert [one.transfer_syntax_uid for one in peer.received] == [syntax]
