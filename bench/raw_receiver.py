"""The limit: what a Python receiver reaches that only moves bytes from socket to disk.

Answers are canned, the length of a message is known beforehand, nothing is parsed or indexed: each message
is read, written to a file of its own and fdatasynced, then answered. One thread an association, as ours.
Ours is measured against this (`DESIGN.md`, "What fast means"). Start at `RawReceiver`.
"""

import argparse
import os
import socket
import struct
import subprocess
import sys
import threading

from bench.ct import CT_IMAGE_STORAGE, EXPLICIT_LE, IMPLEMENTATION_CLASS_UID, Series, uid_bytes
from bench.dicom_client import APPLICATION_CONTEXT, CONTEXT_ID, fragments, store_command
from bench.folders import new_folder

PDU_BYTES_MAX = 256 * 1024  # The same as Filmless offers.
RECEIVE_BUFFER_BYTES = 512 * 1024


def _item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(body)) + body


def associate_accept(request: bytes) -> bytes:
    """A-ASSOCIATE-AC for the one context that `dicom_client` proposes."""
    context = struct.pack(">BBBB", CONTEXT_ID, 0, 0, 0) + _item(0x40, EXPLICIT_LE.encode())
    user = _item(0x51, struct.pack(">I", PDU_BYTES_MAX)) + _item(0x52, IMPLEMENTATION_CLASS_UID.encode())
    body = (
        request[6:74] + _item(0x10, APPLICATION_CONTEXT.encode()) + _item(0x21, context) + _item(0x50, user)
    )
    return struct.pack(">BBI", 2, 0, len(body)) + body


def store_response() -> bytes:
    """A C-STORE-RSP with Success to Message ID 1."""

    def value(number: int, raw: bytes) -> bytes:
        return struct.pack("<HHI", 0, number, len(raw)) + raw

    body = value(0x0002, uid_bytes(CT_IMAGE_STORAGE)) + value(0x0100, struct.pack("<H", 0x8001))
    body += value(0x0120, struct.pack("<H", 1)) + value(0x0800, struct.pack("<H", 0x0101))
    body += value(0x0900, struct.pack("<H", 0))
    return fragments(value(0x0000, struct.pack("<I", len(body))) + body, 1, PDU_BYTES_MAX)


def message_bytes(series: Series) -> int:
    """How long each message of this series is on the wire when PDUs are as we offer."""
    command = fragments(store_command(series.sop_instance_uid(0)), 1, PDU_BYTES_MAX)
    return len(command) + len(fragments(series.data_set(0), 0, PDU_BYTES_MAX))


def _serve_association(connection: socket.socket, folder: str, length: int, name: int) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(associate_accept(connection.recv(65536)))
    answer, buffer = store_response(), memoryview(bytearray(RECEIVE_BUFFER_BYTES))
    number = 0
    while True:
        received = connection.recv_into(buffer[: min(length, len(buffer))])
        if received <= 10:  # A-RELEASE-RQ, or the end.
            if received:
                connection.sendall(struct.pack(">BBII", 6, 0, 4, 0))
            connection.close()
            return
        descriptor = os.open(f"{folder}/{name}-{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        left = length
        while True:
            os.write(descriptor, buffer[:received])
            left -= received
            if not left:
                break
            received = connection.recv_into(buffer[: min(left, len(buffer))])
            if not received:
                raise ConnectionError("The sender stopped inside a message")
        os.fdatasync(descriptor)
        os.close(descriptor)
        connection.sendall(answer)
        number += 1


def serve(folder: str, length: int) -> None:
    """Print the port, then serve until killed."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    for name in range(1 << 30):
        connection, _ = listener.accept()
        threading.Thread(
            target=_serve_association, args=(connection, folder, length, name), daemon=True
        ).start()


class RawReceiver:
    """The receiver as a process of its own, on a temporary folder; a context manager."""

    name = "raw receiver"

    def __init__(self, series: Series) -> None:
        self._length = message_bytes(series)

    def __enter__(self) -> "RawReceiver":
        self._folder = new_folder("raw")
        command = [sys.executable, "-m", "bench.raw_receiver", str(self._folder), str(self._length)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.dicom_address = ("127.0.0.1", int(self._process.stdout.readline()))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def main() -> None:
    """Serve from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder")
    parser.add_argument("message_bytes", type=int)
    options = parser.parse_args()
    serve(options.folder, options.message_bytes)


if __name__ == "__main__":
    main()
