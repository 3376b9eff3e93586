"""Tables of routing: rules, what they have sent where, the queue, its destinations, and prefetched studies.

Sets of instances are packed (`ref_set`): nothing here has a row for each instance.
"""

import sqlalchemy as sa

from filmless.infra.database import Instant, RowId, metadata

routing_rules = sa.Table(
    "routing_rules",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("quiet_seconds", sa.Integer, nullable=False),
    sa.Column("conditions", sa.Text, nullable=False),  # JSON of model.Conditions.
    sa.Column("delivery", sa.Text, nullable=False),  # JSON of model.Delivery.
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("removed_at", Instant),  # A removed rule can be restored.
    sa.Index("uq_routing_rules_name", "name", unique=True, sqlite_where=sa.text("removed_at IS NULL"),
             postgresql_where=sa.text("removed_at IS NULL")),
)  # fmt: skip

prefetch_rules = sa.Table(
    "prefetch_rules",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("wanted", sa.Text, nullable=False),  # JSON of priors.Wanted.
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("removed_at", Instant),
    sa.Index("uq_prefetch_rules_name", "name", unique=True, sqlite_where=sa.text("removed_at IS NULL"),
             postgresql_where=sa.text("removed_at IS NULL")),
)  # fmt: skip

# What rules have sent, or have decided not to send back, to a node: no instance goes there a second time.
routed_studies = sa.Table(
    "routed_studies",
    metadata,
    sa.Column("study_ref", RowId, sa.ForeignKey("studies.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("destination", sa.Text, primary_key=True),
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("refs", sa.LargeBinary, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
)

transmissions = sa.Table(
    "transmissions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("study_ref", RowId, sa.ForeignKey("studies.id", ondelete="CASCADE"), nullable=False),
    sa.Column("series_instance_uids", sa.Text, nullable=False),  # Backslash-separated; empty: the study.
    sa.Column("destination", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("instances", sa.Integer, nullable=False),
    sa.Column("instances_sent", sa.Integer, nullable=False),
    sa.Column("instances_refused", sa.Integer, nullable=False),
    sa.Column("refs", sa.LargeBinary, nullable=False),  # All that is to be sent.
    sa.Column("remaining", sa.LargeBinary, nullable=False),  # Not acknowledged yet, and not refused.
    sa.Column("refused", sa.LargeBinary, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_try_at", Instant, nullable=False),
    sa.Column("leased_by", sa.Text),  # The attempt under way; others keep off until it says it has ended.
    sa.Column("leased_until", Instant),
    sa.Column("last_error", sa.Text, nullable=False),
    sa.Column("send_within", sa.Text, nullable=False),  # JSON of windows.TimeWindow; empty: at any time.
    sa.Column("request_commitment", sa.Boolean, nullable=False),
    sa.Column("project", sa.Text, nullable=False),  # De-identified for this one; empty: as it is.
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("started_at", Instant),
    sa.Column("ended_at", Instant),
    sa.Index("ix_transmissions_due", "destination", "priority", "id",
             sqlite_where=sa.text("state IN ('waiting', 'sending')"),
             postgresql_where=sa.text("state IN ('waiting', 'sending')")),
    sa.Index("ix_transmissions_state", "state", "id"),
    sa.Index("ix_transmissions_study_ref", "study_ref"),
    sa.Index("ix_transmissions_ended_at", "ended_at"),
)  # fmt: skip

# For whom identities are removed; kept for ever, for rules and old transmissions name it.
deidentification_projects = sa.Table(
    "deidentification_projects",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("secret", sa.LargeBinary, nullable=False),
    sa.Column("options", sa.Text, nullable=False),  # Codes of CID 7050, backslash-separated.
    sa.Column("created_at", Instant, nullable=False),
)

# A node as far as the queue goes; one without a row is not paused and was reached when last tried.
transmission_destinations = sa.Table(
    "transmission_destinations",
    metadata,
    sa.Column("ae_title", sa.Text, primary_key=True),  # Empty: the whole queue.
    sa.Column("is_paused", sa.Boolean, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),  # In a row; nothing got through.
    sa.Column("next_try_at", Instant),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
)

# Studies that we fetched ourselves: what arrives meanwhile is not routed on.
prefetched_studies = sa.Table(
    "prefetched_studies",
    metadata,
    sa.Column("study_instance_uid", sa.Text, primary_key=True),
    sa.Column("source_ae_title", sa.Text, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
)
