"""Every error has a code at every door, and no message carries anything of a patient."""

import ast
import importlib
from collections.abc import Iterator, Mapping
from functools import cache

import pytest
from source_tree import hold, modules

from filmless.infra import errors
from filmless.infra.log import FORBIDDEN_KEYS

# Beside what the log withholds: other words in our code for data of a patient, and secrets.
TOLD_NOBODY = FORBIDDEN_KEYS | {
    "accession_number_issuer",
    "birth_date",
    "csrf_token",
    "demographics",
    "issuer_of_patient_id",
    "other_patient_ids",
    "patient",
    "person_name",
    "referring_physician",
    "secret",
    "series_description",
}
# Errors of ours in disguise: no kind, so that each door answers with what it has for a fault of ours.
FAULTS_OF_OURS = {"filmless.features.archive.committer.InternalFault"}
LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical", "log"}


@cache
def error_classes() -> dict[str, type[errors.FilmlessError]]:
    """All kinds of error in the tree by qualified name; the modules that may define one are imported."""
    names = {"FilmlessError"}
    homes: set[str] = set()
    while True:
        found = {
            (each.name, statement.name)
            for each in modules()
            for statement in each.nodes
            if isinstance(statement, ast.ClassDef)
            and any(ast.unparse(base).split(".")[-1] in names for base in statement.bases)
        }
        if {name for _, name in found} <= names:
            break
        names |= {name for _, name in found}
        homes |= {home for home, _ in found}
    for home in sorted(homes):
        importlib.import_module(home)
    return {f"{each.__module__}.{each.__qualname__}": each for each in subclasses(errors.FilmlessError)}


def subclasses(base: type[errors.FilmlessError]) -> Iterator[type[errors.FilmlessError]]:
    for each in base.__subclasses__():
        if each.__module__.startswith("filmless."):
            yield each
            yield from subclasses(each)


def tables() -> dict[str, Mapping[type[errors.FilmlessError], int]]:
    """Each door's table from error to code."""
    from filmless.edge.dicomweb.stow_status import FAILURE_REASON_OF
    from filmless.edge.dimse.status import STATUS_OF
    from filmless.edge.http.problems import STATUS_OF_KIND

    return {
        "edge/dimse/status.py": STATUS_OF,
        "edge/dicomweb/stow_status.py": FAILURE_REASON_OF,
        "edge/http/problems.py": STATUS_OF_KIND,
    }


def test_the_list_of_kinds_is_whole() -> None:
    defined = {each for each in errors.FilmlessError.__subclasses__() if each.__module__ == errors.__name__}
    assert set(errors.KINDS) == defined
    assert len(errors.KINDS) == len(set(errors.KINDS))
    drawn = errors.__doc__ or ""
    hold(
        (kind.__name__ for kind in errors.KINDS if f"─ {kind.__name__}" not in drawn), "draw it in the tree."
    )


def test_every_error_is_of_exactly_one_kind() -> None:
    hold(
        (
            f"{name}: {[kind.__name__ for kind in errors.KINDS if issubclass(each, kind)]}"
            for name, each in error_classes().items()
            if sum(issubclass(each, kind) for kind in errors.KINDS) != (name not in FAULTS_OF_OURS)
        ),
        "derive it from one of the kinds in infra/errors.py.",
    )


@pytest.mark.parametrize(
    "door", ["edge/dimse/status.py", "edge/dicomweb/stow_status.py", "edge/http/problems.py"]
)
def test_every_error_has_a_code_at_every_door(door: str) -> None:
    table = tables()[door]
    hold((kind.__name__ for kind in errors.KINDS if kind not in table), f"give the kind a code in {door}.")
    hold(
        (
            name
            for name, each in error_classes().items()
            if name not in FAULTS_OF_OURS and not any(kind in table for kind in each.__mro__)
        ),
        f"give the error, or its kind, a code in {door}.",
    )


def test_a_fault_of_ours_is_answered_as_one() -> None:
    from filmless.edge.dicomweb.stow_status import failure_reason_of
    from filmless.edge.dimse.status import status_of
    from filmless.edge.http.problems import status_of as http_status_of

    for name in FAULTS_OF_OURS:
        fault = error_classes()[name](RuntimeError())  # type: ignore[arg-type]
        assert status_of(fault) == failure_reason_of(fault) == 0x0110  # PS3.7 C.5.20 Processing failure.
        assert http_status_of(fault) == 500


def test_a_store_is_refused_with_the_same_code_by_dimse_and_by_stow() -> None:
    """The Failure Reason is that of C-STORE; one edge may not import the other, so we compare."""
    assert tables()["edge/dicomweb/stow_status.py"] == tables()["edge/dimse/status.py"]


def test_codes_of_dimse_are_failures_and_codes_of_http_are_errors() -> None:
    for code in tables()["edge/dimse/status.py"].values():
        assert code >> 8 in (0x01, 0xA7, 0xA9) or code >> 12 == 0xC  # PS3.7 Annex C: warnings are 0xBxxx.
    for code in tables()["edge/http/problems.py"].values():
        assert 400 <= code <= 599


def test_every_error_is_raised_or_made_somewhere() -> None:
    made = {
        name
        for each in modules()
        for node in each.nodes
        if isinstance(node, ast.Call | ast.Raise)
        for name in [
            called(node) if isinstance(node, ast.Call) else ast.unparse(node.exc or node).split(".")[-1]
        ]
    }
    hold(
        (
            name
            for name, each in error_classes().items()
            if not any(kind.__name__ in made for kind in (each, *subclasses(each)))
        ),
        "delete the class.",
    )


def test_no_error_message_carries_data_of_a_patient() -> None:
    """The names that messages are put together from, in every exception made anywhere in the package."""
    ours = {name.split(".")[-1] for name in error_classes()}
    hold(
        (
            f"{each.where}:{node.lineno} {called(node)}: {name}"
            for each in modules()
            for node in each.nodes
            if isinstance(node, ast.Call) and is_exception(called(node), ours)
            for argument in node.args
            for name in names_put_into_text(argument)
            if name in TOLD_NOBODY
        ),
        "name the attribute, not its value; our own ids may be told. Messages reach logs, peers and screens.",
    )


def test_no_log_event_carries_data_of_a_patient() -> None:
    hold(
        (
            f"{each.where}:{node.lineno} {name}"
            for each in modules()
            for node in each.nodes
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LOG_METHODS
            and ast.unparse(node.func.value).split(".")[-1] in ("log", "_log", "logger")
            for name in {
                *(keyword.arg or "" for keyword in node.keywords),
                *(name for part in (*node.args, *node.keywords) for name in names_put_into_text(part)),
            }
            if name in TOLD_NOBODY
        ),
        "log an id of ours instead.",
    )


def called(call: ast.Call) -> str:
    return ast.unparse(call.func).split(".")[-1]


def is_exception(name: str, ours: set[str]) -> bool:
    return name in ours or name.endswith(("Error", "Exception", "Warning"))


def names_put_into_text(tree: ast.AST) -> Iterator[str]:
    """Names and last attributes read anywhere below, but for what is only counted or asked about."""
    if isinstance(tree, ast.Call) and called(tree) in ("len", "type", "bool", "isinstance"):
        return
    if isinstance(tree, ast.Name):
        yield tree.id
    elif isinstance(tree, ast.Attribute):
        yield tree.attr
    elif isinstance(tree, ast.IfExp):
        children: list[ast.AST] = [tree.body, tree.orelse]
        for child in children:
            yield from names_put_into_text(child)
    else:
        for child in ast.iter_child_nodes(tree):
            yield from names_put_into_text(child)
