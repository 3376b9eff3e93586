"""Nodes learn what they may do, TLS, and who called without being known.

Revision ID: 0003
An administrator notices nothing.
"""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Expand the schema."""
