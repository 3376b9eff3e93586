"""We ask other archives: C-FIND, C-MOVE and C-GET as SCU (PS3.4 Annex C).

    for study in find_remote(peer, "STUDY", {"PatientID": "4711"}):
        report = move_remote(peer, "STUDY", {"StudyInstanceUID": study.text(STUDY_INSTANCE_UID)}, "FILMLESS")

Peers are not trusted to keep to the question: answers are counted, told once, and dropped where they
contradict the identifiers that were asked for. Not here: who may ask (`features/archive/remote`), when to
try again (`remote`). Start at `find_remote`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from filmless.edge.dimse import peer_status
from filmless.edge.dimse.check_instance import CheckExchange, is_check_instance
from filmless.edge.dimse.errors import ContextNotAccepted
from filmless.edge.dimse.exchange import Exchange, Message, UnknownOperation
from filmless.edge.dimse.requestor import Peer, Requestor, open_association
from filmless.edge.dimse.status import CANCELLED, PENDING, PENDING_WITH_UNSUPPORTED_KEYS, SUCCESS
from filmless.edge.dimse.store import StoreExchange
from filmless.features.access import Actor
from filmless.features.archive import Archive, ReceiveContext, end_transfers
from filmless.infra import limits
from filmless.infra.errors import Invalid, Unavailable
from filmless.infra.log import get_logger
from filmless.standards.dicom import sop_classes, tags
from filmless.standards.dicom.data_set import DataSet, decode_data_set, encode_data_set
from filmless.standards.dicom.dictionary import tag_of
from filmless.standards.dicom.elements import MalformedDataSet
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, IMPLICIT_LE
from filmless.standards.dicom.upper_layer import (
    CommandField,
    CommandSet,
    ExtendedNegotiation,
    PresentationContext,
    Priority,
    RoleSelection,
)

Level = Literal["PATIENT", "STUDY", "SERIES", "IMAGE"]
"""Query/Retrieve Level (0008,0052) as it is on the wire."""
Root = Literal["study", "patient"]
"""Which information model to prefer; the other one serves where the peer knows only that."""

SYNTAXES = (EXPLICIT_LE, IMPLICIT_LE)
"""Transfer syntaxes that we ask in: every peer has one of them."""

_FIND = {"study": sop_classes.STUDY_ROOT_FIND, "patient": sop_classes.PATIENT_ROOT_FIND}
_MOVE = {"study": sop_classes.STUDY_ROOT_MOVE, "patient": sop_classes.PATIENT_ROOT_MOVE}
_GET = {"study": sop_classes.STUDY_ROOT_GET, "patient": sop_classes.PATIENT_ROOT_GET}

# Relational queries, combined date and time, fuzzy matching of names (PS3.4 table C.5-1).
_RELATIONAL, _FUZZY = b"\1\0\0", b"\1\0\1"

_UNIQUE_KEYS: Mapping[Level, tuple[int, ...]] = {
    "PATIENT": (tags.PATIENT_ID, tags.ISSUER_OF_PATIENT_ID, tags.PATIENT_NAME),
    "STUDY": (tags.STUDY_INSTANCE_UID,),
    "SERIES": (tags.SERIES_INSTANCE_UID,),
    "IMAGE": (tags.SOP_INSTANCE_UID,),
}
_PARENT_KEYS: Mapping[Level, tuple[str, ...]] = {
    "PATIENT": (),
    "STUDY": (),
    "SERIES": ("StudyInstanceUID",),
    "IMAGE": ("StudyInstanceUID", "SeriesInstanceUID"),
}
_IDENTIFIERS = ("PatientID", "AccessionNumber", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")

_PATIENT = ("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex")
RETURN_KEYS: Mapping[Level, tuple[str, ...]] = {
    "PATIENT": _PATIENT,
    "STUDY": (
        *_PATIENT,
        "StudyInstanceUID",
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "StudyID",
        "StudyDescription",
        "ReferringPhysicianName",
        "ModalitiesInStudy",
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
    ),
    "SERIES": (
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "Modality",
        "SeriesNumber",
        "SeriesDescription",
        "SeriesDate",
        "BodyPartExamined",
        "NumberOfSeriesRelatedInstances",
    ),
    "IMAGE": ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "InstanceNumber"),
}
"""What is asked for at each level unless the caller says otherwise."""

_log = get_logger()


class RemoteQueryFailed(Unavailable):
    """The peer did not answer a query to its end; `status` is its DIMSE status, 0 when it was unreadable."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class KeyNotKnown(Invalid):
    """A key that DICOM does not have."""


