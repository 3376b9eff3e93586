"""Person names (PN; PS3.5 section 6.2.1): three groups of five components, and keys to compare them by.

Not here: whether two names are the same person; that is `features.patients`' decision.
Start at `parse_person_name`.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

# Letters that do not fall apart into base letter and accent, as people type them without the accent.
_FOLDS = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ħ": "h", "ı": "i", "ŧ": "t"}
)


def normalise_text(text: str) -> str:
    """Case folded, accents stripped, full-width forms made plain, spaces collapsed: for search."""
    if text.isascii():
        return " ".join(text.lower().split())
    # Taken apart before and after: a letter that is only a form of another (𝔄) has a case once it is plain.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(char for char in decomposed if not _is_accent(char))
    # Composed again so that kana and Hangul, which also fall apart, keep their usual form.
    return " ".join(unicodedata.normalize("NFKC", bare).translate(_FOLDS).split())


def _is_accent(char: str) -> bool:
    # Latin, Greek and Cyrillic accents only: marks of other scripts (kana voicing, Thai vowels) are letters.
    return "\u0300" <= char <= "\u036f"


@dataclass(frozen=True, slots=True)
class NameComponents:
    """One component group: the same name in one script."""

    family: str = ""
    given: str = ""
    middle: str = ""
    prefix: str = ""
    suffix: str = ""

    def __str__(self) -> str:
        return "^".join((self.family, self.given, self.middle, self.prefix, self.suffix)).rstrip("^")

    def normalised(self) -> tuple[str, ...]:
        """The five components as `normalise_text` gives them."""
        return tuple(
            normalise_text(part) for part in (self.family, self.given, self.middle, self.prefix, self.suffix)
        )


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name in up to three scripts. `str()` gives the DICOM text back, without idle delimiters."""

    alphabetic: NameComponents = NameComponents()
    ideographic: NameComponents = NameComponents()
    phonetic: NameComponents = NameComponents()

    def __str__(self) -> str:
        return "=".join((str(self.alphabetic), str(self.ideographic), str(self.phonetic))).rstrip("=")

    def __bool__(self) -> bool:
        return bool(str(self))

    def matching_key(self) -> str:
        """All groups normalised, in DICOM form without idle delimiters: "muller^jorg", for the index."""
        groups = ("^".join(group).rstrip("^") for group in self.components_key())
        return "=".join(groups).rstrip("=")

    def components_key(self) -> tuple[tuple[str, ...], ...]:
        """The normalised components of the three groups, for comparison part by part."""
        return (self.alphabetic.normalised(), self.ideographic.normalised(), self.phonetic.normalised())

    def display(self) -> str:
        """ "Family, Given Middle" of the first group that has something."""
        for group in (self.alphabetic, self.ideographic, self.phonetic):
            given = " ".join(part for part in (group.given, group.middle) if part)
            shown = ", ".join(part for part in (group.family, given) if part)
            if shown:
                return shown
        return ""


def _components(group: str) -> NameComponents:
    parts = [part.strip() for part in group.split("^", 4)]
    # A sixth component is against the standard; it stays with the suffix rather than being lost.
    return NameComponents(*(parts + [""] * (5 - len(parts))))


def parse_person_name(text: str) -> PersonName:
    """Read one PN value. A fourth group is ignored; anything else is kept as it is."""
    groups = [_components(group) for group in text.strip(" \0").split("=")[:3]]
    return PersonName(*groups)
