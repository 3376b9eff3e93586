"""Sending what is in the queue: the body of the job `transmit`, one transmission at a time to each node.

What the peer acknowledged is written down about once a second, so whoever goes on after a crash sends only
the rest. How an attempt ends is told in plain words that name the side to change. Not here: which one is
next (`features/routing`), the associations (`sending`). Start at `Transmitter.transmit`.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from functools import partial

from filmless.edge.dimse import peer_status
from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.errors import AssociationRejected
from filmless.edge.dimse.peers import peer_of
from filmless.edge.dimse.sending import FailedInstance, Outgoing, SendReport, outgoing_of, send_instances
from filmless.features import commitment, routing
from filmless.features.access import Actor, system_actor
from filmless.features.archive import InstanceReference, InstanceRow, stored_chunks
from filmless.features.nodes import Node, NodeInactive, NodeNotFound, get_node
from filmless.features.routing import Attempt, Claimed, Ending
from filmless.infra import limits
from filmless.infra.database import Database
from filmless.infra.errors import FilmlessError, Invalid, Unavailable
from filmless.infra.log import get_logger
from filmless.standards.dicom.deidentification import MayShowIdentity, Project, deidentify, uid_in
from filmless.standards.dicom.elements import InflateLimit, MalformedDataSet

PROGRESS_SECONDS = 1.0  # Between two notes of what was acknowledged: what a crash sends twice at most.
SIGN_OF_LIFE_SECONDS = 10.0  # Where nothing was acknowledged meanwhile: keeps the lease, hears of a cancel.
BUSY_SECONDS = 10.0  # Until the next look when all places are taken; one that becomes free looks at once.
ATTEMPT_SECONDS_MAX = limits.JOB_SECONDS_MAX / 2  # Then it goes on in a new job: this one would seem stuck.
DEIDENTIFIED_BYTES_MAX = limits.GIB  # Taken whole into memory; larger ones are films and slides.

# PS3.4 table B.2-1, A7xx: out of resources. A770 to A77F are refusals for good in dcm4chee-arc and here.
_FOR_NOW = frozenset((*range(0xA700, 0xA770), 0x0110, 0x0213))

ACTOR = system_actor("routing")

RecordProgress = Callable[[Database, Actor, Claimed, Iterable[int], Iterable[int]], bool]

_log = get_logger()


class Transmitter:
    """Sends for one worker process."""

    def __init__(
        self,
        services: Services,
        zone: tzinfo | None,
        *,
        places: threading.Semaphore,
        record_progress: RecordProgress = routing.record_progress,
    ) -> None:
        """`zone`: the department's. A transmission takes one of the `places`, which others may share.

        `record_progress` is handed in by those who watch it.
        """
        self._services = services
        self._zone = zone
        self._record_progress = record_progress
        self._places = places

    def transmit(self, destination: str) -> None:
        """Send the transmission that is next for this node, if any; later when all places are taken."""
        database = self._services.archive.database
        if not self._places.acquire(blocking=False):
            routing.wake_later(database, destination, BUSY_SECONDS)
            return
        try:
            claimed = routing.claim_transmission(database, ACTOR, destination, self._zone)
            if claimed is not None:
                self._end(claimed, self._attempt(claimed))
        finally:
            self._places.release()

    def ask_for_commitment(self, transmission_id: str) -> None:
        """Have the destination asked to take responsibility for what was sent (PS3.4 Annex J)."""
        database = self._services.archive.database
        destination, rows = routing.instances_of(database, ACTOR, transmission_id)
        references = [InstanceReference(row.sop_class_uid, row.sop_instance_uid) for row in rows]
        if references:
            commitment.ask_commitment(database, ACTOR, destination, references)

    def _attempt(self, claimed: Claimed) -> Attempt:
        """Send what is left; whatever happens becomes an Attempt, so that the lease always ends."""
        sending = _Sending(self._services, claimed, self._record_progress)
        try:
            node = get_node(self._services.archive.database, claimed.destination)
            return sending.send_to(node)
        except NodeNotFound:
            words = f"No node {claimed.destination} is registered here. Add it, or change who sends to it."
            return sending.ended(Ending.IMPOSSIBLE, words)
        except (AssociationRejected, Invalid) as error:
            return sending.ended(Ending.IMPOSSIBLE, error.message)
        except (Unavailable, NodeInactive) as error:
            return sending.ended(Ending.UNREACHABLE, error.message)
        except FilmlessError as error:
            return sending.ended(Ending.IMPOSSIBLE, error.message)
        except Exception as error:  # noqa: BLE001 - Our bug; the lease must end all the same.
            _log.exception("transmission_failed", transmission=claimed.id, error=type(error).__name__)
            words = "An error of ours, written to our log. It is tried again; tell the administrator."
            return sending.ended(Ending.REFUSED_FOR_NOW, words)

    def _end(self, claimed: Claimed, attempt: Attempt) -> None:
        state = routing.end_attempt(self._services.archive.database, ACTOR, claimed, attempt)
        _log.info(
            "transmission_attempt_ended",
            transmission=claimed.id,
            destination=claimed.destination,
            ending=attempt.ending.value,
            state="lease lost" if state is None else state.value,
            not_sent=len(attempt.remaining) + len(attempt.refused),
        )


class _Sending:
    """One attempt: which instances are left, and when that was written down last."""

    def __init__(self, services: Services, claimed: Claimed, record_progress: RecordProgress) -> None:
        self._services = services
        self._claimed = claimed
        self._record_progress = record_progress
        self._remaining = set(claimed.remaining)
        self._refused = set(claimed.refused)
        self._ref_of: dict[str, int] = {}  # By the SOP Instance UID under which it goes.
        self._seen = 0  # Of report.taken.
        self._is_stopped = False
        self._began_at = self._noted_at = time.monotonic()
        self._noted = len(self._remaining)
        self._own_words: dict[str, str] = {}  # Why an instance could not even be made ready.

    def send_to(self, node: Node) -> Attempt:
        """Send what is left; raises what `send_instances` raises when nothing got through."""
        archive, claimed = self._services.archive, self._claimed
        project = routing.get_project(archive.database, ACTOR, claimed.project) if claimed.project else None
        rows = routing.instances_to_send(archive.database, ACTOR, claimed)
        self._remaining = {row.ref for row in rows}  # What was deleted meanwhile is not owed any more.
        outgoing = [self._outgoing(row, project) for row in rows]
        if not outgoing:
            return self._judged([])
        report = send_instances(
            self._services,
            peer_of(node, self._services.ae_title, self._services.tls),
            outgoing,
            associations_max=node.associations_max,
            on_progress=self._on_progress,
        )
        self._note_taken(report)
        for one in report.failed:
            if one.status not in _FOR_NOW:
                ref = self._ref_of[one.sop_instance_uid]
                self._remaining.discard(ref)
                self._refused.add(ref)
        return self._judged(report.failed)

    def ended(self, ending: Ending, explanation: str) -> Attempt:
        """The attempt as it stands."""
        return Attempt(ending, tuple(self._remaining), tuple(self._refused), explanation)

    def _outgoing(self, row: InstanceRow, project: Project | None) -> Outgoing:
        if project is None:
            self._ref_of[row.sop_instance_uid] = row.ref
            return outgoing_of(self._services, row)
        uid = uid_in(project, row.sop_instance_uid)
        self._ref_of[uid] = row.ref
        chunks = partial(self._deidentified, row, project, uid)
        return Outgoing(row.sop_class_uid, uid, row.transfer_syntax_uid, chunks)

    def _deidentified(self, row: InstanceRow, project: Project, uid: str) -> Iterable[bytes]:
        """The data set without the patient's identity; raises Invalid when that cannot be promised."""
        try:
            if row.object_bytes > DEIDENTIFIED_BYTES_MAX:
                raise MayShowIdentity("It is larger than 1 GiB, too large to be de-identified.")
            data = b"".join(stored_chunks(self._services.archive, row))
            cleaned = deidentify(data, row.transfer_syntax_uid, project)
        except (MayShowIdentity, MalformedDataSet, InflateLimit) as error:
            words = str(error) if isinstance(error, MayShowIdentity) else "Its data set is damaged."
            self._own_words[uid] = words
            raise Invalid(words) from error
        assert cleaned.sop_instance_uid == uid  # The command names what the data set is.
        return (cleaned.data,)

    # --- While it goes on --------------------------------------------------------------------------------

    def _on_progress(self, report: SendReport) -> bool:
        """Write down now and then how far it is; says whether to go on."""
        self._note_taken(report)
        now = time.monotonic()
        pause = SIGN_OF_LIFE_SECONDS if len(self._remaining) == self._noted else PROGRESS_SECONDS
        if now - self._noted_at >= pause:
            self._noted_at, self._noted = now, len(self._remaining)
            self._is_stopped = not self._note()
        self._is_stopped = self._is_stopped or now - self._began_at > ATTEMPT_SECONDS_MAX
        return not self._is_stopped

    def _note(self) -> bool:
        database = self._services.archive.database
        try:
            return self._record_progress(database, ACTOR, self._claimed, self._remaining, self._refused)
        except Unavailable:  # The database is busy; the images need not wait for it.
            return True

    def _note_taken(self, report: SendReport) -> None:
        fresh = report.taken[self._seen :]
        self._seen += len(fresh)
        self._remaining.difference_update(self._ref_of[uid] for uid in fresh)

    # --- At the end --------------------------------------------------------------------------------------

    def _judged(self, failed: Sequence[FailedInstance]) -> Attempt:
        if self._remaining and self._is_stopped:
            return self.ended(Ending.INTERRUPTED, "")
        words = self._words(failed)
        if not self._remaining:
            return self.ended(Ending.COMPLETE, words)
        return self.ended(
            Ending.REFUSED_FOR_NOW, words or f"{self._claimed.destination} broke the association off."
        )

    def _words(self, failed: Sequence[FailedInstance]) -> str:
        """The most frequent reason why instances did not leave, and how many that were."""
        if not failed and not self._refused:
            return ""
        if not failed:
            return f"{len(self._refused)} instances were refused for good in an earlier attempt."
        reasons = Counter(self._reason(one) for one in failed)
        reason, number = reasons.most_common(1)[0]
        others = len(failed) - number
        also = f" {others} more for other reasons." if others else ""
        return f"{number} instances did not get through: {reason}.{also}"

    def _reason(self, one: FailedInstance) -> str:
        own = self._own_words.get(one.sop_instance_uid)
        if own is not None:
            return own.rstrip(".")
        words = peer_status.words_of(peer_status.STORE, one.status, ours=self._services.ae_title)
        return f"{self._claimed.destination} says that {words}"
