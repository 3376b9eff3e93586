"""Routing rules as values: which series they are about, and where those go. Pure.

A condition is a list of patterns, any of which may match; an empty list lets all pass; all conditions must
be met. Start at `failed_conditions`. Not here: the queue (`transmissions`), priors (`priors`).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from enum import IntEnum, StrEnum
from fnmatch import translate
from functools import lru_cache

from filmless.features.nodes import parse_ae_title
from filmless.features.routing.errors import RuleRefused
from filmless.features.routing.windows import TimeWindow

NAME_CHARACTERS_MAX = 80  # One line of a list.
PATTERNS_MAX = 64  # Of one condition; a department with more scanners than that uses wildcards.
PATTERN_CHARACTERS_MAX = 128  # LO holds 64 (PS3.5 6.2), a PN some more.
DESTINATIONS_MAX = 16  # Each gets its own copy: more is a mistake.
QUIET_SECONDS_DEFAULT = 60  # A scanner pauses between series; most are back within a minute.
QUIET_SECONDS_MAX = 24 * 3600  # A rule that waits longer than a day looks like one that does not work.
POSITION_MAX = 1_000_000  # Rules are few; the column holds 32 bits.


class Scope(StrEnum):
    """How much of a study goes when one of its series matches."""

    STUDY = "study"
    SERIES = "series"


class TransmissionPriority(IntEnum):
    """What is sent first; as a number it sorts."""

    URGENT = 0
    NORMAL = 1
    LOW = 2


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a series must be like. Patterns know `*` and `?`; case counts in AE titles only."""

    calling_ae_titles: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    station_names: tuple[str, ...] = ()
    study_descriptions: tuple[str, ...] = ()
    series_descriptions: tuple[str, ...] = ()
    referring_physician_names: tuple[str, ...] = ()
    body_parts_examined: tuple[str, ...] = ()
    received_within: TimeWindow | None = None

    def checked(self) -> "Conditions":
        """The same, trimmed; raises RuleRefused naming what is wrong."""
        window = self.received_within
        lists = {name: checked_patterns(name, getattr(self, name)) for name in PATTERN_CONDITIONS}
        return replace(self, received_within=None if window is None else window.checked(), **lists)


PATTERN_CONDITIONS = tuple(name for name in Conditions.__slots__ if name != "received_within")


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """What conditions look at: a series, its study, and who sent it."""

    calling_ae_titles: frozenset[str]
    modality: str
    station_name: str
    study_description: str
    series_description: str
    referring_physician_name: str
    body_part_examined: str
    study_received_at: datetime  # Of its first instance: late ones are judged as the first.


@dataclass(frozen=True, slots=True)
class Delivery:
    """What happens with what matches."""

    destinations: tuple[str, ...]  # AE titles of nodes.
    scope: Scope = Scope.STUDY
    quiet_seconds: int = QUIET_SECONDS_DEFAULT  # The study must not have grown for so long.
    send_within: TimeWindow | None = None  # Urgent transmissions do not wait for it.
    priority: TransmissionPriority = TransmissionPriority.NORMAL
    request_commitment: bool = False
    project: str = ""  # De-identified for this project; empty: as it is.

    def checked(self) -> "Delivery":
        """The same, trimmed; raises RuleRefused naming what is wrong, Invalid for no AE title."""
        destinations = tuple(dict.fromkeys(parse_ae_title(title) for title in self.destinations))
        if not 1 <= len(destinations) <= DESTINATIONS_MAX:
            raise RuleRefused(f"A rule sends to 1 to {DESTINATIONS_MAX} nodes.")
        if not 0 <= self.quiet_seconds <= QUIET_SECONDS_MAX:
            raise RuleRefused(f"A rule waits between 0 and {QUIET_SECONDS_MAX} seconds of quiet.")
        window = self.send_within
        check_commitment(self.project, request_commitment=self.request_commitment)
        return replace(
            self, destinations=destinations, send_within=None if window is None else window.checked()
        )


