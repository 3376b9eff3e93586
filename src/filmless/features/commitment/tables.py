"""Tables of storage commitment and of availability notices.

Instances and failures are zlib-compressed JSON: a CT of two thousand slices names them in some 10 KB, and
nothing ever searches in them.
"""

import sqlalchemy as sa

from filmless.infra.database import Instant, metadata

commitments_received = sa.Table(
    "commitments_received",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("transaction_uid", sa.Text, nullable=False),
    sa.Column("calling_ae_title", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("instances", sa.LargeBinary, nullable=False),
    sa.Column("failures", sa.LargeBinary, nullable=False),
    sa.Column("number_of_instances", sa.Integer, nullable=False),
    sa.Column("number_verified", sa.Integer, nullable=False),
    sa.Column("number_failed", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("verified_at", Instant),
    sa.Column("reported_at", Instant),
    sa.Index("ix_commitments_received_transaction_uid", "transaction_uid"),
)

commitments_asked = sa.Table(
    "commitments_asked",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("transaction_uid", sa.Text, nullable=False, unique=True),
    sa.Column("node_ae_title", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("instances", sa.LargeBinary, nullable=False),
    sa.Column("failures", sa.LargeBinary, nullable=False),
    sa.Column("number_of_instances", sa.Integer, nullable=False),
    sa.Column("number_failed", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("asked_at", Instant),
    sa.Column("answered_at", Instant),
    sa.Column("reported_by", sa.Text),
)

availability_subscribers = sa.Table(
    "availability_subscribers",
    metadata,
    sa.Column("ae_title", sa.Text, primary_key=True),
    sa.Column("created_at", Instant, nullable=False),
)

availability_notices = sa.Table(
    "availability_notices",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("ae_title", sa.Text, nullable=False),
    sa.Column("study_instance_uid", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("number_of_instances", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("told_at", Instant),
    sa.UniqueConstraint("study_instance_uid", "ae_title"),
)
