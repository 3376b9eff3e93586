"""Dates and times of DICOM (DA, TM, DT; PS3.5 section 6.2) to ISO 8601 text and back.

Not here: time zones (resolved at the edge) and clocks. Bad values come back as (None, problem), never raised.
Start at `parse_date`.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")

DATE_PROBLEM = "not a date (YYYYMMDD)"
TIME_PROBLEM = "not a time (HHMMSS)"
DATETIME_PROBLEM = "not a date and time (YYYYMMDDHHMMSS)"
RANGE_PROBLEM = "not a range (A, A-, -B or A-B)"


@dataclass(frozen=True, slots=True)
class Parsed(Generic[Value]):
    """A value, or None with the problem in plain words. Both None: the field was empty."""

    value: Value | None
    problem: str | None = None


# YYYY.MM.DD is the ACR-NEMA form (PS3.5 6.2 DA note 1); YYYY-MM-DD comes from careless converters.
_DATE = re.compile(r"(\d{4})([.\-/]?)(\d{2})\2(\d{2})", re.ASCII)
_TIME = re.compile(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?", re.ASCII)
_DATETIME = re.compile(
    r"(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:\.(\d{1,6}))?([+-]\d{4})?", re.ASCII
)


def _is_date(year: int, month: int, day: int) -> bool:
    return year >= 1 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]


def _clean(text: str) -> str:
    return text.strip(" \0")


def parse_date(text: str) -> Parsed[str]:
    """A DA value as "YYYY-MM-DD"."""
    text = _clean(text)
    if not text:
        return Parsed(None)
    if len(text) == 8 and text.isdecimal() and text.isascii():
        year, month, day = text[:4], text[4:6], text[6:]
    else:
        match = _DATE.fullmatch(text)
        if match is None:
            return Parsed(None, DATE_PROBLEM)
        year, month, day = match[1], match[3], match[4]
    if not _is_date(int(year), int(month), int(day)):
        return Parsed(None, DATE_PROBLEM)
    return Parsed(f"{year}-{month}-{day}")


def parse_time(text: str) -> Parsed[str]:
    """A TM value as "HH:MM:SS" or "HH:MM:SS.f"; what is missing is zero, a leap second 59."""
    text = _clean(text)
    if not text:
        return Parsed(None)
    match = _TIME.fullmatch(text)
    if match is None:
        return Parsed(None, TIME_PROBLEM)
    hour, minute, second = match[1], match[2] or "00", match[3] or "00"
    if hour > "23" or minute > "59" or second > "60":
        return Parsed(None, TIME_PROBLEM)
    if second == "60":  # PS3.5 allows the leap second; ISO readers downstream do not.
        second = "59"
    fraction = (match[4] or "")[:6].rstrip("0")
    return Parsed(f"{hour}:{minute}:{second}" + (f".{fraction}" if fraction else ""))


def parse_datetime(text: str) -> Parsed[str]:
    """A DT value as ISO 8601, as precise as it was given, with its offset ("+02:00") when it has one."""
    text = _clean(text)
    if not text:
        return Parsed(None)
    match = _DATETIME.fullmatch(text)
    if match is None or (match[7] and not match[6]):
        return Parsed(None, DATETIME_PROBLEM)
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    if not _is_date(int(year), int(month or 1), int(day or 1)):
        return Parsed(None, DATETIME_PROBLEM)
    iso = "-".join(part for part in (year, month, day) if part)
    if hour:
        time = parse_time(hour + (minute or "") + (second or "") + (f".{fraction}" if fraction else ""))
        if time.value is None:
            return Parsed(None, DATETIME_PROBLEM)
        iso += f"T{time.value}"
        if offset:
            iso += f"{offset[:3]}:{offset[3:]}"
    return Parsed(iso)


def _parse_range(text: str, dashed: re.Pattern[str], is_date: bool) -> Parsed[tuple[str | None, str | None]]:
    text = _clean(text)
    if not text:
        return Parsed(None)
    parse = parse_date if is_date else parse_time
    if dashed.fullmatch(text) or "-" not in text:
        single = parse(text)
        return Parsed(None, single.problem) if single.value is None else Parsed((single.value, single.value))
    first, _, last = text.partition("-")
    if last and "-" in last:
        return Parsed(None, RANGE_PROBLEM)
    lower, upper = parse(first), parse(last)
    problem = lower.problem or upper.problem
    if problem or (lower.value is None and upper.value is None):
        return Parsed(None, problem or RANGE_PROBLEM)
    return Parsed((lower.value, upper.value))


_DASHED_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NEVER = re.compile(r"(?!)")


def parse_date_range(text: str) -> Parsed[tuple[str | None, str | None]]:
    """A DA query key (PS3.4 C.2.2.2.5): "A", "A-", "-B", "A-B" as (first, last), inclusive; None = open."""
    return _parse_range(text, _DASHED_DATE, is_date=True)


def parse_time_range(text: str) -> Parsed[tuple[str | None, str | None]]:
    """A TM query key as (first, last), both included; None = open."""
    return _parse_range(text, _NEVER, is_date=False)


def format_date(iso: str) -> str:
    """ "YYYY-MM-DD" as a DA value."""
    return iso.replace("-", "")


def format_time(iso: str) -> str:
    """ "HH:MM:SS.f" as a TM value."""
    return iso.replace(":", "")
