"""The modality worklist (PS3.4 Annex K): which steps a query finds, and what each caller is shown.

The index narrows by what a modality usually asks (date, station, modality, patient, numbers); every key,
those too, is then compared item by item as PS3.4 C.2.2.2 has it. So each attribute of table K.6-1 can be a
matching key, also inside sequences. Start at `iterate_worklist`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import sqlalchemy as sa

from filmless.features.access import Actor, Permission
from filmless.features.audit import AuditEvent, record
from filmless.features.scheduling import repository, repository_read
from filmless.features.scheduling.attributes import known_tag
from filmless.features.scheduling.errors import StepRefused, WorklistQueryNotUnderstood
from filmless.features.scheduling.model import WorklistView
from filmless.features.scheduling.repository_read import Condition, Position
from filmless.features.scheduling.tables import imaging_requests, requested_procedures, scheduled_steps
from filmless.features.scheduling.worklist_item import worklist_item
from filmless.infra.database import Database, Transaction
from filmless.standards.dicom import attribute_matching, tags
from filmless.standards.dicom.attribute_matching import KeyNotUnderstood, Rules
from filmless.standards.dicom.data_set import DataSet
from filmless.standards.dicom.dates import format_date
from filmless.standards.dicom.dictionary import keyword_of
from filmless.standards.dicom.person_name import parse_person_name

PAGE_STEPS = 200  # Read at once: a department's day, and no read transaction stays open while a peer dawdles.
KEY_VALUES_MAX = 1000  # Values in one key; databases limit parameters, and no modality has so many stations.

_START_DATE = known_tag("ScheduledProcedureStepStartDate")
_START_TIME = known_tag("ScheduledProcedureStepStartTime")
_STATION_AE_TITLE = known_tag("ScheduledStationAETitle")
_STEP_ID = known_tag("ScheduledProcedureStepID")

WORKLIST_RULES = Rules(
    combined=((_START_DATE, _START_TIME),), complete=frozenset({tags.SCHEDULED_PROCEDURE_STEP_SEQUENCE})
)
"""How a worklist item is matched and returned (`standards/dicom/attribute_matching`)."""

_BY_ROOT_KEY = {
    tags.PATIENT_ID: imaging_requests.c.patient_id,
    tags.ACCESSION_NUMBER: imaging_requests.c.accession_number,
    tags.STUDY_INSTANCE_UID: requested_procedures.c.study_instance_uid,
    tags.REQUESTED_PROCEDURE_ID: requested_procedures.c.requested_procedure_id,
}
_BY_STEP_KEY = {
    tags.MODALITY: scheduled_steps.c.modality,
    _STEP_ID: scheduled_steps.c.scheduled_procedure_step_id,
}


def iterate_worklist(
    database: Database, actor: Actor, caller: str, keys: DataSet, *, fuzzy: bool = False
) -> Iterator[DataSet]:
    """The worklist items that match, by their start; `attribute_matching.returned` picks what was asked for.

    `caller`: the AE title whose view of the worklist counts. One audit record is written before the first
    item; pages are read as they are needed. Raises WorklistQueryNotUnderstood.
    """
    actor.must(Permission.WORKLIST_READ)
    rules = replace(WORKLIST_RULES, fuzzy=fuzzy)
    with database.transaction() as tx:
        view = repository.find_view(tx, caller)
        conditions = _conditions(keys, view, caller, fuzzy=fuzzy)
        _record_query(tx, actor, keys)
    after: Position | None = None
    while True:
        with database.read() as tx:
            page = repository_read.select_steps(tx, conditions, PAGE_STEPS, after=after)
        for step in page:
            if step.status not in view.statuses:
                continue
            item = worklist_item(step)
            try:
                if attribute_matching.matches(keys, item, rules):
                    yield item
            except KeyNotUnderstood as error:
                raise WorklistQueryNotUnderstood(str(error), error.tag) from None
        if len(page) < PAGE_STEPS:
            return
        after = repository_read.position_of(page[-1])


def set_worklist_view(database: Database, actor: Actor, view: WorklistView) -> None:
    """Decide what a node's worklist shows; AE title "" is for all that have no view of their own."""
    actor.must(Permission.NODES_MANAGE)
    if not view.statuses:
        raise StepRefused("A worklist that shows no status shows nothing; name at least one.")
    with database.transaction() as tx:
        repository.replace_view(tx, view)
        details = {
            "worklist_of": view.ae_title,
            "statuses": [status.value for status in view.statuses],
            "own_station_only": view.own_station_only,
        }
        record(tx, actor, AuditEvent.SECURITY_ALERT, action="U", details=details)


