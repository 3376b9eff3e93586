"""The user information item of A-ASSOCIATE-RQ and -AC, with every sub-item PS3.7 Annex D and PS3.8 D.1 know.

Unknown sub-items are skipped, as PS3.8 9.3.1 asks. Not here: what we answer to them (`negotiation`).
Start at `UserInformation`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from filmless.standards.dicom.upper_layer.errors import ProtocolError

_LENGTH = struct.Struct(">H")
_ITEM = struct.Struct(">BxH")


@dataclass(frozen=True, slots=True)
class AsyncWindow:
    """Asynchronous operations window (PS3.7 D.3.3.3). 0 means unlimited; without the item both are 1."""

    operations_invoked_max: int = 1
    operations_performed_max: int = 1


@dataclass(frozen=True, slots=True)
class RoleSelection:
    """SCU/SCP roles of the association requestor for one SOP class (PS3.7 D.3.3.4)."""

    sop_class_uid: str
    scu: bool
    scp: bool


@dataclass(frozen=True, slots=True)
class ExtendedNegotiation:
    """SOP class extended negotiation (PS3.7 D.3.3.5); the information belongs to the service class."""

    sop_class_uid: str
    information: bytes


@dataclass(frozen=True, slots=True)
class CommonExtendedNegotiation:
    """SOP class common extended negotiation (PS3.7 D.3.3.6). Only a requestor sends it."""

    sop_class_uid: str
    service_class_uid: str
    related_general_sop_class_uids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UserIdentity:
    """User identity of the requestor (PS3.7 D.3.3.7).

    identity_type: 1 name, 2 name and passcode, 3 Kerberos ticket, 4 SAML assertion, 5 JSON web token.
    The fields are secrets and stay out of repr.
    """

    identity_type: int
    primary: bytes = field(repr=False)
    secondary: bytes = field(default=b"", repr=False)
    positive_response_requested: bool = False


@dataclass(frozen=True, slots=True)
class UserInformation:
    """What the peers tell each other about themselves. `pdu_bytes_max` 0 means unlimited (PS3.8 D.1)."""

    pdu_bytes_max: int
    implementation_class_uid: str = ""
    implementation_version_name: str = ""
    async_window: AsyncWindow | None = None
    roles: tuple[RoleSelection, ...] = ()
    extended: tuple[ExtendedNegotiation, ...] = ()
    common_extended: tuple[CommonExtendedNegotiation, ...] = ()
    user_identity: UserIdentity | None = None
    user_identity_answer: bytes | None = field(default=None, repr=False)


def encode_text(text: str) -> bytes:
    """Latin-1, so that whatever a peer sent goes back unchanged; proper UIDs and AE titles are ASCII."""
    return text.encode("latin-1", "replace")


def decode_uid(raw: bytes) -> str:
    """A UID without the padding some devices add: NUL as in PS3.5 data elements, or a space."""
    return raw.decode("latin-1").strip("\0 ")


def encode_item(item_type: int, body: bytes) -> bytes:
    """Type, reserved byte, 16-bit length, body (PS3.8 9.3.2)."""
    return _ITEM.pack(item_type, len(body)) + body


def iterate_items(body: bytes, where: str) -> Iterator[tuple[int, int, bytes]]:
    """(type, reserved byte, body) of each item. Raises ProtocolError when an item runs past the end."""
    position, end = 0, len(body)
    while position < end:
        if position + 4 > end:
            raise ProtocolError(f"{where}: {end - position} stray bytes where an item header should be.")
        item_type, length = _ITEM.unpack_from(body, position)
        start = position + 4
        if start + length > end:
            raise ProtocolError(
                f"{where}: item {item_type:02X}H says {length} bytes, {end - start} are there."
            )
        yield item_type, body[position + 1], body[start : start + length]
        position = start + length


class _Fields:
    """Reads length-prefixed fields one after the other from a sub-item's body."""

    def __init__(self, body: bytes, where: str) -> None:
        self._body = body
        self._position = 0
        self._where = where

    def take(self, length: int) -> bytes:
        start = self._position
        if start + length > len(self._body):
            raise ProtocolError(f"{self._where}: a field runs past the end of its sub-item.")
        self._position = start + length
        return self._body[start : start + length]

    def number(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def counted(self) -> bytes:
        return self.take(self.number())

    def rest(self) -> bytes:
        return self.take(len(self._body) - self._position)

    @property
    def is_empty(self) -> bool:
        return self._position >= len(self._body)


def _counted(raw: bytes) -> bytes:
    return _LENGTH.pack(len(raw)) + raw


def encode_user_information(information: UserInformation) -> bytes:
    """The body of item 50H. Raises struct.error when a field is longer than 65,535 bytes."""
    parts = [encode_item(0x51, information.pdu_bytes_max.to_bytes(4, "big"))]
    parts.append(encode_item(0x52, encode_text(information.implementation_class_uid)))
    if information.async_window is not None:
        window = information.async_window
        parts.append(
            encode_item(
                0x53, struct.pack(">HH", window.operations_invoked_max, window.operations_performed_max)
            )
        )
    for role in information.roles:
        flags = bytes((role.scu, role.scp))
        parts.append(encode_item(0x54, _counted(encode_text(role.sop_class_uid)) + flags))
    if information.implementation_version_name:
        parts.append(encode_item(0x55, encode_text(information.implementation_version_name)))
    for extended in information.extended:
        parts.append(encode_item(0x56, _counted(encode_text(extended.sop_class_uid)) + extended.information))
    parts.extend(_encode_common_extended(common) for common in information.common_extended)
    if information.user_identity is not None:
        identity = information.user_identity
        head = bytes((identity.identity_type, identity.positive_response_requested))
        parts.append(encode_item(0x58, head + _counted(identity.primary) + _counted(identity.secondary)))
    if information.user_identity_answer is not None:
        parts.append(encode_item(0x59, _counted(information.user_identity_answer)))
    return b"".join(parts)


def _encode_common_extended(common: CommonExtendedNegotiation) -> bytes:
    related = b"".join(_counted(encode_text(uid)) for uid in common.related_general_sop_class_uids)
    body = _counted(encode_text(common.sop_class_uid)) + _counted(encode_text(common.service_class_uid))
    return encode_item(0x57, body + _counted(related))


def decode_user_information(body: bytes) -> UserInformation:
    """The body of item 50H as a value. Raises ProtocolError when a known sub-item is cut short."""
    pdu_bytes_max, class_uid, version_name = 0, "", ""
    window, identity, answer = None, None, None
    roles: list[RoleSelection] = []
    extended: list[ExtendedNegotiation] = []
    common: list[CommonExtendedNegotiation] = []
    for item_type, _, raw in iterate_items(body, "User information"):
        fields = _Fields(raw, f"User information sub-item {item_type:02X}H")
        if item_type == 0x51:
            pdu_bytes_max = int.from_bytes(fields.take(4), "big")
        elif item_type == 0x52:
            class_uid = decode_uid(raw)
        elif item_type == 0x53:
            window = AsyncWindow(fields.number(), fields.number())
        elif item_type == 0x54:
            roles.append(_decode_role(fields))
        elif item_type == 0x55:
            version_name = raw.decode("latin-1").strip("\0 ")
        elif item_type == 0x56:
            extended.append(ExtendedNegotiation(decode_uid(fields.counted()), fields.rest()))
        elif item_type == 0x57:
            common.append(_decode_common_extended(fields))
        elif item_type == 0x58:
            identity = _decode_user_identity(fields)
        elif item_type == 0x59:
            answer = fields.counted()
    return UserInformation(
        pdu_bytes_max,
        class_uid,
        version_name,
        window,
        tuple(roles),
        tuple(extended),
        tuple(common),
        identity,
        answer,
    )


def _decode_role(fields: _Fields) -> RoleSelection:
    uid = decode_uid(fields.counted())
    scu, scp = fields.take(2)
    return RoleSelection(uid, bool(scu), bool(scp))


def _decode_common_extended(fields: _Fields) -> CommonExtendedNegotiation:
    sop_class_uid, service_class_uid = decode_uid(fields.counted()), decode_uid(fields.counted())
    related: list[str] = []
    # Whatever follows the related classes is reserved and not looked at (PS3.7 Table D.3-12).
    inner = _Fields(b"" if fields.is_empty else fields.counted(), "Related general SOP classes")
    while not inner.is_empty:
        related.append(decode_uid(inner.counted()))
    return CommonExtendedNegotiation(sop_class_uid, service_class_uid, tuple(related))


def _decode_user_identity(fields: _Fields) -> UserIdentity:
    identity_type, response = fields.take(2)
    primary = fields.counted()
    # The secondary field is only defined for type 2; some requestors leave its length out for the others.
    secondary = b"" if fields.is_empty else fields.counted()
    return UserIdentity(identity_type, primary, secondary, bool(response))
