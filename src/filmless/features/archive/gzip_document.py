"""Compressed text that can be joined without being decompressed: what prepared metadata is kept as.

Deflate blocks that end on a byte (RFC 1951 section 3.2.4) may follow each other, and the checksum of the
whole follows from those of the parts. So a series that grows appends, and a study is its series one after
another: nothing is compressed twice. One gzip member comes out: browsers ignore what follows the first. Pure.
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

LEVEL = 5  # Level 9 saves 3 % of DICOM JSON and takes three times as long.

_HEAD = struct.Struct("<IQ")  # CRC-32 and length of the text.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # RFC 1952: deflate, no flags, no time.
_LAST_BLOCK = b"\x03\x00"  # An empty final block.
_POLYNOMIAL = 0xEDB88320


@dataclass(frozen=True, slots=True)
class Deflated:
    """Some text as deflate blocks that end on a byte and are not the last."""

    crc32: int
    length: int
    blocks: bytes

    def to_bytes(self) -> bytes:
        """For the database."""
        return _HEAD.pack(self.crc32, self.length) + self.blocks

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Deflated":
        """From the database."""
        crc32, length = _HEAD.unpack_from(raw)
        return cls(crc32, length, raw[_HEAD.size :])


def deflate(text: bytes) -> Deflated:
    """Compress a piece of text."""
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    blocks = compressor.compress(text) + compressor.flush(zlib.Z_FULL_FLUSH)
    return Deflated(zlib.crc32(text), len(text), blocks)


def joined(parts: Iterable[Deflated]) -> Deflated:
    """The texts of the parts one after another."""
    crc32, length, blocks = 0, 0, []
    for part in parts:
        crc32 = _crc32_of_both(crc32, part.crc32, part.length)
        length += part.length
        blocks.append(part.blocks)
    return Deflated(crc32, length, b"".join(blocks))


def gzip_member(text: Deflated) -> bytes:
    """The text as one gzip member (RFC 1952)."""
    tail = struct.pack("<II", text.crc32, text.length & 0xFFFFFFFF)
    return b"".join((_GZIP_HEADER, text.blocks, _LAST_BLOCK, tail))


def _multiplied(a: int, b: int) -> int:
    """a times b modulo the CRC polynomial, bits reflected (as zlib's multmodp)."""
    product, bit = 0, 1 << 31
    while True:
        if a & bit:
            product ^= b
            if not a & (bit - 1):
                return product
        bit >>= 1
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1


def _powers_of_x() -> list[int]:
    """x to the power of 2^n, for n from 0 to 31."""
    powers = [1 << 30]
    while len(powers) < 32:
        powers.append(_multiplied(powers[-1], powers[-1]))
    return powers


_POWERS = _powers_of_x()


def _crc32_of_both(first: int, second: int, second_length: int) -> int:
    """The CRC-32 of two texts one after the other, from the CRC-32 of each."""
    shift, bits, power = 1 << 31, second_length, 3  # Bytes to bits: x to the power of 2^3 each.
    while bits:
        if bits & 1:
            shift = _multiplied(_POWERS[power & 31], shift)
        bits >>= 1
        power += 1
    return _multiplied(shift, first) ^ second if first else second
