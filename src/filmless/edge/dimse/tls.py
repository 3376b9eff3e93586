"""TLS for DICOM: how we greet callers and those we call, and whom we trust.

A peer proves who it is with a certificate of an authority that the settings name, or with the very one that
is bound to its node, self-signed or not. Not here: our own certificate and the profiles
(`infra/tls_files`), who may come in (`admission`), the listener (`server`). Start at `client_context` for
calls of ours, at `TLSDoor` for callers.
"""

import hashlib
import socket
import ssl
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from filmless.edge.dimse.errors import AssociationAborted, TLSHandshakeFailed
from filmless.edge.dimse.plain_reasons import plain_reason
from filmless.features.nodes import Node, list_bound_certificates
from filmless.infra.database import Database
from filmless.infra.tls_files import TLSFiles, TLSNotUsable, spelled

__all__ = ["PeerCertificate", "TLSDoor", "TLSFiles", "client_context", "shake_hands", "spelled"]


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """What the caller showed on the TLS port: SHA-256 of its certificate in hexadecimal and its subject.

    Both are empty when it showed none. On the plain port there is no PeerCertificate at all.
    """

    fingerprint: str = ""
    subject: str = ""


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
        """The caller's connection, not yet greeted; the socket becomes part of it, or is closed.

        Raises TLSNotUsable, and Unavailable when the database does not tell whom to trust.
        """
        try:
            return self._current().wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        except BaseException:
            sock.close()
            raise

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
        reason = getattr(error, "reason", None) or ""
        raise TLSHandshakeFailed(f"No TLS connection: {plain_reason(error)}.", reason) from error
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
