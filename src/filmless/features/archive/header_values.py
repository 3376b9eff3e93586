"""From the first bytes of a data set to what the index keeps: bounded, clean text."""

from filmless.features.archive.errors import (
    DataSetDoesNotMatchSOPClass,
    MissingIdentifiers,
    QuarantineCause,
    UnreadableDataSet,
)
from filmless.features.archive.model import (
    INDEXED_CHARACTERS_MAX,
    INTEGER_MAX,
    InstanceAttributes,
    ReceiveContext,
    ReceivedInstance,
    SeriesAttributes,
    StoredBytes,
    StudyAttributes,
)
from filmless.features.patients import Demographics
from filmless.infra import limits
from filmless.infra.object_store.base import ObjectStore
from filmless.standards.dicom import tags
from filmless.standards.dicom.elements import InflateLimit, MalformedDataSet, inflate
from filmless.standards.dicom.header import HeaderScan, scan_header
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, find_transfer_syntax
from filmless.standards.dicom.uids import is_valid_uid


def scan_prefix(prefix: bytes, transfer_syntax_uid: str, *, final: bool) -> HeaderScan:
    """Scan the first bytes of a data set; a deflated one is inflated as far as they go, with a limit."""
    if not _is_deflated(transfer_syntax_uid):
        return scan_header(prefix, transfer_syntax_uid, final=final)
    try:
        inflated = inflate(prefix, limits.HEADER_BYTES_MAX)
    except (MalformedDataSet, InflateLimit):
        inflated, final = b"\x00", True  # Scans as malformed at its first byte, which is what it is.
    return scan_header(inflated, EXPLICIT_LE, final=final)


def scan_object(object_store: ObjectStore, stored: StoredBytes, transfer_syntax_uid: str) -> HeaderScan:
    """Scan a durable object's header, reading on until it is whole or over its limit."""
    length = stored.object_bytes - stored.data_set_offset
    wanted = limits.PART10_PREFIX_BYTES
    while True:
        wanted = min(wanted, length, limits.HEADER_BYTES_MAX)
        prefix = object_store.read(stored.object_id, stored.data_set_offset, wanted)
        final = wanted in (length, limits.HEADER_BYTES_MAX)
        scan = scan_prefix(prefix, transfer_syntax_uid, final=final)
        if scan.complete or final:
            return scan
        wanted = max(scan.needs_bytes, wanted * 4)


def received_instance(scan: HeaderScan, context: ReceiveContext, stored: StoredBytes) -> ReceivedInstance:
    """All that the index needs to know of an instance whose bytes are durable."""
    deflated = _is_deflated(context.transfer_syntax_uid)  # Then the scan's offsets are not the object's.
    data_set_bytes = None if deflated else stored.object_bytes - stored.data_set_offset
    return ReceivedInstance(
        demographics=demographics_of(scan),
        study=study_of(scan),
        series=series_of(scan),
        instance=instance_of(scan, context),
        stored=stored,
        source_ae_title=context.source_ae_title,
        problems=tuple(scan.problems),
        cause=cause_for_quarantine(scan, context, data_set_bytes),
    )


def _is_deflated(transfer_syntax_uid: str) -> bool:
    syntax = find_transfer_syntax(transfer_syntax_uid)
    return syntax is not None and syntax.deflated


def _text(scan: HeaderScan, tag: int) -> str:
    text = scan.text(tag)
    if len(text) > INDEXED_CHARACTERS_MAX:
        text = text[:INDEXED_CHARACTERS_MAX]
    return text.replace("\x00", "") if "\x00" in text else text  # PostgreSQL's text holds no NUL.


def _number(scan: HeaderScan, tag: int) -> int | None:
    number = scan.number(tag)
    return None if number is None or abs(number) > INTEGER_MAX else number


def demographics_of(scan: HeaderScan) -> Demographics:
    """Who the data set says it shows."""
    return Demographics(
        patient_id=_text(scan, tags.PATIENT_ID),
        issuer_of_patient_id=_text(scan, tags.ISSUER_OF_PATIENT_ID),
        patient_name=_text(scan, tags.PATIENT_NAME),
        patient_birth_date=_text(scan, tags.PATIENT_BIRTH_DATE),
        patient_sex=_text(scan, tags.PATIENT_SEX),
    )


