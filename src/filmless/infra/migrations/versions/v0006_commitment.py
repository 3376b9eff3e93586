"""Storage commitment, asked of us and by us.

Revision ID: 0006
An administrator notices nothing.
"""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Expand the schema."""
