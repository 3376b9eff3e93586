"""Certificates that are bound to a peer: PEM text, checked once, compared by fingerprint ever after. Pure.

Not here: TLS itself, our own certificate (`edge/dimse/tls.py`).
"""

import binascii
import hashlib
import re
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime

from filmless.infra.errors import Invalid

CERTIFICATES_MAX = 4  # Old and new of a renewal, of two machines behind one AE title.
PEM_CHARACTERS_MAX = 64 * 1024  # Four certificates with 16384-bit keys are shorter.

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


@dataclass(frozen=True, slots=True)
class BoundCertificate:
    """One certificate as an administrator compares it: SHA-256 in hexadecimal, whose, until when."""

    fingerprint: str
    subject: str
    not_valid_after: datetime


def checked_certificates(pem: str) -> str:
    """The certificates of the text, each once, and nothing else of it; "" when the text is blank.

    Raises Invalid when one cannot be read, when there are too many, or when the text holds a private key.
    """
    if not pem.strip():
        return ""
    if "PRIVATE KEY" in pem:
        raise Invalid(
            "This holds a private key. It belongs to the other side alone; give its certificate only."
        )
    blocks = list(dict.fromkeys(_der_of(pem))) if len(pem) <= PEM_CHARACTERS_MAX else []
    if not 1 <= len(blocks) <= CERTIFICATES_MAX:
        raise Invalid(f"The peer's certificate is given as PEM text, at most {CERTIFICATES_MAX} of them.")
    return "".join(_readable_pem(der) for der in blocks)


def fingerprints_of(pem: str) -> tuple[str, ...]:
    """SHA-256 of each certificate in checked PEM text, in hexadecimal."""
    return tuple(hashlib.sha256(der).hexdigest() for der in _der_of(pem))


def describe_certificates(pem: str) -> list[BoundCertificate]:
    """What is in checked PEM text, in its order."""
    from cryptography import x509  # As in `_readable_pem`.

    return [
        BoundCertificate(
            hashlib.sha256(der).hexdigest(),
            certificate.subject.rfc4514_string(),
            certificate.not_valid_after_utc,
        )
        for der in _der_of(pem)
        for certificate in (x509.load_der_x509_certificate(der),)
    ]


def _der_of(pem: str) -> list[bytes]:
    try:
        return [b64decode("".join(block.split()), validate=True) for block in _BLOCK.findall(pem)]
    except binascii.Error:
        return []


def _readable_pem(der: bytes) -> str:
    from cryptography import x509  # Only those who register a certificate need it in their memory.
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode("ascii")
    except ValueError:
        raise Invalid("This is not a certificate that can be read.") from None
