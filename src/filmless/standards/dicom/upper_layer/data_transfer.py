"""P-DATA-TF both ways (PS3.8 9.3.5, Annex E), streamed: no PDU, PDV or data set is ever held whole.

`MessageReader` turns bytes into commands and data-set fragments that are slices of the caller's buffer.
`frame_message` turns a command and chunks into vectors for `sendmsg`, without copying the chunks.
Not here: PDU headers coming in and the association's state (`association`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from filmless.standards.dicom.upper_layer.commands import CommandSet
from filmless.standards.dicom.upper_layer.errors import CommandSetError, ProtocolError
from filmless.standards.dicom.upper_layer.events import CommandReceived, DataReceived, Event

_PDV_HEADER = struct.Struct(">LBB")
_PDU_AND_PDV_HEADER = struct.Struct(">BxLLBB")
_PDV_HEADER_BYTES: Final = 6
_COMMAND: Final = 0b01
_LAST: Final = 0b10

VECTOR_BYTES_MAX: Final = 512 * 1024
"""One sendmsg call carries up to this: fewer system calls than PDUs, and a bounded wait for a slow peer."""

VECTOR_BUFFERS_MAX: Final = 512
"""Linux takes at most 1,024 buffers in one sendmsg (IOV_MAX)."""

BytesLike = bytes | bytearray | memoryview


class MessageReader:
    """Reads the bodies of P-DATA-TF PDUs. `pdu_left` bytes of the present one are still to come."""

    __slots__ = (
        "_command",
        "_command_bytes_max",
        "_command_context",
        "_context_id",
        "_contexts",
        "_control",
        "_data_context",
        "_header",
        "_pdv_left",
        "pdu_left",
    )

    def __init__(self, contexts: Mapping[int, object], command_bytes_max: int) -> None:
        """`contexts`: the accepted presentation contexts by ID; bytes for any other are a protocol error."""
        self._contexts = contexts
        self._command_bytes_max = command_bytes_max
        self.pdu_left = 0
        self._pdv_left = 0
        self._context_id = 0
        self._control = 0
        self._header = bytearray()  # A PDV header cut in two by the receive buffer.
        self._command = bytearray()  # A command set that is not complete yet.
        self._command_context = 0  # Of that command; 0 = between commands. Context IDs are odd.
        self._data_context = 0  # Of the data set we are in or waiting for; 0 = none.

    def begin_pdu(self, length: int) -> None:
        """A P-DATA-TF header was read; `length` bytes of PDVs follow."""
        if length < _PDV_HEADER_BYTES:
            raise ProtocolError(f"P-DATA-TF of {length} bytes cannot hold a PDV.")
        self.pdu_left = length

    def feed(self, view: memoryview, position: int, end: int, events: list[Event]) -> int:
        """Take what belongs to the present PDU, append events, return where it ended."""
        pdu_left = self.pdu_left
        while pdu_left and position < end:
            pdv_left = self._pdv_left
            if not pdv_left:
                if self._header or end - position < _PDV_HEADER_BYTES or pdu_left < _PDV_HEADER_BYTES:
                    stop = self._join_header(view, position, end, pdu_left)
                    pdu_left -= stop - position
                    position = stop
                    if len(self._header) < _PDV_HEADER_BYTES:
                        break
                    pdv_left = self._open_pdv(self._header, 0, pdu_left)
                    self._header.clear()
                else:
                    pdu_left -= _PDV_HEADER_BYTES
                    pdv_left = self._open_pdv(view, position, pdu_left)
                    position += _PDV_HEADER_BYTES
                if not pdv_left:
                    self._take(view, position, 0, 0, events)
                    continue
            size = end - position
            if size > pdv_left:
                size = pdv_left
            self._pdv_left = pdv_left - size
            pdu_left -= size
            self._take(view, position, size, pdv_left - size, events)
            position += size
        self.pdu_left = pdu_left
        return position

    def _join_header(self, view: memoryview, position: int, end: int, pdu_left: int) -> int:
        """Collect a PDV header that arrives in pieces; returns the new position."""
        missing = _PDV_HEADER_BYTES - len(self._header)
        if pdu_left < missing:
            raise ProtocolError(f"{pdu_left} stray bytes at the end of a P-DATA-TF.")
        stop = min(end, position + missing)
        self._header += view[position:stop]
        return stop

    def _open_pdv(self, header: BytesLike, offset: int, pdu_left: int) -> int:
        """Check a PDV header and make it the present one; returns the bytes of its fragment."""
        length, context_id, control = _PDV_HEADER.unpack_from(header, offset)
        size: int = length - 2
        if size < 0 or size > pdu_left:
            raise ProtocolError(f"PDV length {length} does not fit the {pdu_left + 2} bytes left in its PDU.")
        if control & _COMMAND:
            if self._data_context:
                raise ProtocolError("A command fragment came where the rest of a data set was due.")
            if context_id != self._command_context:
                if self._command_context:
                    raise ProtocolError("Fragments of two commands are interleaved.")
                if context_id not in self._contexts:
                    raise ProtocolError(f"Presentation context {context_id} was not accepted.")
                self._command_context = context_id
        elif context_id != self._data_context:
            raise ProtocolError(f"A data set fragment on context {context_id} that no command announced.")
        self._context_id = context_id
        self._control = control
        self._pdv_left = size
        return size

    def _take(self, view: memoryview, position: int, size: int, pdv_left: int, events: list[Event]) -> None:
        """`size` bytes of the present PDV are here; `pdv_left` more will follow."""
        control = self._control
        if control & _COMMAND:
            self._take_command(
                view[position : position + size], not pdv_left and bool(control & _LAST), events
            )
            return
        is_last = not pdv_left and control & _LAST == _LAST
        if is_last:
            self._data_context = 0
        elif not size:
            return
        events.append(DataReceived(self._context_id, view[position : position + size], is_last))

    def _take_command(self, fragment: memoryview, is_last: bool, events: list[Event]) -> None:
        if len(self._command) + len(fragment) > self._command_bytes_max:
            raise CommandSetError(f"A command set of more than {self._command_bytes_max} bytes.")
        if not is_last:
            self._command += fragment
            return
        if self._command:
            self._command += fragment
            command = CommandSet.decode(self._command)
            self._command = bytearray()
        else:
            command = CommandSet.decode(fragment)
        self._command_context = 0
        if command.has_data_set:
            self._data_context = self._context_id
        events.append(CommandReceived(self._context_id, command))


def frame_message(
    context_id: int, command: CommandSet, data: Iterable[BytesLike] | None, pdu_bytes_max: int
) -> Iterator[list[BytesLike]]:
    """The message as vectors of buffers for `sendmsg`; each vector is at most about VECTOR_BYTES_MAX.

    `pdu_bytes_max`: the longest PDU the peer takes, never 0. Fragments are even, as DCMTK insists, except
    the end of an odd data set. `data` may hold chunks of any size; an empty one stands for an empty data set.
    """
    fragment_bytes_max = (pdu_bytes_max - _PDV_HEADER_BYTES) & ~1
    vector: list[BytesLike] = []
    raw = command.encode()
    for start in range(0, len(raw), fragment_bytes_max):
        fragment = raw[start : start + fragment_bytes_max]
        last = _LAST if start + fragment_bytes_max >= len(raw) else 0
        vector += (_fragment_header(context_id, _COMMAND | last, len(fragment)), fragment)
    if data is None:
        yield vector
        return
    vector_bytes = 0
    for size, is_last, pieces in _fragments(data, fragment_bytes_max):
        vector.append(_fragment_header(context_id, _LAST if is_last else 0, size))
        vector += pieces
        vector_bytes += size
        if vector_bytes >= VECTOR_BYTES_MAX or len(vector) >= VECTOR_BUFFERS_MAX:
            yield vector
            vector, vector_bytes = [], 0
    if vector:
        yield vector


def _fragment_header(context_id: int, control: int, size: int) -> bytes:
    """Headers of a P-DATA-TF with one PDV of `size` bytes (PS3.8 9.3.5)."""
    return _PDU_AND_PDV_HEADER.pack(0x04, size + _PDV_HEADER_BYTES, size + 2, context_id, control)


def _fragments(data: Iterable[BytesLike], size_max: int) -> Iterator[tuple[int, bool, list[BytesLike]]]:
    """(size, is last, pieces) of each fragment. A full one waits until it is known whether more follows."""
    pieces: list[BytesLike] = []
    size = 0
    for chunk in data:
        view = memoryview(chunk).cast("B") if not isinstance(chunk, bytes) else memoryview(chunk)
        position, end = 0, len(view)
        while position < end:
            if size == size_max:
                yield size, False, pieces
                pieces, size = [], 0
            elif len(pieces) >= VECTOR_BUFFERS_MAX:
                pieces = [b"".join(pieces)]  # Crumbs: one copy is cheaper than their number.
            take = min(size_max - size, end - position)
            pieces.append(view[position : position + take])
            size += take
            position += take
    yield size, True, pieces
