"""Every kind of matching, at every level, on both databases: what is asked, and who is found.

One small index of made people, filled by the real way in. A row of the table is a level, a query and the ids
of what it finds, in any order: patients by their ID, studies, series and instances by the end of their UID.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from filmless.features.archive import (
    Archive,
    FoundInstance,
    Level,
    PatientRow,
    Query,
    SeriesRow,
    StudyRow,
    candidates,
    iterate_matches,
    matches,
)
from filmless.features.archive.matches import MatchRow
from filmless.features.archive.read_errors import QueryNotUnderstood
from filmless.infra.database import Database
from filmless.infra.migrations import migrate
from filmless.infra.object_store.folder import FolderObjectStore
from frozen_clock import FrozenClock
from made_instances import READER, made_instance, store
from postgres_server import PostgresServer

UTF_8 = {"SpecificCharacterSet": "ISO_IR 192"}

ERIKA: dict[str, Any] = {"PatientName": "Muster^Erika", "PatientID": "P1", "PatientBirthDate": "19700101"}
JORG = {
    "PatientName": "Müller^Jörg^^Dr.",
    "PatientID": "P[2]",
    "PatientBirthDate": "19600229",
    "PatientSex": "M",
    "IssuerOfPatientID": "HOSPITAL",
    **UTF_8,
}
TARO = {
    "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "PatientID": "P3",
    "PatientBirthDate": "",
    "PatientSex": "O",
    **UTF_8,
}
ANNA = {"PatientName": "Maier-Mustermann^Anna Maria", "PatientID": "p1", "PatientBirthDate": "19991231"}
IVAN = {"PatientName": "Иванов^Иван", "PatientID": "Q-100%_7", "PatientBirthDate": "19550505", **UTF_8}
IVAN |= {"PatientSex": "M"}
ALONE = {"PatientName": "Meier", "PatientID": "R1", "PatientBirthDate": "19450508", "PatientSex": "F"}


def requested(*items: tuple[str, str, str]) -> DicomSequence:
    """A Request Attributes Sequence of (step, procedure, accession number)."""
    made = []
    for step, procedure, accession_number in items:
        item = Dataset()
        item.ScheduledProcedureStepID, item.RequestedProcedureID = step, procedure
        item.AccessionNumber = accession_number
        made.append(item)
    return DicomSequence(made)


def issued_by(issuer: str) -> DicomSequence:
    """An Issuer of Accession Number Sequence."""
    item = Dataset()
    item.LocalNamespaceEntityID = issuer
    return DicomSequence([item])


SR = "1.2.840.10008.5.1.4.1.1.88.11"

# (study, series, instance) and what differs from made_instance's CT slice.
INSTANCES: list[tuple[tuple[int, int, int], dict[str, Any]]] = [
    ((1, 1, 1), {**ERIKA, "RequestAttributesSequence": requested(("S1", "RP1", "A1"), ("S2", "RP2", "A9"))}),
    ((1, 1, 2), ERIKA),
    ((1, 2, 1), {**ERIKA, "Modality": "SR", "SeriesDescription": "Bericht", "SOPClassUID": SR}),
    ((2, 1, 1), {
        **ERIKA, **UTF_8, "StudyDate": "20260131", "StudyTime": "081530.25", "TimezoneOffsetFromUTC": "+0900",
        "AccessionNumber": "B_2", "IssuerOfAccessionNumberSequence": issued_by("RIS"),
        "StudyDescription": "Schädel 100% nativ", "Modality": "MR", "BodyPartExamined": "HEAD",
        "Laterality": "L", "StationName": "MR1", "ProtocolName": "Routine T1",
        "InstitutionName": "Klinik Süd",
    }),
    ((3, 1, 1), {
        **JORG, "StudyDate": "20251224", "StudyTime": "235959.5", "AccessionNumber": "B42",
        "ReferringPhysicianName": "Sato^Jun", "SeriesDate": "20251225", "SeriesTime": "000100",
        "PerformedProcedureStepStartDate": "20251224", "PerformedProcedureStepStartTime": "2355",
    }),
    ((4, 1, 1), {
        **TARO, "StudyDate": "", "StudyTime": "", "AccessionNumber": "", "StudyDescription": "",
        "Modality": "US", "Rows": 8, "RequestAttributesSequence": requested(("S1", "RP2", "A4")),
    }),
    ((5, 1, 1), {
        **ANNA, "StudyDate": "20260131", "StudyTime": "08", "AccessionNumber": "A1X",
        "StudyDescription": "THORAX nativ",
    }),
    ((6, 1, 1), {
        **IVAN, "StudyDate": "20260201", "StudyTime": "000000", "AccessionNumber": "C6",
        "StudyDescription": "Knie",
    }),
    ((7, 1, 1), {
        **ALONE, "StudyDate": "20260201", "StudyTime": "0930", "AccessionNumber": "C7", "StudyID": "",
    }),
]  # fmt: skip

ALL = ("1", "2", "3", "4", "5", "6", "7")
PATIENT, STUDY, SERIES, INSTANCE = Level.PATIENT, Level.STUDY, Level.SERIES, Level.INSTANCE
FUZZY, COMBINED = {"fuzzy": True}, {"combined_datetime": True}
REQUEST = "RequestAttributesSequence"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    level: Level
    matching: dict[str, str]
    found: tuple[str, ...]
    how: dict[str, Any]

    def __str__(self) -> str:
        asked = {**self.matching, **self.how.get("sequences", {})}
        how = " ".join(name for name in self.how if name != "sequences")
        return f"{self.level} {asked} {how}".strip()


def row(level: Level, matching: dict[str, str], *found: str, **how: Any) -> Row:
    """A line: the level, the keys, who is found; the rest says how it is asked."""
    return Row(level, matching, found, how)


TABLE = [
    # Universal matching (C.2.2.2.3).
    row(PATIENT, {}, "P1", "P[2]", "P3", "p1", "Q-100%_7", "R1"),
    row(STUDY, {}, *ALL),
    row(SERIES, {}, "1.1", "1.2", "2.1", "3.1", "4.1", "5.1", "6.1", "7.1"),
    row(INSTANCE, {}, "1.1.1", "1.1.2", "1.2.1", "2.1.1", "3.1.1", "4.1.1", "5.1.1", "6.1.1", "7.1.1"),
    row(STUDY, {"PatientName": "", "StudyDate": "", "AccessionNumber": "*", "StudyDescription": "**"}, *ALL),
    # LO, SH, AE, CS: single value, case counts (C.2.2.2.1).
    row(PATIENT, {"PatientID": "P1"}, "P1"),
    row(STUDY, {"PatientID": "p1"}, "5"),
    row(STUDY, {"PatientID": " P1 "}, "1", "2"),
    row(STUDY, {"PatientID": "P[2]"}, "3"),
    row(STUDY, {"PatientID": "' OR 1=1 --"}),
    row(STUDY, {"PatientID": "P1", "IssuerOfPatientID": "HOSPITAL"}),
    row(PATIENT, {"IssuerOfPatientID": "HOSPITAL"}, "P[2]"),
    row(STUDY, {"AccessionNumber": "A1"}, "1"),
    row(STUDY, {"AccessionNumber": "a1"}),
    row(STUDY, {"StudyID": "S3"}, "3"),
    row(SERIES, {"StationName": "MR1"}, "2.1"),
    row(SERIES, {"Modality": "MR"}, "2.1"),
    row(SERIES, {"Laterality": "L"}, "2.1"),
    row(SERIES, {"BodyPartExamined": "HEAD"}, "2.1"),
    row(PATIENT, {"PatientSex": "M"}, "P[2]", "Q-100%_7"),
    # Wildcards (C.2.2.2.4): nothing but * and ? is special.
    row(STUDY, {"PatientID": "P*"}, "1", "2", "3", "4"),
    row(STUDY, {"PatientID": "?1"}, "1", "2", "5", "7"),
    row(PATIENT, {"PatientID": "*[2*"}, "P[2]"),
    row(PATIENT, {"PatientID": "*100%*"}, "Q-100%_7"),
    row(PATIENT, {"PatientID": "*100_*"}),
    row(PATIENT, {"PatientID": "Q?100*"}, "Q-100%_7"),
    row(PATIENT, {"PatientID": "*q-100*"}),
    row(STUDY, {"PatientID": "%"}),
    row(STUDY, {"AccessionNumber": "A1?"}, "5"),
    row(STUDY, {"AccessionNumber": "B_*"}, "2"),
    row(STUDY, {"StudyInstanceUID": "1.2.3.*"}),
    row(SERIES, {"Modality": "?R"}, "1.2", "2.1"),
    # LO descriptions: case and accents do not count.
    row(STUDY, {"StudyDescription": "thorax NATIV"}, "1", "3", "5", "7"),
    row(STUDY, {"StudyDescription": "SCHADEL*"}, "2"),
    row(STUDY, {"StudyDescription": "*100%*"}, "2"),
    row(STUDY, {"StudyDescription": "*ädel*"}, "2"),
    row(STUDY, {"StudyDescription": "kni?"}, "6"),
    row(STUDY, {"StudyDescription": "*ni?"}, "6"),
    row(SERIES, {"SeriesDescription": "bericht"}, "1.2"),
    row(SERIES, {"SeriesDescription": "*RICH*"}, "1.2"),
    row(SERIES, {"ProtocolName": "routine*"}, "2.1"),
    row(SERIES, {"InstitutionName": "*sud"}, "2.1"),
    # PN: case, accents, groups, components (C.2.2.2.1.1).
    row(PATIENT, {"PatientName": "MUSTER^ERIKA"}, "P1"),
    row(PATIENT, {"PatientName": "muster"}, "P1"),
    row(PATIENT, {"PatientName": "muster^erika^^^"}, "P1"),
    row(PATIENT, {"PatientName": "erika"}),
    row(PATIENT, {"PatientName": "muller^jorg"}, "P[2]"),
    row(PATIENT, {"PatientName": "Müller^Jörg^^Dr."}, "P[2]"),
    row(PATIENT, {"PatientName": "M*"}, "P1", "P[2]", "p1", "R1"),
    row(PATIENT, {"PatientName": "meier^*"}, "R1"),
    row(PATIENT, {"PatientName": "m??er*"}, "R1", "p1"),
    row(PATIENT, {"PatientName": "m??er"}, "R1"),
    row(PATIENT, {"PatientName": "*muster*"}, "P1", "p1"),
    row(PATIENT, {"PatientName": "*er?ka"}, "P1"),
    row(PATIENT, {"PatientName": "*tarou"}, "P3"),
    row(PATIENT, {"PatientName": "*ri*"}, "P1", "p1"),
    row(PATIENT, {"PatientName": "*[x]*"}),
    row(PATIENT, {"PatientName": "山田"}, "P3"),
    row(PATIENT, {"PatientName": "山田^太郎"}, "P3"),
    row(PATIENT, {"PatientName": "山*"}, "P3"),
    row(PATIENT, {"PatientName": "太郎"}),
    row(PATIENT, {"PatientName": "*太郎*"}, "P3"),
    row(PATIENT, {"PatientName": "やまだ^*"}, "P3"),
    row(PATIENT, {"PatientName": "yamada=山田"}, "P3"),
    row(PATIENT, {"PatientName": "=山田^太郎"}, "P3"),
    row(PATIENT, {"PatientName": "muster=山田"}),
    row(PATIENT, {"PatientName": "ИВАНОВ"}, "Q-100%_7"),
    row(PATIENT, {"PatientName": "ива*"}, "Q-100%_7"),
    row(STUDY, {"ReferringPhysicianName": "haus^gregor"}, "1", "2", "4", "5", "6", "7"),
    row(STUDY, {"ReferringPhysicianName": "*jun*"}, "3"),
    # PN, fuzzy: any order, beginnings of words, sounds (C.2.2.2.1.1, negotiated).
    row(PATIENT, {"PatientName": "eri mus"}, "P1", **FUZZY),
    row(PATIENT, {"PatientName": "Anna^Maier"}, "p1", **FUZZY),
    row(PATIENT, {"PatientName": "rika"}, **FUZZY),
    row(PATIENT, {"PatientName": "Mayer"}, "p1", "R1", **FUZZY),
    row(PATIENT, {"PatientName": "Mueller Joerg"}, "P[2]", **FUZZY),
    row(PATIENT, {"PatientName": "Jamada"}, **FUZZY),
    row(PATIENT, {"PatientName": "Tarou Yamada"}, "P3", **FUZZY),
    row(PATIENT, {"PatientName": "山"}, "P3", **FUZZY),
    row(PATIENT, {"PatientName": "太"}, "P3", **FUZZY),
    row(PATIENT, {"PatientName": "иван"}, "Q-100%_7", **FUZZY),
    row(PATIENT, {"PatientName": "ma"}, "p1", **FUZZY),
    row(PATIENT, {"PatientName": "*ust*"}, "P1", "p1", **FUZZY),
    row(STUDY, {"ReferringPhysicianName": "greg"}, "1", "2", "4", "5", "6", "7", **FUZZY),
    # DA: single value and ranges (C.2.2.2.5.1).
    row(STUDY, {"StudyDate": "20260131"}, "2", "5"),
    row(STUDY, {"StudyDate": "2026.01.31"}, "2", "5"),
    row(STUDY, {"StudyDate": "20260130-20260131"}, "1", "2", "5"),
    row(STUDY, {"StudyDate": "20260131-"}, "2", "5", "6", "7"),
    row(STUDY, {"StudyDate": "-20251231"}, "3"),
    row(PATIENT, {"PatientBirthDate": "19600101-19700101"}, "P1", "P[2]"),
    row(STUDY, {"PatientBirthDate": "19600229"}, "3"),
    row(SERIES, {"SeriesDate": "20251225"}, "3.1"),
    row(SERIES, {"PerformedProcedureStepStartDate": "-20251224"}, "3.1"),
    # TM: single value and ranges; what is cut short means all of it (C.2.2.2.5.2).
    row(STUDY, {"StudyTime": "101500"}, "1"),
    row(STUDY, {"StudyTime": "0815"}, "2"),
    row(STUDY, {"StudyTime": "08"}, "2", "5"),
    row(STUDY, {"StudyTime": "0800-0900"}, "2", "5"),
    row(STUDY, {"StudyTime": "0000-0000"}, "6"),
    row(STUDY, {"StudyTime": "2359-"}, "3"),
    row(STUDY, {"StudyTime": "-0815"}, "2", "5", "6"),
    row(SERIES, {"PerformedProcedureStepStartTime": "2355-2359"}, "3.1"),
    row(STUDY, {"StudyDate": "20260131-20260201", "StudyTime": "0000-0900"}, "2", "5", "6"),
    # Date and time as one range (C.2.2.2.5.3, negotiated).
    row(STUDY, {"StudyDate": "20260131-20260201", "StudyTime": "0810-0000"}, "2", "6", **COMBINED),
    row(STUDY, {"StudyDate": "20260130-20260131", "StudyTime": "1015-0800"}, "1", "5", **COMBINED),
    row(STUDY, {"StudyDate": "20260131-", "StudyTime": "0816-"}, "6", "7", **COMBINED),
    row(STUDY, {"StudyDate": "-20260131", "StudyTime": "-0800"}, "1", "3", "5", **COMBINED),
    row(STUDY, {"StudyDate": "20260131-20260201"}, "2", "5", "6", "7", **COMBINED),
    row(SERIES, {"PerformedProcedureStepStartDate": "20251224-20251225",
                 "PerformedProcedureStepStartTime": "2300-0100"}, "3.1", **COMBINED),
    # UI: single and lists (C.2.2.2.2).
    row(STUDY, {"StudyInstanceUID": "1.2.3.1"}, "1"),
    row(STUDY, {"StudyInstanceUID": "1.2.3.1\\1.2.3.3\\1.2.3.99"}, "1", "3"),
    row(SERIES, {"SeriesInstanceUID": "1.2.3.1.2"}, "1.2"),
    row(INSTANCE, {"SOPInstanceUID": "1.2.3.1.1.2\\1.2.3.7.1.1"}, "1.1.2", "7.1.1"),
    row(INSTANCE, {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11"}, "1.2.1"),
    # Keys with several values, several values asked for.
    row(STUDY, {"ModalitiesInStudy": "SR"}, "1"),
    row(STUDY, {"ModalitiesInStudy": "MR\\US"}, "2", "4"),
    row(STUDY, {"ModalitiesInStudy": "?R"}, "1", "2"),
    row(STUDY, {"ModalitiesInStudy": "R"}),
    row(STUDY, {"SOPClassesInStudy": "1.2.840.10008.5.1.4.1.1.88.11"}, "1"),
    row(SERIES, {"Modality": "SR\\US"}, "1.2", "4.1"),
    row(STUDY, {"PatientID": "p1\\P3"}, "4", "5"),
    # IS, US.
    row(SERIES, {"SeriesNumber": "2"}, "1.2"),
    row(INSTANCE, {"InstanceNumber": "2"}, "1.1.2"),
    row(INSTANCE, {"Rows": "8"}, "4.1.1"),
    row(STUDY, {"NumberOfStudyRelatedSeries": "2"}, "1"),
    row(STUDY, {"NumberOfStudyRelatedInstances": "3"}, "1"),
    row(SERIES, {"NumberOfSeriesRelatedInstances": "2"}, "1.1"),
    row(PATIENT, {"NumberOfPatientRelatedStudies": "2"}, "P1"),
    row(PATIENT, {"NumberOfPatientRelatedInstances": "4"}, "P1"),
    row(STUDY, {"NumberOfPatientRelatedSeries": "3"}, "1", "2"),
    # Empty values (C.2.2.2.8).
    row(STUDY, {"AccessionNumber": '""'}, "4"),
    row(STUDY, {"StudyDate": '""'}, "4"),
    row(STUDY, {"StudyID": '""'}, "7"),
    row(PATIENT, {"PatientBirthDate": '""'}, "P3"),
    row(INSTANCE, {"NumberOfFrames": '""', "PatientID": "R1"}, "7.1.1"),
    # Sequences: all keys in one item (C.2.2.2.6).
    row(SERIES, {}, "1.1", "4.1", sequences={REQUEST: {"ScheduledProcedureStepID": "S1"}}),
    row(SERIES, {}, "1.1", sequences={REQUEST: {"ScheduledProcedureStepID": "S1",
                                                   "RequestedProcedureID": "RP1"}}),
    row(SERIES, {}, "4.1", sequences={REQUEST: {"ScheduledProcedureStepID": "S1",
                                                   "RequestedProcedureID": "RP2"}}),
    row(SERIES, {}, "1.1", sequences={REQUEST: {"AccessionNumber": "A9"}}),
    row(SERIES, {}, "1.1", sequences={REQUEST: {"AccessionNumber": "?9", "RequestedProcedureID": ""}}),
    row(SERIES, {"Modality": "US"}, "4.1", sequences={REQUEST: {"ScheduledProcedureStepID": "S*"}}),
    row(STUDY, {}, "1", sequences={REQUEST: {"ScheduledProcedureStepID": "S2"}}),
    row(PATIENT, {}, "P3", sequences={REQUEST: {"AccessionNumber": "A4"}}),
    row(INSTANCE, {}, "1.1.1", "1.1.2", sequences={REQUEST: {"RequestedProcedureID": "RP1"}}),
    row(STUDY, {}, *ALL, sequences={REQUEST: {"ScheduledProcedureStepID": ""}}),
    row(STUDY, {}, "2", sequences={"IssuerOfAccessionNumberSequence": {"LocalNamespaceEntityID": "RIS"}}),
    # Relational queries: keys of levels above and below (C.4.1.3.2).
    row(SERIES, {"PatientName": "muster*", "StudyDate": "20260130"}, "1.1", "1.2"),
    row(INSTANCE, {"PatientID": "P1", "Modality": "SR"}, "1.2.1"),
    row(STUDY, {"Modality": "SR"}, "1"),
    row(STUDY, {"Modality": "CT", "SeriesDescription": "Bericht"}),
    row(STUDY, {"Modality": "SR", "SeriesDescription": "Bericht"}, "1"),
    row(STUDY, {"SOPInstanceUID": "1.2.3.1.2.1"}, "1"),
    row(STUDY, {"SOPInstanceUID": "1.2.3.1.2.1", "Modality": "CT"}),
    row(STUDY, {"SOPInstanceUID": "1.2.3.1.2.1", "PatientID": "P3"}),
    row(SERIES, {"SOPInstanceUID": "1.2.3.1.1.2"}, "1.1"),
    row(SERIES, {"Rows": "8"}, "4.1"),
    row(PATIENT, {"StudyDate": "20260131"}, "P1", "p1"),
    row(PATIENT, {"Modality": "CT"}, "P1", "P[2]", "p1", "Q-100%_7", "R1"),
    row(PATIENT, {"AccessionNumber": "B*"}, "P1", "P[2]"),
    row(PATIENT, {"StudyDescription": "*nativ*", "PatientSex": "M"}, "P[2]"),
    row(PATIENT, {"SOPInstanceUID": "1.2.3.7.1.1"}, "R1"),
    row(PATIENT, {"SeriesInstanceUID": "1.2.3.7.1", "PatientName": "muster"}),
    # Keys together, and one that the index does not have.
    row(STUDY, {"PatientName": "*muster*", "ModalitiesInStudy": "CT", "StudyDate": "20260131-"}, "5"),
    row(STUDY, {"PatientID": "P1", "PatientSex": "M"}),
    row(STUDY, {"PatientID": "P1", "OperatorsName": "whoever"}, "1", "2"),
]  # fmt: skip

# The wall clock where the objects come from is UTC here; study 2 says it was nine hours ahead of that.
ZONED = [
    row(STUDY, {"StudyDate": "20260131"}, "5", timezone_offset="+0000"),
    row(STUDY, {"StudyDate": "20260130"}, "1", "2", timezone_offset="-0100"),
    row(STUDY, {"StudyDate": "20260131"}, "5", "6", timezone_offset="-0100"),
    row(STUDY, {"StudyDate": "20251225"}, "3", timezone_offset="+0100"),
    row(STUDY, {"StudyTime": "1115-1116"}, "1", timezone_offset="+0100"),
    row(STUDY, {"StudyTime": "2314-2316"}, "2", timezone_offset="+0000"),
    row(STUDY, {"StudyTime": "2300-2359"}, "6", timezone_offset="-0100"),
    row(STUDY, {"StudyTime": "0030-0130"}, "3", "6", timezone_offset="+0100"),
    row(STUDY, {"StudyDate": "20260131-20260201", "StudyTime": "0000-0105"}, "2", "6",
        timezone_offset="+0100"),
    row(STUDY, {"StudyDate": "20260131-20260201", "StudyTime": "0001-0101"}, "5", "6", "2",
        timezone_offset="+0100", combined_datetime=True),
    row(SERIES, {"PerformedProcedureStepStartDate": "20251225"}, "3.1", timezone_offset="+0100"),
    row(STUDY, {"PatientID": "P1"}, "1", "2", timezone_offset="+0100"),
]  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """The index of the table on each database; nothing in this module changes it."""
    folder = tmp_path_factory.mktemp("matching")
    url = f"sqlite:///{folder / 'index.sqlite3'}"
    server: PostgresServer | None = None
    if request.param == "postgres":
        server = request.getfixturevalue("postgres_server")
        server.run("CREATE DATABASE matching_table")
        url = server.url("matching_table")
    database = Database(url, FrozenClock())
    migrate(database)
    object_store = FolderObjectStore(folder / "objects")
    archive = Archive(database, object_store)
    for (study, series, number), attributes in INSTANCES:
        store(archive, made_instance(number, series, study, **attributes))
    yield archive
    archive.close()
    database.close()
    if server is not None:
        server.run("DROP DATABASE matching_table WITH (FORCE)")


Zone = Callable[[str], None]


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Zone]:
    """Sets the time zone of this process for one test."""

    def set_zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


def found(archive: Archive, level: Level, query: Query) -> list[str]:
    """The ids of what is found, in the table's form."""
    return [_id(one) for one in iterate_matches(archive, READER, level, query)]


