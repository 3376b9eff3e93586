"""The audit table: who did what to whose data, when, from where. Rows are only ever added."""

import sqlalchemy as sa

from filmless.infra.database import Instant, RowId, metadata

audit_records = sa.Table(
    "audit_records",
    metadata,
    sa.Column("id", RowId, sa.Identity(), primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("event", sa.Text, nullable=False),  # A DCM code of PS3.15 A.5.3, such as 110104.
    sa.Column("action", sa.Text, nullable=False),  # C, R, U, D or E.
    sa.Column("outcome", sa.Integer, nullable=False),  # 0 success, 4 minor, 8 serious, 12 major failure.
    sa.Column("actor_kind", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("study_instance_uid", sa.Text),
    sa.Column("patient_ref", RowId),
    sa.Column("details", sa.Text, nullable=False),
    sa.Index("ix_audit_records_study_instance_uid", "study_instance_uid"),
    sa.Index("ix_audit_records_patient_ref", "patient_ref"),
    sa.Index("ix_audit_records_at", "at"),
)