@dataclass(frozen=True, slots=True)
class RetrieveReport:
    """What became of a C-MOVE or C-GET; instances that were `warned` about have arrived too.

    `status` is the peer's last one (PENDING while under way), `comment` says in plain words what it means
    when it is neither that nor Success.
    """

    completed: int = 0
    failed: int = 0
    warned: int = 0
    remaining: int = 0
    status: int = PENDING
    comment: str = ""
    failed_uids: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether all that was asked for has arrived, by the peer's account."""
        return self.status == SUCCESS and not self.failed


OnProgress = Callable[[RetrieveReport], bool]
"""Told of each pending response; False cancels the retrieval."""


# --- C-FIND ----------------------------------------------------------------------------------------------


def find_remote(
    peer: Peer,
    level: Level,
    keys: Mapping[str, str],
    return_keys: Sequence[str] = (),
    *,
    root: Root = "study",
    fuzzy: bool = False,
    limit: int = limits.REMOTE_MATCHES_MAX,
) -> Iterator[DataSet]:
    """What the peer has, as it answers; at most `limit`, then the query is cancelled.

    `keys`: DICOM keyword to value with the matching of PS3.4 C.2.2.2; `return_keys`: further keywords wanted
    (none: RETURN_KEYS of the level). Each match comes once; one that contradicts an identifier asked for
    (peers may ignore a key) does not come at all. Close the iterator when you stop before its end.
    Raises KeyNotKnown, RemoteQueryFailed, ContextNotAccepted and the errors of `open_association`.
    """
    identifier = _identifier(level, keys, return_keys or RETURN_KEYS[level])
    roots = _roots(_FIND, level, root)
    information = _FUZZY if fuzzy else _RELATIONAL
    relational = any(keyword not in keys for keyword in _PARENT_KEYS[level])
    extended = tuple(ExtendedNegotiation(uid, information) for uid in roots if fuzzy or relational)
    try:
        with open_association(peer, [(uid, SYNTAXES) for uid in roots], extended=extended) as requestor:
            context = _first_accepted(requestor, roots)
            yield from _Matches(peer, level, keys, limit).of(requestor, context, identifier)
    except _EndlessAnswers:
        return


class _EndlessAnswers(Exception):
    """The peer goes on answering after it was told to stop: the association is aborted, nothing is lost."""


