"""The source as house tests read it: files, syntax trees, who imports whom. Nothing here is run.

Start at `modules` (our package, parsed), `committed_files` (everything that is or will be in git) and
`hold` (fail with the list and the remedy).
"""

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
PACKAGE = "filmless"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One Python file; `name` is dotted, and empty for what is not part of the package."""

    name: str
    path: Path

    @property
    def where(self) -> str:
        """The path as people write it."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        """The source text."""
        return read(self.path)

    @property
    def tree(self) -> ast.Module:
        """The source, parsed."""
        return parse(self.path)

    @property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree."""
        return walk(self.path)

    @property
    def functions(self) -> Iterator[Function]:
        """All functions and methods, nested ones too."""
        return (node for node in self.nodes if isinstance(node, Function))

    @property
    def strings(self) -> Iterator[str]:
        """All string constants."""
        constants = (node.value for node in self.nodes if isinstance(node, ast.Constant))
        return (value for value in constants if isinstance(value, str))

    @property
    def names(self) -> Iterator[str]:
        """Every name and attribute that is read or written."""
        for node in self.nodes:
            if isinstance(node, ast.Name):
                yield node.id
            elif isinstance(node, ast.Attribute):
                yield node.attr


@dataclass(frozen=True)
class Import:
    """`target` is a module of ours; `names` are what is taken from inside it, none for the module itself."""

    importer: Module
    target: str
    names: tuple[str, ...]
    line: int
    for_types_only: bool

    @property
    def where(self) -> str:
        """The place as an editor understands it."""
        return f"{self.importer.where}:{self.line}"


@cache
def read(path: Path) -> str:
    """The text of a file."""
    return path.read_text(encoding="utf-8")


@cache
def parse(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(read(path), str(path))


@cache
def walk(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a file, once for all tests."""
    return tuple(ast.walk(parse(path)))


@cache
def modules() -> tuple[Module, ...]:
    """All modules and packages of filmless."""
    found = []
    for path in sorted(SOURCE.joinpath(PACKAGE).rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found.append(Module(".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
    return tuple(found)


@cache
def module_names() -> frozenset[str]:
    """The dotted names of all modules and packages of filmless."""
    return frozenset(module.name for module in modules())


def module(name: str) -> Module:
    """The module of that dotted name."""
    return next(each for each in modules() if each.name == name)


def features() -> list[str]:
    """The dotted names of the feature packages."""
    return sorted(
        name for name in module_names() if name.startswith("filmless.features.") and depth(name) == 3
    )


def depth(name: str) -> int:
    """How many parts a dotted name has."""
    return name.count(".") + 1


def python_files(*folders: str) -> list[Module]:
    """The Python files below these folders of the repository, as modules without a name."""
    return [Module("", path) for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


@cache
def imports() -> tuple[Import, ...]:
    """Every import of a module of ours by another, also those inside functions."""
    return tuple(found for each in modules() for found in imports_of(each))


def imports_of(importer: Module) -> Iterator[Import]:
    """The imports that one file makes from our package."""
    typing_only = {
        id(inner)
        for node in importer.nodes
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in importer.nodes:
        types = id(node) in typing_only
        if isinstance(node, ast.Import):
            for alias in node.names:
                if _is_ours(alias.name):
                    yield Import(importer, alias.name, (), node.lineno, types)
        elif isinstance(node, ast.ImportFrom) and node.module and _is_ours(node.module):
            yield from _from_import(importer, node, types)


def _from_import(importer: Module, node: ast.ImportFrom, types: bool) -> Iterator[Import]:
    assert node.module
    inside = []
    for alias in node.names:
        submodule = f"{node.module}.{alias.name}"
        if submodule in module_names() and alias.name not in _bound_by_import(node.module):
            yield Import(importer, submodule, (), node.lineno, types)
        else:
            inside.append(alias.name)
    if inside:
        yield Import(importer, node.module, tuple(inside), node.lineno, types)


@cache
def _bound_by_import(package: str) -> frozenset[str]:
    """What a package's `__init__` takes from elsewhere: `sign_in` may be a function and its file."""
    return frozenset(
        alias.asname or alias.name
        for statement in module(package).tree.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    )


def _is_ours(name: str) -> bool:
    return name == PACKAGE or name.startswith(PACKAGE + ".")


def definitions(name: str) -> dict[str, ast.stmt]:
    """The functions, classes and values that a module defines at its top, by name."""
    found: dict[str, ast.stmt] = {}
    for statement in module(name).tree.body:
        if isinstance(statement, Function | ast.ClassDef):
            found[statement.name] = statement
        elif isinstance(statement, ast.Assign):
            found |= {target.id: statement for target in statement.targets if isinstance(target, ast.Name)}
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            found[statement.target.id] = statement
    return found


def exported(package: str) -> dict[str, tuple[str, ast.stmt]]:
    """What a package's `__all__` offers: name to the module that defines it and the definition."""
    front = module(package)
    offered = next(
        ast.literal_eval(statement.value)
        for statement in front.tree.body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__"
    )
    home = {name: each.target for each in imports_of(front) for name in each.names}
    return {name: (home[name], definitions(home[name])[name]) for name in offered}


@cache
def committed_files() -> tuple[Path, ...]:
    """Every file that git holds or would take, still on disk."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file() and not path.is_symlink()))


def committed_texts(*suffixes: str) -> Iterator[tuple[str, str]]:
    """Path and text of the committed files with these suffixes, or of all that are text."""
    for path in committed_files():
        if suffixes and path.suffix not in suffixes and path.name not in suffixes:
            continue
        try:
            yield path.relative_to(ROOT).as_posix(), read(path)
        except UnicodeDecodeError:
            continue


def lines_matching(text: str, pattern: str) -> Iterator[tuple[int, str]]:
    """Line number and match of every match of a pattern."""
    for number, line in enumerate(text.splitlines(), start=1):
        for match in re.finditer(pattern, line):
            yield number, match.group()


def hold(breaches: Iterable[str], remedy: str) -> None:
    """Fail with every breach and what to do about it; pass when there is none."""
    listed = sorted(set(breaches))
    if listed:
        pytest.fail(
            "\n  ".join([f"{len(listed)} breach(es):", *listed]) + f"\nRemedy: {remedy}", pytrace=False
        )
