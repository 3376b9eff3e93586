"""What queries of C-FIND and QIDO need: indexes and columns of the archive.

Revision ID: 0002
An administrator notices nothing.
"""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Expand the schema."""
