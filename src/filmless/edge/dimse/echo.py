"""C-ECHO SCP (PS3.4 Annex A): we are here, and we speak DICOM."""

from collections.abc import Iterable

from filmless.edge.dimse.conversation import Conversation
from filmless.edge.dimse.exchange import Message
from filmless.edge.dimse.services import Service
from filmless.edge.dimse.status import SUCCESS
from filmless.standards.dicom.sop_classes import VERIFICATION
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, IMPLICIT_LE
from filmless.standards.dicom.upper_layer import CommandField, CommandSet, PresentationContext, SyntaxOffer


class EchoExchange:
    """One C-ECHO."""

    def __init__(self, _: Conversation, request: CommandSet, __: PresentationContext) -> None:
        self._request = request

    def receive(self, data: memoryview) -> None:
        """C-ECHO has no data set; bytes of a confused peer are dropped."""

    def finish(self) -> Iterable[Message]:
        """Success."""
        return (Message(self._request.response(SUCCESS)),)

    def abandon(self) -> None:
        """Nothing was kept."""


SERVICES = (
    Service(
        VERIFICATION,
        "Verification",
        SyntaxOffer((EXPLICIT_LE, IMPLICIT_LE)),
        {CommandField.C_ECHO_RQ: EchoExchange},
    ),
)
