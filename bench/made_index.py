"""A made index of any size: believable people, studies and series, and no images at all.

The same numbers give the same index. Family names are a thousand, the common ones common; one patient in
twenty-five is written in Japanese or Cyrillic. Study dates cover ten years of working days. Filled in bulk
through the tables of the product, with the keys that ingest would compute. Not here: the questions
(`million`). Start at `fill`.
"""

import itertools
import random
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any

import psycopg

from filmless.infra.database import Database
from filmless.infra.migrations import migrate
from filmless.standards.dicom.person_name import normalise_text, parse_person_name
from filmless.standards.dicom.phonetics import phonetic_codes

STUDIES_A_PATIENT = 2.2
SERIES_A_STUDY = 1.5
FIRST_DAY = date(2016, 11, 28)
DAYS = 3650
BATCH = 20_000
RECEIVED_AT = 1_790_000_000_000_000  # Microseconds since 1970; nothing asks for it here.
UID_ROOT = "1.2.826.0.1.3680043.8.498"


def _words(text: str) -> list[str]:
    return text.split()


_FAMILIES = _words(
    "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer "
    "Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt "
    "Werner Schmitz Krause Meier Lehmann Schmid Schulze Maier Köhler Herrmann König Walter Mayer Huber "
    "Kaiser Fuchs Peters Lang Scholz Möller Weiß Jung Hahn Schubert Vogel Friedrich Keller Günther Frank "
    "Berger Winkler Roth Beck Lorenz Baumann Franke Albrecht Schuster Simon Ludwig Böhm Winter Kraus "
    "Martin Schumacher Krämer Vogt Stein Jäger Otto Sommer Groß Seidel Heinrich Brandt Haas Schreiber "
    "Graf Schulte Dietrich Ziegler Kuhn Kühn Pohl Engel Horn Busch Bergmann Thomas Voigt Sauer Arnold "
    "Wolff Pfeiffer Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Nguyen "
    "Kowalski Nowak Novák Yılmaz Kaya Demir Silva Santos Rossi Bianchi Dubois Moreau"
)
_STEMS = _words(
    "Acker Alten Auer Bach Berg Birken Blumen Brunn Buchen Burg Dorn Eber Eich Eisen Erlen Feld Fels "
    "Finster Frei Gold Grün Hagen Hasel Heiden Hohen Holz Kirch Kloster Kron Linden Löwen Mühl Neu Ober "
    "Rauschen Reichen Rosen Sand Schön Silber Sonnen Stein Stern Tannen Thal Unter Wald Wasser Weiden "
    "Wiesen Winter Zell"
)
_ENDINGS = _words(
    "bach baum berg brecht burg dorf feld hardt hof huber mann meier müller reuter schmidt stein thal"
)
_GIVEN = _words(
    "Maria Anna Ursula Monika Petra Elisabeth Sabine Renate Helga Karin Brigitte Ingrid Erika Andrea "
    "Gisela Claudia Susanne Gabriele Christa Christine Hildegard Anja Barbara Sandra Heike Birgit "
    "Katharina Julia Martina Marion Laura Lena Leonie Hannah Mia Emma Sofia Emilia Lina Peter Michael "
    "Thomas Andreas Wolfgang Klaus Jürgen Günter Stefan Christian Uwe Werner Horst Frank Dieter Manfred "
    "Gerhard Hans Bernd Torsten Matthias Helmut Walter Heinz Martin Jörg Rolf Jens Sven Alexander Jan "
    "Rainer Holger Karl Dirk Joachim Ralf Carsten Herbert Oliver Wilhelm Kurt Markus Heinrich Harald Paul "
    "Hermann Daniel Robert Lukas Leon Finn Noah Elias Ben Felix Max Emil Anton Ali Mehmet Fatma Ayşe "
    "Jakub Zofia José Lucía François Chloé Giulia Marco Olga Natascha Dmitri Igor Linh Minh"
)
_JAPANESE = (
    *(("Yamada", "山田", "やまだ"), ("Sato", "佐藤", "さとう"), ("Suzuki", "鈴木", "すずき")),
    *(("Tanaka", "田中", "たなか"), ("Watanabe", "渡辺", "わたなべ"), ("Ito", "伊藤", "いとう")),
)
_JAPANESE_GIVEN = (
    *(("Tarou", "太郎", "たろう"), ("Hanako", "花子", "はなこ")),
    *(("Kenji", "健二", "けんじ"), ("Yuki", "雪", "ゆき")),
)
_CYRILLIC = _words("Иванов Смирнов Кузнецов Попов Соколов Лебедев")
_CYRILLIC_GIVEN = _words("Иван Ольга Сергей Анна Дмитрий Наталья")
_MODALITIES = ("CT", "MR", "CR", "DX", "US", "MG", "XA", "NM", "PT", "RF")
_MODALITY_WEIGHTS = (22, 18, 15, 17, 15, 5, 3, 2, 1, 2)
_PARTS = _words(
    "Thorax Schädel Abdomen Knie Schulter HWS LWS Becken Hüfte Hand Fuß Herz Leber Niere Mamma Hals"
)
_WAYS = (
    *("nativ", "mit KM", "ap", "2 Ebenen", "Kontrolle"),
    *("Notfall", "post-OP", "Verlauf", "Angiographie", "Biopsie"),
)

