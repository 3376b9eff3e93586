"""Facts that the archive announces."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SeriesGrew:
    """One commit added instances to a series: once per series and commit, however many instances."""

    study_ref: int
    series_ref: int
    study_instance_uid: str
    series_instance_uid: str
    instances_added: int


@dataclass(frozen=True, slots=True)
class InstanceQuarantined:
    """Something received was set aside for a person to decide."""

    quarantine_id: str
    reason: str
