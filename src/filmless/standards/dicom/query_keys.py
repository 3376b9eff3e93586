"""What can be asked for and is answered at each level: one table for QIDO-RS and C-FIND.

PS3.4 section C.6, PS3.18 section 10.6. Not here: SQL (`features.archive`) and the wire (`edge`).
To add a key: a row here, then the archive's find.
Start at `QUERY_KEYS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from filmless.standards.dicom import tags
from filmless.standards.dicom.dictionary import keyword_of, vr_of

Level = Literal["PATIENT", "STUDY", "SERIES", "IMAGE"]
Matching = Literal["single", "uid_list", "wildcard", "range", "person_name", "list", "none"]
"""How a value is compared (PS3.4 C.2.2.2). "list": any of the values given; "none": answered, not matched."""

LEVELS: tuple[Level, ...] = ("PATIENT", "STUDY", "SERIES", "IMAGE")


@dataclass(frozen=True, slots=True)
class QueryKey:
    """One attribute of one level. `required`: a key every peer may count on (PS3.18 table 10.6.1-5)."""

    tag: int
    keyword: str
    vr: str
    level: Level
    matching: Matching
    returned_by_default: bool
    required: bool


def _rows(
    level: Level, rows: Iterable[tuple[int, Matching]], *, default: bool = True, required: bool = False
) -> list[QueryKey]:
    return [
        QueryKey(tag, keyword_of(tag), vr_of(tag), level, matching, default, required)
        for tag, matching in rows
    ]


QUERY_KEYS: tuple[QueryKey, ...] = (
    # A patient's rows are also answered at study level: DICOMweb has no patient level.
    *_rows(
        "PATIENT",
        ((tags.PATIENT_NAME, "person_name"), (tags.PATIENT_ID, "wildcard")),
        required=True,
    ),
    *_rows(
        "PATIENT",
        (
            (tags.ISSUER_OF_PATIENT_ID, "wildcard"),
            (tags.PATIENT_BIRTH_DATE, "range"),
            (tags.PATIENT_SEX, "single"),
        ),
    ),
    *_rows(
        "PATIENT",
        (
            (tags.NUMBER_OF_PATIENT_RELATED_STUDIES, "none"),
            (tags.NUMBER_OF_PATIENT_RELATED_SERIES, "none"),
            (tags.NUMBER_OF_PATIENT_RELATED_INSTANCES, "none"),
        ),
        default=False,
    ),
    *_rows(
        "STUDY",
        (
            (tags.STUDY_DATE, "range"),
            (tags.STUDY_TIME, "range"),
            (tags.ACCESSION_NUMBER, "wildcard"),
            (tags.MODALITIES_IN_STUDY, "list"),
            (tags.REFERRING_PHYSICIAN_NAME, "person_name"),
            (tags.STUDY_INSTANCE_UID, "uid_list"),
            (tags.STUDY_ID, "wildcard"),
        ),
        required=True,
    ),
    *_rows(
        "STUDY",
        (
            (tags.STUDY_DESCRIPTION, "wildcard"),
            (tags.TIMEZONE_OFFSET_FROM_UTC, "none"),
            (tags.NUMBER_OF_STUDY_RELATED_SERIES, "none"),
            (tags.NUMBER_OF_STUDY_RELATED_INSTANCES, "none"),
        ),
    ),
    *_rows("STUDY", ((tags.SOP_CLASSES_IN_STUDY, "uid_list"),), default=False),
    *_rows(
        "SERIES",
        (
            (tags.MODALITY, "list"),
            (tags.SERIES_INSTANCE_UID, "uid_list"),
            (tags.SERIES_NUMBER, "single"),
            (tags.PERFORMED_PROCEDURE_STEP_START_DATE, "range"),
            (tags.PERFORMED_PROCEDURE_STEP_START_TIME, "range"),
        ),
        required=True,
    ),
    *_rows(
        "SERIES",
        (
            (tags.SERIES_DESCRIPTION, "wildcard"),
            (tags.NUMBER_OF_SERIES_RELATED_INSTANCES, "none"),
            (tags.BODY_PART_EXAMINED, "wildcard"),
            (tags.REQUEST_ATTRIBUTES_SEQUENCE, "none"),
        ),
    ),
    *_rows(
        "SERIES",
        (
            (tags.LATERALITY, "single"),
            (tags.SERIES_DATE, "range"),
            (tags.SERIES_TIME, "range"),
            (tags.PROTOCOL_NAME, "wildcard"),
            (tags.STATION_NAME, "wildcard"),
            (tags.INSTITUTION_NAME, "wildcard"),
            (tags.MANUFACTURER_MODEL_NAME, "wildcard"),
        ),
        default=False,
    ),
    *_rows(
        "IMAGE",
        (
            (tags.SOP_CLASS_UID, "uid_list"),
            (tags.SOP_INSTANCE_UID, "uid_list"),
            (tags.INSTANCE_NUMBER, "single"),
        ),
        required=True,
    ),
    *_rows(
        "IMAGE",
        (
            (tags.AVAILABLE_TRANSFER_SYNTAX_UID, "none"),
            (tags.ROWS, "none"),
            (tags.COLUMNS, "none"),
            (tags.BITS_ALLOCATED, "none"),
            (tags.NUMBER_OF_FRAMES, "none"),
        ),
    ),
    *_rows("IMAGE", ((tags.CONTENT_DATE, "range"), (tags.CONTENT_TIME, "range")), default=False),
)

ALWAYS_RETURNED: tuple[int, ...] = (
    tags.SPECIFIC_CHARACTER_SET,
    tags.RETRIEVE_AE_TITLE,
    tags.INSTANCE_AVAILABILITY,
    tags.RETRIEVE_URL,
)
"""Added to every answer by the door that gives it; Retrieve URL in QIDO only."""

_BY_TAG = {key.tag: key for key in QUERY_KEYS}


def find_query_key(tag: int) -> QueryKey | None:
    """The key with this tag, or None when we do not index it."""
    return _BY_TAG.get(tag)


def keys_of(level: Level) -> tuple[QueryKey, ...]:
    """The keys of one level, without those of the levels above."""
    return tuple(key for key in QUERY_KEYS if key.level == level)


def default_return_keys(level: Level) -> tuple[QueryKey, ...]:
    """What an answer at this level holds when the question names nothing more.

    A study's answer carries its patient's keys; a series or instance answer carries its own only.
    """
    levels = ("PATIENT", "STUDY") if level == "STUDY" else (level,)
    return tuple(key for key in QUERY_KEYS if key.level in levels and key.returned_by_default)
