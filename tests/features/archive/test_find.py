"""Queries find what DICOM matching says they find, newest first, and by an index."""

from collections.abc import Mapping

import pytest
import sqlalchemy as sa

from filmless.features.archive import Archive, candidates
from filmless.features.archive.find import (
    Query,
    find_instances,
    find_series,
    find_studies,
    get_study,
    list_series,
    statement_for,
)
from filmless.features.archive.matching import Level
from filmless.features.archive.read_errors import QueryNotUnderstood
from filmless.infra.database import Database
from filmless.infra.errors import NotFound, NotPermitted
from filmless.infra.object_store.folder import FolderObjectStore
from made_instances import NOBODY, READER, made_instance, store

STUDIES: dict[str, dict[str, str]] = {
    "erika": {},
    "jorg": {
        "PatientName": "Müller^Jörg",
        "SpecificCharacterSet": "ISO_IR 192",
        "PatientID": "P[2]",
        "PatientBirthDate": "19600229",
        "PatientSex": "M",
        "StudyDate": "20251224",
        "StudyTime": "235959.5",
        "AccessionNumber": "B_2",
        "StudyDescription": "Schädel 100% nativ",
        "Modality": "MR",
    },
    "taro": {
        "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "SpecificCharacterSet": "ISO_IR 192",
        "PatientID": "P3",
        "PatientBirthDate": "",
        "PatientSex": "O",
        "StudyDate": "",
        "StudyTime": "",
        "AccessionNumber": "",
        "StudyDescription": "",
        "Modality": "US",
        "ReferringPhysicianName": "Sato^Jun",
    },
    "anna": {
        "PatientName": "Mustermann^Anna Maria",
        "PatientID": "p1",
        "StudyDate": "20260131",
        "StudyTime": "08",
        "AccessionNumber": "A1X",
    },
}
UIDS = {f"1.2.3.{number}": name for number, name in enumerate(STUDIES, start=1)}
EVERYBODY = ["anna", "erika", "jorg", "taro"]  # Newest study first, the undated one last.


@pytest.fixture
def archive(database: Database, object_store: FolderObjectStore) -> Archive:
    archive = Archive(database, object_store)
    for number, attributes in enumerate(STUDIES.values(), start=1):
        store(archive, made_instance(study=number, **attributes))
    return archive


def found(archive: Archive, query: Query) -> list[str]:
    return [UIDS[row.study_instance_uid] for row in find_studies(archive, READER, query).rows]


