"""docs/settings.md tells every setting with its default, and no page tells of a setting that is not."""

import re
from pathlib import Path

from source_tree import ROOT, committed_texts, hold, lines_matching

from filmless.infra.settings import Settings

PAGE = ROOT / "docs" / "settings.md"
NOT_SETTINGS = {
    "FILMLESS_BENCH_FOLDER": "where benchmarks keep an index of a million studies between runs",
    "FILMLESS_URL": "where the browser tests and the web application's development server find Filmless",
}


def rows() -> dict[str, tuple[str, str]]:
    """Variable to default and meaning, as the page has them."""
    found = re.findall(r"^\| `(FILMLESS_\w+)` \| (.+?) \| (.+?) \|$", PAGE.read_text(), re.MULTILINE)
    return {name: (default, meaning) for name, default, meaning in found}


def expected() -> dict[str, object]:
    return {f"FILMLESS_{name.upper()}": field.default for name, field in Settings.model_fields.items()}


def test_every_setting_is_documented() -> None:
    hold(expected().keys() - rows().keys(), "add a row to docs/settings.md: variable, default, meaning.")


def test_every_setting_describes_itself() -> None:
    hold(
        (name for name, field in Settings.model_fields.items() if not field.description),
        "give the field a description.",
    )


def test_the_documented_defaults_are_the_real_ones() -> None:
    wrong = [
        f"{name}: the page says {said}, it is {default!r}"
        for name, default in expected().items()
        if name in rows() and not says_default(said := rows()[name][0], default)
    ]
    hold(wrong, "mend docs/settings.md. An empty default is told in words: what takes its place.")


def says_default(said: str, default: object) -> bool:
    if default == "":
        return not re.fullmatch(r"`.*`", said)
    value = said.strip("`")
    if isinstance(default, Path):
        return Path(value) == default
    return said.startswith("`") and value == (
        str(default).lower() if isinstance(default, bool) else str(default)
    )


def test_every_name_of_a_setting_in_the_tree_is_one() -> None:
    known = expected().keys() | NOT_SETTINGS.keys()
    hold(
        (
            f"{where}:{line} {name}"
            for where, text in committed_texts()
            for line, name in lines_matching(text, r"(?<![A-Z_])FILMLESS_[A-Z]+(?:_[A-Z]+)*\b")
            if name not in known
        ),
        "mend the name, or add the setting. What is not a setting of the servers is listed in NOT_SETTINGS.",
    )
