"""Fresh identifiers: sortable by time, impossible to guess, safe as a file name and in a URL."""

import os
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u.
ID_CHARACTERS = 26  # 48 bits of milliseconds + 80 bits of randomness = 128 bits in base 32.


def new_id() -> str:
    """A new 26-character identifier; two made in the same millisecond differ in 80 random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    characters = []
    for _ in range(ID_CHARACTERS):
        characters.append(_ALPHABET[value & 31])
        value >>= 5
    return "".join(reversed(characters))


def is_id(text: str) -> bool:
    """Whether the text has the form of an identifier made by `new_id`."""
    return len(text) == ID_CHARACTERS and all(character in _ALPHABET for character in text)
