"""Our requestor against acceptors that answer well, badly, or not at all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from filmless.edge.dimse.connection import Connection
from filmless.edge.dimse.errors import (
    AssociationAborted,
    AssociationRejected,
    ContextNotAccepted,
    PeerBusy,
    PeerUnreachable,
    RequestTimedOut,
    TooManyContexts,
)
from filmless.edge.dimse.requestor import Peer, open_association
from filmless.infra.errors import FilmlessError
from filmless.standards.dicom.upper_layer import (
    REJECT_CALLED_AE_TITLE,
    REJECT_TEMPORARY_CONGESTION,
    AcceptorPolicy,
    AssociationRequested,
    CommandReceived,
    CommandSet,
    DataReceived,
    Event,
    ReleaseRequested,
    SyntaxOffer,
    negotiate,
)

VERIFICATION = "1.2.840.10008.1.1"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
CONTEXTS = [(VERIFICATION, (IMPLICIT_LE,)), (CT_IMAGE, (EXPLICIT_LE,))]

Behaviour = Callable[[Connection, Event], None]
Listen = Callable[[Behaviour], Peer]


def good(connection: Connection, event: Event) -> None:
    """Does what a proper acceptor does, Success for everything."""
    if isinstance(event, AssociationRequested):
        connection.accept(negotiate(event.request, AcceptorPolicy(lambda uid: SyntaxOffer(()))))
    elif isinstance(event, ReleaseRequested):
        connection.confirm_release()
    elif isinstance(event, CommandReceived) and not event.command.has_data_set:
        connection.send_message(event.context_id, event.command.response(0))


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Start an acceptor with a behaviour, once; returns how to reach it."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve(behaviour: Behaviour) -> None:
        sock, _ = listener.accept()
        with Connection.accepting(sock) as connection:
            for event in connection.events():
                behaviour(connection, event)

    def start(behaviour: Behaviour) -> Peer:
        thread = threading.Thread(target=serve, args=(behaviour,), daemon=True)
        thread.start()
        threads.append(thread)
        return Peer("127.0.0.1", listener.getsockname()[1], "ARCHIVE", "FILMLESS", answer_seconds=10)

    yield start
    for thread in threads:
        thread.join(10)
    listener.close()


def test_an_echo_is_answered_and_the_association_released(listen: Listen) -> None:
    seen: list[type] = []

    def watched(connection: Connection, event: Event) -> None:
        seen.append(type(event))
        good(connection, event)

    with open_association(listen(watched), CONTEXTS) as requestor:
        assert requestor.echo() == 0
        assert requestor.echo() == 0
    assert seen == [AssociationRequested, CommandReceived, CommandReceived, ReleaseRequested]


@pytest.mark.parametrize("status", [0x0000, 0xA700, 0xB000])
def test_a_store_returns_the_status_of_the_peer(listen: Listen, status: int) -> None:
    asked: list[CommandSet] = []

    def storing(connection: Connection, event: Event) -> None:
        good(connection, event)
        if isinstance(event, CommandReceived):
            asked.append(event.command)
        if isinstance(event, DataReceived) and event.is_last:
            connection.send_message(event.context_id, asked[-1].response(status))

    with open_association(listen(storing), CONTEXTS) as requestor:
        found = requestor.store(CT_IMAGE, "1.2.3", EXPLICIT_LE, [b"data"], move_originator=("WS1", 7))
    assert found == status
    assert (asked[0].affected_sop_instance_uid, asked[0].move_originator_ae_title) == ("1.2.3", "WS1")
    assert asked[0].move_originator_message_id == 7


def answering(answer: Behaviour) -> Behaviour:
    """A proper acceptor, except that commands get `answer`."""

    def behave(connection: Connection, event: Event) -> None:
        if isinstance(event, CommandReceived):
            answer(connection, event)
        else:
            good(connection, event)

    return behave


def _answer_to_another(connection: Connection, event: Event) -> None:
    assert isinstance(event, CommandReceived)
    other = CommandSet.build(0x8030, message_id_being_responded_to=4711, status=0)
    connection.send_message(event.context_id, other)


def _abort(connection: Connection, event: Event) -> None:
    connection.abort()


def _release_instead(connection: Connection, event: Event) -> None:
    connection.release()


BAD_ANSWERS = {"to another message": _answer_to_another, "abort": _abort, "release": _release_instead}


@pytest.mark.parametrize("answer", BAD_ANSWERS)
def test_a_bad_answer_ends_the_association(listen: Listen, answer: str) -> None:
    peer = listen(answering(BAD_ANSWERS[answer]))
    with (
        pytest.raises(AssociationAborted, match="ARCHIVE at 127"),
        open_association(peer, CONTEXTS) as requestor,
    ):
        requestor.echo()


def test_a_peer_that_does_not_answer_is_given_up(listen: Listen) -> None:
    asked = listen(answering(lambda connection, event: None))
    peer = Peer(asked.host, asked.port, "ARCHIVE", "FILMLESS", answer_seconds=0.05)
    with pytest.raises(RequestTimedOut, match="message 1"), open_association(peer, CONTEXTS) as requestor:
        requestor.echo()


def test_a_botched_goodbye_does_not_undo_what_was_stored(listen: Listen) -> None:
    def rude(connection: Connection, event: Event) -> None:
        if isinstance(event, ReleaseRequested):
            connection.abort()
        else:
            good(connection, event)

    with open_association(listen(rude), CONTEXTS) as requestor:
        assert requestor.echo() == 0


@pytest.mark.parametrize(
    ("rejection", "error", "words"),
    [
        (REJECT_CALLED_AE_TITLE, AssociationRejected, "not called 'ARCHIVE'"),
        (REJECT_TEMPORARY_CONGESTION, PeerBusy, "congested"),
    ],
)
def test_a_rejection_is_put_in_plain_words(
    listen: Listen, rejection: object, error: type[FilmlessError], words: str
) -> None:
    def rejecting(connection: Connection, event: Event) -> None:
        if isinstance(event, AssociationRequested):
            connection.reject(rejection)  # type: ignore[arg-type]

    with pytest.raises(error, match=words), open_association(listen(rejecting), CONTEXTS):
        pytest.fail("There is no association to use.")


def test_what_the_peer_does_not_take_is_not_sent(listen: Listen) -> None:
    with (
        open_association(listen(good), CONTEXTS) as requestor,
        pytest.raises(ContextNotAccepted, match="SOP class"),
    ):
        requestor.store(CT_IMAGE, "1.2.3", IMPLICIT_LE, [b"data"])


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    peer = Peer("127.0.0.1", port, "ARCHIVE", "FILMLESS")
    with pytest.raises(PeerUnreachable, match="cannot be reached"), open_association(peer, CONTEXTS):
        pytest.fail("There is no association to use.")


def test_129_contexts_are_refused_before_anything_is_sent() -> None:
    peer = Peer("127.0.0.1", 1, "ARCHIVE", "FILMLESS")
    with pytest.raises(TooManyContexts, match="129"), open_association(peer, [CONTEXTS[0]] * 129):
        pytest.fail("There is no association to use.")
