"""MPPS on a real socket: N-CREATE, N-SET and N-GET with every status they can be answered with."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from filmless.edge.dimse.requestor import Peer, open_association
from filmless.features.access import system_actor
from filmless.features.archive import Archive
from filmless.features.exams import get_performed_step
from filmless.features.nodes import Capability, NewNode, add_node
from filmless.features.scheduling import StepStatus, get_step, schedule_step
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet, decode_data_set, encode_data_set
from filmless.standards.dicom.sop_classes import (
    MODALITY_PERFORMED_PROCEDURE_STEP,
    MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE,
)
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, IMPLICIT_LE
from filmless.standards.dicom.upper_layer import CommandField, CommandSet
from querying_peer import answering
from worklist_builders import DESK, a_series, a_step, data_set, ended, started

UID = "1.2.3.4"
STATUS = 0x00400252


@pytest.fixture
def archive(sqlite_database: Database, object_store: FolderObjectStore) -> Archive:
    return Archive(sqlite_database, object_store)


@pytest.fixture
def peer(archive: Archive) -> Iterator[Peer]:
    with answering(archive) as peer:
        yield peer


def ask(
    peer: Peer, field: CommandField, data: DataSet | None, syntax: str = EXPLICIT_LE, **values: object
) -> tuple[CommandSet, DataSet]:
    sop_class = (
        MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE
        if field == CommandField.N_GET_RQ
        else MODALITY_PERFORMED_PROCEDURE_STEP
    )
    named = "affected" if field == CommandField.N_CREATE_RQ else "requested"
    with open_association(peer, [(sop_class, (syntax,))]) as requestor:
        context = requestor.context_for(sop_class)
        command = CommandSet.build(
            field,
            has_data_set=data is not None,
            message_id=requestor.next_message_id(),
            **{f"{named}_sop_class_uid": sop_class, **values},  # type: ignore[arg-type]
        )
        chunks = None if data is None else (encode_data_set(data, syntax),)
        ((response, raw),) = requestor.ask(context.context_id, command, chunks)
    return response, decode_data_set(raw, syntax, bytes_max=1 << 20)


def create(peer: Peer, data: DataSet, uid: str = UID, syntax: str = EXPLICIT_LE) -> CommandSet:
    values = {"affected_sop_instance_uid": uid} if uid else {}
    return ask(peer, CommandField.N_CREATE_RQ, data, syntax, **values)[0]


def set_(peer: Peer, data: DataSet, uid: str = UID) -> CommandSet:
    return ask(peer, CommandField.N_SET_RQ, data, requested_sop_instance_uid=uid)[0]


def get(peer: Peer, wanted: Sequence[int] = (), uid: str = UID) -> tuple[CommandSet, DataSet]:
    values: dict[str, object] = {"attribute_identifier_list": wanted} if wanted else {}
    return ask(peer, CommandField.N_GET_RQ, None, requested_sop_instance_uid=uid, **values)


@pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE])
def test_an_exam_begins_and_ends(peer: Peer, archive: Archive, syntax: str) -> None:
    step = schedule_step(archive.database, DESK, a_step())
    response = create(peer, started(), syntax=syntax)
    assert (response.status, response.affected_sop_instance_uid) == (0x0000, UID)
    assert get_step(archive.database, DESK, step.id).status is StepStatus.STARTED
    assert set_(peer, ended(PerformedSeriesSequence=[a_series(1, 20)])).status == 0x0000
    assert get_step(archive.database, DESK, step.id).status is StepStatus.COMPLETED
    performed = get_performed_step(archive.database, DESK, UID)
    assert (performed.number_of_instances, performed.calling_ae_title) == (20, "TESTER")


def test_a_modality_without_a_uid_is_given_one(peer: Peer, archive: Archive) -> None:
    response = create(peer, started(), uid="")
    assert response.status == 0x0000
    assert get_performed_step(archive.database, DESK, response.affected_sop_instance_uid)


REFUSED: list[tuple[str, DataSet, int, tuple[int, ...]]] = [
    ("missing ones", started(Modality=None, PerformedStationAETitle=None), 0x0120, (0x00080060, 0x00400241)),
    ("an attribute without value", started(PerformedProcedureStepID=""), 0x0121, (0x00400253,)),
    ("an end that was no start", started(PerformedProcedureStepStatus="COMPLETED"), 0x0106, (STATUS,)),
    ("a date that is none", started(PerformedProcedureStepStartDate="soon"), 0x0106, (0x00400244,)),
    ("nothing it belongs to", started(ScheduledStepAttributesSequence=None), 0x0120, (0x00400270,)),
]  # fmt: skip


@pytest.mark.parametrize(("why", "data", "status", "offending"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_start_is_refused_by_name(
    peer: Peer, why: str, data: DataSet, status: int, offending: tuple[int, ...]
) -> None:
    response = create(peer, data)
    assert response.status == status
    assert set(response.attribute_identifier_list) == set(offending)
    assert response.error_comment
    assert create(peer, started()).status == 0x0000  # Nothing was kept of the refused one.


def test_a_second_start_is_0111(peer: Peer) -> None:
    assert create(peer, started()).status == 0x0000
    assert create(peer, started()).status == 0x0111


@pytest.mark.parametrize("uid", ["1.2.x", "9" * 65])
def test_a_uid_that_is_none_is_0106(peer: Peer, uid: str) -> None:
    response = create(peer, started(), uid)
    assert (response.status, response.attribute_identifier_list) == (0x0106, (tags.SOP_INSTANCE_UID,))


def test_a_change_of_nothing_is_0112(peer: Peer) -> None:
    assert set_(peer, ended()).status == 0x0112
    assert get(peer)[0].status == 0x0112


@pytest.mark.parametrize("status", ["COMPLETED", "DISCONTINUED"])
def test_after_the_end_it_is_0110_with_error_id_a710(peer: Peer, status: str) -> None:
    create(peer, started())
    assert set_(peer, ended(status)).status == 0x0000
    response = set_(peer, ended(status))
    assert (response.status, response.error_id) == (0x0110, 0xA710)
    assert response.error_comment == "Performed Procedure Step Object may no longer be updated"


def test_an_end_without_what_it_needs_is_refused_and_the_step_goes_on(peer: Peer) -> None:
    create(peer, started())
    response = set_(peer, ended(PerformedProcedureStepEndDate=None))
    assert (response.status, response.attribute_identifier_list) == (0x0121, (0x00400250,))
    assert set_(peer, ended()).status == 0x0000


def test_what_cannot_be_changed_is_left_and_named(peer: Peer, archive: Archive) -> None:
    create(peer, started())
    response = set_(peer, data_set(PatientName="Somebody^Else", PerformedProcedureStepDescription="neck"))
    assert (response.status, response.attribute_identifier_list) == (0x0107, (tags.PATIENT_NAME,))
    performed = get_performed_step(archive.database, DESK, UID)
    assert (performed.patient_name, performed.description) == ("Probe^Maria", "neck")


def test_a_step_is_read_back_whole_or_in_part(peer: Peer) -> None:
    create(peer, started(PatientName="Yamada^Tarou=山田^太郎", SpecificCharacterSet="ISO_IR 192"))
    response, whole = get(peer)
    assert (response.status, whole.text(tags.PATIENT_NAME)) == (0x0000, "Yamada^Tarou=山田^太郎")
    response, part = get(peer, (tags.PATIENT_NAME, STATUS))
    assert response.status == 0x0000
    assert sorted(part) == [tags.SPECIFIC_CHARACTER_SET, tags.PATIENT_NAME, STATUS]
    response, part = get(peer, (STATUS, tags.PIXEL_SPACING))
    assert (response.status, response.attribute_identifier_list) == (0x0107, (tags.PIXEL_SPACING,))
    assert part.text(STATUS) == "IN PROGRESS"


def test_a_node_that_may_not_report_is_told_so(peer: Peer, archive: Archive) -> None:
    new = NewNode("VIEWER", "127.0.0.1", 104, capabilities=frozenset({Capability.FIND}))
    add_node(archive.database, system_actor("test"), new)
    viewer = replace(peer, calling_ae_title="VIEWER")
    assert create(viewer, started()).status == 0x0124
    assert set_(viewer, ended()).status == 0x0124
