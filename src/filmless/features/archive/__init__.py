"""The archive: instances in and out, never lost, never mixed up.

A study holds series, a series instances; the index says where each one's bytes are. Not here: who may connect
(`nodes`), what the exam was (`exams`, later), any wire language. Start at `ingest.Reception` for the way in.
Invariants: Success only after fsync and commit; no row without bytes; what contradicts goes to quarantine,
never away.
"""

from filmless.features.archive.archive import Archive
from filmless.features.archive.conditions import unsupported_keys
from filmless.features.archive.errors import (
    Contradiction,
    DataSetDoesNotMatchSOPClass,
    DemographicsConflict,
    DuplicateWithOtherContent,
    InstanceElsewhere,
    MissingIdentifiers,
    NotDICOM,
    PatientMismatch,
    QuarantineCause,
    QuarantineItemNotFound,
    StudyNotFound,
    UnreadableDataSet,
)
from filmless.features.archive.events import InstanceQuarantined, SeriesGrew
from filmless.features.archive.find import (
    find_instances,
    find_series,
    find_studies,
    get_study,
    list_series,
)
from filmless.features.archive.growth import GrowthReader, StudyGrowth
from filmless.features.archive.holdings import Holdings, count_holdings
from filmless.features.archive.ingest import Reception, begin_receive, end_transfers, receive_part10
from filmless.features.archive.matches import MatchRow, iterate_matches
from filmless.features.archive.matching import Level
from filmless.features.archive.model import ReceiveContext, StoreOutcome, StoreStatus
from filmless.features.archive.optional_keys import read_optional_keys
from filmless.features.archive.pieces import Piece
from filmless.features.archive.prepare import (
    PREPARE_SERIES,
    SANDBOX_MODULES,
    prepare_series,
    prepare_series_soon,
)
from filmless.features.archive.pull_model import (
    NewPull,
    Pull,
    PullCounts,
    PullEvent,
    PullMethod,
    PullState,
)
from filmless.features.archive.pulls import (
    PULL_STUDY,
    PullHasEnded,
    PullNotFound,
    ask_pull,
    begin_connection_check,
    begin_pull,
    begin_remote_query,
    count_held_instances,
    end_pull_attempt,
    get_pull,
    list_pulls,
    note_pull_progress,
    postpone_pull,
    stop_pull,
)
from filmless.features.archive.quarantine import (
    QuarantineItem,
    accept_quarantined,
    count_quarantined,
    discard_quarantined,
    find_quarantined,
)
from filmless.features.archive.query import Query
from filmless.features.archive.read_errors import (
    BulkDataNotFound,
    CannotTranscode,
    FrameNotFound,
    InstanceNotFound,
    NothingToShow,
    ObjectDamaged,
    PatientAmbiguous,
    QueryNotUnderstood,
    RetrievalNotUnderstood,
    SeriesNotFound,
)
from filmless.features.archive.references import (
    InstanceReference,
    find_extent,
    performed_steps_of_study,
    references_by_series,
)
from filmless.features.archive.remote_studies import (
    RemoteSearch,
    RemoteSeries,
    RemoteStudies,
    RemoteStudy,
)
from filmless.features.archive.retrieve import (
    get_instance,
    instance_metadata,
    list_instances,
    part10_chunks,
    series_metadata_gzip,
    study_metadata_gzip,
)
from filmless.features.archive.retrieving import (
    RetrieveKeys,
    RetrieveLevel,
    Transfer,
    find_instances_to_send,
    record_sent,
    stored_chunks,
)
from filmless.features.archive.rows import (
    FoundInstance,
    InstanceRow,
    Page,
    PatientRow,
    SeriesRow,
    StudyRow,
)
from filmless.features.archive.sweep import SWEEP_ORPHANS, sweep_orphans, sweep_orphans_soon
from filmless.features.archive.transcoding import (
    TRANSCODING_TARGETS,
    choose_syntax,
    needs_transcoding,
    transcoded_chunks,
)
from filmless.features.archive.verify import (
    Verdict,
    VerifiedInstance,
    size_of_instances,
    verify_instances,
)
from filmless.features.archive.viewing import (
    FRAMES_AT_ONCE_MAX,
    BulkData,
    FrameSource,
    InstancePlace,
    Viewing,
)

__all__ = [
    "FRAMES_AT_ONCE_MAX",
    "PREPARE_SERIES",
    "PULL_STUDY",
    "SANDBOX_MODULES",
    "SWEEP_ORPHANS",
    "TRANSCODING_TARGETS",
    "Archive",
    "BulkData",
    "BulkDataNotFound",
    "CannotTranscode",
    "Contradiction",
    "DataSetDoesNotMatchSOPClass",
    "DemographicsConflict",
    "DuplicateWithOtherContent",
    "FoundInstance",
    "FrameNotFound",
    "FrameSource",
    "GrowthReader",
    "Holdings",
    "InstanceElsewhere",
    "InstanceNotFound",
    "InstancePlace",
    "InstanceQuarantined",
    "InstanceReference",
    "InstanceRow",
    "Level",
    "MatchRow",
    "MissingIdentifiers",
    "NewPull",
    "NotDICOM",
    "NothingToShow",
    "ObjectDamaged",
    "Page",
    "PatientAmbiguous",
    "PatientMismatch",
    "PatientRow",
    "Piece",
    "Pull",
    "PullCounts",
    "PullEvent",
    "PullHasEnded",
    "PullMethod",
    "PullNotFound",
    "PullState",
    "QuarantineCause",
    "QuarantineItem",
    "QuarantineItemNotFound",
    "Query",
    "QueryNotUnderstood",
    "ReceiveContext",
    "Reception",
    "RemoteSearch",
    "RemoteSeries",
    "RemoteStudies",
    "RemoteStudy",
    "RetrievalNotUnderstood",
    "RetrieveKeys",
    "RetrieveLevel",
    "SeriesGrew",
    "SeriesNotFound",
    "SeriesRow",
    "StoreOutcome",
    "StoreStatus",
    "StudyGrowth",
    "StudyNotFound",
    "StudyRow",
    "Transfer",
    "UnreadableDataSet",
    "Verdict",
    "VerifiedInstance",
    "Viewing",
    "accept_quarantined",
    "ask_pull",
    "begin_connection_check",
    "begin_pull",
    "begin_receive",
    "begin_remote_query",
    "choose_syntax",
    "count_held_instances",
    "count_holdings",
    "count_quarantined",
    "discard_quarantined",
    "end_pull_attempt",
    "end_transfers",
    "find_extent",
    "find_instances",
    "find_instances_to_send",
    "find_quarantined",
    "find_series",
    "find_studies",
    "get_instance",
    "get_pull",
    "get_study",
    "instance_metadata",
    "iterate_matches",
    "list_instances",
    "list_pulls",
    "list_series",
    "needs_transcoding",
    "note_pull_progress",
    "part10_chunks",
    "performed_steps_of_study",
    "postpone_pull",
    "prepare_series",
    "prepare_series_soon",
    "read_optional_keys",
    "receive_part10",
    "record_sent",
    "references_by_series",
    "series_metadata_gzip",
    "size_of_instances",
    "stop_pull",
    "stored_chunks",
    "study_metadata_gzip",
    "sweep_orphans",
    "sweep_orphans_soon",
    "transcoded_chunks",
    "unsupported_keys",
    "verify_instances",
]
