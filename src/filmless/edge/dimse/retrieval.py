"""What C-MOVE and C-GET have in common: the identifier, the counts, the final response (PS3.4 C.4.2, C.4.3).

Not here: how the instances travel (`move`, `get`), which they are (`features/archive/retrieving`).
Start at `RetrievalExchange`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from filmless.edge.dimse.exchange import IdentifierExchange, IdentifierNotUnderstood, Message
from filmless.edge.dimse.sending import SendReport
from filmless.edge.dimse.status import (
    CANCELLED,
    IDENTIFIER_DOES_NOT_MATCH,
    PENDING,
    PROCESSING_FAILURE,
    SUCCESS,
    comment_of,
    status_of,
)
from filmless.features.archive import (
    InstanceRow,
    PatientAmbiguous,
    RetrievalNotUnderstood,
    RetrieveKeys,
    RetrieveLevel,
    Transfer,
    find_instances_to_send,
    record_sent,
)
from filmless.infra import limits
from filmless.infra.errors import FilmlessError, Invalid, OverLimit, Unavailable
from filmless.infra.log import get_logger
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet
from filmless.standards.dicom.sop_classes import (
    PATIENT_ROOT_GET,
    PATIENT_ROOT_MOVE,
    PATIENT_STUDY_ONLY_GET,
    PATIENT_STUDY_ONLY_MOVE,
    STUDY_ROOT_GET,
    STUDY_ROOT_MOVE,
)
from filmless.standards.dicom.transfer_syntaxes import IMPLICIT_LE

# PS3.4 tables C.4-2 and C.4-3.
CANNOT_COUNT = 0xA701
CANNOT_PERFORM = 0xA702
SOME_FAILED = 0xB000
UNABLE_TO_PROCESS = 0xC001

COUNT_MAX = 0xFFFF  # US is the VR of the counts; a larger number stays at this until it is smaller.
SHORT_VALUE_BYTES_MAX = 65_534  # PS3.5 section 7.1.2: what a UI value may have in explicit VR.

_ALL = (RetrieveLevel.PATIENT, RetrieveLevel.STUDY, RetrieveLevel.SERIES, RetrieveLevel.IMAGE)
LEVELS_OF: Mapping[str, tuple[RetrieveLevel, ...]] = MappingProxyType(
    {
        PATIENT_ROOT_MOVE: _ALL,
        PATIENT_ROOT_GET: _ALL,
        STUDY_ROOT_MOVE: _ALL[1:],
        STUDY_ROOT_GET: _ALL[1:],
        PATIENT_STUDY_ONLY_MOVE: _ALL[:2],
        PATIENT_STUDY_ONLY_GET: _ALL[:2],
    }
)
"""The levels of each information model, by SOP class UID."""

_KEY_TAGS = {
    RetrieveLevel.PATIENT: tags.PATIENT_ID,
    RetrieveLevel.STUDY: tags.STUDY_INSTANCE_UID,
    RetrieveLevel.SERIES: tags.SERIES_INSTANCE_UID,
    RetrieveLevel.IMAGE: tags.SOP_INSTANCE_UID,
}

_log = get_logger()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the identifier asks for."""

    level: RetrieveLevel
    keys: RetrieveKeys


def read_identifier(identifier: DataSet, levels: Sequence[RetrieveLevel]) -> Wanted:
    """The level and the unique keys of a retrieval; raises RetrievalNotUnderstood."""
    level = identifier.text(tags.QUERY_RETRIEVE_LEVEL)
    if level not in {one.value for one in levels}:
        possible = ", ".join(levels)
        raise RetrievalNotUnderstood(f"Query/Retrieve Level is none of {possible}.")
    keys = RetrieveKeys(
        patient_id=identifier.text(tags.PATIENT_ID),
        issuer_of_patient_id=identifier.text(tags.ISSUER_OF_PATIENT_ID),
        study_instance_uids=_uids(identifier, tags.STUDY_INSTANCE_UID),
        series_instance_uids=_uids(identifier, tags.SERIES_INSTANCE_UID),
        sop_instance_uids=_uids(identifier, tags.SOP_INSTANCE_UID),
    )
    return Wanted(RetrieveLevel(level), keys)


def answer_extended(information: bytes) -> bytes:
    """Our answer to extended negotiation (PS3.4 C.5.2.1): relational retrieval yes, the other bytes no."""
    return bytes(int(byte == 1) for byte in information[:1]).ljust(len(information), b"\0")


