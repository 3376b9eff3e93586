"""One frame of pixel data to an array: every still-image transfer syntax of PS3.5.

The result holds the stored values (PS3.3 C.7.6.3.1): sign-extended to Pixel Representation, bits above Bits
Stored cleared, colour by pixel, in the machine's byte order. Colour stays as stored, except that JPEG 2000
and JPEG XL undo their own colour transform; `colour_of_frame` tells what it is then.
Not here: where a frame begins (`frames`), windows and colours (`rendering`).
Start at `decode_frame`. It runs native decoders on hostile bytes: call it in `infra.sandbox` only.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Any, cast

import imagecodecs
import numpy
from numpy.typing import NDArray
from rle.rle import decode_frame as decode_rle

from filmless.standards.dicom import transfer_syntaxes as ts
from filmless.standards.dicom.codestreams import Codestream, read_codestream
from filmless.standards.dicom.pixel_description import PixelDescription, UndecodableFrame

__all__ = ["PixelDescription", "Pixels", "UndecodableFrame", "colour_of_frame", "decode_frame"]

Pixels = NDArray[Any]

_J2K_SYNTAXES = {
    ts.JPEG_2000_LOSSLESS,
    ts.JPEG_2000,
    ts.JPEG_2000_PART_2_LOSSLESS,
    ts.JPEG_2000_PART_2,
    ts.HTJ2K_LOSSLESS,
    ts.HTJ2K_LOSSLESS_RPCL,
    ts.HTJ2K,
}
_JPEG_XL_SYNTAXES = {ts.JPEG_XL_LOSSLESS, ts.JPEG_XL_JPEG_RECOMPRESSION, ts.JPEG_XL}
_JPEG_SYNTAXES = {f"1.2.840.10008.1.2.4.{number}" for number in (*range(50, 67), 70)}
_NATIVE_LE = {
    ts.IMPLICIT_LE,
    ts.EXPLICIT_LE,
    ts.DEFLATED_EXPLICIT_LE,
    ts.ENCAPSULATED_UNCOMPRESSED_EXPLICIT_LE,
}


def decode_frame(
    description: PixelDescription,
    transfer_syntax_uid: str,
    frame: bytes | bytearray | memoryview,
    bit_offset: int = 0,
) -> Pixels:
    """Decode `frame` to an array of shape (rows, columns) or (rows, columns, samples).

    `frame` is the value of one frame: for encapsulated syntaxes its fragments joined. `bit_offset` (0-7) is
    where a native 1-bit frame begins in its first byte, for such frames are not padded to bytes.
    Raises UndecodableFrame, never another error, for data that does not decode to what is described.
    """
    if transfer_syntax_uid in _NATIVE_LE:
        return _decode_native(description, frame, "<", bit_offset)
    if transfer_syntax_uid == ts.EXPLICIT_BE:
        return _decode_native(description, frame, ">", bit_offset)
    if transfer_syntax_uid == ts.DEFLATED_IMAGE_FRAME:
        return _decode_native(description, _inflate(description, frame), "<", bit_offset)
    if transfer_syntax_uid == ts.RLE_LOSSLESS:
        return _decode_rle(description, bytes(frame))
    decoder = _DECODERS.get(transfer_syntax_uid)
    if decoder is None:
        raise UndecodableFrame(_why_no_decoder(transfer_syntax_uid))
    data = bytes(frame)
    codestream = read_codestream(data)
    _check_size(description, codestream)
    try:
        decoded = decoder(data, codestream)
    except MemoryError:
        raise
    except Exception as error:  # Each codec has its own exceptions, all mean the same.
        raise UndecodableFrame(f"The compressed frame is damaged: {_first_line(error)}") from error
    return _as_described(description, decoded)


def colour_of_frame(
    description: PixelDescription, transfer_syntax_uid: str, frame: bytes | bytearray | memoryview
) -> str:
    """The photometric interpretation of what `decode_frame` returns.

    It differs from the declared one where the decoder undoes the colour transform, or where the JPEG stream
    itself says otherwise (JFIF and Adobe markers, component identifiers): real files declare RGB over YCbCr.
    Raises UndecodableFrame when the frame's header is damaged.
    """
    declared = description.photometric_interpretation
    if description.samples_per_pixel != 3:
        return declared
    if declared in ("YBR_RCT", "YBR_ICT"):
        return "RGB"
    if transfer_syntax_uid in _JPEG_XL_SYNTAXES:
        return "RGB"
    if transfer_syntax_uid in _JPEG_SYNTAXES | _J2K_SYNTAXES:
        return read_codestream(bytes(frame[: 1 << 20])).colour or declared
    return declared


def _why_no_decoder(transfer_syntax_uid: str) -> str:
    syntax = ts.find_transfer_syntax(transfer_syntax_uid)
    if syntax is None:
        return "The transfer syntax is private or unknown, so the pixels cannot be shown."
    if syntax.video:
        return f"{syntax.name} is video: single frames of it are not decoded; play it as a whole."
    return f"Pixels in {syntax.name} are not decoded here."


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


# --- Native ----------------------------------------------------------------------------------------------


def _decode_native(
    description: PixelDescription, frame: bytes | bytearray | memoryview, order: str, bit_offset: int
) -> Pixels:
    if description.bits_allocated == 1:
        return _unpack_bits(description, frame, bit_offset)
    count = description.sample_count
    is_422 = description.photometric_interpretation in ("YBR_FULL_422", "YBR_PARTIAL_422")
    # Some writers declare 4:2:2 and write every sample; the length tells.
    if is_422 and description.bits_allocated == 8 and len(frame) < count:
        return _expand_422(description, frame)
    _check_length(frame, count * description.bits_allocated // 8)
    kind = "f" if description.is_float else "u"
    samples: Pixels = numpy.frombuffer(frame, f"{order}{kind}{description.bits_allocated // 8}", count)
    if description.words_swapped:
        _check_length(frame, count + count % 2)
        octets = numpy.frombuffer(frame, "u1", count + count % 2)
        samples = octets.reshape(-1, 2)[:, ::-1].reshape(-1)[:count]
    if description.is_float:
        return samples.astype(samples.dtype.newbyteorder("="), copy=False).reshape(description.shape)
    return _as_described(description, _by_pixel(description, samples), shift=True)


def _by_pixel(description: PixelDescription, samples: Pixels) -> Pixels:
    """Colour by plane (Planar Configuration 1) to colour by pixel."""
    if description.samples_per_pixel > 1 and description.planar_configuration == 1:
        planes = samples.reshape(description.samples_per_pixel, description.rows, description.columns)
        return planes.transpose(1, 2, 0)
    return samples.reshape(description.shape)


def _unpack_bits(
    description: PixelDescription, frame: bytes | bytearray | memoryview, bit_offset: int
) -> Pixels:
    """One bit a sample, first pixel in the lowest bit (PS3.5 8.1.1 and annex D)."""
    count = description.sample_count
    octet_count = (bit_offset + count + 7) // 8
    _check_length(frame, octet_count)
    octets = numpy.frombuffer(frame, "u1", octet_count)
    bits = numpy.unpackbits(octets, bitorder="little")[bit_offset : bit_offset + count]
    return bits.reshape(description.shape)


def _expand_422(description: PixelDescription, frame: bytes | bytearray | memoryview) -> Pixels:
    """Y Y Cb Cr for each two pixels of a row (PS3.3 C.7.6.3.1.2) to Y Cb Cr for each pixel."""
    if description.columns % 2:
        raise UndecodableFrame("YBR_FULL_422 needs an even number of columns.")
    pairs = description.rows * description.columns // 2
    _check_length(frame, pairs * 4)
    packed = numpy.frombuffer(frame, "u1", pairs * 4).reshape(pairs, 4)
    expanded = numpy.empty((pairs, 2, 3), "u1")
    expanded[:, :, 0] = packed[:, :2]
    expanded[:, :, 1:] = packed[:, None, 2:]
    return expanded.reshape(description.shape)


def _check_length(frame: bytes | bytearray | memoryview, expected: int) -> None:
    if len(frame) < expected:
        raise UndecodableFrame(f"The frame holds {len(frame)} bytes; its description needs {expected}.")


def _inflate(description: PixelDescription, frame: bytes | bytearray | memoryview) -> bytes:
    """Deflated Image Frame Compression (PS3.5 A.4.14): one raw deflate stream a frame."""
    bytes_max = (description.sample_count * description.bits_allocated + 7) // 8 + 1  # One byte may pad.
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(frame, bytes_max)
    except zlib.error as error:
        raise UndecodableFrame(f"The compressed frame is damaged: {_first_line(error)}") from error


# --- RLE -------------------------------------------------------------------------------------------------


def _decode_rle(description: PixelDescription, frame: bytes) -> Pixels:
    """PS3.5 annex G: one segment for each byte of each sample, most significant first."""
    one_bit = description.bits_allocated == 1
    bytes_per_sample = max(1, description.bits_allocated // 8)
    segments = int.from_bytes(frame[:4], "little")
    if segments != description.samples_per_pixel * bytes_per_sample or len(frame) < 64:
        raise UndecodableFrame(f"The RLE frame has {segments} segments; its description needs others.")
    pixels = description.rows * description.columns
    # One-bit frames are packed before they are run-length coded: bytes are what comes out.
    units = (pixels + 7) // 8 if one_bit else pixels
    try:
        decoded = decode_rle(frame, units, 8 * bytes_per_sample, "<")
    except ValueError as error:
        raise UndecodableFrame(f"The RLE frame is damaged: {_first_line(error)}") from error
    if one_bit:
        return _unpack_bits(description, decoded, 0)
    _check_length(decoded, description.decoded_bytes)
    samples = numpy.frombuffer(decoded, f"<u{bytes_per_sample}")
    planes = samples.reshape(description.samples_per_pixel, description.rows, description.columns)
    by_pixel = planes[0] if description.samples_per_pixel == 1 else planes.transpose(1, 2, 0)
    return _as_described(description, by_pixel, shift=True)


# --- Codecs ----------------------------------------------------------------------------------------------


def _check_size(description: PixelDescription, codestream: Codestream) -> None:
    """Refuse before any decoder allocates: a stream's own size is as hostile as any other value."""
    components = codestream.components or description.samples_per_pixel
    declared = (description.rows, description.columns, description.samples_per_pixel)
    if (codestream.rows, codestream.columns, components) != declared:
        raise UndecodableFrame(
            f"The compressed frame is {codestream.rows} x {codestream.columns} with {components} components; "
            f"the data set declares {declared[0]} x {declared[1]} with {declared[2]}."
        )