def list_worklist_views(database: Database, actor: Actor) -> list[WorklistView]:
    """Every view that was decided on, by AE title."""
    actor.must(Permission.NODES_MANAGE)
    with database.read() as tx:
        return repository.all_views(tx)


# --- Narrowing by the index --------------------------------------------------------------------------------


def _conditions(keys: DataSet, view: WorklistView, caller: str, *, fuzzy: bool) -> list[Condition]:
    """Conditions that every matching step fulfils; some that fulfil them do not match."""
    conditions: list[Condition] = []
    if view.own_station_only:
        conditions.append(repository_read.at_station([caller]))
    if named := _equal_to_values(keys, _BY_ROOT_KEY):
        # A handful of steps: SQLite would rather walk through all that are open, if it were told the status.
        conditions.append(repository_read.of_procedures(named))
    else:
        conditions.append(scheduled_steps.c.status.in_([status.value for status in view.statuses]))
    name = keys.text(tags.PATIENT_NAME)
    if name and not fuzzy and (begin := _literal_beginning(name)):
        conditions.append(imaging_requests.c.patient_name_key.contains(begin, autoescape=True))
    for step_keys in keys.items(tags.SCHEDULED_PROCEDURE_STEP_SEQUENCE)[:1]:
        conditions += _equal_to_values(step_keys, _BY_STEP_KEY)
        conditions += _in_date_range(step_keys)
        if (stations := _plain_values(step_keys, _STATION_AE_TITLE)) is not None:
            conditions.append(repository_read.at_station(stations))
    return conditions


def _equal_to_values(keys: DataSet, columns: dict[int, sa.Column[str]]) -> list[Condition]:
    found: list[Condition] = []
    for tag, column in columns.items():
        if (values := _plain_values(keys, tag)) is not None:
            found.append(column.in_(values))
    return found


def _plain_values(keys: DataSet, tag: int) -> list[str] | None:
    """The values of a key that restricts without wildcards; None when the index cannot help."""
    values = [text.strip() for text in keys.texts(tag)]
    if len(values) > KEY_VALUES_MAX:
        raise WorklistQueryNotUnderstood(f"A key of the query has more than {KEY_VALUES_MAX} values.", tag)
    if any("\0" in text for text in values):
        raise WorklistQueryNotUnderstood("A key of the query holds a NUL character.", tag)
    if not values or any(not text or attribute_matching.has_wildcard(text) for text in values):
        return None
    return values


def _in_date_range(step_keys: DataSet) -> list[Condition]:
    element = step_keys.element(_START_DATE)
    if element is None or attribute_matching.is_universal(element):
        return []
    try:
        first, last = attribute_matching.date_range(_START_DATE, element)
    except KeyNotUnderstood as error:
        raise WorklistQueryNotUnderstood(str(error), error.tag) from None
    column = scheduled_steps.c.start_date
    found: list[Condition] = [column >= format_date(first)] if first else []
    return [*found, column <= format_date(last)] if last else found


def _literal_beginning(name: str) -> str:
    """What stands before the first wildcard of a name's first group, as the index has it."""
    group = name.split("=", 1)[0]
    literal = group.split("*", 1)[0].split("?", 1)[0]
    return "" if "\0" in literal else parse_person_name(literal).matching_key().rstrip("^ ")


def _record_query(tx: Transaction, actor: Actor, keys: DataSet) -> None:
    asked = {keyword_of(tag): keys.text(tag) for tag in keys if keys.text(tag)}
    for item in keys.items(tags.SCHEDULED_PROCEDURE_STEP_SEQUENCE)[:1]:
        asked |= {keyword_of(tag): item.text(tag) for tag in item if item.text(tag)}
    record(tx, actor, AuditEvent.QUERY, action="E", details={"level": "worklist", "matching": asked})
