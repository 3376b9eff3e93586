"""Whether a step to be scheduled can be told to a modality: required attributes, and what each VR may hold.

A value that is too long is refused, never cut: half an identifier is another one. Start at `checked`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from filmless.features.scheduling.attributes import ATTRIBUTES, Attribute, Form, Place
from filmless.features.scheduling.errors import StepRefused
from filmless.features.scheduling.model import Code, NewStep
from filmless.standards.dicom.dates import format_date, format_time, parse_date, parse_time
from filmless.standards.dicom.uids import is_valid_uid

STATIONS_MAX = 32  # One step offered to every scanner of a large department.
CODES_MAX = 64  # A protocol of many parts has some ten.
CODE_CHARACTERS_MAX = 256  # A long code value may be a URN; the standard names no limit.

# PS3.5 table 6.2-1, in characters; of a person name for each group.
_CHARACTERS_MAX = {"AE": 16, "CS": 16, "SH": 16, "LO": 64, "PN": 64, "ST": 1024, "LT": 10_240, "DS": 16}
_SEVERAL_VALUES = frozenset({"MedicalAlerts", "Allergies"})
_CODE_STRING = re.compile(r"[A-Z0-9_ ]*", re.ASCII)
_NEEDED = {
    "PatientName", "PatientID", "Modality", "ScheduledStationAETitle", "ScheduledProcedureStepStartDate",
    "ScheduledProcedureStepStartTime",
}  # fmt: skip


def checked(new: NewStep) -> NewStep:
    """The same, spaces around values removed, dates in plain form; raises StepRefused for any fault."""
    parts: dict[str, Any] = {}
    problems: list[str] = []
    for place in Place:
        part = getattr(new, place.value)
        values = {
            attribute.field: _cleaned(attribute, getattr(part, attribute.field))
            for attribute in ATTRIBUTES
            if attribute.place is place
        }
        parts[place.value] = dataclasses.replace(part, **values)
        for attribute in ATTRIBUTES:
            if attribute.place is place:
                problems += _problems(attribute, values[attribute.field])
    fit = dataclasses.replace(new, **parts)
    procedure = fit.procedure
    if not (procedure.requested_procedure_description or procedure.requested_procedure_codes):
        problems.append("RequestedProcedureDescription or a code of the procedure is needed")
    if problems:
        raise StepRefused(f"The step cannot be scheduled: {'; '.join(problems)}.")
    return fit


def _cleaned(attribute: Attribute, value: Any) -> Any:
    if attribute.form is Form.TEXTS:
        return tuple(dict.fromkeys(text.strip() for text in value if text.strip()))
    if attribute.form in (Form.NUMBER, Form.CODES):
        return value
    text = value.strip(" \0")
    if attribute.vr == "DA":
        day = parse_date(text).value
        return format_date(day) if day else text
    if attribute.vr == "TM":
        hour = parse_time(text).value
        return format_time(hour) if hour else text
    return text


def _problems(attribute: Attribute, value: Any) -> Iterator[str]:
    keyword = attribute.keyword
    if keyword in _NEEDED and not value:
        yield f"{keyword} is needed"
    elif attribute.form is Form.CODES:
        yield from _problems_of_codes(keyword, value)
    elif attribute.form is Form.NUMBER:
        if value is not None and not 0 <= value <= 0xFFFF:
            yield f"{keyword} is not a number from 0 to 65535"
    elif attribute.form is Form.TEXTS and len(value) > STATIONS_MAX:
        yield f"{keyword} has more than {STATIONS_MAX} values"
    else:
        vr = "SH" if attribute.form is Form.ISSUER else attribute.vr
        texts = value if attribute.form is Form.TEXTS else _values(keyword, value)
        for text in texts:
            if text and (problem := _problem_of(vr, text)):
                yield f"{keyword} {problem}"


def _values(keyword: str, value: str) -> list[str]:
    return value.split("\\") if keyword in _SEVERAL_VALUES else [value]


def _problems_of_codes(keyword: str, codes: tuple[Code, ...]) -> Iterator[str]:
    if len(codes) > CODES_MAX:
        yield f"{keyword} has more than {CODES_MAX} codes"
    for code in codes:
        if not code.code_value or not code.coding_scheme_designator or not code.code_meaning:
            yield f"{keyword} has a code without value, scheme or meaning"
        elif (
            len(code.code_value) > CODE_CHARACTERS_MAX
            or _too_long_or_broken("SH", code.coding_scheme_designator)
            or _too_long_or_broken("SH", code.coding_scheme_version)
            or _too_long_or_broken("LO", code.code_meaning)
        ):
            yield f"{keyword} has a code whose value, scheme or meaning is too long or has control characters"


def _problem_of(vr: str, text: str) -> str | None:
    check = _CHECKS.get(vr)
    return (check(text) if check else None) or _too_long_or_broken(vr, text)


def _too_long_or_broken(vr: str, text: str) -> str | None:
    most = _CHARACTERS_MAX.get(vr)
    lengths = [len(group) for group in text.split("=")] if vr == "PN" else [len(text)]
    if most is not None and max(lengths) > most:
        return f"has more than {most} characters"
    if vr in ("ST", "LT"):
        return (
            "has control characters"
            if any(ord(mark) < 32 and mark not in "\t\n\f\r" for mark in text)
            else None
        )
    if "\\" in text or not all(mark.isprintable() or mark == "\u3000" for mark in text):
        return "has a backslash or control characters"
    return None


def _as_number(text: str) -> str | None:
    try:
        float(text)
    except ValueError:
        return "is not a number"
    return None if re.fullmatch(r"[0-9+\-.eE]+", text) else "is not a number"


_CHECKS: Mapping[str, Callable[[str], str | None]] = {
    "AE": lambda text: None if text.isascii() else "is not plain ASCII",
    "CS": lambda text: None if _CODE_STRING.fullmatch(text) else "is not in capitals, digits and underscores",
    "DA": lambda text: parse_date(text).problem and "is not a date",
    "TM": lambda text: parse_time(text).problem and "is not a time",
    "DS": _as_number,
    "UI": lambda text: None if is_valid_uid(text) else "is not a UID",
    "PN": lambda text: "has more than three groups" if text.count("=") > 2 else None,
}
