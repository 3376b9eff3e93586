"""Passwords: which are accepted, and how they are kept (argon2id, RFC 9106).

The policy is NIST SP 800-63B's: length, a list of what everybody tries first, no rules about composition.
Not here: who may change whose password (`users.py`), the counting of failures (`sign_in.py`).
"""

import threading
import unicodedata
from functools import lru_cache
from importlib.resources import files

import argon2

from filmless.features.access.errors import PasswordRefused
from filmless.infra import limits
from filmless.infra.errors import OverLimit

HASH_WAIT_SECONDS_MAX = 10.0  # A queue of sign-ins this long is an attack; people are told to try again.
DISTINCT_CHARACTERS_MIN = 4  # "aaaaaaaaaa" and "1212121212" are long and worth nothing.


@lru_cache(maxsize=1)
def _common_passwords() -> frozenset[str]:
    text = files(__package__).joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line and not line.startswith("#"))


def _letters(text: str) -> str:
    """The text without the digits and signs that people add to an easy word."""
    return "".join(character for character in text if character.isalpha())


def check_password(password: str, user_name: str) -> None:
    """Raise PasswordRefused, with the reason, unless this may become the password of the user."""
    text = unicodedata.normalize("NFKC", password).casefold()
    if len(text) < limits.PASSWORD_CHARACTERS_MIN:
        raise PasswordRefused(f"The password needs at least {limits.PASSWORD_CHARACTERS_MIN} characters.")
    if len(text) > limits.PASSWORD_CHARACTERS_MAX:
        raise PasswordRefused(f"The password may have {limits.PASSWORD_CHARACTERS_MAX} characters at most.")
    if len(set(text)) < DISTINCT_CHARACTERS_MIN:
        raise PasswordRefused("The password repeats too few characters. Choose another.")
    word, name = _letters(text), _letters(user_name)
    if text in _common_passwords() or word in _common_passwords():
        raise PasswordRefused("The password is among the first that anybody would try. Choose another.")
    if text == user_name or (name and word in (name, name * 2)):
        raise PasswordRefused("The password is the user name. Choose another.")


class PasswordHashes:
    """Makes and verifies argon2id hashes, a few at a time; safe for any number of threads."""

    def __init__(self, time_cost: int = 3, memory_kib: int = 64 * 1024) -> None:
        # One lane: each verification takes one core, so the bound below is also a bound on cores.
        self._argon2 = argon2.PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)
        self._places = threading.BoundedSemaphore(limits.PASSWORD_HASHES_AT_ONCE_MAX)
        self._nobody: str | None = None

    def hash(self, password: str) -> str:
        """The text to keep for a password; raises OverLimit when too many are being hashed."""
        self._take_place()
        try:
            return self._argon2.hash(_normal(password))
        finally:
            self._places.release()

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is the one; None stands for an unknown user and costs the same work.

        Raises OverLimit when too many are being verified.
        """
        known = password_hash is not None and len(password) <= limits.PASSWORD_CHARACTERS_MAX
        if not known and self._nobody is None:
            self._nobody = self.hash("nobody has this password")
        self._take_place()
        try:
            self._argon2.verify(
                password_hash if known and password_hash else str(self._nobody),
                _normal(password[: limits.PASSWORD_CHARACTERS_MAX]),
            )
        except argon2.exceptions.VerifyMismatchError:
            return False
        finally:
            self._places.release()
        return known

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""
        return self._argon2.check_needs_rehash(password_hash)

    def _take_place(self) -> None:
        if not self._places.acquire(timeout=HASH_WAIT_SECONDS_MAX):
            raise OverLimit("Too many people are signing in at this moment. Try again.", 5)


def _normal(password: str) -> str:
    # The same key presses give different code points on different systems (NIST SP 800-63B 5.1.1.2).
    return unicodedata.normalize("NFKC", password)
