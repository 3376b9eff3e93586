"""Every limit has a reason beside it, is used, and lives where one looks for it."""

import ast
import re

from source_tree import Module, hold, module, modules

LIMITS = module("filmless.infra.limits")
UNITS = {"KIB", "MIB", "GIB"}


def constants(each: Module) -> dict[str, ast.Assign]:
    """The constants in capitals at the top of a module."""
    return {
        statement.targets[0].id: statement
        for statement in each.tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and re.fullmatch(r"_?[A-Z][A-Z0-9_]+", statement.targets[0].id)
    }


def has_reason(each: Module, statement: ast.Assign) -> bool:
    """A comment on one of its lines, one right above that is no heading, or a docstring below."""
    assert statement.end_lineno is not None
    lines = ["", *each.text.splitlines(), ""]
    own = lines[statement.lineno : statement.end_lineno + 1]
    above, below = lines[statement.lineno - 1].strip(), lines[statement.end_lineno + 1].strip()
    return (
        any("#" in line for line in own)
        or (above.startswith("#") and "---" not in above)
        or below.startswith('"""')
    )


def is_alias(statement: ast.Assign) -> bool:
    """Another name for a limit that says why where it stands."""
    return isinstance(statement.value, ast.Name | ast.Attribute)


def is_limit(name: str) -> bool:
    return bool(re.search(r"_(MAX|MIN)$", name))


def test_every_limit_says_why() -> None:
    hold(
        (
            f"{LIMITS.where}:{statement.lineno} {name}"
            for name, statement in constants(LIMITS).items()
            if name not in UNITS and not has_reason(LIMITS, statement)
        ),
        "say in a comment beside it why this number and what happens at it.",
    )


def test_every_limit_is_used() -> None:
    used = {name for each in modules() if each.name != LIMITS.name for name in each.names}
    used |= {
        alias.name
        for each in modules()
        for node in each.nodes
        if isinstance(node, ast.ImportFrom) and node.module == LIMITS.name
        for alias in node.names
    }
    inside = UNITS.intersection(LIMITS.names)
    hold(constants(LIMITS).keys() - used - inside, "delete the limit, or hold to it.")


def test_limits_outside_the_one_file_say_why_too() -> None:
    """Pure standards code keeps its own; a part may keep what concerns nobody else."""
    hold(
        (
            f"{each.where}:{statement.lineno} {name}"
            for each in modules()
            if each.name != LIMITS.name
            for name, statement in constants(each).items()
            if is_limit(name) and not is_alias(statement) and not has_reason(each, statement)
        ),
        "say in a comment beside it why this number.",
    )


def test_every_limit_names_its_unit() -> None:
    """`SEND_SECONDS_MAX`: what is counted comes before MAX, so no number needs a guess."""
    units = r"(BYTES|SECONDS|CHARACTERS|[A-Z]+S|[A-Z]+S_[A-Z_]+)(_MAX|_MIN|_DEFAULT)?$"
    hold(
        (name for name in constants(LIMITS) if name not in UNITS and not re.search(units, name)),
        "put the unit or what is counted before MAX.",
    )
