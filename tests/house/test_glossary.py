"""The words of GLOSSARY.md's last column are not names in our code."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest
from source_tree import ROOT, Module, committed_files, hold, modules

# Banned as a name of ours, used as somebody else's: word, file, reason.
OTHERS_WORDS: dict[tuple[str, str], str] = {}
OTHERS_VERBS = {"process_bind_param", "process_result_value"}  # sqlalchemy.TypeDecorator calls them so.
VERBS_TOO_VAGUE = {"process", "manage", "handle", "do"}
NOUNS_TOO_VAGUE = {"helper", "helpers", "util", "utils", "manager", "misc", "common_utils"}


def banned() -> list[str]:
    """The last column: code words that stand alone. `x` for something is a matter of sense, not of a test."""
    words: list[str] = []
    for row in re.findall(r"^\|(.+)\|$", (ROOT / "GLOSSARY.md").read_text(), re.MULTILINE):
        cells = [cell.strip() for cell in row.split("|")]
        words += [
            match[1] for part in cells[-1].split(",") if (match := re.fullmatch(r"`(\w+)`", part.strip()))
        ]
    return words


@cache
def words_of(name: str) -> list[str]:
    """`calling_AETitle` -> calling, ae, title."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return [word for word in apart.lower().split("_") if word]


@cache
def identifiers(each: Module) -> tuple[tuple[str, int], ...]:
    """Every name in the file with the line where it first stands."""
    first: dict[str, int] = {}
    for name, line in all_identifiers(each):
        first.setdefault(name, line)
    return tuple(first.items())


def all_identifiers(each: Module) -> Iterator[tuple[str, int]]:
    """Every name that the file gives or uses, and the names of its columns, tables and JSON keys."""
    yield each.path.stem, 1
    for node in each.nodes:
        if isinstance(node, ast.Name):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg, node.value.lineno
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            yield node.value, node.lineno


def test_the_glossary_bans_something() -> None:
    assert {"mrn", "accno", "image_uid", "aet"} <= set(banned())


@pytest.mark.parametrize("word", banned())
def test_a_banned_word_is_no_name_in_the_code(word: str) -> None:
    parts = words_of(word)
    hold(
        (
            f"{each.where}:{line} {name}"
            for each in modules()
            if (word, each.where) not in OTHERS_WORDS
            for name, line in identifiers(each)
            if contains(words_of(name), parts)
        ),
        f"use the word of GLOSSARY.md instead of {word!r}; somebody else's word is listed in OTHERS_WORDS.",
    )


def test_every_listed_exception_is_needed() -> None:
    hold(
        (
            f"{word} in {where}"
            for word, where in OTHERS_WORDS
            if not any(
                each.where == where and any(word in words_of(name) for name, _ in identifiers(each))
                for each in modules()
            )
        ),
        "strike it off OTHERS_WORDS.",
    )


def test_no_verb_and_no_file_has_a_name_that_says_nothing() -> None:
    hold(
        (
            f"{each.where}:{function.lineno} {function.name}"
            for each in modules()
            for function in each.functions
            if re.match(r"_*({})_".format("|".join(VERBS_TOO_VAGUE)), function.name)
            and function.name not in OTHERS_VERBS
        ),
        "say what it does to what: store, receive, find, accept …",
    )
    hold(
        (
            path.relative_to(ROOT).as_posix()
            for path in committed_files()
            if path.suffix in (".py", ".ts", ".tsx") and set(words_of(path.stem)) & NOUNS_TOO_VAGUE
        ),
        "name the file for what it is about.",
    )


def contains(words: list[str], parts: list[str]) -> bool:
    return any(words[start : start + len(parts)] == parts for start in range(len(words) - len(parts) + 1))
