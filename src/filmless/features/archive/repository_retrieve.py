"""Every SQL statement that chooses the instances of a retrieval. Not here: queries (`repository_read`)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from filmless.features.archive.rows import InstanceRow
from filmless.infra.database import Transaction

VALUES_AT_ONCE_MAX = 500  # Parameters of one statement; SQLite of old takes 999.
ROWS_AT_ONCE = 1000  # Fetched from the driver at once: its buffer stays small for a study of 100,000.

_COLUMNS = (
    "i.id, i.series_ref, st.study_instance_uid, se.series_instance_uid, i.sop_instance_uid,"
    " i.sop_class_uid, i.transfer_syntax_uid, i.instance_number, i.rows, i.columns, i.bits_allocated,"
    " i.number_of_frames, i.object_id, i.object_bytes, i.data_set_offset, st.patient_ref"
)
_STUDIES = "studies st JOIN patients p ON p.id = st.patient_ref"
_BELOW = "JOIN series se ON se.study_ref = st.id JOIN instances i ON i.series_ref = se.id"
_ORDER = "ORDER BY st.id, se.series_number, se.id, i.instance_number, i.id"
_SHARED = slice(2, 7)  # Texts that many rows have in common, all but the SOP Instance UID.


@dataclass(frozen=True, slots=True)
class Condition:
    """`column` is one of `values`; of several conditions all must hold."""

    column: str
    values: tuple[str, ...]


PATIENT_ID = "p.patient_id"
ISSUER_OF_PATIENT_ID = "p.issuer_of_patient_id"
STUDY_INSTANCE_UID = "st.study_instance_uid"
SERIES_INSTANCE_UID = "se.series_instance_uid"
SOP_INSTANCE_UID = "i.sop_instance_uid"


def iterate_instances(tx: Transaction, conditions: Sequence[Condition]) -> Iterator[InstanceRow]:
    """The instances for which all conditions hold, study by study in order of series and instance number.

    The condition with the most values is the one asked for in pieces. Texts that rows share are one object:
    a row takes half a KiB.
    """
    longest = max(conditions, key=lambda condition: len(condition.values))
    shared: dict[object, object] = {}
    for start in range(0, len(longest.values), VALUES_AT_ONCE_MAX):
        piece = Condition(longest.column, longest.values[start : start + VALUES_AT_ONCE_MAX])
        asked = [piece if condition is longest else condition for condition in conditions]
        where = " AND ".join(_is_one_of(condition) for condition in asked)
        sql = f"SELECT {_COLUMNS} FROM {_STUDIES} {_BELOW} WHERE {where} {_ORDER}"
        cursor = tx.fast(sql, [value for condition in asked for value in condition.values])
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            for row in rows:
                values = list(row)
                values[_SHARED] = [
                    value if place == 2 else shared.setdefault(value, value)
                    for place, value in enumerate(values[_SHARED])
                ]
                yield InstanceRow(*values)


def find_patients(tx: Transaction, patient_id: str) -> list[tuple[int, str]]:
    """(row id, issuer) of the patients with this ID that have a study here."""
    sql = (
        "SELECT p.id, p.issuer_of_patient_id FROM patients p WHERE p.patient_id = ?"
        " AND EXISTS (SELECT 1 FROM studies st WHERE st.patient_ref = p.id) ORDER BY p.id"
    )
    return [(row[0], row[1]) for row in tx.fast(sql, (patient_id,))]


def _is_one_of(condition: Condition) -> str:
    return f"{condition.column} IN ({', '.join('?' * len(condition.values))})"
