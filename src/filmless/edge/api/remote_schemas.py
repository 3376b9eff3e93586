"""What travels about other archives; the rules of `schemas` hold here too."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from filmless.features.archive import PullMethod, PullState
from filmless.infra import limits

ShortText = Annotated[str, Field(max_length=256, pattern=r"^[^\x00]*$")]

STUDIES_DEFAULT = 200  # A person who sees more than this narrows the search.


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RemoteSearchIn(_Model):
    """What to look for where; at least one key must be given."""

    ae_title: ShortText
    patient_name: ShortText = ""
    patient_id: ShortText = ""
    accession_number: ShortText = ""
    study_date_from: date | None = None
    study_date_to: date | None = None
    modalities: Annotated[list[ShortText], Field(max_length=16)] = []
    study_instance_uid: ShortText = ""
    limit: Annotated[int, Field(ge=1, le=limits.QUERY_RESULTS_MAX)] = STUDIES_DEFAULT


class RemoteStudyOut(_Model):
    """One study of another archive; counts are null where it gives none."""

    study_instance_uid: str
    patient_name: str
    patient_id: str
    issuer_of_patient_id: str
    patient_birth_date: date | None
    patient_sex: str
    study_date: date | None
    study_time: str | None
    accession_number: str
    study_description: str
    referring_physician_name: str
    modalities_in_study: list[str]
    number_of_series: int | None
    number_of_instances: int | None
    number_of_instances_here: int
    is_here: bool


class RemoteStudiesOut(_Model):
    """What was found; `is_whole` is false when the search was cut off at its limit."""

    studies: list[RemoteStudyOut]
    is_whole: bool


class RemoteSeriesOut(_Model):
    """One series of a study of another archive."""

    series_instance_uid: str
    modality: str
    series_number: int | None
    series_description: str
    series_date: date | None
    body_part_examined: str
    number_of_instances: int | None


class RemoteSeriesListOut(_Model):
    """All series of the study."""

    series_list: list[RemoteSeriesOut]


class RemoteArchiveOut(_Model):
    """A node that may be asked."""

    ae_title: str
    description: str


class RemoteArchivesOut(_Model):
    """All of them."""

    archives: list[RemoteArchiveOut]


class PullIn(_Model):
    """What to fetch from where; no series means the whole study."""

    ae_title: ShortText
    study_instance_uid: ShortText
    series_instance_uids: Annotated[list[ShortText], Field(max_length=limits.PULL_SERIES_MAX)] = []
    method: PullMethod = PullMethod.AUTO


class PullOut(_Model):
    """How far a pull is."""

    id: str
    ae_title: str
    study_instance_uid: str
    series_instance_uids: list[str]
    method: PullMethod
    state: PullState
    attempts: int
    completed: int
    failed: int
    remaining: int
    explanation: str
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None


class PullsOut(_Model):
    """The pulls asked for last, newest first."""

    pulls: list[PullOut]


class CheckIn(_Model):
    """Whether our test image may go into the archive of the node."""

    may_store: bool = False


class FindingOut(_Model):
    """One line of the answer of a check: newline-delimited JSON."""

    step: str
    name: str
    state: Annotated[str, Field(pattern="^(well|look|ill|skipped)$")]
    seen: str
    advice: str
