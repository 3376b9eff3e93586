"""The modality worklist on a real socket: what is answered, in which characters, with which status."""

from collections.abc import Iterator

import pytest

from filmless.edge.dimse.requestor import Peer, Requestor, open_association
from filmless.edge.dimse.worklist import WorklistExchange, answer_extended
from filmless.features.archive import Archive
from filmless.features.scheduling import schedule_step
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet, decode_data_set, encode_data_set
from filmless.standards.dicom.sop_classes import MODALITY_WORKLIST_FIND
from filmless.standards.dicom.transfer_syntaxes import (
    DEFLATED_EXPLICIT_LE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
)
from filmless.standards.dicom.upper_layer import CommandField, CommandSet, ExtendedNegotiation
from querying_peer import answering
from worklist_builders import DESK, a_step, another_step, query

BYTES_MAX = 1 << 20
SYNTAXES = (EXPLICIT_LE, IMPLICIT_LE, DEFLATED_EXPLICIT_LE, EXPLICIT_BE)


@pytest.fixture
def archive(sqlite_database: Database, object_store: FolderObjectStore) -> Archive:
    return Archive(sqlite_database, object_store)


@pytest.fixture
def peer(archive: Archive) -> Iterator[Peer]:
    with answering(archive) as peer:
        yield peer


def ask(
    requestor: Requestor, keys: DataSet, syntax: str = "", cancel_after: int | None = None
) -> list[tuple[CommandSet, DataSet]]:
    context = requestor.context_for(MODALITY_WORKLIST_FIND, syntax)
    command = CommandSet.build(
        CommandField.C_FIND_RQ,
        has_data_set=True,
        message_id=requestor.next_message_id(),
        affected_sop_class_uid=MODALITY_WORKLIST_FIND,
        priority=0,
    )
    data = encode_data_set(keys, context.transfer_syntax_uid)
    answers = []
    for response, raw in requestor.ask(context.context_id, command, (data,)):
        answers.append((response, decode_data_set(raw, context.transfer_syntax_uid, bytes_max=BYTES_MAX)))
        if len(answers) == cancel_after:
            requestor.cancel(context.context_id, command.message_id)
    return answers


def find(peer: Peer, keys: DataSet, syntax: str = EXPLICIT_LE) -> tuple[list[DataSet], list[int]]:
    with open_association(peer, [(MODALITY_WORKLIST_FIND, (syntax,))]) as requestor:
        answers = ask(requestor, keys)
    return [data_set for _, data_set in answers[:-1]], [response.status for response, _ in answers]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_step_is_found_in_every_transfer_syntax(peer: Peer, archive: Archive, syntax: str) -> None:
    schedule_step(archive.database, DESK, a_step(patient_name="Müller^Jürgen"))
    keys = query({"Modality": "CT", "ScheduledProcedureStepID": ""}, PatientName="mull*", PatientID="")
    items, statuses = find(peer, keys, syntax)
    assert statuses == [0xFF00, 0x0000]
    assert items[0].text(tags.PATIENT_NAME) == "Müller^Jürgen"
    step = items[0].items(tags.SCHEDULED_PROCEDURE_STEP_SEQUENCE)
    assert [one.text(tags.SCHEDULED_PROCEDURE_STEP_ID) for one in step] == ["SPS-1"]
    assert [one.text(tags.MODALITY) for one in step] == ["CT"]


def test_study_and_character_set_are_told_unasked(peer: Peer, archive: Archive) -> None:
    schedule_step(archive.database, DESK, a_step())
    items, _ = find(peer, query(PatientID=""))
    assert sorted(items[0]) == [
        tags.SPECIFIC_CHARACTER_SET, tags.PATIENT_ID, tags.STUDY_INSTANCE_UID,
    ]  # fmt: skip
    assert items[0].text(tags.STUDY_INSTANCE_UID) == "1.2.826.0.1.3680043.10.1000.77"
    assert items[0].character_set == "ISO_IR 100"


def test_a_step_asked_for_without_naming_attributes_comes_whole(peer: Peer, archive: Archive) -> None:
    schedule_step(archive.database, DESK, a_step())
    for keys in (query({}), query()):
        keys.set(tags.SCHEDULED_PROCEDURE_STEP_SEQUENCE, None) if not len(keys) else None
        items, statuses = find(peer, keys)
        assert statuses == [0xFF00, 0x0000]
        assert len(items[0].items(tags.SCHEDULED_PROCEDURE_STEP_SEQUENCE)[0]) > 20


