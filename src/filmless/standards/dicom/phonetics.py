"""How a name sounds, as a short code: names that sound alike have the same one.

For fuzzy semantic matching of person names (PS3.4 C.2.2.2.1.1, by extended negotiation). A reading of the
Cologne phonetics (Postel 1969) with letters for its digits and the first sound kept apart, so that it also
serves names that are not German: Meier, Mayer and Maier; Schmidt, Schmitt and Smith's neighbours; Thomas
and Tomas; Philipp and Filip. Not here: names of other scripts, which have no code, and where the codes are
kept. Start at `phonetic_codes`.

Codes are of capital letters: text normalised for search has none, so both can stand in one index.
"""

from __future__ import annotations

from filmless.standards.dicom.person_name import normalise_text

SOUNDS_MIN = 2  # A single sound (Mai, Lee) would match every tenth name.
CODE_SOUNDS_MAX = 12  # The longest family names have about ten; a sentence is not a name.

_VOWELS = "aeiouy"
_SOUNDS = dict(zip("bfvwgkqlmnrszj", "PFFFKKKLMNRSSJ", strict=True))


def phonetic_code(word: str) -> str:
    """The code of one word; "" for words without a sound we know or with too few of them."""
    letters = "".join(char for char in word.lower() if "a" <= char <= "z")
    if not letters or not word.isascii():
        return ""
    sounds = ""
    for place, letter in enumerate(letters):
        before = letters[place - 1] if place else ""
        sound = _sound(letter, before, letters[place + 1] if place + 1 < len(letters) else "")
        for one in sound:
            if not sounds or sounds[-1] != one:
                sounds += one
    # Vowels are heard at the beginning only; before that, they keep equal consonants apart (Mama).
    code = sounds[:1] + sounds[1:].replace("A", "")
    return code[:CODE_SOUNDS_MAX] if len(code) >= SOUNDS_MIN else ""


def phonetic_codes(words: str) -> str:
    """The codes of all words of a name, each between spaces (" MLR TNS "); "" when there is none.

    Reads a name in any form: delimiters of DICOM, spaces and hyphens part its words.
    """
    text = normalise_text(words)
    for mark in "^=-'.,":
        text = text.replace(mark, " ")
    codes = dict.fromkeys(code for word in text.split() if (code := phonetic_code(word)))
    return f" {' '.join(codes)} " if codes else ""


def _sound(letter: str, before: str, after: str) -> str:
    """What the letter sounds like between its neighbours; "A" is any vowel, "" is silence."""
    if letter in _VOWELS:
        return "A"
    if letter == "h":
        return "" if before else "H"
    if letter == "p":
        return "F" if after == "h" else "P"
    if letter in "dt":
        return "S" if after in ("c", "s", "z") and after else "T"
    if letter == "x":
        return "S" if before in ("c", "k", "q") and before else "KS"
    if letter == "c":
        return _sound_of_c(before, after)
    return _SOUNDS.get(letter, "")


def _sound_of_c(before: str, after: str) -> str:
    if not before:
        return "K" if after in tuple("ahkloqrux") else "S"
    if before in ("s", "z"):
        return "S"
    return "K" if after in tuple("ahkoqux") else "S"
