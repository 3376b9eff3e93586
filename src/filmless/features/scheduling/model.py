"""Values of scheduling: the four levels of a worklist item, and the states of a scheduled step. Pure.

Text is DICOM text as it will be sent: names are PN with their groups, dates DA, times TM in the department's
own time. Not here: which text an attribute may hold (`attributes`). Start at `NewStep` and `TRANSITIONS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from filmless.features.scheduling.errors import StepNotInState
from filmless.standards.dicom.data_set import DataSet


class StepStatus(StrEnum):
    """Scheduled Procedure Step Status (0040,0020): the terms of PS3.3 C.4.10, and the ends a RIS knows."""

    SCHEDULED = "SCHEDULED"
    ARRIVED = "ARRIVED"
    READY = "READY"
    STARTED = "STARTED"
    COMPLETED = "COMPLETED"
    DISCONTINUED = "DISCONTINUED"
    DEPARTED = "DEPARTED"
    CANCELED = "CANCELED"


class StepEvent(StrEnum):
    """What can happen to a scheduled step."""

    ARRIVE = "arrive"
    PREPARE = "prepare"
    START = "start"
    COMPLETE = "complete"
    DISCONTINUE = "discontinue"
    RELEASE = "release"
    """The wrong entry was picked from the worklist (PS3.16 CID 9300, 110514): nothing of it was done."""
    DEPART = "depart"
    CANCEL = "cancel"


_S, _E = StepStatus, StepEvent

TRANSITIONS: Mapping[tuple[StepStatus, StepEvent], StepStatus] = {
    (_S.SCHEDULED, _E.ARRIVE): _S.ARRIVED,
    (_S.SCHEDULED, _E.PREPARE): _S.READY,
    (_S.ARRIVED, _E.PREPARE): _S.READY,
    # A modality reports the start of what nobody at the desk announced, and of what is done once more: an
    # append after the end, a second try.
    (_S.SCHEDULED, _E.START): _S.STARTED,
    (_S.ARRIVED, _E.START): _S.STARTED,
    (_S.READY, _E.START): _S.STARTED,
    (_S.STARTED, _E.START): _S.STARTED,
    (_S.COMPLETED, _E.START): _S.STARTED,
    (_S.DISCONTINUED, _E.START): _S.STARTED,
    (_S.DEPARTED, _E.START): _S.STARTED,
    (_S.STARTED, _E.COMPLETE): _S.COMPLETED,
    (_S.STARTED, _E.DISCONTINUE): _S.DISCONTINUED,
    (_S.STARTED, _E.RELEASE): _S.SCHEDULED,
    (_S.COMPLETED, _E.DEPART): _S.DEPARTED,
    (_S.DISCONTINUED, _E.DEPART): _S.DEPARTED,
    (_S.SCHEDULED, _E.CANCEL): _S.CANCELED,
    (_S.ARRIVED, _E.CANCEL): _S.CANCELED,
    (_S.READY, _E.CANCEL): _S.CANCELED,
}
"""All that may happen; a pair that is not here is refused."""

DESK_EVENTS = frozenset({_E.ARRIVE, _E.PREPARE, _E.DEPART})
"""What people report; the rest comes from the modality, or needs a reason."""

OPEN_STATUSES = (_S.SCHEDULED, _S.ARRIVED, _S.READY)
"""Steps still to be done: what a worklist shows unless a view says otherwise, and what may be changed."""


def status_after(status: StepStatus, event: StepEvent) -> StepStatus:
    """The status that follows; raises StepNotInState."""
    following = TRANSITIONS.get((status, event))
    if following is None:
        raise StepNotInState(f"A step that is {status} cannot {event}.")
    return following


@dataclass(frozen=True, slots=True)
class Code:
    """One coded entry (PS3.3 section 8.8)."""

    code_value: str
    coding_scheme_designator: str
    code_meaning: str
    coding_scheme_version: str = ""


@dataclass(frozen=True, slots=True)
class PatientDetails:
    """Who is to be imaged, as the request says; weight in kilograms and size in metres, as DS text.

    `pregnancy_status`: 1 not pregnant, 2 possibly, 3 definitely, 4 unknown (PS3.3 C.2.4).
    """

    patient_name: str
    patient_id: str
    issuer_of_patient_id: str = ""
    patient_birth_date: str = ""
    patient_sex: str = ""
    patient_weight: str = ""
    patient_size: str = ""
    patient_state: str = ""
    pregnancy_status: int | None = None
    medical_alerts: str = ""
    allergies: str = ""
    special_needs: str = ""
    confidentiality_constraint: str = ""


@dataclass(frozen=True, slots=True)
class ImagingRequest:
    """Imaging Service Request and visit (PS3.3 C.4.12, C.3): who asked, under which numbers.

    Without an accession number it is given one of ours.
    """

    accession_number: str = ""
    issuer_of_accession_number: str = ""
    requesting_physician: str = ""
    referring_physician_name: str = ""
    placer_order_number: str = ""
    filler_order_number: str = ""
    admission_id: str = ""
    issuer_of_admission_id: str = ""
    current_patient_location: str = ""


@dataclass(frozen=True, slots=True)
class RequestedProcedure:
    """Requested Procedure (PS3.3 C.4.11): what was asked for; becomes one study.

    An empty ID or Study Instance UID is made. Description or a code must be given. Priority is STAT, HIGH,
    ROUTINE, MEDIUM or LOW.
    """

    requested_procedure_id: str = ""
    requested_procedure_description: str = ""
    requested_procedure_codes: tuple[Code, ...] = ()
    study_instance_uid: str = ""
    requested_procedure_priority: str = ""
    patient_transport_arrangements: str = ""
    reason_for_the_requested_procedure: str = ""
    requested_procedure_comments: str = ""


@dataclass(frozen=True, slots=True)
class StepDetails:
    """Scheduled Procedure Step (PS3.3 C.4.10): what one modality is to do, where and when.

    An empty ID is made; without description and protocol codes it takes those of the procedure.
    """

    modality: str
    scheduled_station_ae_titles: tuple[str, ...]
    start_date: str
    start_time: str
    scheduled_procedure_step_id: str = ""
    scheduled_station_name: str = ""
    location: str = ""
    scheduled_performing_physician_name: str = ""
    description: str = ""
    scheduled_protocol_codes: tuple[Code, ...] = ()
    pre_medication: str = ""
    requested_contrast_agent: str = ""
    comments: str = ""
    body_part_examined: str = ""
    laterality: str = ""


@dataclass(frozen=True, slots=True)
class NewStep:
    """A step to be scheduled, or what a step is to become.

    `other_attributes`: what has no field here and is only handed on, as a worklist item has it: root
    attributes, and one item of Scheduled Procedure Step Sequence for those of the step.
    """

    patient: PatientDetails
    request: ImagingRequest
    procedure: RequestedProcedure
    step: StepDetails
    other_attributes: DataSet = field(default_factory=DataSet)


@dataclass(frozen=True, slots=True)
class ScheduledStep:
    """A scheduled step as held, with all that belongs to it. `id` is ours and never leaves over DICOM.

    `revision` counts the changes of the step.
    """

    id: str
    revision: int
    status: StepStatus
    details: NewStep
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class WorklistView:
    """What one caller is shown. `ae_title` "" is everybody without a view of their own.

    `own_station_only`: only steps whose Scheduled Station AE Titles name the caller.
    """

    ae_title: str
    statuses: tuple[StepStatus, ...] = OPEN_STATUSES
    own_station_only: bool = False