def _decode_jpeg(data: bytes, codestream: Codestream) -> Pixels:
    if codestream.components == 3:
        # Equal colour spaces in and out: the stored samples, not the codec's opinion of their colour.
        return imagecodecs.jpeg8_decode(data, colorspace="RGB", outcolorspace="RGB")
    return imagecodecs.jpeg8_decode(data)


def _decode_jpeg_2000(data: bytes, codestream: Codestream) -> Pixels:
    return imagecodecs.jpeg2k_decode(data[codestream.start :])


def _decode_htj2k(data: bytes, codestream: Codestream) -> Pixels:
    # OpenJPH does not clamp the irreversible wavelet (its issues 35 and 234): samples wrap. OpenJPEG does.
    if not codestream.reversible:
        return _decode_jpeg_2000(data, codestream)
    # imagecodecs reports an error within the codestream as "unraisable" and returns what it has.
    problems: list[object] = []
    hook, sys.unraisablehook = sys.unraisablehook, problems.append
    try:
        # Colour by pixel: without a colour transform the codec would give planes.
        decoded = imagecodecs.htj2k_decode(data[codestream.start :], planar=False)
    finally:
        sys.unraisablehook = hook
    if problems:
        raise ValueError("the codestream ends early or contradicts itself")
    return decoded