def study_of(scan: HeaderScan) -> StudyAttributes:
    """The study that the data set places itself in."""
    return StudyAttributes(
        study_instance_uid=_text(scan, tags.STUDY_INSTANCE_UID),
        study_id=_text(scan, tags.STUDY_ID),
        study_date=_text(scan, tags.STUDY_DATE),
        study_time=_text(scan, tags.STUDY_TIME),
        accession_number=_text(scan, tags.ACCESSION_NUMBER),
        study_description=_text(scan, tags.STUDY_DESCRIPTION),
        referring_physician_name=_text(scan, tags.REFERRING_PHYSICIAN_NAME),
        issuer_of_accession_number=_text(scan, tags.ISSUER_OF_ACCESSION_NUMBER_SEQUENCE),
        timezone_offset=_text(scan, tags.TIMEZONE_OFFSET_FROM_UTC),
    )


def series_of(scan: HeaderScan) -> SeriesAttributes:
    """The series that the data set places itself in."""
    return SeriesAttributes(
        series_instance_uid=_text(scan, tags.SERIES_INSTANCE_UID),
        modality=_text(scan, tags.MODALITY),
        series_number=_number(scan, tags.SERIES_NUMBER),
        series_description=_text(scan, tags.SERIES_DESCRIPTION),
        body_part_examined=_text(scan, tags.BODY_PART_EXAMINED),
        station_name=_text(scan, tags.STATION_NAME),
        performed_procedure_step_start_date=_text(scan, tags.PERFORMED_PROCEDURE_STEP_START_DATE),
        performed_procedure_step_start_time=_text(scan, tags.PERFORMED_PROCEDURE_STEP_START_TIME),
        series_date=_text(scan, tags.SERIES_DATE),
        series_time=_text(scan, tags.SERIES_TIME),
        laterality=_text(scan, tags.LATERALITY),
        protocol_name=_text(scan, tags.PROTOCOL_NAME),
        institution_name=_text(scan, tags.INSTITUTION_NAME),
        requests=scan.sequences.get(tags.REQUEST_ATTRIBUTES_SEQUENCE),
    )


def instance_of(scan: HeaderScan, context: ReceiveContext) -> InstanceAttributes:
    """The instance itself."""
    return InstanceAttributes(
        sop_instance_uid=context.sop_instance_uid,
        sop_class_uid=context.sop_class_uid,
        transfer_syntax_uid=context.transfer_syntax_uid,
        instance_number=_number(scan, tags.INSTANCE_NUMBER),
        rows=_number(scan, tags.ROWS),
        columns=_number(scan, tags.COLUMNS),
        bits_allocated=_number(scan, tags.BITS_ALLOCATED),
        number_of_frames=_number(scan, tags.NUMBER_OF_FRAMES),
    )


def cause_for_quarantine(
    scan: HeaderScan, context: ReceiveContext, data_set_bytes: int | None
) -> QuarantineCause | None:
    """Why this data set cannot be indexed, whatever the index holds; None when it can.

    `data_set_bytes` is the length of what was received, None where the scan's offsets are not those of the
    object (a deflated data set).
    """
    if scan.malformed_at is not None:
        return UnreadableDataSet(
            f"The data set cannot be read from byte {scan.malformed_at} on. It is kept in quarantine."
        )
    if data_set_bytes is not None and _ends_before_its_pixels_do(scan, data_set_bytes):
        return UnreadableDataSet("The data set breaks off inside its Pixel Data. It is kept in quarantine.")
    for tag, announced, name in (
        (tags.SOP_CLASS_UID, context.sop_class_uid, "SOP Class UID"),
        (tags.SOP_INSTANCE_UID, context.sop_instance_uid, "SOP Instance UID"),
    ):
        held = scan.text(tag)
        if held != announced:
            return DataSetDoesNotMatchSOPClass(
                f"The {name} announced differs from that in the data set. It is kept in quarantine."
            )
    for tag, name in (
        (tags.STUDY_INSTANCE_UID, "Study Instance UID"),
        (tags.SERIES_INSTANCE_UID, "Series Instance UID"),
    ):
        if not is_valid_uid(scan.text(tag)):
            return MissingIdentifiers(
                f"The data set has no valid {name}, so its study is unknown. It is kept in quarantine."
            )
    return None


def _ends_before_its_pixels_do(scan: HeaderScan, data_set_bytes: int) -> bool:
    pixels = scan.pixel_data
    if pixels is None or pixels.value_length is None:
        return False
    return pixels.value_offset + pixels.value_length > data_set_bytes
