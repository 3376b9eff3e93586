"""Sending instances with C-STORE: several associations at once, each kept busy, every instance accounted for.

Used by C-MOVE, by routing, by whoever sends from the web application. Instances go out as they are stored,
straight from the file; transcoded only where the peer does not take that. An association that breaks costs
what was under way on it; the rest is tried on a new one, a few times.
Not here: what to send (`features/archive/retrieving`), trying again later (jobs). Start at `send_instances`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.errors import AssociationAborted, ContextNotAccepted
from filmless.edge.dimse.proposals import Accepted, Offer, names_of, propose
from filmless.edge.dimse.requestor import Peer, Requestor, open_association
from filmless.edge.dimse.status import SUCCESS, comment_of, status_of
from filmless.features.archive import InstanceRow, needs_transcoding, stored_chunks, transcoded_chunks
from filmless.infra import limits
from filmless.infra.errors import FilmlessError
from filmless.infra.log import get_logger
from filmless.standards.dicom.upper_layer import BytesLike, CommandField, CommandSet, Priority

PROGRESS_SECONDS = 0.25  # How often progress is told and a cancel is looked for.
INSTANCES_A_MORE_ASSOCIATION = 8  # Opening one costs a few round trips; below this it does not pay.
LOSSES_IN_A_ROW_MAX = 3  # A peer that breaks off so often without taking anything will not take the rest.
PREPARED_BYTES_MAX = 64 * limits.MIB  # Transcoded ahead while the peer works; larger ones stream.

SOP_CLASS_NOT_SUPPORTED = 0x0122
_WARNINGS = frozenset((0x0001, 0x0107, 0x0116, *range(0xB000, 0xC000)))  # PS3.7 annex C.

_log = get_logger()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One instance to send. `chunks` gives its data set, encoded in `transfer_syntax_uid`, each time anew.

    `row`: of the archive, when the instance is one of its own as stored.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    chunks: Callable[[], Iterable[BytesLike]]
    row: InstanceRow | None = None


@dataclass(frozen=True, slots=True)
class FailedInstance:
    """One instance the peer has not got: its status and words, or ours when it never reached the peer."""

    sop_instance_uid: str
    status: int
    comment: str


@dataclass(slots=True)
class SendReport:
    """How far it is: completed + warned + failed + remaining is the number of instances.

    `not_tried`: SOP Instance UIDs of the remaining ones, filled in at the end. `taken`: those that the peer
    has answered with Success or a warning, in that order; other threads append to it.
    """

    completed: int = 0
    warned: int = 0
    failed: list[FailedInstance] = field(default_factory=list)
    remaining: int = 0
    not_tried: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """How many were tried, whatever came of it."""
        return self.completed + self.warned + len(self.failed)

    @property
    def not_sent(self) -> set[str]:
        """SOP Instance UIDs of all that the peer has not got."""
        return {one.sop_instance_uid for one in self.failed} | set(self.not_tried)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An instance in a form the peer takes: presentation context and data set."""

    outgoing: Outgoing
    context_id: int
    chunks: Iterable[BytesLike]


def outgoing_of(services: Services, row: InstanceRow) -> Outgoing:
    """The instance as it is stored."""
    return Outgoing(
        row.sop_class_uid,
        row.sop_instance_uid,
        row.transfer_syntax_uid,
        partial(stored_chunks, services.archive, row),
        row,
    )


def send_instances(
    services: Services,
    peer: Peer,
    outgoing: Iterable[Outgoing],
    *,
    associations_max: int = limits.SEND_ASSOCIATIONS_MAX,
    move_originator: tuple[str, int] | None = None,
    on_progress: Callable[[SendReport], bool] | None = None,
) -> SendReport:
    """Store the instances at `peer`; returns when all are answered, nobody takes the rest, or it was stopped.

    `move_originator`: AE title and message ID of the C-MOVE this serves. `on_progress` is called in this
    thread, about four times a second; when it returns False nothing more is begun, what is under way is
    finished. Raises PeerUnreachable, AssociationRejected, PeerBusy, AssociationAborted or RequestTimedOut
    only when no instance got as far as being tried; everything else is in the report.
    """
    sending = _Sending(services, peer, move_originator, on_progress)
    batches = _batches(outgoing, peer.preferred_transfer_syntaxes)
    sending.report.remaining = sum(len(queue) for _, queue in batches)
    for offer, queue in batches:
        if not sending.is_stopped:
            _Crew(sending, offer, queue, associations_max).work()
    return sending.finished([queue for _, queue in batches])


