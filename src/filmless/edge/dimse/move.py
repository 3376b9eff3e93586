"""C-MOVE SCP (PS3.4 C.4.2): send what the identifier names to a node that we know.

The sending runs in a thread of its own; this one tells the asker how far it is and listens for C-CANCEL.
Not here: the associations to the destination (`sending`). Start at `MoveExchange`.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence

from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.exchange import Message
from filmless.edge.dimse.peers import peer_of
from filmless.edge.dimse.retrieval import RetrievalExchange, Wanted, answer_extended
from filmless.edge.dimse.sending import SendReport, outgoing_of, send_instances
from filmless.edge.dimse.services import PLAIN_OFFER, Service
from filmless.features.archive import InstanceRow, RetrievalNotUnderstood, Transfer
from filmless.features.nodes import Node, find_node
from filmless.infra.errors import FilmlessError
from filmless.standards.dicom.data_set import DataSet
from filmless.standards.dicom.sop_classes import (
    PATIENT_ROOT_MOVE,
    PATIENT_STUDY_ONLY_MOVE,
    STUDY_ROOT_MOVE,
)
from filmless.standards.dicom.upper_layer import CommandField

DESTINATION_UNKNOWN = 0xA801


class MoveExchange(RetrievalExchange):
    """One C-MOVE."""

    def respond(self, identifier: DataSet) -> Iterator[Message]:
        """Pending responses with counts, then how it ended."""
        services = self.conversation.services
        destination = self.request.move_destination
        node = find_node(services.archive.database, destination) if destination else None
        if node is None:
            words = f"No node is registered here as {destination or 'no name at all'}"
            yield self.reply(DESTINATION_UNKNOWN, error_comment=words)
            return
        wanted: Wanted | None = None
        transfer = Transfer(destination, f"C-MOVE of {self.conversation.calling_ae_title}")
        try:
            wanted = self.wanted(identifier)
            rows = self.find(wanted, transfer)
        except RetrievalNotUnderstood as error:
            yield self.refused(error, wanted)
            return
        if not rows:
            yield self.final(SendReport())
            return
        yield self.pending(SendReport(remaining=len(rows)))
        yield from self._send(node, rows, transfer)

    def _send(self, node: Node, rows: Sequence[InstanceRow], transfer: Transfer) -> Iterator[Message]:
        conversation = self.conversation
        originator = (conversation.calling_ae_title, self.request.message_id)
        sending = _Sending(conversation.services, node, rows, originator)
        is_cancelled = False
        try:
            for report in sending.news():
                is_cancelled = is_cancelled or conversation.is_cancelled()
                if is_cancelled:
                    sending.stop()
                else:
                    yield self.pending(report)
        finally:  # Also when the asker has gone: what it does not hear of is not sent.
            report, error = sending.end()
            self.record(rows, transfer, report)
        if error is None:
            yield self.final(report, is_cancelled=is_cancelled and report.remaining > 0)
        elif isinstance(error, FilmlessError):
            yield self.all_failed(rows, error)
        else:
            raise error


class _Sending:
    """The sending in a thread of its own, as the thread of the association sees it."""

    def __init__(
        self, services: Services, node: Node, rows: Sequence[InstanceRow], originator: tuple[str, int]
    ) -> None:
        self._services = services
        self._node = node
        self._rows = rows
        self._originator = originator
        self._report = SendReport(remaining=len(rows), not_tried=[row.sop_instance_uid for row in rows])
        self._error: BaseException | None = None
        self._news: queue.SimpleQueue[SendReport | None] = queue.SimpleQueue()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="dimse-move", daemon=True)
        self._thread.start()

    def news(self) -> Iterator[SendReport]:
        """How far it is, about four times a second, until it has ended."""
        while (report := self._news.get()) is not None:
            yield report

    def stop(self) -> None:
        """Begin nothing more."""
        self._is_stopped = True

    def end(self) -> tuple[SendReport, BaseException | None]:
        """Stop, wait for what is under way, and give what came of it."""
        self.stop()
        self._thread.join()
        return self._report, self._error

    def _run(self) -> None:
        try:
            services = self._services
            self._report = send_instances(
                services,
                peer_of(self._node, services.ae_title, services.tls),
                [outgoing_of(services, row) for row in self._rows],
                associations_max=self._node.associations_max,
                move_originator=self._originator,
                on_progress=self._on_progress,
            )
        except Exception as error:  # noqa: BLE001 It is raised again, or answered, in the other thread.
            self._error = error
        finally:
            self._news.put(None)

    def _on_progress(self, report: SendReport) -> bool:
        self._news.put(report)
        return not self._is_stopped


SERVICES = tuple(
    Service(uid, name, PLAIN_OFFER, {CommandField.C_MOVE_RQ: MoveExchange}, answer_extended)
    for uid, name in (
        (PATIENT_ROOT_MOVE, "Patient Root Query/Retrieve - MOVE"),
        (STUDY_ROOT_MOVE, "Study Root Query/Retrieve - MOVE"),
        (PATIENT_STUDY_ONLY_MOVE, "Patient/Study Only Query/Retrieve - MOVE (Retired)"),
    )
)