class RetrievalExchange(IdentifierExchange):
    """The parts of a C-MOVE or C-GET that are alike."""

    # Ten thousand UIDs, as a query: 32 MiB of them would be half a GiB once decoded.
    bytes_max = limits.QUERY_BYTES_MAX

    def wanted(self, identifier: DataSet) -> Wanted:
        """What is asked for; raises RetrievalNotUnderstood."""
        return read_identifier(identifier, LEVELS_OF[self.context.abstract_syntax_uid])

    def find(self, wanted: Wanted, transfer: Transfer) -> list[InstanceRow]:
        """The instances; the audit trail knows that they are about to leave."""
        conversation = self.conversation
        return find_instances_to_send(
            conversation.services.archive, conversation.actor, wanted.level, wanted.keys, transfer
        )

    def record(self, rows: Sequence[InstanceRow], transfer: Transfer, report: SendReport) -> None:
        """Write down what has left. The peer is told the truth about it even if this cannot be written."""
        conversation = self.conversation
        try:
            record_sent(conversation.services.archive, conversation.actor, rows, transfer, report.not_sent)
        except FilmlessError as error:
            _log.error("transfer_not_recorded", error=type(error).__name__)

    def pending(self, report: SendReport) -> Message:
        """How far it is."""
        return self.reply(
            PENDING, None, **_counts(report), number_of_remaining_suboperations=_count(report.remaining)
        )

    def final(self, report: SendReport, *, is_cancelled: bool = False) -> Message:
        """The last response: what came of it, with the list of what the peer has not got.

        What was never tried counts as failed, unless it was cancelled: then it is remaining.
        """
        if is_cancelled:
            remaining = _count(report.remaining)
            values = {**_counts(report), "number_of_remaining_suboperations": remaining}
            return self.reply(CANCELLED, self._failed_list(report), **values)
        failed = len(report.failed) + report.remaining
        values = {**_counts(report), "number_of_failed_suboperations": _count(failed)}
        if not failed:
            return self.reply(SOME_FAILED if report.warned else SUCCESS, None, **values)
        status = SOME_FAILED if report.completed or report.warned else CANNOT_PERFORM
        why = {"error_comment": report.failed[0].comment} if report.failed else {}
        return self.reply(status, self._failed_list(report), **values, **why)

    def all_failed(self, rows: Sequence[InstanceRow], error: FilmlessError) -> Message:
        """The last response when nothing could be sent."""
        report = SendReport(remaining=len(rows), not_tried=[row.sop_instance_uid for row in rows])
        values = {**_counts(report), "number_of_failed_suboperations": _count(len(rows))}
        return self.reply(
            CANNOT_PERFORM, self._failed_list(report), **values, error_comment=comment_of(error)
        )

    def refused(self, error: RetrievalNotUnderstood, wanted: Wanted | None) -> Message:
        """The response to an identifier that does not say what is meant."""
        if isinstance(error, PatientAmbiguous):
            tag = tags.ISSUER_OF_PATIENT_ID
        else:
            tag = tags.QUERY_RETRIEVE_LEVEL if wanted is None else _KEY_TAGS[wanted.level]
        return self.reply(
            IDENTIFIER_DOES_NOT_MATCH, offending_elements=(tag,), error_comment=comment_of(error)
        )

    def status_of(self, error: BaseException) -> int:
        """What we fail at before the first sub-operation (PS3.4 tables C.4-2, C.4-3)."""
        if isinstance(error, IdentifierNotUnderstood | Invalid):
            return UNABLE_TO_PROCESS
        if isinstance(error, Unavailable | OverLimit):
            return CANNOT_COUNT
        status = status_of(error)
        return UNABLE_TO_PROCESS if status == PROCESSING_FAILURE else status

    def _failed_list(self, report: SendReport) -> DataSet | None:
        """Failed SOP Instance UID List (0008,0058), as much of it as the encoding can say."""
        uids = [one.sop_instance_uid for one in report.failed] + report.not_tried
        if self.context.transfer_syntax_uid != IMPLICIT_LE:
            size = 0
            for place, uid in enumerate(uids):
                size += len(uid) + 1
                if size > SHORT_VALUE_BYTES_MAX:
                    uids = uids[:place]
                    break
        if not uids:
            return None
        data_set = DataSet()
        data_set.set(tags.FAILED_SOP_INSTANCE_UID_LIST, uids)
        return data_set


def _uids(identifier: DataSet, tag: int) -> tuple[str, ...]:
    return tuple(uid for uid in identifier.texts(tag) if uid)


def _count(number: int) -> int:
    return min(number, COUNT_MAX)


def _counts(report: SendReport) -> dict[str, int]:
    return {
        "number_of_completed_suboperations": _count(report.completed),
        "number_of_failed_suboperations": _count(len(report.failed)),
        "number_of_warning_suboperations": _count(report.warned),
    }