_PATIENTS = (
    "id", "patient_id", "issuer_of_patient_id", "identity_scope", "patient_name", "patient_name_key",
    "patient_name_phonetic", "patient_birth_date", "patient_sex", "created_at", "updated_at",
)  # fmt: skip
_STUDIES = (
    "id", "patient_ref", "study_instance_uid", "study_id", "study_date", "study_time", "accession_number",
    "study_description", "study_description_key", "referring_physician_name", "referring_physician_name_key",
    "modalities_in_study", "sop_classes_in_study", "number_of_series", "number_of_instances", "size_bytes",
    "received_at", "updated_at",
)  # fmt: skip
_SERIES = (
    "id", "study_ref", "series_instance_uid", "modality", "series_number", "series_description",
    "series_description_key", "body_part_examined", "station_name", "performed_procedure_step_start_date",
    "performed_procedure_step_start_time", "number_of_instances", "size_bytes", "received_at", "updated_at",
)  # fmt: skip
_INSTANCES = (
    "id", "series_ref", "sop_instance_uid", "sop_class_uid", "transfer_syntax_uid", "instance_number",
    "object_id", "object_bytes", "data_set_offset", "digest", "source_ae_title", "received_at",
)  # fmt: skip


@cache
def families() -> list[str]:
    """Family names, the common ones first."""
    made = [f"{stem}{ending}" for stem, ending in itertools.product(_STEMS, _ENDINGS)]
    random.Random(1).shuffle(made)
    return _FAMILIES + made


@cache
def _family_weights() -> list[float]:
    return list(itertools.accumulate(1 / (rank + 8) for rank in range(len(families()))))


def patient_count(studies: int) -> int:
    """How many patients an index of so many studies has."""
    return max(1, int(studies / STUDIES_A_PATIENT))


def name_of(patient: int) -> str:
    """The name of the patient with this number, as PN."""
    draw = random.Random(patient)
    kind = draw.random()
    if kind < 0.03:
        groups = zip(draw.choice(_JAPANESE), draw.choice(_JAPANESE_GIVEN), strict=True)
        return "=".join(f"{family}^{given}" for family, given in groups)
    if kind < 0.04:
        return f"{draw.choice(_CYRILLIC)}^{draw.choice(_CYRILLIC_GIVEN)}"
    family = draw.choices(families(), cum_weights=_family_weights())[0]
    if kind > 0.97:
        family += f"-{draw.choice(_FAMILIES)}"
    given = draw.choice(_GIVEN)
    return f"{family}^{given}" + (f" {draw.choice(_GIVEN)}" if kind > 0.85 else "")


def patient_id_of(patient: int) -> str:
    """The Patient ID of the patient with this number."""
    return f"{10_000_000 + patient * 7}"


def birth_date_of(patient: int) -> str:
    """The birth date (DA) of the patient with this number."""
    return f"{date(1930, 1, 1) + timedelta(days=patient * 7919 % 33000):%Y%m%d}"


def accession_number_of(study: int) -> str:
    """The Accession Number of the study with this number."""
    return f"A{20_000_000 + study}"


def study_uid_of(study: int) -> str:
    """The Study Instance UID of the study with this number."""
    return f"{UID_ROOT}.1.{study}"


