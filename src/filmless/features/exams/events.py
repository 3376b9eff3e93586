"""Facts that exams announces."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PerformedStepStarted:
    """A modality began. `step_ids`: the scheduled steps it belongs to; none for an unscheduled exam."""

    sop_instance_uid: str
    study_instance_uids: tuple[str, ...]
    step_ids: tuple[str, ...]
    modality: str
    station_ae_title: str


@dataclass(frozen=True, slots=True)
class PerformedStepCompleted:
    """A modality has done all it was to do."""

    sop_instance_uid: str
    study_instance_uids: tuple[str, ...]
    step_ids: tuple[str, ...]
    number_of_series: int
    number_of_instances: int


@dataclass(frozen=True, slots=True)
class PerformedStepDiscontinued:
    """A modality gave up. `reason`: a code value of PS3.16 CID 9300, such as 110514; may be empty."""

    sop_instance_uid: str
    study_instance_uids: tuple[str, ...]
    step_ids: tuple[str, ...]
    reason: str
    number_of_series: int
    number_of_instances: int
