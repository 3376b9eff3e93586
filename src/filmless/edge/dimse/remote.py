"""Other archives for people: search a node, look into a study of it, have the study fetched.

`RemoteArchives` is what the API and the command line ask; `Puller` runs the job that fetches. Fetching
prefers C-GET, for which the other archive need not know our address, and falls back to C-MOVE. Fetching twice
stores nothing twice. Not here: who may and its record (`features/archive/pulls`), the protocol (`querying`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from filmless.edge.dimse.connection_doctor import check_connection
from filmless.edge.dimse.connection_words import Finding
from filmless.edge.dimse.errors import ContextNotAccepted
from filmless.edge.dimse.our_side import OurSide
from filmless.edge.dimse.peer_status import MOVE_DESTINATION_UNKNOWN
from filmless.edge.dimse.querying import (
    Level,
    RemoteQueryFailed,
    RetrieveReport,
    find_remote,
    get_remote,
    move_remote,
)
from filmless.edge.dimse.receiving_contexts import storage_contexts
from filmless.edge.dimse.requestor import Peer
from filmless.edge.dimse.status import CANCELLED, SUCCESS
from filmless.features import archive
from filmless.features.access import Actor, Permission, node_actor
from filmless.features.archive import (
    Pull,
    PullCounts,
    PullEvent,
    PullMethod,
    RemoteSearch,
    RemoteSeries,
    RemoteStudies,
    RemoteStudy,
)
from filmless.features.nodes import Node, get_node
from filmless.infra import limits
from filmless.infra.errors import FilmlessError, OverLimit, Unavailable
from filmless.infra.log import get_logger
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet
from filmless.standards.dicom.uids import is_valid_uid

_BUSY_SECONDS = 5  # Until somebody asks again; a query takes about that long.

_log = get_logger()


# --- Searching -------------------------------------------------------------------------------------------


class RemoteArchives:
    """Searches and checks in the name of people; a few at once: each holds a thread while a peer thinks."""

    def __init__(self, ours: OurSide) -> None:
        self._ours = ours
        self._places = threading.BoundedSemaphore(limits.REMOTE_QUERIES_AT_ONCE_MAX)

    def find_studies(self, actor: Actor, ae_title: str, search: RemoteSearch, limit: int) -> RemoteStudies:
        """The studies of another archive that match. Raises Invalid, NotPermitted, NotFound, OverLimit, and
        what `find_remote` raises.
        """
        keys = search.matching()
        node = archive.begin_remote_query(self._ours.archive, actor, ae_title, "STUDY", keys)
        with self._place():
            # One more than is shown: then it is known whether that is all.
            found = list(find_remote(self._ours.peer(node), "STUDY", keys, limit=limit + 1))
        uids = [one.text(tags.STUDY_INSTANCE_UID) for one in found[:limit]]
        held = archive.count_held_instances(self._ours.archive, actor, uids)
        studies = tuple(_study(one, held.get(uid, 0)) for one, uid in zip(found, uids, strict=False))
        return RemoteStudies(studies, len(found) <= limit)

    def find_series(self, actor: Actor, ae_title: str, study_instance_uid: str) -> list[RemoteSeries]:
        """The series of one study of another archive, by number; raises as `find_studies`."""
        keys = RemoteSearch(study_instance_uid=study_instance_uid).matching()
        node = archive.begin_remote_query(self._ours.archive, actor, ae_title, "SERIES", keys)
        with self._place():
            found = [_series(one) for one in find_remote(self._ours.peer(node), "SERIES", keys)]
        return sorted(found, key=lambda one: (one.series_number is None, one.series_number or 0))

    def check_connection(self, actor: Actor, ae_title: str, *, may_store: bool) -> Iterator[Finding]:
        """The findings of the connection doctor, as they come.

        Raises NotPermitted, NotFound, OverLimit with the first one, if at all.
        """
        node = archive.begin_connection_check(self._ours.archive, actor, ae_title, may_store=may_store)
        with self._place():
            yield from check_connection(self._ours, node, may_store=may_store)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise OverLimit("Enough people are asking other archives just now.", _BUSY_SECONDS)
        try:
            yield
        finally:
            self._places.release()


def _study(match: DataSet, instances_here: int) -> RemoteStudy:
    return RemoteStudy(
        study_instance_uid=match.text(tags.STUDY_INSTANCE_UID),
        patient_name=match.text(tags.PATIENT_NAME),
        patient_id=match.text(tags.PATIENT_ID),
        issuer_of_patient_id=match.text(tags.ISSUER_OF_PATIENT_ID),
        patient_birth_date=match.text(tags.PATIENT_BIRTH_DATE),
        patient_sex=match.text(tags.PATIENT_SEX),
        study_date=match.text(tags.STUDY_DATE),
        study_time=match.text(tags.STUDY_TIME),
        accession_number=match.text(tags.ACCESSION_NUMBER),
        study_description=match.text(tags.STUDY_DESCRIPTION),
        referring_physician_name=match.text(tags.REFERRING_PHYSICIAN_NAME),
        modalities_in_study=tuple(match.texts(tags.MODALITIES_IN_STUDY)),
        number_of_series=match.number(tags.NUMBER_OF_STUDY_RELATED_SERIES),
        number_of_instances=match.number(tags.NUMBER_OF_STUDY_RELATED_INSTANCES),
        number_of_instances_here=instances_here,
    )


def _series(match: DataSet) -> RemoteSeries:
    return RemoteSeries(
        series_instance_uid=match.text(tags.SERIES_INSTANCE_UID),
        modality=match.text(tags.MODALITY),
        series_number=match.number(tags.SERIES_NUMBER),
        series_description=match.text(tags.SERIES_DESCRIPTION),
        series_date=match.text(tags.SERIES_DATE),
        body_part_examined=match.text(tags.BODY_PART_EXAMINED),
        number_of_instances=match.number(tags.NUMBER_OF_SERIES_RELATED_INSTANCES),
    )


# --- Fetching --------------------------------------------------------------------------------------------


class Puller:
    """Runs the job `pull-study` for one worker process; a few at once, the others wait for their turn."""

    def __init__(self, ours: OurSide) -> None:
        self._ours = ours
        self._places = threading.BoundedSemaphore(limits.PULLS_AT_ONCE_MAX)

    def pull_study(self, pull_id: str) -> None:
        """Fetch what was asked for. Raises Unavailable when trying again later may work."""
        if not self._places.acquire(blocking=False):
            archive.postpone_pull(self._ours.archive, pull_id, _BUSY_SECONDS)
            return
        try:
            pull = archive.begin_pull(self._ours.archive, pull_id)
            if pull is not None:
                _Attempt(self._ours, pull).run()
        finally:
            self._places.release()


class _Attempt:
    """One attempt at one pull."""

    def __init__(self, ours: OurSide, pull: Pull) -> None:
        self._ours = ours
        self._pull = pull
        self._done = RetrieveReport(status=SUCCESS)  # Of the series before the one under way.
        self._noted_at = time.monotonic()
        self._is_stopped = False

    def run(self) -> None:
        """Fetch, and write down how it ended."""
        try:
            node = get_node(self._ours.archive.database, self._pull.ae_title)
            self._fetch_all(node)
        except FilmlessError as error:
            may_help = isinstance(error, Unavailable)
            self._end(error.message, try_later=may_help)
            if may_help and not self._is_last:
                raise
            return
        report = self._done
        if report.is_complete and report.completed + report.warned:
            self._end("", event=PullEvent.SUCCEED)
        elif report.is_complete:
            self._end(f"{self._pull.ae_title} found nothing to send.", try_later=False)
        elif report.status == CANCELLED or self._is_stopped:
            self._end("It was stopped.", try_later=False)
        else:
            words = report.comment or f"{report.failed} instances did not come."
            worth_it = report.status != MOVE_DESTINATION_UNKNOWN
            self._end(words, try_later=worth_it)
            if worth_it and not self._is_last:
                raise RemoteQueryFailed(words, report.status)

    @property
    def _is_last(self) -> bool:
        return self._pull.attempts >= limits.PULL_ATTEMPTS_MAX

    def _end(self, words: str, *, try_later: bool = False, event: PullEvent | None = None) -> None:
        if event is None:
            event = PullEvent.TRY_LATER if try_later and not self._is_last else PullEvent.GIVE_UP
        done = self._done
        counts = PullCounts(done.completed + done.warned, done.failed, done.remaining)
        archive.end_pull_attempt(self._ours.archive, self._pull.id, event, counts, words)
        _log.info("pull_attempt_ended", pull=self._pull.id, event_of_pull=event.value)

    def _fetch_all(self, node: Node) -> None:
        peer = self._ours.peer(node)
        study = {"StudyInstanceUID": self._pull.study_instance_uid}
        parts: list[tuple[Level, dict[str, str]]] = [
            ("SERIES", study | {"SeriesInstanceUID": uid}) for uid in self._pull.series_instance_uids
        ]
        for level, identifiers in parts or [("STUDY", study)]:
            report = self._fetch(node, peer, level, identifiers)
            self._done = _sum(self._done, report)
            if self._is_stopped:
                return

    def _fetch(self, node: Node, peer: Peer, level: Level, identifiers: dict[str, str]) -> RetrieveReport:
        method = self._pull.method
        got: RetrieveReport | None = None
        if method is not PullMethod.MOVE:
            try:
                got = self._get(node, peer, level, identifiers)
            except ContextNotAccepted:
                if method is PullMethod.GET:
                    raise
        if got is not None and (
            method is PullMethod.GET or got.completed or got.is_complete or self._is_stopped
        ):
            return got
        moved = move_remote(peer, level, identifiers, self._ours.ae_title, self._note)
        # An archive that fails at C-GET may do better with C-MOVE, unless it does not know us.
        return got if got is not None and moved.status == MOVE_DESTINATION_UNKNOWN else moved

    def _get(self, node: Node, peer: Peer, level: Level, identifiers: dict[str, str]) -> RetrieveReport:
        # Who sends is the node, whatever it may do of its own accord: a person with the right to has asked.
        sender = node_actor(node.ae_title, f"{node.host}:{node.port}", frozenset({Permission.STUDIES_STORE}))
        contexts = storage_contexts(_sop_classes(peer, identifiers))
        return get_remote(
            self._ours.archive, sender, peer, level, identifiers, self._note, storage_contexts=contexts
        )

    def _note(self, report: RetrieveReport) -> bool:
        """Write down how far it is, once in a while; False when somebody has stopped it."""
        if time.monotonic() - self._noted_at < limits.PULL_PROGRESS_SECONDS:
            return True
        self._noted_at = time.monotonic()
        so_far = _sum(self._done, report)
        counts = PullCounts(so_far.completed + so_far.warned, so_far.failed, so_far.remaining)
        self._is_stopped = not archive.note_pull_progress(self._ours.archive, self._pull.id, counts)
        return not self._is_stopped


def _sum(one: RetrieveReport, other: RetrieveReport) -> RetrieveReport:
    """Both together; the first one that did not succeed says why."""
    worse = one if one.status != SUCCESS else other
    return replace(
        worse,
        completed=one.completed + other.completed,
        failed=one.failed + other.failed,
        warned=one.warned + other.warned,
        remaining=one.remaining + other.remaining,
        failed_uids=(one.failed_uids + other.failed_uids)[: limits.REMOTE_FAILED_UIDS_MAX],
    )


def _sop_classes(peer: Peer, identifiers: dict[str, str]) -> list[str]:
    """The SOP classes of what is to be fetched, so that it can come in its own transfer syntax.

    Empty where the peer does not tell: then the usual ones are proposed.
    """
    study = {"StudyInstanceUID": identifiers["StudyInstanceUID"]}
    try:
        found: list[str] = []
        for match in find_remote(peer, "STUDY", study, ("StudyInstanceUID", "SOPClassesInStudy"), limit=1):
            found += match.texts(tags.SOP_CLASSES_IN_STUDY)
        found = found or _sop_classes_by_series(peer, identifiers)
    except (RemoteQueryFailed, ContextNotAccepted):
        return []
    return [uid for uid in dict.fromkeys(found) if is_valid_uid(uid)]


def _sop_classes_by_series(peer: Peer, identifiers: dict[str, str]) -> list[str]:
    """One instance of each of the first series: those of a series are nearly always of one class."""
    wanted = ("StudyInstanceUID", "SeriesInstanceUID")
    series = find_remote(peer, "SERIES", identifiers, wanted, limit=limits.PULL_SERIES_MAX)
    found: list[str] = []
    for uid in [one.text(tags.SERIES_INSTANCE_UID) for one in series]:
        keys = identifiers | {"SeriesInstanceUID": uid}
        for one in find_remote(peer, "IMAGE", keys, ("SOPInstanceUID", "SOPClassUID"), limit=1):
            found.append(one.text(tags.SOP_CLASS_UID))
    return found
