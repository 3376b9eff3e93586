"""Attribute matching of a query against one data set (PS3.4 C.2.2.2), and what is returned of it.

For lists that are read item by item: worklists. Not here: the index of the archive, whose matching is SQL
(`features/archive`). Start at `matches`, then `returned`.

Person names are compared without regard to case and accents, in any of their scripts; descriptions without
regard to case; everything else as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet, Element
from filmless.standards.dicom.dates import parse_date, parse_date_range, parse_time, parse_time_range
from filmless.standards.dicom.dictionary import keyword_of
from filmless.standards.dicom.person_name import normalise_text, parse_person_name

NO_KEYS = frozenset({tags.SPECIFIC_CHARACTER_SET, tags.TIMEZONE_OFFSET_FROM_UTC, tags.QUERY_RETRIEVE_LEVEL})
"""Elements of an identifier that say how to read it, not what to look for."""

_WILDCARD_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
_NUMBER_VRS = frozenset({"DS", "IS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"})
_FREE_TEXT_VRS = frozenset({"LT", "ST", "UC", "UT"})


class KeyNotUnderstood(ValueError):
    """A key has a value that its VR cannot have; `tag` is the key."""

    def __init__(self, tag: int) -> None:
        super().__init__(f"The value of {keyword_of(tag) or f'{tag:08X}'} in the query makes no sense.")
        self.tag = tag


@dataclass(frozen=True, slots=True)
class Rules:
    """How to compare. `fuzzy`: a word of a name may begin any component. `combined`: pairs of a date and a
    time tag whose ranges, given together, are one range from the first instant to the last (PS3.4 K.6.1.2.2).
    `complete`: sequences whose items have, as the data set itself, every attribute that is supported. What
    such a one lacks is no key to us (PS3.4 C.2.2.1.3); in other items it is an attribute without a value.
    """

    fuzzy: bool = False
    combined: Sequence[tuple[int, int]] = ()
    complete: frozenset[int] = frozenset()


LITERAL = Rules()


def matches(keys: DataSet, held: DataSet, rules: Rules = LITERAL, *, complete: bool = True) -> bool:
    """Whether the data set matches every key; keys of zero length and `*` match everything.

    `complete`: whether it has every supported attribute. Raises KeyNotUnderstood.
    """
    together = _combined_keys(keys, rules)
    for tag in keys:
        element = keys.elements[tag]
        if tag in NO_KEYS or tag in together or is_universal(element) or (complete and tag not in held):
            continue
        if element.items is not None:
            # PS3.4 C.2.2.2.6: every key of the item must match in one and the same item of the sequence.
            wanted, whole = element.items[0], tag in rules.complete
            if not any(matches(wanted, item, rules, complete=whole) for item in held.items(tag)):
                return False
        elif not _value_matches(tag, element, held, rules):
            return False
    return all(_combined_matches(keys, held, pair) for pair in rules.combined if pair[0] in together)


def is_universal(element: Element) -> bool:
    """Whether the key asks for the attribute and restricts nothing (PS3.4 C.2.2.2.3)."""
    if element.items is not None:
        return not element.items or all(is_universal(one) for one in element.items[0].elements.values())
    return all(value in ("", "*", b"") for value in element.values or ())


def returned(
    keys: DataSet, held: DataSet, rules: Rules = LITERAL, *, complete: bool = True
) -> tuple[DataSet, bool]:
    """What an answer holds: the attributes asked for, and whether all of them are supported here.

    A sequence asked for without naming attributes of its items comes whole.
    """
    answer = DataSet()
    all_supported = True
    for tag in keys:
        if tag in NO_KEYS:
            continue
        element = held.element(tag)
        if element is None and complete:
            all_supported = False
        elif element is None:
            answer.elements[tag] = _without_value(keys.elements[tag])
        elif element.items is None or not keys.items(tag) or not keys.items(tag)[0]:
            answer.elements[tag] = element
        else:
            asked, whole = keys.items(tag)[0], tag in rules.complete
            answers = [returned(asked, item, rules, complete=whole) for item in element.items]
            answer.set_items(tag, [one for one, _ in answers])
            all_supported = all_supported and all(supported for _, supported in answers)
    return answer, all_supported


def _without_value(key: Element) -> Element:
    return Element(key.vr, items=[]) if key.items is not None else Element(key.vr, [])


# --- One value ---------------------------------------------------------------------------------------------


def _value_matches(tag: int, key: Element, held: DataSet, rules: Rules) -> bool:
    if key.vr == "DA":
        return any(_in_date_range(tag, key, value) for value in held.texts(tag))
    if key.vr == "TM":
        return any(_in_time_range(tag, key, value) for value in held.texts(tag))
    wanted = [str(value) for value in key.values or () if not isinstance(value, bytes)]
    if not wanted:
        return True  # Bytes are not searched for (PS3.4 C.2.2.2).
    values = held.texts(tag)
    if key.vr == "PN":
        return any(_name_matches(one, value, rules) for one in wanted for value in values)
    if key.vr in _NUMBER_VRS:
        return any(_number(tag, one) == _held_number(value) for one in wanted for value in values)
    is_text = key.vr in _FREE_TEXT_VRS or keyword_of(tag).endswith("Description")
    if is_text:
        wanted, values = [one.casefold() for one in wanted], [value.casefold() for value in values]
    if key.vr in _WILDCARD_VRS:
        return any(wildcard_matches(one.strip(), value.strip()) for one in wanted for value in values)
    return any(one == value for one in wanted for value in values)


def wildcard_matches(pattern: str, text: str) -> bool:
    """Whether the text fits a pattern with `*` and `?` (PS3.4 C.2.2.2.4), in time that never explodes."""
    at, here = 0, 0
    star, resumed = -1, 0
    while here < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, resumed = at, here
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            resumed += 1
            at, here = star + 1, resumed
        else:
            return False
    return all(mark == "*" for mark in pattern[at:])


def _name_matches(wanted: str, name: str, rules: Rules) -> bool:
    """PS3.4 C.2.2.2.1.1: a key of one group may be in any script, one of several must agree in each.

    A family name alone finds everybody of that name: modalities leave out what follows, and mean it so.
    """
    held = [_name_key(group) for group in name.split("=")[:3]]
    if rules.fuzzy and not has_wildcard(wanted):
        words = normalise_text(wanted.replace("^", " ").replace("=", " ")).split()
        parts = [word for group in held for word in group.replace("^", " ").split()]
        return all(any(part.startswith(word) for part in parts) for word in words)
    groups = [_name_key(group) for group in wanted.split("=")[:3]]
    if len(groups) == 1:
        return any(_group_matches(groups[0], group) for group in held)
    pairs = zip(groups, held + [""] * len(groups), strict=False)
    return all(not group or _group_matches(group, one) for group, one in pairs)


def _group_matches(wanted: str, held: str) -> bool:
    if has_wildcard(wanted):
        # "SMITH^*" also means a Smith without any given name.
        return wildcard_matches(wanted, held) or wildcard_matches(wanted, f"{held}^")
    return held == wanted or held.startswith(f"{wanted}^")


def _name_key(group: str) -> str:
    return parse_person_name(group).matching_key()


def has_wildcard(text: str) -> bool:
    """Whether the key holds `*` or `?`."""
    return "*" in text or "?" in text


def _number(tag: int, text: str) -> float:
    number = _held_number(text)
    if number is None:
        raise KeyNotUnderstood(tag)
    return number


def _held_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


# --- Dates and times ---------------------------------------------------------------------------------------

Range = tuple[str | None, str | None]


def date_range(tag: int, key: Element) -> Range:
    """First and last day of a DA key, as YYYY-MM-DD; None where it is open. Raises KeyNotUnderstood."""
    parsed = parse_date_range(str((key.values or [""])[0]))
    if parsed.value is None:
        raise KeyNotUnderstood(tag)
    return parsed.value


def _time_range(tag: int, key: Element) -> Range:
    parsed = parse_time_range(str((key.values or [""])[0]))
    if parsed.value is None:
        raise KeyNotUnderstood(tag)
    return parsed.value


def _in_date_range(tag: int, key: Element, value: str) -> bool:
    first, last = date_range(tag, key)
    held = _day(value)
    return held is not None and (first is None or held >= first) and (last is None or held <= last)


def _in_time_range(tag: int, key: Element, value: str) -> bool:
    first, last = _time_range(tag, key)
    held = _hour(value)
    return held is not None and (first is None or held >= first) and (last is None or held <= _end(last))


def _combined_keys(keys: DataSet, rules: Rules) -> set[int]:
    """The tags of those pairs whose date and time are both ranges."""
    found: set[int] = set()
    for pair in rules.combined:
        elements = [keys.element(tag) for tag in pair]
        if all(one is not None and one.values and "-" in str(one.values[0]) for one in elements):
            found.update(pair)
    return found


def _combined_matches(keys: DataSet, held: DataSet, pair: tuple[int, int]) -> bool:
    dates, times = (keys.elements[tag] for tag in pair)
    first_day, last_day = date_range(pair[0], dates)
    first_hour, last_hour = _time_range(pair[1], times)
    day, hour = _day(held.text(pair[0])), _hour(held.text(pair[1]))
    if day is None or hour is None:
        return False
    begins = first_day is None or (day, hour) >= (first_day, first_hour or "")
    ends = last_day is None or (day, hour) <= (last_day, _end(last_hour) if last_hour else "24")
    return begins and ends


def _end(time: str) -> str:
    """The last instant of the second or fraction named."""
    whole, _, fraction = time.partition(".")
    return f"{whole}.{fraction.ljust(6, '9')}"


def _day(text: str) -> str | None:
    return parse_date(text).value


def _hour(text: str) -> str | None:
    return parse_time(text).value
