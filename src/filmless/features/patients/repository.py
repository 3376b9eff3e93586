"""Every SQL statement of patients."""

from filmless.features.patients.model import Demographics, Patient
from filmless.infra.database import Transaction, to_microseconds
from filmless.standards.dicom.phonetics import phonetic_codes

_COLUMNS = "id, patient_id, issuer_of_patient_id, patient_name, patient_birth_date, patient_sex"
_BY_IDENTITY = (
    f"SELECT {_COLUMNS} FROM patients "
    "WHERE patient_id = ? AND issuer_of_patient_id = ? AND identity_scope = ?"
)
_INSERT = (
    "INSERT INTO patients (patient_id, issuer_of_patient_id, identity_scope, patient_name, patient_name_key,"
    " patient_name_phonetic, patient_birth_date, patient_sex, created_at, updated_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (patient_id, issuer_of_patient_id, identity_scope) DO NOTHING RETURNING id"
)
_COMPLETE = (
    "UPDATE patients SET patient_name = ?, patient_name_key = ?, patient_name_phonetic = ?,"
    " patient_birth_date = ?, patient_sex = ?, updated_at = ? WHERE id = ?"
)


def find_by_identity(tx: Transaction, patient_id: str, issuer: str, scope: str) -> Patient | None:
    """The patient with this ID of this issuer, in this scope."""
    row = tx.fast(_BY_IDENTITY, (patient_id, issuer, scope)).fetchone()
    return None if row is None else Patient(row[0], Demographics(*row[1:]))


def insert(tx: Transaction, demographics: Demographics, name_key: str, scope: str) -> int | None:
    """Add a patient; None when somebody else added the same identity a moment ago."""
    now = to_microseconds(tx.now)
    row = tx.fast(
        _INSERT,
        (
            demographics.patient_id,
            demographics.issuer_of_patient_id,
            scope,
            demographics.patient_name,
            name_key,
            phonetic_codes(name_key),
            demographics.patient_birth_date,
            demographics.patient_sex,
            now,
            now,
        ),
    ).fetchone()
    return None if row is None else int(row[0])


def update(tx: Transaction, patient: Patient, name_key: str) -> None:
    """Write the demographics of a patient."""
    held = patient.demographics
    tx.fast(
        _COMPLETE,
        (
            held.patient_name,
            name_key,
            phonetic_codes(name_key),
            held.patient_birth_date,
            held.patient_sex,
            to_microseconds(tx.now),
            patient.ref,
        ),
    )
