"""Frames through every encoder and back: depth, sign and colour; what a codec cannot do is refused."""

from __future__ import annotations

from dataclasses import replace

import imagecodecs
import numpy
import pytest

from filmless.standards.dicom import transfer_syntaxes as ts
from filmless.standards.dicom.frame_recoding import recode_frames
from filmless.standards.dicom.pixels import PixelDescription, UndecodableFrame, colour_of_frame, decode_frame
from filmless.standards.dicom.recoding import Recoding

ROWS, COLUMNS = 13, 17
TARGETS = (
    ts.JPEG_LS_LOSSLESS,
    ts.HTJ2K_LOSSLESS,
    ts.JPEG_2000_LOSSLESS,
    ts.JPEG_LOSSLESS_SV1,
    ts.RLE_LOSSLESS,
)
# Bits Allocated, Bits Stored, signed, photometric interpretation.
KINDS = [
    (8, 8, False, "MONOCHROME2"),
    (8, 8, True, "MONOCHROME2"),
    (16, 12, False, "MONOCHROME1"),
    (16, 12, True, "MONOCHROME2"),
    (16, 16, False, "MONOCHROME2"),
    (16, 16, True, "MONOCHROME2"),
    (8, 8, False, "RGB"),
    (8, 8, False, "YBR_FULL"),
    (8, 8, False, "PALETTE COLOR"),
    (16, 16, False, "RGB"),
]


def described(allocated: int, stored: int, signed: bool, photometric: str) -> PixelDescription:
    return PixelDescription(
        ROWS,
        COLUMNS,
        samples_per_pixel=3 if photometric in ("RGB", "YBR_FULL") else 1,
        photometric_interpretation=photometric,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=stored - 1,
        pixel_representation=int(signed),
    )


def noise(description: PixelDescription) -> bytes:
    """Random values over the whole range that Bits Stored allows."""
    random = numpy.random.default_rng(1)
    bits = description.bits_stored
    low = -(1 << bits - 1) if description.pixel_representation else 0
    kind = f"<{'i' if low else 'u'}{description.bits_allocated // 8}"
    return random.integers(low, low + (1 << bits), description.sample_count).astype(kind).tobytes()


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("target", TARGETS, ids=lambda uid: ts.TRANSFER_SYNTAXES[uid].name)
def test_there_and_back(kind: tuple[int, int, bool, str], target: str) -> None:
    description = described(*kind)
    frame = noise(description)
    recoding = Recoding(description, ts.EXPLICIT_LE, target)
    colour, is_lossy, (encoded,) = recode_frames(recoding, frame, [len(frame)])
    assert (colour, is_lossy) == (description.photometric_interpretation, False)
    assert colour_of_frame(description, target, encoded) == colour
    back = Recoding(description, target, ts.EXPLICIT_LE)
    colour, is_lossy, (native,) = recode_frames(back, encoded, [len(encoded)])
    assert (colour, is_lossy) == (description.photometric_interpretation, False)
    assert native == frame


def test_frames_of_one_call_keep_their_order() -> None:
    description = described(8, 8, False, "MONOCHROME2")
    frames = [bytes([number]) * description.sample_count for number in range(3)]
    recoding = Recoding(description, ts.EXPLICIT_LE, ts.RLE_LOSSLESS)
    _, _, encoded = recode_frames(recoding, b"".join(frames), [len(frame) for frame in frames])
    values = [decode_frame(description, ts.RLE_LOSSLESS, one).flat[0] for one in encoded]
    assert values == [0, 1, 2]


def test_whole_cells_go_through_where_both_sides_have_them() -> None:
    # Twelve bits stored, and something above them: overlays of old scanners.
    description = described(16, 12, False, "MONOCHROME2")
    frame = noise(described(16, 16, False, "MONOCHROME2"))
    there = Recoding(description, ts.EXPLICIT_LE, ts.RLE_LOSSLESS)
    _, _, (encoded,) = recode_frames(there, frame, [len(frame)])
    _, _, (native,) = recode_frames(
        Recoding(description, ts.RLE_LOSSLESS, ts.EXPLICIT_LE), encoded, [len(encoded)]
    )
    assert native == frame


def test_colour_by_plane_stays_by_plane_in_cells_and_is_told() -> None:
    description = replace(described(8, 8, False, "RGB"), planar_configuration=1)
    frame = noise(description)
    there = Recoding(description, ts.EXPLICIT_LE, ts.RLE_LOSSLESS)
    _, _, (encoded,) = recode_frames(there, frame, [len(frame)])
    back = Recoding(description, ts.RLE_LOSSLESS, ts.EXPLICIT_LE)
    _, _, (native,) = recode_frames(back, encoded, [len(encoded)])
    assert (back.planar_configuration, native) == (1, frame)
    assert Recoding(description, ts.EXPLICIT_LE, ts.JPEG_LS_LOSSLESS).planar_configuration == 0


def test_lossy_streams_are_told_apart_from_reversible_ones() -> None:
    description = described(8, 8, False, "MONOCHROME2")
    pixels = numpy.frombuffer(noise(description), "u1").reshape(ROWS, COLUMNS)
    lossy = bytes(imagecodecs.jpeg2k_encode(pixels, level=40, codecformat="j2k", reversible=False))
    exact = bytes(imagecodecs.jpeg2k_encode(pixels, level=0, codecformat="j2k", reversible=True))
    recoding = Recoding(description, ts.JPEG_2000, ts.EXPLICIT_LE)
    assert recode_frames(recoding, lossy, [len(lossy)])[1]
    assert not recode_frames(recoding, exact, [len(exact)])[1]


REFUSED = [
    (
        "32 bits",
        replace(described(8, 8, False, "MONOCHROME2"), bits_allocated=32, bits_stored=32, high_bit=31),
    ),
    ("one bit", replace(described(8, 8, False, "MONOCHROME2"), bits_allocated=1, bits_stored=1, high_bit=0)),
]


@pytest.mark.parametrize(("why", "description"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_a_codec_cannot_do_is_refused(why: str, description: PixelDescription) -> None:
    frame = b"\x55" * description.sample_count * 4
    with pytest.raises(UndecodableFrame):
        recode_frames(Recoding(description, ts.EXPLICIT_LE, ts.JPEG_LS_LOSSLESS), frame, [len(frame)])
