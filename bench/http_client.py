"""An HTTP/1.1 client that costs little: requests encoded before the clock starts, keep-alive, raw sockets.

One process a connection, so that the client is not what is measured. Reads Content-Length and chunked bodies,
checks each status, counts bytes and drops them. Not here: TLS, redirects, decompression. Start at `latencies`
(one client, milliseconds each) and `throughput` (many clients, requests a second).
"""

import multiprocessing
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any

BUFFER_BYTES = 1 << 20


class HttpError(Exception):
    """The answer was not 200, too small, or broken off."""


def encode_request(path: str, headers: Mapping[str, str]) -> bytes:
    """A GET request."""
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Connection:
    """One keep-alive connection."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = memoryview(bytearray(BUFFER_BYTES))

    def get(self, request: bytes) -> int:
        """Send the request, read the whole answer, return the bytes of its body; raises HttpError."""
        self._socket.sendall(request)
        head, rest = self._read_head()
        lines = head.split(b"\r\n")
        if lines[0].split(b" ")[1] != b"200":
            raise HttpError(f"{request.split()[1].decode()}: {lines[0].decode()}")
        fields = dict(line.lower().split(b":", 1) for line in lines[1:] if b":" in line)
        if b"content-length" in fields:
            return self._read_counted(int(fields[b"content-length"]), len(rest))
        if b"chunked" in fields.get(b"transfer-encoding", b""):
            return self._read_chunked(rest)
        raise HttpError("The answer has neither a length nor chunks")

    def get_body(self, request: bytes) -> bytes:
        """As `get`, for answers with Content-Length whose body is wanted."""
        self._socket.sendall(request)
        head, body = self._read_head()
        fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
        length = int(fields.get(b"content-length", b"0"))
        while len(body) < length:
            body += self._receive()
        return body

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _receive(self) -> bytes:
        received = self._socket.recv_into(self._buffer)
        if not received:
            raise HttpError("The server closed the connection")
        return bytes(self._buffer[:received])

    def _read_head(self) -> tuple[bytes, bytes]:
        data = self._receive()
        while b"\r\n\r\n" not in data:
            data += self._receive()
        head, rest = data.split(b"\r\n\r\n", 1)
        return head, rest

    def _read_counted(self, length: int, have: int) -> int:
        while have < length:
            received = self._socket.recv_into(self._buffer)
            if not received:
                raise HttpError("The server closed the connection inside an answer")
            have += received
        return length

    def _read_chunked(self, data: bytes) -> int:
        total = 0
        while True:
            while b"\r\n" not in data:
                data += self._receive()
            size_text, data = data.split(b"\r\n", 1)
            size = int(size_text.split(b";")[0], 16)
            pieces, have = [data], len(data)
            while have < size + 2:
                piece = self._receive()
                pieces.append(piece)
                have += len(piece)
            data = b"".join(pieces)[size + 2 :]
            total += size
            if size == 0:
                return total


def latencies(address: tuple[str, int], requests: Sequence[bytes], body_bytes_min: int) -> list[float]:
    """Milliseconds of each request, one after the other on one connection."""
    connection = Connection(address)
    found = []
    for request in requests:
        began = time.perf_counter()
        length = connection.get(request)
        found.append((time.perf_counter() - began) * 1000)
        if length < body_bytes_min:
            raise HttpError(
                f"{request.split()[1].decode()}: {length} bytes, at least {body_bytes_min} expected"
            )
    connection.close()
    return found


def _loop(
    address: tuple[str, int], requests: Sequence[bytes], least: int, seconds: float, start: Any, out: Any
) -> None:
    count = 0
    try:
        connection = Connection(address)
        connection.get(requests[0])
        start.wait(60)
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if connection.get(requests[count % len(requests)]) < least:
                raise HttpError(f"An answer was shorter than {least} bytes")
            count += 1
        out.put((count / (time.monotonic() - began), ""))
    except (OSError, HttpError, RuntimeError) as error:
        start.abort()
        out.put((0.0, f"{type(error).__name__}: {error}"))


def throughput(
    address: tuple[str, int], requests: Sequence[bytes], body_bytes_min: int, *, clients: int, seconds: float
) -> float:
    """Requests a second of `clients` processes that each ask all the time; raises HttpError."""
    context = multiprocessing.get_context("fork")
    start, out = context.Barrier(clients), context.SimpleQueue()
    processes = []
    for client in range(clients):
        mine = [*requests[client::clients], *requests[:1]]
        processes.append(
            context.Process(target=_loop, args=(address, mine, body_bytes_min, seconds, start, out))
        )
    for process in processes:
        process.start()
    results = [out.get() for _ in processes]
    for process in processes:
        process.join()
    if problems := {problem for _, problem in results if problem}:
        raise HttpError("; ".join(sorted(problems)))
    return float(sum(rate for rate, _ in results))
