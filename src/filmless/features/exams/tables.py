"""Tables of exams: performed procedure steps as modalities report them, and what they refer to.

The whole data set is kept encoded; what is looked for is a column beside it. Instances are kept with their
series, as one JSON list: they are read together, and a thousand rows would hold the write lock too long.
"""

import sqlalchemy as sa

from filmless.infra.database import Instant, metadata

performed_steps = sa.Table(
    "performed_steps",
    metadata,
    sa.Column("sop_instance_uid", sa.Text, primary_key=True),
    sa.Column("performed_procedure_step_id", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("modality", sa.Text, nullable=False),
    sa.Column("performed_station_ae_title", sa.Text, nullable=False),
    sa.Column("performed_station_name", sa.Text, nullable=False),
    sa.Column("start_date", sa.Text, nullable=False),
    sa.Column("start_time", sa.Text, nullable=False),
    sa.Column("end_date", sa.Text, nullable=False),
    sa.Column("end_time", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("discontinuation_reason", sa.Text, nullable=False),  # A code value, such as 110514.
    sa.Column("patient_id", sa.Text, nullable=False),
    sa.Column("issuer_of_patient_id", sa.Text, nullable=False),
    sa.Column("patient_name", sa.Text, nullable=False),
    sa.Column("patient_birth_date", sa.Text, nullable=False),
    sa.Column("patient_sex", sa.Text, nullable=False),
    sa.Column("number_of_series", sa.Integer, nullable=False),
    sa.Column("number_of_instances", sa.Integer, nullable=False),
    sa.Column("calling_ae_title", sa.Text, nullable=False),
    sa.Column("data_set", sa.LargeBinary, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),  # Counts the changes: who merges one looks again.
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Index("ix_performed_steps_start", "start_date", "start_time", "sop_instance_uid"),
    sa.Index("ix_performed_steps_patient_id", "patient_id"),
)

performed_step_references = sa.Table(
    "performed_step_references",
    metadata,
    sa.Column(
        "performed_step_uid",
        sa.Text,
        sa.ForeignKey("performed_steps.sop_instance_uid", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("item_number", sa.Integer, primary_key=True),  # From 1, as in the sequence.
    sa.Column("study_instance_uid", sa.Text, nullable=False),
    sa.Column("accession_number", sa.Text, nullable=False),
    sa.Column("requested_procedure_id", sa.Text, nullable=False),
    sa.Column("scheduled_procedure_step_id", sa.Text, nullable=False),
    sa.Column("step_ref", sa.Text, sa.ForeignKey("scheduled_steps.id")),  # NULL: nothing scheduled was found.
    sa.Column("remark", sa.Text, nullable=False),  # Why not found, or why the step did not follow.
    sa.Index("ix_performed_step_references_study_instance_uid", "study_instance_uid"),
    sa.Index("ix_performed_step_references_accession_number", "accession_number"),
    sa.Index("ix_performed_step_references_step_ref", "step_ref"),
)

performed_series = sa.Table(
    "performed_series",
    metadata,
    sa.Column(
        "performed_step_uid",
        sa.Text,
        sa.ForeignKey("performed_steps.sop_instance_uid", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("series_instance_uid", sa.Text, primary_key=True),
    sa.Column("series_description", sa.Text, nullable=False),
    sa.Column("protocol_name", sa.Text, nullable=False),
    sa.Column("number_of_instances", sa.Integer, nullable=False),
    sa.Column("instances", sa.Text, nullable=False),  # JSON: [SOP Class UID, SOP Instance UID] each.
    sa.Index("ix_performed_series_series_instance_uid", "series_instance_uid"),
)
