"""What a compressed frame says about itself in its first bytes: size, components, colour.

Read before a decoder sees the frame, so that no decoder allocates for a size the data set does not declare.
Not here: decoding (`pixels`). Start at `read_codestream`.
"""

from __future__ import annotations

from dataclasses import dataclass

from filmless.standards.dicom.pixel_description import UndecodableFrame

_SOI, _EOI, _SOS, _APP0, _APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xEE
# Start-of-frame markers; DHT (C4), JPG (C8) and DAC (CC) lie between them. F7 is JPEG-LS.
_START_OF_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}
_J2K_START, _J2K_SIZ, _J2K_COD, _J2K_TILE = b"\xff\x4f\xff\x51", 0xFF51, 0xFF52, 0xFF90
_HEADER_BYTES_MAX = 1 << 20  # Colour profiles before the frame header take up to some hundred KiB.


@dataclass(frozen=True, slots=True)
class Codestream:
    """The header of one compressed frame. `colour` is "RGB", "YBR_FULL" or None when it does not say.

    `reversible` is False for a JPEG 2000 stream with the irreversible wavelet; `start` is where the
    codestream begins in the frame (after a JP2 wrapper that should not be there, but is met).
    """

    rows: int
    columns: int
    components: int
    colour: str | None = None
    reversible: bool = True
    start: int = 0


def read_codestream(frame: bytes) -> Codestream:
    """Tell JPEG, JPEG-LS, JPEG 2000 and JPEG XL apart by their first bytes and read the size.

    Raises UndecodableFrame when the frame is none of them or its header is damaged.
    """
    head = frame[:_HEADER_BYTES_MAX]
    try:
        if head[:2] == b"\xff\xd8":
            return _read_jpeg(head)
        if head[:4] == _J2K_START:
            return _read_jpeg_2000(head, 0)
        if head[4:8] == b"jP  " and (start := head.find(_J2K_START)) > 0:
            return _read_jpeg_2000(head, start)
        if head[:2] == b"\xff\x0a" or head[4:8] == b"JXL ":
            return _read_jpeg_xl(head)
    except IndexError as error:
        raise UndecodableFrame("The compressed frame ends within its header.") from error
    raise UndecodableFrame("The compressed frame does not begin like JPEG, JPEG 2000 or JPEG XL.")


def _u16(data: bytes, offset: int) -> int:
    return data[offset] << 8 | data[offset + 1]


def _read_jpeg(data: bytes) -> Codestream:
    """Walk the markers of ISO/IEC 10918-1 (or 14495-1) to the frame header."""
    adobe_transform: int | None = None
    is_jfif = False
    at = 2
    while True:
        while data[at] != 0xFF:
            at += 1
        while data[at] == 0xFF:  # Any number of fill bytes may stand before a marker.
            at += 1
        marker = data[at]
        at += 1
        if marker in _WITHOUT_LENGTH:
            continue
        if marker in (_EOI, _SOS):
            raise UndecodableFrame("The JPEG frame has no frame header.")
        if marker in _START_OF_FRAME:
            break
        if marker == _APP0 and data[at + 2 : at + 6] == b"JFIF":
            is_jfif = True
        elif marker == _APP14 and data[at + 2 : at + 7] == b"Adobe":
            adobe_transform = data[at + 13]
        at += _u16(data, at)
    components = data[at + 7]
    identifiers = bytes(data[at + 8 + 3 * index] for index in range(components))
    sampling = {data[at + 9 + 3 * index] for index in range(components)}
    colour = _jpeg_colour(identifiers, len(sampling) > 1, is_jfif, adobe_transform)
    return Codestream(_u16(data, at + 3), _u16(data, at + 5), components, colour)


def _jpeg_colour(
    identifiers: bytes, is_subsampled: bool, is_jfif: bool, adobe_transform: int | None
) -> str | None:
    """What the stream itself says of its colours; libjpeg's rules, without its last guess."""
    if len(identifiers) != 3:
        return None
    if identifiers == b"RGB":
        return "RGB"
    if is_subsampled or is_jfif:
        return "YBR_FULL"
    if adobe_transform is not None:
        return "YBR_FULL" if adobe_transform else "RGB"
    return None


def _read_jpeg_2000(data: bytes, start: int) -> Codestream:
    """Read SIZ and COD of the main header (ISO/IEC 15444-1 annex A.5)."""
    at = start + 2
    rows = columns = components = 0
    reversible, colour = True, None
    while (marker := _u16(data, at)) != _J2K_TILE:
        at += 2
        if marker == _J2K_SIZ:
            x_end, y_end, x_start, y_start = (
                int.from_bytes(data[at + 4 + 4 * index : at + 8 + 4 * index], "big") for index in range(4)
            )
            columns, rows, components = x_end - x_start, y_end - y_start, _u16(data, at + 36)
        elif marker == _J2K_COD:
            reversible = data[at + 11] == 1
            # With a component transform the decoder returns RGB, whatever is declared (PS3.5 8.2.4).
            colour = "RGB" if data[at + 6] else None
        at += max(2, _u16(data, at))
    return Codestream(rows, columns, components, colour, reversible, start)


def _read_jpeg_xl(data: bytes) -> Codestream:
    """Read SizeHeader of ISO/IEC 18181-1; the number of components comes too late in the header to check."""
    start = 0
    if data[4:8] == b"JXL ":
        boxes = [at for name in (b"jxlc", b"jxlp") if (at := data.find(name)) >= 0]
        if not boxes:
            raise UndecodableFrame("The JPEG XL container holds no codestream.")
        start = min(boxes)
        start = data.find(b"\xff\x0a", start, start + 10)
        if start < 0:
            raise UndecodableFrame("The JPEG XL container holds no codestream.")
    bits = _Bits(data, start + 2)
    is_small = bits.read(1)
    rows = bits.read_size(is_small)
    ratio = bits.read(3)
    if ratio == 0:
        columns = bits.read_size(is_small)
    else:
        numerator, denominator = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
        columns = rows * numerator // denominator
    return Codestream(rows, columns, 0)


class _Bits:
    """Reads bits, least significant first."""

    def __init__(self, data: bytes, offset: int) -> None:
        if offset >= len(data):
            raise IndexError
        self._bits = int.from_bytes(data[offset : offset + 16], "little")

    def read(self, count: int) -> int:
        value = self._bits & ((1 << count) - 1)
        self._bits >>= count
        return value

    def read_size(self, is_small: int) -> int:
        if is_small:
            return 8 * (1 + self.read(5))
        return 1 + self.read((9, 13, 18, 30)[self.read(2)])
