"""The PDUs that control an association (PS3.8 9.3) as values: associate, reject, release, abort.

P-DATA-TF is not here: it is streamed, never held whole (`data_transfer`). Start at `AssociateRequest`,
`encode_pdu` and `decode_pdu`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from filmless.standards.dicom.uids import APPLICATION_CONTEXT_NAME
from filmless.standards.dicom.upper_layer.errors import AbortReason, ProtocolError
from filmless.standards.dicom.upper_layer.limits import PRESENTATION_CONTEXTS_MAX
from filmless.standards.dicom.upper_layer.user_information import (
    UserInformation,
    decode_uid,
    decode_user_information,
    encode_item,
    encode_text,
    encode_user_information,
    iterate_items,
)

PROTOCOL_VERSION = 1

_ASSOCIATE_FIXED = struct.Struct(">HH16s16s32s")
_PDU_HEADER = struct.Struct(">BxL")


class PDUType(IntEnum):
    """First byte of a PDU (PS3.8 9.3.1)."""

    ASSOCIATE_RQ = 0x01
    ASSOCIATE_AC = 0x02
    ASSOCIATE_RJ = 0x03
    P_DATA_TF = 0x04
    RELEASE_RQ = 0x05
    RELEASE_RP = 0x06
    ABORT = 0x07


class ContextResult(IntEnum):
    """Answer to one presentation context (PS3.8 Table 9-18)."""

    ACCEPTED = 0
    USER_REJECTION = 1
    NO_REASON = 2
    ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
    TRANSFER_SYNTAXES_NOT_SUPPORTED = 4


@dataclass(frozen=True, slots=True)
class PresentationContextProposal:
    """One presentation context of an A-ASSOCIATE-RQ (PS3.8 9.3.2.2)."""

    context_id: int
    abstract_syntax_uid: str
    transfer_syntax_uids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PresentationContextAnswer:
    """One presentation context of an A-ASSOCIATE-AC; the transfer syntax only counts when accepted."""

    context_id: int
    result: int
    transfer_syntax_uid: str


@dataclass(frozen=True, slots=True)
class AssociateRequest:
    """A-ASSOCIATE-RQ. AE titles are without padding."""

    called_ae_title: str
    calling_ae_title: str
    contexts: tuple[PresentationContextProposal, ...]
    user_information: UserInformation
    application_context_name: str = APPLICATION_CONTEXT_NAME
    protocol_version: int = PROTOCOL_VERSION


@dataclass(frozen=True, slots=True)
class AssociateAccept:
    """A-ASSOCIATE-AC. The AE titles repeat the request's and are not to be tested (PS3.8 Table 9-17)."""

    called_ae_title: str
    calling_ae_title: str
    contexts: tuple[PresentationContextAnswer, ...]
    user_information: UserInformation
    application_context_name: str = APPLICATION_CONTEXT_NAME
    protocol_version: int = PROTOCOL_VERSION


@dataclass(frozen=True, slots=True)
class AssociateReject:
    """A-ASSOCIATE-RJ: result 1 permanent, 2 transient; source and reason of PS3.8 Table 9-21."""

    result: int
    source: int
    reason: int


REJECT_NO_REASON = AssociateReject(1, 1, 1)
REJECT_APPLICATION_CONTEXT = AssociateReject(1, 1, 2)
REJECT_CALLING_AE_TITLE = AssociateReject(1, 1, 3)
REJECT_CALLED_AE_TITLE = AssociateReject(1, 1, 7)
REJECT_PROTOCOL_VERSION = AssociateReject(1, 2, 2)
REJECT_TEMPORARY_CONGESTION = AssociateReject(2, 3, 1)
REJECT_LOCAL_LIMIT = AssociateReject(2, 3, 2)


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """A-RELEASE-RQ."""


@dataclass(frozen=True, slots=True)
class ReleaseReply:
    """A-RELEASE-RP."""


