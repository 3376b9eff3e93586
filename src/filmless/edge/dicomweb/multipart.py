"""multipart/related (RFC 2387), read and written; found by searching, not by looking at each byte.

Reading keeps at most one chunk and a delimiter in memory, whatever the sender does. Start at
`MultipartReader.parts` and `multipart_body`. Not here: what the parts mean.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from filmless.features.archive import Piece
from filmless.infra.errors import Invalid

PART_HEADER_BYTES_MAX = 16 * 1024  # Three lines of a hundred characters are usual.
BOUNDARY_CHARACTERS_MAX = 70  # RFC 2046 section 5.1.1.

# Random, so that no stored image can contain it; one for the life of the process is as good as many.
BOUNDARY = secrets.token_hex(20)
_CLOSING = f"\r\n--{BOUNDARY}--\r\n".encode()


class MultipartDamaged(Invalid):
    """The body is not the multipart message that its Content-Type announces."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part; `chunks` can be read once, and is skipped over when it is not."""

    content_type: str
    chunks: Iterator[bytes]


class MultipartReader:
    """Reads parts from a source of chunks; `read` returns b"" at the end."""

    def __init__(self, boundary: str, read: Callable[[], bytes]) -> None:
        if not 0 < len(boundary) <= BOUNDARY_CHARACTERS_MAX or not boundary.isascii():
            raise MultipartDamaged("The Content-Type names no boundary, or one longer than 70 characters.")
        self._delimiter = b"\r\n--" + boundary.encode()
        self._read = read
        # The first delimiter may stand at the very beginning, without the line break before it.
        self._buffer = bytearray(b"\r\n")

    def parts(self) -> Iterator[Part]:
        """The parts in order; raises MultipartDamaged where the message breaks its rules."""
        for _ in self._until_delimiter():
            pass  # What stands before the first delimiter means nothing (RFC 2046 section 5.1.1).
        while not self._is_closing():
            chunks = self._until_delimiter()
            yield Part(self._read_header(), chunks)
            for _ in chunks:
                pass

    def _until_delimiter(self) -> Iterator[bytes]:
        delimiter, buffer = self._delimiter, self._buffer
        keep = len(delimiter) - 1
        searched = 0
        while (at := buffer.find(delimiter, searched)) < 0:
            if len(buffer) > keep:
                chunk = bytes(memoryview(buffer)[: len(buffer) - keep])
                del buffer[: len(chunk)]
                yield chunk
            searched = 0
            self._fill()
        if at:
            yield bytes(memoryview(buffer)[:at])
        del buffer[: at + len(delimiter)]

    def _is_closing(self) -> bool:
        """After a delimiter: `--` ends the message, a line break begins a part."""
        while len(self._buffer) < 2:
            self._fill()
        if self._buffer[:2] == b"--":
            return True
        end = self._find(b"\r\n")
        if self._buffer[:end].strip(b" \t"):
            raise MultipartDamaged("A line of the body begins with the boundary but goes on after it.")
        del self._buffer[:end]  # The line break stays: a part without header lines has another right after.
        return False

    def _read_header(self) -> str:
        """The Content-Type of the part; the buffer is left at its first byte."""
        end = self._find(b"\r\n\r\n")
        lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        for line in lines:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-type":
                return value.strip().decode("latin-1")
        return ""

    def _find(self, wanted: bytes) -> int:
        while (at := self._buffer.find(wanted, 0, PART_HEADER_BYTES_MAX)) < 0:
            if len(self._buffer) >= PART_HEADER_BYTES_MAX:
                raise MultipartDamaged("The header lines of a part are longer than 16 KiB.")
            self._fill()
        return at

    def _fill(self) -> None:
        data = self._read()
        if not data:
            raise MultipartDamaged("The body ends before its closing boundary: it was cut short.")
        self._buffer += data


# --- Writing -----------------------------------------------------------------------------------------------


def content_type_of(part_media_type: str) -> str:
    """The Content-Type of a message whose parts have this media type."""
    return f'multipart/related; type="{part_media_type}"; boundary={BOUNDARY}'


def part_head(content_type: str, length: int, *, is_first: bool) -> bytes:
    """What stands before the bytes of a part."""
    line_break = "" if is_first else "\r\n"
    return (
        f"{line_break}--{BOUNDARY}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def closing() -> bytes:
    """What ends the message."""
    return _CLOSING


def multipart_chunks(content_type: str, pieces: Iterable[Piece]) -> Iterator[bytes]:
    """A message of any length, chunk by chunk."""
    for number, piece in enumerate(pieces):
        yield part_head(content_type, piece.length, is_first=not number)
        yield from piece.chunks
    yield _CLOSING


def multipart_body(content_type: str, parts: Sequence[bytes | bytearray]) -> bytes:
    """A whole message in memory, all parts with the same Content-Type."""
    pieces: list[bytes | bytearray] = []
    for number, part in enumerate(parts):
        pieces += (part_head(content_type, len(part), is_first=not number), part)
    return b"".join((*pieces, _CLOSING))
