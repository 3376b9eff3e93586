"""A peer that asks a Filmless in this process to move and get: `move`, `get`.

Not here: the server (`querying_peer.answering`), where instances are moved to (`storing_peer`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from filmless.edge.dimse.exchange import Exchange, Message
from filmless.edge.dimse.requestor import Peer, Requestor, open_association
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import decode_data_set, encode_data_set
from filmless.standards.dicom.upper_layer import (
    CommandField,
    CommandSet,
    ExtendedNegotiation,
    PresentationContext,
    RoleSelection,
)
from querying_peer import EXPLICIT_LE, PENDING, Keys, identifier

Counts = tuple[int | None, int | None, int | None, int | None]


@dataclass
class Outcome:
    """All responses to one retrieval, and what came as C-STORE in between."""

    pending: list[CommandSet] = field(default_factory=list)
    final: CommandSet | None = None
    failed_uids: list[str] = field(default_factory=list)
    stored: list[tuple[CommandSet, str, bytes]] = field(default_factory=list)

    @property
    def status(self) -> int:
        assert self.final is not None
        return self.final.status

    @property
    def counts(self) -> Counts:
        """Completed, failed, warning, remaining of the final response."""
        assert self.final is not None
        return counts_of(self.final)

    @property
    def stored_uids(self) -> list[str]:
        return [command.affected_sop_instance_uid for command, _, _ in self.stored]


def counts_of(response: CommandSet) -> Counts:
    return (
        response.number_of_completed_suboperations,
        response.number_of_failed_suboperations,
        response.number_of_warning_suboperations,
        response.number_of_remaining_suboperations,
    )


def move(
    peer: Peer,
    sop_class_uid: str,
    destination: str,
    keys: Keys,
    *,
    options: bytes | None = None,
    on_pending: Callable[[Requestor, int], None] | None = None,
) -> Outcome:
    """One C-MOVE on an association of its own; `on_pending` is given the message ID."""
    extended = () if options is None else (ExtendedNegotiation(sop_class_uid, options),)
    with open_association(peer, [(sop_class_uid, (EXPLICIT_LE,))], extended=extended) as association:
        request = _request(association, CommandField.C_MOVE_RQ, sop_class_uid, move_destination=destination)
        return _ask(association, sop_class_uid, request, keys, on_pending=on_pending)


class Keeping:
    """Answers a C-STORE of a C-GET with what `answer` says of its number, from 1."""

    def __init__(
        self,
        outcome: Outcome,
        command: CommandSet,
        context: PresentationContext,
        answer: Callable[[int], int],
    ) -> None:
        self._outcome, self._command, self._context, self._answer = outcome, command, context, answer
        self._data = bytearray()

    def receive(self, data: memoryview) -> None:
        self._data += data

    def finish(self) -> list[Message]:
        kept = (self._command, self._context.transfer_syntax_uid, bytes(self._data))
        self._outcome.stored.append(kept)
        return [Message(self._command.response(self._answer(len(self._outcome.stored))))]

    def abandon(self) -> None:
        """Nothing was kept."""


def get(
    peer: Peer,
    sop_class_uid: str,
    keys: Keys,
    takes: Sequence[tuple[str, Sequence[str]]],
    *,
    answer: Callable[[int], int] = lambda number: 0,
    cancel_at: int = 0,
) -> Outcome:
    """One C-GET on an association of its own; `takes`: (SOP class UID, transfer syntax UIDs), as SCP.

    `cancel_at`: the number of the C-STORE before whose answer C-CANCEL is sent.
    """
    roles = tuple(RoleSelection(uid, scu=False, scp=True) for uid in {uid for uid, _ in takes})
    contexts = [(sop_class_uid, (EXPLICIT_LE,)), *takes]
    outcome = Outcome()
    with open_association(peer, contexts, roles=roles) as association:
        request = _request(association, CommandField.C_GET_RQ, sop_class_uid)

        def answered(number: int) -> int:
            if number == cancel_at:
                asking = association.context_for(sop_class_uid)
                association.cancel(asking.context_id, request.message_id)
            return answer(number)

        def begin(command: CommandSet, context: PresentationContext) -> Exchange:
            return Keeping(outcome, command, context, answered)

        return _ask(association, sop_class_uid, request, keys, begin=begin, outcome=outcome)


def _request(
    association: Requestor, command_field: CommandField, sop_class_uid: str, **values: str
) -> CommandSet:
    return CommandSet.build(
        command_field,
        has_data_set=True,
        message_id=association.next_message_id(),
        priority=0,
        affected_sop_class_uid=sop_class_uid,
        **values,
    )


def _ask(
    association: Requestor,
    sop_class_uid: str,
    request: CommandSet,
    keys: Keys,
    *,
    begin: Callable[[CommandSet, PresentationContext], Exchange] | None = None,
    on_pending: Callable[[Requestor, int], None] | None = None,
    outcome: Outcome | None = None,
) -> Outcome:
    outcome = outcome or Outcome()
    context = association.context_for(sop_class_uid)
    data = encode_data_set(identifier(keys), EXPLICIT_LE)
    for response, raw in association.ask(context.context_id, request, [data], on_request=begin):
        if response.status in PENDING:
            outcome.pending.append(response)
            if on_pending is not None:
                on_pending(association, request.message_id)
        else:
            outcome.final = response
            found = decode_data_set(raw, EXPLICIT_LE, bytes_max=1 << 20)
            outcome.failed_uids = found.texts(tags.FAILED_SOP_INSTANCE_UID_LIST)
    return outcome
