"""The table of studies fetched from other archives: what was asked for, and how far it is."""

import sqlalchemy as sa

from filmless.infra.database import Instant, metadata

remote_pulls = sa.Table(
    "remote_pulls",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # Sorts by age.
    sa.Column("ae_title", sa.Text, nullable=False),
    sa.Column("study_instance_uid", sa.Text, nullable=False),
    sa.Column("series_instance_uids", sa.Text, nullable=False),  # Backslash-separated; empty: the study.
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("completed", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("remaining", sa.Integer, nullable=False),
    sa.Column("explanation", sa.Text, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("asked_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
    sa.Index("ix_remote_pulls_ended_at", "ended_at"),
)
