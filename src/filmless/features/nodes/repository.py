"""Every SQL statement about peers."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from filmless.features.nodes.model import AETitle, Capability, Node, TLSMode
from filmless.features.nodes.tables import nodes
from filmless.infra.database import Transaction


def insert_node(tx: Transaction, node: Node) -> bool:
    """Add the peer unless its AE title is taken; says whether it did."""
    insert = sqlite.insert(nodes) if tx.is_sqlite else postgresql.insert(nodes)
    statement = insert.values(_values(node))
    return tx.execute(statement.on_conflict_do_nothing().returning(sa.literal(1))).first() is not None


def update_node(tx: Transaction, node: Node) -> None:
    """Overwrite the peer of that AE title."""
    tx.execute(sa.update(nodes).where(nodes.c.ae_title == node.ae_title).values(_values(node)))


def find_node(tx: Transaction, ae_title: str) -> Node | None:
    """The peer of that AE title."""
    row = tx.execute(sa.select(nodes).where(nodes.c.ae_title == ae_title)).first()
    return None if row is None else _node(row)


def all_nodes(tx: Transaction) -> list[Node]:
    """All peers by AE title."""
    return [_node(row) for row in tx.execute(sa.select(nodes).order_by(nodes.c.ae_title))]


def bound_certificates(tx: Transaction) -> list[str]:
    """PEM text of the certificates bound to peers that are not switched off, by AE title."""
    columns = nodes.c
    wanted = sa.select(columns.certificate_pem).where(columns.certificate_pem != "", columns.is_active)
    return list(tx.execute(wanted.order_by(columns.ae_title)).scalars())


def delete_node(tx: Transaction, ae_title: str) -> bool:
    """Remove the peer; says whether there was one."""
    return tx.execute(sa.delete(nodes).where(nodes.c.ae_title == ae_title)).rowcount == 1


def _values(node: Node) -> dict[str, Any]:
    return {
        "ae_title": node.ae_title,
        "host": node.host,
        "port": node.port,
        "description": node.description,
        "created_at": node.created_at,
        "capabilities": " ".join(sorted(node.capabilities)),
        "is_active": node.is_active,
        "address_must_match": node.address_must_match,
        "addresses": " ".join(node.addresses),
        "tls": node.tls.value,
        "certificate_pem": node.certificate_pem,
        "associations_max": node.associations_max,
        "preferred_transfer_syntaxes": " ".join(node.preferred_transfer_syntaxes),
        "commits_on_same_association": node.commits_on_same_association,
        "updated_at": node.updated_at,
    }


def _node(row: Any) -> Node:
    return Node(
        ae_title=AETitle(row.ae_title),
        host=row.host,
        port=row.port,
        description=row.description,
        capabilities=frozenset(Capability(word) for word in row.capabilities.split()),
        is_active=row.is_active,
        address_must_match=row.address_must_match,
        addresses=tuple(row.addresses.split()),
        tls=TLSMode(row.tls),
        certificate_pem=row.certificate_pem,
        associations_max=row.associations_max,
        preferred_transfer_syntaxes=tuple(row.preferred_transfer_syntaxes.split()),
        commits_on_same_association=row.commits_on_same_association,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
