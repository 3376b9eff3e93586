"""DICOM attribute matching (PS3.4 section C.2.2.2) as SQL conditions; every value is a bound parameter.

Identifiers are compared as they are; person names and descriptions without regard to case, names also without
regard to accents. Not here: running the query (`find`). Start at `conditions_for`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from filmless.features.archive.read_errors import QueryNotUnderstood
from filmless.features.archive.tables import instances, series, studies
from filmless.features.patients.tables import patients
from filmless.standards.dicom.dates import format_date, format_time, parse_date_range, parse_time_range
from filmless.standards.dicom.person_name import normalise_text, parse_person_name

Condition = sa.ColumnElement[bool]
Column = sa.ColumnElement[Any]

KEY_CHARACTERS_MAX = 1024  # The longest honest key is a list of some dozen UIDs; `*a*a*a…` costs a scan each.
UIDS_MAX = 1000  # UIDs in one key; databases limit parameters, and a longer list is a job, not a question.
SEARCH_WORDS_MAX = 8  # A full name with titles; each further word is one more condition on every row.


class Level(StrEnum):
    """What a query looks for."""

    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"


LEVELS = (Level.STUDY, Level.SERIES, Level.INSTANCE)


@dataclass(frozen=True, slots=True)
class Side:
    """What differs between the databases, and how names are compared."""

    is_sqlite: bool
    fuzzy: bool


Matcher = Callable[[Column, str, Side], Condition]


@dataclass(frozen=True, slots=True)
class Key:
    """One attribute that can be asked for."""

    level: Level
    column: Column
    matcher: Matcher
    of_patient: bool = False


def conditions_for(
    level: Level, matching: Mapping[str, str], side: Side
) -> tuple[list[Condition], tuple[str, ...]]:
    """The conditions for DICOM keywords and values, and the keywords that cannot be matched at this level.

    An empty value and `*` match everything. Keys of higher levels are welcome at lower ones (relational
    queries). Raises QueryNotUnderstood for a value that its kind of attribute cannot have.
    """
    conditions: list[Condition] = []
    unsupported: list[str] = []
    for keyword, value in matching.items():
        key = KEYS.get(keyword)
        if len(value) > KEY_CHARACTERS_MAX * (64 if "UID" in keyword else 1):
            raise QueryNotUnderstood(f"The value of {keyword} is too long to be searched for.")
        if "\x00" in value:
            raise QueryNotUnderstood(f"The value of {keyword} holds a NUL character.")
        if key is None or LEVELS.index(key.level) > LEVELS.index(level):
            unsupported.append(keyword)
        elif value.strip() not in ("", "*"):
            conditions.append(key.matcher(key.column, value.strip(), side))
    return conditions, tuple(unsupported)


def unindexed_name_conditions(matching: Mapping[str, str], side: Side) -> list[Condition]:
    """The conditions on the patient's name that no order of an index helps: those that do not begin it."""
    name = matching.get("PatientName", "").strip()
    if name in ("", "*") or not (name[0] in "*?" or side.fuzzy or not name.isascii()):
        return []
    return [_person_name(patients.c.patient_name_key, name, side)]


def is_at_or_above(keyword: str, level: Level) -> bool:
    """Whether the attribute can be asked for at this level."""
    key = KEYS.get(keyword)
    return key is not None and LEVELS.index(key.level) <= LEVELS.index(level)


def search_conditions(search: str) -> list[Condition]:
    """Free text over name, Patient ID, accession number and description: every word must be found."""
    words = [] if "\x00" in search else normalise_text(search[:KEY_CHARACTERS_MAX]).split()
    return [
        sa.or_(
            _contains(patients.c.patient_name_key, word),
            _contains(sa.func.lower(patients.c.patient_id), word),
            _contains(sa.func.lower(studies.c.accession_number), word),
            _contains(sa.func.lower(studies.c.study_description), word),
        )
        for word in words[:SEARCH_WORDS_MAX]
    ]


# --- The kinds of matching ---------------------------------------------------------------------------------


def _uid_list(column: Column, value: str, side: Side) -> Condition:  # noqa: ARG001
    uids = [uid for part in value.split("\\") for text in part.split(",") if (uid := text.strip())]
    if len(uids) > UIDS_MAX:
        raise QueryNotUnderstood(f"The query lists {len(uids)} UIDs; ask for at most {UIDS_MAX} at once.")
    return column == uids[0] if len(uids) == 1 else column.in_(uids)


