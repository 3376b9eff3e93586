"""Dates and times in queries (PS3.4 C.2.2.2.5): single values, ranges, both combined, another time zone's.

Columns hold DA and TM text, which sorts as time does: a TM cut short ("08") stands for its first moment.
Not here: which columns belong together (`keys`). Start at `date_condition`.

Time zones (PS3.4 C.5.1.1, Timezone Query Adjustment): the asker's dates and times are turned into the wall
clock of the place where the objects come from. That place is told by Timezone Offset From UTC (0008,0201) of
the study, where its first object had one; else it is the department's zone, with its summer time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo

import sqlalchemy as sa

from filmless.features.archive.patterns import Column, Condition
from filmless.features.archive.read_errors import QueryNotUnderstood
from filmless.standards.dicom.dates import parse_date_range, parse_time_range

Span = tuple[str | None, str | None]
"""First and last value in the column's text, both included; None is open."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A pair of columns that tell one moment, and where the clock stood that told it.

    `offset` is the column with the study's Timezone Offset From UTC, "" where it is not known.
    """

    date: Column
    time: Column
    offset: Column


def date_condition(column: Column, value: str) -> Condition:
    """Single value or range of dates; raises QueryNotUnderstood."""
    return _within(column, date_span(value))


def time_condition(column: Column, value: str) -> Condition:
    """Single value or range of times of day; a value cut short means all of its hour or minute."""
    return _within(column, time_span(value))


def date_span(value: str) -> Span:
    """The dates of a query key as DA text; raises QueryNotUnderstood."""
    parsed = parse_date_range(value)
    if parsed.value is None:
        raise QueryNotUnderstood("A date in the query is not YYYYMMDD, nor a range of such dates.")
    first, last = parsed.value
    return (first and first.replace("-", ""), last and last.replace("-", ""))


def time_span(value: str) -> Span:
    """The times of a query key as TM text: the first as short, the last as long as what it means can be."""
    if parse_time_range(value).value is None:
        raise QueryNotUnderstood("A time in the query is not HHMMSS, nor a range of such times.")
    first, dash, last = value.replace(":", "").strip().partition("-")
    if not dash:
        last = first
    return (_first_moment(first.strip()) if first else None, _last_moment(last.strip()) if last else None)


def _first_moment(text: str) -> str:
    # "0800" also finds what was noted as "08": the same moment, and the shorter text sorts first.
    text = text.partition(".")[0] if not text.partition(".")[2].strip("0") else text
    while "." not in text and len(text) > 2 and text.endswith("00"):
        text = text[:-2]
    return text


def _last_moment(text: str) -> str:
    """Up to the end of the hour, minute, second or fraction that is named."""
    whole, _, fraction = text.partition(".")
    whole += "5959"[len(whole) - 2 :] if len(whole) < 6 else ""
    return f"{whole}.{fraction.ljust(6, '9')}"


def _within(column: Column, span: Span) -> Condition:
    first, last = span
    if first == last and first is not None:
        return column == first
    conditions = [column >= first] if first else [column > ""]
    return sa.and_(*conditions, *([column <= last] if last else ()))


# --- Combined, and in another zone -------------------------------------------------------------------------


def combined_condition(clock: Clock, date_value: str, time_value: str) -> Condition:
    """Date and time as one range (PS3.4 C.2.2.2.5.4, combined date-time matching).

    From the first date at the first time to the last date at the last time; without a first time from the
    beginning of its day, without a last one to the end.
    """
    (first_date, last_date), (first_time, last_time) = date_span(date_value), time_span(time_value)
    first = (first_date, first_time or "") if first_date else None
    last = (last_date, last_time or "24") if last_date else None
    return _between(clock, first, last)


def _between(clock: Clock, first: tuple[str, str] | None, last: tuple[str, str] | None) -> Condition:
    # The plain conditions on the date add nothing but the index, which a comparison of pairs may not get.
    pair = sa.tuple_(clock.date, clock.time)
    conditions = [clock.date >= first[0], pair >= sa.tuple_(*first)] if first else [clock.date > ""]
    if last:
        conditions += [clock.date <= last[0], pair <= sa.tuple_(*last)]
    return sa.and_(*conditions)


@dataclass(frozen=True, slots=True)
class Here:
    """The place where objects come from.

    `zone` of those that do not say theirs (None: the machine's), today's date (DA) there, and all Timezone
    Offsets From UTC that studies have in the index.
    """

    zone: tzinfo | None
    today: str
    offsets: Sequence[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A date key and a time key as asked, either may be ""; and the asker's offset from UTC ("+0100")."""

    date: str
    time: str
    combined: bool
    offset: str


def zoned_condition(clock: Clock, asked: Asked, here: Here) -> Condition:
    """The condition for dates and times of another zone.

    Raises QueryNotUnderstood for an offset that is none.
    """
    theirs = zone_of(asked.offset)
    if theirs is None:
        raise QueryNotUnderstood("The Timezone Offset From UTC of the query is not like +0100.")
    zones = [("", here.zone), *((offset, zone_of(offset)) for offset in here.offsets if zone_of(offset))]
    told = [
        sa.and_(clock.offset == offset, _in_zone(clock, asked, (theirs, zone), here.today))
        for offset, zone in zones
    ]
    # An offset that cannot be read: as if there were none.
    unreadable = clock.offset.not_in([offset for offset, _ in zones])
    return sa.or_(*told, sa.and_(unreadable, _in_zone(clock, asked, (theirs, here.zone), here.today)))


def _in_zone(clock: Clock, asked: Asked, zones: tuple[tzinfo, tzinfo | None], today: str) -> Condition:
    theirs, ours = zones

    def converted(date: str, time: str, *, last: bool) -> tuple[str, str]:
        """Their moment on our clock, by the rules of that day."""
        try:
            moment = _moment(date, time, last=last).replace(tzinfo=theirs).astimezone(ours)
        except (OverflowError, ValueError):
            moment = _moment(date, time, last=last)  # The years 1 and 9999: nobody's images are there.
        text = moment.strftime("%H%M%S")
        return moment.strftime("%Y%m%d").rjust(8, "0"), (
            f"{text}.{moment.microsecond:06}" if last else _first_moment(text)
        )

    conditions = []
    if asked.date:
        first_date, last_date = date_span(asked.date)
        first_time, last_time = time_span(asked.time) if asked.combined and asked.time else (None, None)
        first = converted(first_date, first_time or "00", last=False) if first_date else None
        last = converted(last_date, last_time or "235959.999999", last=True) if last_date else None
        conditions.append(_between(clock, first, last))
    if asked.time and not (asked.combined and asked.date):
        day = (date_span(asked.date)[0] if asked.date else None) or today  # Is it summer?
        first_time, last_time = time_span(asked.time)
        since = converted(day, first_time or "00", last=False)[1]
        until = converted(day, last_time or "235959.999999", last=True)[1]
        conditions.append(_hours(clock.time, since, until))
    return sa.and_(*conditions)


def _hours(column: Column, first: str, last: str) -> Condition:
    if first <= last:
        return sa.and_(column >= first, column <= last)
    return sa.and_(column > "", sa.or_(column >= first, column <= last))  # Their day ends within ours.


def _moment(date: str, time: str, *, last: bool) -> datetime:
    day = datetime(int(date[:4]), int(date[4:6]), int(date[6:]))  # noqa: DTZ001  # The caller adds the zone.
    whole, _, fraction = time.partition(".")
    hour, minute, second = (int(whole[at : at + 2] or 0) for at in (0, 2, 4))
    microsecond = int(fraction[:6].ljust(6, "9" if last else "0")) if fraction else 0
    return day + timedelta(hours=hour, minutes=minute, seconds=min(second, 59), microseconds=microsecond)


def zone_of(offset: str) -> tzinfo | None:
    """The zone of a Timezone Offset From UTC (0008,0201) such as "+0100"; None for anything else."""
    digits = offset[1:]
    if len(offset) != 5 or offset[0] not in "+-" or not (digits.isascii() and digits.isdigit()):
        return None
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    if minutes > 14 * 60:  # PS3.3 C.12.1.1.8: from -1200 to +1400.
        return None
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
