"""Scheduled and performed procedure steps.

Revision ID: 0005
An administrator notices nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Expand the schema."""
    op.create_table(
        "imaging_requests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("patient_name", sa.Text(), nullable=False),
        sa.Column("patient_name_key", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("issuer_of_patient_id", sa.Text(), nullable=False),
        sa.Column("patient_birth_date", sa.Text(), nullable=False),
        sa.Column("patient_sex", sa.Text(), nullable=False),
        sa.Column("patient_weight", sa.Text(), nullable=False),
        sa.Column("patient_size", sa.Text(), nullable=False),
        sa.Column("patient_state", sa.Text(), nullable=False),
        sa.Column("pregnancy_status", sa.Integer(), nullable=True),
        sa.Column("medical_alerts", sa.Text(), nullable=False),
        sa.Column("allergies", sa.Text(), nullable=False),
        sa.Column("special_needs", sa.Text(), nullable=False),
        sa.Column("confidentiality_constraint", sa.Text(), nullable=False),
        sa.Column("admission_id", sa.Text(), nullable=False),
        sa.Column("issuer_of_admission_id", sa.Text(), nullable=False),
        sa.Column("current_patient_location", sa.Text(), nullable=False),
        sa.Column("accession_number", sa.Text(), nullable=False),
        sa.Column("issuer_of_accession_number", sa.Text(), nullable=False),
        sa.Column("requesting_physician", sa.Text(), nullable=False),
        sa.Column("referring_physician_name", sa.Text(), nullable=False),
        sa.Column("placer_order_number", sa.Text(), nullable=False),
        sa.Column("filler_order_number", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imaging_requests")),
        sa.UniqueConstraint(
            "accession_number",
            "issuer_of_accession_number",
            name=op.f("uq_imaging_requests_accession_number_issuer_of_accession_number"),
        ),
    )
    op.create_index("ix_imaging_requests_patient_id", "imaging_requests", ["patient_id"], unique=False)
    op.create_table(
        "number_counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_number_counters")),
    )
    op.create_table(
        "performed_steps",
        sa.Column("sop_instance_uid", sa.Text(), nullable=False),
        sa.Column("performed_procedure_step_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("modality", sa.Text(), nullable=False),
        sa.Column("performed_station_ae_title", sa.Text(), nullable=False),
        sa.Column("performed_station_name", sa.Text(), nullable=False),
        sa.Column("start_date", sa.Text(), nullable=False),
        sa.Column("start_time", sa.Text(), nullable=False),
        sa.Column("end_date", sa.Text(), nullable=False),
        sa.Column("end_time", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("discontinuation_reason", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("issuer_of_patient_id", sa.Text(), nullable=False),
        sa.Column("patient_name", sa.Text(), nullable=False),
        sa.Column("patient_birth_date", sa.Text(), nullable=False),
        sa.Column("patient_sex", sa.Text(), nullable=False),
        sa.Column("number_of_series", sa.Integer(), nullable=False),
        sa.Column("number_of_instances", sa.Integer(), nullable=False),
        sa.Column("calling_ae_title", sa.Text(), nullable=False),
        sa.Column("data_set", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sop_instance_uid", name=op.f("pk_performed_steps")),
    )
    op.create_index("ix_performed_steps_patient_id", "performed_steps", ["patient_id"], unique=False)
    op.create_index(
        "ix_performed_steps_start",
        "performed_steps",
        ["start_date", "start_time", "sop_instance_uid"],
        unique=False,
    )
    op.create_table(
        "worklist_views",
        sa.Column("ae_title", sa.Text(), nullable=False),
        sa.Column("statuses", sa.Text(), nullable=False),
        sa.Column("own_station_only", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("ae_title", name=op.f("pk_worklist_views")),
    )
    op.create_table(
        "performed_series",
        sa.Column("performed_step_uid", sa.Text(), nullable=False),
        sa.Column("series_instance_uid", sa.Text(), nullable=False),
        sa.Column("series_description", sa.Text(), nullable=False),
        sa.Column("protocol_name", sa.Text(), nullable=False),
        sa.Column("number_of_instances", sa.Integer(), nullable=False),
        sa.Column("instances", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["performed_step_uid"],
            ["performed_steps.sop_instance_uid"],
            name=op.f("fk_performed_series_performed_step_uid_performed_steps"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "performed_step_uid", "series_instance_uid", name=op.f("pk_performed_series")
        ),
    )
    op.create_index(
        "ix_performed_series_series_instance_uid", "performed_series", ["series_instance_uid"], unique=False
    )
    op.create_table(
        "requested_procedures",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("request_ref", sa.Text(), nullable=False),
        sa.Column("requested_procedure_id", sa.Text(), nullable=False),
        sa.Column("requested_procedure_description", sa.Text(), nullable=False),
        sa.Column("requested_procedure_codes", sa.Text(), nullable=False),
        sa.Column("study_instance_uid", sa.Text(), nullable=False),
        sa.Column("requested_procedure_priority", sa.Text(), nullable=False),
        sa.Column("patient_transport_arrangements", sa.Text(), nullable=False),
        sa.Column("reason_for_the_requested_procedure", sa.Text(), nullable=False),
        sa.Column("requested_procedure_comments", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_ref"],
            ["imaging_requests.id"],
            name=op.f("fk_requested_procedures_request_ref_imaging_requests"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requested_procedures")),
        sa.UniqueConstraint(
            "request_ref",
            "requested_procedure_id",
            name=op.f("uq_requested_procedures_request_ref_requested_procedure_id"),
        ),
        sa.UniqueConstraint("study_instance_uid", name=op.f("uq_requested_procedures_study_instance_uid")),
    )
    op.create_table(
        "scheduled_steps",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("procedure_ref", sa.Text(), nullable=False),
        sa.Column("scheduled_procedure_step_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("modality", sa.Text(), nullable=False),
        sa.Column("start_date", sa.Text(), nullable=False),
        sa.Column("start_time", sa.Text(), nullable=False),
        sa.Column("scheduled_station_name", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("scheduled_performing_physician_name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("scheduled_protocol_codes", sa.Text(), nullable=False),
        sa.Column("pre_medication", sa.Text(), nullable=False),
        sa.Column("requested_contrast_agent", sa.Text(), nullable=False),
        sa.Column("comments", sa.Text(), nullable=False),
        sa.Column("body_part_examined", sa.Text(), nullable=False),
        sa.Column("laterality", sa.Text(), nullable=False),
        sa.Column("other_attributes", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["procedure_ref"],
            ["requested_procedures.id"],
            name=op.f("fk_scheduled_steps_procedure_ref_requested_procedures"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheduled_steps")),
        sa.UniqueConstraint(
            "procedure_ref",
            "scheduled_procedure_step_id",
            name=op.f("uq_scheduled_steps_procedure_ref_scheduled_procedure_step_id"),
        ),
    )
    op.create_index(
        "ix_scheduled_steps_start", "scheduled_steps", ["start_date", "start_time", "id"], unique=False
    )
    op.create_index(
        "ix_scheduled_steps_status",
        "scheduled_steps",
        ["status", "start_date", "start_time", "id"],
        unique=False,
    )
    op.create_table(
        "performed_step_references",
        sa.Column("performed_step_uid", sa.Text(), nullable=False),
        sa.Column("item_number", sa.Integer(), nullable=False),
        sa.Column("study_instance_uid", sa.Text(), nullable=False),
        sa.Column("accession_number", sa.Text(), nullable=False),
        sa.Column("requested_procedure_id", sa.Text(), nullable=False),
        sa.Column("scheduled_procedure_step_id", sa.Text(), nullable=False),
        sa.Column("step_ref", sa.Text(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["performed_step_uid"],
            ["performed_steps.sop_instance_uid"],
            name=op.f("fk_performed_step_references_performed_step_uid_performed_steps"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["step_ref"],
            ["scheduled_steps.id"],
            name=op.f("fk_performed_step_references_step_ref_scheduled_steps"),
        ),
        sa.PrimaryKeyConstraint(
            "performed_step_uid", "item_number", name=op.f("pk_performed_step_references")
        ),
    )
    op.create_index(
        "ix_performed_step_references_accession_number",
        "performed_step_references",
        ["accession_number"],
        unique=False,
    )
    op.create_index(
        "ix_performed_step_references_step_ref", "performed_step_references", ["step_ref"], unique=False
    )
    op.create_index(
        "ix_performed_step_references_study_instance_uid",
        "performed_step_references",
        ["study_instance_uid"],
        unique=False,
    )
    op.create_table(
        "step_stations",
        sa.Column("step_ref", sa.Text(), nullable=False),
        sa.Column("scheduled_station_ae_title", sa.Text(), nullable=False),
        sa.Column("item_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["step_ref"],
            ["scheduled_steps.id"],
            name=op.f("fk_step_stations_step_ref_scheduled_steps"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("step_ref", "scheduled_station_ae_title", name=op.f("pk_step_stations")),
    )
    op.create_index(
        "ix_step_stations_scheduled_station_ae_title",
        "step_stations",
        ["scheduled_station_ae_title"],
        unique=False,
    )
