"""What travels between the web application and us: the source of /api/openapi.json.

Bodies of requests are checked against these. Answers are written as they are by the routes, because encoding
through models is many times slower; a test holds them to these models.
"""

from datetime import date, datetime
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from filmless.infra import limits

ShortText = Annotated[str, Field(max_length=256)]
# Longer than any password may be: the policy's own message is better than ours.
# PostgreSQL keeps no NUL in a text, and nothing that we look up has one.
PathText = Annotated[str, Path(max_length=128, pattern=r"^[^\x00]+$")]
PasswordText = Annotated[str, Field(max_length=4 * limits.PASSWORD_CHARACTERS_MAX)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(_Model):
    """An error, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    instance: str


class SignIn(_Model):
    """What somebody types to sign in."""

    user_name: ShortText
    password: PasswordText


class SetUp(_Model):
    """What the holder of the first-run link types."""

    token: ShortText
    user_name: ShortText
    display_name: ShortText = ""
    password: PasswordText


class ChangePassword(_Model):
    """Old and new."""

    current_password: PasswordText
    new_password: PasswordText


class Resolve(_Model):
    """Why an item of the quarantine is accepted or discarded."""

    reason: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]


class UserOut(_Model):
    """Who is signed in."""

    user_name: str
    display_name: str


class SessionOut(_Model):
    """Who is signed in, what they may do, and until when; a bearer token has no session that ends."""

    user: UserOut
    permissions: list[str]
    expires_at: datetime | None


class SetupOut(_Model):
    """Whether somebody must be registered first."""

    needed: bool


class StudyOut(_Model):
    """One study; names are DICOM PN text with its groups."""

    study_instance_uid: str
    patient_name: str
    patient_id: str
    issuer_of_patient_id: str
    patient_birth_date: date | None
    patient_sex: str
    study_date: date | None
    study_time: Annotated[str, Field(pattern=r"^\d\d:\d\d:\d\d$")] | None
    accession_number: str
    study_description: str
    referring_physician_name: str
    modalities_in_study: list[str]
    number_of_series: int
    number_of_instances: int
    size_bytes: int
    received_at: datetime
    updated_at: datetime


class StudyPageOut(_Model):
    """A page of studies; `total` stops counting at some thousand, then `total_is_exact` is false."""

    studies: list[StudyOut]
    total: int
    total_is_exact: bool
    limit: int
    offset: int


class SeriesOut(_Model):
    """One series of a study."""

    series_instance_uid: str
    modality: str
    series_number: int | None
    series_description: str
    body_part_examined: str
    number_of_instances: int
    thumbnail_url: str


class StudyDetailOut(StudyOut):
    """One study with its series."""

    series_list: list[SeriesOut]


class ConflictOut(_Model):
    """One attribute in which what was received contradicts what is held."""

    attribute: str
    held: str
    received: str


class QuarantineItemOut(_Model):
    """One instance that waits for a decision."""

    id: str
    reason: str
    explanation: str
    received_at: datetime
    calling_ae_title: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    size_bytes: int
    patient_id: str
    patient_name: str
    can_be_accepted: bool
    conflicts: list[ConflictOut]


class QuarantinePageOut(_Model):
    """A page of the quarantine, newest first."""

    items: list[QuarantineItemOut]
    total: int


class SystemOut(_Model):
    """What the installation is and holds, and where to send images."""

    version: str
    ae_title: str
    dicom_port: int
    dicom_host: str
    studies: int
    instances: int
    size_bytes: int
    quarantine: int | None  # None for those who may not look.


class CommitmentReceivedOut(_Model):
    """One storage commitment request that a node made of us."""

    id: str
    transaction_uid: str
    calling_ae_title: str
    state: str
    number_of_instances: int
    number_verified: int
    number_failed: int
    attempts: int
    last_error: str | None
    received_at: datetime
    verified_at: datetime | None
    reported_at: datetime | None


class CommitmentReceivedPageOut(_Model):
    """A page of requests made of us, newest first."""

    items: list[CommitmentReceivedOut]
    total: int


class CommitmentAskedOut(_Model):
    """One storage commitment request that we make of a node."""

    id: str
    transaction_uid: str
    node_ae_title: str
    state: str
    number_of_instances: int
    number_failed: int
    attempts: int
    last_error: str | None
    created_at: datetime
    asked_at: datetime | None
    answered_at: datetime | None
    reported_by: str | None


class CommitmentAskedPageOut(_Model):
    """A page of our requests, newest first."""

    items: list[CommitmentAskedOut]
    total: int


class CommitmentFailureOut(_Model):
    """One instance that is not committed; the reason as PS3.3 C.14.1.1 numbers it, and in words."""

    sop_class_uid: str
    sop_instance_uid: str
    failure_reason: int
    explanation: str


class CommitmentFailuresOut(_Model):
    """The first of the instances that are not committed, and how many there are."""

    items: list[CommitmentFailureOut]
    total: int


class AskCommitment(_Model):
    """Whom to ask about which study."""

    node_ae_title: Annotated[str, Field(max_length=64, pattern=r"^[^\x00]+$")]
    study_instance_uid: Annotated[str, Field(max_length=64, pattern=r"^[0-9.]+$")]


class CreatedOut(_Model):
    """The id of what was made."""

    id: str


class AvailabilitySubscriberOut(_Model):
    """A node that is told which studies can be retrieved."""

    ae_title: str
    created_at: datetime


class AvailabilitySubscribersOut(_Model):
    """All subscribers by AE title."""

    items: list[AvailabilitySubscriberOut]


class AvailabilityNoticeOut(_Model):
    """One notice of a study to one subscriber."""

    id: str
    ae_title: str
    study_instance_uid: str
    state: str
    number_of_instances: int
    attempts: int
    last_error: str | None
    created_at: datetime
    told_at: datetime | None


class AvailabilityNoticePageOut(_Model):
    """A page of notices, newest first."""

    items: list[AvailabilityNoticeOut]
    total: int
