"""STOW-RS (PS3.18 section 10.5): store instances from a multipart body, streamed part by part.

Each part is received as a C-STORE is: durable before it counts, refused or set aside with a reason. A part
that fails does not stop the others. Not here: receiving (`features/archive`). Start at `routes`.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from filmless.edge.dicomweb.errors import NotAcceptable, UnsupportedMediaType
from filmless.edge.dicomweb.media_types import DICOM, DICOM_JSON, MULTIPART, parameters_of, takes_json
from filmless.edge.dicomweb.multipart import MultipartDamaged, MultipartReader, Part
from filmless.edge.dicomweb.services import STUDY, Services, accept_of
from filmless.edge.dicomweb.stow_status import failure_reason_of
from filmless.features.access import Actor, Permission
from filmless.features.archive import Archive, receive_part10
from filmless.infra import limits
from filmless.infra.errors import FilmlessError, Invalid, OverLimit, Unavailable
from filmless.standards.dicom import tags
from filmless.standards.dicom.elements import MalformedDataSet, TruncatedDataSet, inflate
from filmless.standards.dicom.header import scan_header
from filmless.standards.dicom.part10 import read_part10_header
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, find_transfer_syntax
from filmless.standards.dicom.uids import is_valid_uid

SOURCE = "STOW"  # What stands for the AE title of a sender that has none.
CHUNK_BYTES = 1 << 20  # Gathered before a thread is woken: the network delivers 64 KiB at a time.
PEEK_BYTES_MAX = 1 << 20  # The UIDs stand in the first KiB; who hides them behind a megabyte is not asked.
INSTANCES_MAX = 100_000  # In one request; the answer names each of them.
IDLE_SECONDS_MAX = limits.SEND_SECONDS_MAX

STUDY_MISMATCH = 0xA901  # As MS dicom-server answers; PS3.18 leaves the code open.

Element = dict[str, Any]


def routes(services: Services) -> list[Route]:
    """The two places one can store to."""
    stow = _Stow(services)
    return [
        Route("/studies", services.endpoint(stow.store), methods=["POST"]),
        Route(STUDY, services.endpoint(stow.store), methods=["POST"]),
    ]


class StudyMismatch(Invalid):
    """The instance belongs to another study than the address names; it was not stored."""


@dataclass(frozen=True, slots=True)
class _Stow:
    services: Services

    async def store(self, request: Request, actor: Actor) -> Response:
        """Store every part; 200 all stored, 202 some, 409 none (PS3.18 table 10.5.3-1)."""
        actor.must(Permission.STUDIES_STORE)
        if not takes_json(accept_of(request)):
            raise NotAcceptable("What was stored is answered as application/dicom+json.")
        media_type, parameters = parameters_of(request.headers.get("content-type", ""))
        _must_be_storable(media_type, parameters)
        study = request.path_params.get("study", "")
        if study and not is_valid_uid(study):
            raise Invalid("The address does not name a study: that is no UID.")
        loop = asyncio.get_running_loop()
        body = _Body(request, loop)
        session = _Session(self.services.archive, actor, study, self.services.base_url(request))
        parts: Callable[[], Iterator[Part]]
        if media_type == MULTIPART:
            parts = MultipartReader(parameters.get("boundary", ""), body.read).parts
        else:
            parts = lambda: iter([Part(DICOM, iter(body.read, b""))])  # noqa: E731 - one part, the body itself.
        return await loop.run_in_executor(self.services.storing, session.store_all, parts)


def _must_be_storable(media_type: str, parameters: dict[str, str]) -> None:
    kind = parameters.get("type", DICOM).lower() if media_type == MULTIPART else media_type
    if kind != DICOM:
        raise UnsupportedMediaType(
            'Instances are stored from multipart/related; type="application/dicom", or one alone as '
            "application/dicom."
        )


class _Body:
    """The request's body for a thread: each read waits for what the event loop receives."""

    def __init__(self, request: Request, loop: asyncio.AbstractEventLoop) -> None:
        self._stream = request.stream().__aiter__()
        self._loop = loop
        self._received = 0

    def read(self) -> bytes:
        """About CHUNK_BYTES, b"" at the end; raises Invalid when the sender goes away or goes quiet."""
        waiting = asyncio.run_coroutine_threadsafe(self._gather(), self._loop)
        try:
            data = waiting.result(IDLE_SECONDS_MAX)
        except TimeoutError:
            waiting.cancel()
            raise MultipartDamaged(
                f"Nothing came for {IDLE_SECONDS_MAX} seconds; the upload was ended."
            ) from None
        except ClientDisconnect:
            raise MultipartDamaged("The sender went away before the end of the body.") from None
        self._received += len(data)
        if self._received > limits.STOW_BODY_BYTES_MAX:
            raise OverLimit("The body is larger than one request may be; send the study in several.")
        return data

    async def _gather(self) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in self._stream:
            pieces.append(piece)
            size += len(piece)
            if size >= CHUNK_BYTES:
                break
        return b"".join(pieces)


