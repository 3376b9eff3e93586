"""Who may import whom: the contracts of pyproject.toml, and what import-linter cannot say."""

import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from source_tree import ROOT, Import, exported, features, hold, imports, module_names

# A feature's tables belong to it; another one's SQL may join them where the join is the point.
JOINED_TABLES = {
    ("filmless.features.routing.repository", "filmless.features.archive.tables"): (
        "a page of the queue shows its studies; one statement, not one a row"
    ),
    ("filmless.features.routing.repository", "filmless.features.patients.tables"): (
        "a page of the queue shows whose studies they are; one statement, not one a row"
    ),
    ("filmless.features.routing.studies", "filmless.features.archive.tables"): (
        "rules look at four numbers of each instance; ten thousand whole rows would be too many"
    ),
    ("filmless.features.archive.keys", "filmless.features.patients.tables"): (
        "the table of keys names the columns that are matched, the patient's too"
    ),
    ("filmless.features.archive.conditions", "filmless.features.patients.tables"): (
        "a query by Patient's Name is one statement over study and patient"
    ),
    ("filmless.features.archive.searching", "filmless.features.patients.tables"): (
        "a person's words are looked for in names and in studies by one statement"
    ),
    ("filmless.features.archive.matches", "filmless.features.patients.tables"): (
        "answers at patient level, and their order, are rows of patients"
    ),
    ("filmless.features.archive.find", "filmless.features.patients.tables"): (
        "a page of studies shows its patients; one statement, not one a row"
    ),
    ("filmless.features.archive.repository_read", "filmless.features.patients.tables"): (
        "an instance is read with its patient, for the audit record of the read"
    ),
}


def test_the_contracts_of_import_linter_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = ran.stdout.split("Broken contracts")[-1] + ran.stderr
    hold(
        [said] if ran.returncode else [],
        "imports point down the folder listing. Announce an event and let the upper part react, or hand the "
        "thing in from `compose` (ARCHITECTURE.md, The map).",
    )


def test_a_feature_is_entered_by_its_front_door() -> None:
    hold(
        (
            f"{each.where} imports {each.target}"
            for each in imports()
            if _goes_round_the_front_door(each) and (each.importer.name, each.target) not in JOINED_TABLES
        ),
        "import the name from the feature itself; if it is missing there, its `__init__` must offer it "
        "(or the thing is not for others). Tables for an SQL join: list it in JOINED_TABLES with the reason.",
    )


def test_only_what_a_feature_offers_is_taken_from_it() -> None:
    offered = {feature: exported(feature).keys() for feature in features()}
    hold(
        (
            f"{each.where} takes {name} from {each.target}"
            for each in imports()
            if each.target in offered and not _is_inside(each.importer.name, each.target)
            for name in each.names
            if name not in offered[each.target]
        ),
        "add the name to the feature's `__all__`, with a docstring, or do without it.",
    )


def test_every_listed_join_still_exists() -> None:
    made = {(each.importer.name, each.target) for each in imports()}
    hold(
        (f"{importer} -> {target}" for importer, target in JOINED_TABLES if (importer, target) not in made),
        "strike it off JOINED_TABLES.",
    )


def test_no_module_imports_itself_in_a_circle() -> None:
    """Imports inside functions count; those for type checkers do not: they run never."""
    graph: dict[str, set[str]] = {name: set() for name in module_names()}
    for each in imports():
        if (
            not each.for_types_only and each.target != each.importer.name
        ):  # `-m` runs a module under two names.
            graph[each.importer.name].add(each.target)
    circle: list[str] = []
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = [" -> ".join(reversed(error.args[1]))]
    hold(
        circle, "move what both need below both, or hand it in; a module never needs its own package's front."
    )


def _goes_round_the_front_door(each: Import) -> bool:
    return any(
        each.target.startswith(feature + ".") and not _is_inside(each.importer.name, feature)
        for feature in features()
    )


def _is_inside(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")