class _Matches:
    """Turns the responses to one C-FIND into matches."""

    def __init__(self, peer: Peer, level: Level, keys: Mapping[str, str], limit: int) -> None:
        self._peer = peer
        self._unique = _UNIQUE_KEYS[level]
        self._needs_uid = level != "PATIENT"
        self._limit = min(limit, limits.REMOTE_MATCHES_MAX)
        self._wanted = _wanted_identifiers(keys)
        self._told: set[tuple[str, ...]] = set()
        self._contradicting = 0

    def of(
        self, requestor: Requestor, context: PresentationContext, identifier: DataSet
    ) -> Iterator[DataSet]:
        command = CommandSet.build(
            CommandField.C_FIND_RQ,
            has_data_set=True,
            message_id=requestor.next_message_id(),
            affected_sop_class_uid=context.abstract_syntax_uid,
            priority=Priority.MEDIUM,
        )
        data = encode_data_set(identifier, context.transfer_syntax_uid, character_set="ISO_IR 192")
        answers = after_cancel = 0
        is_cancelled = False
        for response, encoded in requestor.ask(context.context_id, command, (data,)):
            if response.status not in (PENDING, PENDING_WITH_UNSUPPORTED_KEYS):
                self._check_final(response.status, is_cancelled=is_cancelled)
                return
            answers += 1
            after_cancel += is_cancelled
            if after_cancel > limits.REMOTE_ANSWERS_AFTER_CANCEL_MAX:
                raise _EndlessAnswers
            if is_cancelled:
                continue
            match = self._match(encoded, context.transfer_syntax_uid)
            if match is not None:
                yield match
            if len(self._told) >= self._limit or answers >= limits.REMOTE_ANSWERS_MAX:
                requestor.cancel(context.context_id, command.message_id)
                is_cancelled = True

    def _match(self, encoded: bytes, transfer_syntax_uid: str) -> DataSet | None:
        """The match in a response; None when it was told already, or is none of ours."""
        try:
            match = decode_data_set(encoded, transfer_syntax_uid, bytes_max=limits.IDENTIFIER_BYTES_MAX)
        except MalformedDataSet as error:
            raise RemoteQueryFailed(f"{self._peer} gave an answer that cannot be read.") from error
        identity = tuple(match.text(tag).strip() for tag in self._unique)
        if identity in self._told or (self._needs_uid and not identity[0]):
            return None
        for tag, wanted in self._wanted.items():
            found = match.text(tag).strip().casefold()
            if found and found not in wanted:
                self._contradicting += 1
                return None
        self._told.add(identity)
        return match

    def _check_final(self, status: int, *, is_cancelled: bool) -> None:
        if self._contradicting:
            called = self._peer.called_ae_title
            _log.warning("remote_matches_dropped", called_ae_title=called, matches=self._contradicting)
        if status == SUCCESS or status >> 12 == 0xB or (is_cancelled and status == CANCELLED):
            return
        words = peer_status.words_of(peer_status.FIND, status, ours=self._peer.calling_ae_title)
        raise RemoteQueryFailed(f"{self._peer} did not answer the query: {words}.", status)


def _wanted_identifiers(keys: Mapping[str, str]) -> dict[int, frozenset[str]]:
    """The identifiers asked for without a wildcard, by tag; folded, for some peers do not tell case."""
    wanted: dict[int, frozenset[str]] = {}
    for keyword in _IDENTIFIERS:
        value, tag = keys.get(keyword, ""), tag_of(keyword)
        if value and tag is not None and "*" not in value and "?" not in value:
            wanted[tag] = frozenset(part.strip().casefold() for part in value.split("\\"))
    return wanted


# --- C-MOVE and C-GET ------------------------------------------------------------------------------------


def move_remote(
    peer: Peer,
    level: Level,
    identifiers: Mapping[str, str],
    destination_ae_title: str,
    on_progress: OnProgress | None = None,
    *,
    root: Root = "study",
    silence_seconds: float = limits.RETRIEVE_SILENCE_SECONDS_MAX,
) -> RetrieveReport:
    """Have the peer send something to `destination_ae_title`, which it must know (C-MOVE).

    `identifiers`: the unique keys of the level and above, as keyword to UID. A refusal is in the report.
    `silence_seconds`: how long the peer may say nothing before we give up.
    Raises ContextNotAccepted and the errors of `open_association`.
    """
    roots = _roots(_MOVE, level, root)
    patient = replace(peer, answer_seconds=silence_seconds)  # It may be fetching from a slow shelf.
    with open_association(patient, [(uid, SYNTAXES) for uid in roots]) as requestor:
        context = _first_accepted(requestor, roots)
        request = _Retrieval(peer, peer_status.MOVE, destination_ae_title, on_progress)
        return request.run(requestor, context, _identifier(level, identifiers, ()))


