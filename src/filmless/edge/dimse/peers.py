"""From a node we know to a peer we can call."""

from pathlib import Path

from filmless.edge.dimse.requestor import Peer
from filmless.features.nodes import Node


def peer_of(node: Node, calling_ae_title: str, data_folder: Path) -> Peer:  # noqa: ARG001
    """How to open associations with the node in our name; our certificates are in the data folder."""
    return Peer(node.host, node.port, node.ae_title, calling_ae_title)
