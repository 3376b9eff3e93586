"""What our SCPs work with, and the form of a row in the table of services (`table`).

Negotiation, dispatch and the conformance statement all read those rows. Not here: any one service.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from filmless.edge.dimse.conversation import Conversation, Services
from filmless.edge.dimse.exchange import Exchange
from filmless.standards.dicom.transfer_syntaxes import (
    DEFLATED_EXPLICIT_LE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
)
from filmless.standards.dicom.upper_layer import CommandSet, PresentationContext, SyntaxOffer

__all__ = ["PLAIN_OFFER", "Begin", "Service", "Services"]

Begin = Callable[[Conversation, CommandSet, PresentationContext], Exchange]

PLAIN_OFFER = SyntaxOffer((EXPLICIT_LE, IMPLICIT_LE, DEFLATED_EXPLICIT_LE, EXPLICIT_BE))
"""Transfer syntaxes of every service that moves no images, best first."""


@dataclass(frozen=True, slots=True)
class Service:
    """What we do as SCP for one SOP class.

    `operations`: Command Field of the request to what serves it. `answer_extended`: our answer to the service
    class application information of SOP Class Extended Negotiation (PS3.7 D.3.3.5).
    """

    sop_class_uid: str
    name: str
    offer: SyntaxOffer
    operations: Mapping[int, Begin]
    answer_extended: Callable[[bytes], bytes | None] | None = None
