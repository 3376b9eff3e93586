"""QIDO-RS (PS3.18 section 10.6): search for studies, series and instances.

Translates a query string into a `Query` and rows into DICOM JSON. Keys that cannot be matched at a level are
named in a Warning header, never silently left out. Not here: matching itself (`features/archive`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from filmless.features.access import Actor
from filmless.features.archive import (
    Archive,
    FoundInstance,
    Level,
    Query,
    SeriesRow,
    StudyRow,
    find_instances,
    find_series,
    find_studies,
    unsupported_keys,
)
from filmless.infra import limits
from filmless.infra.errors import Invalid
from filmless.standards.dicom.dictionary import keyword_of, parse_tag
from filmless.standards.dicom.json_values import json_text

QUERY_PARAMETERS_MAX = 100  # All keys of a level and includefield for each are fewer than 80.
_OTHER_PARAMETERS = (
    "limit",
    "offset",
    "includefield",
    "fuzzymatching",
    "orderby",
    "accept",
    "includedefaults",
)

Element = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A page as DICOM JSON, the headers that tell about it."""

    body: bytes
    headers: dict[str, str]


def search(
    archive: Archive,
    actor: Actor,
    level: Level,
    place: Mapping[str, str],
    parameters: Sequence[tuple[str, str]],
    base_url: str,
) -> SearchResult:
    """Answer one search; `place` holds the UIDs of the path by keyword. Raises Invalid, as finding does."""
    matching = {**_matching(level, parameters), **place}
    ignored = unsupported_keys(level, list(matching))
    named = dict(parameters)
    wanted_limit = _whole_number(named, "limit", limits.QUERY_RESULTS_DEFAULT if not place else None)
    limit = min(wanted_limit or limits.QUERY_RESULTS_MAX, limits.QUERY_RESULTS_MAX)
    query = Query(
        matching={keyword: value for keyword, value in matching.items() if keyword not in ignored},
        order_by=_order(named.get("orderby", "")),
        limit=max(limit, 1),
        offset=_whole_number(named, "offset", 0) or 0,
        fuzzy=named.get("fuzzymatching", "").lower() == "true",
    )
    rows, total, is_exact = _find(archive, actor, level, query, base_url)
    if wanted_limit == 0:
        rows = []
    shown = query.offset + len(rows)
    remaining = max(0, total - shown) if wanted_limit is None or wanted_limit > limit else 0
    headers = {"X-Total-Count": str(total)} if is_exact else {}
    return SearchResult(orjson.dumps(rows), headers | _warnings(ignored, remaining))


def _find(
    archive: Archive, actor: Actor, level: Level, query: Query, base_url: str
) -> tuple[list[Element], int, bool]:
    if level is Level.STUDY:
        studies = find_studies(archive, actor, query)
        return [study_json(row, base_url) for row in studies.rows], studies.total, studies.total_is_exact
    if level is Level.SERIES:
        series = find_series(archive, actor, query)
        return [series_json(row, base_url) for row in series.rows], series.total, series.total_is_exact
    page = find_instances(archive, actor, query)
    return [instance_json(row, base_url) for row in page.rows], page.total, page.total_is_exact


def _warnings(ignored: tuple[str, ...], remaining: int) -> dict[str, str]:
    warnings = []
    if remaining:
        warnings.append(f'299 filmless "There are {remaining} additional results; ask for them with offset"')
    if ignored:
        warnings.append(f'299 filmless "These keys are not matched at this level: {", ".join(ignored)}"')
    return {"Warning": ", ".join(warnings)} if warnings else {}


def _matching(level: Level, parameters: Sequence[tuple[str, str]]) -> dict[str, str]:
    if len(parameters) > QUERY_PARAMETERS_MAX:
        raise Invalid(f"A search has at most {QUERY_PARAMETERS_MAX} parameters.")
    matching: dict[str, str] = {}
    for name, value in parameters:
        if name in _OTHER_PARAMETERS:
            continue
        tag = parse_tag(name.partition(".")[0])
        keyword = keyword_of(tag) if tag is not None else ""
        if not keyword:
            raise Invalid("A parameter of the search is neither an attribute's keyword nor its tag.")
        if "." in name:
            keyword += ".*"  # A key inside a sequence: named in the warning, never matched.
        matching[keyword] = f"{matching[keyword]}\\{value}" if keyword in matching else value
    if level is Level.STUDY and "Modality" in matching:
        # Clients that ask for studies by Modality (0008,0060) mean those with such a series.
        matching.setdefault("ModalitiesInStudy", matching.pop("Modality"))
    return matching


def _whole_number(named: Mapping[str, str], name: str, default: int | None) -> int | None:
    text = named.get(name)
    if text is None or not text.strip():
        return default
    if not text.strip().isascii() or not text.strip().isdigit() or len(text) > 9:
        raise Invalid(f"{name} is a whole number, not negative.")
    return int(text)


