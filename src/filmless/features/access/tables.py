"""Tables of access: users, their sessions, tokens, and the counts of failed sign-ins."""

import sqlalchemy as sa

from filmless.infra.database import Instant, metadata

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("user_name", sa.Text, nullable=False, unique=True),  # Case-folded: "Anna" signs in as "anna".
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("disabled_at", Instant),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column(
        "secret_digest", sa.LargeBinary, primary_key=True
    ),  # Of the cookie: a stolen table opens no door.
    sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("csrf_token", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("last_seen_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("user_agent", sa.Text, nullable=False),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("secret_digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant),
    sa.Column("revoked_at", Instant),
)

sign_in_failures = sa.Table(
    "sign_in_failures",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),  # `user:NAME` or `address:IP`.
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_failure_at", Instant, nullable=False),
    sa.Column("locked_until", Instant),
)

setup_tokens = sa.Table(
    "setup_tokens",
    metadata,
    sa.Column("secret_digest", sa.LargeBinary, primary_key=True),
    sa.Column("created_at", Instant, nullable=False),
)
