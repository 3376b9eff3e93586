"""Command sets: canned bytes, every element both ways, responses, and what is not a command."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upper_layer_builders import CT_IMAGE, ECHO, STORE

from filmless.standards.dicom.upper_layer import CommandField, CommandSet, CommandSetError
from filmless.standards.dicom.upper_layer.commands import ELEMENTS

# C-ECHO-RQ as PS3.7 9.3.5.1 lays it out.
ECHO_RQ = bytes.fromhex(
    "00000000 04000000 38000000"
    "00000200 12000000 312e322e3834302e31303030382e312e3100"
    "00000001 02000000 3000"
    "00001001 02000000 0100"
    "00000008 02000000 0101"
)

EVERY_VALUE: dict[str, int | str | tuple[int, ...]] = {
    "affected_sop_class_uid": "1.2.3",
    "requested_sop_class_uid": "1.2.3.4",
    "message_id": 65535,
    "message_id_being_responded_to": 2,
    "move_destination": "WS1",
    "priority": 2,
    "status": 0xB000,
    "offending_elements": (0x00100010, 0x7FE00010),
    "error_comment": "Out of space",
    "error_id": 17,
    "affected_sop_instance_uid": "1.2.3.5",
    "requested_sop_instance_uid": "1.2.3.6",
    "event_type_id": 1,
    "attribute_identifier_list": (0x00080018, 0x0020000D),
    "action_type_id": 1,
    "number_of_remaining_suboperations": 1,
    "number_of_completed_suboperations": 2,
    "number_of_failed_suboperations": 3,
    "number_of_warning_suboperations": 4,
    "move_originator_ae_title": "WS2",
    "move_originator_message_id": 9,
}


def test_an_echo_is_these_bytes() -> None:
    assert ECHO.encode() == ECHO_RQ
    assert CommandSet.decode(ECHO_RQ) == ECHO


def test_every_element_survives_the_wire() -> None:
    assert set(EVERY_VALUE) | {"command_field", "data_set_type"} == set(ELEMENTS)
    command = CommandSet.decode(CommandSet.build(CommandField.C_MOVE_RQ, **EVERY_VALUE).encode())
    assert {name: getattr(command, name) for name in EVERY_VALUE} == EVERY_VALUE
    assert not command.has_data_set


def test_absent_elements_are_empty() -> None:
    assert ECHO.affected_sop_instance_uid == ""
    assert ECHO.move_originator_message_id is None
    assert ECHO.offending_elements == ()
    assert not ECHO.is_response


@pytest.mark.parametrize(
    "request_field", [field for field in CommandField if field < 0x8000 and field != 0x0FFF]
)
def test_a_response_names_its_request(request_field: CommandField) -> None:
    request = CommandSet.build(request_field, message_id=5, affected_sop_class_uid=CT_IMAGE)
    response = CommandSet.decode(request.response(0xA700, error_comment="x" * 100).encode())
    assert response.command_field == request_field | 0x8000
    assert response.is_response
    assert response.message_id_being_responded_to == 5
    assert response.status == 0xA700
    assert response.error_comment == "x" * 64
    assert response.affected_sop_class_uid == CT_IMAGE
    assert response.affected_sop_instance_uid == ""


def test_a_store_response_names_the_instance() -> None:
    assert STORE.response(0).affected_sop_instance_uid == STORE.affected_sop_instance_uid


def test_requested_uids_come_back_as_affected() -> None:
    request = CommandSet.build(
        CommandField.N_ACTION_RQ,
        has_data_set=True,
        message_id=1,
        requested_sop_class_uid="1.2.840.10008.1.20.1",
        requested_sop_instance_uid="1.2.840.10008.1.20.1.1",
        action_type_id=1,
    )
    response = request.response(0, action_type_id=1)
    assert response.affected_sop_class_uid == "1.2.840.10008.1.20.1"
    assert response.affected_sop_instance_uid == "1.2.840.10008.1.20.1.1"
    assert response.requested_sop_class_uid == ""


def test_a_pending_find_response_announces_its_identifier() -> None:
    request = CommandSet.build(CommandField.C_FIND_RQ, message_id=1, has_data_set=True)
    assert request.response(0xFF00, has_data_set=True).has_data_set
    assert not request.response(0).has_data_set


def test_text_that_is_not_ascii_does_not_stop_a_response() -> None:
    assert STORE.response(0xC000, error_comment="Gerät voll").error_comment == "Ger?t voll"


def test_repr_shows_no_identifiers() -> None:
    assert "1.2.3.4.5" not in repr(STORE)


def element(number: int, value: bytes) -> bytes:
    return b"\0\0" + number.to_bytes(2, "little") + len(value).to_bytes(4, "little") + value


FIELD, ID, NO_DATA = element(0x0100, b"\x30\0"), element(0x0110, b"\1\0"), element(0x0800, b"\1\1")
NOT_COMMANDS = {
    "empty": b"",
    "group 0008": b"\x08\0\x18\0\0\0\0\0" + FIELD + ID + NO_DATA,
    "element past the end": FIELD + ID + NO_DATA[:-1],
    "stray bytes": FIELD + ID + NO_DATA + b"\0\0\0",
    "declared four gigabytes": FIELD + ID + NO_DATA + b"\0\0\2\0\xff\xff\xff\xff",
    "no command field": ID + NO_DATA,
    "no data set type": FIELD + ID,
    "no message id": FIELD + NO_DATA,
    "message id of one byte": FIELD + element(0x0110, b"\1") + NO_DATA,
    "response without status": element(0x0100, b"\x30\x80") + element(0x0120, b"\1\0") + NO_DATA,
    "response without message id": element(0x0100, b"\x30\x80") + element(0x0900, b"\0\0") + NO_DATA,
    "cancel without message id": element(0x0100, b"\xff\x0f") + ID + NO_DATA,
}


@pytest.mark.parametrize("name", NOT_COMMANDS)
def test_what_is_not_a_command_is_refused(name: str) -> None:
    with pytest.raises(CommandSetError):
        CommandSet.decode(NOT_COMMANDS[name])


def test_a_wrong_group_length_does_not_matter() -> None:
    assert CommandSet.decode(element(0, b"\xff\xff\0\0") + FIELD + ID + NO_DATA).message_id == 1


def test_elements_of_retired_commands_are_kept_out_of_the_way() -> None:
    command = CommandSet.decode(FIELD + ID + NO_DATA + element(0x5110, b"\0" * 8))
    assert command.command_field == CommandField.C_ECHO_RQ


@pytest.mark.parametrize(
    "values", [{"colour": 1}, {"message_id": "one"}, {"error_comment": 5}, {"offending_elements": 5}]
)
def test_building_with_a_wrong_name_or_type_is_refused(values: dict[str, int | str]) -> None:
    with pytest.raises(TypeError):
        CommandSet.build(CommandField.C_ECHO_RQ, **values)  # type: ignore[arg-type]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_read_or_refused_but_nothing_else(raw: bytes) -> None:
    try:
        command = CommandSet.decode(raw)
    except CommandSetError:
        return
    for name in EVERY_VALUE:
        getattr(command, name)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_mutated_command_never_breaks_its_accessors(data: st.DataObject) -> None:
    raw = bytearray(CommandSet.build(CommandField.C_MOVE_RQ, **EVERY_VALUE).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        command = CommandSet.decode(raw)
    except CommandSetError:
        return
    for name in EVERY_VALUE:
        getattr(command, name)
