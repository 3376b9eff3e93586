"""Routing rules, the queue of transmissions, and what was prefetched.

Revision ID: 0004
An administrator notices nothing: without a rule nothing is sent.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# SQLite numbers rows only for a column declared exactly INTEGER; PostgreSQL wants 64 bits.
RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Expand the schema."""
    for table, columns in (
        (
            "routing_rules",
            [
                sa.Column("quiet_seconds", sa.Integer(), nullable=False),
                sa.Column("conditions", sa.Text(), nullable=False),
                sa.Column("delivery", sa.Text(), nullable=False),
            ],
        ),
        ("prefetch_rules", [sa.Column("wanted", sa.Text(), nullable=False)]),
    ):
        op.create_table(
            table,
            sa.Column("id", sa.Text(), nullable=False),
            sa.Column("name", sa.Text(), nullable=False),
            sa.Column("is_active", sa.Boolean(), nullable=False),
            sa.Column("position", sa.Integer(), nullable=False),
            *columns,
            sa.Column("created_at", sa.BigInteger(), nullable=False),
            sa.Column("updated_at", sa.BigInteger(), nullable=False),
            sa.Column("removed_at", sa.BigInteger(), nullable=True),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        )
        op.create_index(
            f"uq_{table}_name",
            table,
            ["name"],
            unique=True,
            sqlite_where=sa.text("removed_at IS NULL"),
            postgresql_where=sa.text("removed_at IS NULL"),
        )
    op.create_table(
        "routed_studies",
        sa.Column("study_ref", RowId, nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("refs", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_ref"],
            ["studies.id"],
            name=op.f("fk_routed_studies_study_ref_studies"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_ref", "destination", "project", name=op.f("pk_routed_studies")),
    )
    op.create_table(
        "transmissions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("study_ref", RowId, nullable=False),
        sa.Column("series_instance_uids", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("instances", sa.Integer(), nullable=False),
        sa.Column("instances_sent", sa.Integer(), nullable=False),
        sa.Column("instances_refused", sa.Integer(), nullable=False),
        sa.Column("refs", sa.LargeBinary(), nullable=False),
        sa.Column("remaining", sa.LargeBinary(), nullable=False),
        sa.Column("refused", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.BigInteger(), nullable=False),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("send_within", sa.Text(), nullable=False),
        sa.Column("request_commitment", sa.Boolean(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_ref"], ["studies.id"], name=op.f("fk_transmissions_study_ref_studies"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transmissions")),
    )
    op.create_index(
        "ix_transmissions_due",
        "transmissions",
        ["destination", "priority", "id"],
        sqlite_where=sa.text("state IN ('waiting', 'sending')"),
        postgresql_where=sa.text("state IN ('waiting', 'sending')"),
    )
    op.create_index("ix_transmissions_state", "transmissions", ["state", "id"])
    op.create_index("ix_transmissions_study_ref", "transmissions", ["study_ref"])
    op.create_index("ix_transmissions_ended_at", "transmissions", ["ended_at"])
    op.create_table(
        "deidentification_projects",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_deidentification_projects")),
    )
    op.create_table(
        "transmission_destinations",
        sa.Column("ae_title", sa.Text(), nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.BigInteger(), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ae_title", name=op.f("pk_transmission_destinations")),
    )
    op.create_table(
        "prefetched_studies",
        sa.Column("study_instance_uid", sa.Text(), nullable=False),
        sa.Column("source_ae_title", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("study_instance_uid", name=op.f("pk_prefetched_studies")),
    )
