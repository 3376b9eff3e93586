"""Scheduled and performed procedure steps.

Revision ID: 0005
An administrator notices nothing.
"""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Expand the schema."""
