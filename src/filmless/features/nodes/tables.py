"""The table of DICOM peers we know."""

import sqlalchemy as sa

from filmless.infra.database import Instant, metadata

nodes = sa.Table(
    "nodes",
    metadata,
    sa.Column("ae_title", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("port", sa.Integer, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
)
