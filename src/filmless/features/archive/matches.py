"""All matches of a query, one after the other, however many they are (C-FIND).

Read in pages that begin where the last one ended (no offset), each in a transaction of its own: between pages
nothing is locked and no snapshot is held, so a slow asker costs nobody anything. Rows come in the order that
an index gives; the standard asks for none. What is stored meanwhile may be among them; nothing comes twice.
Not here: pages with a total for people (`find`). Start at `iterate_matches`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from filmless.features.access import Actor, Permission
from filmless.features.archive import candidates, repository_read
from filmless.features.archive.candidates import Candidates
from filmless.features.archive.conditions import ROW_ID, Conditions
from filmless.features.archive.find import record_query, understand
from filmless.features.archive.matching import Level
from filmless.features.archive.patterns import Column, Condition
from filmless.features.archive.query import Query
from filmless.features.archive.rows import FoundInstance, PatientRow, SeriesRow, StudyRow
from filmless.features.archive.stores import ReadableArchive
from filmless.features.archive.tables import studies
from filmless.features.patients.tables import patients

MatchRow = PatientRow | StudyRow | SeriesRow | FoundInstance

PAGE_ROWS = 500  # Some milliseconds of database, some hundred KiB of rows.
FIRST_PAGE_ROWS = 100  # Most queries have fewer matches, and who has more sees the first ones sooner.
PATIENTS_AT_ONCE = 200  # With their studies about one page.

_ROW_OF: Mapping[Level, Callable[[Sequence[Any]], MatchRow]] = {
    Level.PATIENT: repository_read.patient_row,
    Level.STUDY: repository_read.study_row,
    Level.SERIES: repository_read.series_row,
    Level.INSTANCE: repository_read.found_instance,
}


def iterate_matches(archive: ReadableArchive, actor: Actor, level: Level, query: Query) -> Iterator[MatchRow]:
    """Every match of the query; its order, limit and offset are not looked at, nor is `search`.

    Raises NotPermitted, QueryNotUnderstood and Unavailable at once, Unavailable also between rows.
    One audit record (PS3.15 A.5.3.10) is committed before this returns.
    """
    actor.must(Permission.STUDIES_READ)
    with archive.database.read() as tx:
        asked = understand(tx, archive, level, query)
        narrowed = candidates.narrow(tx, asked, all_of_them=True)
    record_query(archive, actor, level, query)
    if level is Level.PATIENT:
        return _patients(archive, asked, [*narrowed.conditions, *narrowed.few])
    found = narrowed.candidates
    by_patient = found is not None and found.level is Level.PATIENT and len(found.refs) > PATIENTS_AT_ONCE
    if found is not None and by_patient and not (found.more and _has_dates(asked)):
        return _by_patient(archive, level, narrowed.conditions, _patient_refs(archive, found))
    return _newest_first(archive, level, [*narrowed.conditions, *narrowed.few])


def _has_dates(asked: Conditions) -> bool:
    """Whether the walk along the studies' dates has an end that was asked for."""
    return any(one.in_order for one in asked.of(Level.STUDY))


def _newest_first(
    archive: ReadableArchive, level: Level, conditions: Sequence[Condition]
) -> Iterator[MatchRow]:
    """Along the index of study dates, and inside a study by row id."""
    columns = [studies.c.study_date, studies.c.study_time, *_row_ids(level)]
    order = [*(column.desc() for column in columns[:3]), *(column.asc() for column in columns[3:])]
    return _pages(archive, level, conditions, order, columns, _after_newest_first)


def _by_patient(
    archive: ReadableArchive,
    level: Level,
    conditions: Sequence[Condition],
    patient_refs: Iterator[list[int]],
) -> Iterator[MatchRow]:
    """Patient by patient, where an index finds the patients and there are many."""
    columns = [studies.c.patient_ref, *_row_ids(level)]
    for refs in patient_refs:
        these = [
            *conditions,
            candidates.among(studies.c.patient_ref, refs, is_sqlite=archive.database.is_sqlite),
        ]
        yield from _pages(archive, level, these, columns, columns, _after_ascending)


def _patients(
    archive: ReadableArchive, asked: Conditions, conditions: Sequence[Condition]
) -> Iterator[MatchRow]:
    matched = candidates.searched_by_index(asked, Level.PATIENT)
    row_id = [patients.c.id]
    if not matched:
        yield from _pages(archive, Level.PATIENT, conditions, row_id, row_id, _after_ascending)
        return
    with archive.database.read() as tx:
        found = candidates.look_up(tx, Level.PATIENT, matched, candidates.CANDIDATES_MAX)
    for refs in _patient_refs(archive, found):
        these = [*conditions, candidates.among(patients.c.id, refs, is_sqlite=archive.database.is_sqlite)]
        yield from _pages(archive, Level.PATIENT, these, row_id, row_id, _after_ascending)


def _patient_refs(archive: ReadableArchive, found: Candidates) -> Iterator[list[int]]:
    """Row ids of the patients that match, ascending, some at a time; those found already come first."""
    refs, more = found.refs, found.more
    while True:
        for start in range(0, len(refs), PATIENTS_AT_ONCE):
            yield refs[start : start + PATIENTS_AT_ONCE]
        if not more:
            return
        with archive.database.read() as tx:
            page = candidates.matching_after(
                Level.PATIENT, found.matched, refs[-1], candidates.CANDIDATES_MAX, is_sqlite=tx.is_sqlite
            )
            refs = list(tx.execute(page).scalars())
        more = len(refs) == candidates.CANDIDATES_MAX


# --- Pages -------------------------------------------------------------------------------------------------

After = Callable[[Sequence[Column], Sequence[Any]], Condition]


def _pages(
    archive: ReadableArchive,
    level: Level,
    conditions: Sequence[Condition],
    order: Sequence[sa.ColumnElement[Any]],
    columns: Sequence[Column],
    after: After,
) -> Iterator[MatchRow]:
    """Page after page; `columns` make the place of a row in the order, `after` what is beyond a place."""
    place: Sequence[Any] | None = None
    limit = FIRST_PAGE_ROWS
    while True:
        further = [*conditions, after(columns, place)] if place is not None else conditions
        statement = repository_read.select_page(level, further, order, limit=limit, offset=0)
        with archive.database.read() as tx:
            rows = tx.execute(statement.add_columns(*(column.label(None) for column in columns))).all()
        for row in rows:
            yield _ROW_OF[level](row[: -len(columns)])
        if len(rows) < limit:
            return
        place, limit = rows[-1][-len(columns) :], PAGE_ROWS


def _after_newest_first(columns: Sequence[Column], place: Sequence[Any]) -> Condition:
    # The first condition adds nothing but the index, which a comparison of tuples may not get.
    date, moment = columns[0] <= place[0], sa.tuple_(*columns[:3])
    if len(columns) == 3:
        return sa.and_(date, moment < sa.tuple_(*place))
    same_study = sa.and_(columns[2] == place[2], _after_ascending(columns[3:], place[3:]))
    return sa.and_(date, sa.or_(moment < sa.tuple_(*place[:3]), same_study))


def _after_ascending(columns: Sequence[Column], place: Sequence[Any]) -> Condition:
    if len(columns) == 1:
        beyond: Condition = columns[0] > place[0]
        return beyond
    return sa.and_(columns[0] >= place[0], sa.tuple_(*columns) > sa.tuple_(*place))


def _row_ids(level: Level) -> list[Column]:
    return [ROW_ID[one] for one in Level if Level.STUDY.depth <= one.depth <= level.depth]