def prepare(services: Services, accepted: Accepted, one: Outgoing) -> Prepared:
    """The instance as the peer takes it, its first bytes at hand; raises any FilmlessError."""
    way = accepted.choose((one.sop_class_uid, one.transfer_syntax_uid))
    if way is None:
        raise ContextNotAccepted(_why_no_way(accepted, one))
    context_id, syntax_uid = way
    chunks = one.chunks()
    if needs_transcoding(one.transfer_syntax_uid, syntax_uid):
        chunks = transcoded_chunks(services.sandbox, chunks, one.transfer_syntax_uid, syntax_uid)
        return Prepared(one, context_id, _made_ahead(chunks))
    return Prepared(one, context_id, _begun(chunks))


def store_command(message_id: int, one: Outgoing, move_originator: tuple[str, int] | None) -> CommandSet:
    """The C-STORE-RQ for an instance (PS3.7 9.3.1.1)."""
    originator: dict[str, int | str] = {}
    if move_originator is not None:
        originator = {
            "move_originator_ae_title": move_originator[0],
            "move_originator_message_id": move_originator[1],
        }
    return CommandSet.build(
        CommandField.C_STORE_RQ,
        has_data_set=True,
        message_id=message_id,
        priority=Priority.MEDIUM,
        affected_sop_class_uid=one.sop_class_uid,
        affected_sop_instance_uid=one.sop_instance_uid,
        **originator,
    )


def count_answer(report: SendReport, one: Outgoing, response: CommandSet) -> None:
    """Enter the peer's answer to the C-STORE of an instance."""
    if response.status == SUCCESS:
        report.completed += 1
    elif response.status in _WARNINGS:
        report.warned += 1
    else:
        comment = response.error_comment or f"The peer refused it with status {response.status:04X}H"
        report.failed.append(FailedInstance(one.sop_instance_uid, response.status, comment))
        report.remaining -= 1
        return
    report.taken.append(one.sop_instance_uid)
    report.remaining -= 1


def count_failure(report: SendReport, one: Outgoing, error: BaseException) -> None:
    """Enter that an instance did not reach the peer, or its answer not us."""
    if not isinstance(error, FilmlessError):
        _log.error("instance_not_sent", exc_info=error)
    status = SOP_CLASS_NOT_SUPPORTED if isinstance(error, ContextNotAccepted) else status_of(error)
    comment = error.message if isinstance(error, FilmlessError) else comment_of(error)
    report.failed.append(FailedInstance(one.sop_instance_uid, status, comment))
    report.remaining -= 1


def _begun(chunks: Iterable[BytesLike]) -> Iterator[BytesLike]:
    """The same chunks, the first one made now: what cannot be read fails before the message is begun."""
    iterator = iter(chunks)
    return chain((next(iterator, b""),), iterator)


def _made_ahead(chunks: Iterable[BytesLike]) -> Iterator[BytesLike]:
    """The same chunks, made now as far as PREPARED_BYTES_MAX goes: the peer is busy with another instance."""
    iterator = iter(chunks)
    ready: list[BytesLike] = []
    size = 0
    for chunk in iterator:
        ready.append(chunk)
        size += len(chunk)
        if size > PREPARED_BYTES_MAX:
            break
    return chain(ready, iterator)


def _batches(outgoing: Iterable[Outgoing], preferred: Sequence[str]) -> list[tuple[Offer, deque[Outgoing]]]:
    """What to send by the offer that is for it, in the order given; nearly always one batch."""
    every = list(outgoing)
    batches = [
        (offer, deque[Outgoing]())
        for offer in propose(((one.sop_class_uid, one.transfer_syntax_uid) for one in every), preferred)
    ]
    queues = {kind: queue for offer, queue in batches for kind in offer.kinds}
    for one in every:
        queues[one.sop_class_uid, one.transfer_syntax_uid].append(one)
    return batches


def _why_no_way(accepted: Accepted, one: Outgoing) -> str:
    syntaxes = accepted.syntaxes_of(one.sop_class_uid)
    if not syntaxes:
        return "The peer does not take this SOP class."
    stored = names_of((one.transfer_syntax_uid,))
    return (
        f"Stored as {stored}, which cannot be turned into what the peer takes: {names_of(tuple(syntaxes))}."
    )


class _Sending:
    """What all associations of one call share."""

    def __init__(
        self,
        services: Services,
        peer: Peer,
        move_originator: tuple[str, int] | None,
        on_progress: Callable[[SendReport], bool] | None,
    ) -> None:
        self.services = services
        self.peer = peer
        self.move_originator = move_originator
        self.on_progress = on_progress
        self.report = SendReport()
        self.is_stopped = False
        self.first_error: FilmlessError | None = None
        self.lock = threading.Lock()

    def tell(self) -> None:
        """Tell the caller how far it is, and hear whether to go on."""
        if self.on_progress is not None and not self.is_stopped and not self.on_progress(self.report):
            self.is_stopped = True

    def finished(self, queues: Iterable[deque[Outgoing]]) -> SendReport:
        """The report, with what was not tried; raises when that is everything and there is a reason."""
        report = self.report
        if not report.tried and self.first_error is not None:
            raise self.first_error
        report.not_tried = [one.sop_instance_uid for queue in queues for one in queue]
        assert report.remaining == len(report.not_tried)  # Every instance is in one place of the report.
        return report


