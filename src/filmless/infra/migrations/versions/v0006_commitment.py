"""Storage commitment, asked of us and by us, and notices of available studies.

Revision ID: 0006
An administrator notices nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Expand the schema."""
    op.create_table(
        "commitments_received",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("transaction_uid", sa.Text(), nullable=False),
        sa.Column("calling_ae_title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("instances", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.LargeBinary(), nullable=False),
        sa.Column("number_of_instances", sa.Integer(), nullable=False),
        sa.Column("number_verified", sa.Integer(), nullable=False),
        sa.Column("number_failed", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.Column("reported_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commitments_received")),
    )
    op.create_index(
        "ix_commitments_received_transaction_uid", "commitments_received", ["transaction_uid"], unique=False
    )
    op.create_table(
        "commitments_asked",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("transaction_uid", sa.Text(), nullable=False),
        sa.Column("node_ae_title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("instances", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.LargeBinary(), nullable=False),
        sa.Column("number_of_instances", sa.Integer(), nullable=False),
        sa.Column("number_failed", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("reported_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commitments_asked")),
        sa.UniqueConstraint("transaction_uid", name=op.f("uq_commitments_asked_transaction_uid")),
    )
    op.create_table(
        "availability_subscribers",
        sa.Column("ae_title", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ae_title", name=op.f("pk_availability_subscribers")),
    )
    op.create_table(
        "availability_notices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("ae_title", sa.Text(), nullable=False),
        sa.Column("study_instance_uid", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("number_of_instances", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_availability_notices")),
        sa.UniqueConstraint(
            "study_instance_uid",
            "ae_title",
            name=op.f("uq_availability_notices_study_instance_uid_ae_title"),
        ),
    )
