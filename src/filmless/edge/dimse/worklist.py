"""C-FIND SCP of the modality worklist (PS3.4 Annex K; IHE RAD-5).

Answers hold what was asked for, and always Study Instance UID and Specific Character Set: modalities write
both into every image. Not here: what matches (`features/scheduling`). Start at `WorklistExchange`.
"""

from collections.abc import Iterator

from filmless.edge.dimse.exchange import IdentifierExchange, Message
from filmless.edge.dimse.services import PLAIN_OFFER, Service
from filmless.edge.dimse.status import (
    CANCELLED,
    IDENTIFIER_DOES_NOT_MATCH,
    PENDING,
    PENDING_WITH_UNSUPPORTED_KEYS,
    PROCESSING_FAILURE,
    SUCCESS,
    comment_of,
    status_of,
)
from filmless.features.scheduling import WORKLIST_RULES, WorklistQueryNotUnderstood, iterate_worklist
from filmless.standards.dicom import tags
from filmless.standards.dicom.attribute_matching import returned
from filmless.standards.dicom.data_set import DataSet
from filmless.standards.dicom.sop_classes import MODALITY_WORKLIST_FIND
from filmless.standards.dicom.upper_layer import CommandField

UNABLE_TO_PROCESS = 0xC001  # PS3.4 table K.4-1: Cxxx.
FUZZY_BYTE = 2  # PS3.4 table K.5-1: the third byte asks for fuzzy matching of names.
USUAL_CHARACTER_SET = "ISO_IR 100"
"""Said where the query names none: every modality knows it. What it cannot carry goes out in ISO_IR 192."""


class WorklistExchange(IdentifierExchange):
    """One C-FIND of the worklist."""

    def respond(self, identifier: DataSet) -> Iterator[Message]:
        """A pending response for each step that is to be done, then Success, or Cancel."""
        conversation = self.conversation
        answered = conversation.extended(MODALITY_WORKLIST_FIND) or b""
        items = iterate_worklist(
            conversation.services.archive.database,
            conversation.actor,
            conversation.calling_ae_title,
            identifier,
            fuzzy=answered[FUZZY_BYTE : FUZZY_BYTE + 1] == b"\1",
        )
        try:
            for item in items:
                if conversation.is_cancelled():
                    yield self.reply(CANCELLED)
                    return
                answer, all_supported = _answer(identifier, item)
                yield self.reply(PENDING if all_supported else PENDING_WITH_UNSUPPORTED_KEYS, answer)
        except WorklistQueryNotUnderstood as error:
            yield self.reply(
                IDENTIFIER_DOES_NOT_MATCH, offending_elements=(error.tag,), error_comment=comment_of(error)
            )
            return
        yield self.reply(SUCCESS)

    def status_of(self, error: BaseException) -> int:
        """What we fail at is Unable to Process here (PS3.4 table K.4-1)."""
        status = status_of(error)
        return UNABLE_TO_PROCESS if status == PROCESSING_FAILURE else status


def answer_extended(information: bytes) -> bytes:
    """Our answer to the service class application information (PS3.4 K.5.1): fuzzy names, no time zones."""
    fuzzy = information[FUZZY_BYTE : FUZZY_BYTE + 1] == b"\1"
    return bytes((1, 1, fuzzy)) + b"\0" * (len(information) - 3)


def _answer(identifier: DataSet, item: DataSet) -> tuple[DataSet, bool]:
    answer, all_supported = returned(identifier, item, WORKLIST_RULES)
    answer.elements[tags.STUDY_INSTANCE_UID] = item.elements[tags.STUDY_INSTANCE_UID]
    answer.set(tags.SPECIFIC_CHARACTER_SET, identifier.character_set or USUAL_CHARACTER_SET)
    return answer, all_supported


SERVICES = (
    Service(
        MODALITY_WORKLIST_FIND,
        "Modality Worklist Information Model - FIND",
        PLAIN_OFFER,
        {CommandField.C_FIND_RQ: WorklistExchange},
        answer_extended,
    ),
)
