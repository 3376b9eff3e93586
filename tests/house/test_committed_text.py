"""What is in the repository works anywhere: no place of one machine, no registry by name, no dead link."""

import re
from pathlib import PurePosixPath

from source_tree import ROOT, committed_files, committed_texts, hold, lines_matching

# Escaped dots: this file names no host either.
REGISTRY_HOSTS = (
    r"(?:\w*pypi\.\w+|pythonhosted\.\w+|npmjs\.\w+|registry\.(?:npm|yarn)\w*|yarnpkg\.\w+|unpkg\.\w+|jsdelivr\.\w+"
    r"|crates\.io|conda\.\w+|docker\.io|ghcr\.io|quay\.io)"
)
ONE_MACHINE = r"(?<![\w.}/)-])/(?:wo" r"rk|tm" r"p|ro" r"ot|ho" r"me)/[\w.-]+"
MADE_ON_THE_SPOT = ("web/dist", "web/viewer", "data/", "objects/", "bench/out", "web/node_modules")


def test_no_file_names_the_host_of_a_package_registry() -> None:
    hold(
        (
            f"{where}:{line} {found}"
            for where, text in committed_texts()
            for line, found in lines_matching(text, rf"\b{REGISTRY_HOSTS}\b")
        ),
        "where packages come from is the setting of the machine that installs.",
    )


def test_no_file_knows_a_folder_of_one_machine() -> None:
    hold(
        (
            f"{where}:{line} {found}"
            for where, text in committed_texts()
            if where != "web/package-lock.json"
            for line, found in lines_matching(text, ONE_MACHINE)
        ),
        "say it relative to the repository, take a temporary folder from `tempfile` or `mktemp`.",
    )


def test_every_relative_link_leads_somewhere() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in committed_files()}
    folders = {parent.as_posix() for name in names for parent in PurePosixPath(name).parents}
    hold(
        (
            f"{where}:{line} {link}"
            for where, text in committed_texts(".md")
            for line, link in lines_matching(text, r"(?<=\]\()[^)\s]+")
            if not re.match(r"[a-z]+:|#", link) and resolve(where, link) not in names | folders
        ),
        "mend the link, or add the page.",
    )


def test_every_path_that_a_page_names_exists() -> None:
    """Paths in code type, from the repository or from the package, such as `edge/dimse/server.py`."""
    names = {path.relative_to(ROOT).as_posix() for path in committed_files()}
    names |= {parent.as_posix() for name in names for parent in PurePosixPath(name).parents}
    hold(
        (
            f"{where}:{line} {path}"
            for where, text in committed_texts(".md")
            for line, path in lines_matching(text, r"(?<=`)[a-z_]\w*/(?:[\w.-]+/)*(?:[\w-]+\.\w+)?(?=`)")
            if not {path.rstrip("/"), f"src/filmless/{path}".rstrip("/")} & names
            and not path.startswith(MADE_ON_THE_SPOT)
        ),
        "mend the path: a page that leads nowhere costs the reader more than no page.",
    )


def resolve(where: str, link: str) -> str:
    """The path in the repository that a link on a page means."""
    path: list[str] = [] if link.startswith("/") else list(PurePosixPath(where).parent.parts)
    for part in PurePosixPath(link.split("#")[0]).parts:
        if part == "..":
            path.pop()
        elif part != "/":
            path.append(part)
    return "/".join(path)


def test_every_file_ends_with_one_line_end_and_uses_no_carriage_return() -> None:
    kept_as_they_come = (".svg", ".lock", ".json")
    hold(
        (
            where
            for where, text in committed_texts()
            if text and not where.endswith(kept_as_they_come) and ("\r" in text or not text.endswith("\n"))
        ),
        "text files have Unix line ends.",
    )
