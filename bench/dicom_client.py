"""A C-STORE sender that costs next to nothing: messages are encoded before the clock starts.

Measures the receiver, not the sender: one process an association, one buffer a process in which only some
digits are patched, `sendall`, TCP_NODELAY. It waits for each C-STORE-RSP before the next
message, as a modality does, and stops at the first status that is not Success. Not here: other services, TLS,
several presentation contexts. Start at `send_series`; run as `python -m bench.dicom_client HOST PORT`.
"""

import argparse
import multiprocessing
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.ct import CT_IMAGE_STORAGE, EXPLICIT_LE, IMPLEMENTATION_CLASS_UID, Series, uid_bytes

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
CONTEXT_ID = 1
RECEIVE_PDU_BYTES_MAX = 16384  # What we take; answers are below 300 bytes.
PDU_BYTES_WHEN_UNLIMITED = 1 << 20  # PS3.8 §D.1: 0 means no limit.
_NUMBER_DIGITS = 6


class ClientError(Exception):
    """The peer refused, closed or answered with something that is not Success."""


def _item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(body)) + body


def associate_request(called_ae_title: str, calling_ae_title: str) -> bytes:
    """A-ASSOCIATE-RQ (PS3.8 §9.3.2) with one presentation context: CT, explicit little endian."""
    context = struct.pack(">BBBB", CONTEXT_ID, 0, 0, 0)
    context += _item(0x30, CT_IMAGE_STORAGE.encode()) + _item(0x40, EXPLICIT_LE.encode())
    user = _item(0x51, struct.pack(">I", RECEIVE_PDU_BYTES_MAX)) + _item(
        0x52, IMPLEMENTATION_CLASS_UID.encode()
    )
    titles = called_ae_title.ljust(16).encode() + calling_ae_title.ljust(16).encode()
    body = struct.pack(">HH", 1, 0) + titles + b"\0" * 32
    body += _item(0x10, APPLICATION_CONTEXT.encode()) + _item(0x20, context) + _item(0x50, user)
    return struct.pack(">BBI", 1, 0, len(body)) + body


def store_command(sop_instance_uid: str) -> bytes:
    """The command set of a C-STORE-RQ, implicit little endian (PS3.7 §9.3.1)."""

    def value(number: int, raw: bytes) -> bytes:
        return struct.pack("<HHI", 0, number, len(raw)) + raw

    body = value(0x0002, uid_bytes(CT_IMAGE_STORAGE)) + value(0x0100, struct.pack("<H", 0x0001))
    # One operation at a time: the Message ID may be the same each time (PS3.7 §9.3.1).
    body += value(0x0110, struct.pack("<H", 1)) + value(0x0700, struct.pack("<H", 0))
    body += value(0x0800, struct.pack("<H", 0x0001)) + value(0x1000, uid_bytes(sop_instance_uid))
    return value(0x0000, struct.pack("<I", len(body))) + body


def fragments(payload: bytes, control: int, pdu_bytes_max: int) -> bytes:
    """P-DATA-TF PDUs that carry the payload, one PDV each (PS3.8 §9.3.5); control: 1 command, 0 data set."""
    step = pdu_bytes_max - 6
    parts: list[bytes] = []
    for start in range(0, len(payload), step):
        part = payload[start : start + step]
        is_last = start + step >= len(payload)
        parts.append(
            struct.pack(">BBIIBB", 4, 0, len(part) + 6, len(part) + 2, CONTEXT_ID, control | (is_last << 1))
        )
        parts.append(part)
    return b"".join(parts)