@pytest.mark.parametrize(
    ("matching", "expected"),
    [
        ({}, EVERYBODY),
        ({"PatientID": ""}, EVERYBODY),
        ({"PatientID": "*"}, EVERYBODY),
        ({"PatientID": "P1"}, ["erika"]),
        ({"PatientID": "P*"}, ["erika", "jorg", "taro"]),
        ({"PatientID": "P?"}, ["erika", "taro"]),
        ({"PatientID": "P[2]"}, ["jorg"]),
        ({"PatientID": "*[2*"}, ["jorg"]),
        ({"PatientID": "%"}, []),
        ({"PatientID": "' OR 1=1 --"}, []),
        ({"AccessionNumber": "B_2"}, ["jorg"]),
        ({"AccessionNumber": "A_*"}, []),
        ({"AccessionNumber": "A1"}, ["erika"]),
        ({"PatientName": "muster^erika"}, ["erika"]),
        ({"PatientName": "MUSTER"}, ["erika"]),
        ({"PatientName": "Muster*"}, ["anna", "erika"]),
        ({"PatientName": "*anna*"}, ["anna"]),
        ({"PatientName": "muller"}, ["jorg"]),
        ({"PatientName": "MÜLLER^J*"}, ["jorg"]),
        ({"PatientName": "山田"}, ["taro"]),
        ({"PatientName": "山田^太郎"}, ["taro"]),
        ({"PatientName": "山*"}, ["taro"]),
        ({"PatientName": "Yamada^Tarou"}, ["taro"]),
        ({"PatientBirthDate": "19600229"}, ["jorg"]),
        ({"PatientSex": "F"}, ["anna", "erika"]),
        ({"StudyDate": "20260130"}, ["erika"]),
        ({"StudyDate": "2026-01-30"}, ["erika"]),
        ({"StudyDate": "20260101-20260130"}, ["erika"]),
        ({"StudyDate": "20260131-"}, ["anna"]),
        ({"StudyDate": "-20251231"}, ["jorg"]),
        ({"StudyTime": "1015-2400"}, None),
        ({"StudyTime": "1015-235959"}, ["erika", "jorg"]),
        ({"StudyTime": "-0900"}, ["anna"]),
        ({"StudyDescription": "thorax*"}, ["anna", "erika"]),
        ({"StudyDescription": "THORAX NATIV"}, ["anna", "erika"]),
        ({"StudyDescription": "*100%*"}, ["jorg"]),
        ({"ReferringPhysicianName": "haus^gregor"}, ["anna", "erika", "jorg"]),
        ({"ModalitiesInStudy": "MR"}, ["jorg"]),
        ({"ModalitiesInStudy": "MR\\US"}, ["jorg", "taro"]),
        ({"ModalitiesInStudy": "CT,MR"}, ["anna", "erika", "jorg"]),
        ({"StudyInstanceUID": "1.2.3.1"}, ["erika"]),
        ({"StudyInstanceUID": "1.2.3.1\\1.2.3.3"}, ["erika", "taro"]),
        ({"StudyInstanceUID": "1.2.3.1,1.2.3.9"}, ["erika"]),
        ({"StudyInstanceUID": "1.2.*"}, []),
        ({"PatientID": "P1", "PatientSex": "M"}, []),
        ({"NumberOfStudyRelatedInstances": "1"}, EVERYBODY),
    ],
)
def test_a_key_finds_what_dicom_matching_says(
    archive: Archive, matching: Mapping[str, str], expected: list[str] | None
) -> None:
    if expected is None:
        with pytest.raises(QueryNotUnderstood):
            found(archive, Query(matching))
    else:
        assert found(archive, Query(matching)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("eri mus", ["erika"]),
        ("mar", ["anna"]),
        ("rika", []),
        ("Jör", ["jorg"]),
        ("山", ["taro"]),
        ("m*", ["anna", "erika", "jorg"]),
    ],
)
def test_a_fuzzy_name_finds_beginnings_of_components(
    archive: Archive, name: str, expected: list[str]
) -> None:
    assert found(archive, Query({"PatientName": name}, fuzzy=True)) == expected


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("", EVERYBODY),
        ("muster", ["anna", "erika"]),
        ("MUSTER a1x", ["anna"]),
        ("p[2", ["jorg"]),
        ("100%", ["jorg"]),
        ("_2", ["jorg"]),
        ("nativ müller", ["jorg"]),
        ("nobody", []),
        ("a\x00b", EVERYBODY),
    ],
)
def test_every_word_searched_for_must_be_found(archive: Archive, search: str, expected: list[str]) -> None:
    assert found(archive, Query(search=search)) == expected


@pytest.mark.parametrize(
    "matching",
    [
        {"StudyDate": "yesterday"},
        {"StudyDate": "20260101-20260102-20260103"},
        {"StudyTime": "noon"},
        {"NumberOfStudyRelatedSeries": "many"},
        {"NumberOfStudyRelatedSeries": "99999999999"},
        {"PatientName": "x" * 5000},
        {"PatientID": "a\x00b"},
        {"StudyInstanceUID": ",".join(["1.2"] * 1001)},
    ],
)
def test_a_value_that_no_attribute_can_have_is_refused(archive: Archive, matching: Mapping[str, str]) -> None:
    with pytest.raises(QueryNotUnderstood):
        find_studies(archive, READER, Query(matching))


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        (("study_date",), ["taro", "jorg", "erika", "anna"]),
        (("-study_date",), EVERYBODY),
        (("patient_name",), ["jorg", "erika", "anna", "taro"]),
        (("modality", "-accession_number"), ["anna", "erika", "jorg", "taro"]),
    ],
)
def test_rows_come_in_the_order_asked_for(
    archive: Archive, order_by: tuple[str, ...], expected: list[str]
) -> None:
    assert found(archive, Query(order_by=order_by)) == expected


def test_an_unknown_order_is_refused(archive: Archive) -> None:
    with pytest.raises(QueryNotUnderstood, match="study_date"):
        find_studies(archive, READER, Query(order_by=("shoe_size",)))


