"""Transfer syntaxes of PS3.5 and PS3.6: how the bytes of a data set are encoded.

Not here: decoding of pixels (`pixels`), choice of syntax in an association (`upper_layer`).
Start at `find_transfer_syntax`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
ENCAPSULATED_UNCOMPRESSED_EXPLICIT_LE = "1.2.840.10008.1.2.1.98"
DEFLATED_EXPLICIT_LE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BE = "1.2.840.10008.1.2.2"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.57"
JPEG_LOSSLESS_SV1 = "1.2.840.10008.1.2.4.70"
JPEG_LS_LOSSLESS = "1.2.840.10008.1.2.4.80"
JPEG_LS_NEAR_LOSSLESS = "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
JPEG_2000 = "1.2.840.10008.1.2.4.91"
JPEG_2000_PART_2_LOSSLESS = "1.2.840.10008.1.2.4.92"
JPEG_2000_PART_2 = "1.2.840.10008.1.2.4.93"
JPEG_XL_LOSSLESS = "1.2.840.10008.1.2.4.110"
JPEG_XL_JPEG_RECOMPRESSION = "1.2.840.10008.1.2.4.111"
JPEG_XL = "1.2.840.10008.1.2.4.112"
HTJ2K_LOSSLESS = "1.2.840.10008.1.2.4.201"
HTJ2K_LOSSLESS_RPCL = "1.2.840.10008.1.2.4.202"
HTJ2K = "1.2.840.10008.1.2.4.203"
RLE_LOSSLESS = "1.2.840.10008.1.2.5"
DEFLATED_IMAGE_FRAME = "1.2.840.10008.1.2.8.1"


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """One transfer syntax. `encapsulated`: pixel data comes in fragments (PS3.5 annex A.4).

    `referenced`: pixel data is elsewhere (JPIP, SMPTE streams), the data set holds only a pointer.
    """

    uid: str
    name: str
    explicit_vr: bool = True
    little_endian: bool = True
    deflated: bool = False
    encapsulated: bool = True
    lossy: bool = False
    video: bool = False
    referenced: bool = False
    retired: bool = False


def _plain(uid: str, name: str, **flags: bool) -> TransferSyntax:
    return TransferSyntax(uid, name, encapsulated=False, **flags)


def _still_images() -> list[TransferSyntax]:
    jpeg = "1.2.840.10008.1.2.4."
    return [
        TransferSyntax(JPEG_BASELINE, "JPEG Baseline (Process 1)", lossy=True),
        TransferSyntax(JPEG_EXTENDED, "JPEG Extended (Process 2 and 4)", lossy=True),
        TransferSyntax(jpeg + "52", "JPEG Extended (Process 3 and 5)", lossy=True, retired=True),
        TransferSyntax(jpeg + "53", "JPEG Spectral Selection (Process 6 and 8)", lossy=True, retired=True),
        TransferSyntax(jpeg + "54", "JPEG Spectral Selection (Process 7 and 9)", lossy=True, retired=True),
        TransferSyntax(jpeg + "55", "JPEG Full Progression (Process 10 and 12)", lossy=True, retired=True),
        TransferSyntax(jpeg + "56", "JPEG Full Progression (Process 11 and 13)", lossy=True, retired=True),
        TransferSyntax(JPEG_LOSSLESS, "JPEG Lossless (Process 14)"),
        TransferSyntax(jpeg + "58", "JPEG Lossless (Process 15)", retired=True),
        TransferSyntax(jpeg + "59", "JPEG Extended, Hierarchical (16 and 18)", lossy=True, retired=True),
        TransferSyntax(jpeg + "60", "JPEG Extended, Hierarchical (17 and 19)", lossy=True, retired=True),
        TransferSyntax(jpeg + "61", "JPEG Spectral, Hierarchical (20 and 22)", lossy=True, retired=True),
        TransferSyntax(jpeg + "62", "JPEG Spectral, Hierarchical (21 and 23)", lossy=True, retired=True),
        TransferSyntax(jpeg + "63", "JPEG Full, Hierarchical (24 and 26)", lossy=True, retired=True),
        TransferSyntax(jpeg + "64", "JPEG Full, Hierarchical (25 and 27)", lossy=True, retired=True),
        TransferSyntax(jpeg + "65", "JPEG Lossless, Hierarchical (Process 28)", retired=True),
        TransferSyntax(jpeg + "66", "JPEG Lossless, Hierarchical (Process 29)", retired=True),
        TransferSyntax(JPEG_LOSSLESS_SV1, "JPEG Lossless (Process 14, Selection Value 1)"),
        TransferSyntax(JPEG_LS_LOSSLESS, "JPEG-LS Lossless"),
        TransferSyntax(JPEG_LS_NEAR_LOSSLESS, "JPEG-LS Near-Lossless", lossy=True),
        TransferSyntax(JPEG_2000_LOSSLESS, "JPEG 2000 (Lossless Only)"),
        TransferSyntax(JPEG_2000, "JPEG 2000", lossy=True),
        TransferSyntax(JPEG_2000_PART_2_LOSSLESS, "JPEG 2000 Part 2 (Lossless Only)"),
        TransferSyntax(JPEG_2000_PART_2, "JPEG 2000 Part 2", lossy=True),
        TransferSyntax(JPEG_XL_LOSSLESS, "JPEG XL Lossless"),
        TransferSyntax(JPEG_XL_JPEG_RECOMPRESSION, "JPEG XL JPEG Recompression", lossy=True),
        TransferSyntax(JPEG_XL, "JPEG XL", lossy=True),
        TransferSyntax(HTJ2K_LOSSLESS, "High-Throughput JPEG 2000 (Lossless Only)"),
        TransferSyntax(HTJ2K_LOSSLESS_RPCL, "High-Throughput JPEG 2000 RPCL (Lossless Only)"),
        TransferSyntax(HTJ2K, "High-Throughput JPEG 2000", lossy=True),
        TransferSyntax(RLE_LOSSLESS, "RLE Lossless"),
        TransferSyntax(DEFLATED_IMAGE_FRAME, "Deflated Image Frame Compression"),
    ]


def _video() -> list[TransferSyntax]:
    mpeg = {
        "100": "MPEG2 Main Profile / Main Level",
        "101": "MPEG2 Main Profile / High Level",
        "102": "MPEG-4 AVC/H.264 High Profile / Level 4.1",
        "103": "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1",
        "104": "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video",
        "105": "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video",
        "106": "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2",
        "107": "HEVC/H.265 Main Profile / Level 5.1",
        "108": "HEVC/H.265 Main 10 Profile / Level 5.1",
    }
    rows = []
    for number, name in mpeg.items():
        uid = f"1.2.840.10008.1.2.4.{number}"
        rows.append(TransferSyntax(uid, name, lossy=True, video=True))
        if int(number) < 107:  # HEVC has no fragmentable twin: it is fragmentable by itself (PS3.5 10.7).
            rows.append(TransferSyntax(f"{uid}.1", f"Fragmentable {name}", lossy=True, video=True))
    return rows


def _referenced() -> list[TransferSyntax]:
    jpip, smpte = "1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.7."
    return [
        _plain(jpip + "94", "JPIP Referenced", referenced=True, lossy=True),
        _plain(jpip + "95", "JPIP Referenced Deflate", referenced=True, lossy=True, deflated=True),
        _plain(jpip + "204", "JPIP HTJ2K Referenced", referenced=True, lossy=True),
        _plain(jpip + "205", "JPIP HTJ2K Referenced Deflate", referenced=True, lossy=True, deflated=True),
        _plain(smpte + "1", "SMPTE ST 2110-20 Uncompressed Progressive Video", referenced=True, video=True),
        _plain(smpte + "2", "SMPTE ST 2110-20 Uncompressed Interlaced Video", referenced=True, video=True),
        _plain(smpte + "3", "SMPTE ST 2110-30 PCM Digital Audio", referenced=True),
    ]


_ROWS = [
    _plain(IMPLICIT_LE, "Implicit VR Little Endian", explicit_vr=False),
    _plain(EXPLICIT_LE, "Explicit VR Little Endian"),
    TransferSyntax(
        ENCAPSULATED_UNCOMPRESSED_EXPLICIT_LE, "Encapsulated Uncompressed Explicit VR Little Endian"
    ),
    _plain(DEFLATED_EXPLICIT_LE, "Deflated Explicit VR Little Endian", deflated=True),
    _plain(EXPLICIT_BE, "Explicit VR Big Endian", little_endian=False, retired=True),
    *_still_images(),
    *_video(),
    *_referenced(),
]

TRANSFER_SYNTAXES: Mapping[str, TransferSyntax] = MappingProxyType({row.uid: row for row in _ROWS})
"""Every transfer syntax we know, by UID. Papyrus, MIME and XML encodings are no data sets: left out."""


def find_transfer_syntax(uid: str) -> TransferSyntax | None:
    """The transfer syntax with this UID, or None when the standard does not know it."""
    return TRANSFER_SYNTAXES.get(uid)
