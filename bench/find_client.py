"""A C-FIND client that costs next to nothing: counts the pending responses of one query after the other.

One association, implicit little endian, Patient Root. Not here: reading what the responses say.
Start at `Finder.find`.
"""

import socket
import struct
from collections.abc import Mapping

from bench.ct import IMPLEMENTATION_CLASS_UID, uid_bytes
from bench.dicom_client import APPLICATION_CONTEXT, ClientError, fragments

PATIENT_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.1.1"
IMPLICIT_LE = "1.2.840.10008.1.2"
CONTEXT_ID = 1
RECEIVE_PDU_BYTES_MAX = 1 << 18
PENDING = (0xFF00, 0xFF01)
CANCELLED = 0xFE00

TAGS = {
    "AccessionNumber": 0x00080050, "ModalitiesInStudy": 0x00080061, "StudyDate": 0x00080020,
    "StudyTime": 0x00080030, "StudyDescription": 0x00081030, "PatientName": 0x00100010,
    "PatientID": 0x00100020, "PatientBirthDate": 0x00100030, "PatientSex": 0x00100040,
    "StudyInstanceUID": 0x0020000D, "SeriesInstanceUID": 0x0020000E, "NumberOfStudyRelatedSeries": 0x00201206,
    "NumberOfStudyRelatedInstances": 0x00201208, "Modality": 0x00080060, "SeriesNumber": 0x00200011,
}  # fmt: skip
# What a workstation asks to be told of each match.
RETURNED = {
    "patient": ("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    "study": ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
              "AccessionNumber", "StudyDescription", "ModalitiesInStudy", "StudyInstanceUID",
              "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"),
    "series": ("Modality", "SeriesNumber", "SeriesInstanceUID"),
}  # fmt: skip


def identifier(level: str, matching: Mapping[str, str]) -> bytes:
    """The identifier of a query: level, keys, and what is to come back; implicit little endian, UTF-8."""
    values = {0x00080005: "ISO_IR 192", 0x00080052: level.upper()}
    values |= {TAGS[keyword]: "" for keyword in RETURNED[level]}
    values |= {TAGS[keyword]: value for keyword, value in matching.items()}
    encoded = b""
    for tag, text in sorted(values.items()):
        raw = uid_bytes(text) if tag in (0x0020000D, 0x0020000E) else text.encode()
        raw += b" " * (len(raw) % 2)
        encoded += struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(raw)) + raw
    return encoded


def _command(field: int, message_id: int, *, has_data: bool) -> bytes:
    def value(number: int, raw: bytes) -> bytes:
        return struct.pack("<HHI", 0, number, len(raw)) + raw

    body = b""
    if has_data:
        body += value(0x0002, uid_bytes(PATIENT_ROOT_FIND))
    body += value(0x0100, struct.pack("<H", field))
    if has_data:
        body += value(0x0110, struct.pack("<H", message_id)) + value(0x0700, struct.pack("<H", 0))
    else:
        body += value(0x0120, struct.pack("<H", message_id))
    body += value(0x0800, struct.pack("<H", 0x0001 if has_data else 0x0101))
    return value(0x0000, struct.pack("<I", len(body))) + body


