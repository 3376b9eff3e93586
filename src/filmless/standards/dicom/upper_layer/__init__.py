"""The DICOM upper layer and DIMSE messages (PS3.8, PS3.7), sans-IO: bytes and values, no sockets.

Bytes go in, events come out; requests go in, bytes come out. Both sides of an association, every PDU, the
state machine as the standard's own table, streaming P-DATA in both directions without copies.
Not here: sockets and time-outs (`edge/dimse/connection.py`), what a service does (`edge/dimse`, `features`).
Start at `association.Association`; then `negotiation.negotiate` and `commands.CommandSet`.
Invariant: nothing a peer sends raises, grows beyond `limits`, or allocates by a declared length.
"""

from filmless.standards.dicom.upper_layer.association import Association
from filmless.standards.dicom.upper_layer.commands import CommandField, CommandSet, Priority
from filmless.standards.dicom.upper_layer.data_transfer import BytesLike, frame_message
from filmless.standards.dicom.upper_layer.errors import (
    AbortReason,
    AbortSource,
    CommandSetError,
    NotAllowedNow,
    ProtocolError,
)
from filmless.standards.dicom.upper_layer.events import (
    Aborted,
    AssociationAccepted,
    AssociationRequested,
    CommandReceived,
    DataReceived,
    Event,
    Rejected,
    ReleaseConfirmed,
    ReleaseRequested,
)
from filmless.standards.dicom.upper_layer.limits import (
    OFFERED_PDU_BYTES_MAX,
    PRESENTATION_CONTEXTS_MAX,
    Limits,
)
from filmless.standards.dicom.upper_layer.negotiation import (
    AcceptorPolicy,
    PresentationContext,
    SyntaxOffer,
    accepted_contexts,
    negotiate,
)
from filmless.standards.dicom.upper_layer.pdus import (
    REJECT_APPLICATION_CONTEXT,
    REJECT_CALLED_AE_TITLE,
    REJECT_CALLING_AE_TITLE,
    REJECT_LOCAL_LIMIT,
    REJECT_NO_REASON,
    REJECT_PROTOCOL_VERSION,
    REJECT_TEMPORARY_CONGESTION,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    ContextResult,
    PresentationContextAnswer,
    PresentationContextProposal,
)
from filmless.standards.dicom.upper_layer.states import State
from filmless.standards.dicom.upper_layer.user_information import (
    AsyncWindow,
    CommonExtendedNegotiation,
    ExtendedNegotiation,
    RoleSelection,
    UserIdentity,
    UserInformation,
)

__all__ = [
    "OFFERED_PDU_BYTES_MAX",
    "PRESENTATION_CONTEXTS_MAX",
    "REJECT_APPLICATION_CONTEXT",
    "REJECT_CALLED_AE_TITLE",
    "REJECT_CALLING_AE_TITLE",
    "REJECT_LOCAL_LIMIT",
    "REJECT_NO_REASON",
    "REJECT_PROTOCOL_VERSION",
    "REJECT_TEMPORARY_CONGESTION",
    "AbortReason",
    "AbortSource",
    "Aborted",
    "AcceptorPolicy",
    "AssociateAccept",
    "AssociateReject",
    "AssociateRequest",
    "Association",
    "AssociationAccepted",
    "AssociationRequested",
    "AsyncWindow",
    "BytesLike",
    "CommandField",
    "CommandReceived",
    "CommandSet",
    "CommandSetError",
    "CommonExtendedNegotiation",
    "ContextResult",
    "DataReceived",
    "Event",
    "ExtendedNegotiation",
    "Limits",
    "NotAllowedNow",
    "PresentationContext",
    "PresentationContextAnswer",
    "PresentationContextProposal",
    "Priority",
    "ProtocolError",
    "Rejected",
    "ReleaseConfirmed",
    "ReleaseRequested",
    "RoleSelection",
    "State",
    "SyntaxOffer",
    "UserIdentity",
    "UserInformation",
    "accepted_contexts",
    "frame_message",
    "negotiate",
]
