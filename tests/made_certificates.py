"""Certificates of invented devices and authorities, as files; elliptic keys, for they are made in no time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class MadeCertificate:
    """A key with its certificate; `issued_by` None: signed by itself."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def of(
        cls,
        name: str,
        issued_by: "MadeCertificate | None" = None,
        *,
        authority: bool = False,
        age_days: int = 1,
    ) -> Self:
        """For localhost; valid for 30 days from `age_days` ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        begins = datetime.now(UTC) - timedelta(days=age_days)
        alternative = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issued_by.certificate.subject if issued_by else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(alternative), critical=False)
            .sign(issued_by.key if issued_by else key, hashes.SHA256())
        )
        return cls(key, certificate)

    @property
    def pem(self) -> str:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        """Its key, without pass phrase."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def files(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Key and certificate written to two files."""
        key, certificate = folder / f"{name}.key.pem", folder / f"{name}.pem"
        key.write_text(self.key_pem)
        certificate.write_text(self.pem)
        return key, certificate
