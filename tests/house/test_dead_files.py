"""Nothing lies about: every module is reachable from an entry point, every test file is collected."""

import ast
import re
import tomllib
from collections import Counter
from functools import cache

from source_tree import (
    ROOT,
    Function,
    Module,
    committed_texts,
    definitions,
    hold,
    imports,
    lines_matching,
    module_names,
    modules,
    python_files,
)

# What nobody imports and no string of ours names, and yet runs.
STARTED_BY_OTHERS = {
    "filmless.__main__": "python -m filmless",
    "filmless.infra.migrations.env": "alembic runs it",
}
# Tested, finished, and called by no product code: name and what it waits for. The list only shrinks.
WAITING = {
    "filmless.features.access.sessions.list_sessions": "the screen of one's own sessions (Doors and keys)",
    "filmless.features.access.sessions.revoke_session": "the same",
    "filmless.features.archive.find.statement_for": "nothing: the seam where tests see which index is used",
    "filmless.standards.dicom.dates.parse_datetime": "DT keys of the worklist",
    "filmless.standards.dicom.sop_classes.sop_class_name": "the screen of an instance",
}
MIGRATIONS = "filmless.infra.migrations.versions."  # alembic finds them in the folder.

TESTS = python_files("tests")


@cache
def entry_points() -> set[str]:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"].values()
    return {
        *(script.split(":")[0] for script in scripts),
        *STARTED_BY_OTHERS,
        *(name for name in module_names() if name.startswith(MIGRATIONS)),
    }


def modules_named_in(each: Module) -> set[str]:
    """The modules that strings name: `package.module:function` for a sandbox or a server, `-m module`."""
    said = (text.split(":")[0] for text in each.strings)
    return {name for name in said if name in module_names() and "." in name}


def with_parents(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[: end + 1]) for end in range(len(parts))}


def test_every_module_is_reachable_from_an_entry_point() -> None:
    reaches: dict[str, set[str]] = {each.name: modules_named_in(each) for each in modules()}
    for each in imports():
        reaches[each.importer.name].add(each.target)
    alive: set[str] = set()
    waiting = set(entry_points())
    while waiting:
        name = waiting.pop()
        if name not in alive:
            alive.add(name)
            waiting |= with_parents(name) | reaches.get(name, set())
    hold(
        module_names() - alive,
        "delete it, or use it. What others start by name is listed in STARTED_BY_OTHERS with who does.",
    )


def test_every_listed_entry_point_exists() -> None:
    hold(entry_points() - module_names(), "strike it off, or mend the name.")


def used_names() -> Counter[str]:
    """How often each name is read, called, imported or named by a string; offering it is no use of it."""
    used: Counter[str] = Counter()
    for each in modules():
        used.update(each.names)
        used.update(part for text in each.strings if ":" in text for part in text.split(":"))
        if each.path.name != "__init__.py":
            used.update(name for node in each.nodes for name in imported_names(node))
    return used


def counts_if_used(home: Module, definition: ast.stmt) -> bool:
    """Not what a framework calls (a route, a command), nor the tables of constants in the standards."""
    if isinstance(definition, Function | ast.ClassDef):
        return not definition.decorator_list or isinstance(definition, ast.ClassDef)
    return not home.name.startswith("filmless.standards.") and home.path.name != "__init__.py"


def test_everything_is_used_by_more_than_tests() -> None:
    used = used_names()
    lonely = {
        f"{each.name}.{name}"
        for each in modules()
        if not each.name.startswith(MIGRATIONS)
        for name, definition in definitions(each.name).items()
        if counts_if_used(each, definition)
        and used[name] <= sum(isinstance(node, ast.Name) and node.id == name for node in ast.walk(definition))
    }
    hold(lonely - WAITING.keys(), "delete it, or use it. WAITING is for what the very next piece calls.")
    hold(WAITING.keys() - lonely, "it is used now, or gone: strike it off WAITING.")


def test_every_test_file_is_collected_and_holds_a_test() -> None:
    hold(
        (
            each.where
            for each in TESTS
            if each.path.name.startswith("test_")
            and not any(function.name.startswith("test_") for function in each.functions)
        ),
        "a file named test_… holds tests; a helper has another name.",
    )
    hold(
        (
            f"{each.where}:{function.lineno} {function.name}"
            for each in TESTS
            if not each.path.name.startswith("test_")
            for function in each.tree.body
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test_")
        ),
        "pytest collects only files named test_….py.",
    )


