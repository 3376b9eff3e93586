"""Nodes learn what they may do, TLS, and who called without being known.

Revision ID: 0003
An administrator notices nothing: nodes of before may do all they could, in clear text, from anywhere.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_EVERYTHING = "commitment find performed_steps retrieve store worklist"


def upgrade() -> None:
    """Expand the schema."""
    for name, kind, of_before in (
        ("capabilities", sa.Text(), sa.text(f"'{_EVERYTHING}'")),
        ("is_active", sa.Boolean(), sa.true()),
        ("address_must_match", sa.Boolean(), sa.false()),
        ("addresses", sa.Text(), sa.text("''")),
        ("tls", sa.Text(), sa.text("'off'")),
        ("certificate_pem", sa.Text(), sa.text("''")),
        ("associations_max", sa.Integer(), sa.text("1")),
        ("preferred_transfer_syntaxes", sa.Text(), sa.text("''")),
        ("commits_on_same_association", sa.Boolean(), sa.false()),
        ("updated_at", sa.BigInteger(), sa.text("0")),
    ):
        op.add_column("nodes", sa.Column(name, kind, nullable=False, server_default=of_before))
    op.execute("UPDATE nodes SET updated_at = created_at")
    op.create_table(
        "unknown_callers",
        sa.Column("calling_ae_title", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("called_ae_title", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("certificate_fingerprint", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("calling_ae_title", "address", name=op.f("pk_unknown_callers")),
    )
    op.create_index("ix_unknown_callers_last_seen_at", "unknown_callers", ["last_seen_at"], unique=False)