@dataclass(frozen=True, slots=True)
class Abort:
    """A-ABORT: source 0 service user, 2 service provider; reason of PS3.8 Table 9-26."""

    source: int
    reason: int = AbortReason.NOT_SPECIFIED


ControlPDU = AssociateRequest | AssociateAccept | AssociateReject | ReleaseRequest | ReleaseReply | Abort


def encode_pdu(pdu: ControlPDU) -> bytes:
    """The PDU with its header, ready for the wire."""
    if isinstance(pdu, AssociateRequest):
        return _encode_associate(PDUType.ASSOCIATE_RQ, pdu, [_encode_proposal(one) for one in pdu.contexts])
    if isinstance(pdu, AssociateAccept):
        return _encode_associate(PDUType.ASSOCIATE_AC, pdu, [_encode_answer(one) for one in pdu.contexts])
    if isinstance(pdu, AssociateReject):
        return _with_header(PDUType.ASSOCIATE_RJ, bytes((0, pdu.result, pdu.source, pdu.reason)))
    if isinstance(pdu, Abort):
        return _with_header(PDUType.ABORT, bytes((0, 0, pdu.source, pdu.reason)))
    pdu_type = PDUType.RELEASE_RQ if isinstance(pdu, ReleaseRequest) else PDUType.RELEASE_RP
    return _with_header(pdu_type, bytes(4))


def decode_pdu(pdu_type: int, body: bytes) -> ControlPDU:
    """A control PDU from its type and the bytes after its header. Raises ProtocolError."""
    if pdu_type == PDUType.ASSOCIATE_RQ:
        return _decode_request(body)
    if pdu_type == PDUType.ASSOCIATE_AC:
        return _decode_accept(body)
    if len(body) < 4:
        raise ProtocolError(f"PDU {pdu_type:02X}H has {len(body)} bytes, not 4.")
    if pdu_type == PDUType.ASSOCIATE_RJ:
        return AssociateReject(body[1], body[2], body[3])
    if pdu_type == PDUType.RELEASE_RQ:
        return ReleaseRequest()
    if pdu_type == PDUType.RELEASE_RP:
        return ReleaseReply()
    if pdu_type == PDUType.ABORT:
        return Abort(body[2], body[3])
    raise ProtocolError(f"There is no PDU of type {pdu_type:02X}H.", AbortReason.UNRECOGNIZED_PDU)


def decode_ae_title(raw: bytes) -> str:
    """An AE title without padding. Some devices pad with NUL where PS3.8 9.3.2 says space."""
    return raw.split(b"\0", 1)[0].decode("latin-1").strip(" ")


def encode_ae_title(ae_title: str) -> bytes:
    """16 characters, padded with spaces. Raises ValueError when empty or longer."""
    raw = encode_text(ae_title)
    if len(raw) > 16:
        raise ValueError(f"AE title {ae_title!r} has {len(raw)} characters; 16 is the most DICOM allows.")
    return raw.ljust(16)


def _with_header(pdu_type: int, body: bytes) -> bytes:
    return _PDU_HEADER.pack(pdu_type, len(body)) + body


def _encode_associate(pdu_type: int, pdu: AssociateRequest | AssociateAccept, contexts: list[bytes]) -> bytes:
    called, calling = encode_ae_title(pdu.called_ae_title), encode_ae_title(pdu.calling_ae_title)
    fixed = _ASSOCIATE_FIXED.pack(pdu.protocol_version, 0, called, calling, bytes(32))
    application = encode_item(0x10, encode_text(pdu.application_context_name))
    information = encode_item(0x50, encode_user_information(pdu.user_information))
    return _with_header(pdu_type, b"".join([fixed, application, *contexts, information]))


