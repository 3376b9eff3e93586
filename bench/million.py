"""Queries on a million studies, on SQLite and PostgreSQL: does each find its index?

The index is made once (`made_index`) and kept in a folder outside the repository. Two ways to ask: `verbs`,
the product's own `iterate_matches` and `find_studies` in this process, with the audit record of each query;
`dimse`, C-FIND over a socket against a running Filmless. A query's time ends with its last match, or with its
hundredth where a person would see a page.
Run `python -m bench.million [--studies N] [--folder F] [--through dimse]`.
"""

import argparse
import hashlib
import itertools
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench import made_index
from bench.filmless_server import Filmless
from bench.find_client import Finder
from bench.kept_postgres import KeptPostgres
from bench.results import RAW, machine, replace_section
from filmless.features.access.model import system_actor
from filmless.features.archive import Level, Query, find_studies, iterate_matches
from filmless.infra import migrations
from filmless.infra.clock import SystemClock
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore

SMALL = 10_000  # Growth is told against an index of this size.
PAGE = 100
KEYED_MS_MAX, WILDCARD_MS_MAX = 15.0, 60.0  # Issue 3; p95.
PAGE_KEYED_MS_MAX, PAGE_WILDCARD_MS_MAX = 10.0, 50.0  # The design's, for QIDO.
REPEATS = 60


@dataclass(frozen=True)
class Work:
    """One kind of query. `rows_max` None: to the last match."""

    title: str
    query_of: Callable[[int], Query]
    level: Level = Level.STUDY
    keyed: bool = True
    rows_max: int | None = None
    pages_only: bool = False


