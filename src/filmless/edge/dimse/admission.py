"""Who may open an association: the called AE title is ours, and the caller is a node we know.

Known means: its AE title is registered and not switched off, it calls from where it lives and over TLS with
its own certificate, as far as the node asks for these. An AE title alone proves nothing (PS3.15 B.12).
Everybody turned away is noted for the administrator. Start at `Admission.of`.
"""

from dataclasses import dataclass, field

from filmless.edge.dimse.addresses import AddressBook
from filmless.edge.dimse.errors import TLSHandshakeFailed
from filmless.edge.dimse.tls import PeerCertificate
from filmless.edge.dimse.turned_away import TurnedAway
from filmless.features.access import Actor, node_actor
from filmless.features.nodes import Node, Refusal, RefusalReason, TLSMode, find_node
from filmless.infra.database import Database
from filmless.standards.dicom.upper_layer import (
    REJECT_CALLED_AE_TITLE,
    REJECT_CALLING_AE_TITLE,
    AssociateReject,
    AssociateRequest,
)

_REASON_OF = {  # What OpenSSL calls a failed handshake that is a matter of certificates.
    "CERTIFICATE_VERIFY_FAILED": RefusalReason.CERTIFICATE,
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": RefusalReason.CERTIFICATE,
    "TLSV1_ALERT_UNKNOWN_CA": RefusalReason.OUR_CERTIFICATE,
    "SSLV3_ALERT_BAD_CERTIFICATE": RefusalReason.OUR_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": RefusalReason.OUR_CERTIFICATE,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": RefusalReason.OUR_CERTIFICATE,
}


@dataclass(slots=True)
class Admission:
    """The rule for callers: from the settings, and from the nodes as they are at that moment."""

    database: Database
    ae_title: str
    called_ae_title_must_match: bool
    accept_unknown_nodes: bool
    addresses: AddressBook = field(default_factory=AddressBook)
    _turned_away: TurnedAway = field(init=False)

    def __post_init__(self) -> None:
        self._turned_away = TurnedAway(self.database)

    def of(
        self, request: AssociateRequest, address: str, certificate: PeerCertificate | None = None
    ) -> Actor | AssociateReject:
        """The actor that the caller is, or the rejection to send (PS3.8 Table 9-21).

        `address` is host:port; `certificate` is None on the plain port. Whatever a node fails in, the answer
        is the same as for a title nobody knows: a stranger who tries titles learns nothing from it.
        """
        host = address.rpartition(":")[0]
        answer = self._judge(request, host, certificate)
        if answer is None:
            return node_actor(request.calling_ae_title, address)
        if isinstance(answer, Node):
            return node_actor(request.calling_ae_title, address, answer.permissions)
        fingerprint = certificate.fingerprint if certificate else ""
        self._turned_away.note(
            Refusal(request.calling_ae_title, host, request.called_ae_title, answer, fingerprint)
        )
        called = answer is RefusalReason.CALLED_AE_TITLE
        return REJECT_CALLED_AE_TITLE if called else REJECT_CALLING_AE_TITLE

    def no_tls(self, address: str, error: TLSHandshakeFailed) -> None:
        """Note a caller whose TLS handshake failed: it has not even told its AE title."""
        host = address.rpartition(":")[0]
        reason = _REASON_OF.get(error.reason, RefusalReason.TLS_HANDSHAKE)
        self._turned_away.note(Refusal("", host, "", reason))

    def close(self) -> None:
        """Write down who was turned away last."""
        self._turned_away.close()

    def _judge(
        self, request: AssociateRequest, host: str, certificate: PeerCertificate | None
    ) -> Node | RefusalReason | None:
        """The node that calls, None for one that nobody need know, or why it is turned away."""
        if self.called_ae_title_must_match and request.called_ae_title != self.ae_title:
            return RefusalReason.CALLED_AE_TITLE
        if not request.calling_ae_title:
            return RefusalReason.NO_CALLING_AE_TITLE
        node = find_node(self.database, request.calling_ae_title)
        if node is None:
            return None if self.accept_unknown_nodes else RefusalReason.UNKNOWN_NODE
        return self._objection(node, host, certificate) or node

    def _objection(self, node: Node, host: str, certificate: PeerCertificate | None) -> RefusalReason | None:
        if not node.is_active:
            return RefusalReason.INACTIVE
        if node.address_must_match and not node.may_call_from(host, self.addresses.addresses_of(node.host)):
            return RefusalReason.ADDRESS
        if certificate is None:
            return RefusalReason.TLS_REQUIRED if node.tls is TLSMode.REQUIRED else None
        bound = node.certificate_fingerprints
        if bound and certificate.fingerprint not in bound:
            return RefusalReason.CERTIFICATE
        return None