def _id(one: MatchRow) -> str:
    if isinstance(one, PatientRow):
        return one.patient_id
    if isinstance(one, StudyRow):
        return one.study_instance_uid.removeprefix("1.2.3.")
    if isinstance(one, SeriesRow):
        return one.series_instance_uid.removeprefix("1.2.3.")
    assert isinstance(one, FoundInstance)
    return one.instance.sop_instance_uid.removeprefix("1.2.3.")


@pytest.mark.parametrize("line", TABLE, ids=str)
def test_a_query_finds_what_dicom_matching_says(archive: Archive, line: Row) -> None:
    assert sorted(found(archive, line.level, Query(line.matching, **line.how))) == sorted(line.found)


@pytest.mark.parametrize("line", ZONED, ids=str)
def test_dates_of_another_time_zone_are_moments_here(archive: Archive, line: Row, zone: Zone) -> None:
    zone("UTC0")

    assert sorted(found(archive, line.level, Query(line.matching, **line.how))) == sorted(line.found)


def test_here_means_the_zone_of_the_department(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"StudyDate": "20260130", "StudyTime": "0815", "PatientName": "Muster^Erika"}
    monkeypatch.setattr(archive, "zone", timezone(timedelta(hours=2)))

    assert found(archive, STUDY, Query(asked, timezone_offset="+0000")) == ["1"]
    assert found(archive, STUDY, Query(asked, timezone_offset="+0100")) == []