def test_pages_follow_each_other_and_know_the_total(archive: Archive) -> None:
    pages = [find_studies(archive, READER, Query(limit=3, offset=offset)) for offset in (0, 3, 6)]

    assert [[UIDS[row.study_instance_uid] for row in page.rows] for page in pages] == [
        EVERYBODY[:3],
        EVERYBODY[3:],
        [],
    ]
    assert {(page.total, page.total_is_exact) for page in pages} == {(4, True)}


def test_series_and_instances_are_found_by_keys_of_their_study(archive: Archive) -> None:
    store(archive, made_instance(2, series=2), made_instance(1, series=2))

    series = find_series(archive, READER, Query({"PatientID": "P1", "Modality": "CT"}))
    assert [row.series_number for row in series.rows] == [1, 2]
    instances = find_instances(archive, READER, Query({"StudyInstanceUID": "1.2.3.1", "SeriesNumber": "2"}))
    assert [row.instance.sop_instance_uid for row in instances.rows] == ["1.2.3.1.2.1", "1.2.3.1.2.2"]
    assert instances.rows[0].series.study.patient_name == "Muster^Erika"
    assert instances.rows[0].instance.rows == 4


def test_a_study_shows_its_patient_counts_and_series(archive: Archive) -> None:
    store(archive, made_instance(1, series=2, Modality="SR"))

    study = get_study(archive, READER, "1.2.3.1")

    assert (study.patient_name, study.number_of_series, study.number_of_instances) == ("Muster^Erika", 2, 2)
    assert study.modalities_in_study == ("CT", "SR")
    assert [row.modality for row in list_series(archive, READER, "1.2.3.1")] == ["CT", "SR"]
    with pytest.raises(NotFound):
        get_study(archive, READER, "1.2.3.99")


def test_who_may_not_read_finds_nothing(archive: Archive) -> None:
    for ask in (find_studies, find_series, find_instances):
        with pytest.raises(NotPermitted):
            ask(archive, NOBODY, Query())


def test_each_query_leaves_one_audit_record(archive: Archive) -> None:
    find_studies(archive, READER, Query({"PatientID": "P1"}))

    with archive.database.read() as tx:
        rows = tx.execute(sa.text("SELECT details FROM audit_records WHERE event = '110112'")).all()
    assert len(rows) == 1
    assert '"PatientID":"P1"' in rows[0][0]


@pytest.mark.parametrize(
    ("matching", "index"),
    [
        ({"PatientID": "P1"}, "sqlite_autoindex_patients_1"),
        ({"PatientID": "P1*"}, "sqlite_autoindex_patients_1"),
        ({"AccessionNumber": "A1"}, "ix_studies_accession_number"),
        ({"StudyDate": "20260130"}, "ix_studies_study_date"),
        ({"StudyDate": "20260101-20260130"}, "ix_studies_study_date"),
        ({"StudyInstanceUID": "1.2.3.1"}, "sqlite_autoindex_studies_1"),
        ({"PatientName": "Muster*"}, "ix_patients_patient_name_key"),
        ({"PatientName": "Muster^Erika"}, "ix_patients_patient_name_key"),
        ({}, "ix_studies_study_date"),
    ],
)
def test_a_keyed_search_uses_its_index(
    sqlite_database: Database, matching: Mapping[str, str], index: str
) -> None:
    statement = statement_for(Level.STUDY, Query(matching), is_sqlite=True)
    compiled = statement.compile(sqlite_database.engine, compile_kwargs={"render_postcompile": True})
    with sqlite_database.read() as tx:
        parameters = [compiled.params[name] for name in compiled.positiontup or ()]
        plan = tx.fast(f"EXPLAIN QUERY PLAN {compiled.string}", parameters).fetchall()
    steps = [row[3] for row in plan]

    assert any(index in step for step in steps), steps
    assert not any(step.startswith("SCAN") and "INDEX" not in step for step in steps), steps


@pytest.mark.parametrize("candidates_max", [0, 1, 2000])
def test_a_name_is_found_whether_it_is_rare_or_common(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, candidates_max: int
) -> None:
    monkeypatch.setattr(candidates, "CANDIDATES_MAX", candidates_max)

    assert found(archive, Query({"PatientName": "*muster*"})) == ["anna", "erika"]
    assert found(archive, Query({"PatientName": "*er?ka"})) == ["erika"]
    assert found(archive, Query({"PatientName": "*nobody*"})) == []
