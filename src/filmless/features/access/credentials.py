"""Secrets that we hand out: 256 random bits, of which only the SHA-256 digest is kept.

A fast hash is right here: there is nothing to guess in 256 random bits, unlike in a password.
"""

import hashlib
import secrets

TOKEN_PREFIX = "flm_"  # Lets secret scanners and people see what leaked.
_SECRET_BYTES = 32


def new_secret(prefix: str = "") -> str:
    """A fresh secret in URL-safe characters."""
    return prefix + secrets.token_urlsafe(_SECRET_BYTES)


def digest_of(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()