_ORDER_NAMES = {
    "StudyDate": "study_date",
    "StudyTime": "study_time",
    "PatientName": "patient_name",
    "PatientID": "patient_id",
    "PatientBirthDate": "patient_birth_date",
    "AccessionNumber": "accession_number",
    "StudyDescription": "study_description",
    "ReferringPhysicianName": "referring_physician_name",
    "ModalitiesInStudy": "modalities_in_study",
    "NumberOfStudyRelatedSeries": "number_of_series",
    "NumberOfStudyRelatedInstances": "number_of_instances",
    "SeriesNumber": "series_number",
    "Modality": "modality",
    "InstanceNumber": "instance_number",
}


def _order(text: str) -> tuple[str, ...]:
    """`orderby=-StudyDate,PatientName`, as dcm4chee takes it."""
    names = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        bare = part.lstrip("+-")
        tag = parse_tag(bare)
        name = _ORDER_NAMES.get(keyword_of(tag) if tag is not None else bare)
        if name is None:
            raise Invalid(f"Results cannot be put in that order; possible are {', '.join(_ORDER_NAMES)}.")
        names.append(f"-{name}" if part.startswith("-") else name)
    return tuple(names)


# --- Rows as DICOM JSON (PS3.18 annex F) -------------------------------------------------------------------


def study_json(row: StudyRow, base_url: str) -> Element:
    """A study with the attributes of PS3.18 table 10.6.3-3 and a few that viewers like to have."""
    return {
        **_fixed(f"{base_url}/studies/{row.study_instance_uid}"),
        **_study_elements(row),
    }


def series_json(row: SeriesRow, base_url: str) -> Element:
    """A series with its study's attributes (PS3.18 tables 10.6.3-4)."""
    url = f"{base_url}/studies/{row.study.study_instance_uid}/series/{row.series_instance_uid}"
    return {**_fixed(url), **_study_elements(row.study), **_series_elements(row)}


def instance_json(row: FoundInstance, base_url: str) -> Element:
    """An instance with its series' and study's attributes (PS3.18 table 10.6.3-5)."""
    instance = row.instance
    url = (
        f"{base_url}/studies/{instance.study_instance_uid}/series/{instance.series_instance_uid}"
        f"/instances/{instance.sop_instance_uid}"
    )
    return {
        **_fixed(url),
        **_study_elements(row.series.study),
        **_series_elements(row.series),
        "00080016": json_text("UI", instance.sop_class_uid),
        "00080018": json_text("UI", instance.sop_instance_uid),
        "00083002": json_text("UI", instance.transfer_syntax_uid),
        "00200013": _number("IS", instance.instance_number),
        "00280008": _number("IS", instance.number_of_frames),
        "00280010": _number("US", instance.rows),
        "00280011": _number("US", instance.columns),
        "00280100": _number("US", instance.bits_allocated),
    }


def _fixed(url: str) -> Element:
    return {
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00080056": {"vr": "CS", "Value": ["ONLINE"]},
        "00081190": {"vr": "UR", "Value": [url]},
    }


def _study_elements(row: StudyRow) -> Element:
    return {
        "00080020": json_text("DA", row.study_date),
        "00080030": json_text("TM", row.study_time),
        "00080050": json_text("SH", row.accession_number),
        "00080061": _texts("CS", row.modalities_in_study),
        "00080062": _texts("UI", row.sop_classes_in_study),
        "00080090": json_text("PN", row.referring_physician_name),
        "00081030": json_text("LO", row.study_description),
        "00100010": json_text("PN", row.patient_name),
        "00100020": json_text("LO", row.patient_id),
        "00100021": json_text("LO", row.issuer_of_patient_id),
        "00100030": json_text("DA", row.patient_birth_date),
        "00100040": json_text("CS", row.patient_sex),
        "0020000D": json_text("UI", row.study_instance_uid),
        "00200010": json_text("SH", row.study_id),
        "00201206": _number("IS", row.number_of_series),
        "00201208": _number("IS", row.number_of_instances),
    }


def _series_elements(row: SeriesRow) -> Element:
    return {
        "00080060": json_text("CS", row.modality),
        "0008103E": json_text("LO", row.series_description),
        "00081010": json_text("SH", row.station_name),
        "00180015": json_text("CS", row.body_part_examined),
        "0020000E": json_text("UI", row.series_instance_uid),
        "00200011": _number("IS", row.series_number),
        "00201209": _number("IS", row.number_of_instances),
        "00400244": json_text("DA", row.performed_procedure_step_start_date),
        "00400245": json_text("TM", row.performed_procedure_step_start_time),
    }


def _texts(vr: str, texts: Iterable[str]) -> Element:
    values = list(texts)
    return {"vr": vr, "Value": values} if values else {"vr": vr}


def _number(vr: str, number: int | None) -> Element:
    return {"vr": vr} if number is None else {"vr": vr, "Value": [number]}
