"""Storage commitment on associations of ours, as jobs: report to nodes that asked us, ask nodes ourselves.

A node that is down is tried again by the rows of `features/commitment`, not by the job itself: what a person
sees there is the truth. Not here: what nodes open to us (`commitment`). Start at `report_commitment`.
"""

from collections.abc import Callable
from contextlib import suppress

from filmless.edge.dimse.commitment import (
    REQUEST_STORAGE_COMMITMENT,
    ReportExchange,
    reference_item,
    report_command,
    report_data_set,
)
from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.errors import AssociationAborted
from filmless.edge.dimse.exchange import Exchange, UnknownOperation
from filmless.edge.dimse.peers import peer_of
from filmless.edge.dimse.requestor import Requestor, open_association
from filmless.edge.dimse.services import PLAIN_OFFER
from filmless.edge.dimse.status import SUCCESS
from filmless.features import commitment
from filmless.features.access import node_actor, system_actor
from filmless.features.commitment import Question, Report
from filmless.features.nodes import Node, NodeNotFound, get_node
from filmless.infra import limits
from filmless.infra.errors import FilmlessError
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet, encode_data_set
from filmless.standards.dicom.sop_classes import STORAGE_COMMITMENT_PUSH_MODEL
from filmless.standards.dicom.uids import STORAGE_COMMITMENT_PUSH_MODEL_INSTANCE
from filmless.standards.dicom.upper_layer import (
    CommandField,
    CommandSet,
    PresentationContext,
    RoleSelection,
)

_US = system_actor("commitment")
_CONTEXTS = [(STORAGE_COMMITMENT_PUSH_MODEL, PLAIN_OFFER.transfer_syntax_uids)]
# We open the association to be SCP on it (PS3.7 D.3.3.4, PS3.4 J.3.3).
_AS_SCP = (RoleSelection(STORAGE_COMMITMENT_PUSH_MODEL, scu=False, scp=True),)


# --- Asked of us -------------------------------------------------------------------------------------------


def verify_commitment(services: Services, request_id: str) -> None:
    """Read some of what a node asked about; when that was all of it, a job to report follows."""
    commitment.verify_request(services.archive, _US, request_id)


def report_commitment(services: Services, request_id: str) -> None:
    """Tell the node that asked what became of its request, on a new association."""
    database = services.archive.database
    told = commitment.get_report(database, _US, request_id)
    if told is None:
        return
    ae_title, report = told
    try:
        status = _report(services, get_node(database, ae_title), report)
    except NodeNotFound:
        why = f"Nobody registered where {ae_title} can be called. Register the node, then retry."
        commitment.reporting_failed(database, _US, request_id, why, give_up=True)
    except FilmlessError as error:
        commitment.reporting_failed(database, _US, request_id, error.message)
    else:
        if status == SUCCESS:
            commitment.note_reported(database, _US, request_id)
        else:
            why = f"{ae_title} answered our report with status {status:04X}."
            commitment.reporting_failed(database, _US, request_id, why)


def _report(services: Services, node: Node, report: Report) -> int:
    """The status that the node answers our N-EVENT-REPORT with."""
    peer = peer_of(node, services.ae_title, services.tls)
    with open_association(peer, _CONTEXTS, roles=_AS_SCP) as requestor:
        context = requestor.context_for(STORAGE_COMMITMENT_PUSH_MODEL)
        command = report_command(requestor.next_message_id(), report)
        data = encode_data_set(report_data_set(report, services.ae_title), context.transfer_syntax_uid)
        [(response, _)] = requestor.ask(context.context_id, command, (data,))
        return response.status


# --- Asked by us -------------------------------------------------------------------------------------------


def ask_commitment(services: Services, request_id: str) -> None:
    """Ask the node, and listen a moment for its report; it may as well come on an association of its own."""
    database = services.archive.database
    question = commitment.get_question(database, _US, request_id)
    if question is None:
        return
    try:
        node = get_node(database, question.node_ae_title)
        peer = peer_of(node, services.ae_title, services.tls)
        with open_association(peer, _CONTEXTS) as requestor:
            _ask(services, requestor, node, question)
    except NodeNotFound:
        why = f"The node {question.node_ae_title} is registered no more."
        commitment.asking_failed(database, _US, request_id, why, give_up=True)
    except FilmlessError as error:  # Changes nothing where the node had answered Success before.
        commitment.asking_failed(database, _US, request_id, error.message)


def _ask(services: Services, requestor: Requestor, node: Node, question: Question) -> None:
    database = services.archive.database
    context = requestor.context_for(STORAGE_COMMITMENT_PUSH_MODEL)
    command = CommandSet.build(
        CommandField.N_ACTION_RQ,
        has_data_set=True,
        message_id=requestor.next_message_id(),
        requested_sop_class_uid=STORAGE_COMMITMENT_PUSH_MODEL,
        requested_sop_instance_uid=STORAGE_COMMITMENT_PUSH_MODEL_INSTANCE,
        action_type_id=REQUEST_STORAGE_COMMITMENT,
    )
    data = encode_data_set(_question_data_set(question), context.transfer_syntax_uid)
    reports: list[CommandSet] = []
    begin = _begin_report(services, node, reports)
    [(response, _)] = requestor.ask(context.context_id, command, (data,), on_request=begin)
    if response.status != SUCCESS:
        why = f"{node.ae_title} answered our request with status {response.status:04X}."
        commitment.asking_failed(database, _US, question.request_id, why)
        return
    commitment.note_asked(database, _US, question.request_id)
    if not reports:
        with suppress(AssociationAborted):  # A node that leaves at once reports on an association of its own.
            requestor.serve(begin, limits.COMMITMENT_REPORT_WAIT_SECONDS)


def _begin_report(
    services: Services, node: Node, reports: list[CommandSet]
) -> Callable[[CommandSet, PresentationContext], Exchange]:
    """What serves the node's requests on our association: its report, and nothing else."""
    actor = node_actor(node.ae_title, node.host)

    def begin(request: CommandSet, context: PresentationContext) -> Exchange:
        if request.command_field != CommandField.N_EVENT_REPORT_RQ:
            return UnknownOperation(request)
        reports.append(request)
        return ReportExchange(services.archive.database, actor, request, context)

    return begin


def _question_data_set(question: Question) -> DataSet:
    """The action information of our N-ACTION (PS3.4 table J.3-1)."""
    data_set = DataSet()
    data_set.set(tags.TRANSACTION_UID, question.transaction_uid)
    items = [reference_item(one) for one in question.instances]
    data_set.set_items(tags.REFERENCED_SOP_SEQUENCE, items)
    return data_set
