"""Values of the archive: what is received, what came of it. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from filmless.features.archive.errors import Contradiction, QuarantineCause
from filmless.features.patients import Demographics
from filmless.standards.dicom.header import RawSequence

INTEGER_MAX = 2**31 - 1  # A column's and PS3.5's limit for IS; larger is damage.
INDEXED_CHARACTERS_MAX = 1024  # LO holds 64, a bad sender anything; the full value stays in the object.


@dataclass(frozen=True, slots=True)
class ReceiveContext:
    """What a sender announces before the data set: from the C-STORE command or the file meta information."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    source_ae_title: str
    receiving_ae_title: str = ""


class StoreStatus(StrEnum):
    """How a store that succeeded ended."""

    STORED = "stored"
    ALREADY_STORED = "already stored"


@dataclass(frozen=True, slots=True)
class StoreOutcome:
    """The answer to a store that succeeded: the instance is durable and indexed."""

    status: StoreStatus
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    problems: tuple[str, ...]  # What was odd about the data set, in plain words without values.


@dataclass(frozen=True, slots=True)
class StudyAttributes:
    """What the index keeps of a study."""

    study_instance_uid: str
    study_id: str
    study_date: str
    study_time: str
    accession_number: str
    study_description: str
    referring_physician_name: str
    issuer_of_accession_number: str = ""
    timezone_offset: str = ""


@dataclass(frozen=True, slots=True)
class SeriesAttributes:
    """What the index keeps of a series."""

    series_instance_uid: str
    modality: str
    series_number: int | None
    series_description: str
    body_part_examined: str
    station_name: str
    performed_procedure_step_start_date: str
    performed_procedure_step_start_time: str
    series_date: str = ""
    series_time: str = ""
    laterality: str = ""
    protocol_name: str = ""
    institution_name: str = ""
    requests: RawSequence | None = None  # Request Attributes Sequence, read only when the series is new.


@dataclass(frozen=True, slots=True)
class InstanceAttributes:
    """What the index keeps of an instance."""

    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    instance_number: int | None
    rows: int | None
    columns: int | None
    bits_allocated: int | None
    number_of_frames: int | None


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """Where an instance's bytes are and what they hash to."""

    object_id: str
    object_bytes: int
    data_set_offset: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class ReceivedInstance:
    """An instance whose bytes are durable and whose header was read, on its way into the index."""

    demographics: Demographics
    study: StudyAttributes
    series: SeriesAttributes
    instance: InstanceAttributes
    stored: StoredBytes
    source_ae_title: str
    problems: tuple[str, ...]
    cause: QuarantineCause | None = (
        None  # Known before the index was asked: unreadable, announced otherwise …
    )


@dataclass(frozen=True, slots=True)
class SetAside:
    """Why one received instance goes to quarantine instead of into the index."""

    error: QuarantineCause
    contradictions: tuple[Contradiction, ...] = ()