def get_remote(
    archive: Archive,
    actor: Actor,
    peer: Peer,
    level: Level,
    identifiers: Mapping[str, str],
    on_progress: OnProgress | None = None,
    *,
    storage_contexts: Sequence[tuple[str, Sequence[str]]],
) -> RetrieveReport:
    """Fetch something into our archive on the same association (C-GET); nothing need be registered there.

    `storage_contexts` from `storage_contexts`: what the peer may send, and how. Each instance is answered
    Success only after its commit, as one that was sent to us. `completed` counts those.
    Raises ContextNotAccepted and the errors of `open_association`.
    """
    roots = _roots(_GET, level, "study")
    classes = dict.fromkeys(uid for uid, _ in storage_contexts)
    roles = tuple(RoleSelection(uid, scu=False, scp=True) for uid in classes)
    contexts = [*((uid, SYNTAXES) for uid in roots), *storage_contexts]
    try:
        patient = replace(peer, answer_seconds=limits.RETRIEVE_SILENCE_SECONDS_MAX)
        with open_association(patient, contexts, roles=roles) as requestor:
            context = _first_accepted(requestor, roots)
            if not any(it.requestor_is_scp for it in requestor.contexts.values()):
                raise ContextNotAccepted(f"{peer} offers C-GET, but no way to send anything over it.")
            request = _Retrieval(peer, peer_status.GET, peer.calling_ae_title, on_progress)
            request.receiver = Receiver(archive, actor, peer)
            return request.run(requestor, context, _identifier(level, identifiers, ()))
    finally:
        end_transfers(archive, actor)


class Receiver:
    """Serves the C-STORE sub-operations of a C-GET: into the archive, as the server does."""

    def __init__(self, archive: Archive, actor: Actor, peer: Peer) -> None:
        self._archive = archive
        self._actor = actor
        self._peer = peer
        self.received = 0
        self.refused: list[str] = []

    def begin(self, request: CommandSet, context: PresentationContext) -> Exchange:
        """Serve one request of the peer."""
        if request.command_field != CommandField.C_STORE_RQ:
            return UnknownOperation(request)
        if is_check_instance(request, self._peer.calling_ae_title):
            return CheckExchange(request, self._peer.called_ae_title)
        announced = ReceiveContext(
            sop_class_uid=request.affected_sop_class_uid,
            sop_instance_uid=request.affected_sop_instance_uid,
            transfer_syntax_uid=context.transfer_syntax_uid,
            source_ae_title=self._peer.called_ae_title,
            receiving_ae_title=self._peer.calling_ae_title,
        )
        return _Counted(self, StoreExchange(self._archive, self._actor, request, announced))


class _Counted:
    """A C-STORE of which the receiver wants to know how it ended."""

    def __init__(self, receiver: Receiver, exchange: StoreExchange) -> None:
        self._receiver = receiver
        self._exchange = exchange
        self.receive = exchange.receive
        self.abandon = exchange.abandon

    def finish(self) -> Iterable[Message]:
        for message in self._exchange.finish():
            if message.command.status == SUCCESS:
                self._receiver.received += 1
            elif len(self._receiver.refused) < limits.REMOTE_FAILED_UIDS_MAX:
                self._receiver.refused.append(message.command.affected_sop_instance_uid)
            yield message