@dataclass(frozen=True)
class Figure:
    """What one kind of query took, in milliseconds."""

    title: str
    way: str
    database: str
    studies: int
    keyed: bool
    limit: float
    rows: float
    milliseconds: tuple[float, ...] = field(repr=False)

    @property
    def p50(self) -> float:
        """The middle one."""
        return statistics.median(self.milliseconds)

    @property
    def p95(self) -> float:
        """The one that 95 of a hundred do not exceed."""
        return sorted(self.milliseconds)[max(0, -(-len(self.milliseconds) * 95 // 100) - 1)]

    def line(self) -> str:
        """One row of the table."""
        mark = "yes" if self.p95 <= self.limit else "**no**"
        return (
            f"| {self.title} | {self.way} | {self.database} | {self.rows:.0f} | {self.p50:.1f} "
            f"| {self.p95:.1f} | {max(self.milliseconds):.1f} | ≤ {self.limit:.0f} | {mark} |"
        )


def _name(pattern: Callable[[int], str], *, fuzzy: bool = False) -> Callable[[int], Query]:
    return lambda number: Query({"PatientName": pattern(number)}, limit=PAGE, fuzzy=fuzzy)


def _asked(**matching: Callable[[int], str]) -> Callable[[int], Query]:
    return lambda number: Query({key: value(number) for key, value in matching.items()}, limit=PAGE)


def works(studies: int) -> list[Work]:
    """Every kind of query, each asked with another value every time."""
    draw = random.Random(3)
    people = made_index.patient_count(studies)
    numbers = [draw.randint(1, studies) for _ in range(1000)]
    patients = [draw.randint(1, people) for _ in range(1000)]
    common = ["MEIER", "müller", "schmidt", "Schneider", "fischer", "weber", "becker", "hoffmann"]
    rare = [name for name in made_index.families() if len(name) > 10][-500:]
    given = ["Anna", "Peter", "Maria", "Thomas", "Petra", "Jörg"]

    def family_of(number: int) -> str:
        return made_index.name_of(patients[number]).split("=")[0].split("^")[0]

    def day(number: int) -> str:
        return made_index.day_of(numbers[number], studies)

    modality = itertools.cycle(("CT", "MR", "US"))
    patient_id = _asked(PatientID=lambda n: made_index.patient_id_of(patients[n]))
    study_uid = _asked(StudyInstanceUID=lambda n: made_index.study_uid_of(numbers[n]))
    accession_number = _asked(AccessionNumber=lambda n: made_index.accession_number_of(numbers[n]))
    of_a_day = _asked(StudyDate=day, ModalitiesInStudy=lambda _: next(modality))
    common_inside = _name(lambda n: f"*{common[n % 8]}*")
    keyed = [
        Work("Patient ID", patient_id),
        Work("Patient ID, patient level", patient_id, Level.PATIENT),
        Work("Accession Number", accession_number),
        Work("Study Instance UID", study_uid),
        Work("series of a study", study_uid, Level.SERIES),
        Work("one day, first hundred", _asked(StudyDate=day), rows_max=PAGE),
        Work("one day and modality", of_a_day),
        Work("from a day on, first hundred", _asked(StudyDate=lambda n: f"{day(n)}-"), rows_max=PAGE),
        Work("name and birth date", lambda n: _person(patients[n])),
        Work("everything, first hundred", _asked(), rows_max=PAGE),
    ]
    return [
        *keyed,
        *(
            Work(title, query_of, keyed=False, rows_max=PAGE)
            for title, query_of in _names(common, given, rare, family_of)
        ),
        Work("`*name*`, patient level", common_inside, Level.PATIENT, keyed=False, rows_max=PAGE),
        *(
            Work(title, _search(text), keyed=False, pages_only=True)
            for title, text in _words(common, given, numbers)
        ),
    ]


def _names(
    common: Sequence[str], given: Sequence[str], rare: Sequence[str], family_of: Callable[[int], str]
) -> list[tuple[str, Callable[[int], Query]]]:
    """Wildcards, sounds and words in names and descriptions."""
    sight = ("thorax", "knie", "notfall")
    return [
        ("`name*`, common", _name(lambda n: f"{common[n % 8]}*")),
        ("`name*`, any", _name(lambda n: f"{family_of(n)}^*")),
        ("`*name*`, common", _name(lambda n: f"*{common[n % 8]}*")),
        ("`*name*`, rare", _name(lambda n: f"*{rare[n][2:-1]}*")),
        ("`*name*`, nobody", _name(lambda n: f"*{rare[n]}qx{n}*")),
        ("`*given*`, very common", _name(lambda n: f"*{given[n % 6]}*")),
        ("`?` inside", _name(lambda n: f"M?{'yi'[n % 2]}er^{'APM'[n % 3]}*")),
        ("`*?*` inside", _name(lambda n: f"*sch?eider*{'aei'[n % 3]}*")),
        ("`*山田*`, two characters", _name(lambda _: "*山田*")),
        ("fuzzy, two words", _name(lambda n: f"{given[n % 6]} {common[n % 8]}", fuzzy=True)),
        ("fuzzy, by sound", _name(lambda n: common[n % 8], fuzzy=True)),
        ("`*description*`, common", _asked(StudyDescription=lambda n: f"*{sight[n % 3]}*")),
        ("`*description*`, rare", _asked(StudyDescription=lambda n: f"*protokoll {n * 37 % 5000}*")),
    ]


def _words(
    common: Sequence[str], given: Sequence[str], numbers: Sequence[int]
) -> list[tuple[str, Callable[[int], str]]]:
    """What people type into the search field of the study list."""
    return [
        ("words: a name", lambda n: common[n % 8]),
        ("words: two names", lambda n: f"{given[n % 6]} {common[n % 8]}"),
        ("words: a name and a description", lambda n: f"{common[n % 8]} thorax"),
        ("words: an accession number", lambda n: made_index.accession_number_of(numbers[n])),
        ("words: nobody", lambda n: f"qxqx{n}"),
    ]


def _search(text: Callable[[int], str]) -> Callable[[int], Query]:
    return lambda number: Query(search=text(number), limit=PAGE)


def _person(patient: int) -> Query:
    name = made_index.name_of(patient).split("=")[0]
    return Query({"PatientName": name, "PatientBirthDate": made_index.birth_date_of(patient)})


# --- Ways to ask -------------------------------------------------------------------------------------------

Ask = Callable[[Work, Query], int]
"""Asks one query and returns how many matches came."""


@dataclass(frozen=True)
class Index:
    """An archive without objects."""

    database: Database
    object_store: FolderObjectStore
    zone: None = None


def all_matches(index: Index) -> Ask:
    """As C-FIND does: every match, one after the other."""
    actor = system_actor("bench")

    def ask(work: Work, query: Query) -> int:
        found = iterate_matches(index, actor, work.level, query)
        return sum(1 for _ in itertools.islice(found, work.rows_max))

    return ask


def one_page(index: Index) -> Ask:
    """As QIDO and the study list do: a page, newest first, and how many there are."""
    actor = system_actor("bench")
    return lambda _, query: len(find_studies(index, actor, query).rows)


def through_dimse(finder: Finder) -> Ask:
    """C-FIND over a socket."""

    def ask(work: Work, query: Query) -> int:
        return finder.find(work.level.value, query.matching, work.rows_max)

    return ask


def measure(
    ask: Ask, way: str, database: str, studies: int, chosen: Sequence[Work], limits: tuple[float, float]
) -> list[Figure]:
    """Ask each kind of query often; print each figure as it comes."""
    figures = []
    for work in chosen:
        for number in range(3):
            ask(work, work.query_of(100 + number))  # A server that has been up for more than a second.
        taken, rows = [], []
        for number in range(REPEATS):
            query = work.query_of(number)
            begun = time.perf_counter()
            rows.append(ask(work, query))
            taken.append((time.perf_counter() - begun) * 1000)
        limit = limits[0] if work.keyed else limits[1]
        figure = Figure(
            work.title, way, database, studies, work.keyed, limit, statistics.mean(rows), tuple(taken)
        )
        print(f"    {figure.line()}", flush=True)
        figures.append(figure)
    return figures


# --- Indexes -----------------------------------------------------------------------------------------------


def schema_digest() -> str:
    """Tells one state of the schema from another: an index made for another one is not used."""
    steps = sorted((Path(migrations.__file__).parent / "versions").glob("v*.py"))
    return hashlib.sha256(b"".join(step.read_bytes() for step in steps)).hexdigest()[:8]


def sqlite_url(folder: Path, studies: int) -> str:
    """The URL of a made index in SQLite, filled if it is not there."""
    path = folder / f"{studies}.sqlite3"
    url = f"sqlite:///{path}"
    if not path.exists():
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        print(f"making an index of {studies} studies in SQLite", flush=True)
        database = Database(f"sqlite:///{part}", SystemClock())
        made_index.fill(database, studies)
        database.close()
        part.rename(path)
    return url


def postgresql_url(server: KeptPostgres, studies: int) -> str:
    """The URL of a made index in PostgreSQL, filled if it is not there."""
    name = f"made_{studies}"
    if not server.has_database(name):
        print(f"making an index of {studies} studies in PostgreSQL", flush=True)
        server.run(f"DROP DATABASE IF EXISTS {name}_part")
        server.run(f"CREATE DATABASE {name}_part")
        database = Database(server.url(f"{name}_part"), SystemClock())
        made_index.fill(database, studies)
        database.close()
        server.run(f"ALTER DATABASE {name}_part RENAME TO {name}")
    return server.url(name)


def urls(folder: Path, studies: int, only: str | None, stack: ExitStack) -> Iterator[tuple[str, str]]:
    """Name and URL of each database."""
    if only != "postgresql":
        yield "SQLite", sqlite_url(folder, studies)
    if only != "sqlite":
        server = stack.enter_context(KeptPostgres(folder / "postgres"))
        yield "PostgreSQL", postgresql_url(server, studies)


def measure_verbs(url: str, name: str, studies: int, folder: Path, chosen: Sequence[Work]) -> list[Figure]:
    """Both verbs on one database."""
    database = Database(url, SystemClock())
    index = Index(database, FolderObjectStore(folder / "objects"))
    whole = [work for work in chosen if not work.pages_only]
    pages = [work for work in chosen if work.level is Level.STUDY]
    try:
        found = measure(all_matches(index), "matches", name, studies, whole, (KEYED_MS_MAX, WILDCARD_MS_MAX))
        return found + measure(
            one_page(index), "page", name, studies, pages, (PAGE_KEYED_MS_MAX, PAGE_WILDCARD_MS_MAX)
        )
    finally:
        index.object_store.close()
        database.close()


def measure_dimse(url: str, name: str, studies: int, chosen: Sequence[Work]) -> list[Figure]:
    """C-FIND against a Filmless that is started on the database."""
    whole = [work for work in chosen if not (work.pages_only or "fuzzy" in work.title)]
    server = Filmless({"FILMLESS_DATABASE_URL": url})
    server.start()
    try:
        finder = Finder(server.dicom_address, server.ae_title)
        try:
            limits = (KEYED_MS_MAX, WILDCARD_MS_MAX)
            return measure(through_dimse(finder), "C-FIND", name, studies, whole, limits)
        finally:
            finder.release()
    finally:
        server.kill()


# --- Report ------------------------------------------------------------------------------------------------


def report(figures: Sequence[Figure], studies: int, command: str, *, keep: bool) -> None:
    """Print the tables, save the raw figures, and (keep) replace the section of the summary."""
    head = (
        "| Query | as | database | rows | p50 ms | p95 ms | max ms | p95 must be | reached |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    large = [figure for figure in figures if figure.studies == studies]
    lines = [head, *(figure.line() for figure in large)]
    growth = growth_lines(figures, studies)
    measured_at = datetime.now(UTC)
    about = f"`{command}` on {machine()}, {measured_at:%Y-%m-%d %H:%M} UTC; {REPEATS} queries of each kind."
    section = f"Queries on {studies:,} studies"
    body = "\n".join([*lines, "", *growth, "", about])
    print(f"\n{section}\n\n{body}")
    RAW.mkdir(exist_ok=True)
    path = RAW / f"queries-{studies}-{measured_at:%Y%m%dT%H%M%S}.json"
    raw = {
        "section": section,
        "command": command,
        "machine": machine(),
        "measured_at": measured_at.isoformat(),
    }
    path.write_text(json.dumps(raw | {"figures": [asdict(figure) for figure in figures]}))
    if keep:
        replace_section(section, body)


def growth_lines(figures: Sequence[Figure], studies: int) -> list[str]:
    """How much slower the keyed queries are than on the small index; empty when it was not measured."""
    small = {(one.title, one.way, one.database): one for one in figures if one.studies == SMALL != studies}
    lines = []
    for figure in figures:
        other = small.get((figure.title, figure.way, figure.database))
        if figure.studies == studies and figure.keyed and other is not None:
            ratio = figure.p50 / other.p50
            lines.append(
                f"| {figure.title} | {figure.way} | {figure.database} | {other.p50:.1f} | {figure.p50:.1f} "
                f"| {ratio:.2f} × | {'yes' if ratio <= 1.5 else '**no**'} |"
            )
    head = f"| Query | as | database | p50 ms at {SMALL:,} | p50 ms at {studies:,} | growth | ≤ 1.5 × |"
    return [head, "|---|---|---|---|---|---|---|", *lines] if lines else []


def main() -> None:
    """Make what is missing, measure what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where made indexes are kept (or BENCH_FOLDER)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="just this one")
    parser.add_argument("--through", choices=("verbs", "dimse"), default="verbs")
    parser.add_argument("--only", default="", help="queries whose title holds this text")
    parser.add_argument("--quick", action="store_true", help="no growth, nothing kept: does it run at all")
    options = parser.parse_args()
    kept = os.environ.get("BENCH_FOLDER") or Path(tempfile.gettempdir()) / "filmless-bench-index"
    folder = Path(options.folder or kept) / schema_digest()
    folder.mkdir(parents=True, exist_ok=True)
    sizes = [options.studies] if options.quick else [SMALL, options.studies]
    figures: list[Figure] = []
    for studies in sizes:
        chosen = [work for work in works(studies) if options.only in work.title]
        if studies == SMALL != options.studies:
            chosen = [work for work in chosen if work.keyed]
        with ExitStack() as stack:
            for name, url in urls(folder, studies, options.database, stack):
                print(f"\n{name}, {studies:,} studies, load {os.getloadavg()[0]:.1f}", flush=True)
                if options.through == "dimse":
                    figures += measure_dimse(url, name, studies, chosen)
                else:
                    figures += measure_verbs(url, name, studies, folder, chosen)
    words = ["python -m bench.million", f"--studies {options.studies}", f"--through {options.through}"]
    keep = not (options.quick or options.only or options.database)
    report(figures, options.studies, " ".join(words), keep=keep)


if __name__ == "__main__":
    main()
