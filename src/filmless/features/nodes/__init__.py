"""Nodes: the DICOM peers we know, by AE title, what each may do, and who called without being known.

Who is not here may send nothing (unless the setting says otherwise) and is never sent anything: a move
destination is always one of these. Not here: the protocol and TLS (`edge/dimse`). Start at
`service.add_node`; for those turned away, at `callers.note_refusals`.
"""

from filmless.features.nodes.callers import forget_unknown_caller, list_unknown_callers, note_refusals
from filmless.features.nodes.certificates import BoundCertificate, describe_certificates
from filmless.features.nodes.errors import (
    AETitleTaken,
    NodeInactive,
    NodeNotFound,
    UnknownCallerNotFound,
)
from filmless.features.nodes.model import (
    ALL_CAPABILITIES,
    AETitle,
    Capability,
    Destination,
    NewNode,
    Node,
    TLSMode,
    parse_ae_title,
)
from filmless.features.nodes.refusals import Refusal, RefusalReason, UnknownCaller
from filmless.features.nodes.service import (
    add_node,
    find_node,
    get_node,
    list_bound_certificates,
    list_destinations,
    list_nodes,
    nodes_permitting,
    read_certificates,
    remove_node,
    update_node,
)

__all__ = [
    "ALL_CAPABILITIES",
    "AETitle",
    "AETitleTaken",
    "BoundCertificate",
    "Capability",
    "Destination",
    "NewNode",
    "Node",
    "NodeInactive",
    "NodeNotFound",
    "Refusal",
    "RefusalReason",
    "TLSMode",
    "UnknownCaller",
    "UnknownCallerNotFound",
    "add_node",
    "describe_certificates",
    "find_node",
    "forget_unknown_caller",
    "get_node",
    "list_bound_certificates",
    "list_destinations",
    "list_nodes",
    "list_unknown_callers",
    "nodes_permitting",
    "note_refusals",
    "parse_ae_title",
    "read_certificates",
    "remove_node",
    "update_node",
]