def test_every_helper_of_the_tests_is_used() -> None:
    imported = {
        name.split(".")[-1]
        for each in (*TESTS, *python_files("bench", "tools"))
        for node in each.nodes
        for name in imported_names(node)
    }
    by_path = "\n".join(each.text for each in TESTS)  # A script that a test starts is named by its file.
    hold(
        (
            each.where
            for each in TESTS
            if not each.path.name.startswith("test_")
            and each.path.name != "conftest.py"
            and each.path.stem not in imported
            and f"{each.path.name}" not in by_path
        ),
        "delete it, or use it.",
    )


def imported_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(alias.name for alias in node.names)]
    return []


def test_no_two_test_files_share_a_name_and_none_is_in_a_package() -> None:
    counted = Counter(each.path.name for each in TESTS if each.path.name != "conftest.py")
    hold(
        (name for name, count in counted.items() if count > 1),
        "pytest imports test files by their bare name.",
    )
    hold((each.where for each in TESTS if each.path.name == "__init__.py"), "delete it; see above.")


def test_every_test_is_in_one_run_of_make_test() -> None:
    """The three runs of `make test` are selected by markers: each is in one of them."""
    makefile = (ROOT / "Makefile").read_text()
    recipe = makefile.split("\ntest: ")[1].split("\n\n")[0]
    runs = re.findall(r'-m "?([a-z ]+?)"?(?: --|$)', recipe, re.MULTILINE)
    chosen = [run.split() for run in runs if "pytest" not in run]
    assert ["not", "browser", "and", "not", "fault", "and", "not", "slow"] in chosen
    assert ["fault", "or", "slow"] in chosen
    assert ["browser"] in chosen


def test_nothing_is_left_to_do_later() -> None:
    later = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"))
    hold(
        (
            f"{where}:{line} {found}"
            for where, text in committed_texts(
                ".py", ".ts", ".tsx", ".css", ".toml", "Makefile", ".sh", ".js"
            )
            for line, found in lines_matching(text, rf"(?:#|//|/\*).*\b(?:{later})\b")
        ),
        "do it now, or open an issue.",
    )


def test_nothing_prints() -> None:
    hold(
        (
            f"{each.where}:{node.lineno}"
            for each in modules()
            for node in each.nodes
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        ),
        "log an event, or echo with typer.",
    )


def test_no_test_uses_mocks() -> None:
    hold(
        (
            f"{each.where}:{getattr(node, 'lineno', 0)} {name}"
            for each in TESTS
            for node in each.nodes
            for name in imported_names(node)
            if name.split(".")[-1].lower()
            in {"mock", "magicmock", "asyncmock", "create_autospec", "pytest_mock"}
        ),
        "hand in a fake (clock, ids, object-store faults, peers), or use the real thing.",
    )


def test_no_test_replaces_our_own_code() -> None:
    """Fakes are handed in by `compose`; what a test may turn down is a limit, not a function of ours."""
    hold(
        (
            f"{each.where}:{node.lineno} {ast.unparse(node)[:80]}"
            for each in TESTS
            for node in each.nodes
            if isinstance(node, ast.Call) and replaces_ours(each, node)
        ),
        "only limits in capitals may be turned down; hand in a fake for the rest.",
    )


def replaces_ours(each: Module, call: ast.Call) -> bool:
    """Whether this is `monkeypatch.setattr` on what the file imports from us, but for a constant."""
    if not (isinstance(call.func, ast.Attribute) and call.func.attr == "setattr" and call.args):
        return False
    target = call.args[0]
    if isinstance(target, ast.Constant):
        path = str(target.value)
        return path.startswith("filmless.") and not path.split(".")[-1].isupper()
    ours = {
        alias.asname or alias.name.split(".")[0]
        for node in each.nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if (getattr(node, "module", None) or alias.name).startswith("filmless")
    }
    name = call.args[1].value if len(call.args) > 1 and isinstance(call.args[1], ast.Constant) else ""
    return ast.unparse(target).split(".")[0] in ours and not str(name).isupper()
