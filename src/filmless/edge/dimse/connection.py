"""The socket around an `Association`: one thread, one connection, bounded waits.

Used by the server and by the requestor. Received bytes land in one buffer per connection and reach the
reader as slices of it; sent data sets go out with `sendmsg`, uncopied. Works on TLS sockets too.
Not here: the protocol (`standards/dicom/upper_layer`) and what to answer. Start at `Connection.events`.
"""

from __future__ import annotations

import math
import select
import socket
import ssl
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from filmless.edge.dimse.errors import AssociationAborted, ContextNotAccepted, PeerNotReading
from filmless.edge.dimse.plain_reasons import plain_reason
from filmless.infra import limits
from filmless.standards.dicom.upper_layer import (
    Aborted,
    AbortReason,
    AbortSource,
    AssociateAccept,
    AssociateReject,
    Association,
    BytesLike,
    CommandSet,
    Event,
    Limits,
    NotAllowedNow,
)

# Delayed ACK on our side and Nagle on a stock DCMTK sender's cost 40 ms a message; Linux forgets the option
# whenever it likes, so it is set again after each receive (tcp(7)).
_QUICKACK: Final = getattr(socket, "TCP_QUICKACK", None) if sys.platform == "linux" else None
# A packet for each small answer of a query costs twice what it takes to make it. Linux only.
_MORE: Final = getattr(socket, "MSG_MORE", 0)

DRAIN_BYTES_MAX: Final = 1024 * 1024
"""Read and dropped before closing: unread bytes turn a close into a reset, and our last words are lost."""

_WOULD_BLOCK: Final = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """idle_seconds: silence of the peer; send_seconds: for one vector (about 512 KiB) to leave."""

    idle_seconds: float = limits.ASSOCIATION_IDLE_SECONDS_MAX
    send_seconds: float = limits.SEND_SECONDS_MAX


