"""Routing rules and the queue of transmissions.

Revision ID: 0004
An administrator notices nothing.
"""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Expand the schema."""
