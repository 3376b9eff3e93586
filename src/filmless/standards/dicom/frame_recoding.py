"""Frames decoded to native bytes, or encoded anew without loss, for peers that do not take them as stored.

Whatever is encoded is decoded again and compared before it goes out: a codec may refuse, it may not damage.
Runs native codecs on hostile bytes: call it in `infra.sandbox` only. Not here: the data set around the frames
(`reencoding`). Start at `recode_frames`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import imagecodecs
import numpy
from rle.utils import encode_pixel_data as encode_rle

from filmless.standards.dicom import transfer_syntaxes as ts
from filmless.standards.dicom.codestreams import read_codestream
from filmless.standards.dicom.pixels import (
    PixelDescription,
    Pixels,
    UndecodableFrame,
    colour_of_frame,
    decode_frame,
)
from filmless.standards.dicom.recoding import CELL_SYNTAXES, Recoding

_ALWAYS_LOSSY = frozenset(
    uid for uid, syntax in ts.TRANSFER_SYNTAXES.items() if syntax.lossy and ".1.2.4.5" in uid
)


def recode_frames(
    recoding: Recoding, joined: bytes | memoryview, lengths: Sequence[int]
) -> tuple[str, bool, list[bytes]]:
    """Photometric interpretation of the result, whether it has lost something before, and the frames.

    `joined`: the frames one after the other, of `lengths` bytes each. Raises UndecodableFrame.
    """
    frames: list[bytes] = []
    colour, is_lossy = "", False
    at = 0
    for length in lengths:
        frame = bytes(joined[at : at + length])
        at += length
        if not colour:
            colour, is_lossy = _colour_of(recoding, frame), _is_lossy(recoding, frame)
        frames.append(_recoded(recoding, frame, colour))
    return colour, is_lossy, frames


def _recoded(recoding: Recoding, frame: bytes, colour: str) -> bytes:
    described = recoding.description
    if recoding.keeps_cells:
        bits = described.bits_allocated
        described = replace(described, bits_stored=bits, high_bit=bits - 1, pixel_representation=0)
    pixels = decode_frame(described, recoding.source, frame)
    if recoding.target == ts.EXPLICIT_LE:
        return _native(recoding, pixels)
    encoder = _ENCODERS.get(recoding.target)
    if encoder is None or described.bits_allocated not in (8, 16, 32):
        raise UndecodableFrame("These pixels cannot be encoded in that transfer syntax.")
    result = replace(
        described,
        photometric_interpretation=colour,
        high_bit=described.bits_stored - 1,
        planar_configuration=0,
    )
    encoded = encoder(result, pixels)
    if colour_of_frame(result, recoding.target, encoded) != colour or not numpy.array_equal(
        decode_frame(result, recoding.target, encoded), pixels
    ):
        raise UndecodableFrame("The codec does not give these pixels back as they were.")
    return encoded


def _native(recoding: Recoding, pixels: Pixels) -> bytes:
    if recoding.description.bits_allocated == 1:
        return numpy.packbits(pixels.reshape(-1), bitorder="little").tobytes()
    if recoding.planar_configuration == 1 and pixels.ndim == 3:
        pixels = pixels.transpose(2, 0, 1)
    if sys.byteorder == "big":
        pixels = pixels.byteswap()
    return pixels.tobytes()


def _colour_of(recoding: Recoding, frame: bytes) -> str:
    """The photometric interpretation of the decoded pixels; chrominance is at full width by then."""
    colour = colour_of_frame(recoding.description, recoding.source, frame)
    return "YBR_FULL" if colour.startswith(("YBR_FULL_4", "YBR_PARTIAL_4")) else colour


def _is_lossy(recoding: Recoding, frame: bytes) -> bool:
    if recoding.source in CELL_SYNTAXES:
        return False
    return recoding.source in _ALWAYS_LOSSY or not read_codestream(frame).reversible


def _unsigned(description: PixelDescription, pixels: Pixels) -> Pixels:
    """Two's complement in Bits Stored bits, for codecs that know no sign."""
    bits = 8 * pixels.dtype.itemsize
    cells = pixels.view(f"u{pixels.dtype.itemsize}")
    if description.bits_stored < bits:
        cells = cells & cells.dtype.type((1 << description.bits_stored) - 1)
    return numpy.ascontiguousarray(cells)