@dataclass(frozen=True, slots=True)
class NewRule:
    """A rule as somebody writes it; rules are looked through by position, then by name."""

    name: str
    delivery: Delivery
    conditions: Conditions = field(default_factory=Conditions)
    is_active: bool = True
    position: int = 100

    def checked(self) -> "NewRule":
        """The same, trimmed; raises RuleRefused, Invalid."""
        return NewRule(
            checked_name(self.name),
            self.delivery.checked(),
            self.conditions.checked(),
            self.is_active,
            checked_position(self.position),
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that is kept. A removed one can be restored."""

    id: str
    name: str
    delivery: Delivery
    conditions: Conditions
    is_active: bool
    position: int
    created_at: datetime
    updated_at: datetime


def failed_conditions(conditions: Conditions, facts: SeriesFacts, zone: tzinfo | None) -> tuple[str, ...]:
    """Names of the conditions that the series does not meet; none when the rule matches."""
    failed = [
        name
        for name, values in (
            ("modalities", (facts.modality,)),
            ("station_names", (facts.station_name,)),
            ("study_descriptions", (facts.study_description,)),
            ("series_descriptions", (facts.series_description,)),
            ("referring_physician_names", (facts.referring_physician_name,)),
            ("body_parts_examined", (facts.body_part_examined,)),
        )
        if not _passes(getattr(conditions, name), values)
    ]
    if not _passes(conditions.calling_ae_titles, facts.calling_ae_titles, fold=False):
        failed.insert(0, "calling_ae_titles")
    window = conditions.received_within
    if window is not None and not window.is_open(facts.study_received_at, zone):
        failed.append("received_within")
    return tuple(failed)


def matches(conditions: Conditions, facts: SeriesFacts, zone: tzinfo | None) -> bool:
    """Whether the series meets all conditions; `zone` is the department's, None the machine's own."""
    return not failed_conditions(conditions, facts, zone)


def matches_any(patterns: Sequence[str], value: str, *, fold: bool = True) -> bool:
    """Whether one of the patterns (`*` any characters, `?` one) matches the whole value."""
    return any(_pattern(pattern, fold).fullmatch(value) is not None for pattern in patterns)


def checked_patterns(name: str, patterns: Sequence[str]) -> tuple[str, ...]:
    """Patterns of one condition, trimmed, without the empty ones; raises RuleRefused."""
    trimmed = tuple(dict.fromkeys(text for pattern in patterns if (text := pattern.strip())))
    if len(trimmed) > PATTERNS_MAX:
        raise RuleRefused(f"The condition {name} has more than {PATTERNS_MAX} values; use * and ?.")
    if any(len(text) > PATTERN_CHARACTERS_MAX or not text.isprintable() for text in trimmed):
        raise RuleRefused(f"A value of the condition {name} is too long or no plain text.")
    return trimmed


def check_commitment(project: str, *, request_commitment: bool) -> None:
    """Raise RuleRefused for what contradicts itself."""
    if project and request_commitment:
        raise RuleRefused("What is sent de-identified is no copy: no storage commitment can be asked for it.")


def checked_name(name: str) -> str:
    """A rule's name, trimmed; raises RuleRefused."""
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= NAME_CHARACTERS_MAX or not trimmed.isprintable():
        raise RuleRefused(f"A rule has a name of 1 to {NAME_CHARACTERS_MAX} characters in one line.")
    return trimmed


def checked_position(position: int) -> int:
    """A rule's place among the others; raises RuleRefused."""
    if not 0 <= position <= POSITION_MAX:
        raise RuleRefused(f"A rule's position is between 0 and {POSITION_MAX}.")
    return position


def _passes(patterns: Sequence[str], values: Iterable[str], *, fold: bool = True) -> bool:
    return not patterns or any(matches_any(patterns, value, fold=fold) for value in values)


@lru_cache(maxsize=1024)
def _pattern(pattern: str, fold: bool) -> re.Pattern[str]:
    # fnmatch makes an expression that never goes back over a star; only its [ means nothing to us.
    return re.compile(translate(pattern.replace("[", "[[]")), re.IGNORECASE if fold else 0)
