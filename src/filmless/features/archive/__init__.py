"""The archive: instances in and out, never lost, never mixed up.

A study holds series, a series instances; the index says where each one's bytes are. Not here: who may connect
(`nodes`), what the exam was (`exams`, later), any wire language. Start at `ingest.Reception` for the way in.
Invariants: Success only after fsync and commit; no row without bytes; what contradicts goes to quarantine,
never away.
"""

from filmless.features.archive.archive import Archive
from filmless.features.archive.errors import (
    Contradiction,
    DataSetDoesNotMatchSOPClass,
    DemographicsConflict,
    DuplicateWithOtherContent,
    InstanceElsewhere,
    MissingIdentifiers,
    NotDICOM,
    PatientMismatch,
    QuarantineItemNotFound,
    StudyNotFound,
    UnreadableDataSet,
)
from filmless.features.archive.events import InstanceQuarantined, SeriesGrew
from filmless.features.archive.ingest import Reception, begin_receive, receive_part10
from filmless.features.archive.model import ReceiveContext, StoreOutcome, StoreStatus
from filmless.features.archive.quarantine import (
    QuarantineItem,
    accept_quarantined,
    count_quarantined,
    discard_quarantined,
    find_quarantined,
)

__all__ = [
    "Archive",
    "Contradiction",
    "DataSetDoesNotMatchSOPClass",
    "DemographicsConflict",
    "DuplicateWithOtherContent",
    "InstanceElsewhere",
    "InstanceQuarantined",
    "MissingIdentifiers",
    "NotDICOM",
    "PatientMismatch",
    "QuarantineItem",
    "QuarantineItemNotFound",
    "ReceiveContext",
    "Reception",
    "SeriesGrew",
    "StoreOutcome",
    "StoreStatus",
    "StudyNotFound",
    "UnreadableDataSet",
    "accept_quarantined",
    "begin_receive",
    "count_quarantined",
    "discard_quarantined",
    "find_quarantined",
    "receive_part10",
]
