"""The key and certificate we make for ourselves where the administrator names none.

An RSA key, though an elliptic one would be smaller and quicker: scanners live fifteen years, and the TLS of
many knows RSA certificates only. 3072 bits, for the certificate outlives 2030, when 2048 are no longer
thought enough (NIST SP 800-57). Ten years, because the other side pins it by hand.
Not here: its use (`tls_files`).
"""

import os
import platform
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

from filmless.infra.clock import SystemClock
from filmless.infra.ids import new_id

KEY_BITS = 3072
VALID_DAYS = 3650
BACKDATED_DAYS = 1  # A modality's clock may be a day behind.


def made_certificate(folder: Path, common_name: str) -> Path:
    """The PEM file with our own key and certificate, made when it is not there; readable by us alone.

    Several processes may ask at the same time: the first file stays. Raises OSError.
    """
    path = folder / "own.pem"
    if path.exists():
        return path
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f"own.{new_id()}.tmp"
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_key_and_certificate(common_name))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return path  # Somebody was faster, and may have shown theirs already.
    finally:
        draft.unlink(missing_ok=True)
    return path


def _key_and_certificate(common_name: str) -> bytes:
    """PEM of a new key and its self-signed certificate, for server and client alike."""
    from cryptography import x509  # Takes its time and memory; needed once in the life of an installation.
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    begins = SystemClock().now() - timedelta(days=BACKDATED_DAYS)
    names = [x509.DNSName(host) for host in dict.fromkeys((platform.node(), "localhost"))]
    loopback = x509.IPAddress(ip_address("127.0.0.1"))
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=False)
        .add_extension(x509.SubjectAlternativeName([*names, loopback]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)
