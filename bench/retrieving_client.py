"""A client that retrieves at next to no cost of its own: it counts what comes, answers, and drops the bytes.

`get` is a C-GET on one association, `move` asks for a C-MOVE; `Destination` is where that one goes, a process
of its own. Measures the server, not the client: one buffer, answers of a few bytes, TCP_NODELAY, PDUs of
256 KiB. Not here: stock clients (`retrieve`). Start at `get`; run as `python -m bench.retrieving_client`.
"""

import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from bench.ct import CT_IMAGE_STORAGE, EXPLICIT_LE, IMPLEMENTATION_CLASS_UID, element, uid_bytes
from bench.dicom_client import APPLICATION_CONTEXT, ClientError, fragments

STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"
PDU_BYTES_MAX = 256 * 1024
BUFFER_BYTES = 1 << 20
C_STORE_RQ, C_STORE_RSP, C_GET_RQ, C_GET_RSP, C_MOVE_RQ, C_MOVE_RSP = 1, 0x8001, 0x10, 0x8010, 0x21, 0x8021
PENDING = 0xFF00
STORE_CONTEXT_ID = 3


def _item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(body)) + body


def _value(number: int, raw: bytes) -> bytes:
    return struct.pack("<HHI", 0, number, len(raw)) + raw


def _command(*values: bytes) -> bytes:
    body = b"".join(values)
    return _value(0x0000, struct.pack("<I", len(body))) + body


def _us(number: int, value: int) -> bytes:
    return _value(number, struct.pack("<H", value))