class Finder:
    """One association that asks queries."""

    def __init__(self, address: tuple[str, int], called: str, calling: str = "BENCH") -> None:
        self._socket = socket.create_connection(address, timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()
        self._message_id = 0
        self._is_draining = False
        self._socket.sendall(_associate_request(called, calling))
        kind, body = self._read_pdu()
        if kind != 2 or not _is_accepted(body):
            raise ClientError(f"No association for C-FIND: the peer answered PDU type {kind}")

    def find(self, level: str, matching: Mapping[str, str], rows_max: int | None) -> int:
        """Ask, and count matches to the last or, then cancelling, to `rows_max`.

        What comes after the cancel is read away before the next query, not counted and not timed here.
        """
        self._drain()
        self._message_id = self._message_id % 65535 + 1
        query = fragments(_command(0x0020, self._message_id, has_data=True), 1, 16384)
        self._socket.sendall(query + fragments(identifier(level, matching), 0, 16384))
        matches = 0
        while True:
            status = self._read_response()
            if status not in PENDING:
                if status not in (0, CANCELLED):
                    raise ClientError(f"The query was answered {status:04X}")
                return matches
            matches += 1
            if matches == rows_max:
                self._socket.sendall(fragments(_command(0x0FFF, self._message_id, has_data=False), 1, 16384))
                self._is_draining = True
                return matches

    def _drain(self) -> None:
        while self._is_draining:
            self._is_draining = self._read_response() in PENDING

    def release(self) -> None:
        """A-RELEASE, then close."""
        self._drain()
        self._socket.sendall(struct.pack(">BBII", 5, 0, 4, 0))
        self._read_pdu()
        self._socket.close()

    def _read_response(self) -> int:
        """The status of the next response; its data set is read and thrown away."""
        command, status = b"", -1
        while True:
            kind, body = self._read_pdu()
            if kind != 4:
                raise ClientError(f"The peer sent PDU type {kind} instead of an answer")
            place = 0
            while place < len(body):
                (length,) = struct.unpack_from(">I", body, place)
                control, part = body[place + 5], body[place + 6 : place + 4 + length]
                place += 4 + length
                if control & 1:
                    command += part
                if control == 3:
                    status = _status(command)
                    if status not in PENDING:
                        return status
                elif control == 2 and place >= len(body):
                    return status
                elif control == 2:
                    self._received[:0] = struct.pack(">BBI", 4, 0, len(body) - place) + body[place:]
                    return status

    def _read_pdu(self) -> tuple[int, bytes]:
        received = self._received
        while len(received) < 6 or len(received) < 6 + struct.unpack_from(">I", received, 2)[0]:
            more = self._socket.recv(1 << 18)
            if not more:
                raise ClientError("The peer closed the connection")
            received += more
        end = 6 + struct.unpack_from(">I", received, 2)[0]
        kind, body = received[0], bytes(received[6:end])
        del received[:end]
        return kind, body


def _associate_request(called: str, calling: str) -> bytes:
    def item(kind: int, body: bytes) -> bytes:
        return struct.pack(">BBH", kind, 0, len(body)) + body

    context = struct.pack(">BBBB", CONTEXT_ID, 0, 0, 0)
    context += item(0x30, PATIENT_ROOT_FIND.encode()) + item(0x40, IMPLICIT_LE.encode())
    user = item(0x51, struct.pack(">I", RECEIVE_PDU_BYTES_MAX)) + item(
        0x52, IMPLEMENTATION_CLASS_UID.encode()
    )
    uid = PATIENT_ROOT_FIND.encode()
    user += item(0x56, struct.pack(">H", len(uid)) + uid + b"\x01\x01\x00\x00")  # Relational, combined.
    body = struct.pack(">HH", 1, 0) + called.ljust(16).encode() + calling.ljust(16).encode() + b"\0" * 32
    body += item(0x10, APPLICATION_CONTEXT.encode()) + item(0x20, context) + item(0x50, user)
    return struct.pack(">BBI", 1, 0, len(body)) + body


def _is_accepted(body: bytes) -> bool:
    place = 68
    while place + 4 <= len(body):
        kind, _, length = struct.unpack_from(">BBH", body, place)
        if kind == 0x21:
            return body[place + 6] == 0
        place += 4 + length
    return False


def _status(command: bytes) -> int:
    place = 0
    while place + 8 <= len(command):
        group, number, length = struct.unpack_from("<HHI", command, place)
        if (group, number) == (0x0000, 0x0900):
            return int(struct.unpack_from("<H", command, place + 8)[0])
        place += 8 + length
    raise ClientError("The answer carries no status")
