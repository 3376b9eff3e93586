"""Finding by an index what a query's walk through the studies, newest first, would find too late.

A page of a rare name would read nearly all studies. So it is first asked how many patients (or studies) can
match, by the index that fits: in order, or of trigrams. Up to CANDIDATES_MAX they are fetched and the page
is looked for among theirs; if they are more, a page is near on any walk. Every condition is checked anyway.
Not here: the conditions themselves (`conditions`). Start at `narrow`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from filmless.features.archive.conditions import ROW_ID, Conditions
from filmless.features.archive.matching import Level, Matched
from filmless.features.archive.patterns import Column, Condition
from filmless.features.archive.tables import studies
from filmless.infra.database import Transaction

CANDIDATES_MAX = 2000  # Up to here fetching everybody's studies is faster than looking through all.

PATIENT_TRIGRAMS = sa.table("patient_trigrams", sa.column("rowid", sa.Integer))
STUDY_TRIGRAMS = sa.table("study_trigrams", sa.column("rowid", sa.Integer))
_TRIGRAMS = {Level.PATIENT: PATIENT_TRIGRAMS, Level.STUDY: STUDY_TRIGRAMS}


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The conditions to run, and what was learnt.

    `candidates`: one condition more, that the row is one of few. `patient_refs`: the patients of it, where it
    is about them; `many_patients`: an index has patients that match, and not few.
    """

    conditions: list[Condition]
    candidates: list[Condition] = field(default_factory=list)
    patient_refs: list[int] | None = None
    many_patients: bool = False


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
    if is_sqlite and not any(one.in_order for one in matched):
        expression = " AND ".join(f"({one.trigrams})" for one in matched if one.trigrams)
        if expression:
            trigrams = _TRIGRAMS[level]
            source = trigrams.join(row_id.table, row_id == trigrams.c.rowid)
            conditions.insert(0, trigrams_match(level, expression))
    return sa.select(row_id).select_from(source).where(*conditions)


def trigrams_match(level: Level, expression: str) -> Condition:
    """SQLite's full-text condition on the trigrams of patients or studies."""
    table = _TRIGRAMS[level].name
    return sa.text(f"{table} MATCH :trigrams").bindparams(  # type: ignore[return-value]
        sa.bindparam("trigrams", expression, unique=True)
    )


def few(tx: Transaction, rows: sa.Select[tuple[int]]) -> list[int] | None:
    """The row ids, unless they are more than CANDIDATES_MAX."""
    found = tx.execute(rows.limit(CANDIDATES_MAX + 1)).scalars().all()
    return list(found) if len(found) <= CANDIDATES_MAX else None


def narrow(tx: Transaction, conditions: Conditions) -> Narrowed:
    """The conditions of the query with candidates where an index has few of them."""
    found = [*conditions.here_and_above()]
    if _has_index(conditions.below()):
        refs = few(tx, conditions.parts())
        row_id = ROW_ID[conditions.level]
        if refs is not None:
            return Narrowed(found, [among(row_id, sorted(set(refs)), is_sqlite=tx.is_sqlite)])
    found += conditions.has_part()
    if conditions.level is Level.PATIENT:
        return Narrowed(found)
    many_patients = False
    for asked, column in ((Level.PATIENT, studies.c.patient_ref), (Level.STUDY, studies.c.id)):
        matched = conditions.of(asked)
        searched = [one for one in matched if one.in_order or one.trigrams]
        if asked is Level.STUDY:
            searched = [one for one in matched if one.trigrams and not one.in_order]
        if not searched:
            continue
        refs = few(tx, matching_rows(asked, searched, is_sqlite=tx.is_sqlite))
        if refs is not None:
            few_rows = among(column, refs, is_sqlite=tx.is_sqlite)
            return Narrowed(found, [few_rows], refs if asked is Level.PATIENT else None)
        many_patients = many_patients or asked is Level.PATIENT
    return Narrowed(found, many_patients=many_patients)


def _has_index(matched: Sequence[Matched]) -> bool:
    return any(one.in_order or one.trigrams for one in matched)
