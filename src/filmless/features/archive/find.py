"""Finding studies, series and instances in the index, page by page.

Each query leaves one audit record (PS3.15 A.5.3.10, Query) before its rows leave the house. Rows come newest
study first unless asked otherwise; the row id settles ties, so pages do not overlap.
Start at `find_studies`. Not here: what the values match (`conditions`), all matches one after the other
(`matches`), the bytes (`retrieve`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from filmless.features.access import Actor, Permission
from filmless.features.archive import repository_read
from filmless.features.archive.candidates import Candidates, Narrowed, among, matching_rows, narrow
from filmless.features.archive.conditions import Conditions, conditions_of
from filmless.features.archive.date_matching import Here
from filmless.features.archive.errors import StudyNotFound
from filmless.features.archive.matching import Level, Side
from filmless.features.archive.patterns import Condition
from filmless.features.archive.query import Query
from filmless.features.archive.read_errors import QueryNotUnderstood
from filmless.features.archive.repository_read import MATCHES_COUNTED_MAX, PAGE_ROWS_MAX
from filmless.features.archive.rows import FoundInstance, Page, SeriesRow, StudyRow
from filmless.features.archive.searching import narrow_search, search_words
from filmless.features.archive.stores import ReadableArchive
from filmless.features.archive.tables import instances, series, studies
from filmless.features.audit import AuditEvent, record
from filmless.features.patients.tables import patients
from filmless.infra.database import Transaction

Row = TypeVar("Row")

OFFSET_MAX = 1_000_000  # Skipping rows costs as much as reading them; whoever pages this far wants an export.

_ORDERS: Mapping[Level, Mapping[str, sa.ColumnElement[Any]]] = {
    Level.STUDY: {
        "study_date": studies.c.study_date,
        "study_time": studies.c.study_time,
        "patient_name": patients.c.patient_name_key,
        "patient_id": patients.c.patient_id,
        "patient_birth_date": patients.c.patient_birth_date,
        "accession_number": studies.c.accession_number,
        "study_description": studies.c.study_description,
        "referring_physician_name": studies.c.referring_physician_name_key,
        "modality": studies.c.modalities_in_study,
        "modalities_in_study": studies.c.modalities_in_study,
        "number_of_series": studies.c.number_of_series,
        "number_of_instances": studies.c.number_of_instances,
        "size_bytes": studies.c.size_bytes,
        "received_at": studies.c.received_at,
        "updated_at": studies.c.updated_at,
    },
    Level.SERIES: {
        "series_number": series.c.series_number,
        "modality": series.c.modality,
        "study_date": studies.c.study_date,
        "study": studies.c.id,
    },
    Level.INSTANCE: {
        "instance_number": instances.c.instance_number,
        "series_number": series.c.series_number,
        "series": series.c.id,
        "study_date": studies.c.study_date,
        "study": studies.c.id,
    },
}
_DEFAULT_ORDER: Mapping[Level, tuple[str, ...]] = {
    Level.STUDY: ("-study_date",),
    Level.SERIES: ("-study_date", "-study", "series_number"),
    Level.INSTANCE: ("-study_date", "-study", "series_number", "series", "instance_number"),
}
_TIE_BREAKER = {Level.STUDY: studies.c.id, Level.SERIES: series.c.id, Level.INSTANCE: instances.c.id}
_MAY_BE_NULL = {"series_number", "instance_number"}


def find_studies(archive: ReadableArchive, actor: Actor, query: Query) -> Page[StudyRow]:
    """The studies that match; raises QueryNotUnderstood, NotPermitted or Unavailable."""
    return _find(archive, actor, Level.STUDY, query, repository_read.study_row)


def find_series(archive: ReadableArchive, actor: Actor, query: Query) -> Page[SeriesRow]:
    """The series that match, by keys of series and study; raises as `find_studies` does."""
    return _find(archive, actor, Level.SERIES, query, repository_read.series_row)


def find_instances(archive: ReadableArchive, actor: Actor, query: Query) -> Page[FoundInstance]:
    """The instances that match, by keys of all levels; raises as `find_studies` does."""
    return _find(archive, actor, Level.INSTANCE, query, repository_read.found_instance)


def get_study(archive: ReadableArchive, actor: Actor, study_instance_uid: str) -> StudyRow:
    """One study; raises StudyNotFound. Leaves an audit record of access (PS3.15 A.5.3.3)."""
    actor.must(Permission.STUDIES_READ)
    with archive.database.read() as tx:
        condition = studies.c.study_instance_uid == study_instance_uid
        row = tx.execute(_page(Level.STUDY, [condition], Query(limit=1))).first()
    if row is None:
        raise StudyNotFound("There is no study with that Study Instance UID here.")
    study = repository_read.study_row(row)
    with archive.database.transaction() as tx:
        record(
            tx,
            actor,
            event=AuditEvent.INSTANCES_ACCESSED,
            action="R",
            study_instance_uid=study.study_instance_uid,
            patient_ref=study.patient_ref,
        )
    return study


def list_series(archive: ReadableArchive, actor: Actor, study_instance_uid: str) -> list[SeriesRow]:
    """All series of one study by series number; empty when there is no such study.

    Belongs to `get_study`, which leaves the audit record.
    """
    actor.must(Permission.STUDIES_READ)
    with archive.database.read() as tx:
        condition = studies.c.study_instance_uid == study_instance_uid
        statement = _page(Level.SERIES, [condition], Query(limit=PAGE_ROWS_MAX))
        return [repository_read.series_row(row) for row in tx.execute(statement)]


def statement_for(level: Level, query: Query, *, is_sqlite: bool) -> sa.Select[Any]:
    """The statement of one page of the query without candidates, for those who want to see its plan."""
    asked = conditions_of(level, query, Side(is_sqlite=is_sqlite, fuzzy=query.fuzzy), Here(None, "", ()))
    return _page(level, [*asked.here_and_above(), *asked.has_part()], query)


def _find(
    archive: ReadableArchive,
    actor: Actor,
    level: Level,
    query: Query,
    row_of: Callable[[Sequence[Any]], Row],
) -> Page[Row]:
    actor.must(Permission.STUDIES_READ)
    with archive.database.read() as tx:
        asked = understand(tx, archive, level, query)
        words = search_words(query.search)
        narrowed = narrow(tx, asked)
        searched = narrow_search(tx, words) if words else Narrowed([])
        conditions = [*narrowed.conditions, *narrowed.few, *searched.conditions, *searched.few]
        is_few = bool(narrowed.few or searched.few)
        if is_few and level is Level.STUDY and query.offset + query.limit <= MATCHES_COUNTED_MAX:
            found, total = _few_studies(tx, conditions, query)
        else:
            many = None if is_few else narrowed.candidates or searched.candidates
            if many is not None and tx.is_sqlite:
                conditions = [_not_by_name(one) for one in conditions]
            found = tx.execute(_page(level, conditions, query)).all()
            total = query.offset + len(found)
            if len(found) == query.limit or (query.offset and not found):
                of_patient = bool(words or asked.of(Level.PATIENT))
                total = _count(tx, level, conditions, many, of_patient=of_patient)
        rows = [row_of(row) for row in found]
    record_query(archive, actor, level, query, rows=len(rows))
    if total <= MATCHES_COUNTED_MAX or len(rows) < query.limit:
        return Page(rows, total, total_is_exact=True)
    return Page(rows, max(MATCHES_COUNTED_MAX, query.offset + len(rows)), total_is_exact=False)


def _few_studies(
    tx: Transaction, conditions: Sequence[Condition], query: Query
) -> tuple[Sequence[Sequence[Any]], int]:
    """A page out of few studies, and how many they are: all are put in order, a page of them is fetched."""
    order = _order(Level.STUDY, query.order_by)
    statement = repository_read.select_matching_studies(conditions, order, MATCHES_COUNTED_MAX + 1)
    refs = list(tx.execute(statement).scalars())
    here = refs[query.offset : query.offset + query.limit]
    if not here:
        return [], len(refs)
    these = among(studies.c.id, here, is_sqlite=tx.is_sqlite)
    by_ref = {row[0]: row for row in tx.execute(_page(Level.STUDY, [these], Query(limit=len(here))))}
    return [by_ref[ref] for ref in here], len(refs)


def _not_by_name(condition: Condition) -> Condition:
    """The condition in a form that SQLite uses no index of names for: walking along the dates is quicker."""
    key = patients.c.patient_name_key

    def replaced(element: Any, **_: Any) -> Any:
        return key.concat("") if element is key else None

    return sa.sql.visitors.replacement_traverse(condition, {}, replaced)


def _count(
    tx: Transaction,
    level: Level,
    conditions: Sequence[Condition],
    many: Candidates | None,
    *,
    of_patient: bool,
) -> int:
    """How many match, counted to one more than MATCHES_COUNTED_MAX, by the index that has candidates."""
    if many is not None and level is Level.STUDY:
        if len(many.refs) >= MATCHES_COUNTED_MAX and len(conditions) == len(many.matched):
            return MATCHES_COUNTED_MAX + 1  # Nothing else is asked, and each has a study at least.
        rows = matching_rows(many.level, many.matched, is_sqlite=tx.is_sqlite)
        return repository_read.count_among(tx, rows, conditions, of_patient=many.level is Level.PATIENT)
    return repository_read.count_matches(tx, level, conditions, of_patient=of_patient)


def understand(tx: Transaction, archive: ReadableArchive, level: Level, query: Query) -> Conditions:
    """The conditions of a query on this database; raises QueryNotUnderstood."""
    side = Side(is_sqlite=tx.is_sqlite, fuzzy=query.fuzzy)
    offsets = repository_read.list_timezone_offsets(tx) if query.timezone_offset else ()
    here = Here(archive.zone, f"{tx.now.astimezone(archive.zone):%Y%m%d}", offsets)
    return conditions_of(level, query, side, here)


def record_query(archive: ReadableArchive, actor: Actor, level: Level, query: Query, **more: object) -> None:
    """Leave the audit record of one query (PS3.15 A.5.3.10)."""
    asked: dict[str, object] = {"level": level.value, "matching": dict(query.matching)}
    if query.sequences:
        asked["sequences"] = {keyword: dict(item) for keyword, item in query.sequences.items()}
    if query.search:
        asked["search"] = query.search
    with archive.database.transaction() as tx:
        record(tx, actor, event=AuditEvent.QUERY, action="E", details={**asked, **more})


def _page(level: Level, conditions: Sequence[Condition], query: Query) -> sa.Select[Any]:
    if not 0 <= query.offset <= OFFSET_MAX:
        raise QueryNotUnderstood(f"The offset of a query is between 0 and {OFFSET_MAX}.")
    if not 1 <= query.limit <= PAGE_ROWS_MAX:
        raise QueryNotUnderstood(f"The limit of a query is between 1 and {PAGE_ROWS_MAX}.")
    order = _order(level, query.order_by)
    return repository_read.select_page(level, conditions, order, limit=query.limit, offset=query.offset)


def _order(level: Level, names: tuple[str, ...]) -> list[sa.ColumnElement[Any]]:
    order: list[sa.ColumnElement[Any]] = []
    descending = False
    for name in names or _DEFAULT_ORDER[level]:
        bare = name.removeprefix("-")
        column = _ORDERS[level].get(bare)
        if column is None:
            known = ", ".join(_ORDERS[level])
            raise QueryNotUnderstood(f"Rows cannot be put in that order; possible are {known}.")
        descending = name.startswith("-")
        element = column.desc() if descending else column.asc()
        order.append(element.nulls_last() if bare in _MAY_BE_NULL else element)
        if bare == "study_date" and level is Level.STUDY:  # A day's studies by their hour.
            hour = studies.c.study_time
            order.append(hour.desc() if descending else hour.asc())
    # The tie-breaker goes the way of the last name: then an index on both gives the order without a sort.
    tie_breaker = _TIE_BREAKER[level]
    return [*order, tie_breaker.desc() if descending else tie_breaker.asc()]
