"""From a node we know to a peer we can call."""

from filmless.edge.dimse.requestor import Peer
from filmless.edge.dimse.tls import client_context
from filmless.features.nodes import Node, NodeInactive, TLSMode
from filmless.infra.tls_files import TLSFiles


def peer_of(node: Node, calling_ae_title: str, tls: TLSFiles) -> Peer:
    """How to open associations with the node in our name, over TLS where the node wants it.

    Raises NodeInactive, and TLSNotUsable when our own certificate cannot be used.
    """
    if not node.is_active:
        raise NodeInactive(f"The node {node.ae_title} is switched off.")
    context = None if node.tls is TLSMode.OFF else client_context(tls, node)
    return Peer(
        node.host,
        node.port,
        node.ae_title,
        calling_ae_title,
        tls=context,
        preferred_transfer_syntaxes=node.preferred_transfer_syntaxes,
    )
