"""Tables of the archive: study, series, instance, what was prepared from them, and the quarantine.

Counts, modalities and sizes are kept in the transaction that adds the instance, never computed by a query.
Dates and times stay DICOM text (DA, TM): they sort as text, and a half-known date stays half known. Columns
that end in `_key` hold the text as it is searched for: without case and accents.

Beside the tables here the database keeps trigrams of what is searched for inside of a text (migration 0002):
in SQLite the full-text tables `patient_trigrams` and `study_trigrams`, kept by triggers, in PostgreSQL
indexes of `pg_trgm`. Columns that are searched by their beginning sort by code point on both (COLLATE "C").
"""

import sqlalchemy as sa

from filmless.infra.database import Instant, RowId, metadata

studies = sa.Table(
    "studies",
    metadata,
    sa.Column("id", RowId, sa.Identity(), primary_key=True),
    sa.Column("patient_ref", RowId, sa.ForeignKey("patients.id"), nullable=False),
    sa.Column("study_instance_uid", sa.Text, nullable=False, unique=True),
    sa.Column("study_id", sa.Text, nullable=False),
    sa.Column("study_date", sa.Text, nullable=False),
    sa.Column("study_time", sa.Text, nullable=False),
    sa.Column("accession_number", sa.Text, nullable=False),
    sa.Column("issuer_of_accession_number", sa.Text, nullable=False, server_default=""),
    sa.Column("study_description", sa.Text, nullable=False),
    sa.Column("study_description_key", sa.Text, nullable=False, server_default=""),
    sa.Column("referring_physician_name", sa.Text, nullable=False),
    sa.Column("referring_physician_name_key", sa.Text, nullable=False),
    sa.Column("timezone_offset", sa.Text, nullable=False, server_default=""),  # As "+0100"; often unknown.
    sa.Column("modalities_in_study", sa.Text, nullable=False),  # Backslash-separated, sorted.
    sa.Column("sop_classes_in_study", sa.Text, nullable=False),  # Backslash-separated, sorted.
    sa.Column("number_of_series", sa.Integer, nullable=False),
    sa.Column("number_of_instances", sa.Integer, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Index("ix_studies_patient_ref", "patient_ref", "study_date", "study_time", "id"),
    sa.Index("ix_studies_study_date", "study_date", "study_time", "id", "patient_ref"),
    sa.Index("ix_studies_accession_number", "accession_number"),
    sa.Index("ix_studies_received_at", "received_at"),
    sa.Index(
        "ix_studies_timezone_offset",
        "timezone_offset",
        sqlite_where=sa.text("timezone_offset <> ''"),
        postgresql_where=sa.text("timezone_offset <> ''"),
    ),
)

series = sa.Table(
    "series",
    metadata,
    sa.Column("id", RowId, sa.Identity(), primary_key=True),
    sa.Column("study_ref", RowId, sa.ForeignKey("studies.id"), nullable=False, index=True),
    sa.Column("series_instance_uid", sa.Text, nullable=False, unique=True),
    sa.Column("modality", sa.Text, nullable=False),
    sa.Column("series_number", sa.Integer),
    sa.Column("series_description", sa.Text, nullable=False),
    sa.Column("series_description_key", sa.Text, nullable=False, server_default=""),
    sa.Column("series_date", sa.Text, nullable=False, server_default=""),
    sa.Column("series_time", sa.Text, nullable=False, server_default=""),
    sa.Column("body_part_examined", sa.Text, nullable=False),
    sa.Column("laterality", sa.Text, nullable=False, server_default=""),
    sa.Column("protocol_name", sa.Text, nullable=False, server_default=""),
    sa.Column("protocol_name_key", sa.Text, nullable=False, server_default=""),
    sa.Column("station_name", sa.Text, nullable=False),
    sa.Column("institution_name", sa.Text, nullable=False, server_default=""),
    sa.Column("institution_name_key", sa.Text, nullable=False, server_default=""),
    sa.Column("performed_procedure_step_start_date", sa.Text, nullable=False),
    sa.Column("performed_procedure_step_start_time", sa.Text, nullable=False),
    sa.Column("number_of_instances", sa.Integer, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
)

series_requests = sa.Table(  # Items of Request Attributes Sequence (0040,0275): what the series was made for.
    "series_requests",
    metadata,
    sa.Column("id", RowId, sa.Identity(), primary_key=True),
    sa.Column(
        "series_ref", RowId, sa.ForeignKey("series.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("accession_number", sa.Text, nullable=False),
    sa.Column("study_instance_uid", sa.Text, nullable=False),
    sa.Column("requested_procedure_id", sa.Text, nullable=False),
    sa.Column("scheduled_procedure_step_id", sa.Text, nullable=False),
    sa.Index("ix_series_requests_accession_number", "accession_number"),
    sa.Index("ix_series_requests_requested_procedure_id", "requested_procedure_id"),
    sa.Index("ix_series_requests_scheduled_procedure_step_id", "scheduled_procedure_step_id"),
)

instances = sa.Table(
    "instances",
    metadata,
    sa.Column("id", RowId, sa.Identity(), primary_key=True),
    sa.Column("series_ref", RowId, sa.ForeignKey("series.id"), nullable=False),
    sa.Column("sop_instance_uid", sa.Text, nullable=False, unique=True),
    sa.Column("sop_class_uid", sa.Text, nullable=False),
    sa.Column("transfer_syntax_uid", sa.Text, nullable=False),
    sa.Column("instance_number", sa.Integer),
    sa.Column("rows", sa.Integer),
    sa.Column("columns", sa.Integer),
    sa.Column("bits_allocated", sa.Integer),
    sa.Column("number_of_frames", sa.Integer),
    sa.Column("object_id", sa.Text, nullable=False, unique=True),
    sa.Column("object_bytes", sa.BigInteger, nullable=False),
    sa.Column("data_set_offset", sa.Integer, nullable=False),  # Where the data set begins in the object.
    sa.Column("digest", sa.LargeBinary, nullable=False),  # BLAKE3-256 of the data set as received.
    sa.Column("source_ae_title", sa.Text, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Index("ix_instances_series_ref", "series_ref", "instance_number"),
)

prepared_series = sa.Table(
    "prepared_series",
    metadata,
    sa.Column("series_ref", RowId, sa.ForeignKey("series.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("last_instance_ref", RowId, nullable=False),  # Instances up to this row id are in the document.
    sa.Column("number_of_instances", sa.Integer, nullable=False),
    sa.Column("metadata_gzip", sa.LargeBinary, nullable=False),  # DICOM JSON, members of a JSON array.
    sa.Column("thumbnail_jpeg", sa.LargeBinary),
    sa.Column("prepared_at", Instant, nullable=False),
)

frame_indexes = sa.Table(
    "frame_indexes",
    metadata,
    sa.Column("instance_ref", RowId, sa.ForeignKey("instances.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("frames", sa.LargeBinary, nullable=False),
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("explanation", sa.Text, nullable=False),
    sa.Column("conflicts", sa.Text, nullable=False),  # JSON list of {attribute, held, received}.
    sa.Column("study_instance_uid", sa.Text, nullable=False),
    sa.Column("series_instance_uid", sa.Text, nullable=False),
    sa.Column("sop_instance_uid", sa.Text, nullable=False),
    sa.Column("sop_class_uid", sa.Text, nullable=False),
    sa.Column("transfer_syntax_uid", sa.Text, nullable=False),
    sa.Column("patient_id", sa.Text, nullable=False),
    sa.Column("patient_name", sa.Text, nullable=False),
    sa.Column("object_id", sa.Text, nullable=False, unique=True),
    sa.Column("object_bytes", sa.BigInteger, nullable=False),
    sa.Column("data_set_offset", sa.Integer, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("source_ae_title", sa.Text, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("resolution", sa.Text),  # NULL while it waits; then `accepted` or `discarded`.
    sa.Column("resolution_reason", sa.Text),
    sa.Column("resolved_by", sa.Text),
    sa.Column("resolved_at", Instant),
    sa.Index("ix_quarantine_waiting", "received_at", sqlite_where=sa.text("resolution IS NULL"),
             postgresql_where=sa.text("resolution IS NULL")),
    sa.Index("ix_quarantine_sop_instance_uid", "sop_instance_uid"),
)  # fmt: skip
