"""From a query to conditions: what the entity itself, those above and those below it must meet.

Keys above the level asked for are conditions on joined tables. Keys below it (relational queries, PS3.4
C.4.1.3.2) mean: there is one that meets them all. Not here: how an index finds candidates (`candidates`).
Start at `conditions_of`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from filmless.features.archive.date_matching import Asked, Clock, Here, combined_condition, zoned_condition
from filmless.features.archive.keys import CLOCKS, KEYS, SEQUENCES, Key
from filmless.features.archive.matching import EMPTY, VALUES_MAX, Level, Matched, Side
from filmless.features.archive.patterns import Column, Condition
from filmless.features.archive.query import Query
from filmless.features.archive.read_errors import QueryNotUnderstood
from filmless.features.archive.tables import instances, series, series_requests, studies
from filmless.features.patients.tables import patients

KEY_CHARACTERS_MAX = 1024  # The longest honest key is a list of some dozen UIDs; `*a*a*a…` costs a scan each.
UID_CHARACTERS_MAX = 65 * VALUES_MAX  # PS3.5: a UID has at most 64 characters.

PARENT: Mapping[Level, Column] = {
    Level.STUDY: studies.c.patient_ref,
    Level.SERIES: series.c.study_ref,
    Level.INSTANCE: instances.c.series_ref,
}
"""The column that holds the row id of the entity above."""

ROW_ID: Mapping[Level, Column] = {
    Level.PATIENT: patients.c.id,
    Level.STUDY: studies.c.id,
    Level.SERIES: series.c.id,
    Level.INSTANCE: instances.c.id,
}


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a query asks of each level."""

    level: Level
    found: dict[Level, list[Matched]] = field(default_factory=dict)

    def of(self, level: Level) -> list[Matched]:
        """What is asked of entities of that level."""
        return self.found.get(level, [])

    def here_and_above(self) -> list[Condition]:
        """Conditions on the entity asked for and on those it belongs to."""
        return [one.condition for level in Level if level.depth <= self.level.depth for one in self.of(level)]

    def below(self) -> list[Matched]:
        """Conditions that one of its parts must meet."""
        return [one for level in Level if level.depth > self.level.depth for one in self.of(level)]

    def has_part(self) -> list[Condition]:
        """That there is such a part, as a condition on the entity; nothing when nothing is asked of parts."""
        if not self.below():
            return []
        parts = self.parts().where(PARENT[self._next()] == ROW_ID[self.level])
        return [sa.exists(parts.correlate_except(*self._tables()))]

    def parts(self) -> sa.Select[tuple[int]]:
        """The row ids of entities of the level that have such a part, some more than once."""
        source: sa.FromClause = ROW_ID[self._next()].table
        for level in self._levels()[1:]:
            source = source.join(ROW_ID[level].table, PARENT[level] == ROW_ID[_above(level)])
        return (
            sa.select(PARENT[self._next()])
            .select_from(source)
            .where(*(one.condition for one in self.below()))
        )

    def _next(self) -> Level:
        return list(Level)[self.level.depth + 1]

    def _levels(self) -> list[Level]:
        """The levels below, as far down as anything is asked."""
        deepest = max(level.depth for level in Level if self.of(level))
        return [level for level in Level if self.level.depth < level.depth <= deepest]

    def _tables(self) -> list[sa.FromClause]:
        return [ROW_ID[level].table for level in self._levels()]


def _above(level: Level) -> Level:
    return list(Level)[level.depth - 1]


def conditions_of(level: Level, query: Query, side: Side, here: Here) -> Conditions:
    """The conditions of a query; raises QueryNotUnderstood for a value that its attribute cannot have.

    An empty value and `*` match everything (universal matching). Keys that the index does not have are passed
    over: `unsupported_keys` names them. `here` serves queries from another time zone.
    """
    conditions = Conditions(level)
    asked = {
        keyword: value.strip()
        for keyword, value in query.matching.items()
        if keyword in KEYS and not _is_universal(keyword, value)
    }
    for names, clock in CLOCKS.items():
        matched = _moment(names, clock, asked, query, here)
        if matched is not None:
            conditions.found.setdefault(KEYS[names[0]].level, []).append(matched)
            asked = {keyword: value for keyword, value in asked.items() if keyword not in names}
    for keyword, value in asked.items():
        key = KEYS[keyword]
        conditions.found.setdefault(key.level, []).append(_matched(key, value, side))
    for keyword, item in query.sequences.items():
        _add_sequence(conditions, keyword, item, side)
    return conditions


def unsupported_keys(level: Level, keywords: Sequence[str]) -> tuple[str, ...]:  # noqa: ARG001
    """Those of the keywords that are not matched: the index does not have them.

    Keys of every level are matched at every level, `level` notwithstanding.
    """
    return tuple(keyword for keyword in keywords if keyword not in KEYS and keyword not in SEQUENCES)


def _is_universal(keyword: str, value: str) -> bool:
    if len(value) > (UID_CHARACTERS_MAX if keyword.endswith("UID") else KEY_CHARACTERS_MAX):
        raise QueryNotUnderstood(f"The value of {keyword} is too long to be searched for.")
    if "\x00" in value:
        raise QueryNotUnderstood(f"The value of {keyword} holds a NUL character.")
    return not value.strip().strip("*")


def _matched(key: Key, value: str, side: Side) -> Matched:
    if value == EMPTY:
        is_number = isinstance(key.column.type, sa.Integer)
        return Matched(key.column.is_(None) if is_number else key.column == "")
    matched = key.matcher(key.column, value, side)
    if not key.indexed:
        return Matched(matched.condition)
    if matched.trigrams and key.trigrams_in:
        return replace(matched, trigrams=f"{key.trigrams_in} : ({matched.trigrams})")
    return matched


def _moment(
    names: tuple[str, str],
    clock: Clock,
    asked: Mapping[str, str],
    query: Query,
    here: Here,
) -> Matched | None:
    """Date and time where they must be taken together; None where each stands for itself."""
    date, time = (asked.get(name, "") for name in names)
    if EMPTY in (date, time) or not (date or time):
        return None
    in_order = bool(date) and KEYS[names[0]].indexed
    if query.timezone_offset:
        wanted = Asked(date, time, query.combined_datetime, query.timezone_offset)
        return Matched(zoned_condition(clock, wanted, here), in_order)
    if query.combined_datetime and date and time:
        return Matched(combined_condition(clock, date, time), in_order)
    return None


def _add_sequence(conditions: Conditions, keyword: str, item: Mapping[str, str], side: Side) -> None:
    keys = SEQUENCES.get(keyword, {})
    asked = {
        inner: value.strip()
        for inner, value in item.items()
        if inner in keys and not _is_universal(inner, value)
    }
    found = [(keys[inner], _matched(keys[inner], value, side)) for inner, value in asked.items()]
    if not found:
        return
    level = found[0][0].level
    if keyword == "RequestAttributesSequence":
        # All keys must be met by the same item (PS3.4 C.2.2.2.6).
        items = sa.select(series_requests.c.series_ref).where(*(matched.condition for _, matched in found))
        in_order = any(matched.in_order for _, matched in found)
        found = [(found[0][0], Matched(series.c.id.in_(items), in_order))]
    conditions.found.setdefault(level, []).extend(matched for _, matched in found)
