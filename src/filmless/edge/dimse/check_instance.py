"""The one instance that the connection doctor sends: plainly synthetic, always the same, never kept by us.

A Secondary Capture image of 16 by 16 pixels of the patient FILMLESS^CONNECTION TEST. Its UIDs follow from our
AE title and never change: however often a connection is checked, an archive holds it once. When a peer sends
it back to us (that is the check of C-MOVE) our server says Success and drops it: it must become nobody's
study here. That is no broken promise: nobody else makes an instance with this UID. Another Filmless keeps
it as any archive does. Not here: the checks (`connection_doctor`). Start at `check_data_set`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from filmless.edge.dimse.exchange import Message
from filmless.edge.dimse.status import SUCCESS
from filmless.infra.log import get_logger
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet, encode_data_set
from filmless.standards.dicom.sop_classes import SECONDARY_CAPTURE_IMAGE
from filmless.standards.dicom.upper_layer import CommandSet

CHECK_SOP_CLASS_UID = SECONDARY_CAPTURE_IMAGE

_NAMESPACE = uuid.UUID("a6bcc50e-7a6a-4a35-a1f5-6f43f4d4bb4c")  # Ours for this purpose (RFC 9562 6.6).

_SIDE = 16  # Pixels: small, and still an image that every viewer shows.

_log = get_logger()


@dataclass(frozen=True, slots=True)
class CheckUIDs:
    """Of the test image of one AE title."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


@cache
def check_uids(our_ae_title: str) -> CheckUIDs:
    """The UIDs of the test image that we send under this AE title (PS3.5 annex B.2)."""
    return CheckUIDs(
        *(
            f"2.25.{uuid.uuid5(_NAMESPACE, f'{our_ae_title} {level}').int}"
            for level in ("study", "series", "instance")
        )
    )


def check_data_set(our_ae_title: str, transfer_syntax_uid: str) -> bytes:
    """The data set of the instance in an uncompressed transfer syntax; the same bytes each time."""
    uids = check_uids(our_ae_title)
    data_set = DataSet()
    for tag, value in (
        (tags.IMAGE_TYPE, "DERIVED\\SECONDARY"),
        (tags.SOP_CLASS_UID, CHECK_SOP_CLASS_UID),
        (tags.SOP_INSTANCE_UID, uids.sop_instance_uid),
        (tags.STUDY_DATE, "20000101"),
        (tags.STUDY_TIME, "000000"),
        (tags.ACCESSION_NUMBER, ""),
        (tags.MODALITY, "OT"),
        (tags.CONVERSION_TYPE, "SYN"),
        (tags.MANUFACTURER, "Filmless"),
        (tags.REFERRING_PHYSICIAN_NAME, ""),
        (tags.STUDY_DESCRIPTION, "Connection test, may be deleted"),
        (tags.SERIES_DESCRIPTION, "Connection test, may be deleted"),
        (tags.PATIENT_NAME, "FILMLESS^CONNECTION TEST"),
        (tags.PATIENT_ID, "FILMLESS-CONNECTION-TEST"),
        (tags.PATIENT_BIRTH_DATE, ""),
        (tags.PATIENT_SEX, "O"),
        (tags.STUDY_INSTANCE_UID, uids.study_instance_uid),
        (tags.SERIES_INSTANCE_UID, uids.series_instance_uid),
        (tags.STUDY_ID, "TEST"),
        (tags.SERIES_NUMBER, 1),
        (tags.INSTANCE_NUMBER, 1),
        (tags.PATIENT_ORIENTATION, ""),
        (tags.SAMPLES_PER_PIXEL, 1),
        (tags.PHOTOMETRIC_INTERPRETATION, "MONOCHROME2"),
        (tags.ROWS, _SIDE),
        (tags.COLUMNS, _SIDE),
        (tags.BITS_ALLOCATED, 8),
        (tags.BITS_STORED, 8),
        (tags.HIGH_BIT, 7),
        (tags.PIXEL_REPRESENTATION, 0),
    ):
        data_set.set(tag, value)
    data_set.set(tags.PIXEL_DATA, bytes(range(_SIDE * _SIDE)))
    return encode_data_set(data_set, transfer_syntax_uid)


def is_check_instance(request: CommandSet, our_ae_title: str) -> bool:
    """Whether a C-STORE brings our own test instance."""
    return (
        request.affected_sop_instance_uid == check_uids(our_ae_title).sop_instance_uid
        and request.affected_sop_class_uid == CHECK_SOP_CLASS_UID
    )


class CheckExchange:
    """A C-STORE of the test instance: read, answered, not kept."""

    def __init__(self, request: CommandSet, sender: str) -> None:
        self._request = request
        self._sender = sender

    def receive(self, data: memoryview) -> None:
        """Drop the bytes."""

    def finish(self) -> Iterable[Message]:
        """It has arrived; that is all it was sent for."""
        _log.info("check_instance_received", calling_ae_title=self._sender)
        return (Message(self._request.response(SUCCESS)),)

    def abandon(self) -> None:
        """Nothing was kept."""
