"""Values of exams: performed procedure steps and their states. Pure.

Start at `PerformedStep`, and at TRANSITIONS for what a modality may report (PS3.4 table F.1-4).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PerformedStatus(StrEnum):
    """Performed Procedure Step Status (0040,0252)."""

    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    DISCONTINUED = "DISCONTINUED"


TRANSITIONS: Mapping[PerformedStatus, frozenset[PerformedStatus]] = {
    PerformedStatus.IN_PROGRESS: frozenset(PerformedStatus),
    PerformedStatus.COMPLETED: frozenset(),
    PerformedStatus.DISCONTINUED: frozenset(),
}
"""Which status an N-SET may leave a step in, by the one it has; from the final ones nothing leads away."""

WRONG_WORKLIST_ENTRY = "110514"
"""PS3.16 CID 9300: another patient's or procedure's entry was picked; nothing of this one was done."""


class Remark(StrEnum):
    """Why a reference of a performed step was not followed to a scheduled one, or had no effect on it."""

    NONE = ""
    UNSCHEDULED = "unscheduled"
    """The modality names nothing that was scheduled: a study of its own."""
    NOT_FOUND = "not_found"
    AMBIGUOUS = "ambiguous"
    OTHER_PATIENT = "other_patient"
    """The scheduled step is another patient's: the wrong entry, or the wrong patient. A person decides."""
    NOT_POSSIBLE = "not_possible"
    """The scheduled step could not follow, for it had been cancelled."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One item of Scheduled Step Attributes Sequence. `step_id`: the scheduled step of ours, if found."""

    study_instance_uid: str
    accession_number: str
    requested_procedure_id: str
    scheduled_procedure_step_id: str
    step_id: str | None = None
    remark: Remark = Remark.NONE


@dataclass(frozen=True, slots=True)
class PerformedSeries:
    """One series that was made. `instances`: SOP Class UID and SOP Instance UID of each."""

    series_instance_uid: str
    series_description: str
    protocol_name: str
    instances: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PerformedStep:
    """What a modality said of one performed procedure step; dates and times as it wrote them.

    Lists leave `series_list` empty; the counts are always there.
    """

    sop_instance_uid: str
    performed_procedure_step_id: str
    status: PerformedStatus
    modality: str
    performed_station_ae_title: str
    performed_station_name: str
    start_date: str
    start_time: str
    end_date: str
    end_time: str
    description: str
    discontinuation_reason: str
    patient_id: str
    issuer_of_patient_id: str
    patient_name: str
    patient_birth_date: str
    patient_sex: str
    number_of_series: int
    number_of_instances: int
    calling_ae_title: str
    created_at: datetime
    updated_at: datetime
    references: tuple[Reference, ...] = ()
    series_list: tuple[PerformedSeries, ...] = ()
