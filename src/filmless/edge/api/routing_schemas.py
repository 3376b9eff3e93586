"""What travels about rules, the queue and de-identification; the rules of `schemas` hold here too."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from filmless.features.routing import State

Text = Annotated[str, Field(max_length=256, pattern=r"^[^\x00]*$")]
Texts = Annotated[list[Text], Field(max_length=256)]
UIDs = Annotated[list[Annotated[str, Field(max_length=64, pattern=r"^[0-9.]+$")]], Field(max_length=10_000)]
Integer = Annotated[int, Field(ge=-(2**31), lt=2**31)]  # The verbs say what is possible, in their own words.
PriorityName = Literal["urgent", "normal", "low"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
OptionName = Literal["retain_full_dates", "shift_dates", "retain_patient_characteristics", "retain_uids"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TimeWindow(_Model):
    """Hours in the department's zone, HH:MM; past midnight where they end before they begin."""

    begins_at: Text = "00:00"
    ends_at: Text = "00:00"
    weekdays: Annotated[list[Weekday], Field(max_length=7)] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ]


class RuleIn(_Model):
    """A routing rule. Conditions are patterns with * and ?; one that is empty lets all pass."""

    name: Text
    destinations: Texts
    is_active: bool = True
    position: Integer = 100
    calling_ae_titles: Texts = []
    modalities: Texts = []
    station_names: Texts = []
    study_descriptions: Texts = []
    series_descriptions: Texts = []
    referring_physician_names: Texts = []
    body_parts_examined: Texts = []
    received_within: TimeWindow | None = None
    scope: Literal["study", "series"] = "study"
    quiet_seconds: Integer = 60
    send_within: TimeWindow | None = None
    priority: PriorityName = "normal"
    request_commitment: bool = False
    project: Text = ""


class RuleOut(RuleIn):
    """A routing rule that is kept."""

    id: str
    created_at: datetime
    updated_at: datetime


class RulesOut(_Model):
    """All routing rules in the order in which they count."""

    rules: list[RuleOut]


class TryRule(_Model):
    """A rule, kept or not, and the study that it is held to."""

    rule: RuleIn
    study_instance_uid: Text


class SeriesVerdictOut(_Model):
    """Whether one series meets the rule's conditions: it does when none failed."""

    series_instance_uid: str
    modality: str
    series_description: str
    failed_conditions: list[str]


class DryRunOut(_Model):
    """What a rule would do with a study; nothing was sent. Instances by destination."""

    series_list: list[SeriesVerdictOut]
    instances: dict[str, int]


class PrefetchRuleIn(_Model):
    """A prefetch rule; patterns as in routing rules."""

    name: Text
    archives: Texts
    is_active: bool = True
    position: Integer = 100
    modalities: Texts = []
    procedures: Texts = []
    priors_max: Integer = 3
    years_max: Integer = 5
    same_modality_only: bool = False
    same_body_part_only: bool = True


class PrefetchRuleOut(PrefetchRuleIn):
    """A prefetch rule that is kept."""

    id: str
    created_at: datetime
    updated_at: datetime


class PrefetchRulesOut(_Model):
    """All prefetch rules in the order in which they count."""

    rules: list[PrefetchRuleOut]


class ProjectIn(_Model):
    """A de-identification project; options of the profile of PS3.15 E.3."""

    name: Text
    options: Annotated[list[OptionName], Field(max_length=16)] = []


class ProjectOut(_Model):
    """A project that is kept; its secret is told to nobody."""

    name: str
    options: list[OptionName]
    created_at: datetime


class ProjectsOut(_Model):
    """All projects by name."""

    projects: list[ProjectOut]


class SendIn(_Model):
    """Where to send a study, or series of it."""

    destinations: Texts
    series_instance_uids: UIDs = []
    priority: PriorityName = "normal"
    request_commitment: bool = False
    project: Text = ""


class PriorityIn(_Model):
    """When a transmission's turn comes."""

    priority: PriorityName


class DestinationIn(_Model):
    """A node, or the whole queue when it is left out."""

    destination: Text = ""


class TransmissionOut(_Model):
    """One row of the queue. Times are UTC; `last_error` is in plain words."""

    id: str
    study_instance_uid: str
    series_instance_uids: list[str]
    destination: str
    reason: Literal["rule", "person"]
    asked_by: str
    state: State
    priority: PriorityName
    instances: int
    instances_sent: int
    instances_refused: int
    attempts: int
    next_try_at: datetime
    last_error: str
    request_commitment: bool
    project: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    study_description: str
    accession_number: str
    patient_id: str
    patient_name: str


class TransmissionsOut(_Model):
    """What somebody has just queued."""

    transmissions: list[TransmissionOut]


class TransmissionPageOut(TransmissionsOut):
    """A page of the queue, newest first."""

    total: int


class RefusedInstanceOut(_Model):
    """An instance that the other side refused for good."""

    sop_instance_uid: str
    series_instance_uid: str


class RefusedInstancesOut(_Model):
    """The first of them, and how many there are."""

    items: list[RefusedInstanceOut]
    total: int


class DestinationStateOut(_Model):
    """A node as far as the queue goes."""

    ae_title: str
    is_paused: bool
    failures: int
    next_try_at: datetime | None
    counts: dict[State, int]


class QueueOut(_Model):
    """The queue at a glance: every node that something waits for, or that is paused or unreachable."""

    is_paused: bool
    destinations: list[DestinationStateOut]


class RetriedOut(_Model):
    """How many parked transmissions are tried again."""

    retried: int
