"""A person's search field: words over name, Patient ID, accession number and description.

Every word must be found somewhere. Not here: the keys of DICOM queries (`conditions`).
Start at `search_conditions`.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from filmless.features.archive import patterns
from filmless.features.archive.candidates import among, few, matching_rows
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


def search_conditions(tx: Transaction, words: Sequence[str]) -> list[Condition]:
    """The conditions that every word is found, and candidates where an index has few of them."""
    found = [sa.or_(_in(Level.PATIENT, word, tx), _in(Level.STUDY, word, tx)) for word in words]
    long_words = [word for word in words if len(word) > 2]  # Shorter ones have no trigram.
    places = {
        word: [level for level in (Level.PATIENT, Level.STUDY) if _exists(tx, level, word)]
        for word in long_words
    }
    if not all(places.values()):
        return [sa.false()]
    for level, column in ((Level.PATIENT, studies.c.patient_ref), (Level.STUDY, studies.c.id)):
        only_here = [_matched(level, word, tx) for word in long_words if places[word] == [level]]
        refs = few(tx, matching_rows(level, only_here, is_sqlite=tx.is_sqlite)) if only_here else None
        if refs is not None:
            return [*found, among(column, refs, is_sqlite=tx.is_sqlite)]
    for word in long_words:  # A word that may be in either, but seldom is.
        both = [
            few(tx, matching_rows(level, [_matched(level, word, tx)], is_sqlite=tx.is_sqlite))
            for level in (Level.PATIENT, Level.STUDY)
        ]
        if both[0] is not None and both[1] is not None:
            of_patients = among(studies.c.patient_ref, both[0], is_sqlite=tx.is_sqlite)
            return [*found, sa.or_(of_patients, among(studies.c.id, both[1], is_sqlite=tx.is_sqlite))]
    return found


def _in(level: Level, word: str, tx: Transaction) -> Condition:
    columns = _SEARCHED[level]
    return sa.or_(*(patterns.contains(column, word, is_sqlite=tx.is_sqlite) for column in columns))


def _matched(level: Level, word: str, tx: Transaction) -> Matched:
    return Matched(_in(level, word, tx), trigrams=patterns.all_of(patterns.trigrams_of_text(word)))


def _exists(tx: Transaction, level: Level, word: str) -> bool:
    rows = matching_rows(level, [_matched(level, word, tx)], is_sqlite=tx.is_sqlite)
    return tx.execute(rows.limit(1)).first() is not None
