"""The final response of a retrieval where its numbers do not fit: counts of 16 bits, a list of 64 KiB."""

from __future__ import annotations

import pytest

from filmless.edge.dimse.retrieval import LEVELS_OF, RetrievalExchange, answer_extended, read_identifier
from filmless.edge.dimse.sending import FailedInstance, SendReport
from filmless.features.archive import RetrievalNotUnderstood, RetrieveLevel
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import decode_data_set
from filmless.standards.dicom.sop_classes import PATIENT_ROOT_MOVE, STUDY_ROOT_MOVE
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, IMPLICIT_LE
from filmless.standards.dicom.upper_layer import CommandField, CommandSet, PresentationContext
from querying_peer import identifier

UIDS = [f"1.2.3.{number:055d}" for number in range(70_000)]
REQUEST = CommandSet.build(
    CommandField.C_MOVE_RQ, has_data_set=True, message_id=1, affected_sop_class_uid=STUDY_ROOT_MOVE
)


class Alone:
    """The association of an exchange that never looks at it."""


def exchange(syntax: str) -> RetrievalExchange:
    context = PresentationContext(1, STUDY_ROOT_MOVE, syntax)
    return RetrievalExchange(Alone(), REQUEST, context)  # type: ignore[arg-type]


@pytest.mark.parametrize(("syntax", "listed"), [(IMPLICIT_LE, 70_000), (EXPLICIT_LE, 1_057)])
def test_the_list_of_failures_holds_what_the_encoding_can_say(syntax: str, listed: int) -> None:
    report = SendReport(failed=[FailedInstance(uid, 0xA700, "disk full") for uid in UIDS])
    message = exchange(syntax).final(report)
    assert message.command.number_of_failed_suboperations == 0xFFFF
    assert message.data is not None
    data = b"".join(bytes(chunk) for chunk in message.data)
    found = decode_data_set(data, syntax, bytes_max=1 << 23).texts(tags.FAILED_SOP_INSTANCE_UID_LIST)
    assert found == UIDS[:listed]


def test_counts_that_do_not_fit_stay_at_the_largest_number() -> None:
    message = exchange(EXPLICIT_LE).pending(SendReport(completed=70_000, remaining=100_000))
    assert message.command.number_of_completed_suboperations == 0xFFFF
    assert message.command.number_of_remaining_suboperations == 0xFFFF


def test_extended_negotiation_agrees_to_relational_retrieval_only() -> None:
    assert answer_extended(b"\x01") == b"\x01"
    assert answer_extended(b"\x01\x01") == b"\x01\x00"
    assert answer_extended(b"\x00\x01") == b"\x00\x00"
    assert answer_extended(b"") == b""


def test_the_level_must_be_one_of_the_model() -> None:
    keys = identifier({"QueryRetrieveLevel": "PATIENT", "PatientID": "P1"})
    assert read_identifier(keys, LEVELS_OF[PATIENT_ROOT_MOVE]).level is RetrieveLevel.PATIENT
    with pytest.raises(RetrievalNotUnderstood):
        read_identifier(keys, LEVELS_OF[STUDY_ROOT_MOVE])