def _identifier(column: Column, value: str, side: Side) -> Condition:
    """Single value or wildcard, case counts."""
    if not _has_wildcard(value):
        return column == value
    return _glob(column, value, side)


def _description(column: Column, value: str, side: Side) -> Condition:  # noqa: ARG001
    """Single value or wildcard, case ignored."""
    folded = sa.func.lower(column)
    if not _has_wildcard(value):
        return folded == value.lower()
    return folded.like(_like_pattern(value.lower()), escape="!")


def _person_name(column: Column, value: str, side: Side) -> Condition:
    """PS3.4 C.2.2.2.1.1: names without regard to case and accents; the column holds the matching key.

    A family name alone finds everybody of that name. Fuzzy: each word begins some component.
    """
    if side.fuzzy and not _has_wildcard(value):
        words = normalise_text(value.replace("^", " ").replace("=", " ")).split()[:SEARCH_WORDS_MAX]
        return sa.and_(sa.true(), *(_begins_component(column, word, side) for word in words))
    key = parse_person_name(value).matching_key()
    if _has_wildcard(value):
        return _glob(column, key if key.isascii() else f"*{key}", side)
    if key.isascii():
        whole_family = (_begins(column, f"{key}{mark}", side) for mark in "^=")
        # The first condition adds nothing but the index, which an OR alone may not get.
        return sa.and_(_begins(column, key, side), sa.or_(column == key, *whole_family))
    # Another script stands in the second or third group (PS3.5 section 6.2.1).
    return sa.or_(_begins(column, key, side), _contains(column, f"={key}"))


def _begins_component(column: Column, word: str, side: Side) -> Condition:
    return sa.or_(
        _begins(column, word, side), *(_contains(column, f"{mark}{word}") for mark in ("^", " ", "="))
    )


def _date(column: Column, value: str, side: Side) -> Condition:  # noqa: ARG001
    """Single value or range (PS3.4 C.2.2.2.5); the column holds DA text."""
    parsed = parse_date_range(value)
    if parsed.value is None:
        raise QueryNotUnderstood("A date in the query is not YYYYMMDD, nor a range of such dates.")
    first, last = (format_date(day) if day else None for day in parsed.value)
    if first == last and first is not None:
        return column == first
    conditions = [column >= first] if first else [column > ""]
    return sa.and_(*conditions, *([column <= last] if last else ()))


def _time(column: Column, value: str, side: Side) -> Condition:  # noqa: ARG001
    """Single value or range; the column holds TM text, which may be cut short."""
    parsed = parse_time_range(value)
    if parsed.value is None:
        raise QueryNotUnderstood("A time in the query is not HHMMSS, nor a range of such times.")
    if "-" not in value:
        return column == value
    first, last = (format_time(time) if time else None for time in parsed.value)
    conditions = [column >= first] if first else [column > ""]
    if last:  # Up to the end of the second or fraction named.
        whole, _, fraction = last.partition(".")
        conditions.append(column <= f"{whole}.{fraction.ljust(6, '9')}")
    return sa.and_(*conditions)


def _one_of_many(column: Column, value: str, side: Side) -> Condition:  # noqa: ARG001
    """The column holds several values with backslashes between; any of those asked for may be among them."""
    wanted = [part for text in value.split("\\") for word in text.split(",") if (part := word.strip())]
    held = sa.literal("\\") + column + sa.literal("\\")
    return sa.or_(*(held.like(f"%\\{_like_pattern(text)}\\%", escape="!") for text in wanted[:UIDS_MAX]))


def _code(column: Column, value: str, side: Side) -> Condition:
    """A code string: one value, several, or a wildcard."""
    wanted = [part for text in value.split("\\") for word in text.split(",") if (part := word.strip())]
    return sa.or_(*(_identifier(column, text, side) for text in wanted[:UIDS_MAX]))


def _integer(column: Column, value: str, side: Side) -> Condition:  # noqa: ARG001
    try:
        number = int(value)
    except ValueError:
        raise QueryNotUnderstood("A number in the query is not a whole number.") from None
    if abs(number) >= 1 << 31:
        raise QueryNotUnderstood("A number in the query is larger than any that DICOM can hold.")
    return column == number


