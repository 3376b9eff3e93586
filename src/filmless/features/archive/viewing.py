"""What a screen asks for, many times a second: frames, bulk values, pictures, thumbnails.

`Viewing` is one for each process: it remembers where the frames of recently seen instances lie, and whose
access is on record. Frames go out as they are stored, read by offset; only what must be decoded goes through
the sandbox. Start at `Viewing.frames`. Not here: whole instances and metadata (`retrieve`).
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from filmless.features.access import Actor, Permission
from filmless.features.archive import repository_read
from filmless.features.archive.access_log import AccessLog
from filmless.features.archive.errors import StudyNotFound
from filmless.features.archive.frame_positions import get_frame_index
from filmless.features.archive.pieces import Piece, frame_pieces, is_as_stored, piece_of, value_piece
from filmless.features.archive.prepare import make_thumbnail, object_argument, thumbnail_of
from filmless.features.archive.read_errors import (
    BulkDataNotFound,
    FrameNotFound,
    NothingToShow,
    SeriesNotFound,
)
from filmless.features.archive.retrieve import instance_at
from filmless.features.archive.rows import InstanceRow
from filmless.features.archive.stored_object import opened, read_at_once
from filmless.features.archive.stores import ReadableArchive
from filmless.infra.sandbox import Sandbox, SandboxCallFailed, SandboxCrashed
from filmless.standards.dicom.frames import FrameIndex, FrameSpan
from filmless.standards.dicom.json_model import find_bulk_value
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, find_transfer_syntax

FRAMES_AT_ONCE_MAX = 1000  # Frame numbers in one request; a viewer asks for one, a script for a series.
REMEMBERED_FRAMES_MAX = 200_000  # Frame positions kept in memory, some 100 bytes each.
AT_ONCE_BYTES_MAX = 4 << 20  # Copying more would hold the event loop for milliseconds.
REMEMBERED_SECONDS_MAX = 60  # What changes in the index is seen by every process after this.
DECODE_FUNCTION = "filmless.standards.dicom.frame_decoding:decode_frames"
ENCAPSULATED_PDF_STORAGE = "1.2.840.10008.5.1.4.1.1.104.1"
RENDER_FUNCTION = "filmless.standards.dicom.object_rendering:render_object"


@dataclass(frozen=True, slots=True)
class InstancePlace:
    """Which instance is meant: by all three UIDs, and it must be in that study and series."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


@dataclass(frozen=True, slots=True)
class FrameSource:
    """An instance and where its frames lie."""

    row: InstanceRow
    index: FrameIndex

    @property
    def transfer_syntax_uid(self) -> str:
        """How its frames are encoded when they leave: native ones always little endian."""
        if not self.index.encapsulated:
            return EXPLICIT_LE
        return self.row.transfer_syntax_uid


@dataclass(frozen=True, slots=True)
class BulkData:
    """A bulk value: one piece, or for encapsulated pixel data one for each frame."""

    transfer_syntax_uid: str
    is_pixel_data: bool
    count: int
    pieces: Iterator[Piece]