def _plain(name: str) -> Callable[[bytes, Codestream], Pixels]:
    """A codec that needs to know nothing but the bytes."""
    return lambda data, _: cast(Pixels, getattr(imagecodecs, name)(data))


_DECODERS: dict[str, Callable[[bytes, Codestream], Pixels]] = {
    **dict.fromkeys(_JPEG_SYNTAXES, _decode_jpeg),
    **dict.fromkeys((ts.JPEG_LOSSLESS, ts.JPEG_LOSSLESS_SV1), _plain("jpegsof3_decode")),
    **dict.fromkeys((ts.JPEG_LS_LOSSLESS, ts.JPEG_LS_NEAR_LOSSLESS), _plain("jpegls_decode")),
    **dict.fromkeys(_J2K_SYNTAXES, _decode_jpeg_2000),
    **dict.fromkeys((ts.HTJ2K_LOSSLESS, ts.HTJ2K_LOSSLESS_RPCL, ts.HTJ2K), _decode_htj2k),
    **dict.fromkeys(_JPEG_XL_SYNTAXES, _plain("jpegxl_decode")),
}


def _as_described(description: PixelDescription, decoded: Pixels, *, shift: bool = False) -> Pixels:
    """Make stored values of decoded samples: right shape and type, Bits Stored kept, sign extended.

    Codecs return the type of the stream, which may be shorter or of the other sign than declared; all of
    them are right modulo 2^Bits Stored. `shift`: the samples are whole cells, with High Bit in its place.
    """
    if decoded.shape != description.shape:
        if decoded.size != description.sample_count:
            raise UndecodableFrame("The compressed frame decodes to another size than the data set declares.")
        decoded = decoded.reshape(description.shape)
    octets = max(1, description.bits_allocated // 8)
    signed = description.pixel_representation == 1
    if decoded.dtype.kind == "f":
        raise UndecodableFrame("The compressed frame holds floating point samples.")
    if shift and (low := description.high_bit + 1 - description.bits_stored):
        decoded = decoded >> decoded.dtype.type(low)
    cells = decoded.astype(f"{'i' if signed else 'u'}{octets}", order="C", copy=False)
    spare = 8 * octets - description.bits_stored
    if spare and signed:
        # Up and down again: the arithmetic shift fills the spare bits with the sign.
        return cast(Pixels, (cells << cells.dtype.type(spare)) >> cells.dtype.type(spare))
    if spare:
        return cast(Pixels, cells & cells.dtype.type((1 << description.bits_stored) - 1))
    return cells
