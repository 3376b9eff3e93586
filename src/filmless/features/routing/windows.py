"""Hours of the week in the department's own zone: "weekdays from 20:00 to 06:00". Pure.

A window that ends before it begins goes on past midnight and belongs to the day on which it began.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from filmless.features.routing.errors import RuleRefused

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EVERY_DAY = tuple(range(7))
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """From `begins_at` up to `ends_at` (HH:MM, local), on these days; equal times mean the whole day."""

    begins_at: str = "00:00"
    ends_at: str = "00:00"
    weekdays: tuple[int, ...] = EVERY_DAY  # 0 is Monday, as in datetime.weekday.

    def checked(self) -> "TimeWindow":
        """The same with its days in order and once each; raises RuleRefused."""
        if not _TIME.fullmatch(self.begins_at) or not _TIME.fullmatch(self.ends_at):
            raise RuleRefused("A time of day is written HH:MM, as 06:30.")
        days = tuple(sorted(set(self.weekdays)))
        if not days or not set(days) <= set(EVERY_DAY):
            raise RuleRefused("A time window has at least one weekday, numbered from 0 (Monday) to 6.")
        return TimeWindow(self.begins_at, self.ends_at, days)

    def is_open(self, instant: datetime, zone: tzinfo | None) -> bool:
        """Whether the instant is inside; `zone` None is the machine's own."""
        local_date = instant.astimezone(zone).date()
        return any(
            begins <= instant < ends
            for day in (local_date - timedelta(days=1), local_date)
            if (span := self._on(day, zone)) is not None
            for begins, ends in (span,)
        )

    def opens_at(self, instant: datetime, zone: tzinfo | None) -> datetime:
        """The instant itself if inside, else the beginning that comes next, in UTC."""
        if self.is_open(instant, zone):
            return instant
        first = instant.astimezone(zone).date()
        beginnings = (self._on(first + timedelta(days=number), zone) for number in range(9))
        return next(span[0] for span in beginnings if span is not None and span[0] > instant)

    def _on(self, day: date, zone: tzinfo | None) -> tuple[datetime, datetime] | None:
        """Beginning and end of the window that begins on this day, if it does."""
        if day.weekday() not in self.weekdays:
            return None
        begins, ends = time.fromisoformat(self.begins_at), time.fromisoformat(self.ends_at)
        last_day = day + timedelta(days=1) if ends <= begins else day
        return _instant(day, begins, zone), _instant(last_day, ends, zone)


def _instant(day: date, at: time, zone: tzinfo | None) -> datetime:
    """A local time in UTC; one that the clock skips in spring is read an hour later, as people do."""
    return datetime.combine(day, at, zone).astimezone(UTC)
