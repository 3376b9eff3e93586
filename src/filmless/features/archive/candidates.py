"""Finding by an index what a query's walk through the studies, newest first, would find too late.

A page of a rare name would read nearly all studies. So the patients (or studies) that can match are first
looked for by the index that fits: in order, or of trigrams. When they are few, the page is looked for among
theirs; when they are many, a page is near on any walk. Every condition is checked anyway. Not here: the
conditions themselves (`conditions`). Start at `narrow`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from filmless.features.archive.conditions import ROW_ID, Conditions
from filmless.features.archive.matching import Level, Matched
from filmless.features.archive.patterns import Column, Condition
from filmless.features.archive.tables import studies
from filmless.infra.database import Transaction

CANDIDATES_MAX = 3000  # Up to here fetching everybody's studies is faster than walking through all.
WITH_MORE_ASKED = 4  # So many times more are worth it when other keys make a page of matches far away.

PATIENT_TRIGRAMS = sa.table("patient_trigrams", sa.column("rowid", sa.Integer))
STUDY_TRIGRAMS = sa.table("study_trigrams", sa.column("rowid", sa.Integer))
_TRIGRAMS = {Level.PATIENT: PATIENT_TRIGRAMS, Level.STUDY: STUDY_TRIGRAMS}


@dataclass(frozen=True, slots=True)
class Candidates:
    """Patients or studies that meet some conditions of a query, by row id, ascending; `more`: and others."""

    level: Level
    matched: Sequence[Matched]
    refs: list[int]
    more: bool

    def condition(self, *, is_sqlite: bool) -> Condition:
        """That a study is one of them, or theirs."""
        column = studies.c.patient_ref if self.level is Level.PATIENT else studies.c.id
        return among(column, self.refs, is_sqlite=is_sqlite)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The conditions to run.

    `few`: one condition more, that the row is one of few. `candidates`: what an index has, few or many.
    """

    conditions: list[Condition]
    few: Sequence[Condition] = ()
    candidates: Candidates | None = None


def among(column: Column, refs: Sequence[int], *, is_sqlite: bool) -> Condition:
    """The row ids as one parameter, however many they are."""
    if is_sqlite:
        given = sa.func.json_each("[" + ",".join(map(str, refs)) + "]").table_valued("value")
        return column.in_(sa.select(given.c.value))
    return column == sa.func.any(sa.bindparam(None, list(refs), type_=sa.ARRAY(sa.BigInteger)))


def matching_rows(level: Level, matched: Sequence[Matched], *, is_sqlite: bool) -> sa.Select[tuple[int]]:
    """Row ids of patients or studies that meet the conditions, by the best index for them."""
    row_id = ROW_ID[level]
    source: sa.FromClause = row_id.table
    conditions = [one.condition for one in matched]
    expression = _trigrams_for(matched, is_sqlite=is_sqlite)
    if expression:
        trigrams = _TRIGRAMS[level]
        # An expression: nothing is to be looked up in the full-text table row by row.
        source = trigrams.join(row_id.table, row_id == trigrams.c.rowid + 0)
        conditions.insert(0, trigrams_match(level, expression))
    return sa.select(row_id).select_from(source).where(*conditions)


def matching_after(
    level: Level, matched: Sequence[Matched], after: int, limit: int, *, is_sqlite: bool
) -> sa.Select[tuple[int]]:
    """The same, ascending beyond a row id, so many."""
    rows = matching_rows(level, matched, is_sqlite=is_sqlite)
    place: Column = ROW_ID[level]
    if _trigrams_for(matched, is_sqlite=is_sqlite):
        place = _TRIGRAMS[level].c.rowid  # The full-text table gives them in this order.
    elif any(one.in_order or one.trigrams for one in matched):
        place = place + 0  # An expression: what the index gives is sorted, all rows are not walked.
    return rows.where(place > after).order_by(place).limit(limit)


def _trigrams_for(matched: Sequence[Matched], *, is_sqlite: bool) -> str:
    if not is_sqlite or any(one.in_order for one in matched):
        return ""
    return " AND ".join(f"({one.trigrams})" for one in matched if one.trigrams)


def trigrams_match(level: Level, expression: str) -> Condition:
    """SQLite's full-text condition on the trigrams of patients or studies."""
    table = _TRIGRAMS[level].name
    return sa.text(f"{table} MATCH :trigrams").bindparams(  # type: ignore[return-value]
        sa.bindparam("trigrams", expression, unique=True)
    )


def look_up(
    tx: Transaction, level: Level, matched: Sequence[Matched], count_max: int, *, in_order: bool = True
) -> Candidates:
    """The candidates with the lowest row ids, or (not `in_order`) the first that come."""
    if in_order:
        rows = matching_after(level, matched, 0, count_max + 1, is_sqlite=tx.is_sqlite)
    else:
        rows = matching_rows(level, matched, is_sqlite=tx.is_sqlite).limit(count_max + 1)
    found = list(tx.execute(rows).scalars())
    return Candidates(level, matched, sorted(found[:count_max]), more=len(found) > count_max)


def narrow(tx: Transaction, conditions: Conditions, *, all_of_them: bool = False) -> Narrowed:
    """The conditions of the query, with candidates where an index has them.

    `all_of_them`: the asker will go on with the patients beyond those found, so they are found in order.
    """
    found = [*conditions.here_and_above()]
    below = conditions.below()
    if any(one.in_order or one.trigrams for one in below):
        refs = list(tx.execute(conditions.parts().limit(CANDIDATES_MAX + 1)).scalars())
        if len(refs) <= CANDIDATES_MAX:
            row_id = ROW_ID[conditions.level]
            return Narrowed(found, [among(row_id, sorted(set(refs)), is_sqlite=tx.is_sqlite)])
    found += conditions.has_part()
    if conditions.level is Level.PATIENT:
        return Narrowed(found)
    candidates: Candidates | None = None
    for level in (Level.PATIENT, Level.STUDY):
        searched = searched_by_index(conditions, level)
        if not searched:
            continue
        others = [one for asked in conditions.found.values() for one in asked if one not in searched]
        count_max = CANDIDATES_MAX * (WITH_MORE_ASKED if others else 1)
        # PostgreSQL must fetch all that match to put some of them in order.
        in_order = tx.is_sqlite or (all_of_them and level is Level.PATIENT)
        looked_up = look_up(tx, level, searched, count_max, in_order=in_order)
        if not looked_up.more:
            return Narrowed(found, [looked_up.condition(is_sqlite=tx.is_sqlite)], looked_up)
        candidates = candidates or looked_up
    return Narrowed(found, candidates=candidates)


def searched_by_index(conditions: Conditions, level: Level) -> list[Matched]:
    """The keys by which an index finds candidates. Study keys in order need none: the walk is theirs."""
    matched = conditions.of(level)
    if level is Level.PATIENT:
        return [one for one in matched if one.searchable]
    return [one for one in matched if one.trigrams and not one.in_order]