class _Retrieval:
    """One C-MOVE or C-GET under way."""

    def __init__(self, peer: Peer, operation: str, destination: str, on_progress: OnProgress | None) -> None:
        self._peer = peer
        self._operation = operation
        self._destination = destination
        self._on_progress = on_progress
        self.receiver: Receiver | None = None

    def run(self, requestor: Requestor, context: PresentationContext, identifier: DataSet) -> RetrieveReport:
        moves = self._operation == peer_status.MOVE
        values: dict[str, str] = {"move_destination": self._destination} if moves else {}
        command = CommandSet.build(
            CommandField.C_MOVE_RQ if moves else CommandField.C_GET_RQ,
            has_data_set=True,
            message_id=requestor.next_message_id(),
            affected_sop_class_uid=context.abstract_syntax_uid,
            priority=Priority.MEDIUM,
            **values,
        )
        data = encode_data_set(identifier, context.transfer_syntax_uid)
        on_request = None if self.receiver is None else self.receiver.begin
        report = RetrieveReport()
        is_cancelled = False
        for response, encoded in requestor.ask(context.context_id, command, (data,), on_request=on_request):
            report = self._report(report, response, encoded, context.transfer_syntax_uid)
            if report.status == PENDING and self._on_progress is not None and not is_cancelled:
                is_cancelled = not self._on_progress(report)
                if is_cancelled:
                    requestor.cancel(context.context_id, command.message_id)
        return report

    def _report(
        self, before: RetrieveReport, response: CommandSet, encoded: bytes, transfer_syntax_uid: str
    ) -> RetrieveReport:
        """What is known after a response; counts that it leaves out stay as they were."""
        is_pending = response.status in (PENDING, PENDING_WITH_UNSUPPORTED_KEYS)
        status = PENDING if is_pending else response.status
        remaining = response.number_of_remaining_suboperations
        completed = response.number_of_completed_suboperations
        failed = response.number_of_failed_suboperations
        warned = response.number_of_warning_suboperations
        if remaining is None:
            remaining = before.remaining if is_pending else 0
        if completed is None:  # Optional in a final Success: then all that remained has been sent.
            completed = before.completed + (before.remaining if status == SUCCESS else 0)
        report = replace(
            before,
            completed=completed,
            failed=before.failed if failed is None else failed,
            warned=before.warned if warned is None else warned,
            remaining=remaining,
            status=status,
        )
        if self.receiver is not None:  # We know better than the peer what has arrived.
            report = replace(
                report,
                completed=self.receiver.received,
                warned=0,
                failed=max(report.failed, len(self.receiver.refused)),
            )
        return report if is_pending else self._ended(report, encoded, transfer_syntax_uid)

    def _ended(self, report: RetrieveReport, encoded: bytes, transfer_syntax_uid: str) -> RetrieveReport:
        failed_uids = _failed_uids(encoded, transfer_syntax_uid)
        if self.receiver is not None:
            failed_uids = tuple(dict.fromkeys((*failed_uids, *self.receiver.refused)))
        if report.status == SUCCESS:
            return replace(report, failed_uids=failed_uids)
        ours = self._peer.calling_ae_title
        words = peer_status.words_of(self._operation, report.status, ours=ours, destination=self._destination)
        return replace(report, comment=f"{self._peer}: {words}.", failed_uids=failed_uids)


def _failed_uids(encoded: bytes, transfer_syntax_uid: str) -> tuple[str, ...]:
    """Failed SOP Instance UID List of a final response (PS3.4 C.4.2.1.4.2); empty where it cannot be read."""
    if not encoded:
        return ()
    try:
        identifier = decode_data_set(encoded, transfer_syntax_uid, bytes_max=limits.IDENTIFIER_BYTES_MAX)
    except MalformedDataSet:
        return ()  # The counts say how many; which ones is lost.
    return tuple(identifier.texts(tags.FAILED_SOP_INSTANCE_UID_LIST)[: limits.REMOTE_FAILED_UIDS_MAX])


# --- Shared ----------------------------------------------------------------------------------------------


def _roots(by_root: Mapping[str, str], level: Level, preferred: Root) -> tuple[str, ...]:
    """The SOP classes to propose, best first; the Study Root model has no level above STUDY (PS3.4 C.6.2)."""
    if level == "PATIENT":
        return (by_root["patient"],)
    other: Root = "patient" if preferred == "study" else "study"
    return by_root[preferred], by_root[other]


def _first_accepted(requestor: Requestor, sop_class_uids: Sequence[str]) -> PresentationContext:
    accepted = {context.abstract_syntax_uid for context in requestor.contexts.values()}
    for uid in sop_class_uids:
        if uid in accepted:
            return requestor.context_for(uid)
    return requestor.context_for(sop_class_uids[0])  # Raises ContextNotAccepted.


def _identifier(level: Level, keys: Mapping[str, str], return_keys: Sequence[str]) -> DataSet:
    """The identifier of a request: the level, what is asked for, and what is wanted back as zero length."""
    identifier = DataSet()
    for keyword in (*return_keys, *keys):
        tag = tag_of(keyword)
        if tag is None:
            raise KeyNotKnown(f"DICOM has no attribute {keyword}.")
        identifier.set(tag, keys.get(keyword))
    identifier.set(tags.QUERY_RETRIEVE_LEVEL, level)
    return identifier