# --- Patterns ----------------------------------------------------------------------------------------------


def _has_wildcard(value: str) -> bool:
    return "*" in value or "?" in value


def _glob(column: Column, pattern: str, side: Side) -> Condition:
    """Case counts on both databases. SQLite's GLOB has DICOM's own wildcards, and uses the index for `A*`."""
    if side.is_sqlite:
        return column.op("GLOB", is_comparison=True)(pattern.replace("[", "[[]"))
    return column.like(_like_pattern(pattern), escape="!")


def _begins(column: Column, prefix: str, side: Side) -> Condition:
    if side.is_sqlite:
        literal = prefix.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")
        return column.op("GLOB", is_comparison=True)(f"{literal}*")
    return column.like(f"{_like_literal(prefix)}%", escape="!")


def _contains(column: Column, text: str) -> Condition:
    return column.like(f"%{_like_literal(text)}%", escape="!")


def _like_literal(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _like_pattern(pattern: str) -> str:
    return _like_literal(pattern).replace("*", "%").replace("?", "_")


def _study(column: Column, matcher: Matcher, *, of_patient: bool = False) -> Key:
    return Key(Level.STUDY, column, matcher, of_patient)


KEYS: Mapping[str, Key] = {
    "StudyInstanceUID": _study(studies.c.study_instance_uid, _uid_list),
    "StudyDate": _study(studies.c.study_date, _date),
    "StudyTime": _study(studies.c.study_time, _time),
    "AccessionNumber": _study(studies.c.accession_number, _identifier),
    "StudyID": _study(studies.c.study_id, _identifier),
    "StudyDescription": _study(studies.c.study_description, _description),
    "ReferringPhysicianName": _study(studies.c.referring_physician_name_key, _person_name),
    "ModalitiesInStudy": _study(studies.c.modalities_in_study, _one_of_many),
    "SOPClassesInStudy": _study(studies.c.sop_classes_in_study, _one_of_many),
    "NumberOfStudyRelatedSeries": _study(studies.c.number_of_series, _integer),
    "NumberOfStudyRelatedInstances": _study(studies.c.number_of_instances, _integer),
    "PatientID": _study(patients.c.patient_id, _identifier, of_patient=True),
    "IssuerOfPatientID": _study(patients.c.issuer_of_patient_id, _identifier, of_patient=True),
    "PatientName": _study(patients.c.patient_name_key, _person_name, of_patient=True),
    "PatientBirthDate": _study(patients.c.patient_birth_date, _date, of_patient=True),
    "PatientSex": _study(patients.c.patient_sex, _code, of_patient=True),
    "SeriesInstanceUID": Key(Level.SERIES, series.c.series_instance_uid, _uid_list),
    "Modality": Key(Level.SERIES, series.c.modality, _code),
    "SeriesNumber": Key(Level.SERIES, series.c.series_number, _integer),
    "SeriesDescription": Key(Level.SERIES, series.c.series_description, _description),
    "BodyPartExamined": Key(Level.SERIES, series.c.body_part_examined, _code),
    "StationName": Key(Level.SERIES, series.c.station_name, _identifier),
    "PerformedProcedureStepStartDate": Key(Level.SERIES, series.c.performed_procedure_step_start_date, _date),
    "PerformedProcedureStepStartTime": Key(Level.SERIES, series.c.performed_procedure_step_start_time, _time),
    "NumberOfSeriesRelatedInstances": Key(Level.SERIES, series.c.number_of_instances, _integer),
    "SOPInstanceUID": Key(Level.INSTANCE, instances.c.sop_instance_uid, _uid_list),
    "SOPClassUID": Key(Level.INSTANCE, instances.c.sop_class_uid, _uid_list),
    "InstanceNumber": Key(Level.INSTANCE, instances.c.instance_number, _integer),
    "Rows": Key(Level.INSTANCE, instances.c.rows, _integer),
    "Columns": Key(Level.INSTANCE, instances.c.columns, _integer),
    "BitsAllocated": Key(Level.INSTANCE, instances.c.bits_allocated, _integer),
    "NumberOfFrames": Key(Level.INSTANCE, instances.c.number_of_frames, _integer),
}
"""Every attribute that can be matched, by its DICOM keyword. A row here and a column make a new key."""
