"""What is to be done with the frames of an instance: values that travel to the sandbox. Pure, without codecs.

Not here: doing it (`frame_recoding`), which loads native decoders. Start at `Recoding`.
"""

from __future__ import annotations

from dataclasses import dataclass

from filmless.standards.dicom import tags
from filmless.standards.dicom import transfer_syntaxes as ts
from filmless.standards.dicom.header import HeaderScan
from filmless.standards.dicom.pixel_description import PixelDescription

CELL_SYNTAXES = frozenset(
    (
        ts.IMPLICIT_LE,
        ts.EXPLICIT_LE,
        ts.EXPLICIT_BE,
        ts.DEFLATED_EXPLICIT_LE,
        ts.ENCAPSULATED_UNCOMPRESSED_EXPLICIT_LE,
        ts.DEFLATED_IMAGE_FRAME,
        ts.RLE_LOSSLESS,
    )
)
"""Syntaxes that carry whole pixel cells, also the bits above Bits Stored (PS3.5 8.1.1, annex G)."""


@dataclass(frozen=True, slots=True)
class Recoding:
    """What to make of frames. `target` is EXPLICIT_LE for native bytes, or an encapsulated syntax."""

    description: PixelDescription
    source: str
    target: str

    @property
    def keeps_cells(self) -> bool:
        """Whether whole cells go through; else values, right-aligned, the bits above Bits Stored not kept."""
        return self.source in CELL_SYNTAXES and self.target in CELL_SYNTAXES

    @property
    def planar_configuration(self) -> int:
        """Planar Configuration of the result: cells keep theirs, codecs give and take colour by pixel."""
        return self.description.planar_configuration if self.keeps_cells else 0


def description_of(scan: HeaderScan) -> PixelDescription:
    """What a header says about its pixels, and what is usual where it says nothing.

    Raises UndecodableFrame.
    """
    allocated = scan.number(tags.BITS_ALLOCATED) or 8
    stored = scan.number(tags.BITS_STORED) or allocated
    high_bit = scan.number(tags.HIGH_BIT)
    return PixelDescription(
        rows=scan.number(tags.ROWS) or 0,
        columns=scan.number(tags.COLUMNS) or 0,
        samples_per_pixel=scan.number(tags.SAMPLES_PER_PIXEL) or 1,
        photometric_interpretation=scan.text(tags.PHOTOMETRIC_INTERPRETATION) or "MONOCHROME2",
        planar_configuration=scan.number(tags.PLANAR_CONFIGURATION) or 0,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=stored - 1 if high_bit is None else high_bit,
        pixel_representation=scan.number(tags.PIXEL_REPRESENTATION) or 0,
    )
