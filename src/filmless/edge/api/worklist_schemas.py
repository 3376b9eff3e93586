"""What travels about scheduled and performed procedure steps. Names are PN text, dates and times ISO 8601.

Times are those of the department's wall clock, as the modality shows them. Which values a step may have is
the feature's business: these models bound sizes only.
"""

from datetime import date, datetime, time
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from filmless.features.exams import PerformedStatus, Remark
from filmless.features.scheduling import StepStatus

Text = Annotated[str, Field(max_length=256, pattern=r"^[^\x00]*$")]
LongText = Annotated[str, Field(max_length=10_240, pattern=r"^[^\x00]*$")]
ShownTime = Annotated[str, Field(pattern=r"^\d\d:\d\d:\d\d$")] | None


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CodeIO(_Model):
    """One coded entry."""

    code_value: Text
    coding_scheme_designator: Text
    code_meaning: Text
    coding_scheme_version: Text = ""


Codes = Annotated[list[CodeIO], Field(max_length=64)]


class PatientIO(_Model):
    """Who is to be imaged. Weight in kilograms, size in metres."""

    patient_name: Text
    patient_id: Text
    issuer_of_patient_id: Text = ""
    patient_birth_date: date | None = None
    patient_sex: Text = ""
    patient_weight: Text = ""
    patient_size: Text = ""
    patient_state: Text = ""
    pregnancy_status: int | None = None
    medical_alerts: LongText = ""
    allergies: LongText = ""
    special_needs: Text = ""
    confidentiality_constraint: Text = ""


class RequestIO(_Model):
    """Who asked, under which numbers; without an accession number one is made."""

    accession_number: Text = ""
    issuer_of_accession_number: Text = ""
    requesting_physician: Text = ""
    referring_physician_name: Text = ""
    placer_order_number: Text = ""
    filler_order_number: Text = ""
    admission_id: Text = ""
    issuer_of_admission_id: Text = ""
    current_patient_location: Text = ""


class ProcedureIO(_Model):
    """What was asked for; becomes one study."""

    requested_procedure_id: Text = ""
    requested_procedure_description: Text = ""
    requested_procedure_codes: Codes = []
    study_instance_uid: Text = ""
    requested_procedure_priority: Text = ""
    patient_transport_arrangements: Text = ""
    reason_for_the_requested_procedure: Text = ""
    requested_procedure_comments: LongText = ""


class StepIO(_Model):
    """What one modality is to do, where and when."""

    modality: Text
    scheduled_station_ae_titles: Annotated[list[Text], Field(max_length=32)]
    start_date: date
    start_time: time
    scheduled_procedure_step_id: Text = ""
    scheduled_station_name: Text = ""
    location: Text = ""
    scheduled_performing_physician_name: Text = ""
    description: Text = ""
    scheduled_protocol_codes: Codes = []
    pre_medication: Text = ""
    requested_contrast_agent: Text = ""
    comments: LongText = ""
    body_part_examined: Text = ""
    laterality: Text = ""


class NewStepIn(_Model):
    """A step to be scheduled."""

    patient: PatientIO
    request: RequestIO = RequestIO()
    procedure: ProcedureIO
    step: StepIO


class ChangedStepIn(NewStepIn):
    """What a step is to become; `revision` is that of the step as it was read."""

    revision: int


class CancelIn(_Model):
    """Why a step is cancelled."""

    reason: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]


class StepOut(_Model):
    """A scheduled step with all that belongs to it."""

    id: str
    revision: int
    status: StepStatus
    created_at: datetime
    updated_at: datetime
    patient: PatientIO
    request: RequestIO
    procedure: ProcedureIO
    step: StepIO


class StepPageOut(_Model):
    """A page of scheduled steps by their start."""

    steps: list[StepOut]
    total: int
    limit: int
    offset: int


class WorklistViewIO(_Model):
    """What one node's worklist shows; AE title "" is for all nodes without a view of their own."""

    ae_title: Annotated[str, Field(max_length=16, pattern=r"^[ -~]*$")]
    statuses: Annotated[list[StepStatus], Field(min_length=1, max_length=len(StepStatus))]
    own_station_only: bool


class WorklistViewsOut(_Model):
    """All views that were decided on."""

    views: list[WorklistViewIO]


class ReferenceOut(_Model):
    """What a performed step belongs to; `step_id` names the scheduled step that was found."""

    study_instance_uid: str
    accession_number: str
    requested_procedure_id: str
    scheduled_procedure_step_id: str
    step_id: str | None
    remark: Remark


class PerformedSeriesOut(_Model):
    """One series that a modality says it made."""

    series_instance_uid: str
    series_description: str
    protocol_name: str
    number_of_instances: int


class PerformedStepOut(_Model):
    """What a modality said of one performed step, and what it belongs to."""

    sop_instance_uid: str
    performed_procedure_step_id: str
    status: PerformedStatus
    modality: str
    performed_station_ae_title: str
    performed_station_name: str
    start_date: date | None
    start_time: ShownTime
    end_date: date | None
    end_time: ShownTime
    description: str
    discontinuation_reason: str
    patient_id: str
    issuer_of_patient_id: str
    patient_name: str
    patient_birth_date: date | None
    patient_sex: str
    number_of_series: int
    number_of_instances: int
    calling_ae_title: str
    created_at: datetime
    updated_at: datetime
    references: list[ReferenceOut]


class PerformedStepDetailOut(PerformedStepOut):
    """One performed step with what was made."""

    series_list: list[PerformedSeriesOut]


class PerformedStepPageOut(_Model):
    """A page of performed steps, latest first."""

    performed_steps: list[PerformedStepOut]
    total: int
    limit: int
    offset: int