@dataclass(frozen=True, slots=True)
class _Peeked:
    """The UIDs that the first bytes of a part tell; empty where they do not."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str


class _Session:
    """One request: its parts in, its answer out. Runs in a thread."""

    def __init__(self, archive: Archive, actor: Actor, study: str, base: str) -> None:
        self._archive = archive
        self._actor = actor
        self._study = study
        self._base = base
        self._stored: list[Element] = []
        self._failed: list[Element] = []
        self._studies: set[str] = set()
        self._unavailable: Unavailable | None = None

    def store_all(self, parts: Callable[[], Iterator[Part]]) -> Response:
        """Store the parts in order and say what became of each."""
        broken: FilmlessError | None = None
        try:
            for part in parts():
                if len(self._stored) + len(self._failed) >= INSTANCES_MAX:
                    raise OverLimit(f"One request stores at most {INSTANCES_MAX} instances.")
                if parameters_of(part.content_type)[0] not in (DICOM, ""):
                    raise UnsupportedMediaType("A part of the body is not application/dicom.")
                self._store(part)
        except (MultipartDamaged, OverLimit, UnsupportedMediaType) as error:
            broken = error  # What is stored by now stays stored, and the sender must hear of it.
        if broken is not None and not self._stored:
            raise broken
        if not self._stored and not self._failed:
            raise Invalid("The body holds no instance.")
        if not self._stored and self._unavailable is not None:
            raise self._unavailable
        return self._answer(is_whole=broken is None)

    def _store(self, part: Part) -> None:
        prefix, peeked = _peek(part.chunks)
        try:
            if self._study and peeked.study_instance_uid not in ("", self._study):
                raise StudyMismatch("The instance belongs to another study than the address names.")
            outcome = receive_part10(self._archive, self._actor, SOURCE, chain((prefix,), part.chunks))
        except (MultipartDamaged, OverLimit) as error:
            self._fail(peeked, failure_reason_of(error))
            raise
        except FilmlessError as error:
            if isinstance(error, Unavailable):
                self._unavailable = error
            is_mismatch = isinstance(error, StudyMismatch)
            self._fail(peeked, STUDY_MISMATCH if is_mismatch else failure_reason_of(error))
            return
        url = (
            f"{self._base}/studies/{outcome.study_instance_uid}/series/{outcome.series_instance_uid}"
            f"/instances/{outcome.sop_instance_uid}"
        )
        self._studies.add(outcome.study_instance_uid)
        referenced = _referenced(peeked.sop_class_uid, outcome.sop_instance_uid)
        self._stored.append({**referenced, "00081190": {"vr": "UR", "Value": [url]}})

    def _fail(self, peeked: _Peeked, reason: int) -> None:
        referenced = _referenced(peeked.sop_class_uid, peeked.sop_instance_uid)
        self._failed.append({**referenced, "00081197": {"vr": "US", "Value": [reason]}})

    def _answer(self, *, is_whole: bool) -> Response:
        """The Store Instances Response (PS3.18 table 10.5.3-2)."""
        answer: Element = {}
        if len(self._studies) == 1:
            url = f"{self._base}/studies/{next(iter(self._studies))}"
            answer["00081190"] = {"vr": "UR", "Value": [url]}
        if self._failed:
            answer["00081198"] = {"vr": "SQ", "Value": self._failed}
        if self._stored:
            answer["00081199"] = {"vr": "SQ", "Value": self._stored}
        if self._failed or not is_whole:
            status = 202 if self._stored else 409
        else:
            status = 200
        return Response(orjson.dumps(answer), status, media_type=DICOM_JSON)


def _referenced(sop_class_uid: str, sop_instance_uid: str) -> Element:
    uids = {"00081150": sop_class_uid, "00081155": sop_instance_uid}
    return {tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids.items() if uid}


def _peek(chunks: Iterator[bytes]) -> tuple[bytes, _Peeked]:
    """The first bytes of a part, as many as it takes to see its UIDs, and the UIDs."""
    prefix = bytearray()
    for chunk in chunks:
        prefix += chunk
        peeked = _uids_of(bytes(prefix))
        if peeked is not None or len(prefix) >= PEEK_BYTES_MAX:
            break
    else:
        peeked = _uids_of(bytes(prefix), final=True)
    return bytes(prefix), peeked or _Peeked("", "", "")


def _uids_of(prefix: bytes, *, final: bool = False) -> _Peeked | None:
    """None: more bytes are needed."""
    nothing = _Peeked("", "", "")
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
    return _Peeked(
        scan.text(tags.SOP_CLASS_UID) or header.meta.sop_class_uid,
        scan.text(tags.SOP_INSTANCE_UID) or header.meta.sop_instance_uid,
        scan.text(tags.STUDY_INSTANCE_UID),
    )
