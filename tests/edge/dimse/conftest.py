"""Fixtures for what we ask of others: a peer with a script."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from archivist import Archivist, Script, Start
from filmless.edge.dimse.connection import Connection
from filmless.edge.dimse.errors import AssociationAborted
from filmless.edge.dimse.requestor import Peer
from filmless.standards.dicom.upper_layer import SyntaxOffer


@pytest.fixture
def seen() -> list[Archivist]:
    """The peers that were started."""
    return []


@pytest.fixture
def start(seen: list[Archivist]) -> Iterator[Start]:
    """Start a peer with a script for its one request; returns how to reach it."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def begin(script: Script, offer: Callable[[str], SyntaxOffer | None] | None = None) -> Peer:
        def serve() -> None:
            sock, _ = listener.accept()
            with Connection.accepting(sock) as connection:
                archivist = Archivist(connection)
                if offer is not None:
                    archivist.offer = offer
                seen.append(archivist)
                try:
                    archivist.serve(script)
                except AssociationAborted:
                    return  # The asker had heard enough.

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        threads.append(thread)
        return Peer("127.0.0.1", listener.getsockname()[1], "OLDPACS", "FILMLESS", answer_seconds=10)

    yield begin
    for thread in threads:
        thread.join(10)
    listener.close()
