"""From a row of the index to the identifier of a C-FIND response (PS3.4 C.4.1.1.3.2).

Every key asked for comes back: from the row, else from a stored data set, else empty. Not here: which rows
(`features/archive`). Start at `Answering`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from filmless.edge.dimse.query_identifier import ABOUT_THE_QUERY, UNIQUE_KEYS, Asked
from filmless.features.access import Actor
from filmless.features.archive import (
    Archive,
    FoundInstance,
    InstanceRow,
    Level,
    MatchRow,
    SeriesRow,
    read_optional_keys,
)
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet, Element
from filmless.standards.dicom.dictionary import keyword_of, vr_of

ONLINE = "ONLINE"

# What the row of each level knows: tag to the attribute of the row.
_PATIENT = {
    tags.PATIENT_NAME: "patient_name",
    tags.PATIENT_ID: "patient_id",
    tags.ISSUER_OF_PATIENT_ID: "issuer_of_patient_id",
    tags.PATIENT_BIRTH_DATE: "patient_birth_date",
    tags.PATIENT_SEX: "patient_sex",
}
_PATIENT_TOTALS = {
    tags.NUMBER_OF_PATIENT_RELATED_STUDIES: "number_of_patient_related_studies",
    tags.NUMBER_OF_PATIENT_RELATED_SERIES: "number_of_patient_related_series",
    tags.NUMBER_OF_PATIENT_RELATED_INSTANCES: "number_of_patient_related_instances",
}
_STUDY = {
    tags.STUDY_DATE: "study_date",
    tags.STUDY_TIME: "study_time",
    tags.ACCESSION_NUMBER: "accession_number",
    tags.MODALITIES_IN_STUDY: "modalities_in_study",
    tags.SOP_CLASSES_IN_STUDY: "sop_classes_in_study",
    tags.REFERRING_PHYSICIAN_NAME: "referring_physician_name",
    tags.TIMEZONE_OFFSET_FROM_UTC: "timezone_offset",
    tags.STUDY_DESCRIPTION: "study_description",
    tags.STUDY_INSTANCE_UID: "study_instance_uid",
    tags.STUDY_ID: "study_id",
    tags.NUMBER_OF_STUDY_RELATED_SERIES: "number_of_series",
    tags.NUMBER_OF_STUDY_RELATED_INSTANCES: "number_of_instances",
}
_SERIES = {
    tags.SERIES_DATE: "series_date",
    tags.SERIES_TIME: "series_time",
    tags.MODALITY: "modality",
    tags.INSTITUTION_NAME: "institution_name",
    tags.STATION_NAME: "station_name",
    tags.SERIES_DESCRIPTION: "series_description",
    tags.BODY_PART_EXAMINED: "body_part_examined",
    tags.PROTOCOL_NAME: "protocol_name",
    tags.SERIES_INSTANCE_UID: "series_instance_uid",
    tags.SERIES_NUMBER: "series_number",
    tags.LATERALITY: "laterality",
    tags.NUMBER_OF_SERIES_RELATED_INSTANCES: "number_of_instances",
    tags.PERFORMED_PROCEDURE_STEP_START_DATE: "performed_procedure_step_start_date",
    tags.PERFORMED_PROCEDURE_STEP_START_TIME: "performed_procedure_step_start_time",
}
_INSTANCE = {
    tags.SOP_CLASS_UID: "sop_class_uid",
    tags.SOP_INSTANCE_UID: "sop_instance_uid",
    tags.AVAILABLE_TRANSFER_SYNTAX_UID: "transfer_syntax_uid",
    tags.INSTANCE_NUMBER: "instance_number",
    tags.NUMBER_OF_FRAMES: "number_of_frames",
    tags.ROWS: "rows",
    tags.COLUMNS: "columns",
    tags.BITS_ALLOCATED: "bits_allocated",
}
# A study's row has its patient's attributes, but not the totals: those are counted at patient level only.
_OWN: Mapping[Level, Mapping[int, str]] = {
    Level.PATIENT: {**_PATIENT, **_PATIENT_TOTALS},
    Level.STUDY: {**_PATIENT, **_STUDY},
    Level.SERIES: _SERIES,
    Level.INSTANCE: _INSTANCE,
}
# Attributes that only the index knows, or that tell one part from the others: a stored data set's value
# would be wrong for the entity above.
_NEVER_FROM_PARTS = frozenset(
    {
        *UNIQUE_KEYS.values(),
        *_PATIENT_TOTALS,
        tags.MODALITIES_IN_STUDY,
        tags.SOP_CLASSES_IN_STUDY,
        tags.NUMBER_OF_STUDY_RELATED_SERIES,
        tags.NUMBER_OF_STUDY_RELATED_INSTANCES,
        tags.NUMBER_OF_SERIES_RELATED_INSTANCES,
        tags.SOP_CLASS_UID,
        tags.SERIES_NUMBER,
        tags.INSTANCE_NUMBER,
        tags.NUMBER_OF_FRAMES,
        tags.AVAILABLE_TRANSFER_SYNTAX_UID,
    }
)
_EXACT_VRS = frozenset({"CS", "IS", "UI", "US"})  # Matched as they are; a name or a description is not.
_BULKY_VRS = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})


class Answering:
    """Makes the answers to one query."""

    def __init__(self, archive: Archive, actor: Actor, ae_title: str, asked: Asked) -> None:
        self._archive = archive
        self._actor = actor
        self._asked = asked
        self._fixed = self._fixed_elements(ae_title)
        self._own: list[tuple[int, str, Callable[[MatchRow], Any], str]] = []
        self._optional: dict[int, Element] = {}
        self.has_unsupported_keys = asked.has_unmatched_keys
        self._sort_keys()

    def answer(self, row: MatchRow) -> DataSet:
        """The identifier for one match."""
        data_set = DataSet()
        elements = data_set.elements
        elements.update(self._fixed)
        for tag, vr, part_of, name in self._own:
            value = getattr(part_of(row), name)
            elements[tag] = Element(vr, _values(value, vr))
        if self._optional:
            found = read_optional_keys(self._archive, self._actor, row, self._optional)
            for tag, key in self._optional.items():
                elements[tag] = _answered(key, found.element(tag) if found is not None else None)
        return data_set

    def _fixed_elements(self, ae_title: str) -> dict[int, Element]:
        keys = self._asked.keys
        fixed = DataSet()
        fixed.set(tags.QUERY_RETRIEVE_LEVEL, keys.text(tags.QUERY_RETRIEVE_LEVEL))
        fixed.set(tags.RETRIEVE_AE_TITLE, ae_title)
        if keys.character_set:
            fixed.set(tags.SPECIFIC_CHARACTER_SET, keys.character_set)
        if tags.INSTANCE_AVAILABILITY in keys:
            fixed.set(tags.INSTANCE_AVAILABILITY, ONLINE)
        for tag in (tags.STORAGE_MEDIA_FILE_SET_ID, tags.STORAGE_MEDIA_FILE_SET_UID):
            if tag in keys:
                fixed.set(tag, None)
        return fixed.elements

    def _sort_keys(self) -> None:
        """Say of every key where its value comes from."""
        level = self._asked.level
        wanted = {tag for tag in self._asked.keys if tag not in ABOUT_THE_QUERY}
        # The unique keys down to this level say what the answer is about, asked for or not.
        wanted |= {tag for above, tag in UNIQUE_KEYS.items() if above.depth <= level.depth}
        if tags.TIMEZONE_OFFSET_FROM_UTC in self._asked.keys:
            wanted.add(tags.TIMEZONE_OFFSET_FROM_UTC)
        for tag in sorted(wanted):
            if (source := _source(tag, level)) is not None:
                self._own.append((tag, vr_of(tag), *source))
                continue
            key = self._asked.keys.element(tag) or Element(vr_of(tag), [])
            if _tells_a_part(tag, level, key):
                self._fixed[tag] = key
            elif _is_stored(tag):
                self._optional[tag] = key
            else:
                self.has_unsupported_keys = True
                self._fixed[tag] = _answered(key, None)


def _source(tag: int, level: Level) -> tuple[Callable[[MatchRow], Any], str] | None:
    """Where a row of the level has the attribute: the part of the row, and its name there."""
    for above in Level:
        holds = above is level or Level.STUDY.depth <= above.depth < level.depth
        if holds and (name := _OWN[above].get(tag)) is not None:
            return _PART_OF[above], name
    return None


def _patient_of(row: MatchRow) -> MatchRow:
    return row


def _study_of(row: MatchRow) -> MatchRow:
    if isinstance(row, FoundInstance):
        return row.series.study
    return row.study if isinstance(row, SeriesRow) else row


def _series_of(row: MatchRow) -> MatchRow:
    return row.series if isinstance(row, FoundInstance) else row


def _instance_of(row: MatchRow) -> MatchRow | InstanceRow:
    return row.instance if isinstance(row, FoundInstance) else row


_PART_OF: Mapping[Level, Callable[[MatchRow], Any]] = {
    Level.PATIENT: _patient_of,
    Level.STUDY: _study_of,
    Level.SERIES: _series_of,
    Level.INSTANCE: _instance_of,
}


def _values(value: str | int | tuple[str, ...] | None, vr: str) -> list[Any]:
    if value is None or value == "":
        return []
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, int):
        return [value] if vr == "US" else [str(value)]
    return value.split("\\") if "\\" in value else [value]


def _tells_a_part(tag: int, level: Level, key: Element) -> bool:
    """Whether a key of a level below says exactly what a part of the entity has: it matched, so it has."""
    below = any(tag in _OWN[one] for one in Level if one.depth > max(level.depth, Level.STUDY.depth))
    if not below or not {key.vr, vr_of(tag)} <= _EXACT_VRS or not key.values or len(key.values) > 1:
        return False
    return not {"*", "?"} & set(str(key.values[0]))


def _is_stored(tag: int) -> bool:
    """Whether a stored data set may hold the attribute for an answer: public, and no bulk data."""
    vr = vr_of(tag)
    return bool(keyword_of(tag)) and tag not in _NEVER_FROM_PARTS and not _BULKY_VRS & set(vr.split(" or "))


def _answered(key: Element, found: Element | None) -> Element:
    """The answer to a key that is not in the row: what was found, and of a sequence what was asked for."""
    if key.items is None and (found is None or found.items is None):
        return found or Element(key.vr, [])
    if found is None or found.items is None:
        return Element("SQ", items=[])
    asked = key.items[0] if key.items else None
    if asked is None or not len(asked):
        return found  # An empty sequence asks for all that is in it.
    return Element("SQ", items=[_reduced(item, asked) for item in found.items])


def _reduced(item: DataSet, asked: DataSet) -> DataSet:
    reduced = DataSet()
    for tag in asked:
        key = asked.element(tag)
        if key is not None and tag != tags.SPECIFIC_CHARACTER_SET:
            reduced.elements[tag] = _answered(key, item.element(tag))
    return reduced
