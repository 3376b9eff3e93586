"""C-STORE SCP (PS3.4 Annex B): stream the data set into the archive; Success only when it is durable.

A refusal is answered after the data set has been read to its end, as PS3.7 wants: the association goes on.
"""

from collections.abc import Iterable

from filmless.edge.dimse.check_instance import CheckExchange, is_check_instance
from filmless.edge.dimse.conversation import Conversation
from filmless.edge.dimse.exchange import Exchange, Message
from filmless.edge.dimse.services import Service
from filmless.edge.dimse.status import SUCCESS, comment_of, status_of
from filmless.features.access import Actor, Permission
from filmless.features.archive import TRANSCODING_TARGETS, Archive, ReceiveContext, Reception, begin_receive
from filmless.infra.errors import FilmlessError
from filmless.infra.log import get_logger
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, IMPLICIT_LE
from filmless.standards.dicom.upper_layer import CommandField, CommandSet, PresentationContext, SyntaxOffer

_log = get_logger()


class StoreExchange:
    """One C-STORE."""

    def __init__(self, archive: Archive, actor: Actor, request: CommandSet, context: ReceiveContext) -> None:
        self._request = request
        self._reception: Reception | None = None
        self._error: BaseException | None = None
        try:
            self._reception = begin_receive(archive, actor, context)
        except Exception as error:  # noqa: BLE001 Whatever it was, the sender gets an answer.
            self._refuse(error)

    def receive(self, data: memoryview) -> None:
        """Write the bytes on; after a refusal they are read and dropped."""
        if self._reception is not None:
            try:
                self._reception.write((data,))
            except Exception as error:  # noqa: BLE001 Whatever it was, the sender gets an answer.
                self._reception.abandon()
                self._reception = None
                self._refuse(error)

    def finish(self) -> Iterable[Message]:
        """The response, sent after the commit, never before: Success is a promise to the modality."""
        if self._reception is not None:
            try:
                self._reception.finish()
                return (Message(self._request.response(SUCCESS)),)
            except Exception as error:  # noqa: BLE001 Whatever it was, the sender gets an answer.
                self._refuse(error)
        assert self._error is not None  # Without a reception there is a reason.
        status, comment = status_of(self._error), comment_of(self._error)
        return (Message(self._request.response(status, error_comment=comment)),)

    def abandon(self) -> None:
        """The association ended in the middle: nothing of the instance stays."""
        if self._reception is not None:
            self._reception.abandon()

    def _refuse(self, error: BaseException) -> None:
        self._error = error
        if isinstance(error, FilmlessError):
            _log.warning("store_refused", error=type(error).__name__, status=f"{status_of(error):04X}")
        else:
            _log.error("store_failed", exc_info=error)


def begin_store(conversation: Conversation, request: CommandSet, context: PresentationContext) -> Exchange:
    """Serve one C-STORE of this association."""
    ours = is_check_instance(request, conversation.services.ae_title)
    if ours and Permission.STUDIES_STORE in conversation.actor.permissions:
        return CheckExchange(request, conversation.calling_ae_title)
    announced = ReceiveContext(
        sop_class_uid=request.affected_sop_class_uid,
        sop_instance_uid=request.affected_sop_instance_uid,
        transfer_syntax_uid=context.transfer_syntax_uid,
        source_ae_title=conversation.calling_ae_title,
        receiving_ae_title=conversation.called_ae_title,
    )
    return StoreExchange(conversation.services.archive, conversation.actor, request, announced)


# Kept as sent: any syntax, the peer's first choice. A requestor of C-GET receives: it is the SCP then.
STORAGE = Service(
    "",
    "Storage",
    SyntaxOffer(
        (),
        peer_order=True,
        peer_may_be_scp=True,
        sent_syntax_uids=(EXPLICIT_LE, IMPLICIT_LE, *TRANSCODING_TARGETS),
    ),
    {CommandField.C_STORE_RQ: begin_store},
)
"""What we do with every storage SOP class."""