def day_of(study: int, studies: int) -> str:
    """The date (DA) of the study with this number: later numbers are later."""
    day = FIRST_DAY + timedelta(days=study * DAYS // studies)
    if day.weekday() >= 5 and study % 5:  # A few at weekends.
        day -= timedelta(days=day.weekday() - 4)
    return f"{day:%Y%m%d}"


def _patients(count: int) -> Iterator[tuple[Any, ...]]:
    for number in range(1, count + 1):
        name = name_of(number)
        key = parse_person_name(name).matching_key()
        sex = "FM"[number * 31 % 2]
        born = birth_date_of(number)
        yield (number, patient_id_of(number), "", "", name, key, phonetic_codes(key), born, sex, 0, 0)


def _studies(count: int) -> Iterator[tuple[Any, ...]]:
    draw, people = random.Random(2), patient_count(count)
    physicians = [f"{draw.choice(families())}^{draw.choice(_GIVEN)}" for _ in range(2000)]
    keys = {name: parse_person_name(name).matching_key() for name in physicians}
    for number in range(1, count + 1):
        patient = number if number <= people else draw.randint(1, people)
        modality = draw.choices(_MODALITIES, _MODALITY_WEIGHTS)[0]
        description = f"{modality} {draw.choice(_PARTS)} {draw.choice(_WAYS)}"
        if draw.random() < 0.02:
            description += f" Protokoll {draw.randint(1, 5000)}"
        physician = draw.choice(physicians)
        hour = f"{draw.randint(7, 18):02}{draw.randint(0, 59):02}{draw.randint(0, 59):02}"
        series = 1 + number % 2
        yield (
            number, patient, study_uid_of(number), f"{number}", day_of(number, count), hour,
            accession_number_of(number), description, normalise_text(description), physician, keys[physician],
            modality if number % 20 else f"{modality}\\SR", f"1.2.840.10008.5.1.4.1.1.{number % 7}",
            series, series * 100, series * 50_000_000, RECEIVED_AT + number, RECEIVED_AT + number,
        )  # fmt: skip


def _series(studies: int) -> Iterator[tuple[Any, ...]]:
    numbers = itertools.count(1)
    for study in range(1, studies + 1):
        day = day_of(study, studies)
        for place in range(1, 2 + study % 2):
            number = next(numbers)
            modality = _MODALITIES[study % 10]
            part = _PARTS[number % len(_PARTS)]
            yield (
                number, study, f"{UID_ROOT}.2.{number}", modality, place, f"{part} {place}",
                f"{part.lower()} {place}", part.upper(), f"{modality}{study % 4}", day, "120000", 100,
                50_000_000, RECEIVED_AT, RECEIVED_AT,
            )  # fmt: skip


def _instances(studies: int) -> Iterator[tuple[Any, ...]]:
    """One for each series: the levels above are what is measured."""
    for number in range(1, int(studies * SERIES_A_STUDY) + 1):
        yield (
            number, number, f"{UID_ROOT}.3.{number}", "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1", 1,
            f"made-{number}", 524_288, 400, b"", "BENCH", RECEIVED_AT,
        )  # fmt: skip


def fill(database: Database, studies: int) -> None:
    """Migrate the empty database and fill it; some minutes for each million."""
    migrate(database)
    tables = (
        ("patients", _PATIENTS, _patients(patient_count(studies))),
        ("studies", _STUDIES, _studies(studies)),
        ("series", _SERIES, _series(studies)),
        ("instances", _INSTANCES, _instances(studies)),
    )
    if database.is_sqlite:
        _fill_sqlite(str(database.url.database), tables)
    else:
        _fill_postgresql(database, tables)


Tables = Sequence[tuple[str, Sequence[str], Iterable[tuple[Any, ...]]]]


def _fill_sqlite(path: str, tables: Tables) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("synchronous = OFF", "cache_size = -1000000", "foreign_keys = OFF"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN IMMEDIATE")
    for table, columns, rows in tables:
        places = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)
        print(f"    {table} filled", flush=True)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _fill_postgresql(database: Database, tables: Tables) -> None:
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE '%\\_trigrams'"
        ).fetchall()
        for name, _ in found:
            connection.execute(f"DROP INDEX {name}".encode())
        for table, columns, rows in tables:
            with connection.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()) as copy:
                for row in rows:
                    copy.write_row(row)
            restart = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
            connection.execute(restart.encode())
            print(f"    {table} filled", flush=True)
        for _, definition in found:
            connection.execute(definition.encode())
        connection.execute("VACUUM ANALYZE")
