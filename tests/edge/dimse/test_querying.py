"""We ask other archives: against peers that answer well, badly, too much, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from archivist import (
    CANCELLED,
    PENDING,
    UNSUPPORTED,
    Answer,
    Archivist,
    Start,
    answering,
    counts,
    data_set,
    study,
)
from filmless.edge.dimse.errors import ContextNotAccepted
from filmless.edge.dimse.querying import (
    KeyNotKnown,
    RemoteQueryFailed,
    RetrieveReport,
    find_remote,
    move_remote,
)
from filmless.edge.dimse.requestor import Peer
from filmless.infra import limits
from filmless.standards.dicom import sop_classes, tags
from filmless.standards.dicom.data_set import DataSet, encode_data_set
from filmless.standards.dicom.upper_layer import (
    SyntaxOffer,
)


def matches(*found: DataSet, status: int = PENDING, last: int = 0x0000) -> list[Answer]:
    return [*((status, one, {}) for one in found), (last, None, {})]


def uids(found: Iterator[DataSet]) -> list[str]:
    return [one.text(tags.STUDY_INSTANCE_UID) for one in found]


FINDINGS = [
    ("each match as it comes", {}, matches(study(1), study(2)), ["1.2.1", "1.2.2"]),
    ("nothing", {}, matches(), []),
    ("matches with unsupported keys (FF01)", {}, matches(study(1), status=UNSUPPORTED), ["1.2.1"]),
    ("one that is repeated, once", {}, matches(study(1), study(2), study(1)), ["1.2.1", "1.2.2"]),
    ("none without its UID", {}, matches(data_set(PatientID="P"), study(2)), ["1.2.2"]),
    (
        "none of another patient, though the peer ignores the key",
        {"PatientID": "P1"},
        matches(study(1, PatientID="P1"), study(2, PatientID="P2"), study(3)),
        ["1.2.1", "1.2.3"],
    ),
    (
        "one whose patient ID differs in case and padding only",
        {"PatientID": "p1"},
        matches(study(1, PatientID="P1 ")),
        ["1.2.1"],
    ),
    (
        "what a wildcard matches",
        {"PatientID": "P*"},
        matches(study(1, PatientID="P1")),
        ["1.2.1"],
    ),
    (
        "the members of a list of UIDs",
        {"StudyInstanceUID": "1.2.1\\1.2.2"},
        matches(study(1), study(2), study(3)),
        ["1.2.1", "1.2.2"],
    ),
    ("matches before a warning at the end", {}, matches(study(1), last=0xB001), ["1.2.1"]),
]


@pytest.mark.parametrize(("what", "keys", "answers", "expected"), FINDINGS, ids=[row[0] for row in FINDINGS])
def test_a_query_gives(
    start: Start, what: str, keys: dict[str, str], answers: list[Answer], expected: list[str]
) -> None:
    assert uids(find_remote(start(answering(answers)), "STUDY", keys)) == expected


def test_the_question_carries_level_keys_and_what_is_wanted_back(start: Start, seen: list[Archivist]) -> None:
    peer = start(answering(matches()))
    asked = {"PatientName": "Müller^*", "StudyDate": "20260101-"}
    assert uids(find_remote(peer, "STUDY", asked, ("ModalitiesInStudy", "StudyInstanceUID"))) == []
    identifier = seen[0].identifier
    assert identifier.text(tags.QUERY_RETRIEVE_LEVEL) == "STUDY"
    assert identifier.text(tags.PATIENT_NAME) == "Müller^*"
    assert identifier.text(tags.STUDY_DATE) == "20260101-"
    assert identifier.is_empty(tags.MODALITIES_IN_STUDY)
    assert tags.MODALITIES_IN_STUDY in identifier
    assert identifier.character_set == "ISO_IR 192"


def test_a_key_that_dicom_does_not_have_is_refused_before_anybody_is_asked() -> None:
    nobody = Peer("127.0.0.1", 1, "NOBODY", "FILMLESS")
    with pytest.raises(KeyNotKnown):
        list(find_remote(nobody, "STUDY", {"PatientMood": "good"}))


NEGOTIATIONS = [
    ("STUDY", {}, False, None),
    ("STUDY", {}, True, b"\1\0\1"),
    ("SERIES", {"StudyInstanceUID": "1.2"}, False, None),
    ("SERIES", {"Modality": "CT"}, False, b"\1\0\0"),
]


@pytest.mark.parametrize(("level", "keys", "fuzzy", "information"), NEGOTIATIONS)
def test_relational_and_fuzzy_queries_are_negotiated_when_they_are_meant(
    start: Start, seen: list[Archivist], level: str, keys: dict[str, str], fuzzy: bool, information: bytes
) -> None:
    list(find_remote(start(answering(matches())), level, keys, fuzzy=fuzzy))  # type: ignore[arg-type]
    assert seen[0].extended.get(sop_classes.STUDY_ROOT_FIND) == information


def test_names_come_back_undamaged_in_the_character_set_of_the_peer(start: Start) -> None:
    def greek(archivist: Archivist) -> None:
        found = study(1, PatientName="Διονυσιος", SpecificCharacterSet="ISO_IR 126")
        assert b"\xc4\xe9\xef" in encode_data_set(found, archivist.syntax)
        archivist.answer(PENDING, found)
        archivist.answer(0)

    (found,) = find_remote(start(greek), "STUDY", {})
    assert found.text(tags.PATIENT_NAME) == "Διονυσιος"


def test_a_peer_with_only_the_other_model_is_asked_in_that(start: Start, seen: list[Archivist]) -> None:
    def only_patient_root(uid: str) -> SyntaxOffer | None:
        return SyntaxOffer(()) if uid == sop_classes.PATIENT_ROOT_FIND else None

    peer = start(answering(matches(study(1))), only_patient_root)
    assert uids(find_remote(peer, "STUDY", {"PatientID": "P1"})) == ["1.2.1"]
    assert seen[0].request is not None
    assert seen[0].request.affected_sop_class_uid == sop_classes.PATIENT_ROOT_FIND


def test_a_peer_that_is_no_archive_is_named(start: Start) -> None:
    with pytest.raises(ContextNotAccepted, match="OLDPACS"):
        list(find_remote(start(answering(matches()), lambda _: None), "STUDY", {}))


def test_enough_is_enough_the_query_is_cancelled_at_the_limit(start: Start, seen: list[Archivist]) -> None:
    def many(archivist: Archivist) -> None:
        archivist.answer(PENDING, study(1))
        archivist.answer(PENDING, study(2))
        assert archivist.hears_cancel()
        archivist.answer(PENDING, study(3))  # Was under way.
        archivist.answer(CANCELLED)
        archivist.cancelled = True

    assert uids(find_remote(start(many), "STUDY", {}, limit=2)) == ["1.2.1", "1.2.2"]
    assert seen[0].cancelled


def test_a_peer_that_never_stops_is_hung_up_on(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMOTE_ANSWERS_AFTER_CANCEL_MAX", 50)

    def endless(archivist: Archivist) -> None:
        for number in count(1):
            archivist.answer(PENDING, study(number))

    assert uids(find_remote(start(endless), "STUDY", {}, limit=3)) == ["1.2.1", "1.2.2", "1.2.3"]


def test_a_peer_that_repeats_itself_for_ever_is_hung_up_on_too(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REMOTE_ANSWERS_MAX", 50)
    monkeypatch.setattr(limits, "REMOTE_ANSWERS_AFTER_CANCEL_MAX", 50)

    def stuck(archivist: Archivist) -> None:
        while True:
            archivist.answer(PENDING, study(1))

    assert uids(find_remote(start(stuck), "STUDY", {})) == ["1.2.1"]


def test_whoever_stops_reading_ends_the_association(start: Start) -> None:
    def endless(archivist: Archivist) -> None:
        for number in count(1):
            archivist.answer(PENDING, study(number))

    found = find_remote(start(endless), "STUDY", {})
    assert next(found).text(tags.STUDY_INSTANCE_UID) == "1.2.1"
    found.close()  # type: ignore[attr-defined]


REFUSED_QUERIES = [
    (0xA700, "try later"),
    (0xA900, "does not fit"),
    (0x0124, "AE title FILMLESS"),
    (0xC001, "its log says why"),
    (0xFE00, "cancelled"),
    (0x1234, "no reason"),
]


@pytest.mark.parametrize(("status", "words"), REFUSED_QUERIES)
def test_a_refused_query_says_why_in_words(start: Start, status: int, words: str) -> None:
    with pytest.raises(RemoteQueryFailed, match=words) as caught:
        list(find_remote(start(answering(matches(study(1), last=status))), "STUDY", {}))
    assert caught.value.status == status


def test_an_answer_that_cannot_be_read_is_said_and_not_passed_over(start: Start) -> None:
    def broken(archivist: Archivist) -> None:
        assert archivist.request is not None
        response = archivist.request.response(PENDING, has_data_set=True)
        archivist.connection.send_message(archivist.context_id, response, (b"\x08\x00\x05\x00CS\xff\xff",))
        archivist.answer(0)

    with pytest.raises(RemoteQueryFailed, match="cannot be read"):
        list(find_remote(start(broken), "STUDY", {}))


# --- C-MOVE ----------------------------------------------------------------------------------------------


FAILED = data_set(FailedSOPInstanceUIDList="1.2.3\\1.2.4")
MOVES: list[tuple[str, list[Answer], RetrieveReport, str]] = [
    (
        "all arrives",
        [(PENDING, None, counts(1, 1)), (0, None, counts(0, 2))],
        RetrieveReport(2, 0, 0, 0, 0),
        "",
    ),
    (
        "some fail",
        [(PENDING, None, counts(1, 1)), (0xB000, FAILED, counts(0, 1, 2))],
        RetrieveReport(1, 2, 0, 0, 0xB000, failed_uids=("1.2.3", "1.2.4")),
        "could not send all of it to FILMLESS",
    ),
    (
        "the last answer has no counts, as it may",
        [(PENDING, None, counts(1, 3)), (0, None, {})],
        RetrieveReport(4, 0, 0, 0, 0),
        "",
    ),
    (
        "nobody knows us there",
        [(0xA801, None, {})],
        RetrieveReport(status=0xA801),
        "register our AE title FILMLESS there",
    ),
    ("there are no resources", [(0xA702, None, {})], RetrieveReport(status=0xA702), "can reach FILMLESS"),
    (
        "with an error that breaks off what had begun",
        [(PENDING, None, counts(5, 3)), (0xC000, None, {})],
        RetrieveReport(completed=3, status=0xC000),
        "its log says why",
    ),
]


@pytest.mark.parametrize(("what", "answers", "report", "words"), MOVES, ids=[row[0] for row in MOVES])
def test_a_move_is_reported_when(
    start: Start, what: str, answers: list[Answer], report: RetrieveReport, words: str
) -> None:
    found = move_remote(start(answering(answers)), "STUDY", {"StudyInstanceUID": "1.2"}, "FILMLESS")
    assert words in found.comment
    assert bool(words) == bool(found.comment)
    counted = (found.completed, found.failed, found.warned, found.remaining)
    assert counted == (report.completed, report.failed, report.warned, report.remaining)
    assert (found.status, found.failed_uids) == (report.status, report.failed_uids)
    assert found.is_complete == (report.status == 0)


def test_a_move_names_level_identifiers_and_destination(start: Start, seen: list[Archivist]) -> None:
    keys = {"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.3"}
    move_remote(start(answering([(0, None, {})])), "SERIES", keys, "READING1")
    assert seen[0].request is not None
    assert seen[0].request.move_destination == "READING1"
    assert seen[0].identifier == data_set(QueryRetrieveLevel="SERIES", **keys)


def test_a_move_can_be_cancelled_while_it_goes_on(start: Start) -> None:
    def slow(archivist: Archivist) -> None:
        archivist.answer(PENDING, None, **counts(9, 1))
        assert archivist.hears_cancel()
        archivist.answer(CANCELLED, None, **counts(8, 2))

    told: list[tuple[int, int]] = []

    def enough(report: RetrieveReport) -> bool:
        told.append((report.completed, report.remaining))
        return False

    report = move_remote(start(slow), "STUDY", {"StudyInstanceUID": "1.2"}, "FILMLESS", enough)
    assert told == [(1, 9)]
    assert (report.status, report.completed, report.remaining) == (CANCELLED, 2, 8)
    assert "cancelled" in report.comment
