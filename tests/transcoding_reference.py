"""What the frames of a file decode to, for comparing before and after."""

from dataclasses import replace

from filmless.standards.dicom import tags
from filmless.standards.dicom.frames import FrameLayout, build_frame_index, frame_bytes
from filmless.standards.dicom.header import find_pixel_data, scan_header
from filmless.standards.dicom.pixels import colour_of_frame, decode_frame
from filmless.standards.dicom.recoding import description_of
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_BE


def decoded_values(data: bytes | memoryview, offset: int, transfer_syntax_uid: str) -> list[list[object]]:
    """[colour, values] of each frame of the data set at `offset`, colour by pixel, sign extended."""
    view = memoryview(data)
    scan = scan_header(view[offset:], transfer_syntax_uid)
    position = find_pixel_data(view, transfer_syntax_uid, start=offset)
    if position is None or scan.number(tags.ROWS) is None:
        return []
    index = build_frame_index(view, position, FrameLayout.from_scan(scan), transfer_syntax_uid)
    description = description_of(scan)
    if transfer_syntax_uid == EXPLICIT_BE and position.vr == "OW" and description.bits_allocated == 8:
        description = replace(description, words_swapped=True)  # PS3.5 8.1.2.
    frames: list[list[object]] = []
    for number in range(1, index.number_of_frames + 1):
        span = index.frame(number)
        frame = frame_bytes(view, span)
        if description.words_swapped:
            frame += bytes(view[span.fragments[0][0] + len(frame) :][:1])  # The other half of the last word.
        values = decode_frame(description, transfer_syntax_uid, frame, span.first_bit)
        colour = colour_of_frame(description, transfer_syntax_uid, frame)
        is_422 = colour.startswith("YBR_FULL_4")  # Decoded, every pixel has its chrominance.
        frames.append(["YBR_FULL" if is_422 else colour, values.astype("<i8").tobytes()])
    return frames
