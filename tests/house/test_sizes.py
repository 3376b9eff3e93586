"""Sizes and signatures: what fits on a screen, says its types, and has a card on its door."""

import ast
from collections.abc import Iterator

import pytest
from source_tree import Function, Module, exported, features, hold, modules, python_files

MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
POSITIONAL_ARGUMENTS_MAX = 6

GENERATED = {
    "src/filmless/standards/dicom/dictionary_table.py",  # tools/generate_dicom_tables.py
    "src/filmless/standards/dicom/sop_class_table.py",  # The same.
    "src/filmless/standards/dicom/deidentification_table.py",  # PS3.15 table E.1-1, line by line.
}
MIGRATIONS = "src/filmless/infra/migrations/versions/"  # Written once, read as a list of statements.

ALL_PYTHON = python_files("src", "tests", "bench", "tools")


def is_exempt(each: Module) -> bool:
    return each.where in GENERATED or each.where.startswith(MIGRATIONS)


def lines_without_docstring(function: Function) -> int:
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function, clean=False) is not None:
        said = function.body[0]
        assert said.end_lineno is not None
        lines -= said.end_lineno - said.lineno + 1
    return lines


def test_no_module_is_longer_than_500_lines() -> None:
    lengths = {each.where: each.text.count("\n") for each in ALL_PYTHON if not is_exempt(each)}
    hold(
        (f"{where}: {lines} lines" for where, lines in lengths.items() if lines > MODULE_LINES_MAX),
        "split it by what it talks about, each file named for its verb or noun.",
    )


def test_no_function_is_longer_than_60_lines() -> None:
    hold(
        (
            f"{each.where}:{function.lineno} {function.name}: {lines_without_docstring(function)} lines"
            for each in ALL_PYTHON
            if not is_exempt(each)
            for function in each.functions
            if lines_without_docstring(function) > FUNCTION_LINES_MAX
        ),
        "give its steps names of their own; the docstring is not counted.",
    )


def test_no_function_takes_more_than_six_positional_arguments() -> None:
    hold(
        (
            f"{each.where}:{function.lineno} {function.name}({', '.join(positional_arguments(function))})"
            for each in ALL_PYTHON
            for function in each.functions
            if len(positional_arguments(function)) > POSITIONAL_ARGUMENTS_MAX
            and not is_a_fixture_taker(each, function)
        ),
        "make them a dataclass, or keyword-only.",
    )


def test_every_function_says_its_types() -> None:
    hold(
        (
            f"{each.where}:{function.lineno} {function.name}: {', '.join(missing)}"
            for each in modules()
            for function in each.functions
            if (missing := list(unannotated(function)))
        ),
        "annotate every argument and what is returned.",
    )


def test_every_module_has_its_card() -> None:
    hold(
        (each.where for each in ALL_PYTHON if not (ast.get_docstring(each.tree) or "").strip()),
        "open the file with a docstring: what it is, what it is not, where to start.",
    )


@pytest.mark.parametrize("feature", features())
def test_everything_a_feature_offers_has_a_docstring(feature: str) -> None:
    hold(
        (
            f"{home}.{name}"
            for name, (home, definition) in exported(feature).items()
            if isinstance(definition, Function | ast.ClassDef) and not ast.get_docstring(definition)
        ),
        "say what it does, with units, errors and the clause of the standard.",
    )


@pytest.mark.parametrize("feature", features())
def test_every_public_method_of_a_class_that_a_feature_offers_has_a_docstring(feature: str) -> None:
    hold(
        (
            f"{home}.{name}.{method.name}"
            for name, (home, definition) in exported(feature).items()
            if isinstance(definition, ast.ClassDef)
            for method in definition.body
            if isinstance(method, Function)
            and not method.name.startswith("_")
            and not ast.get_docstring(method)
        ),
        "say what it does, with units, errors and the clause of the standard.",
    )


def positional_arguments(function: Function) -> list[str]:
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def is_a_fixture_taker(each: Module, function: Function) -> bool:
    """pytest fills these by name; nobody calls them."""
    return each.where.startswith("tests/") and (
        function.name.startswith("test_") or any("fixture" in ast.unparse(d) for d in function.decorator_list)
    )


def unannotated(function: Function) -> Iterator[str]:
    arguments = function.args
    taken = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    taken += [extra for extra in (arguments.vararg, arguments.kwarg) if extra]
    for argument in taken:
        if argument.annotation is None and argument.arg not in ("self", "cls"):
            yield argument.arg
    if function.returns is None:
        yield "return"
