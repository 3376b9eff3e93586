"""Tables of scheduling: who asked (requests), for what (procedures), when and where it is done (steps).

The four levels of the modality worklist (PS3.4 K.6.1.2): patient and visit stand in the request's row as the
request had them, until the department keeps patients of its own. What is matched or acted upon is a column;
what is only handed on (specimens, languages, further identifiers) stays one encoded data set beside the step.
Dates and times are DICOM text (DA, TM), in the department's own time: a worklist is read on the wall clock.
"""

import sqlalchemy as sa

from filmless.infra.database import Instant, metadata

imaging_requests = sa.Table(
    "imaging_requests",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("patient_name", sa.Text, nullable=False),
    sa.Column("patient_name_key", sa.Text, nullable=False),
    sa.Column("patient_id", sa.Text, nullable=False),
    sa.Column("issuer_of_patient_id", sa.Text, nullable=False),
    sa.Column("patient_birth_date", sa.Text, nullable=False),
    sa.Column("patient_sex", sa.Text, nullable=False),
    sa.Column("patient_weight", sa.Text, nullable=False),  # Kilograms, as DS text.
    sa.Column("patient_size", sa.Text, nullable=False),  # Metres, as DS text.
    sa.Column("patient_state", sa.Text, nullable=False),
    sa.Column("pregnancy_status", sa.Integer),
    sa.Column("medical_alerts", sa.Text, nullable=False),
    sa.Column("allergies", sa.Text, nullable=False),
    sa.Column("special_needs", sa.Text, nullable=False),
    sa.Column("confidentiality_constraint", sa.Text, nullable=False),
    sa.Column("admission_id", sa.Text, nullable=False),
    sa.Column("issuer_of_admission_id", sa.Text, nullable=False),
    sa.Column("current_patient_location", sa.Text, nullable=False),
    sa.Column("accession_number", sa.Text, nullable=False),
    sa.Column("issuer_of_accession_number", sa.Text, nullable=False),
    sa.Column("requesting_physician", sa.Text, nullable=False),
    sa.Column("referring_physician_name", sa.Text, nullable=False),
    sa.Column("placer_order_number", sa.Text, nullable=False),
    sa.Column("filler_order_number", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("accession_number", "issuer_of_accession_number"),
    sa.Index("ix_imaging_requests_patient_id", "patient_id"),
)

requested_procedures = sa.Table(
    "requested_procedures",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("request_ref", sa.Text, sa.ForeignKey("imaging_requests.id"), nullable=False),
    sa.Column("requested_procedure_id", sa.Text, nullable=False),
    sa.Column("requested_procedure_description", sa.Text, nullable=False),
    sa.Column("requested_procedure_codes", sa.Text, nullable=False),  # JSON list of codes.
    sa.Column("study_instance_uid", sa.Text, nullable=False, unique=True),
    sa.Column("requested_procedure_priority", sa.Text, nullable=False),
    sa.Column("patient_transport_arrangements", sa.Text, nullable=False),
    sa.Column("reason_for_the_requested_procedure", sa.Text, nullable=False),
    sa.Column("requested_procedure_comments", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("request_ref", "requested_procedure_id"),
)

scheduled_steps = sa.Table(
    "scheduled_steps",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("procedure_ref", sa.Text, sa.ForeignKey("requested_procedures.id"), nullable=False),
    sa.Column("scheduled_procedure_step_id", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("modality", sa.Text, nullable=False),
    sa.Column("start_date", sa.Text, nullable=False),
    sa.Column("start_time", sa.Text, nullable=False),
    sa.Column("scheduled_station_name", sa.Text, nullable=False),
    sa.Column("location", sa.Text, nullable=False),
    sa.Column("scheduled_performing_physician_name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("scheduled_protocol_codes", sa.Text, nullable=False),  # JSON list of codes.
    sa.Column("pre_medication", sa.Text, nullable=False),
    sa.Column("requested_contrast_agent", sa.Text, nullable=False),
    sa.Column("comments", sa.Text, nullable=False),
    sa.Column("body_part_examined", sa.Text, nullable=False),
    sa.Column("laterality", sa.Text, nullable=False),
    # Attributes that came with the step and have no column, as an encoded data set.
    sa.Column("other_attributes", sa.LargeBinary, nullable=False),
    sa.Column(
        "revision", sa.Integer, nullable=False
    ),  # Counts the changes: who read an older one looks again.
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.UniqueConstraint("procedure_ref", "scheduled_procedure_step_id"),
    sa.Index("ix_scheduled_steps_start", "start_date", "start_time", "id"),
    sa.Index("ix_scheduled_steps_status", "status", "start_date", "start_time", "id"),
)

step_stations = sa.Table(
    "step_stations",
    metadata,
    sa.Column("step_ref", sa.Text, sa.ForeignKey("scheduled_steps.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("scheduled_station_ae_title", sa.Text, primary_key=True),
    sa.Column("item_number", sa.Integer, nullable=False),  # From 1: in the order in which they were named.
    sa.Index("ix_step_stations_scheduled_station_ae_title", "scheduled_station_ae_title"),
)

number_counters = sa.Table(
    "number_counters",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),  # The last number given out.
)

worklist_views = sa.Table(
    "worklist_views",
    metadata,
    sa.Column("ae_title", sa.Text, primary_key=True),  # Empty: everybody without a row of their own.
    sa.Column("statuses", sa.Text, nullable=False),  # Shown steps, backslash-separated.
    sa.Column("own_station_only", sa.Boolean, nullable=False),
)
