"""The table of patients: one row for each person as far as we know.

A Patient ID is unique only inside its issuer. Images without a Patient ID belong to nobody in particular:
their row is scoped to the study (`identity_scope` holds its UID), so two nameless people never become one.
"""

import sqlalchemy as sa

from filmless.infra.database import Instant, RowId, metadata

patients = sa.Table(
    "patients",
    metadata,
    sa.Column("id", RowId, sa.Identity(), primary_key=True),
    sa.Column("patient_id", sa.Text, nullable=False),
    sa.Column("issuer_of_patient_id", sa.Text, nullable=False),
    sa.Column("identity_scope", sa.Text, nullable=False),
    sa.Column("patient_name", sa.Text, nullable=False),
    sa.Column("patient_name_key", sa.Text, nullable=False),
    sa.Column("patient_name_phonetic", sa.Text, nullable=False, server_default=""),  # Codes between spaces.
    sa.Column("patient_birth_date", sa.Text, nullable=False),
    sa.Column("patient_sex", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.UniqueConstraint("patient_id", "issuer_of_patient_id", "identity_scope"),
    sa.Index("ix_patients_patient_name_key", "patient_name_key"),
    sa.Index("ix_patients_patient_birth_date", "patient_birth_date"),
)
