"""The verbs: register, list, find, change, remove peers. Each change is a security alert to the audit."""

from dataclasses import fields

from filmless.features.access import Actor, Permission
from filmless.features.audit import AuditEvent, record
from filmless.features.nodes import callers_repository, repository
from filmless.features.nodes.certificates import checked_certificates
from filmless.features.nodes.errors import AETitleTaken, NodeNotFound
from filmless.features.nodes.model import AETitle, Capability, Destination, NewNode, Node, parse_ae_title
from filmless.infra.database import Database, Transaction
from filmless.infra.errors import Invalid

NETWORK_CONFIGURATION = "110128"  # PS3.16 CID 403.


def add_node(database: Database, actor: Actor, new_node: NewNode) -> Node:
    """Register a peer; it is no unknown caller from now on. Raises Invalid, AETitleTaken."""
    actor.must(Permission.NODES_MANAGE)
    checked = new_node.checked()
    with database.transaction() as tx:
        node = _node(checked, created_at=tx.now, updated_at=tx.now)
        if not repository.insert_node(tx, node):
            raise AETitleTaken(
                f"A node {node.ae_title} is registered already. Change it, or remove it first."
            )
        _forget_callers(tx, node)
        _record_change(tx, actor, node, "C")
    return node


def update_node(database: Database, actor: Actor, changed: NewNode) -> Node:
    """Make the peer of this AE title what `changed` says; raises Invalid, NodeNotFound.

    `dataclasses.replace(node, port=11112)` is a `changed` with one difference. An AE title is not changed:
    rules and records name it; register the new one and remove the old.
    """
    actor.must(Permission.NODES_MANAGE)
    checked = changed.checked()
    with database.transaction() as tx:
        held = repository.find_node(tx, checked.ae_title)
        if held is None:
            raise NodeNotFound(f"No node is registered as {checked.ae_title}.")
        node = _node(checked, created_at=held.created_at, updated_at=tx.now)
        repository.update_node(tx, node)
        _forget_callers(tx, node)
        _record_change(tx, actor, node, "U", _differences(held, node))
    return node


def list_nodes(database: Database, actor: Actor) -> list[Node]:
    """All peers by AE title."""
    actor.must(Permission.NODES_MANAGE)
    with database.read() as tx:
        return repository.all_nodes(tx)


def list_destinations(database: Database, actor: Actor) -> list[Destination]:
    """The peers that studies may be sent to, by AE title, with no more than a sender must know."""
    actor.must(Permission.STUDIES_SEND)
    with database.read() as tx:
        return [
            Destination(node.ae_title, node.description)
            for node in repository.all_nodes(tx)
            if node.is_active
        ]


def nodes_permitting(database: Database, actor: Actor, capability: Capability) -> list[Node]:
    """The peers that may use this service of ours, by AE title; none that is switched off."""
    return [
        node for node in list_nodes(database, actor) if node.is_active and capability in node.capabilities
    ]


def find_node(database: Database, ae_title: str) -> Node | None:
    """The peer of that AE title, None if nobody registered it or if it is no AE title at all.

    For doors: whether a caller is known, where a move destination lives. So it asks for no permission.
    """
    try:
        title = parse_ae_title(ae_title)
    except Invalid:
        return None
    with database.read() as tx:
        return repository.find_node(tx, title)


def get_node(database: Database, ae_title: str) -> Node:
    """The peer of that AE title; raises NodeNotFound. Asks for no permission, as `find_node`."""
    node = find_node(database, ae_title)
    if node is None:
        raise NodeNotFound("No node is registered under this AE title.")
    return node


def list_bound_certificates(database: Database) -> list[str]:
    """PEM text of every certificate bound to an active peer: whom the TLS port trusts. For doors."""
    with database.read() as tx:
        return repository.bound_certificates(tx)


def read_certificates(actor: Actor, text: str) -> str:
    """The certificates in a text as they would be kept with a node; raises Invalid."""
    actor.must(Permission.NODES_MANAGE)
    return checked_certificates(text)


def remove_node(database: Database, actor: Actor, ae_title: str) -> None:
    """Strike a peer off the list; raises NodeNotFound."""
    actor.must(Permission.NODES_MANAGE)
    title = parse_ae_title(ae_title)
    with database.transaction() as tx:
        node = repository.find_node(tx, title)
        if node is None:
            raise NodeNotFound(f"No node is registered as {title}.")
        repository.delete_node(tx, title)
        _record_change(tx, actor, node, "D")


def _node(checked: NewNode, **when: object) -> Node:
    values = {each.name: getattr(checked, each.name) for each in fields(NewNode)}
    return Node(**(values | {"ae_title": AETitle(checked.ae_title)} | when))


def _forget_callers(tx: Transaction, node: Node) -> None:
    """What was turned away before may come in now; a failed TLS handshake told only its address."""
    callers_repository.delete_callers(tx, node.ae_title)
    callers_repository.delete_callers(tx, "", node.host)


def _differences(held: Node, node: Node) -> list[str]:
    """Which parts are another now; the values are in the table and, some, longer than a record should be."""
    return [each.name for each in fields(NewNode) if getattr(held, each.name) != getattr(node, each.name)]


def _record_change(
    tx: Transaction, actor: Actor, node: Node, action: str, changed: list[str] | None = None
) -> None:
    details: dict[str, object] = {
        "type": NETWORK_CONFIGURATION,
        "ae_title": node.ae_title,
        "host": node.host,
        "port": node.port,
        "capabilities": sorted(node.capabilities),
        "is_active": node.is_active,
        "tls": node.tls.value,
        "certificate_fingerprints": node.certificate_fingerprints,
    }
    if changed is not None:
        details["changed"] = changed
    record(tx, actor, AuditEvent.SECURITY_ALERT, action=action, details=details)