class Wire:
    """One connection, read through one buffer."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        while self._end - self._start < size:
            if self._start + size > BUFFER_BYTES:
                left = self._end - self._start
                self._view[:left] = bytes(self._view[self._start : self._end])
                self._start, self._end = 0, left
            self._receive()
        self._start += size
        return bytes(self._view[self._start - size : self._start])

    def drop(self, size: int) -> None:
        """Read `size` bytes and forget them."""
        while size:
            here = min(size, self._end - self._start)
            self._start += here
            size -= here
            if size:
                self._start = self._end = 0
                self._receive()

    def _receive(self) -> None:
        received = self.socket.recv_into(self._view[self._end :])
        if not received:
            raise ClientError("The peer closed the connection")
        self._end += received

    def pdu(self) -> tuple[int, int]:
        """Type and length of the next PDU."""
        kind, length = struct.unpack(">BxL", self.take(6))
        return kind, length

    def commands(self) -> Iterator[tuple[int, bytes]]:
        """(context ID, command set) of each message, once its data set is read; ends with a release."""
        command, context_id = b"", 0
        while True:
            kind, left = self.pdu()
            if kind == 5:
                self.drop(left)
                self.socket.sendall(struct.pack(">BBII", 6, 0, 4, 0))
                return
            if kind != 4:
                raise ClientError(f"The peer sent PDU type {kind}")
            while left:
                length, context_id, control = struct.unpack(">LBB", self.take(6))
                left -= length + 4
                if control & 1:
                    command += self.take(length - 2)
                else:
                    self.drop(length - 2)
                if control & 2 and (not control & 1 or number(command, 0x0800) == 0x0101):
                    yield context_id, command
                    command = b""

    def answer_store(self, context_id: int, command: bytes) -> None:
        """Success to a C-STORE-RQ."""
        response = _command(
            _us(0x0100, C_STORE_RSP),
            _us(0x0120, number(command, 0x0110)),
            _us(0x0800, 0x0101),
            _us(0x0900, 0),
        )
        head = struct.pack(">BBIIBB", 4, 0, len(response) + 6, len(response) + 2, context_id, 3)
        self.socket.sendall(head + response)


def number(command: bytes, wanted: int) -> int:
    """A 16-bit value of a command set; -1 when it is not there."""
    place = 0
    while place + 10 <= len(command):
        _, tag, length = struct.unpack_from("<HHI", command, place)
        if tag == wanted:
            return int(struct.unpack_from("<H", command, place + 8)[0])
        place += 8 + length
    return -1


def _associate(address: tuple[str, int], called: str, calling: str, service: str, *, stores: bool) -> Wire:
    """An association for a service, and for being sent CT when `stores`."""
    contexts = _context(1, service)
    user = _item(0x51, struct.pack(">I", PDU_BYTES_MAX)) + _item(0x52, IMPLEMENTATION_CLASS_UID.encode())
    if stores:
        contexts += _context(STORE_CONTEXT_ID, CT_IMAGE_STORAGE)
        uid = CT_IMAGE_STORAGE.encode()
        user += _item(0x54, struct.pack(">H", len(uid)) + uid + b"\0\1")
    titles = called.ljust(16).encode() + calling.ljust(16).encode()
    body = struct.pack(">HH", 1, 0) + titles + b"\0" * 32
    body += _item(0x10, APPLICATION_CONTEXT.encode()) + contexts + _item(0x50, user)
    wire = Wire(socket.create_connection(address, timeout=120))
    wire.socket.sendall(struct.pack(">BBI", 1, 0, len(body)) + body)
    kind, length = wire.pdu()
    wire.drop(length)
    if kind != 2:
        raise ClientError(f"No association: the peer answered PDU type {kind}")
    return wire


def _context(context_id: int, abstract_syntax: str) -> bytes:
    body = struct.pack(">BBBB", context_id, 0, 0, 0)
    return _item(0x20, body + _item(0x30, abstract_syntax.encode()) + _item(0x40, EXPLICIT_LE.encode()))


def _identifier(study_instance_uid: str) -> bytes:
    return element(0x00080052, "CS", "STUDY") + element(0x0020000D, "UI", study_instance_uid)


def _retrieve(wire: Wire, command: bytes, study_instance_uid: str, count: int) -> float:
    """Ask, answer every C-STORE, and return the seconds until the final response."""
    asked = fragments(command, 1, PDU_BYTES_MAX) + fragments(
        _identifier(study_instance_uid), 0, PDU_BYTES_MAX
    )
    stored = 0
    began = time.monotonic()
    wire.socket.sendall(asked)
    for context_id, received in wire.commands():
        field = number(received, 0x0100)
        if field == C_STORE_RQ:
            wire.answer_store(context_id, received)
            stored += 1
        elif field in (C_GET_RSP, C_MOVE_RSP) and number(received, 0x0900) != PENDING:
            seconds = time.monotonic() - began
            completed, status = number(received, 0x1021), number(received, 0x0900)
            if status != 0 or completed != count or (field == C_GET_RSP and stored != count):
                raise ClientError(f"The retrieval ended with {status:04X}, {completed} of {count} completed")
            wire.socket.sendall(struct.pack(">BBII", 5, 0, 4, 0))
            wire.socket.close()
            return seconds
    raise ClientError("The peer released the association instead of answering")


def get(address: tuple[str, int], called: str, calling: str, study_instance_uid: str, count: int) -> float:
    """C-GET of a study of `count` CT slices; returns seconds from the request to the final response."""
    wire = _associate(address, called, calling, STUDY_ROOT_GET, stores=True)
    command = _command(
        _value(0x0002, uid_bytes(STUDY_ROOT_GET)),
        _us(0x0100, C_GET_RQ),
        _us(0x0110, 1),
        _us(0x0700, 0),
        _us(0x0800, 1),
    )
    return _retrieve(wire, command, study_instance_uid, count)


def move(
    address: tuple[str, int], titles: tuple[str, str, str], study_instance_uid: str, count: int
) -> float:
    """C-MOVE of a study; `titles`: called, calling, destination. Seconds from request to final response."""
    called, calling, destination = titles
    wire = _associate(address, called, calling, STUDY_ROOT_MOVE, stores=False)
    command = _command(
        _value(0x0002, uid_bytes(STUDY_ROOT_MOVE)),
        _us(0x0100, C_MOVE_RQ),
        _us(0x0110, 1),
        _value(0x0600, destination.ljust(len(destination) + len(destination) % 2).encode()),
        _us(0x0700, 0),
        _us(0x0800, 1),
    )
    return _retrieve(wire, command, study_instance_uid, count)


def _accept(request: bytes) -> bytes:
    """A-ASSOCIATE-AC that takes every context proposed with explicit little endian."""
    answers, place = b"", 68
    while place + 4 <= len(request):
        kind, length = struct.unpack_from(">BxH", request, place)
        body = request[place + 4 : place + 4 + length]
        if kind == 0x20:
            takes = _item(0x40, EXPLICIT_LE.encode()) in body
            syntax = _item(0x40, EXPLICIT_LE.encode())
            answers += _item(0x21, struct.pack(">BBBB", body[0], 0, 0 if takes else 4, 0) + syntax)
        place += 4 + length
    user = _item(0x51, struct.pack(">I", PDU_BYTES_MAX)) + _item(0x52, IMPLEMENTATION_CLASS_UID.encode())
    body = request[:68] + _item(0x10, APPLICATION_CONTEXT.encode()) + answers + _item(0x50, user)
    return struct.pack(">BBI", 2, 0, len(body)) + body


def _serve(sock: socket.socket) -> None:
    wire = Wire(sock)
    _, length = wire.pdu()
    sock.sendall(_accept(wire.take(length)))
    for context_id, command in wire.commands():
        wire.answer_store(context_id, command)
    sock.close()


class Destination:
    """A receiver that drops what it gets, as a process of its own; a context manager."""

    ae_title = "BENCHDEST"

    def __enter__(self) -> "Destination":
        command = [sys.executable, "-m", "bench.retrieving_client"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def main() -> None:
    """Be a destination: print the port, then serve until killed."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=_serve, args=(sock,), daemon=True).start()


if __name__ == "__main__":
    main()
