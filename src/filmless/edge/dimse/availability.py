"""Instance Availability Notification as SCU (PS3.4 Annex R): a job tells one subscriber of one study.

Not here: who is told, and when (`features/commitment/availability`). Start at `tell_availability`.
"""

from filmless.edge.dimse.commitment import reference_item
from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.peers import peer_of
from filmless.edge.dimse.requestor import open_association
from filmless.edge.dimse.services import PLAIN_OFFER
from filmless.edge.dimse.status import SUCCESS
from filmless.features import commitment
from filmless.features.access import system_actor
from filmless.features.archive import InstanceReference
from filmless.features.commitment import AvailabilityNotice
from filmless.features.nodes import NodeNotFound, get_node
from filmless.infra.errors import FilmlessError
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet, encode_data_set
from filmless.standards.dicom.sop_classes import INSTANCE_AVAILABILITY_NOTIFICATION
from filmless.standards.dicom.upper_layer import CommandField, CommandSet

DUPLICATE_SOP_INSTANCE = 0x0111  # It has this very notice: our first try arrived, its answer did not.
_TAKEN = (SUCCESS, DUPLICATE_SOP_INSTANCE)
_US = system_actor("availability")
_CONTEXTS = [(INSTANCE_AVAILABILITY_NOTIFICATION, PLAIN_OFFER.transfer_syntax_uids)]


def tell_availability(services: Services, notice_id: str) -> None:
    """Tell the subscriber; one that is down or refuses is tried again later, by the notice's own row."""
    database = services.archive.database
    notice = commitment.get_notice(services.archive, _US, notice_id)
    if notice is None:
        return
    try:
        status = _create(services, notice)
    except NodeNotFound:
        why = f"The node {notice.ae_title} is registered no more."
        commitment.telling_failed(database, _US, notice_id, why, give_up=True)
    except FilmlessError as error:
        commitment.telling_failed(database, _US, notice_id, error.message)
    else:
        if status in _TAKEN:
            commitment.note_told(database, _US, notice)
        else:
            why = f"{notice.ae_title} answered our notice with status {status:04X}."
            commitment.telling_failed(database, _US, notice_id, why)


def _create(services: Services, notice: AvailabilityNotice) -> int:
    """The status that the node answers our N-CREATE with."""
    node = get_node(services.archive.database, notice.ae_title)
    peer = peer_of(node, services.ae_title, services.tls)
    with open_association(peer, _CONTEXTS) as requestor:
        context = requestor.context_for(INSTANCE_AVAILABILITY_NOTIFICATION)
        command = CommandSet.build(
            CommandField.N_CREATE_RQ,
            has_data_set=True,
            message_id=requestor.next_message_id(),
            affected_sop_class_uid=INSTANCE_AVAILABILITY_NOTIFICATION,
            affected_sop_instance_uid=notice.sop_instance_uid,
        )
        data = encode_data_set(notice_data_set(notice, services.ae_title), context.transfer_syntax_uid)
        [(response, _)] = requestor.ask(context.context_id, command, (data,))
        return response.status


def notice_data_set(notice: AvailabilityNotice, retrieve_ae_title: str) -> DataSet:
    """The attributes of the notice (PS3.4 table R.3.2-1): all instances online, from us."""
    data_set = DataSet()
    data_set.set_items(
        tags.REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE,
        [_step_item(step) for step in notice.performed_steps],
    )
    data_set.set(tags.STUDY_INSTANCE_UID, notice.study_instance_uid)
    series_items = []
    for series in notice.series_list:
        item = DataSet()
        item.set(tags.SERIES_INSTANCE_UID, series.series_instance_uid)
        instances = [_instance_item(one, retrieve_ae_title) for one in series.instances]
        item.set_items(tags.REFERENCED_SOP_SEQUENCE, instances)
        series_items.append(item)
    data_set.set_items(tags.REFERENCED_SERIES_SEQUENCE, series_items)
    return data_set


def _step_item(step: InstanceReference) -> DataSet:
    item = reference_item(step)
    item.set_items(tags.PERFORMED_WORKITEM_CODE_SEQUENCE, [])  # Type 2: which protocol it was we do not know.
    return item


def _instance_item(reference: InstanceReference, retrieve_ae_title: str) -> DataSet:
    item = reference_item(reference)
    item.set(tags.RETRIEVE_AE_TITLE, retrieve_ae_title)
    item.set(tags.INSTANCE_AVAILABILITY, "ONLINE")
    return item
