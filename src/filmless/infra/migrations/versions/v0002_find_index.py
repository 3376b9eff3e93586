"""What queries of C-FIND and QIDO need: more keys, search keys, trigrams.

Revision ID: 0002
An administrator notices: on a large archive this step takes a while, minutes for a million studies. On
PostgreSQL it wants the extension `pg_trgm`, which comes with PostgreSQL; where it may not be created, the
step logs so with the statements to run, and goes on: searches inside names and descriptions are slow then.
"""

import logging
from typing import Any

import sqlalchemy as sa
from alembic import op

from filmless.standards.dicom.person_name import normalise_text
from filmless.standards.dicom.phonetics import phonetic_codes

revision = "0002"
down_revision = "0001"

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BATCH = 5000  # Rows in memory at once while keys are computed.

_STUDY_COLUMNS = ("issuer_of_accession_number", "study_description_key", "timezone_offset")
_SERIES_COLUMNS = (
    *("series_description_key", "series_date", "series_time", "laterality"),
    *("protocol_name", "protocol_name_key", "institution_name", "institution_name_key"),
)
# What is searched by its beginning: sorted by code point, so that an index serves LIKE in every locale.
_BY_CODE_POINT = {
    "patients": ("patient_id", "patient_name_key", "patient_birth_date"),
    "studies": ("study_date", "study_time", "accession_number"),
    "series_requests": ("accession_number", "requested_procedure_id", "scheduled_procedure_step_id"),
}
_SQLITE_TRIGRAMS = {
    ("patients", "patient_trigrams"): {
        "name": "'^' || {row}.patient_name_key",
        "patient_id": "lower({row}.patient_id)",
        "phonetic": "{row}.patient_name_phonetic",
    },
    ("studies", "study_trigrams"): {
        "description": "{row}.study_description_key",
        "referring_physician_name": "'^' || {row}.referring_physician_name_key",
        "accession_number": "lower({row}.accession_number)",
    },
}
_CHANGES = {
    "patients": "patient_name_key, patient_id, patient_name_phonetic",
    "studies": "study_description_key, referring_physician_name_key, accession_number",
}
_POSTGRESQL_TRIGRAMS = {
    "patients": ("patient_name_key", "patient_name_phonetic", "lower(patient_id)"),
    "studies": ("study_description_key", "referring_physician_name_key", "lower(accession_number)"),
}


def upgrade() -> None:
    """Expand the schema, fill the new keys from what is there, index it."""
    connection = op.get_bind()
    _add_columns()
    _backfill(connection, "patients", "patient_name_key", "patient_name_phonetic", phonetic_codes)
    _backfill(connection, "studies", "study_description", "study_description_key", normalise_text)
    _backfill(connection, "series", "series_description", "series_description_key", normalise_text)
    if connection.dialect.name == "sqlite":
        _index_trigrams_in_sqlite()
    else:
        _sort_by_code_point()
        _index_trigrams_in_postgresql(connection)


def _add_columns() -> None:
    op.add_column("patients", _text("patient_name_phonetic"))
    op.create_index("ix_patients_patient_birth_date", "patients", ["patient_birth_date"])
    for name in _STUDY_COLUMNS:
        op.add_column("studies", _text(name))
    op.create_index(
        "ix_studies_timezone_offset",
        "studies",
        ["timezone_offset"],
        sqlite_where=sa.text("timezone_offset <> ''"),
        postgresql_where=sa.text("timezone_offset <> ''"),
    )
    # With what a walk along them needs to know, so that it need not look at the rows that do not match.
    op.drop_index("ix_studies_study_date", table_name="studies")
    op.create_index("ix_studies_study_date", "studies", ["study_date", "study_time", "id", "patient_ref"])
    op.drop_index("ix_studies_patient_ref", table_name="studies")
    op.create_index("ix_studies_patient_ref", "studies", ["patient_ref", "study_date", "study_time", "id"])
    for name in _SERIES_COLUMNS:
        op.add_column("series", _text(name))
    op.create_table(
        "series_requests",
        sa.Column("id", RowId, sa.Identity(), nullable=False),
        sa.Column("series_ref", RowId, nullable=False),
        sa.Column("accession_number", sa.Text(), nullable=False),
        sa.Column("study_instance_uid", sa.Text(), nullable=False),
        sa.Column("requested_procedure_id", sa.Text(), nullable=False),
        sa.Column("scheduled_procedure_step_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_ref"],
            ["series.id"],
            name=op.f("fk_series_requests_series_ref_series"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series_requests")),
    )
    for name in ("series_ref", *_BY_CODE_POINT["series_requests"]):
        op.create_index(f"ix_series_requests_{name}", "series_requests", [name])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")


def _backfill(connection: sa.Connection, table: str, source: str, target: str, key_of: Any) -> None:
    """Fill the key of rows that were there; a new column has no reader yet, so no order matters."""
    page = sa.text(f"SELECT id, {source} FROM {table} WHERE id > :after ORDER BY id LIMIT {BATCH}")
    fill = sa.text(f"UPDATE {table} SET {target} = :key WHERE id = :id")
    after = 0
    while rows := connection.execute(page, {"after": after}).all():
        keys = [{"id": row[0], "key": key} for row in rows if (key := key_of(row[1]))]
        if keys:
            connection.execute(fill, keys)
        after = rows[-1][0]


def _index_trigrams_in_sqlite() -> None:
    """Full-text tables without the text itself: what they find is looked up in the table of that row id."""
    for (table, trigrams), values in _SQLITE_TRIGRAMS.items():
        columns, old, new = (
            ", ".join(values),
            *(", ".join(value.format(row=row) for value in values.values()) for row in ("old", "new")),
        )
        op.execute(
            f"CREATE VIRTUAL TABLE {trigrams} USING fts5("
            f"{columns}, content='', detail='column', columnsize=0,"
            " tokenize='trigram case_sensitive 1')"
        )
        remove = f"INSERT INTO {trigrams} ({trigrams}, rowid, {columns}) VALUES ('delete', old.id, {old});"
        add = f"INSERT INTO {trigrams} (rowid, {columns}) VALUES (new.id, {new});"
        held = ", ".join(value.format(row=table) for value in values.values())
        op.execute(f"INSERT INTO {trigrams} (rowid, {columns}) SELECT id, {held} FROM {table}")
        for event, body in (
            ("INSERT", add),
            ("DELETE", remove),
            (f"UPDATE OF {_CHANGES[table]}", remove + add),
        ):
            name = f"{trigrams}_{event.split()[0].lower()}"
            op.execute(f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {body} END")


def _sort_by_code_point() -> None:
    for table, columns in _BY_CODE_POINT.items():
        changes = ", ".join(f'ALTER COLUMN {column} TYPE text COLLATE "C"' for column in columns)
        op.execute(f"ALTER TABLE {table} {changes}")


def _index_trigrams_in_postgresql(connection: sa.Connection) -> None:
    statements = ["CREATE EXTENSION IF NOT EXISTS pg_trgm"]
    for table, values in _POSTGRESQL_TRIGRAMS.items():
        columns = ", ".join(f"{value} gin_trgm_ops" for value in values)
        statements.append(f"CREATE INDEX ix_{table}_trigrams ON {table} USING gin ({columns})")
    try:
        with connection.begin_nested():
            for statement in statements:
                op.execute(statement)
    except sa.exc.DBAPIError:
        logging.getLogger("filmless.migrations").warning(
            "PostgreSQL does not let us create its extension pg_trgm: searching inside names and "
            "descriptions stays slow until a database administrator runs: %s",
            "; ".join(statements),
        )