def _jpeg_ls(description: PixelDescription, pixels: Pixels) -> bytes:
    return bytes(imagecodecs.jpegls_encode(_unsigned(description, pixels)))


def _jpeg_lossless(description: PixelDescription, pixels: Pixels) -> bytes:
    values = _unsigned(description, pixels)
    bits = max(description.bits_stored, 2)
    # Equal colour spaces in and out: samples are not touched. Predictor 1 is what .70 asks for.
    colour = {"colorspace": "RGB", "outcolorspace": "RGB"} if pixels.ndim == 3 else {}
    encode: Any = imagecodecs.jpeg8_encode
    stream = bytes(
        encode(values, lossless=True, predictor=1, bitspersample=bits, subsampling="444", **colour)
    )
    if description.photometric_interpretation.startswith("YBR"):
        stream = _as_ycbcr(stream)
        colour = {"colorspace": "YCBCR", "outcolorspace": "YCBCR"}
    # A second decoder beside the one that reads it here: libjpeg-turbo once wrote what only some could read.
    decode: Any = imagecodecs.jpeg8_decode
    if not numpy.array_equal(decode(stream, **colour), values):
        raise UndecodableFrame("The codec does not give these pixels back as they were.")
    return stream


def _as_ycbcr(stream: bytes) -> bytes:
    """The stream of three equal components without what marks them as RGB: APP14 and the letters as names.

    Told that they are YCbCr, libjpeg-turbo would use two Huffman tables and name only one in the scan header.
    """
    out, at = bytearray(stream[:2]), 2
    while True:
        marker = stream[at + 1]
        length = int.from_bytes(stream[at + 2 : at + 4], "big")
        segment = bytearray(stream[at : at + 2 + length])
        at += 2 + length
        if marker == 0xC3:
            segment[10], segment[13], segment[16] = 1, 2, 3
        elif marker == 0xDA:
            segment[5], segment[7], segment[9] = 1, 2, 3
            return bytes(out + segment) + stream[at:]
        if marker != 0xEE:
            out += segment


def _jpeg_2000(description: PixelDescription, pixels: Pixels) -> bytes:
    # Without the colour transform, so that the photometric interpretation stays what it is.
    encode: Any = imagecodecs.jpeg2k_encode
    bits = description.bits_stored
    options = {"level": 0, "codecformat": "j2k", "reversible": True, "mct": False, "bitspersample": bits}
    return bytes(encode(numpy.ascontiguousarray(pixels), **options))


def _htj2k(_: PixelDescription, pixels: Pixels) -> bytes:
    encode: Any = imagecodecs.htj2k_encode
    return bytes(encode(numpy.ascontiguousarray(pixels), reversible=True, rgb=False))


def _rle(description: PixelDescription, pixels: Pixels) -> bytes:
    cells = numpy.ascontiguousarray(pixels).astype(f"<u{pixels.dtype.itemsize}", copy=False)
    return bytes(
        encode_rle(
            cells.tobytes(),
            rows=description.rows,
            columns=description.columns,
            samples_per_pixel=description.samples_per_pixel,
            bits_allocated=description.bits_allocated,
            number_of_frames=1,
            byteorder="<",
        )
    )


def _checked(
    encoder: Callable[[PixelDescription, Pixels], bytes],
) -> Callable[[PixelDescription, Pixels], bytes]:
    def encode(description: PixelDescription, pixels: Pixels) -> bytes:
        try:
            return encoder(description, pixels)
        except MemoryError:
            raise
        except Exception as error:  # Each codec has its own exceptions, all mean the same.
            raise UndecodableFrame(f"The codec refuses these pixels ({type(error).__name__}).") from error

    return encode


_ENCODERS = {
    ts.JPEG_LS_LOSSLESS: _checked(_jpeg_ls),
    ts.JPEG_LS_NEAR_LOSSLESS: _checked(_jpeg_ls),
    ts.JPEG_LOSSLESS: _checked(_jpeg_lossless),
    ts.JPEG_LOSSLESS_SV1: _checked(_jpeg_lossless),
    ts.JPEG_2000_LOSSLESS: _checked(_jpeg_2000),
    ts.JPEG_2000: _checked(_jpeg_2000),
    ts.HTJ2K_LOSSLESS: _checked(_htj2k),
    ts.HTJ2K: _checked(_htj2k),
    ts.RLE_LOSSLESS: _checked(_rle),
}
