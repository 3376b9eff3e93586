"""The verbs: register, list, find, remove peers. Each change is a security alert in the audit trail."""

from filmless.features.access import Actor, Permission
from filmless.features.audit import AuditEvent, record
from filmless.features.nodes import repository
from filmless.features.nodes.errors import AETitleTaken, NodeNotFound
from filmless.features.nodes.model import NewNode, Node, parse_ae_title
from filmless.infra.database import Database, Transaction
from filmless.infra.errors import Invalid

NETWORK_CONFIGURATION = "110128"  # PS3.16 CID 403.


def add_node(database: Database, actor: Actor, new_node: NewNode) -> Node:
    """Register a peer; raises Invalid, AETitleTaken."""
    actor.must(Permission.NODES_MANAGE)
    checked = new_node.checked()
    with database.transaction() as tx:
        node = Node(parse_ae_title(checked.ae_title), checked.host, checked.port, checked.description, tx.now)
        if not repository.insert_node(tx, node):
            raise AETitleTaken(
                f"A node {node.ae_title} is registered already. Remove it first to change its address."
            )
        _record_change(tx, actor, node, "C")
    return node


def list_nodes(database: Database, actor: Actor) -> list[Node]:
    """All peers by AE title."""
    actor.must(Permission.NODES_MANAGE)
    with database.read() as tx:
        return repository.all_nodes(tx)


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


def _record_change(tx: Transaction, actor: Actor, node: Node, action: str) -> None:
    details = {
        "type": NETWORK_CONFIGURATION,
        "ae_title": node.ae_title,
        "host": node.host,
        "port": node.port,
    }
    record(tx, actor, AuditEvent.SECURITY_ALERT, action=action, details=details)
