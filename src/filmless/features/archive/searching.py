"""A person's search field: words over name, Patient ID, accession number and description.

Every word must be found somewhere. Not here: the keys of DICOM queries (`conditions`).
Start at `narrow_search`.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from filmless.features.archive import patterns
from filmless.features.archive.candidates import (
    CANDIDATES_MAX,
    WITH_MORE_ASKED,
    Candidates,
    Narrowed,
    look_up,
    matching_rows,
)
from filmless.features.archive.matching import SEARCH_WORDS_MAX, Level, Matched
from filmless.features.archive.patterns import Column, Condition
from filmless.features.archive.tables import studies
from filmless.features.patients.tables import patients
from filmless.infra.database import Transaction
from filmless.standards.dicom.person_name import normalise_text

SEARCH_CHARACTERS_MAX = 1024  # A search field is a line.

_SEARCHED: dict[Level, tuple[Column, ...]] = {
    Level.PATIENT: (patients.c.patient_name_key, sa.func.lower(patients.c.patient_id)),
    Level.STUDY: (studies.c.study_description_key, sa.func.lower(studies.c.accession_number)),
}


def search_words(search: str) -> list[str]:
    """The words as they are compared; none for text that no field can hold."""
    words = [] if "\x00" in search else normalise_text(search[:SEARCH_CHARACTERS_MAX]).split()
    return words[:SEARCH_WORDS_MAX]


def narrow_search(tx: Transaction, words: Sequence[str]) -> Narrowed:
    """The conditions that every word is found, with candidates where an index has few of them."""
    places = {word: _places(tx, word) for word in words}
    if not all(places.values()):
        return Narrowed([sa.false()])
    found = [sa.or_(*(_in(level, word, tx) for level in places[word])) for word in words]
    many: Candidates | None = None
    for level in (Level.PATIENT, Level.STUDY):
        only_here = [_matched(level, word, tx) for word in words if places[word] == [level] and len(word) > 2]
        if only_here:
            count_max = CANDIDATES_MAX * (WITH_MORE_ASKED if len(only_here) < len(words) else 1)
            looked_up = look_up(tx, level, only_here, count_max, in_order=tx.is_sqlite)
            if not looked_up.more:
                return Narrowed(found, [looked_up.condition(is_sqlite=tx.is_sqlite)], looked_up)
            many = many or looked_up
    if many is None:
        for word in words:
            either = [
                look_up(tx, level, [_matched(level, word, tx)], CANDIDATES_MAX, in_order=tx.is_sqlite)
                for level in places[word]
            ]
            if len(word) > 2 and not any(one.more for one in either):
                few = sa.or_(*(one.condition(is_sqlite=tx.is_sqlite) for one in either))
                return Narrowed(found, [few])
    return Narrowed(found, candidates=many)


def _places(tx: Transaction, word: str) -> list[Level]:
    """Where the word is found at all; short words, which have no trigram, may be anywhere."""
    levels = [Level.PATIENT, Level.STUDY]
    return levels if len(word) < 3 else [level for level in levels if _exists(tx, level, word)]


def _in(level: Level, word: str, tx: Transaction) -> Condition:
    columns = _SEARCHED[level]
    return sa.or_(*(patterns.contains(column, word, is_sqlite=tx.is_sqlite) for column in columns))


def _matched(level: Level, word: str, tx: Transaction) -> Matched:
    trigrams = patterns.all_of(patterns.trigrams_of_text(word))
    if trigrams and level is Level.STUDY:
        trigrams = f"{{description accession_number}} : ({trigrams})"
    return Matched(_in(level, word, tx), trigrams=trigrams)


def _exists(tx: Transaction, level: Level, word: str) -> bool:
    rows = matching_rows(level, [_matched(level, word, tx)], is_sqlite=tx.is_sqlite)
    return tx.execute(rows.limit(1)).first() is not None