NAMES = [
    ("Yamada^Tarou=山田^太郎=やまだ^たろう", "\\ISO 2022 IR 87", "\\ISO 2022 IR 87"),
    ("Yamada^Tarou=山田^太郎=やまだ^たろう", "ISO_IR 192", "ISO_IR 192"),
    ("Yamada^Tarou=山田^太郎=やまだ^たろう", "ISO_IR 100", "ISO_IR 192"),
    ("Кузнецова^Людмила", "ISO_IR 144", "ISO_IR 144"),
    ("Кузнецова^Людмила", "", "ISO_IR 192"),
    ("Müller^Jürgen", "ISO_IR 100", "ISO_IR 100"),
    ("Müller^Jürgen", "", "ISO_IR 100"),
    ("Müller^Jürgen", "ISO_IR 144", "ISO_IR 192"),
    ("Probe^Maria", "ISO_IR 144", "ISO_IR 144"),
    ("Wang^XiaoDong=王^小东", "GB18030", "GB18030"),
    ("Παπαδοπούλου^Ελένη", "ISO_IR 126", "ISO_IR 126"),
]


@pytest.mark.parametrize(("name", "asked", "answered"), NAMES)
def test_a_name_comes_back_undamaged_in_the_set_asked_for_if_that_can_carry_it(
    peer: Peer, archive: Archive, name: str, asked: str, answered: str
) -> None:
    schedule_step(archive.database, DESK, a_step(patient_name=name))
    keys = query(PatientName="")
    keys.set(tags.SPECIFIC_CHARACTER_SET, asked)
    (item,), _ = find(peer, keys)
    assert (item.text(tags.PATIENT_NAME), item.character_set) == (name, answered)
    keys.set(tags.PATIENT_NAME, name.split("=")[-1])
    assert len(find(peer, keys)[0]) == 1 or asked != answered  # What the set cannot carry cannot be asked.


def test_a_key_that_we_do_not_know_is_told(peer: Peer, archive: Archive) -> None:
    schedule_step(archive.database, DESK, a_step())
    keys = query(PatientID="")
    keys.set(0x00090010, "SOMEBODY")
    keys.set(tags.PIXEL_SPACING, None)
    items, statuses = find(peer, keys)
    assert statuses == [0xFF01, 0x0000]
    assert tags.PIXEL_SPACING not in items[0]


def test_a_key_that_makes_no_sense_is_answered_a900_and_named(peer: Peer, archive: Archive) -> None:
    schedule_step(archive.database, DESK, a_step())
    for keys, tag in (
        (query({"ScheduledProcedureStepStartDate": "today"}), 0x00400002),
        (query(PatientBirthDate="yesterday"), tags.PATIENT_BIRTH_DATE),
    ):
        with open_association(peer, [(MODALITY_WORKLIST_FIND, (EXPLICIT_LE,))]) as requestor:
            ((response, _),) = ask(requestor, keys)
        assert (response.status, response.offending_elements) == (0xA900, (tag,))
        assert response.error_comment


def test_a_query_can_be_cancelled(peer: Peer, archive: Archive) -> None:
    for number in range(1, 300):
        schedule_step(archive.database, DESK, another_step(number))
    with open_association(peer, [(MODALITY_WORKLIST_FIND, (EXPLICIT_LE,))]) as requestor:
        answers = ask(requestor, query({}, PatientID=""), cancel_after=3)
        assert answers[-1][0].status in (0xFE00, 0x0000)  # Small answers may all have been on their way.
        assert ask(requestor, query(PatientID="P-7"))[-1][0].status == 0x0000


def test_a_failure_of_ours_is_c001(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = WorklistExchange.__new__(WorklistExchange)
    assert exchange.status_of(ValueError("ours")) == 0xC001


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (b"\1\1\1", b"\1\1\1"),
        (b"\1\1\0", b"\1\1\0"),
        (b"\1\1\1\1", b"\1\1\1\0"),
        (b"\1\1\0\0\1", b"\1\1\0\0\0"),
    ],
)
def test_fuzzy_names_are_agreed_to_and_time_zones_are_not(asked: bytes, answered: bytes) -> None:
    assert answer_extended(asked) == answered


def test_fuzzy_names_are_found_once_agreed(peer: Peer, archive: Archive) -> None:
    schedule_step(archive.database, DESK, a_step())
    fuzzy = (ExtendedNegotiation(MODALITY_WORKLIST_FIND, b"\1\1\1"),)
    contexts = [(MODALITY_WORKLIST_FIND, (EXPLICIT_LE,))]
    keys = query(PatientName="mar pro")
    with open_association(peer, contexts, extended=fuzzy) as requestor:
        assert len(ask(requestor, keys)) == 2
    assert find(peer, keys)[1] == [0x0000]