class _Crew:
    """The associations that work on one queue at the same time, a thread each."""

    def __init__(
        self, sending: _Sending, offer: Offer, queue: deque[Outgoing], associations_max: int
    ) -> None:
        self._sending = sending
        self._offer = offer
        self._queue = queue
        self._more = max(min(associations_max, 1 + len(queue) // INSTANCES_A_MORE_ASSOCIATION) - 1, 0)
        self._at_work = 0
        self._changed = threading.Condition(sending.lock)

    def work(self) -> None:
        """Send the queue; returns when every thread has ended."""
        self._hire()
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: not self._at_work, PROGRESS_SECONDS)
                    if not self._at_work:
                        return
                self._sending.tell()
        except BaseException:
            self._sending.is_stopped = True
            with self._changed:
                self._changed.wait_for(lambda: not self._at_work)
            raise

    def _hire(self) -> None:
        with self._changed:
            self._at_work += 1
        threading.Thread(target=self._work, name="dimse-sending", daemon=True).start()

    def _work(self) -> None:
        try:
            losses = 0
            while self._queue and not self._sending.is_stopped and losses < LOSSES_IN_A_ROW_MAX:
                before = self._sending.report.completed
                if not self._associate():
                    return
                losses = 0 if self._sending.report.completed > before else losses + 1
        except Exception:  # noqa: BLE001 The last wall of a thread: what is left stays in the queue.
            _log.exception("sending_failed")
        finally:
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()

    def _associate(self) -> bool:
        """Send on one association; whether it broke and another one is worth a try."""
        sending = self._sending
        is_open = False
        try:
            with open_association(
                sending.peer, self._offer.proposals, operations_max=limits.SEND_OPERATIONS_MAX
            ) as requestor:
                is_open = True
                while self._more > 0:  # The peer is there: now others may come.
                    self._more -= 1
                    self._hire()
                _Pipe(sending, requestor, self._queue).run()
        except FilmlessError as error:
            _log.info(
                "sending_association_lost", error=type(error).__name__, peer=sending.peer.called_ae_title
            )
            sending.first_error = sending.first_error or error
            return is_open
        return False


class _Pipe:
    """One association: as many C-STOREs under way as the peer grants, one more instance made ready."""

    def __init__(self, sending: _Sending, requestor: Requestor, queue: deque[Outgoing]) -> None:
        self._sending = sending
        self._requestor = requestor
        self._queue = queue
        self._accepted = Accepted(requestor.contexts.values(), sending.peer.preferred_transfer_syntaxes)
        self._under_way: dict[int, Outgoing] = {}

    def run(self) -> None:
        """Send until the queue is empty or the sending was stopped; raises when the association breaks."""
        ready = self._next()
        try:
            while True:
                while (
                    ready is not None
                    and len(self._under_way) < self._requestor.operations_max
                    and not self._sending.is_stopped
                ):
                    now, ready = ready, None
                    self._send(now)
                    ready = self._next()
                if not self._under_way:
                    return
                self._take_answer()
        except BaseException as error:
            with self._sending.lock:
                for one in self._under_way.values():
                    count_failure(self._sending.report, one, error)
            raise
        finally:
            if ready is not None:
                self._queue.appendleft(ready.outgoing)

    def _next(self) -> Prepared | None:
        """The next instance that can be sent, ready; those that cannot are failures."""
        while not self._sending.is_stopped:
            try:
                one = self._queue.popleft()
            except IndexError:
                return None
            try:
                return prepare(self._sending.services, self._accepted, one)
            except Exception as error:  # noqa: BLE001 Whatever it was, it costs this instance only.
                with self._sending.lock:
                    count_failure(self._sending.report, one, error)
        return None

    def _send(self, prepared: Prepared) -> None:
        message_id = self._requestor.next_message_id()
        self._under_way[message_id] = prepared.outgoing
        command = store_command(message_id, prepared.outgoing, self._sending.move_originator)
        self._requestor.send(prepared.context_id, command, prepared.chunks)

    def _take_answer(self) -> None:
        response = self._requestor.next_response()
        one = self._under_way.pop(response.message_id_being_responded_to, None)
        if one is None or response.command_field != CommandField.C_STORE_RSP:
            if one is not None:
                self._under_way[response.message_id_being_responded_to] = one
            raise AssociationAborted(f"{self._sending.peer} answered something that was not asked.")
        with self._sending.lock:
            count_answer(self._sending.report, one, response)
