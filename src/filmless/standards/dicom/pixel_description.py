"""What a data set says about its pixels, and the error for pixels that do not keep to it.

Not here: decoding (`pixels`), the inside of compressed frames (`codestreams`).
"""

from __future__ import annotations

from dataclasses import dataclass

ROWS_MAX = 65535  # US is the VR of Rows and Columns.
FRAME_BYTES_MAX = (
    1 << 30
)  # One decoded frame: a 16-bit image of 23,000 x 23,000 pixels. Slides come in tiles.
SAMPLES_ALLOWED = (1, 3)  # ARGB and CMYK are retired and were never seen.
BITS_ALLOCATED_ALLOWED = (1, 8, 16, 32, 64)


class UndecodableFrame(ValueError):
    """This frame cannot be decoded; the message says why and quotes no patient data."""


@dataclass(frozen=True, slots=True)
class PixelDescription:
    """The Image Pixel attributes of PS3.3 C.7.6.3 that decide how one frame is decoded.

    `is_float`: Float Pixel Data or Double Float Pixel Data (PS3.3 C.7.6.24, C.7.6.25). `words_swapped`: 8-bit
    samples written as OW in big endian, so that each pair of bytes is exchanged (PS3.5 8.1.2).
    Raises UndecodableFrame for a combination that no image can have.
    """

    rows: int
    columns: int
    samples_per_pixel: int = 1
    photometric_interpretation: str = "MONOCHROME2"
    planar_configuration: int = 0
    bits_allocated: int = 16
    bits_stored: int = 16
    high_bit: int = 15
    pixel_representation: int = 0
    is_float: bool = False
    words_swapped: bool = False

    def __post_init__(self) -> None:
        if not (0 < self.rows <= ROWS_MAX and 0 < self.columns <= ROWS_MAX):
            raise UndecodableFrame(f"No image has {self.rows} rows and {self.columns} columns.")
        if self.samples_per_pixel not in SAMPLES_ALLOWED:
            raise UndecodableFrame(f"Samples per Pixel is {self.samples_per_pixel}; 1 or 3 can be shown.")
        if self.bits_allocated not in BITS_ALLOCATED_ALLOWED:
            raise UndecodableFrame(
                f"Bits Allocated is {self.bits_allocated}; 1, 8, 16, 32 or 64 can be read."
            )
        if self.is_float and self.bits_allocated not in (32, 64):
            raise UndecodableFrame(f"Floating point pixels of {self.bits_allocated} bits do not exist.")
        if not (0 < self.bits_stored <= self.bits_allocated):
            raise UndecodableFrame(
                f"{self.bits_stored} Bits Stored do not fit in {self.bits_allocated} Bits Allocated."
            )
        if not (self.bits_stored - 1 <= self.high_bit < self.bits_allocated):
            raise UndecodableFrame(f"High Bit is {self.high_bit} for {self.bits_stored} Bits Stored.")
        if self.decoded_bytes > FRAME_BYTES_MAX:
            raise UndecodableFrame(
                f"One frame of {self.rows} x {self.columns} would take {self.decoded_bytes >> 20} MiB; "
                f"{FRAME_BYTES_MAX >> 20} MiB is the most that is decoded."
            )

    @property
    def sample_count(self) -> int:
        """Samples of one frame: rows x columns x samples per pixel."""
        return self.rows * self.columns * self.samples_per_pixel

    @property
    def decoded_bytes(self) -> int:
        """Bytes that one decoded frame takes in memory."""
        return self.sample_count * max(1, self.bits_allocated // 8)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the decoded array."""
        if self.samples_per_pixel == 1:
            return (self.rows, self.columns)
        return (self.rows, self.columns, self.samples_per_pixel)
