"""Jobs: background work that survives a crash. The table; the running is added below."""

import sqlalchemy as sa

from filmless.infra.database import Instant, metadata

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("unique_key", sa.Text),  # While one job with this key waits, asking again only moves its time.
    sa.Column("state", sa.Text, nullable=False),  # waiting, running, done, parked.
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("run_at", Instant, nullable=False),
    sa.Column("leased_by", sa.Text),
    sa.Column("lease_until", Instant),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),
    sa.Index("ix_jobs_waiting", "run_at", sqlite_where=sa.text("state IN ('waiting', 'running')"),
             postgresql_where=sa.text("state IN ('waiting', 'running')")),
    sa.Index("uq_jobs_waiting_unique_key", "unique_key", unique=True,
             sqlite_where=sa.text("state = 'waiting'"), postgresql_where=sa.text("state = 'waiting'")),
    sa.Index("ix_jobs_state", "state", "finished_at"),
)  # fmt: skip