class Viewing:
    """Reads for screens; safe for any number of threads."""

    def __init__(self, archive: ReadableArchive, sandbox: Sandbox) -> None:
        self._archive = archive
        self._sandbox = sandbox
        self._log = AccessLog(archive)
        self._sources: OrderedDict[InstancePlace, tuple[FrameSource, float]] = OrderedDict()
        self._remembered_frames = 0
        self._lock = threading.Lock()

    # --- Frames --------------------------------------------------------------------------------------------

    def source(self, actor: Actor, place: InstancePlace) -> FrameSource:
        """Find the frames of an instance; raises InstanceNotFound, FrameNotFound, NotPermitted.

        The access is on record when this returns.
        """
        actor.must(Permission.STUDIES_READ)
        source = self._remembered(place)
        if source is None:
            row = self._row(place)
            source = FrameSource(row, get_frame_index(self._archive, row))
            self._remember(place, source)
        self._log.note(actor, source.row)
        return source

    def recent_source(self, actor: Actor, place: InstancePlace) -> FrameSource | None:
        """As `source`, of an instance seen a moment ago; None when it takes the database to know.

        Does not block, so an event loop may ask. Raises NotPermitted.
        """
        actor.must(Permission.STUDIES_READ)
        source = self._remembered(place)
        return source if source is not None and self._log.is_noted(actor, source.row) else None

    def frame_at_once(self, source: FrameSource, frame_number: int) -> bytes | bytearray | None:
        """As `frames`, of one frame that the machine has in memory; None when it takes a disk or work.

        Does not block. Raises FrameNotFound.
        """
        span = _span(source.index, frame_number)
        if len(span.fragments) != 1 or span.length > AT_ONCE_BYTES_MAX:
            return None
        if not is_as_stored(source.row, source.index):
            return None
        return read_at_once(self._archive, source.row, *span.fragments[0])

    def frames(self, source: FrameSource, frame_numbers: Sequence[int]) -> Iterator[Piece]:
        """The frames with these numbers, counted from 1, in `source.transfer_syntax_uid`.

        Raises FrameNotFound now, Unavailable while they are read.
        """
        spans = [_span(source.index, number) for number in frame_numbers]
        return frame_pieces(self._archive, source.row, source.index, spans)

    def decoded_frames(self, source: FrameSource, frame_numbers: Sequence[int]) -> Iterator[Piece]:
        """The frames decoded to explicit little endian.

        Raises FrameNotFound now, NothingToShow, SandboxBusy or SandboxTimedOut while they are decoded.
        """
        for number in frame_numbers:
            _span(source.index, number)
        return (piece_of(self._decoded(source.row, number)) for number in frame_numbers)

    # --- Bulk values ---------------------------------------------------------------------------------------

    def bulk_data(self, actor: Actor, place: InstancePlace, path: str) -> BulkData:
        """The value of the element at `path`, such as 7FE00010 or 54000100/1/54001010, in little endian.

        Raises InstanceNotFound, BulkDataNotFound, NotPermitted. The access is on record.
        """
        actor.must(Permission.STUDIES_READ)
        row = self._row(place)
        syntax = find_transfer_syntax(row.transfer_syntax_uid)
        is_pixel_data = path == "7FE00010"
        if is_pixel_data and (syntax is None or syntax.encapsulated) and row.rows:
            source = self.source(actor, place)
            if source.index.encapsulated:
                count = source.index.number_of_frames
                frames = self.frames(source, range(1, count + 1))
                return BulkData(source.transfer_syntax_uid, True, count, frames)
        self._log.note(actor, row)
        with opened(self._archive, row) as stored:
            found = find_bulk_value(stored.data, stored.transfer_syntax_uid, path, start=stored.start)
            if found is None:
                raise BulkDataNotFound("The instance has no value at that path.")
        piece = value_piece(self._archive, row, found.offset, found.length, found.vr)
        return BulkData(EXPLICIT_LE, is_pixel_data, 1, iter((piece,)))

    # --- Pictures ------------------------------------------------------------------------------------------

    def rendered(self, actor: Actor, place: InstancePlace, frame_number: int | None, rendition: Any) -> bytes:
        """One frame as a picture; `rendition` is a `standards.dicom.rendering.Rendition`.

        None as frame number takes the most telling one. Raises InstanceNotFound, NothingToShow, SandboxBusy.
        """
        actor.must(Permission.STUDIES_READ)
        row = self._row(place)
        self._log.note(actor, row)
        return self._render(row, frame_number, rendition)

    def document(self, actor: Actor, place: InstancePlace) -> tuple[str, Piece] | None:
        """Media type and bytes of what a browser shows as it is: a PDF, a video; None for other instances."""
        actor.must(Permission.STUDIES_READ)
        row = self._row(place)
        if row.sop_class_uid == ENCAPSULATED_PDF_STORAGE:
            return "application/pdf", next(self.bulk_data(actor, place, "00420011").pieces)
        syntax = find_transfer_syntax(row.transfer_syntax_uid)
        if syntax is None or not syntax.video:
            return None
        # The frame index has the whole stream as one frame (PS3.5 annex A.4.5).
        media_type = "video/mpeg" if "MPEG2" in syntax.name else "video/mp4"
        return media_type, next(self.bulk_data(actor, place, "7FE00010").pieces)

    def rendered_of(
        self, actor: Actor, study_instance_uid: str, series_instance_uid: str | None, rendition: Any
    ) -> bytes:
        """The middle instance of a series, or of the first series of a study, as a picture."""
        actor.must(Permission.STUDIES_READ)
        row = self._middle(study_instance_uid, series_instance_uid)
        self._log.note(actor, row)
        return self._render(row, None, rendition)

    def instance_thumbnail(self, actor: Actor, place: InstancePlace) -> bytes:
        """A small JPEG of the instance; raises InstanceNotFound, NothingToShow, SandboxBusy."""
        actor.must(Permission.STUDIES_READ)
        row = self._row(place)
        self._log.note(actor, row)
        return thumbnail_of(self._archive, self._sandbox, row)

    def series_thumbnail(self, actor: Actor, study_instance_uid: str, series_instance_uid: str) -> bytes:
        """The series' small JPEG, prepared or made now; raises SeriesNotFound, NothingToShow, SandboxBusy."""
        actor.must(Permission.STUDIES_READ)
        row = self._middle(study_instance_uid, series_instance_uid)
        self._log.note(actor, row)
        with self._archive.database.read() as tx:
            found = repository_read.get_thumbnail(tx, series_instance_uid)
        if found is not None and found[0] is not None:
            return found[0]
        return make_thumbnail(self._archive, self._sandbox, row.series_ref)

    def study_thumbnail(self, actor: Actor, study_instance_uid: str) -> bytes:
        """The small JPEG of the study's first series; raises StudyNotFound and as `series_thumbnail`."""
        actor.must(Permission.STUDIES_READ)
        row = self._middle(study_instance_uid, None)
        return self.series_thumbnail(actor, study_instance_uid, row.series_instance_uid)

    # --- Inside --------------------------------------------------------------------------------------------

    def _remembered(self, place: InstancePlace) -> FrameSource | None:
        remembered = self._sources.get(place)
        if remembered is None or time.monotonic() - remembered[1] >= REMEMBERED_SECONDS_MAX:
            return None
        return remembered[0]

    def _row(self, place: InstancePlace) -> InstanceRow:
        with self._archive.database.read() as tx:
            return instance_at(
                tx, place.study_instance_uid, place.series_instance_uid, place.sop_instance_uid
            )

    def _middle(self, study_instance_uid: str, series_instance_uid: str | None) -> InstanceRow:
        with self._archive.database.read() as tx:
            if series_instance_uid is None:
                series = repository_read.list_series_refs(tx, study_instance_uid)
                if not series:
                    raise StudyNotFound("There is no study with that Study Instance UID here.")
                series_instance_uid = series[0][1]
            rows = repository_read.list_instances_of_series(tx, series_instance_uid)
        if not rows or rows[0].study_instance_uid != study_instance_uid:
            raise SeriesNotFound("There is no such series in that study.")
        return rows[len(rows) // 2]

    def _render(self, row: InstanceRow, frame_number: int | None, rendition: Any) -> bytes:
        argument = object_argument(self._archive.object_store, row)
        try:
            picture: bytes = self._sandbox.call(RENDER_FUNCTION, argument, frame_number, rendition)
        except (SandboxCallFailed, SandboxCrashed) as error:
            raise NothingToShow(f"The instance cannot be shown as a picture: {error.message}") from error
        return picture

    def _decoded(self, row: InstanceRow, frame_number: int) -> bytes:
        argument = object_argument(self._archive.object_store, row)
        offset, syntax_uid = row.data_set_offset, row.transfer_syntax_uid
        try:
            (frame,) = self._sandbox.call(DECODE_FUNCTION, argument, offset, syntax_uid, [frame_number])
        except (SandboxCallFailed, SandboxCrashed) as error:
            raise NothingToShow(f"The frame cannot be decoded: {error.message}") from error
        assert isinstance(frame, bytes)
        return frame

    def _remember(self, place: InstancePlace, source: FrameSource) -> None:
        with self._lock:
            replaced = self._sources.pop(place, None)
            if replaced is not None:
                self._remembered_frames -= _weight(replaced[0])
            self._sources[place] = (source, time.monotonic())
            self._remembered_frames += _weight(source)
            while self._remembered_frames > REMEMBERED_FRAMES_MAX and self._sources:
                _, (forgotten, _) = self._sources.popitem(last=False)
                self._remembered_frames -= _weight(forgotten)


def _weight(source: FrameSource) -> int:
    return 10 + (source.index.number_of_frames if source.index.encapsulated else 0)


def _span(index: FrameIndex, frame_number: int) -> FrameSpan:
    try:
        return index.frame(frame_number)
    except IndexError:
        raise FrameNotFound(
            f"There is no frame {frame_number}: the instance has frames 1 to {index.number_of_frames}."
        ) from None