class Connection:
    """A connected socket and its association. Not for use by two threads, except `interrupt`.

    Closing it ends the association, with an A-ABORT if it was not over. Use it as a context manager.
    """

    def __init__(
        self,
        sock: socket.socket,
        association: Association,
        *,
        timeouts: Timeouts = Timeouts(),
        receive_buffer_bytes: int = limits.RECEIVE_BUFFER_BYTES,
    ) -> None:
        """`association` has been told that it is connected. The socket becomes ours, non-blocking."""
        self.association = association
        self.peer_address = address_of(sock)
        self._sock = sock
        self._timeouts = timeouts
        self._tls = sock if isinstance(sock, ssl.SSLSocket) else None
        self._buffer = memoryview(bytearray(receive_buffer_bytes))
        self._pending: Iterator[Event] = iter(())
        self._is_closed = False
        self._is_interrupted = False
        sock.setblocking(False)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._quickack = _QUICKACK if sock.family in (socket.AF_INET, socket.AF_INET6) else None
        self._poller = select.poll()
        self._poller.register(sock, select.POLLIN)

    @classmethod
    def accepting(
        cls,
        sock: socket.socket,
        *,
        timeouts: Timeouts = Timeouts(),
        upper_layer_limits: Limits = Limits(artim_seconds=limits.ASSOCIATION_REQUEST_SECONDS_MAX),
        receive_buffer_bytes: int = limits.RECEIVE_BUFFER_BYTES,
    ) -> Connection:
        """The acceptor's side of a socket a listener returned; ARTIM runs from now on."""
        association = Association(is_requestor=False, limits=upper_layer_limits)
        association.connected()
        return cls(sock, association, timeouts=timeouts, receive_buffer_bytes=receive_buffer_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def events(self) -> Iterator[Event]:
        """Every event until the association is over and the connection closed. Waits in between.

        A DataReceived's bytes are valid until the next turn of your loop.
        """
        while (event := self.next_event()) is not None:
            yield event

    def next_event(self, wait_seconds: float | None = None) -> Event | None:
        """The next event. None when the association is over, or nothing came within `wait_seconds`.

        Without `wait_seconds` it waits as long as the idle limit allows, then aborts. With 0 it only looks.
        """
        give_up_at = None if wait_seconds is None else time.monotonic() + wait_seconds
        while True:
            for event in self._pending:
                return event
            self.flush()
            if self.association.must_close:
                self.close()
            if self._is_closed or not self._receive_more(give_up_at):
                return None

    def accept(self, accept: AssociateAccept) -> None:
        """Answer AssociationRequested with yes."""
        self.association.accept(accept)
        self.flush()

    def reject(self, rejection: AssociateReject) -> None:
        """Answer AssociationRequested with no."""
        self.association.reject(rejection)
        self.flush()

    def release(self) -> None:
        """Ask the peer to end; ReleaseConfirmed will come."""
        self.association.release()
        self.flush()

    def confirm_release(self) -> None:
        """Answer ReleaseRequested."""
        self.association.confirm_release()
        self.flush()

    def abort(self, explanation: str = "We aborted the association.") -> None:
        """End at once."""
        self.association.abort(explanation)
        self.flush()

    def send_message(
        self,
        context_id: int,
        command: CommandSet,
        data: Iterable[BytesLike] | None = None,
        *,
        more_follows: bool = False,
    ) -> None:
        """Send one DIMSE message; `data` gives its data set in chunks of any size.

        With `more_follows` the system may keep it for 200 ms (tcp(7)), to send it with the next one.
        Raises AssociationAborted, PeerNotReading, ContextNotAccepted, and whatever `data` raises: then the
        message is half sent and the association is aborted.
        """
        if context_id not in self.association.contexts:
            raise ContextNotAccepted(f"Presentation context {context_id} was not accepted by both sides.")
        try:
            vectors = self.association.message(context_id, command, data)
        except NotAllowedNow as error:
            raise AssociationAborted(f"{self.peer_address}: {error}") from error
        try:
            for vector in vectors:
                self._send(vector, _MORE if more_follows else 0)
        except BaseException:
            self.abort("A message could not be sent to its end.")
            raise

    def flush(self) -> None:
        """Send what the association has queued. A peer that is gone is no error here: the events tell."""
        raw = self.association.bytes_to_send()
        if raw and not self._is_closed:
            try:
                self._send([raw])
            except AssociationAborted:
                self.association.must_close = True

    def interrupt(self) -> None:
        """From another thread: end the association soon. Its own thread sees Aborted and sends an A-ABORT."""
        self._is_interrupted = True
        try:
            # Not SSLSocket.shutdown, which would take the TLS state away under the other thread.
            socket.socket.shutdown(self._sock, socket.SHUT_RD)
        except OSError:
            return  # Closed already.

    def close(self) -> None:
        """Close the connection; aborts the association when it is not over. May be called twice."""
        if self._is_closed:
            return
        self.association.abort("The connection was closed before the association was released.")
        self.flush()
        self._is_closed = True
        try:
            if self._tls is not None:
                with suppress(OSError, ValueError):  # It would wait for the peer's goodbye; ours is enough.
                    self._tls.unwrap()
            socket.socket.shutdown(self._sock, socket.SHUT_WR)
            left = DRAIN_BYTES_MAX
            while left > 0 and (received := self._sock.recv_into(self._buffer)):
                left -= received
        except OSError:
            pass  # Gone, or nothing more to read: both are what we want.
        finally:
            self._sock.close()
            self._buffer = memoryview(b"")

    # Inside.

    def _receive_more(self, give_up_at: float | None) -> bool:
        """Wait for bytes, or for what ends the wait; False when `give_up_at` passed without anything."""
        idle_at = time.monotonic() + self._timeouts.idle_seconds
        while not self._is_interrupted:
            try:
                received = self._sock.recv_into(self._buffer)
            except _WOULD_BLOCK as error:
                writes = isinstance(error, ssl.SSLWantWriteError)
                deadlines = [idle_at, give_up_at, self.association.deadline]
                deadline = min(moment for moment in deadlines if moment is not None)
                if self._wait(select.POLLOUT if writes else select.POLLIN, deadline):
                    continue
                return self._waited_too_long(give_up_at)
            except OSError as error:
                self._lost(f"The connection broke: {plain_reason(error)}.")
                return True
            if not received:
                break
            if self._quickack is not None:
                self._sock.setsockopt(socket.IPPROTO_TCP, self._quickack, 1)
            self._pending = self.association.receive(self._buffer[:received])
            return True
        if self._is_interrupted and not self.association.is_over:
            self._end_with("The server is shutting down.")
        else:
            self._lost("The peer closed the connection without release.")
        return True

    def _waited_too_long(self, give_up_at: float | None) -> bool:
        now = time.monotonic()
        if self.association.deadline is not None and now >= self.association.deadline:
            self.association.time_out()
            return True
        if give_up_at is not None and now >= give_up_at:
            return False
        self._end_with(f"Nothing came from the peer for {self._timeouts.idle_seconds:g} seconds.")
        return True

    def _end_with(self, explanation: str) -> None:
        """Abort on our own account and let the reader of events know."""
        self.association.abort(explanation)
        aborted = Aborted(False, AbortSource.SERVICE_USER, AbortReason.NOT_SPECIFIED, explanation)
        self._pending = iter((aborted,))
        self._is_interrupted = False
        self.flush()
        self.association.must_close = True

    def _lost(self, explanation: str) -> None:
        event = self.association.connection_lost(explanation)
        self.association.must_close = True
        self._pending = iter(() if event is None else (event,))

    def _send(self, vector: list[BytesLike], flags: int = 0) -> None:
        """Send all of `vector` within the time allowed, or raise."""
        if self._is_closed:
            raise AssociationAborted(f"{self.peer_address}: the connection is closed.")
        deadline = time.monotonic() + self._timeouts.send_seconds
        if self._tls is not None:
            # TLS encrypts into its own buffer anyway; one joined write makes full records.
            vector = [b"".join(vector)]
        while vector:
            try:
                if self._tls is not None:
                    sent = self._sock.send(vector[0])
                else:
                    sent = self._sock.sendmsg(vector, (), flags)
            except _WOULD_BLOCK as error:
                reads = isinstance(error, ssl.SSLWantReadError)
                if not self._wait(select.POLLIN if reads else select.POLLOUT, deadline):
                    raise self._not_reading() from None
                continue
            except OSError as error:
                explanation = f"The connection broke: {plain_reason(error)}."
                self.association.connection_lost(explanation)
                self.association.must_close = True
                raise AssociationAborted(f"{self.peer_address}: {explanation}") from error
            vector = _rest_of(vector, sent)
            if vector and time.monotonic() > deadline:
                raise self._not_reading()

    def _not_reading(self) -> PeerNotReading:
        explanation = f"The peer did not take what we sent for {self._timeouts.send_seconds:g} seconds."
        self.association.connection_lost(explanation)  # An A-ABORT would not be read either.
        self.association.must_close = True
        return PeerNotReading(f"{self.peer_address}: {explanation}")

    def _wait(self, for_what: int, deadline: float) -> bool:
        """Wait until the socket can be read or written; False when the deadline passed."""
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return False
        self._poller.modify(self._sock, for_what)
        return bool(self._poller.poll(math.ceil(remaining * 1000)))


def _rest_of(vector: list[BytesLike], sent: int) -> list[BytesLike]:
    """What is left of `vector` after `sent` bytes."""
    for index, buffer in enumerate(vector):
        size = len(buffer)
        if sent < size:
            return [memoryview(buffer)[sent:], *vector[index + 1 :]]
        sent -= size
    return []


def address_of(sock: socket.socket) -> str:
    """host:port of the peer, for messages and logs."""
    try:
        name = sock.getpeername()
    except OSError:
        return "a peer that is gone"
    return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "a local peer"
