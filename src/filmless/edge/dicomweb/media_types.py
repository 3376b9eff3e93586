"""Media types of DICOMweb: what a client accepts (PS3.18 section 8.7), what each transfer syntax is called.

Start at `parse_accept`. Not here: the bodies (`multipart`, `wado`).
"""

from dataclasses import dataclass
from functools import lru_cache

from filmless.standards.dicom import transfer_syntaxes as ts
from filmless.standards.dicom.transfer_syntaxes import find_transfer_syntax

OCTET_STREAM = "application/octet-stream"
DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"
MULTIPART = "multipart/related"

ACCEPT_CHARACTERS_MAX = 8192  # A browser sends 200; a client that lists every transfer syntax some 3000.

_JPEG = "1.2.840.10008.1.2.4."
# PS3.18 tables 8.7.3-4 (multi-part bulk data) and 8.7.3-5; JPEG XL as of 2024.
_MEDIA_TYPES = {
    **{_JPEG + suffix: "image/jpeg" for suffix in (*map(str, range(50, 67)), "70")},
    ts.JPEG_LS_LOSSLESS: "image/jls",
    ts.JPEG_LS_NEAR_LOSSLESS: "image/jls",
    ts.JPEG_2000_LOSSLESS: "image/jp2",
    ts.JPEG_2000: "image/jp2",
    ts.JPEG_2000_PART_2_LOSSLESS: "image/jpx",
    ts.JPEG_2000_PART_2: "image/jpx",
    ts.JPEG_XL_LOSSLESS: "image/jxl",
    ts.JPEG_XL_JPEG_RECOMPRESSION: "image/jxl",
    ts.JPEG_XL: "image/jxl",
    ts.HTJ2K_LOSSLESS: "image/jphc",
    ts.HTJ2K_LOSSLESS_RPCL: "image/jphc",
    ts.HTJ2K: "image/jphc",
    ts.RLE_LOSSLESS: "image/dicom-rle",
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """One thing a client accepts. `media_type` is that of the part where parts are wanted.

    `transfer_syntax` is a UID, `*`, or None when the client does not say.
    """

    media_type: str
    is_multipart: bool
    transfer_syntax: str | None
    quality: float

    def takes(self, media_type: str) -> bool:
        """Whether a body or part of this media type is welcome."""
        kind = self.media_type.partition("/")[0]
        return self.media_type in ("*/*", media_type) or self.media_type == f"{kind}/*" == (
            f"{media_type.partition('/')[0]}/*"
        )


@lru_cache(maxsize=512)
def parse_accept(header: str) -> tuple[Accepted, ...]:
    """Read an Accept header (RFC 9110 section 12.5.1), best first; an empty one accepts everything.

    Quotes around `type` may be missing, as some viewers leave them out. What is malformed is left out.
    """
    accepted = [read for part in _split(header[:ACCEPT_CHARACTERS_MAX], ",") if (read := _accepted(part))]
    if not accepted and not header.strip():
        accepted = [Accepted("*/*", True, None, 1.0), Accepted("*/*", False, None, 1.0)]
    return tuple(sorted((read for read in accepted if read.quality > 0), key=lambda read: -read.quality))


def _accepted(text: str) -> Accepted | None:
    media_type, *rest = (part.strip() for part in _split(text, ";"))
    media_type = media_type.lower()
    if media_type.count("/") != 1:
        return None
    parameters = {}
    for parameter in rest:
        name, _, value = parameter.partition("=")
        parameters[name.strip().lower()] = value.strip().strip('"')
    try:
        quality = float(parameters.get("q", "1"))
    except ValueError:
        quality = 1.0
    is_multipart = media_type in (MULTIPART, "multipart/*")
    wanted = parameters.get("type", "*/*").lower() if is_multipart else media_type
    return Accepted(wanted, is_multipart, parameters.get("transfer-syntax") or None, quality)


def takes_json(header: str) -> bool:
    """Whether DICOM JSON is welcome, by its own name or as plain JSON."""
    return any(
        not accepted.is_multipart and (accepted.takes(DICOM_JSON) or accepted.takes("application/json"))
        for accepted in parse_accept(header)
    )


def parameters_of(content_type: str) -> tuple[str, dict[str, str]]:
    """Media type and parameters of a Content-Type header."""
    media_type, *rest = (part.strip() for part in _split(content_type[:ACCEPT_CHARACTERS_MAX], ";"))
    parameters = {}
    for parameter in rest:
        name, _, value = parameter.partition("=")
        parameters[name.strip().lower()] = value.strip().strip('"')
    return media_type.lower(), parameters


def _split(text: str, separator: str) -> list[str]:
    """Split outside of quotes."""
    if '"' not in text:
        return text.split(separator)
    parts, start, quoted = [], 0, False
    for index, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif character == separator and not quoted:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]


def media_type_of_frames(transfer_syntax_uid: str) -> str:
    """What a frame in this transfer syntax is called; octets when there is no better name."""
    known = _MEDIA_TYPES.get(transfer_syntax_uid)
    if known is not None:
        return known
    syntax = find_transfer_syntax(transfer_syntax_uid)
    if syntax is None or not syntax.video:
        return OCTET_STREAM
    number = transfer_syntax_uid.removeprefix(_JPEG).partition(".")[0]
    if number in ("100", "101"):
        return "video/mpeg"
    return "video/H265" if number in ("107", "108") else "video/mp4"
