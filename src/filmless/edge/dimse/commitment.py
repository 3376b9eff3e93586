"""Storage Commitment Push Model on the wire (PS3.4 Annex J): N-ACTION and N-EVENT-REPORT, both taken here.

A node asks us (N-ACTION): the answer goes out when the request is in the table, the report follows on an
association of ours, or at once on the node's own where it is set so or cannot be called. A node reports to us
(N-EVENT-REPORT) on an association that it opens as SCP, or on ours. Not here: our own associations
(`commitment_jobs`), what is true of an instance (`features/commitment`). Start at `CommitmentExchange`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from filmless.edge.dimse.conversation import Conversation
from filmless.edge.dimse.exchange import Exchange, IdentifierExchange, Message, ReceivedIdentifier
from filmless.edge.dimse.services import PLAIN_OFFER, Service
from filmless.edge.dimse.status import (
    NO_SUCH_ACTION_TYPE,
    NO_SUCH_EVENT_TYPE,
    NO_SUCH_INSTANCE,
    SUCCESS,
    comment_of,
    normalized_status_of,
)
from filmless.features import commitment
from filmless.features.access import Actor
from filmless.features.archive import InstanceReference
from filmless.features.commitment import FailedInstance, Report
from filmless.features.nodes import find_node
from filmless.infra import limits
from filmless.infra.database import Database
from filmless.infra.errors import FilmlessError
from filmless.infra.log import get_logger
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet, encode_data_set
from filmless.standards.dicom.sop_classes import STORAGE_COMMITMENT_PUSH_MODEL
from filmless.standards.dicom.uids import STORAGE_COMMITMENT_PUSH_MODEL_INSTANCE
from filmless.standards.dicom.upper_layer import CommandField, CommandSet, PresentationContext, SyntaxOffer

REQUEST_STORAGE_COMMITMENT = 1  # The one Action Type ID, PS3.4 J.3.2.
ALL_COMMITTED, FAILURES_EXIST = 1, 2  # Event Type IDs, PS3.4 J.3.3.

_log = get_logger()


class CommitmentExchange(IdentifierExchange):
    """One N-ACTION: a node asks us to take responsibility for instances."""

    def respond(self, identifier: DataSet) -> Iterator[Message]:
        """Success once the request is written down; then the report, where it goes on this association."""
        if self.request.requested_sop_instance_uid != STORAGE_COMMITMENT_PUSH_MODEL_INSTANCE:
            yield self.reply(NO_SUCH_INSTANCE)
            return
        if self.request.action_type_id != REQUEST_STORAGE_COMMITMENT:
            yield self.reply(NO_SUCH_ACTION_TYPE)
            return
        conversation, archive = self.conversation, self.conversation.services.archive
        references = references_in(identifier, tags.REFERENCED_SOP_SEQUENCE)
        here = self._is_reported_here() and commitment.is_verified_quickly(
            archive, conversation.actor, references
        )
        request_id = commitment.receive_request(
            archive.database,
            conversation.actor,
            identifier.text(tags.TRANSACTION_UID),
            references,
            verify_after_seconds=limits.COMMITMENT_FALLBACK_SECONDS if here else 0,
        )
        yield self.reply(SUCCESS, action_type_id=REQUEST_STORAGE_COMMITMENT)
        if here:
            try:
                self._report(request_id)
            except FilmlessError as error:  # It was answered; the jobs go on from where this stopped.
                _log.info("commitment_not_reported_at_once", commitment=request_id, reason=error.message)

    def status_of(self, error: BaseException) -> int:
        """The codes of DIMSE-N services."""
        return normalized_status_of(error)

    def _is_reported_here(self) -> bool:
        """Whether the node is set so, or nobody told us where it lives (PS3.4 J.3.3)."""
        node = find_node(self.conversation.services.archive.database, self.conversation.calling_ae_title)
        return node is None or node.commits_on_same_association

    def _report(self, request_id: str) -> None:
        conversation, archive = self.conversation, self.conversation.services.archive
        actor, database = conversation.actor, archive.database
        commitment.verify_request(
            archive, actor, request_id, report_after_seconds=limits.COMMITMENT_FALLBACK_SECONDS
        )
        told = commitment.get_report(database, actor, request_id)
        if told is None or conversation.is_cancelled():  # Nothing to say yet, or nobody who still listens.
            return
        command = report_command(conversation.next_message_id(), told[1])
        data = encode_data_set(
            report_data_set(told[1], conversation.services.ae_title), self.context.transfer_syntax_uid
        )
        response = conversation.ask(self.context.context_id, command, (data,))
        if response.status == SUCCESS:
            commitment.note_reported(database, actor, request_id)
        else:
            _log.info("commitment_report_refused", commitment=request_id, status=f"{response.status:04X}")


class ReportExchange:
    """One N-EVENT-REPORT: a node tells what became of a request of ours, on its association or on ours."""

    def __init__(
        self, database: Database, actor: Actor, request: CommandSet, context: PresentationContext
    ) -> None:
        """`actor`: the node that reports."""
        self._database = database
        self._actor = actor
        self._request = request
        self._identifier = ReceivedIdentifier(context)

    def receive(self, data: memoryview) -> None:
        """Keep the bytes, up to a limit."""
        self._identifier.receive(data)

    def finish(self) -> Iterable[Message]:
        """Success once what is reported is written down."""
        if self._request.event_type_id not in (ALL_COMMITTED, FAILURES_EXIST):
            return (Message(self._request.response(NO_SUCH_EVENT_TYPE)),)
        try:
            report = report_in(self._identifier.decode(has_data_set=self._request.has_data_set))
            commitment.take_report(self._database, self._actor, report)
        except Exception as error:  # noqa: BLE001 Whatever it was, the node gets an answer.
            status = normalized_status_of(error)
            if isinstance(error, FilmlessError):
                _log.warning("commitment_report_not_taken", error=type(error).__name__, node=self._actor.name)
            else:
                _log.error("commitment_report_failed", exc_info=error)
            return (Message(self._request.response(status, error_comment=comment_of(error))),)
        event_type_id = self._request.event_type_id
        return (Message(self._request.response(SUCCESS, event_type_id=event_type_id)),)

    def abandon(self) -> None:
        """Nothing was kept."""


def references_in(identifier: DataSet, tag: int) -> list[InstanceReference]:
    """The instances that a sequence names."""
    return [
        InstanceReference(
            item.text(tags.REFERENCED_SOP_CLASS_UID), item.text(tags.REFERENCED_SOP_INSTANCE_UID)
        )
        for item in identifier.items(tag)
    ]


def reference_item(reference: InstanceReference) -> DataSet:
    """The item of a sequence that names an instance."""
    item = DataSet()
    item.set(tags.REFERENCED_SOP_CLASS_UID, reference.sop_class_uid)
    item.set(tags.REFERENCED_SOP_INSTANCE_UID, reference.sop_instance_uid)
    return item


def report_in(identifier: DataSet) -> Report:
    """What an N-EVENT-REPORT says (PS3.4 table J.3-2)."""
    failed = [
        FailedInstance(reference, item.number(tags.FAILURE_REASON) or 0)
        for reference, item in zip(
            references_in(identifier, tags.FAILED_SOP_SEQUENCE),
            identifier.items(tags.FAILED_SOP_SEQUENCE),
            strict=True,
        )
    ]
    committed = references_in(identifier, tags.REFERENCED_SOP_SEQUENCE)
    return Report(identifier.text(tags.TRANSACTION_UID), tuple(committed), tuple(failed))


def report_data_set(report: Report, retrieve_ae_title: str) -> DataSet:
    """The event information of our N-EVENT-REPORT (PS3.4 table J.3-2)."""
    data_set = DataSet()
    data_set.set(tags.RETRIEVE_AE_TITLE, retrieve_ae_title)
    data_set.set(tags.TRANSACTION_UID, report.transaction_uid)
    if report.failed:
        items = []
        for failed in report.failed:
            item = reference_item(failed.reference)
            item.set(tags.FAILURE_REASON, int(failed.reason))
            items.append(item)
        data_set.set_items(tags.FAILED_SOP_SEQUENCE, items)
    if report.committed:
        data_set.set_items(tags.REFERENCED_SOP_SEQUENCE, [reference_item(one) for one in report.committed])
    return data_set


def report_command(message_id: int, report: Report) -> CommandSet:
    """The N-EVENT-REPORT request for a report."""
    return CommandSet.build(
        CommandField.N_EVENT_REPORT_RQ,
        has_data_set=True,
        message_id=message_id,
        affected_sop_class_uid=STORAGE_COMMITMENT_PUSH_MODEL,
        affected_sop_instance_uid=STORAGE_COMMITMENT_PUSH_MODEL_INSTANCE,
        event_type_id=FAILURES_EXIST if report.failed else ALL_COMMITTED,
    )


def _begin_report(conversation: Conversation, request: CommandSet, context: PresentationContext) -> Exchange:
    return ReportExchange(conversation.services.archive.database, conversation.actor, request, context)


SERVICES = (
    Service(
        STORAGE_COMMITMENT_PUSH_MODEL,
        "Storage Commitment Push Model",
        SyntaxOffer(PLAIN_OFFER.transfer_syntax_uids, peer_may_be_scp=True),
        {CommandField.N_ACTION_RQ: CommitmentExchange, CommandField.N_EVENT_REPORT_RQ: _begin_report},
    ),
)
