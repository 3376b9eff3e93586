"""C-FIND on a real socket: four levels, every key back, from the index or from what is stored."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from builders import DEFLATED, EXPLICIT_LE, IMPLICIT_LE, ROOT, a_ct_slice
from filmless.edge.dimse.find import answer_extended, options_of
from filmless.edge.dimse.query_identifier import Options
from filmless.edge.dimse.requestor import Peer
from filmless.edge.dimse.table import SERVICES
from filmless.features.archive import Archive
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.standards.dicom import tags
from filmless.standards.dicom.sop_classes import PATIENT_ROOT_FIND, PATIENT_STUDY_ONLY_FIND, STUDY_ROOT_FIND
from filmless.standards.dicom.upper_layer import CommandField
from queried_archive import fill, keep
from querying_peer import Keys, answering, find, identifier

EXPLICIT_BE = "1.2.840.10008.1.2.2"


@pytest.fixture
def archive(sqlite_database: Database, object_store: FolderObjectStore) -> Archive:
    """Two patients: one with two studies (the first has two series), one with one."""
    archive = Archive(sqlite_database, object_store)
    fill(archive)
    return archive


@pytest.fixture
def peer(archive: Archive) -> Iterator[Peer]:
    with answering(archive) as peer:
        yield peer


# --- What comes back ---------------------------------------------------------------------------------------

ASKED_AND_ANSWERED: list[tuple[str, Keys, dict[str, str]]] = [
    (
        "PATIENT",
        {"PatientID": "TEST-1"},
        {
            "PatientName": "Synthetic^Müller",
            "PatientID": "TEST-1",
            "IssuerOfPatientID": "TESTS",
            "PatientBirthDate": "19700102",
            "PatientSex": "O",
            "NumberOfPatientRelatedStudies": "2",
            "NumberOfPatientRelatedSeries": "3",
            "NumberOfPatientRelatedInstances": "4",
            "PatientAge": "056Y",
            "StudyInstanceUID": "",
            "PatientComments": "",
        },
    ),
    (
        "STUDY",
        {"StudyInstanceUID": f"{ROOT}.1", "PatientID": "TEST-1"},
        {
            "PatientName": "Synthetic^Müller",
            "StudyDate": "20260131",
            "StudyTime": "101500",
            "StudyID": "S1",
            "AccessionNumber": "ACC1",
            "StudyDescription": "CT Kopf",
            "ReferringPhysicianName": "Tester^Überweisung",
            "ModalitiesInStudy": "CT\\SR",
            "NumberOfStudyRelatedSeries": "2",
            "NumberOfStudyRelatedInstances": "3",
            "OperatorsName": "Röntgen^Resi",
            "PatientAge": "056Y",
            "Modality": "CT",
            "SeriesInstanceUID": "",
            "SeriesNumber": "",
        },
    ),
    (
        "STUDY",
        {"StudyInstanceUID": f"{ROOT}.2", "TimezoneOffsetFromUTC": ""},
        {"TimezoneOffsetFromUTC": "+0100"},
    ),
    (
        "SERIES",
        {"StudyInstanceUID": f"{ROOT}.1", "SeriesInstanceUID": f"{ROOT}.1.2"},
        {
            "Modality": "SR",
            "SeriesNumber": "2",
            "SeriesDescription": "axial",
            "NumberOfSeriesRelatedInstances": "1",
            "NumberOfStudyRelatedInstances": "3",
            "StudyDescription": "CT Kopf",
            "PatientID": "TEST-1",
            "BodyPartExamined": "",
            "KVP": "",
            "PatientAge": "",
        },
    ),
    (
        "IMAGE",
        {"SeriesInstanceUID": f"{ROOT}.1.1", "SOPInstanceUID": f"{ROOT}.1.1.1"},
        {
            "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
            "InstanceNumber": "1",
            "Rows": "8",
            "Columns": "8",
            "BitsAllocated": "16",
            "Modality": "CT",
            "StudyInstanceUID": f"{ROOT}.1",
            "PatientBirthDate": "19700102",
            "AvailableTransferSyntaxUID": EXPLICIT_LE,
            "KVP": "120.5",
            "NumberOfFrames": "",
            "BitsStored": "16",
        },
    ),
]


@pytest.mark.parametrize(
    ("level", "keys", "expected"),
    ASKED_AND_ANSWERED,
    ids=[f"{row[0]} {min(row[2])}" for row in ASKED_AND_ANSWERED],
)
@pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE, DEFLATED])
def test_every_key_comes_back_at_its_level(
    peer: Peer, level: str, keys: Keys, expected: dict[str, str], syntax: str
) -> None:
    asked = {"QueryRetrieveLevel": level, **dict.fromkeys(expected, ""), **keys}
    answers = find(peer, PATIENT_ROOT_FIND, asked, transfer_syntax_uid=syntax)
    assert answers.status == 0x0000
    assert len(answers.pending) == 1
    assert {keyword: answers.texts(keyword)[0] for keyword in expected} == expected
    assert answers.texts("QueryRetrieveLevel") == [level]
    assert answers.texts("RetrieveAETitle") == ["FILMLESS"]


@pytest.mark.parametrize(
    ("model", "level", "keys", "count"),
    [
        (PATIENT_ROOT_FIND, "PATIENT", {}, 2),
        (PATIENT_ROOT_FIND, "PATIENT", {"StudyDate": "20250101"}, 1),
        (PATIENT_ROOT_FIND, "STUDY", {"PatientID": "TEST-1"}, 2),
        (PATIENT_ROOT_FIND, "STUDY", {"PatientName": "synthetic*"}, 2),
        (PATIENT_STUDY_ONLY_FIND, "PATIENT", {"PatientID": "*"}, 2),
        (PATIENT_STUDY_ONLY_FIND, "STUDY", {"PatientID": "TEST-2"}, 1),
        (STUDY_ROOT_FIND, "STUDY", {}, 3),
        (STUDY_ROOT_FIND, "STUDY", {"StudyDate": "20260101-"}, 2),
        (STUDY_ROOT_FIND, "STUDY", {"Modality": "SR"}, 1),
        (STUDY_ROOT_FIND, "STUDY", {"SeriesInstanceUID": f"{ROOT}.1.2"}, 1),
        (STUDY_ROOT_FIND, "STUDY", {"StudyInstanceUID": f"{ROOT}.1\\{ROOT}.3"}, 2),
        (STUDY_ROOT_FIND, "STUDY", {"StudyInstanceUID": "1.2.3.4"}, 0),
        (STUDY_ROOT_FIND, "SERIES", {"StudyInstanceUID": f"{ROOT}.1"}, 2),
        (STUDY_ROOT_FIND, "SERIES", {"AccessionNumber": "ACC1"}, 2),
        (STUDY_ROOT_FIND, "SERIES", {"StudyInstanceUID": f"{ROOT}.1", "Modality": "CT\\MR"}, 1),
        (STUDY_ROOT_FIND, "IMAGE", {"StudyInstanceUID": f"{ROOT}.1"}, 3),
        (STUDY_ROOT_FIND, "IMAGE", {"SeriesInstanceUID": f"{ROOT}.1.1"}, 2),
        (STUDY_ROOT_FIND, " image", {"SOPInstanceUID": f"{ROOT}.1.1.1"}, 1),
        (
            STUDY_ROOT_FIND,
            "STUDY",
            {"RequestAttributesSequence": [{"ScheduledProcedureStepID": "SPS2"}]},
            1,
        ),
    ],
)
def test_keys_of_every_level_match(peer: Peer, model: str, level: str, keys: Keys, count: int) -> None:
    answers = find(peer, model, {"QueryRetrieveLevel": level, **keys})
    assert (answers.status, len(answers.pending)) == (0x0000, count)


def test_both_databases_answer_alike(database: Database, object_store: FolderObjectStore) -> None:
    archive = Archive(database, object_store)
    fill(archive)
    with answering(archive) as peer:
        for level, keys, expected in ASKED_AND_ANSWERED:
            asked = {"QueryRetrieveLevel": level, **dict.fromkeys(expected, ""), **keys}
            answers = find(peer, PATIENT_ROOT_FIND, asked)
            assert [
                {keyword: data_set.text(tag_named(keyword)) for keyword in expected}
                for _, data_set in answers.pending
            ] == [expected]


def tag_named(keyword: str) -> int:
    (tag,) = identifier({keyword: None})
    return tag


def test_a_key_of_a_part_that_matched_is_repeated_for_the_whole(peer: Peer) -> None:
    keys = {"QueryRetrieveLevel": "STUDY", "Modality": "SR", "SeriesInstanceUID": f"{ROOT}.1.2"}
    answers = find(peer, STUDY_ROOT_FIND, keys)
    assert answers.texts("Modality") == ["SR"]
    assert answers.texts("SeriesInstanceUID") == [f"{ROOT}.1.2"]


def test_where_it_is_and_whether_it_can_be_had_at_once(peer: Peer) -> None:
    keys = {
        "QueryRetrieveLevel": "STUDY",
        "PatientID": "TEST-2",
        "InstanceAvailability": "NEARLINE",
        "StorageMediaFileSetID": "",
        "StorageMediaFileSetUID": "",
    }
    answers = find(peer, STUDY_ROOT_FIND, keys)
    assert answers.texts("InstanceAvailability") == ["ONLINE"]
    assert answers.texts("StorageMediaFileSetID") == [""]
    assert answers.pending[0][0] == 0xFF00
    assert tags.STORAGE_MEDIA_FILE_SET_UID in answers.pending[0][1]


def test_a_query_without_any_key_is_answered_with_what_identifies(peer: Peer) -> None:
    answers = find(peer, STUDY_ROOT_FIND, {"QueryRetrieveLevel": "SERIES", "PatientID": "TEST-2"})
    assert answers.texts("StudyInstanceUID") == [f"{ROOT}.3"]
    assert answers.texts("SeriesInstanceUID") == [f"{ROOT}.3.1"]


# --- Sequences ---------------------------------------------------------------------------------------------


def test_a_sequence_comes_back_with_the_keys_that_were_asked(peer: Peer) -> None:
    keys = {
        "QueryRetrieveLevel": "SERIES",
        "SeriesInstanceUID": f"{ROOT}.1.1",
        "RequestAttributesSequence": [
            {"RequestedProcedureID": "", "ScheduledProcedureStepID": "", "PatientID": ""}
        ],
        "ProcedureCodeSequence": [{"CodeValue": ""}],
        "OtherPatientIDsSequence": [{"PatientID": "", "IssuerOfPatientID": ""}],
        "ReferencedStudySequence": None,
    }
    ((status, answer),) = find(peer, STUDY_ROOT_FIND, keys).pending
    assert status == 0xFF00
    (requested,) = answer.items(tags.REQUEST_ATTRIBUTES_SEQUENCE)
    assert requested == identifier(
        {"RequestedProcedureID": "RP1", "ScheduledProcedureStepID": "SPS1", "PatientID": ""}
    )
    assert [item.text(0x00080100) for item in answer.items(0x00081032)] == ["P1", "P2"]
    assert [list(item) for item in answer.items(0x00081032)] == [[0x00080100], [0x00080100]]
    for empty in (0x00101002, 0x00081110):
        element = answer.element(empty)
        assert element is not None
        assert element.items == []


def test_an_empty_sequence_asks_for_all_that_is_in_it(peer: Peer) -> None:
    keys = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": f"{ROOT}.1", "ProcedureCodeSequence": None}
    ((_, answer),) = find(peer, STUDY_ROOT_FIND, keys).pending
    assert [item.text(0x00080104) for item in answer.items(0x00081032)] == ["Kopf nativ", "Kopf mit KM"]


# --- Status of an answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "keys", "status"),
    [
        ("all of the index", {"PatientID": "", "StudyDate": ""}, 0xFF00),
        ("of a stored data set", {"PatientAge": "", "OperatorsName": ""}, 0xFF00),
        ("group lengths are nobody's wish", {"00100000": 12}, 0xFF00),
        ("matching that the index cannot do", {"OperatorsName": "X*"}, 0xFF01),
        ("universal matching is no matching", {"OperatorsName": "*"}, 0xFF00),
        ("a private key", {"00091001": b"", "00090010": "ACME"}, 0xFF01),
        ("an unknown public key", {"00080002": b""}, 0xFF01),
        ("bulk data", {"PixelData": b""}, 0xFF01),
        ("totals of another level", {"NumberOfPatientRelatedStudies": ""}, 0xFF01),
        ("a part's number", {"InstanceNumber": ""}, 0xFF01),
        ("a sequence that cannot be matched", {"ProcedureCodeSequence": [{"CodeValue": "P1"}]}, 0xFF01),
    ],
)
def test_the_status_says_whether_all_keys_are_supported(
    peer: Peer, why: str, keys: Keys, status: int
) -> None:
    asked = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": f"{ROOT}.1", **keys}
    answers = find(peer, STUDY_ROOT_FIND, asked)
    assert [one for one, _ in answers.pending] == [status], why
    expected = {tag for tag in identifier(asked) if tag & 0xFFFF}
    assert expected <= set(answers.pending[0][1])


# --- Extended negotiation ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "answered", "options"),
    [
        (b"", b"", Options()),
        (b"\0", b"\0", Options()),
        (b"\1", b"\1", Options(relational=True)),
        (b"\1\1\1", b"\1\1\1", Options(relational=True, combined_datetime=True, fuzzy=True)),
        (b"\0\0\0\1", b"\0\0\0\1", Options(timezone=True)),
        (b"\1\0\1\0\1", b"\1\0\1\0\0", Options(relational=True, fuzzy=True)),
        (b"\2\xff\1" + b"\1" * 9, b"\0\0\1\1" + b"\0" * 8, Options(fuzzy=True, timezone=True)),
    ],
)
def test_what_is_asked_and_done_is_agreed_to(asked: bytes, answered: bytes, options: Options) -> None:
    assert answer_extended(asked) == answered
    assert options_of(answered) == options


def test_nothing_is_agreed_to_when_nothing_is_asked() -> None:
    assert options_of(None) == Options()


@pytest.mark.parametrize(
    ("options", "keys", "count"),
    [
        (b"\1", {"QueryRetrieveLevel": "IMAGE", "Modality": "CT"}, 4),
        (b"\0\0\1", {"PatientName": "Mueler"}, 2),
        (b"\0\0\0", {"PatientName": "Mueler"}, 0),
        (b"\0\1", {"StudyDate": "20250101-20260131", "StudyTime": "101500-101400"}, 1),
        (b"", {"StudyDate": "20250101-20260131", "StudyTime": "101500-101500"}, 3),
        (b"\0\0\0\1", {"StudyDate": "20250101", "StudyTime": "2215", "TimezoneOffsetFromUTC": "+1300"}, 1),
        (b"\0\0\0\0", {"StudyDate": "20250101", "StudyTime": "2215", "TimezoneOffsetFromUTC": "+1300"}, 0),
    ],
)
def test_what_was_negotiated_counts(peer: Peer, options: bytes, keys: Keys, count: int) -> None:
    answers = find(peer, STUDY_ROOT_FIND, {"QueryRetrieveLevel": "STUDY", **keys}, options=options)
    assert (answers.status, len(answers.pending)) == (0x0000, count)


def test_all_three_models_are_offered() -> None:
    for model in (PATIENT_ROOT_FIND, STUDY_ROOT_FIND, PATIENT_STUDY_ONLY_FIND):
        assert set(SERVICES[model].operations) == {CommandField.C_FIND_RQ}


# --- Where optional keys come from -------------------------------------------------------------------------

OPTIONAL = {"QueryRetrieveLevel": "IMAGE", "SOPInstanceUID": f"{ROOT}.9.1.1", "KVP": "", "PatientAge": ""}


@pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE, DEFLATED])
def test_optional_keys_are_read_however_the_instance_is_stored(
    archive: Archive, peer: Peer, syntax: str
) -> None:
    keep(archive, a_ct_slice(1, study=9, KVP="99", PatientAge="001D"), syntax=syntax)
    answers = find(peer, STUDY_ROOT_FIND, OPTIONAL)
    assert (answers.texts("KVP"), answers.texts("PatientAge")) == (["99"], ["001D"])


@pytest.mark.parametrize(("private_bytes", "kvp"), [(100_000, "99"), (2_000_000, "")])
def test_private_values_in_front_of_a_key_are_passed_up_to_a_limit(
    archive: Archive, peer: Peer, private_bytes: int, kvp: str
) -> None:
    one = a_ct_slice(1, study=9, KVP="99", PatientAge="001D")
    one.add_new(0x00110010, "LO", "ACME")
    one.add_new(0x00111001, "OB", bytes(private_bytes))
    keep(archive, one)
    answers = find(peer, STUDY_ROOT_FIND, OPTIONAL)
    assert (answers.texts("KVP"), answers.texts("PatientAge")) == ([kvp], ["001D"])


def test_a_lost_object_costs_the_optional_keys_and_nothing_else(archive: Archive, peer: Peer) -> None:
    keep(archive, a_ct_slice(1, study=9, KVP="99"))
    for stored in list(archive.object_store.list_objects()):
        archive.object_store.delete(stored.object_id)
    answers = find(peer, STUDY_ROOT_FIND, {**OPTIONAL, "PatientID": ""})
    assert answers.status == 0x0000
    assert (answers.texts("KVP"), answers.texts("PatientID")) == ([""], ["TEST-1"])
