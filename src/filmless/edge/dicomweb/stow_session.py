"""One STOW request: its parts into the archive, several at a time, and what became of each.

The parts arrive one after another; while one is made durable and committed, the next is already received. So
their commits meet and share one transaction. Start at `StowSession.store_all`.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from queue import Queue
from typing import Any

import orjson
from starlette.responses import Response

from filmless.edge.dicomweb.errors import UnsupportedMediaType
from filmless.edge.dicomweb.media_types import DICOM, DICOM_JSON, parameters_of
from filmless.edge.dicomweb.multipart import MultipartDamaged, Part
from filmless.edge.dicomweb.stow_status import STUDY_MISMATCH, failure_reason_of
from filmless.features.access import Actor
from filmless.features.archive import Archive, StoreOutcome, end_transfers, receive_part10
from filmless.infra.errors import FilmlessError, Invalid, OverLimit, Unavailable
from filmless.infra.log import get_logger
from filmless.standards.dicom import tags
from filmless.standards.dicom.elements import MalformedDataSet, TruncatedDataSet, inflate
from filmless.standards.dicom.header import scan_header
from filmless.standards.dicom.part10 import read_part10_header
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, find_transfer_syntax

SOURCE = "STOW"  # What stands for the AE title of a sender that has none.
PEEK_BYTES_MAX = 1 << 20  # The UIDs stand in the first KiB; who hides them behind a megabyte is not asked.
INSTANCES_MAX = 100_000  # In one request; the answer names each of them.
PARTS_AT_ONCE_MAX = 4  # Received or being committed; more would hold more memory, not win more time.
CHUNKS_AHEAD_MAX = 2  # Handed over and not yet written, for each part.

Element = dict[str, Any]
Broken = MultipartDamaged | OverLimit | UnsupportedMediaType

log = get_logger()


@dataclass(frozen=True, slots=True)
class Peeked:
    """The UIDs that the first bytes of a part tell; empty where they do not."""

    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    study_instance_uid: str = ""


class InFlight:
    """A part on its way into the archive: its bytes are handed over to a thread that receives it."""

    def __init__(
        self, peeked: Peeked, receive: Callable[[Iterator[bytes]], StoreOutcome], threads: Executor
    ) -> None:
        self.peeked = peeked
        self._chunks: Queue[bytes | Broken | None] = Queue(CHUNKS_AHEAD_MAX)
        self._has_ended = False
        self.outcome: Future[StoreOutcome] = threads.submit(self._run, receive)

    def put(self, chunk: bytes | Broken | None) -> None:
        """Hand over bytes; None at the end of the part, an error where the body broke off."""
        self._chunks.put(chunk)

    def _run(self, receive: Callable[[Iterator[bytes]], StoreOutcome]) -> StoreOutcome:
        try:
            return receive(self._handed_over())
        finally:
            while not self._has_ended:  # Refused early: who hands over must not wait for ever.
                self._take()

    def _handed_over(self) -> Iterator[bytes]:
        while not self._has_ended:
            chunk = self._take()
            if isinstance(chunk, FilmlessError):
                raise chunk
            if chunk:
                yield chunk

    def _take(self) -> bytes | Broken | None:
        chunk = self._chunks.get()
        self._has_ended = not isinstance(chunk, bytes)
        return chunk


class StowSession:
    """Runs in a thread of its own; parts are received in `threads`."""

    def __init__(self, archive: Archive, actor: Actor, study: str, base_url: str, threads: Executor) -> None:
        self._archive = archive
        self._actor = actor
        self._study = study
        self._base_url = base_url
        self._threads = threads
        self._results: list[InFlight | tuple[Peeked, int]] = []

    def store_all(self, parts: Callable[[], Iterator[Part]]) -> Response:
        """Store the parts and say what became of each, in their order.

        Raises Invalid, OverLimit, UnsupportedMediaType or Unavailable when nothing at all was stored.
        """
        broken: Broken | None = None
        try:
            for part in parts():
                if len(self._results) >= INSTANCES_MAX:
                    raise OverLimit(f"One request stores at most {INSTANCES_MAX} instances.")
                if parameters_of(part.content_type)[0] not in (DICOM, ""):
                    raise UnsupportedMediaType("A part of the body is not application/dicom.")
                self._hand_over(part)
        except (MultipartDamaged, OverLimit, UnsupportedMediaType) as error:
            broken = error  # What is stored by now stays stored, and the sender must hear of it.
        finally:
            wait([part.outcome for part in self._results if isinstance(part, InFlight)])
            end_transfers(self._archive, self._actor)
        return self._answer(broken)

    def _hand_over(self, part: Part) -> None:
        prefix, peeked = peek(part.chunks)
        if self._study and peeked.study_instance_uid not in ("", self._study):
            self._results.append((peeked, STUDY_MISMATCH))
            return  # The rest of the part is skipped.
        self._wait_for_a_place()
        flight = InFlight(peeked, self._receive, self._threads)
        self._results.append(flight)
        try:
            flight.put(prefix)
            for chunk in part.chunks:
                flight.put(chunk)
        except (MultipartDamaged, OverLimit) as error:
            flight.put(error)
            raise
        except BaseException:
            flight.put(MultipartDamaged("The body could not be read on."))
            raise
        flight.put(None)

    def _wait_for_a_place(self) -> None:
        flights = [part for part in self._results[-PARTS_AT_ONCE_MAX:] if isinstance(part, InFlight)]
        if len(flights) == PARTS_AT_ONCE_MAX:
            wait([flights[0].outcome])

    def _receive(self, chunks: Iterator[bytes]) -> StoreOutcome:
        return receive_part10(self._archive, self._actor, SOURCE, chunks)

    def _answer(self, broken: Broken | None) -> Response:
        """The Store Instances Response (PS3.18 table 10.5.3-2)."""
        stored: list[Element] = []
        failed: list[Element] = []
        studies: set[str] = set()
        unavailable: BaseException | None = None
        for result in self._results:
            if isinstance(result, tuple):
                failed.append(_failed(*result))
                continue
            error = result.outcome.exception()
            if error is None:
                outcome = result.outcome.result()
                studies.add(outcome.study_instance_uid)
                stored.append(self._stored(result.peeked, outcome))
                continue
            unavailable = error if isinstance(error, Unavailable) else unavailable
            if not isinstance(error, FilmlessError):
                log.error("stow_part_failed", error=type(error).__name__)
            failed.append(_failed(result.peeked, failure_reason_of(error)))
        if not stored:
            self._raise_if_nothing(broken, failed, unavailable)
        answer: Element = {}
        if len(studies) == 1:
            answer["00081190"] = {"vr": "UR", "Value": [f"{self._base_url}/studies/{studies.pop()}"]}
        if failed:
            answer["00081198"] = {"vr": "SQ", "Value": failed}
        if stored:
            answer["00081199"] = {"vr": "SQ", "Value": stored}
        is_all = not failed and broken is None
        status = 200 if is_all else 202 if stored else 409
        return Response(orjson.dumps(answer), status, media_type=DICOM_JSON)

    def _raise_if_nothing(
        self, broken: Broken | None, failed: list[Element], unavailable: BaseException | None
    ) -> None:
        if broken is not None:
            raise broken
        if unavailable is not None:
            raise unavailable
        if not failed:
            raise Invalid("The body holds no instance.")

    def _stored(self, peeked: Peeked, outcome: StoreOutcome) -> Element:
        url = (
            f"{self._base_url}/studies/{outcome.study_instance_uid}/series/{outcome.series_instance_uid}"
            f"/instances/{outcome.sop_instance_uid}"
        )
        referenced = _referenced(peeked.sop_class_uid, outcome.sop_instance_uid)
        return {**referenced, "00081190": {"vr": "UR", "Value": [url]}}


def _failed(peeked: Peeked, reason: int) -> Element:
    referenced = _referenced(peeked.sop_class_uid, peeked.sop_instance_uid)
    return {**referenced, "00081197": {"vr": "US", "Value": [reason]}}


def _referenced(sop_class_uid: str, sop_instance_uid: str) -> Element:
    uids = {"00081150": sop_class_uid, "00081155": sop_instance_uid}
    return {tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids.items() if uid}


def peek(chunks: Iterator[bytes]) -> tuple[bytes, Peeked]:
    """The first bytes of a part, as many as it takes to see its UIDs, and the UIDs."""
    prefix = bytearray()
    for chunk in chunks:
        prefix += chunk
        peeked = _uids_of(bytes(prefix))
        if peeked is not None or len(prefix) >= PEEK_BYTES_MAX:
            break
    else:
        peeked = _uids_of(bytes(prefix), final=True)
    return bytes(prefix), peeked or Peeked()


def _uids_of(prefix: bytes, *, final: bool = False) -> Peeked | None:
    """None: more bytes are needed."""
    nothing = Peeked()
    try:
        header = read_part10_header(prefix)
    except TruncatedDataSet:
        return nothing if final else None
    except MalformedDataSet:
        return nothing
    data_set: bytes = prefix[header.dataset_offset :]
    syntax_uid = header.meta.transfer_syntax_uid
    syntax = find_transfer_syntax(syntax_uid)
    try:
        if syntax is not None and syntax.deflated:
            data_set, syntax_uid = inflate(data_set, PEEK_BYTES_MAX, whole=False), EXPLICIT_LE
    except MalformedDataSet:
        return nothing
    scan = scan_header(data_set, syntax_uid, final=final or len(prefix) >= PEEK_BYTES_MAX)
    if not scan.complete:
        return None
    return Peeked(
        scan.text(tags.SOP_CLASS_UID) or header.meta.sop_class_uid,
        scan.text(tags.SOP_INSTANCE_UID) or header.meta.sop_instance_uid,
        scan.text(tags.STUDY_INSTANCE_UID),
    )
