"""Every SQL statement about peers."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from filmless.features.nodes.model import AETitle, Node
from filmless.features.nodes.tables import nodes
from filmless.infra.database import Transaction


def insert_node(tx: Transaction, node: Node) -> bool:
    """Add the peer unless its AE title is taken; says whether it did."""
    insert = sqlite.insert(nodes) if tx.is_sqlite else postgresql.insert(nodes)
    statement = insert.values(
        ae_title=node.ae_title,
        host=node.host,
        port=node.port,
        description=node.description,
        created_at=node.created_at,
    )
    return tx.execute(statement.on_conflict_do_nothing().returning(sa.literal(1))).first() is not None


def find_node(tx: Transaction, ae_title: str) -> Node | None:
    """The peer of that AE title."""
    row = tx.execute(sa.select(nodes).where(nodes.c.ae_title == ae_title)).first()
    return None if row is None else _node(row)


def all_nodes(tx: Transaction) -> list[Node]:
    """All peers by AE title."""
    return [_node(row) for row in tx.execute(sa.select(nodes).order_by(nodes.c.ae_title))]


def delete_node(tx: Transaction, ae_title: str) -> bool:
    """Remove the peer; says whether there was one."""
    return tx.execute(sa.delete(nodes).where(nodes.c.ae_title == ae_title)).rowcount == 1


def _node(row: Any) -> Node:
    return Node(AETitle(row.ae_title), row.host, row.port, row.description, row.created_at)
