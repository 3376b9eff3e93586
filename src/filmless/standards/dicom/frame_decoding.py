"""Frames of a stored object decoded to native bytes, for clients that want explicit little endian.

Runs native decoders on hostile bytes: call it in `infra.sandbox` only. Not here: pictures
(`object_rendering`). Start at `decode_frames`.
"""

from __future__ import annotations

import sys

from filmless.standards.dicom.elements import MalformedDataSet
from filmless.standards.dicom.frames import FrameLayout, build_frame_index, frame_bytes
from filmless.standards.dicom.header import find_pixel_data, scan_header
from filmless.standards.dicom.pixels import UndecodableFrame, decode_frame
from filmless.standards.dicom.recoding import description_of


def decode_frames(
    part10: bytes | memoryview, data_set_offset: int, transfer_syntax_uid: str, frame_numbers: list[int]
) -> list[bytes]:
    """Decode the frames with these numbers (from 1) to little-endian bytes, planes as the header says.

    `data_set_offset` is where the data set begins in `part10`. Raises UndecodableFrame.
    """
    view = memoryview(part10)
    scan = scan_header(view[data_set_offset:], transfer_syntax_uid)
    position = find_pixel_data(view, transfer_syntax_uid, start=data_set_offset)
    if position is None:
        raise UndecodableFrame("The object has no pixel data.")
    description = description_of(scan)
    try:
        index = build_frame_index(view, position, FrameLayout.from_scan(scan), transfer_syntax_uid)
        spans = [index.frame(number) for number in frame_numbers]
    except (MalformedDataSet, IndexError) as error:
        raise UndecodableFrame("The frames cannot be found in the object.") from error
    decoded = []
    for span in spans:
        pixels = decode_frame(description, transfer_syntax_uid, frame_bytes(view, span), span.first_bit)
        if description.planar_configuration == 1 and description.samples_per_pixel > 1:
            pixels = pixels.transpose(2, 0, 1)
        if sys.byteorder == "big":
            pixels = pixels.byteswap()
        decoded.append(pixels.tobytes())
    return decoded
