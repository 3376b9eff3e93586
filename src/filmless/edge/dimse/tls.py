"""TLS for DICOM: the BCP 195 profiles of PS3.15 B.12 and B.13, our certificate, and whom we trust.

A peer proves who it is with a certificate of an authority that the settings name, or with the very one that
is bound to its node, self-signed or not. Not here: who may come in (`admission`), the listener (`server`).
Start at `TLSFiles`; for calls of ours at `client_context`, for callers at `TLSDoor`.
"""

import hashlib
import re
import socket
import ssl
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, cast

from filmless.edge.dimse.errors import AssociationAborted, TLSHandshakeFailed, TLSNotUsable
from filmless.edge.dimse.own_certificate import made_certificate
from filmless.edge.dimse.plain_reasons import plain_reason
from filmless.features.nodes import Node, list_bound_certificates
from filmless.infra.database import Database
from filmless.infra.settings import Settings

# TLS 1.2 suites with forward secrecy and authenticated encryption (RFC 9325 4.2). The modified profile is a
# closed list of the AES-GCM ones (PS3.15 B.13). Those of TLS 1.3 are all good (RFC 9325 4.2.1). Level 2 of
# OpenSSL keeps RSA and DHE to at least 2048 bits, elliptic curves to at least 224.
_SUITES = {
    "bcp195": "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:!aNULL:!aDSS:!PSK:!SRP@SECLEVEL=2",
    "modified": "ECDHE+AESGCM:DHE+AESGCM:!aNULL:!aDSS:!PSK:!SRP@SECLEVEL=2",
}
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """What the caller showed on the TLS port: SHA-256 of its certificate in hexadecimal and its subject.

    Both are empty when it showed none. On the plain port there is no PeerCertificate at all.
    """

    fingerprint: str = ""
    subject: str = ""


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
        context.set_ciphers(_SUITES[self.profile])
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


def fingerprint_of(pem: str) -> str:
    """SHA-256 of a certificate, in hexadecimal."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def spelled(fingerprint: str) -> str:
    """A fingerprint as administrators compare it: AB:CD:…"""
    return fingerprint.upper() if ":" in fingerprint else ":".join(re.findall("..", fingerprint.upper()))


def client_context(files: TLSFiles, node: Node) -> ssl.SSLContext:
    """For calls to the node: it must show the certificate bound to it, or one of an authority we trust.

    The latter must name the host we call; a bound one need not, it is known by itself. Raises TLSNotUsable.
    """
    context = files.context(ssl.PROTOCOL_TLS_CLIENT)
    if node.certificate_pem:
        context.check_hostname = False
        context.load_verify_locations(cadata=node.certificate_pem)
    elif files.authorities is not None:
        _trust(context, files.authorities)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    return context


class TLSDoor:
    """The TLS of our listener: contexts that trust the authorities and whatever is bound to nodes today."""

    def __init__(self, files: TLSFiles, database: Database) -> None:
        self._files = files
        self._database = database
        self._lock = threading.Lock()
        self._made_for: tuple[object, ...] | None = None
        self._context: ssl.SSLContext | None = None

    def check(self) -> None:
        """Raise TLSNotUsable if files that the settings name cannot be used; ours is made when needed."""
        if self._files.certificate is not None:
            self._files.context(ssl.PROTOCOL_TLS_SERVER)
        if self._files.authorities is not None:
            _trust(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self._files.authorities)

    def wrap(self, sock: socket.socket) -> ssl.SSLSocket:
        """The caller's connection, not yet greeted; the socket becomes part of it. Raises TLSNotUsable."""
        return self._current().wrap_socket(sock, server_side=True, do_handshake_on_connect=False)

    def _current(self) -> ssl.SSLContext:
        bound = tuple(list_bound_certificates(self._database))
        made_for = (bound, *_ages(self._files))
        with self._lock:
            if self._context is None or made_for != self._made_for:
                self._context = _server_context(self._files, bound)
                self._made_for = made_for
            return self._context


def shake_hands(secured: ssl.SSLSocket, seconds_max: float) -> PeerCertificate:
    """Greet the caller and see what it shows; waits, so it belongs in the thread of the association.

    Raises TLSHandshakeFailed, and AssociationAborted when the caller went away or said nothing for too long.
    """
    try:
        secured.settimeout(seconds_max)
        secured.do_handshake()
    except (ssl.SSLEOFError, ConnectionError, TimeoutError) as error:
        raise AssociationAborted(
            f"The caller did not finish its TLS handshake: {plain_reason(error)}."
        ) from error
    except OSError as error:
        raise TLSHandshakeFailed(f"No TLS connection: {plain_reason(error)}.") from error
    return _shown(secured)


def _server_context(files: TLSFiles, bound: Iterable[str]) -> ssl.SSLContext:
    context = files.context(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0
    trusted = "".join(bound)
    if trusted:
        context.load_verify_locations(cadata=trusted)
    if files.authorities is not None:
        _trust(context, files.authorities)
    # A caller may show no certificate, but none that nobody here knows: a node is never let in with one until
    # the first certificate is bound, and turned away from then on.
    context.verify_mode = ssl.CERT_REQUIRED if files.client_certificate_required else ssl.CERT_OPTIONAL
    return context


def _trust(context: ssl.SSLContext, authorities: Path) -> None:
    try:
        context.load_verify_locations(authorities)
    except OSError as error:
        raise TLSNotUsable(f"FILMLESS_DICOM_TLS_CA cannot be used: {error.strerror or error}.") from error


def _ages(files: TLSFiles) -> list[int]:
    """When the files were last written: a renewed certificate is used without a restart."""
    named = (files.certificate, files.key, files.authorities)
    return [path.stat().st_mtime_ns for path in named if path is not None and path.exists()]


def _shown(secured: ssl.SSLSocket) -> PeerCertificate:
    der = secured.getpeercert(binary_form=True)
    if der is None:
        return PeerCertificate()
    names = cast("tuple[tuple[tuple[str, str], ...], ...]", (secured.getpeercert() or {}).get("subject", ()))
    subject = ", ".join(f"{key}={value}" for each in names for key, value in each)
    return PeerCertificate(hashlib.sha256(der).hexdigest(), subject)


def _path(name: str) -> Path | None:
    return Path(name) if name else None


def _not_usable(error: Exception) -> TLSNotUsable:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
    return TLSNotUsable(
        f"Our TLS key and certificate cannot be used ({reason}). Check FILMLESS_DICOM_TLS_CERTIFICATE and "
        "FILMLESS_DICOM_TLS_KEY: PEM files that belong together, the key without pass phrase."
    )
