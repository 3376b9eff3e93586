"""Our TLS key and certificate, whom we trust, and by which rules we speak: what the settings say about TLS.

Not here: what a protocol makes of it (`edge/dimse/tls`). Start at `TLSFiles`.
"""

import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from filmless.infra.errors import Unavailable
from filmless.infra.own_certificate import made_certificate
from filmless.infra.settings import Settings

# TLS 1.2 suites with forward secrecy and authenticated encryption (RFC 9325 4.2). The modified profile is a
# closed list of the AES-GCM ones (PS3.15 B.13). Those of TLS 1.3 are all good (RFC 9325 4.2.1). Level 2 of
# OpenSSL keeps RSA and DHE to at least 2048 bits, elliptic curves to at least 224.
TLS_SUITES = {
    "bcp195": "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:!aNULL:!aDSS:!PSK:!SRP@SECLEVEL=2",
    "modified": "ECDHE+AESGCM:DHE+AESGCM:!aNULL:!aDSS:!PSK:!SRP@SECLEVEL=2",
}
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)


class TLSNotUsable(Unavailable):
    """Our own key, certificate or list of authorities cannot be used; the administrator must look."""


@dataclass(frozen=True, slots=True)
class TLSFiles:
    """Where our certificate and those we trust are kept, and by which rules we speak TLS.

    Without `certificate` there is one of our own making in `folder`.
    """

    folder: Path
    common_name: str = "Filmless"
    certificate: Path | None = None
    key: Path | None = None
    authorities: Path | None = None
    profile: Literal["bcp195", "modified"] = "bcp195"
    client_certificate_required: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the administrator decided."""
        return cls(
            settings.data / "tls",
            settings.ae_title,
            _path(settings.dicom_tls_certificate),
            _path(settings.dicom_tls_key),
            _path(settings.dicom_tls_ca),
            settings.dicom_tls_profile,
            settings.dicom_tls_client_certificate == "required",
        )

    def own_certificate(self) -> str:
        """PEM text of the certificate we show, without its key and its issuers; raises TLSNotUsable."""
        try:
            found = _CERTIFICATE.search(self._chain().read_text(encoding="ascii"))
        except (OSError, UnicodeDecodeError) as error:
            raise _not_usable(error) from error
        if found is None:
            raise TLSNotUsable("The file named by FILMLESS_DICOM_TLS_CERTIFICATE holds no certificate.")
        return found[0]

    def context(self, protocol: int) -> ssl.SSLContext:
        """A context for our side that shows our certificate and trusts nobody yet; raises TLSNotUsable."""
        context = ssl.SSLContext(protocol)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(TLS_SUITES[self.profile])
        # No resumption: an association lasts minutes, and a ticket would outlive a certificate taken back.
        context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        # What is bound to a node is trusted by itself, whoever issued it.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        try:
            # Asked for a pass phrase, OpenSSL would wait at a terminal that a server does not have.
            context.load_cert_chain(self._chain(), self.key if self.certificate else None, password="")
        except (OSError, ValueError) as error:
            raise _not_usable(error) from error
        return context

    def _chain(self) -> Path:
        return self.certificate or made_certificate(self.folder, self.common_name)


def spelled(fingerprint: str) -> str:
    """A fingerprint as administrators compare it: AB:CD:…"""
    return fingerprint.upper() if ":" in fingerprint else ":".join(re.findall("..", fingerprint.upper()))


def _path(name: str) -> Path | None:
    return Path(name) if name else None


def _not_usable(error: Exception) -> TLSNotUsable:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
    return TLSNotUsable(
        f"Our TLS key and certificate cannot be used ({reason}). Check FILMLESS_DICOM_TLS_CERTIFICATE and "
        "FILMLESS_DICOM_TLS_KEY: PEM files that belong together, the key without pass phrase."
    )
