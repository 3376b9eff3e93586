"""Colour palettes of PALETTE COLOR images, plain and segmented (PS3.3 C.7.6.3.1.5-6 and C.7.9.2).

Not here: applying them (`rendering`). Start at `read_palette`.
"""

from __future__ import annotations

from typing import Any

import numpy
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from filmless.standards.dicom.pixel_description import UndecodableFrame
from filmless.standards.dicom.rendering import LookupTable

ENTRIES_MAX = 65536  # Descriptor value 0 means this many; US cannot say more.
_COLOURS = ("Red", "Green", "Blue")
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2


def read_palette(dataset: Dataset, signed: bool) -> LookupTable | None:
    """The palette as a table of 8-bit RGB triples, or None when the data set has none.

    Raises UndecodableFrame when it has one that is damaged.
    """
    if "RedPaletteColorLookupTableDescriptor" not in dataset:
        return None
    try:
        count, first, bits = (int(value) for value in dataset.RedPaletteColorLookupTableDescriptor)
        columns = [_column(dataset, colour, count or ENTRIES_MAX, bits) for colour in _COLOURS]
        if signed and first >= 32768:
            first -= 65536
        return LookupTable(first, numpy.stack(columns, axis=1), 8)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UndecodableFrame("The palette of the image is damaged.") from error


def _column(dataset: Dataset, colour: str, count: int, bits: int) -> NDArray[numpy.uint8]:
    segmented = dataset.get(f"Segmented{colour}PaletteColorLookupTableData")
    entries: NDArray[Any]
    if segmented:
        # Segments of eight-bit entries are bytes (C.7.9.2), unless the writer made words of them.
        is_bytes = bits == 8 and (len(segmented) % 2 == 1 or segmented[1] != 0)
        units = numpy.frombuffer(segmented, "<u1" if is_bytes else "<u2").tolist()
        expanded = expand_segments(units, count, 1 if is_bytes else 2)
        entries = numpy.asarray(expanded, dtype=numpy.uint16)
    else:
        data = dataset[f"{colour}PaletteColorLookupTableData"].value
        # Eight-bit entries may stand one or two to a word; the length tells (C.7.6.3.1.6).
        entries = numpy.frombuffer(data, "<u1" if len(data) < 2 * count else "<u2")[:count].astype(
            numpy.uint16
        )
    if entries.size < count:
        raise ValueError("fewer entries than described")
    # 16-bit entries fill the word, unless the writer put eight-bit colours into it.
    if bits > 8 and entries.max(initial=0) > 255:
        entries = entries >> 8
    return entries.astype(numpy.uint8)


def expand_segments(units: list[int], count: int, unit_bytes: int = 2) -> list[int]:
    """Segments (PS3.3 C.7.9.2.1-3) to `count` entries. Raises ValueError when they are malformed."""
    entries: list[int] = []
    at = 0
    while at + 1 < len(units) and len(entries) < count:
        if units[at] == _INDIRECT:
            _expand_indirect(units, at, entries, count, unit_bytes)
            at += 2 + 4 // unit_bytes
        else:
            at = _expand_direct(units, at, entries)
    return entries[:count]


def _expand_direct(units: list[int], at: int, entries: list[int]) -> int:
    """Append one discrete or linear segment; returns where the next begins."""
    operation, length = units[at], units[at + 1]
    if operation == _DISCRETE:
        entries += units[at + 2 : at + 2 + length]
        return at + 2 + length
    if operation == _LINEAR and entries and at + 2 < len(units):
        start, end = entries[-1], units[at + 2]
        entries += [round(start + (end - start) * step / length) for step in range(1, length + 1)]
        return at + 3
    raise ValueError("unknown segment")


def _expand_indirect(units: list[int], at: int, entries: list[int], count: int, unit_bytes: int) -> None:
    """Repeat earlier segments: operation, how many, and where they begin (a byte offset in 32 bits)."""
    offset_units = units[at + 2 : at + 2 + 4 // unit_bytes]
    if len(offset_units) < 4 // unit_bytes:
        raise ValueError("truncated segment")
    offset = sum(unit << 8 * unit_bytes * index for index, unit in enumerate(offset_units))
    source = offset // unit_bytes
    for _ in range(units[at + 1]):
        if len(entries) >= count:
            break
        if source >= at:
            raise ValueError("segment copied from where there is none")
        source = _expand_direct(units, source, entries)
