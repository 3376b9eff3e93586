"""Nodes: the list and its changes, who was turned away, and what the other side must know of us."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from filmless.edge.api.node_schemas import (
    CertificatesIn,
    CertificatesOut,
    DestinationsOut,
    NewNodeIn,
    NodeIn,
    NodeOut,
    NodesOut,
    OurNodeOut,
    UnknownCallersOut,
)
from filmless.edge.api.routing import answers, context_of
from filmless.edge.api.schemas import PathText
from filmless.edge.api.system import dicom_host
from filmless.edge.http.identity import actor_of
from filmless.edge.http.responses import json_response
from filmless.features import nodes
from filmless.infra.tls_files import TLSFiles, spelled

DICOM_PORT = 104  # The well-known one (PS3.8 9.1.2): what most devices listen on.

QueryText = Annotated[str, Query(max_length=128, pattern=r"^[^\x00]*$")]

router = APIRouter(tags=["nodes"])


@router.get("/nodes", **answers(200, NodesOut, "All nodes", 401, 403))
def list_nodes(request: Request, capability: nodes.Capability | None = None) -> Response:
    """All nodes by AE title, or the active ones that may use one of our services."""
    database, actor = context_of(request).database, actor_of(request)
    if capability is None:
        found = nodes.list_nodes(database, actor)
    else:
        found = nodes.nodes_permitting(database, actor, capability)
    return json_response({"nodes": [_node(node) for node in found]})


@router.post("/nodes", **answers(201, NodeOut, "Registered", 400, 401, 403, 409))
def add_node(request: Request, body: NewNodeIn) -> Response:
    """Register a node."""
    new_node = _new_node(body.ae_title, body)
    node = nodes.add_node(context_of(request).database, actor_of(request), new_node)
    return json_response(_node(node), 201)


# An AE title may have a slash in it: hence `path`.
@router.put("/nodes/{ae_title:path}", **answers(200, NodeOut, "Changed", 400, 401, 403, 404))
def update_node(request: Request, ae_title: PathText, body: NodeIn) -> Response:
    """Make a node what the body says, all of it."""
    changed = _new_node(ae_title, body)
    return json_response(_node(nodes.update_node(context_of(request).database, actor_of(request), changed)))


@router.delete("/nodes/{ae_title:path}", **answers(204, None, "Removed", 400, 401, 403, 404))
def remove_node(request: Request, ae_title: PathText) -> Response:
    """Strike a node off the list."""
    nodes.remove_node(context_of(request).database, actor_of(request), ae_title)
    return Response(status_code=204)


@router.get("/destinations", **answers(200, DestinationsOut, "Where studies may be sent to", 401, 403))
def list_destinations(request: Request) -> Response:
    """The nodes that may be sent to, with no more than a sender must know."""
    found = nodes.list_destinations(context_of(request).database, actor_of(request))
    return json_response(
        {"destinations": [{"ae_title": it.ae_title, "description": it.description} for it in found]}
    )


@router.get("/unknown-callers", **answers(200, UnknownCallersOut, "Who was turned away", 401, 403))
def list_unknown_callers(request: Request) -> Response:
    """Who was turned away at the DICOM ports, the latest first, with what to begin with to let them in."""
    database, actor = context_of(request).database, actor_of(request)
    registered = {node.ae_title for node in nodes.list_nodes(database, actor)}
    found = nodes.list_unknown_callers(database, actor)
    return json_response({"callers": [_caller(caller, registered) for caller in found]})


@router.delete("/unknown-callers", **answers(204, None, "Struck off", 401, 403, 404))
def forget_unknown_caller(request: Request, calling_ae_title: QueryText, address: QueryText) -> Response:
    """Strike one off the list; it returns when it calls again."""
    database, actor = context_of(request).database, actor_of(request)
    nodes.forget_unknown_caller(database, actor, calling_ae_title, address)
    return Response(status_code=204)


@router.post("/certificates/read", **answers(200, CertificatesOut, "What is in the text", 400, 401, 403))
def read_certificates(request: Request, body: CertificatesIn) -> Response:
    """What certificates a text holds, so that they can be compared before a node is bound to them."""
    pem = nodes.read_certificates(actor_of(request), body.certificate_pem)
    return json_response({"certificate_pem": pem, "certificates": _certificates(pem)})


@router.get("/our-node", **answers(200, OurNodeOut, "What the other side must know of us", 401, 503))
def get_our_node(request: Request) -> Response:
    """Our AE title, address, ports and certificate, for the administrator of a device."""
    context = context_of(request)
    settings = context.settings
    pem = TLSFiles.of(settings).own_certificate() if settings.dicom_tls_port else ""
    return json_response(
        {
            "ae_title": settings.ae_title,
            "called_ae_title_must_match": settings.called_ae_title_must_match,
            "dicom_host": dicom_host(context, request),
            "dicom_port": settings.dicom_port,
            "dicom_tls_port": settings.dicom_tls_port or None,
            "certificate": next(iter(_certificates(pem)), None),
            "certificate_pem": pem,
        }
    )


def _new_node(ae_title: str, body: NodeIn) -> nodes.NewNode:
    return nodes.NewNode(
        ae_title=ae_title,
        host=body.host,
        port=body.port,
        description=body.description,
        capabilities=frozenset(body.capabilities),
        is_active=body.is_active,
        address_must_match=body.address_must_match,
        addresses=tuple(body.addresses),
        tls=body.tls,
        certificate_pem=body.certificate_pem,
        associations_max=body.associations_max,
        preferred_transfer_syntaxes=tuple(body.preferred_transfer_syntaxes),
        commits_on_same_association=body.commits_on_same_association,
    )


def _node(node: nodes.Node) -> dict[str, Any]:
    return {
        "ae_title": node.ae_title,
        "host": node.host,
        "port": node.port,
        "description": node.description,
        "capabilities": sorted(node.capabilities),
        "is_active": node.is_active,
        "address_must_match": node.address_must_match,
        "addresses": node.addresses,
        "tls": node.tls,
        "certificate_pem": node.certificate_pem,
        "certificates": _certificates(node.certificate_pem),
        "associations_max": node.associations_max,
        "preferred_transfer_syntaxes": node.preferred_transfer_syntaxes,
        "commits_on_same_association": node.commits_on_same_association,
        "created_at": node.created_at,
        "updated_at": node.updated_at,
    }


def _certificates(pem: str) -> list[dict[str, Any]]:
    return [
        {
            "fingerprint": spelled(each.fingerprint),
            "subject": each.subject,
            "not_valid_after": each.not_valid_after,
        }
        for each in nodes.describe_certificates(pem)
    ]


def _caller(caller: nodes.UnknownCaller, registered: set[nodes.AETitle]) -> dict[str, Any]:
    last = caller.last
    is_registered = last.calling_ae_title in registered
    proposed = {"ae_title": last.calling_ae_title, "host": last.address, "port": DICOM_PORT}
    return {
        "calling_ae_title": last.calling_ae_title,
        "address": last.address,
        "called_ae_title": last.called_ae_title,
        "reason": last.reason,
        "explanation": last.reason.explanation,
        "certificate_fingerprint": spelled(last.certificate_fingerprint),
        "first_seen_at": caller.first_seen_at,
        "last_seen_at": caller.last_seen_at,
        "calls": caller.calls,
        "is_registered": is_registered,
        "proposed_node": proposed if last.calling_ae_title and not is_registered else None,
    }
