"""C-FIND SCP of the archive: Patient Root, Study Root and the retired Patient/Study Only (PS3.4 C.4.1, C.6).

Answers go out as the database gives them; C-CANCEL ends them with FE00. Not here: the worklist (`worklist`),
what an identifier means (`query_identifier`), what an answer holds (`query_answer`). Start at `FindExchange`.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from filmless.edge.dimse.exchange import IdentifierExchange, Message
from filmless.edge.dimse.query_answer import Answering
from filmless.edge.dimse.query_identifier import IdentifierDoesNotMatch, Options, read_query
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
from filmless.features.archive import Level, QueryNotUnderstood, iterate_matches
from filmless.infra import limits
from filmless.standards.dicom.data_set import DataSet, encode_data_set
from filmless.standards.dicom.sop_classes import PATIENT_ROOT_FIND, PATIENT_STUDY_ONLY_FIND, STUDY_ROOT_FIND
from filmless.standards.dicom.upper_layer import CommandField

ANSWERS_TOGETHER = 10  # In one packet; then we look for a cancel. Each by itself would cost twice as much.
UNABLE_TO_PROCESS = 0xC001  # PS3.4 table C.4-1: Cxxx.

LEVELS_OF: Mapping[str, tuple[Level, ...]] = MappingProxyType(
    {
        PATIENT_ROOT_FIND: (Level.PATIENT, Level.STUDY, Level.SERIES, Level.INSTANCE),
        STUDY_ROOT_FIND: (Level.STUDY, Level.SERIES, Level.INSTANCE),
        PATIENT_STUDY_ONLY_FIND: (Level.PATIENT, Level.STUDY),
    }
)
"""The levels of each information model, by SOP class UID."""

# PS3.4 table C.5-1: which byte of the application information asks for what. The fifth, conversion of
# enhanced multi-frame objects, we do not do.
_OPTION_BYTES = ("relational", "combined_datetime", "fuzzy", "timezone")


class FindExchange(IdentifierExchange):
    """One C-FIND."""

    bytes_max = limits.QUERY_BYTES_MAX

    def respond(self, identifier: DataSet) -> Iterator[Message]:
        """A pending response for each match, then Success, or Cancel."""
        conversation, sop_class_uid = self.conversation, self.context.abstract_syntax_uid
        services = conversation.services
        options = options_of(conversation.extended(sop_class_uid))
        try:
            asked = read_query(identifier, LEVELS_OF[sop_class_uid], options)
        except IdentifierDoesNotMatch as error:
            yield self.reply(
                IDENTIFIER_DOES_NOT_MATCH,
                offending_elements=(error.tag,),
                error_comment=comment_of(error),
            )
            return
        answering = Answering(services.archive, conversation.actor, services.ae_title, asked)
        status = PENDING_WITH_UNSUPPORTED_KEYS if answering.has_unsupported_keys else PENDING
        pending = self.request.response(status, has_data_set=True)
        syntax_uid = self.context.transfer_syntax_uid
        rows = iterate_matches(services.archive, conversation.actor, asked.level, asked.query)
        for number, row in enumerate(rows, 1):
            if number % ANSWERS_TOGETHER == 1 and conversation.is_cancelled():
                yield self.reply(CANCELLED)
                return
            data = encode_data_set(answering.answer(row), syntax_uid)
            yield Message(pending, (data,), more_follows=number % ANSWERS_TOGETHER != 0)
        yield self.reply(SUCCESS)

    def status_of(self, error: BaseException) -> int:
        """PS3.4 table C.4-1: a value that cannot be matched is A900, what we fail at C001."""
        if isinstance(error, QueryNotUnderstood):
            return IDENTIFIER_DOES_NOT_MATCH
        status = status_of(error)
        return UNABLE_TO_PROCESS if status == PROCESSING_FAILURE else status


def answer_extended(information: bytes) -> bytes:
    """Our answer to the service class application information: 1 where it was asked and we do it."""
    asked = information[: len(_OPTION_BYTES)]
    return bytes(int(byte == 1) for byte in asked).ljust(len(information), b"\0")


def options_of(answered: bytes | None) -> Options:
    """What our answer to extended negotiation agreed to."""
    return Options(**{name: bool(byte) for name, byte in zip(_OPTION_BYTES, answered or b"", strict=False)})


SERVICES = tuple(
    Service(uid, name, PLAIN_OFFER, {CommandField.C_FIND_RQ: FindExchange}, answer_extended)
    for uid, name in (
        (PATIENT_ROOT_FIND, "Patient Root Query/Retrieve - FIND"),
        (STUDY_ROOT_FIND, "Study Root Query/Retrieve - FIND"),
        (PATIENT_STUDY_ONLY_FIND, "Patient/Study Only Query/Retrieve - FIND (Retired)"),
    )
)
