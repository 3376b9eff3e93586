"""Who may open an association: the called AE title is ours, the calling one belongs to a node we know."""

from dataclasses import dataclass

from filmless.features.access import Actor, node_actor
from filmless.features.nodes import find_node
from filmless.infra.database import Database
from filmless.standards.dicom.upper_layer import (
    REJECT_CALLED_AE_TITLE,
    REJECT_CALLING_AE_TITLE,
    AssociateReject,
    AssociateRequest,
)


@dataclass(frozen=True, slots=True)
class Admission:
    """The rule for callers, from the settings."""

    database: Database
    ae_title: str
    called_ae_title_must_match: bool
    accept_unknown_nodes: bool

    def of(self, request: AssociateRequest, address: str) -> Actor | AssociateReject:
        """The actor that the caller is, or the rejection to send (PS3.8 Table 9-21)."""
        if self.called_ae_title_must_match and request.called_ae_title != self.ae_title:
            return REJECT_CALLED_AE_TITLE
        if not request.calling_ae_title:
            return REJECT_CALLING_AE_TITLE
        if not self.accept_unknown_nodes and find_node(self.database, request.calling_ae_title) is None:
            return REJECT_CALLING_AE_TITLE
        return node_actor(request.calling_ae_title, address)
