"""The tables of DICOM peers: those we know, and those who called without being known."""

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
    # Lists are words with a space between them.
    sa.Column("capabilities", sa.Text, nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False),
    sa.Column("address_must_match", sa.Boolean, nullable=False),
    sa.Column("addresses", sa.Text, nullable=False),
    sa.Column("tls", sa.Text, nullable=False),
    sa.Column("certificate_pem", sa.Text, nullable=False),
    sa.Column("associations_max", sa.Integer, nullable=False),
    sa.Column("preferred_transfer_syntaxes", sa.Text, nullable=False),
    sa.Column("commits_on_same_association", sa.Boolean, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
)

unknown_callers = sa.Table(
    "unknown_callers",
    metadata,
    sa.Column("calling_ae_title", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("called_ae_title", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("certificate_fingerprint", sa.Text, nullable=False),
    sa.Column("first_seen_at", Instant, nullable=False),
    sa.Column("last_seen_at", Instant, nullable=False),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Index("ix_unknown_callers_last_seen_at", "last_seen_at"),
)
