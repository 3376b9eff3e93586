"""Attribute matching (PS3.4 section C.2.2.2) as SQL conditions: one function for each kind of attribute.

Identifiers are compared as they are; names and descriptions without regard to case and accents. Every value
is a bound parameter. Not here: dates (`date_matching`), which attribute is of which kind (`keys`).
Start at `Matcher`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from filmless.features.archive import patterns
from filmless.features.archive.date_matching import date_condition, time_condition
from filmless.features.archive.patterns import Column, Condition, has_wildcard
from filmless.features.archive.read_errors import QueryNotUnderstood
from filmless.standards.dicom.person_name import normalise_text, parse_person_name
from filmless.standards.dicom.phonetics import phonetic_code

VALUES_MAX = (
    1000  # Values in one key; databases limit parameters, and a longer list is a job, not a question.
)
SEARCH_WORDS_MAX = 8  # A full name with titles; each further word is one more condition on every row.
SOUNDING_WORD_MIN = 4  # Shorter ones are beginnings that somebody types, or sound like half the department.
EMPTY = '""'  # PS3.4 C.2.2.2.8, Empty Value Matching: entities that have no value.

_COMPONENT_MARKS = "^ ="  # What stands before a component or word of a name's key.


class Level(StrEnum):
    """What a query looks for."""

    PATIENT = "patient"
    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"

    @property
    def depth(self) -> int:
        """How far below the patient."""
        return _DEPTHS[self]


_DEPTHS: Mapping[Level, int] = {level: depth for depth, level in enumerate(Level)}


@dataclass(frozen=True, slots=True)
class Side:
    """What differs between the databases, and how names are compared."""

    is_sqlite: bool
    fuzzy: bool


@dataclass(frozen=True, slots=True)
class Matched:
    """The condition of one key, and how an index helps to find what it matches.

    `in_order`: an index on the column leads to it. `trigrams`: an expression of SQLite's full-text index that
    all rows meet that the condition does, "" when there is none; PostgreSQL finds its trigrams by itself.
    `worth_a_scan`: neither, but looking through all patients is quicker than looking through all studies.
    """

    condition: Condition
    in_order: bool = False
    trigrams: str = ""
    worth_a_scan: bool = False

    @property
    def searchable(self) -> bool:
        """Whether candidates are to be looked for."""
        return self.in_order or bool(self.trigrams) or self.worth_a_scan


Matcher = Callable[[Column, str, Side], Matched]


def uid_list(column: Column, value: str, side: Side) -> Matched:  # noqa: ARG001
    """Single UID or list of UIDs (PS3.4 C.2.2.2.2)."""
    uids = values_of(value)
    return Matched(column == uids[0] if len(uids) == 1 else column.in_(uids), in_order=True)


def identifier(column: Column, value: str, side: Side) -> Matched:
    """Single value, several or a wildcard; case counts."""
    parts = [part for text in value.split("\\") if (part := text.strip())]
    found = [_one_identifier(column, part, side) for part in parts[:VALUES_MAX]]
    return Matched(
        sa.or_(sa.false(), *(one.condition for one in found)),
        in_order=all(one.in_order for one in found),
        trigrams=patterns.any_of([one.trigrams for one in found]),
    )


def _one_identifier(column: Column, value: str, side: Side) -> Matched:
    if not has_wildcard(value):
        return Matched(column == value, in_order=True)
    # The index holds identifiers in lower case, for a person's search; other than ASCII it cannot fold.
    trigrams = [run.lower() for run in patterns.trigrams_of_pattern(value) if run.isascii()]
    return Matched(
        patterns.matches_pattern(column, value, is_sqlite=side.is_sqlite),
        in_order=bool(patterns.literal_prefix(value)),
        trigrams=patterns.all_of(trigrams),
    )


def description(column: Column, value: str, side: Side) -> Matched:
    """Single value or wildcard; the column holds normalised text."""
    key = normalise_text(value)
    if not has_wildcard(key):
        return Matched(column == key, trigrams=patterns.all_of(patterns.trigrams_of_text(key)))
    return Matched(
        patterns.matches_pattern(column, key, is_sqlite=side.is_sqlite),
        trigrams=patterns.all_of(patterns.trigrams_of_pattern(key)),
    )


def date(column: Column, value: str, side: Side) -> Matched:  # noqa: ARG001
    """Single value or range; the column holds DA text."""
    return Matched(date_condition(column, value), in_order=True)


def time(column: Column, value: str, side: Side) -> Matched:  # noqa: ARG001
    """Single value or range; the column holds TM text."""
    return Matched(time_condition(column, value))


def one_of_many(column: Column, value: str, side: Side) -> Matched:
    """The column holds several values with backslashes between; any of those asked for may be among them."""
    held = sa.literal("\\") + column + sa.literal("\\")
    conditions = (
        patterns.matches_pattern(held, f"*\\{text}\\*", is_sqlite=side.is_sqlite) for text in values_of(value)
    )
    return Matched(sa.or_(*conditions))


def code(column: Column, value: str, side: Side) -> Matched:
    """A code string: one value, several, or a wildcard."""
    values = values_of(value)
    plain = [text for text in values if not has_wildcard(text)]
    globs = (
        patterns.matches_pattern(column, text, is_sqlite=side.is_sqlite)
        for text in values
        if has_wildcard(text)
    )
    return Matched(sa.or_(column.in_(plain) if plain else sa.false(), *globs))


def integer(column: Column, value: str, side: Side) -> Matched:  # noqa: ARG001
    """A whole number."""
    try:
        number = int(value)
    except ValueError:
        raise QueryNotUnderstood("A number in the query is not a whole number.") from None
    if abs(number) >= 1 << 31:
        raise QueryNotUnderstood("A number in the query is larger than any that DICOM can hold.")
    return Matched(column == number)


def values_of(value: str) -> list[str]:
    """The values of a key, with backslashes between (DICOM) or commas (QIDO); raises QueryNotUnderstood."""
    values = [part for text in value.replace(",", "\\").split("\\") if (part := text.strip())]
    if not 1 <= len(values) <= VALUES_MAX:
        raise QueryNotUnderstood(
            f"The query lists {len(values)} values in one key; ask for 1 to {VALUES_MAX} at once."
        )
    return values


# --- Person names ------------------------------------------------------------------------------------------


def person_name(phonetic: Column | None) -> Matcher:
    """PS3.4 C.2.2.2.1.1: names without regard to case and accents, in any of their three groups.

    The column holds the matching key. A family name alone finds everybody of that name. Fuzzy: each word
    begins some component, or sounds like one whose code is in the column `phonetic`.
    """

    # With sounds it is the patient's; physicians' names stand in the studies themselves.
    def match(column: Column, value: str, side: Side) -> Matched:
        if side.fuzzy and not has_wildcard(value):
            return _fuzzy_name(column, phonetic, value, side)
        key = parse_person_name(value).matching_key()
        groups = key.split("=")
        found = [_name_group(column, group, side, place) for place, group in enumerate(groups) if group]
        return Matched(
            sa.and_(sa.true(), *(one.condition for one in found)),
            in_order=any(one.in_order for one in found),
            trigrams=" AND ".join(f"({one.trigrams})" for one in found if one.trigrams),
            worth_a_scan=phonetic is not None,
        )

    return match


def _name_group(column: Column, key: str, side: Side, place: int) -> Matched:
    """One group of the name asked for; `place` 0 may be any, for nobody says in which script he asks."""
    first = place == 0
    ways: list[str] = []
    if has_wildcard(key):
        # Idle delimiters are not in the column: MEIER^* is also MEIER.
        shorter = [key.removesuffix("^*")] if key.endswith("^*") else []
        for way in (key, *shorter):
            ways += [way] if way.endswith("*") else [way, f"{way}=*"]
    else:
        ways += [key, f"{key}^*", f"{key}=*"]
    anywhere = not first or not key.isascii()  # Another script may stand in the second or third group.
    in_order = first and not anywhere and bool(patterns.literal_prefix(key))
    conditions = [_is(column, way, side) for way in ways] if first else []
    if anywhere:
        conditions += [_is(column, f"*={way}", side) for way in ways]
    condition = sa.or_(*conditions)
    if in_order:
        # It adds nothing but the index, which an OR may not get.
        prefix = patterns.literal_prefix(key.removesuffix("^*"))
        condition = sa.and_(patterns.begins(column, prefix, is_sqlite=side.is_sqlite), condition)
    return Matched(condition, in_order, patterns.all_of(patterns.trigrams_of_pattern(key.strip("^*"))))


def _is(column: Column, pattern: str, side: Side) -> Condition:
    if has_wildcard(pattern):
        return patterns.matches_pattern(column, pattern, is_sqlite=side.is_sqlite)
    return column == pattern


def _fuzzy_name(column: Column, phonetic: Column | None, value: str, side: Side) -> Matched:
    words = name_words(value)
    found = [_fuzzy_word(column, phonetic, word, side) for word in words]
    return Matched(
        sa.and_(sa.true(), *(one.condition for one in found)),
        trigrams=" AND ".join(f"({one.trigrams})" for one in found if one.trigrams),
        worth_a_scan=phonetic is not None,
    )


def name_words(value: str) -> list[str]:
    """The words of a name, normalised, whatever component they stand in."""
    return normalise_text(value.replace("^", " ").replace("=", " ")).split()[:SEARCH_WORDS_MAX]


def _fuzzy_word(column: Column, phonetic: Column | None, word: str, side: Side) -> Matched:
    ways = [patterns.begins(column, word, is_sqlite=side.is_sqlite)]
    ways += (
        patterns.contains(column, f"{mark}{word}", is_sqlite=side.is_sqlite) for mark in _COMPONENT_MARKS
    )
    if len(word) > 2:
        trigrams = [patterns.all_of(patterns.trigrams_of_text(word))]
    else:
        trigrams = [patterns.all_of(patterns.trigrams_of_text(f"{mark}{word}")) for mark in _COMPONENT_MARKS]
    code = phonetic_code(word) if len(word) >= SOUNDING_WORD_MIN else ""
    if phonetic is not None and code:
        ways.append(patterns.contains(phonetic, f" {code} ", is_sqlite=side.is_sqlite))
        trigrams.append(patterns.all_of(patterns.trigrams_of_text(f" {code} ")))
    return Matched(sa.or_(*ways), trigrams=patterns.any_of(trigrams))
