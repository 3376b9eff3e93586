"""Wildcard patterns (PS3.4 section C.2.2.2.4) as SQL, and the trigrams that find candidates for them.

`*` stands for any characters, `?` for one; nothing else is special, and case counts. Every value is a bound
parameter. Not here: which attribute takes which pattern (`matching`). Start at `matches_pattern`.
"""

import re
from typing import Any

import sqlalchemy as sa

Condition = sa.ColumnElement[bool]
Column = sa.ColumnElement[Any]

TRIGRAMS_MAX = (
    16  # Each one narrows the candidates further; after some, looking them up costs more than it saves.
)

_WILD = re.compile(r"[*?]")


def has_wildcard(value: str) -> bool:
    """Whether the value is a pattern."""
    return "*" in value or "?" in value


def matches_pattern(column: Column, pattern: str, *, is_sqlite: bool) -> Condition:
    """SQLite's GLOB has DICOM's own wildcards, and uses an index for `A*`; so does PostgreSQL's LIKE."""
    if is_sqlite:
        return column.op("GLOB", is_comparison=True)(pattern.replace("[", "[[]"))
    return column.like(_like_pattern(pattern), escape="!")


def begins(column: Column, prefix: str, *, is_sqlite: bool) -> Condition:
    """The column begins with the text, in which nothing is special."""
    if is_sqlite:
        literal = prefix.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")
        return column.op("GLOB", is_comparison=True)(f"{literal}*")
    return column.like(f"{_like_literal(prefix)}%", escape="!")


def contains(column: Column, text: str, *, is_sqlite: bool) -> Condition:
    """The column contains the text, in which nothing is special; case counts."""
    if is_sqlite:
        return sa.func.instr(column, text) > 0  # LIKE would fold ASCII case, and costs three times as much.
    return column.like(f"%{_like_literal(text)}%", escape="!")


def _like_literal(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _like_pattern(pattern: str) -> str:
    return _like_literal(pattern).replace("*", "%").replace("?", "_")


# --- Trigrams ----------------------------------------------------------------------------------------------


def literal_prefix(pattern: str) -> str:
    """What comes before the first wildcard."""
    return _WILD.split(pattern, maxsplit=1)[0]


def trigrams_of_text(text: str) -> list[str]:
    """The runs of three characters in the text."""
    return list(dict.fromkeys(text[start : start + 3] for start in range(len(text) - 2)))


def trigrams_of_pattern(pattern: str) -> list[str]:
    """The runs of three characters that whatever matches the pattern must have."""
    found = [trigram for run in _WILD.split(pattern) for trigram in trigrams_of_text(run)]
    return list(dict.fromkeys(found))


def all_of(trigrams: list[str]) -> str:
    """An expression of FTS5: all of these; "" when there are none."""
    return " AND ".join(_quoted(trigram) for trigram in trigrams[:TRIGRAMS_MAX])


def any_of(expressions: list[str]) -> str:
    """An expression of FTS5: one of these expressions; "" when one of them says nothing."""
    return " OR ".join(f"({expression})" for expression in expressions) if all(expressions) else ""


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
