"""C-GET SCP (PS3.4 C.4.3): send what the identifier names on the asker's own association.

One C-STORE at a time, for an association carries one unless agreed otherwise; what must be transcoded is
made ready while the asker works on the one before. Not here: which instances (`retrieval`), other
destinations (`move`). Start at `GetExchange`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from filmless.edge.dimse.errors import AssociationAborted
from filmless.edge.dimse.exchange import Message
from filmless.edge.dimse.proposals import Accepted
from filmless.edge.dimse.retrieval import RetrievalExchange, Wanted, answer_extended
from filmless.edge.dimse.sending import (
    Outgoing,
    Prepared,
    SendReport,
    count_answer,
    count_failure,
    outgoing_of,
    prepare,
    store_command,
)
from filmless.edge.dimse.services import PLAIN_OFFER, Service
from filmless.features.archive import InstanceRow, RetrievalNotUnderstood, Transfer, needs_transcoding
from filmless.standards.dicom.data_set import DataSet
from filmless.standards.dicom.sop_classes import PATIENT_ROOT_GET, PATIENT_STUDY_ONLY_GET, STUDY_ROOT_GET
from filmless.standards.dicom.upper_layer import CommandField

PENDING_SECONDS = 1.0  # Between two responses with counts; the instances themselves are signs of life.


class GetExchange(RetrievalExchange):
    """One C-GET."""

    def respond(self, identifier: DataSet) -> Iterator[Message]:
        """Pending responses with counts, the instances as requests of ours in between, then how it ended."""
        wanted: Wanted | None = None
        asker = self.conversation.calling_ae_title
        transfer = Transfer(asker, f"C-GET of {asker}")
        try:
            wanted = self.wanted(identifier)
            rows = self.find(wanted, transfer)
        except RetrievalNotUnderstood as error:
            yield self.refused(error, wanted)
            return
        report = SendReport(remaining=len(rows))
        try:
            yield from self._send(rows, report)
        finally:
            if rows:
                report.not_tried = [row.sop_instance_uid for row in rows[report.tried :]]
                self.record(rows, transfer, report)
        yield self.final(report, is_cancelled=report.remaining > 0)

    def _send(self, rows: Sequence[InstanceRow], report: SendReport) -> Iterator[Message]:
        told_at = time.monotonic()
        for one, prepared in self._prepared(rows):
            if self.conversation.is_cancelled():
                return
            if isinstance(prepared, Prepared):
                self._store(prepared, report)
            else:
                count_failure(report, one, prepared)
            if report.remaining and time.monotonic() - told_at >= PENDING_SECONDS:
                yield self.pending(report)
                told_at = time.monotonic()

    def _store(self, prepared: Prepared, report: SendReport) -> None:
        """One sub-operation; raises AssociationAborted when the association broke in it."""
        one = prepared.outgoing
        command = store_command(self.conversation.next_message_id(), one, None)
        try:
            response = self.conversation.ask(prepared.context_id, command, prepared.chunks)
        except Exception as error:
            count_failure(report, one, error)
            if self.conversation.is_over:
                raise AssociationAborted("The association of a C-GET broke.") from error
            return
        count_answer(report, one, response)

    def _prepared(self, rows: Sequence[InstanceRow]) -> Iterator[tuple[Outgoing, Prepared | Exception]]:
        """Each instance, ready to go or with the reason why it cannot."""
        services = self.conversation.services
        accepted = Accepted(one for one in self.conversation.contexts.values() if one.requestor_is_scp)
        outgoing = (outgoing_of(services, row) for row in rows)

        def attempt(one: Outgoing) -> Prepared | Exception:
            try:
                return prepare(services, accepted, one)
            except Exception as error:  # noqa: BLE001 Whatever it was, it costs this instance only.
                return error

        if not any(_is_changed(accepted, row) for row in rows):
            for one in outgoing:
                yield one, attempt(one)
            return
        with ThreadPoolExecutor(1, thread_name_prefix="dimse-get") as ahead:
            before: tuple[Outgoing, Future[Prepared | Exception]] | None = None
            for one in outgoing:
                now = (one, ahead.submit(attempt, one))
                if before is not None:
                    yield before[0], before[1].result()
                before = now
            if before is not None:
                yield before[0], before[1].result()


def _is_changed(accepted: Accepted, row: InstanceRow) -> bool:
    way = accepted.choose((row.sop_class_uid, row.transfer_syntax_uid))
    return way is not None and needs_transcoding(row.transfer_syntax_uid, way[1])


SERVICES = tuple(
    Service(uid, name, PLAIN_OFFER, {CommandField.C_GET_RQ: GetExchange}, answer_extended)
    for uid, name in (
        (PATIENT_ROOT_GET, "Patient Root Query/Retrieve - GET"),
        (STUDY_ROOT_GET, "Study Root Query/Retrieve - GET"),
        (PATIENT_STUDY_ONLY_GET, "Patient/Study Only Query/Retrieve - GET (Retired)"),
    )
)
