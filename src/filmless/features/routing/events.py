"""Facts that routing announces."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TransmissionChanged:
    """A transmission was made, or is in another state now; progress is not told."""

    transmission_id: str
    study_instance_uid: str
    destination: str
    state: str
