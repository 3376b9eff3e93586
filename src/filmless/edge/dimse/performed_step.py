"""MPPS SCP: Modality Performed Procedure Step and its Retrieve class (PS3.4 F.7, F.8; IHE RAD-6, RAD-7).

Not here: the attribute rules and what becomes of scheduled steps (`features/exams`). Start at SERVICES.
"""

from collections.abc import Iterator

from filmless.edge.dimse.exchange import IdentifierExchange, Message
from filmless.edge.dimse.services import PLAIN_OFFER, Service
from filmless.edge.dimse.status import (
    ATTRIBUTE_LIST_ERROR,
    PROCESSING_FAILURE,
    SUCCESS,
    comment_of,
    normalized_status_of,
)
from filmless.features.exams import (
    AttributesRefused,
    PerformedStepIsFinal,
    create_performed_step,
    get_performed_attributes,
    set_performed_step,
)
from filmless.infra.database import Database
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet
from filmless.standards.dicom.sop_classes import (
    MODALITY_PERFORMED_PROCEDURE_STEP,
    MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE,
)
from filmless.standards.dicom.uids import new_uid
from filmless.standards.dicom.upper_layer import CommandField

MAY_NO_LONGER_BE_UPDATED = 0xA710  # Error ID of PS3.4 table F.7.2-2, beside the status 0110.


class _PerformedStepExchange(IdentifierExchange):
    """What all three operations share: where steps are kept, and how a refusal is told."""

    @property
    def database(self) -> Database:
        """Where steps are kept."""
        return self.conversation.services.archive.database

    def status_of(self, error: BaseException) -> int:
        """The statuses of DIMSE-N services."""
        return normalized_status_of(error)

    def refused(self, error: AttributesRefused) -> Message:
        """The final response that names the attributes (PS3.7 Annex C)."""
        return self.reply(
            self.status_of(error),
            attribute_identifier_list=error.tags,
            offending_elements=error.tags,
            error_comment=comment_of(error),
        )


class CreateExchange(_PerformedStepExchange):
    """One N-CREATE: a modality began."""

    def respond(self, identifier: DataSet) -> Iterator[Message]:
        """Success, with the SOP Instance UID, which we make if the modality did not (PS3.7 10.1.5)."""
        uid = self.request.affected_sop_instance_uid or new_uid()
        try:
            create_performed_step(self.database, self.conversation.actor, uid, identifier)
        except AttributesRefused as error:
            yield self.refused(error)
            return
        yield self.reply(SUCCESS, affected_sop_instance_uid=uid)


class SetExchange(_PerformedStepExchange):
    """One N-SET: a modality went on, or ended."""

    def respond(self, identifier: DataSet) -> Iterator[Message]:
        """Success; 0107 and their tags when attributes came that cannot be changed any more."""
        uid = self.request.requested_sop_instance_uid
        try:
            ignored = set_performed_step(self.database, self.conversation.actor, uid, identifier)
        except AttributesRefused as error:
            yield self.refused(error)
        except PerformedStepIsFinal as error:
            yield self.reply(
                PROCESSING_FAILURE, error_id=MAY_NO_LONGER_BE_UPDATED, error_comment=comment_of(error)
            )
        else:
            if ignored:
                yield self.reply(ATTRIBUTE_LIST_ERROR, attribute_identifier_list=ignored)
            else:
                yield self.reply(SUCCESS)


class GetExchange(_PerformedStepExchange):
    """One N-GET: what is known of a step."""

    def respond(self, identifier: DataSet) -> Iterator[Message]:  # noqa: ARG002 - N-GET has no data set.
        """The attributes asked for, or all; 0107 when some of those asked for are not there."""
        uid = self.request.requested_sop_instance_uid
        held = get_performed_attributes(self.database, self.conversation.actor, uid)
        wanted = self.request.attribute_identifier_list
        if not wanted:
            yield self.reply(SUCCESS, held)
            return
        answer = DataSet()
        answer.elements = {tag: held.elements[tag] for tag in wanted if tag in held}
        answer.set(tags.SPECIFIC_CHARACTER_SET, held.character_set)
        missing = [tag for tag in wanted if tag not in held]
        if missing:
            yield self.reply(ATTRIBUTE_LIST_ERROR, answer, attribute_identifier_list=missing)
        else:
            yield self.reply(SUCCESS, answer)


SERVICES = (
    Service(
        MODALITY_PERFORMED_PROCEDURE_STEP,
        "Modality Performed Procedure Step",
        PLAIN_OFFER,
        {CommandField.N_CREATE_RQ: CreateExchange, CommandField.N_SET_RQ: SetExchange},
    ),
    Service(
        MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE,
        "Modality Performed Procedure Step Retrieve",
        PLAIN_OFFER,
        {CommandField.N_GET_RQ: GetExchange},
    ),
)
