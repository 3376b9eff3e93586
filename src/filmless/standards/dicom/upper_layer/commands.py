"""DIMSE command sets (PS3.7 6.3, 9.3, 10.3, Annex E): group 0000 in implicit VR little endian.

A CommandSet keeps the encoded values and decodes one when asked: a server looks at half of them.
Not here: data sets, and what a status means to a service. Start at `CommandSet`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from filmless.standards.dicom.upper_layer.errors import CommandSetError

_ELEMENT = struct.Struct("<HHL")
_US = struct.Struct("<H")
_DATA_SET_TYPE_NONE: Final = 0x0101
_NO_DATA_SET: Final = _US.pack(_DATA_SET_TYPE_NONE)
_DATA_SET_FOLLOWS: Final = _US.pack(0x0001)
_RESPONSE: Final = 0x8000
ERROR_COMMENT_CHARACTERS_MAX: Final = 64  # VR LO, PS3.5 6.2.


class CommandField(IntEnum):
    """Command Field (0000,0100), PS3.7 E.1-1."""

    C_STORE_RQ = 0x0001
    C_STORE_RSP = 0x8001
    C_GET_RQ = 0x0010
    C_GET_RSP = 0x8010
    C_FIND_RQ = 0x0020
    C_FIND_RSP = 0x8020
    C_MOVE_RQ = 0x0021
    C_MOVE_RSP = 0x8021
    C_ECHO_RQ = 0x0030
    C_ECHO_RSP = 0x8030
    N_EVENT_REPORT_RQ = 0x0100
    N_EVENT_REPORT_RSP = 0x8100
    N_GET_RQ = 0x0110
    N_GET_RSP = 0x8110
    N_SET_RQ = 0x0120
    N_SET_RSP = 0x8120
    N_ACTION_RQ = 0x0130
    N_ACTION_RSP = 0x8130
    N_CREATE_RQ = 0x0140
    N_CREATE_RSP = 0x8140
    N_DELETE_RQ = 0x0150
    N_DELETE_RSP = 0x8150
    C_CANCEL_RQ = 0x0FFF


class Priority(IntEnum):
    """Priority (0000,0700)."""

    MEDIUM = 0
    HIGH = 1
    LOW = 2


# Accessor name -> (element number in group 0000, VR). PS3.7 E.1.
ELEMENTS: Final[dict[str, tuple[int, str]]] = {
    "affected_sop_class_uid": (0x0002, "UI"),
    "requested_sop_class_uid": (0x0003, "UI"),
    "command_field": (0x0100, "US"),
    "message_id": (0x0110, "US"),
    "message_id_being_responded_to": (0x0120, "US"),
    "move_destination": (0x0600, "AE"),
    "priority": (0x0700, "US"),
    "data_set_type": (0x0800, "US"),
    "status": (0x0900, "US"),
    "offending_elements": (0x0901, "AT"),
    "error_comment": (0x0902, "LO"),
    "error_id": (0x0903, "US"),
    "affected_sop_instance_uid": (0x1000, "UI"),
    "requested_sop_instance_uid": (0x1001, "UI"),
    "event_type_id": (0x1002, "US"),
    "attribute_identifier_list": (0x1005, "AT"),
    "action_type_id": (0x1008, "US"),
    "number_of_remaining_suboperations": (0x1020, "US"),
    "number_of_completed_suboperations": (0x1021, "US"),
    "number_of_failed_suboperations": (0x1022, "US"),
    "number_of_warning_suboperations": (0x1023, "US"),
    "move_originator_ae_title": (0x1030, "AE"),
    "move_originator_message_id": (0x1031, "US"),
}

Value = int | str | Iterable[int]


def _encode_value(name: str, vr: str, value: Value) -> bytes:
    if vr == "US" and isinstance(value, int):
        return _US.pack(value)
    if vr == "AT" and not isinstance(value, int | str):
        return b"".join(struct.pack("<HH", tag >> 16, tag & 0xFFFF) for tag in value)
    if vr in ("UI", "AE", "LO") and isinstance(value, str):
        raw = value.encode("latin-1" if vr == "UI" else "ascii", "replace")
        if vr == "LO":
            raw = raw[:ERROR_COMMENT_CHARACTERS_MAX]
        return raw if len(raw) % 2 == 0 else raw + (b"\0" if vr == "UI" else b" ")
    raise TypeError(f"{name} is {vr}; {value!r} does not fit.")


class CommandSet:
    """One DIMSE command. Read it by its accessors; make one with `build` or `response`.

    Text accessors give "" and number accessors None when the element is absent, except those every command
    has: `command_field`, `has_data_set`, and `message_id` or `message_id_being_responded_to`.
    """

    __slots__ = ("_values", "command_field", "has_data_set")

    def __init__(self, values: dict[int, bytes]) -> None:
        """`values`: element number to encoded value; callers use `build` or `decode`."""
        self._values = values
        self.command_field: int = _US.unpack(values[0x0100])[0]
        self.has_data_set: bool = values[0x0800] != _NO_DATA_SET

    @classmethod
    def build(cls, command_field: int, *, has_data_set: bool = False, **values: Value) -> CommandSet:
        """A command from values by accessor name. Raises TypeError on a wrong name or type."""
        encoded = {
            0x0100: _US.pack(command_field),
            0x0800: _DATA_SET_FOLLOWS if has_data_set else _NO_DATA_SET,
        }
        for name, value in values.items():
            if name not in ELEMENTS:
                raise TypeError(f"A command set has no {name!r}.")
            element, vr = ELEMENTS[name]
            encoded[element] = _encode_value(name, vr, value)
        return cls(encoded)

    @classmethod
    def decode(cls, buffer: bytes | bytearray | memoryview) -> CommandSet:
        """A command from its bytes. Raises CommandSetError."""
        raw = bytes(buffer)
        values: dict[int, bytes] = {}
        position, end = 0, len(raw)
        unpack = _ELEMENT.unpack_from
        while position + 8 <= end:
            group, element, length = unpack(raw, position)
            start = position + 8
            position = start + length
            if group or position > end:
                raise CommandSetError(f"Command set broken at element ({group:04X},{element:04X}).")
            values[element] = raw[start:position]
        if position != end:
            raise CommandSetError(f"Command set ends with {end - position} stray bytes.")
        _check(values)
        return cls(values)

    def encode(self) -> bytes:
        """The command's bytes: elements in order, Command Group Length first (PS3.7 6.3.1)."""
        pack = _ELEMENT.pack
        parts: list[bytes] = []
        for element in sorted(self._values):
            value = self._values[element]
            if element:
                parts += (pack(0, element, len(value)), value)
        body = b"".join(parts)
        return b"\0\0\0\0\x04\0\0\0" + len(body).to_bytes(4, "little") + body

    def response(self, status: int, *, has_data_set: bool = False, **values: Value) -> CommandSet:
        """The response to this request: its message ID, SOP class and SOP instance UID, and `status`.

        The Requested UIDs of N-services come back as Affected UIDs (PS3.7 10.1). C-FIND, C-GET and C-MOVE
        name no instance. Further values by accessor name.
        """
        mine = self._values
        encoded = {
            0x0100: _US.pack(self.command_field | _RESPONSE),
            0x0120: mine[0x0110],
            0x0800: _DATA_SET_FOLLOWS if has_data_set else _NO_DATA_SET,
            0x0900: _US.pack(status),
        }
        if (uid := mine.get(0x0002) or mine.get(0x0003)) is not None:
            encoded[0x0002] = uid
        if (uid := mine.get(0x1000) or mine.get(0x1001)) is not None:
            encoded[0x1000] = uid
        for name, value in values.items():
            element, vr = ELEMENTS[name]
            encoded[element] = _encode_value(name, vr, value)
        return CommandSet(encoded)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CommandSet) and self._comparable() == other._comparable()

    def __hash__(self) -> int:
        return hash(frozenset(self._comparable().items()))

    def __repr__(self) -> str:
        # No UIDs and no text: a command may end up in a log.
        return f"CommandSet(command_field=0x{self.command_field:04X}, has_data_set={self.has_data_set})"

    def _comparable(self) -> dict[int, bytes]:
        return {element: value for element, value in self._values.items() if element}

    def _text(self, element: int) -> str:
        return self._values.get(element, b"").decode("latin-1").strip("\0 ")

    def _number(self, element: int) -> int | None:
        raw = self._values.get(element)
        return None if raw is None or len(raw) < 2 else raw[0] | raw[1] << 8

    def _tags(self, element: int) -> tuple[int, ...]:
        raw = self._values.get(element, b"")
        return tuple(
            group << 16 | number for group, number in struct.iter_unpack("<HH", raw[: len(raw) // 4 * 4])
        )

    @property
    def is_response(self) -> bool:
        """Whether this answers a request (PS3.7 E.1: bit 15 of Command Field)."""
        return bool(self.command_field & _RESPONSE)

    @property
    def message_id(self) -> int:
        """Message ID; 0 in a response and in C-CANCEL-RQ, which have none."""
        return self._number(0x0110) or 0

    @property
    def message_id_being_responded_to(self) -> int:
        """Message ID Being Responded To; 0 in a request that has none."""
        return self._number(0x0120) or 0

    @property
    def affected_sop_class_uid(self) -> str:
        """Affected SOP Class UID."""
        return self._text(0x0002)

    @property
    def requested_sop_class_uid(self) -> str:
        """Requested SOP Class UID (N-GET, N-SET, N-ACTION, N-DELETE)."""
        return self._text(0x0003)

    @property
    def affected_sop_instance_uid(self) -> str:
        """Affected SOP Instance UID."""
        return self._text(0x1000)

    @property
    def requested_sop_instance_uid(self) -> str:
        """Requested SOP Instance UID (N-GET, N-SET, N-ACTION, N-DELETE)."""
        return self._text(0x1001)

    @property
    def priority(self) -> int:
        """Priority; MEDIUM when absent."""
        return self._number(0x0700) or 0

    @property
    def status(self) -> int:
        """Status of a response; 0 in a request."""
        return self._number(0x0900) or 0

    @property
    def offending_elements(self) -> tuple[int, ...]:
        """Offending Element: tags as group << 16 | element."""
        return self._tags(0x0901)

    @property
    def error_comment(self) -> str:
        """Error Comment: the peer's own words."""
        return self._text(0x0902)

    @property
    def error_id(self) -> int | None:
        """Error ID."""
        return self._number(0x0903)

    @property
    def move_destination(self) -> str:
        """Move Destination: an AE title."""
        return self._text(0x0600)

    @property
    def move_originator_ae_title(self) -> str:
        """Move Originator Application Entity Title."""
        return self._text(0x1030)

    @property
    def move_originator_message_id(self) -> int | None:
        """Move Originator Message ID."""
        return self._number(0x1031)

    @property
    def event_type_id(self) -> int | None:
        """Event Type ID (N-EVENT-REPORT)."""
        return self._number(0x1002)

    @property
    def action_type_id(self) -> int | None:
        """Action Type ID (N-ACTION)."""
        return self._number(0x1008)

    @property
    def attribute_identifier_list(self) -> tuple[int, ...]:
        """Attribute Identifier List (N-GET): tags as group << 16 | element."""
        return self._tags(0x1005)

    @property
    def number_of_remaining_suboperations(self) -> int | None:
        """Number of Remaining Sub-operations (C-GET, C-MOVE)."""
        return self._number(0x1020)

    @property
    def number_of_completed_suboperations(self) -> int | None:
        """Number of Completed Sub-operations (C-GET, C-MOVE)."""
        return self._number(0x1021)

    @property
    def number_of_failed_suboperations(self) -> int | None:
        """Number of Failed Sub-operations (C-GET, C-MOVE)."""
        return self._number(0x1022)

    @property
    def number_of_warning_suboperations(self) -> int | None:
        """Number of Warning Sub-operations (C-GET, C-MOVE)."""
        return self._number(0x1023)


def _check(values: dict[int, bytes]) -> None:
    """Every command names itself, its message, and whether a data set follows; a response its status."""
    field, data_set_type = values.get(0x0100), values.get(0x0800)
    if field is None or data_set_type is None or len(field) != 2 or len(data_set_type) != 2:
        raise CommandSetError("A command set without Command Field or Command Data Set Type.")
    command_field = field[0] | field[1] << 8
    is_answer = command_field & _RESPONSE
    if (
        len(values.get(0x0120 if is_answer or command_field == CommandField.C_CANCEL_RQ else 0x0110, b""))
        != 2
    ):
        raise CommandSetError(f"Command {command_field:04X}H without its message ID.")
    if is_answer and len(values.get(0x0900, b"")) != 2:
        raise CommandSetError(f"Response {command_field:04X}H without Status.")
