"""From the identifier of a C-FIND to what is asked of the index (PS3.4 C.4.1.1.3.1).

The hierarchical method wants the unique key of every level above the one asked for (C.4.1.2.2.1), and most
archives refuse without them. Real workstations leave some out, so here it is enough that the identifier
names what it is about: any UID of it or of something in it, an accession number, a patient ID. Whoever asks
for series or instances without any of these is refused unless relational queries were negotiated (C.4.1.3.2).
Not here: how values match (`features/archive`). Start at `read_query`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from filmless.features.archive import Level, Query, unsupported_keys
from filmless.infra.errors import Invalid
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet
from filmless.standards.dicom.dictionary import keyword_of

KEYS_MAX = 1000  # In items too. Honest queries have some dozen; each costs time in every answer.

LEVEL_OF: Mapping[str, Level] = {
    "PATIENT": Level.PATIENT,
    "STUDY": Level.STUDY,
    "SERIES": Level.SERIES,
    "IMAGE": Level.INSTANCE,
}
"""Query/Retrieve Level (0008,0052) to level."""

UNIQUE_KEYS: Mapping[Level, int] = {
    Level.PATIENT: tags.PATIENT_ID,
    Level.STUDY: tags.STUDY_INSTANCE_UID,
    Level.SERIES: tags.SERIES_INSTANCE_UID,
    Level.INSTANCE: tags.SOP_INSTANCE_UID,
}
ABOUT_THE_QUERY = frozenset(
    {
        tags.SPECIFIC_CHARACTER_SET,
        tags.QUERY_RETRIEVE_LEVEL,
        tags.RETRIEVE_AE_TITLE,
        tags.INSTANCE_AVAILABILITY,
        tags.TIMEZONE_OFFSET_FROM_UTC,
        tags.STORAGE_MEDIA_FILE_SET_ID,
        tags.STORAGE_MEDIA_FILE_SET_UID,
    }
)
"""Elements that are about the query or its answer: never matched."""

_NAMING = (*UNIQUE_KEYS.values(), tags.ACCESSION_NUMBER)


class IdentifierDoesNotMatch(Invalid):
    """The identifier does not fit the query's SOP class (A900); `tag` is the element that is wrong."""

    def __init__(self, tag: int, message: str) -> None:
        super().__init__(message)
        self.tag = tag


@dataclass(frozen=True, slots=True)
class Options:
    """What was negotiated for the association (PS3.4 C.5.1.1)."""

    relational: bool = False
    combined_datetime: bool = False
    fuzzy: bool = False
    timezone: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """An identifier understood. `has_unmatched_keys`: it has values that the index cannot be searched for."""

    level: Level
    query: Query
    keys: DataSet
    has_unmatched_keys: bool


def read_query(identifier: DataSet, levels: tuple[Level, ...], options: Options) -> Asked:
    """What the identifier asks for in an information model with these levels.

    Raises IdentifierDoesNotMatch.
    """
    level = _level(identifier, levels)
    if _count(identifier) > KEYS_MAX:
        raise IdentifierDoesNotMatch(max(identifier), f"More than {KEYS_MAX} keys are too many.")
    matching: dict[str, str] = {}
    sequences: dict[str, dict[str, str]] = {}
    has_unmatched = False
    for tag in identifier:
        if tag in ABOUT_THE_QUERY or identifier.is_empty(tag):
            continue
        keyword = keyword_of(tag)
        is_matched = bool(keyword) and not unsupported_keys(level, [keyword])
        if item := _item(identifier, tag):
            if is_matched:
                sequences[keyword] = item
        elif text := _text(identifier, tag):
            if is_matched:
                matching[keyword] = text
        else:
            continue  # Universal matching.
        has_unmatched = has_unmatched or not is_matched
    if not options.relational:
        _names_something(identifier, level, levels)
    query = Query(
        matching=matching,
        sequences=sequences,
        combined_datetime=options.combined_datetime,
        fuzzy=options.fuzzy,
        timezone_offset=identifier.text(tags.TIMEZONE_OFFSET_FROM_UTC) if options.timezone else "",
    )
    return Asked(level, query, identifier, has_unmatched)


def _level(identifier: DataSet, levels: tuple[Level, ...]) -> Level:
    name = identifier.text(tags.QUERY_RETRIEVE_LEVEL).strip().upper()
    if not name:
        raise IdentifierDoesNotMatch(tags.QUERY_RETRIEVE_LEVEL, "Query/Retrieve Level is missing.")
    level = LEVEL_OF.get(name)
    if level not in levels or level is None:
        raise IdentifierDoesNotMatch(
            tags.QUERY_RETRIEVE_LEVEL, "Query/Retrieve Level is none of this SOP class."
        )
    return level


def _count(data_set: DataSet) -> int:
    return len(data_set) + sum(_count(item) for tag in data_set for item in data_set.items(tag))


def _text(identifier: DataSet, tag: int) -> str:
    """The value to match; "" for universal matching, which `*` is too, whatever the VR."""
    text = identifier.text(tag)
    return "" if not text.strip("* ") else text


def _item(identifier: DataSet, tag: int) -> dict[str, str]:
    """Keyword to value of what is asked inside a sequence, in its one item (PS3.4 C.2.2.2.6)."""
    items = identifier.items(tag)
    if not items:
        return {}
    return {keyword_of(inner): text for inner in items[0] if (text := _text(items[0], inner))}


def _names_something(identifier: DataSet, level: Level, levels: tuple[Level, ...]) -> None:
    """Refuse to go through all series or instances of the archive unless they are named somehow."""
    if level in (Level.PATIENT, Level.STUDY):
        return  # Patient Root at study level without a patient is what many scanners ask.
    if any(text and "*" not in text and "?" not in text for text in map(identifier.text, _NAMING)):
        return
    above = levels[levels.index(level) - 1]
    raise IdentifierDoesNotMatch(
        UNIQUE_KEYS[above], f"{keyword_of(UNIQUE_KEYS[above])} is missing, and relational was not negotiated."
    )
