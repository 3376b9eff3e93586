"""Lock files: everything pinned with hashes, nothing that names where a registry is."""

import json
import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from source_tree import ROOT, hold

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PYTHON_LOCK = (ROOT / "requirements.lock").read_text()
WEB_LOCK = json.loads((ROOT / "web" / "package-lock.json").read_text())
WEB_PACKAGE = json.loads((ROOT / "web" / "package.json").read_text())


def wanted() -> list[Requirement]:
    dependencies = [*PYPROJECT["project"]["dependencies"], *PYPROJECT["dependency-groups"]["dev"]]
    return [Requirement(text) for text in dependencies]


def locked() -> dict[str, tuple[str, str]]:
    """Name to version and the rest of the entry."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"^#.*\n", "", PYTHON_LOCK, flags=re.MULTILINE).strip())
    found: dict[str, tuple[str, str]] = {}
    for entry in entries:
        pin, _, rest = entry.partition(" ")
        requirement = Requirement(pin)
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", pin
        found[canonicalize_name(requirement.name)] = (specifier.version, rest)
    return found


def test_every_python_package_is_locked_with_hashes() -> None:
    hold(
        (
            name
            for name, (_, rest) in locked().items()
            if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", rest)
        ),
        "make the lock file again with hashes.",
    )


def test_the_python_lock_names_no_place() -> None:
    hold(
        re.findall(r".*(?:://| @ |--index-url|--extra-index-url|--find-links|--trusted-host).*", PYTHON_LOCK),
        "where packages come from is the installer's own setting.",
    )


def test_what_is_wanted_is_what_is_locked() -> None:
    pins = locked()
    hold(
        (
            f"{requirement}: locked is {pins.get(canonicalize_name(requirement.name), ('nothing',))[0]}"
            for requirement in wanted()
            if (pin := pins.get(canonicalize_name(requirement.name))) is None
            or not requirement.specifier.contains(pin[0], prereleases=True)
        ),
        "pyproject.toml and requirements.lock are changed together.",
    )


def test_every_package_of_the_web_application_is_locked_with_its_digest_and_no_address() -> None:
    entries = {name: entry for name, entry in WEB_LOCK["packages"].items() if name}
    hold(
        (name for name, entry in entries.items() if "resolved" in entry),
        "npm install, with web/.npmrc in place.",
    )
    hold(
        (name for name, entry in entries.items() if "integrity" not in entry and not entry.get("inBundle")),
        "make the lock file again.",
    )


def test_the_web_application_wants_exact_versions_and_they_are_locked() -> None:
    root = WEB_LOCK["packages"][""]
    for group in ("dependencies", "devDependencies"):
        assert WEB_PACKAGE.get(group, {}) == root.get(group, {}), "npm install"
        hold(
            (
                f"{name} {version}"
                for name, version in WEB_PACKAGE.get(group, {}).items()
                if WEB_LOCK["packages"][f"node_modules/{name}"]["version"] != version
            ),
            "pin the exact version in web/package.json.",
        )