class Sender:
    """One association that stores slices of one series."""

    def __init__(
        self, address: tuple[str, int], series: Series, called: str = "ANY-SCP", calling: str = "BENCH"
    ):
        self.series = series
        self._socket = socket.create_connection(address, timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()
        self._socket.sendall(associate_request(called, calling))
        kind, body = self._read_pdu()
        if kind != 2:
            raise ClientError(f"No association: the peer answered PDU type {kind}")
        self.pdu_bytes_max = _accepted_pdu_bytes(body) or PDU_BYTES_WHEN_UNLIMITED
        self._message = bytearray()

    def prepare(self) -> None:
        """Encode the message once; `store` then only patches it."""
        series = self.series
        command = fragments(store_command(series.sop_instance_uid(0)), 1, self.pdu_bytes_max)
        data_set = series.data_set(0)
        message = bytearray(command + fragments(data_set, 0, self.pdu_bytes_max))
        uid_in_command = command.index(series.sop_instance_uid(0).encode())
        # Both places lie in the first PDU of the data set (16 KiB at least), so one shift serves them.
        in_uid, in_number = (place + len(command) + 12 for place in series.patched_places(data_set))
        uid_length = len(series.sop_instance_uid(0))
        self._patches = (uid_in_command + uid_length - _NUMBER_DIGITS, in_uid, in_number)
        self._message = message

    @property
    def message_bytes(self) -> int:
        """Length of one encoded message on the wire."""
        return len(self._message)

    def store(self, number: int, halfway: Callable[[], None] | None = None) -> int:
        """Send one slice and wait for the answer; returns its DIMSE status.

        `halfway` is called when half of the message is on its way: for tests that plant a fault there.
        """
        digits = b"%06d" % number
        for place in self._patches:
            self._message[place : place + _NUMBER_DIGITS] = digits
        if halfway is None:
            self._socket.sendall(self._message)
        else:
            half = len(self._message) // 2
            self._socket.sendall(self._message[:half])
            halfway()
            self._socket.sendall(self._message[half:])
        return self._read_status()

    def release(self) -> None:
        """A-RELEASE, then close."""
        self._socket.sendall(struct.pack(">BBII", 5, 0, 4, 0))
        self._read_pdu()
        self.close()

    def close(self) -> None:
        """Close without a word."""
        self._socket.close()

    def _read_pdu(self) -> tuple[int, bytes]:
        received = self._received
        while len(received) < 6 or len(received) < 6 + struct.unpack_from(">I", received, 2)[0]:
            more = self._socket.recv(65536)
            if not more:
                raise ClientError("The peer closed the connection")
            received += more
        end = 6 + struct.unpack_from(">I", received, 2)[0]
        kind, body = received[0], bytes(received[6:end])
        del received[:end]
        return kind, body

    def _read_status(self) -> int:
        command = b""
        while True:
            kind, body = self._read_pdu()
            if kind != 4:
                raise ClientError(f"The peer sent PDU type {kind} instead of an answer")
            place = 0
            while place < len(body):
                (length,) = struct.unpack_from(">I", body, place)
                command += body[place + 6 : place + 4 + length]
                if body[place + 5] & 0x02:
                    return _status(command)
                place += 4 + length


def _accepted_pdu_bytes(body: bytes) -> int:
    place, accepted, pdu_bytes_max = 68, False, RECEIVE_PDU_BYTES_MAX
    while place + 4 <= len(body):
        kind, _, length = struct.unpack_from(">BBH", body, place)
        if kind == 0x21:
            accepted = body[place + 6] == 0
        if kind == 0x50:  # User information: its first sub-item is the maximum length.
            (pdu_bytes_max,) = struct.unpack_from(">I", body, place + 8)
        place += 4 + length
    if not accepted:
        raise ClientError("The peer did not accept CT Image Storage in explicit little endian")
    return int(pdu_bytes_max)


def _status(command: bytes) -> int:
    place = 0
    while place + 8 <= len(command):
        group, number, length = struct.unpack_from("<HHI", command, place)
        if (group, number) == (0x0000, 0x0900):
            return int(struct.unpack_from("<H", command, place + 8)[0])
        place += 8 + length
    raise ClientError("The answer carries no status")


@dataclass(frozen=True)
class Rate:
    """What one run reached."""

    instances: int
    seconds: float
    instance_bytes: int

    @property
    def per_second(self) -> float:
        """Instances per second."""
        return self.instances / self.seconds


def _send_in_process(
    address: tuple[str, int], series: Series, count: int, called: str, start: Any, out: Any
) -> None:
    try:
        sender = Sender(address, series, called)
        sender.prepare()
        start.wait(60)
        began = time.monotonic()
        for number in range(count):
            status = sender.store(number)
            if status != 0:
                raise ClientError(f"Instance {number} was answered {status:04X}")
        ended = time.monotonic()
        sender.release()
        out.put((began, ended, ""))
    except (OSError, ClientError, RuntimeError) as error:
        start.abort()
        out.put((0.0, 0.0, f"{type(error).__name__}: {error}"))


def send_series(address: tuple[str, int], series: list[Series], count: int, called: str = "ANY-SCP") -> Rate:
    """Store `count` slices of each series, each over its own association from its own process, all at once.

    Raises ClientError when any of them was not answered with Success.
    """
    context = multiprocessing.get_context("fork")
    start, out = context.Barrier(len(series)), context.SimpleQueue()
    for one in series:
        one.data_set(0)  # Made before the fork: the children share it.
    processes = [
        context.Process(target=_send_in_process, args=(address, one, count, called, start, out))
        for one in series
    ]
    for process in processes:
        process.start()
    results = [out.get() for _ in processes]
    for process in processes:
        process.join()
    if problems := [problem for _, _, problem in results if problem]:
        raise ClientError("; ".join(problems))
    seconds = max(end for _, end, _ in results) - min(begin for begin, _, _ in results)
    return Rate(count * len(series), seconds, len(series[0].data_set(0)))


def main() -> None:
    """Send from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--associations", type=int, default=4)
    parser.add_argument("--count", type=int, default=500, help="instances an association")
    parser.add_argument("--called", default="ANY-SCP")
    parser.add_argument("--size", type=int, default=512, help="rows and columns")
    options = parser.parse_args()
    run = Series.new_run()
    series = [Series(run, number, options.size, options.size) for number in range(options.associations)]
    rate = send_series((options.host, options.port), series, options.count, options.called)
    mib = rate.per_second * rate.instance_bytes / 2**20
    print(f"{rate.instances} instances in {rate.seconds:.2f} s: {rate.per_second:.0f}/s, {mib:.0f} MiB/s")


if __name__ == "__main__":
    main()
