"""Nodes: the DICOM peers we know, by AE title.

Who is not here may send nothing (unless the setting says otherwise) and is never sent anything: a move
destination is always one of these. Not here: the protocol (`edge/dimse`). Start at `service.add_node`.
"""

from filmless.features.nodes.errors import AETitleTaken, NodeNotFound
from filmless.features.nodes.model import AETitle, NewNode, Node, parse_ae_title
from filmless.features.nodes.service import add_node, find_node, get_node, list_nodes, remove_node

__all__ = [
    "AETitle",
    "AETitleTaken",
    "NewNode",
    "Node",
    "NodeNotFound",
    "add_node",
    "find_node",
    "get_node",
    "list_nodes",
    "parse_ae_title",
    "remove_node",
]