def test_without_one_here_means_the_zone_of_this_machine(archive: Archive, zone: Zone) -> None:
    asked = {"StudyDate": "20260130", "StudyTime": "0915", "PatientName": "Muster^Erika"}

    zone("CET-1CEST,M3.5.0,M10.5.0/3")
    assert found(archive, STUDY, Query(asked, timezone_offset="+0000")) == ["1"]
    zone("CET-2CEST,J1/0,J365/25")  # As if it were summer all year.
    assert found(archive, STUDY, Query(asked, timezone_offset="+0000")) == []


def test_an_offset_that_is_none_is_refused(archive: Archive) -> None:
    with pytest.raises(QueryNotUnderstood, match="like \\+0100"):
        found(archive, STUDY, Query({"StudyDate": "20260130"}, timezone_offset="CET"))


@pytest.mark.parametrize(
    ("page_rows", "candidates_max", "patients_at_once"), [(1, 1, 1), (2, 1, 2), (1, 3, 1)]
)
def test_pages_and_candidates_change_nothing(
    archive: Archive,
    monkeypatch: pytest.MonkeyPatch,
    page_rows: int,
    candidates_max: int,
    patients_at_once: int,
) -> None:
    monkeypatch.setattr(matches, "FIRST_PAGE_ROWS", page_rows)
    monkeypatch.setattr(matches, "PAGE_ROWS", page_rows)
    monkeypatch.setattr(matches, "PATIENTS_AT_ONCE", patients_at_once)
    monkeypatch.setattr(candidates, "CANDIDATES_MAX", candidates_max)
    wrong = [
        str(line)
        for line in TABLE
        if sorted(found(archive, line.level, Query(line.matching, **line.how))) != sorted(line.found)
    ]

    assert wrong == []