def _encode_proposal(context: PresentationContextProposal) -> bytes:
    parts = [
        bytes((context.context_id, 0, 0, 0)),
        encode_item(0x30, encode_text(context.abstract_syntax_uid)),
    ]
    parts.extend(encode_item(0x40, encode_text(uid)) for uid in context.transfer_syntax_uids)
    return encode_item(0x20, b"".join(parts))


def _encode_answer(answer: PresentationContextAnswer) -> bytes:
    syntax = encode_item(0x40, encode_text(answer.transfer_syntax_uid))
    return encode_item(0x21, bytes((answer.context_id, 0, answer.result, 0)) + syntax)


@dataclass(slots=True)
class _Associate:
    """The parts A-ASSOCIATE-RQ and -AC share."""

    protocol_version: int
    called_ae_title: str
    calling_ae_title: str
    application_context_name: str
    contexts: list[bytes]
    user_information: UserInformation


def _decode_associate(body: bytes, context_item: int, what: str) -> _Associate:
    if len(body) < _ASSOCIATE_FIXED.size:
        raise ProtocolError(
            f"{what} has {len(body)} bytes, fewer than its {_ASSOCIATE_FIXED.size} fixed ones."
        )
    version, _, called, calling, _ = _ASSOCIATE_FIXED.unpack_from(body)
    found = _Associate(version, decode_ae_title(called), decode_ae_title(calling), "", [], UserInformation(0))
    for item_type, _, raw in iterate_items(body[_ASSOCIATE_FIXED.size :], what):
        if item_type == 0x10:
            found.application_context_name = decode_uid(raw)
        elif item_type == context_item:
            found.contexts.append(raw)
        elif item_type == 0x50:
            found.user_information = decode_user_information(raw)
    if len(found.contexts) > PRESENTATION_CONTEXTS_MAX:
        raise ProtocolError(f"{what} has {len(found.contexts)} presentation contexts; 128 is the most.")
    return found


def _context_id(raw: bytes, seen: set[int], what: str) -> int:
    if len(raw) < 4:
        raise ProtocolError(f"{what}: a presentation context of {len(raw)} bytes.")
    context_id = raw[0]
    if context_id % 2 == 0 or context_id in seen:
        raise ProtocolError(f"{what}: presentation context ID {context_id} is even or used twice.")
    seen.add(context_id)
    return context_id


def _decode_request(body: bytes) -> AssociateRequest:
    what = "A-ASSOCIATE-RQ"
    found = _decode_associate(body, 0x20, what)
    seen: set[int] = set()
    contexts: list[PresentationContextProposal] = []
    for raw in found.contexts:
        context_id = _context_id(raw, seen, what)
        items = list(iterate_items(raw[4:], what))
        abstract = next((decode_uid(item) for item_type, _, item in items if item_type == 0x30), "")
        transfer = tuple(decode_uid(item) for item_type, _, item in items if item_type == 0x40)
        contexts.append(PresentationContextProposal(context_id, abstract, transfer))
    return AssociateRequest(
        found.called_ae_title,
        found.calling_ae_title,
        tuple(contexts),
        found.user_information,
        found.application_context_name,
        found.protocol_version,
    )


def _decode_accept(body: bytes) -> AssociateAccept:
    what = "A-ASSOCIATE-AC"
    found = _decode_associate(body, 0x21, what)
    seen: set[int] = set()
    contexts: list[PresentationContextAnswer] = []
    for raw in found.contexts:
        context_id = _context_id(raw, seen, what)
        # A rejected context may come without its transfer syntax, or with rubbish in it (PS3.8 Table 9-18).
        items = iterate_items(raw[4:], what) if raw[2] == ContextResult.ACCEPTED else iter(())
        transfer = next((decode_uid(item) for item_type, _, item in items if item_type == 0x40), "")
        contexts.append(PresentationContextAnswer(context_id, raw[2], transfer))
    return AssociateAccept(
        found.called_ae_title,
        found.calling_ae_title,
        tuple(contexts),
        found.user_information,
        found.application_context_name,
        found.protocol_version,
    )
