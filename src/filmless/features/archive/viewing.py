"""What a screen asks for, many times a second: frames, bulk values, pictures, thumbnails.

`Viewing` is one for each process: it remembers where the frames of recently seen instances lie, and whose
access is on record. Frames go out as they are stored, read by offset; only what must be decoded goes through
the sandbox. Start at `Viewing.frames`. Not here: whole instances and metadata (`retrieve`).
"""

import threading
import time
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from filmless.features.access import Actor, Permission
from filmless.features.archive import repository_read
from filmless.features.archive.access_log import AccessLog
from filmless.features.archive.errors import StudyNotFound
from filmless.features.archive.frame_positions import get_frame_index
from filmless.features.archive.prepare import make_thumbnail, object_argument, thumbnail_of
from filmless.features.archive.read_errors import (
    BulkDataNotFound,
    FrameNotFound,
    NothingToShow,
    SeriesNotFound,
)
from filmless.features.archive.retrieve import instance_at
from filmless.features.archive.rows import InstanceRow
from filmless.features.archive.stored_object import is_deflated, opened, read_at_once, read_object
from filmless.features.archive.stores import ReadableArchive
from filmless.infra.sandbox import Sandbox, SandboxCallFailed, SandboxCrashed
from filmless.standards.dicom.frames import FrameIndex, FrameSpan, frame_bytes
from filmless.standards.dicom.header import find_pixel_data
from filmless.standards.dicom.json_model import find_bulk_value
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_BE, EXPLICIT_LE, find_transfer_syntax

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
    pieces: list[bytes]


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
        row = source.row
        is_plain = source.index.encapsulated or source.index.native_frame_bits % 8 == 0
        if not is_plain or len(span.fragments) != 1 or span.length > AT_ONCE_BYTES_MAX:
            return None
        if row.transfer_syntax_uid == EXPLICIT_BE or is_deflated(row):
            return None
        return read_at_once(self._archive, row, *span.fragments[0])

    def frames(self, source: FrameSource, frame_numbers: Sequence[int]) -> list[bytes]:
        """The frames with these numbers, counted from 1, in `source.transfer_syntax_uid`.

        Raises FrameNotFound, Unavailable.
        """
        spans = [_span(source.index, number) for number in frame_numbers]
        row = source.row
        if is_deflated(row):
            with opened(self._archive, row) as stored:
                return [_aligned(frame_bytes(stored.data, span), span, source.index) for span in spans]
        if row.transfer_syntax_uid == EXPLICIT_BE:
            return self._little_endian_frames(row, source.index, spans)
        return [_aligned(self._read(row, span), span, source.index) for span in spans]

    def decoded_frames(self, source: FrameSource, frame_numbers: Sequence[int]) -> list[bytes]:
        """The frames decoded to explicit little endian; raises FrameNotFound, NothingToShow, SandboxBusy."""
        for number in frame_numbers:
            _span(source.index, number)
        row = source.row
        argument = object_argument(self._archive.object_store, row)
        try:
            decoded: list[bytes] = self._sandbox.call(
                DECODE_FUNCTION, argument, row.data_set_offset, row.transfer_syntax_uid, list(frame_numbers)
            )
        except (SandboxCallFailed, SandboxCrashed) as error:
            raise NothingToShow(f"The frames cannot be decoded: {error.message}") from error
        return decoded

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
                numbers = range(1, min(source.index.number_of_frames, FRAMES_AT_ONCE_MAX) + 1)
                return BulkData(source.transfer_syntax_uid, True, self.frames(source, numbers))
        self._log.note(actor, row)
        with opened(self._archive, row) as stored:
            found = find_bulk_value(stored.data, stored.transfer_syntax_uid, path, start=stored.start)
            if found is None:
                raise BulkDataNotFound("The instance has no value at that path.")
            value = bytes(memoryview(stored.data)[found.offset : found.offset + found.length])
        if row.transfer_syntax_uid == EXPLICIT_BE:
            value = _swapped(value, _UNIT_OF_VR.get(found.vr, 1))
        return BulkData(EXPLICIT_LE, is_pixel_data, [value])

    # --- Pictures ------------------------------------------------------------------------------------------

    def rendered(self, actor: Actor, place: InstancePlace, frame_number: int | None, rendition: Any) -> bytes:
        """One frame as a picture; `rendition` is a `standards.dicom.rendering.Rendition`.

        None as frame number takes the most telling one. Raises InstanceNotFound, NothingToShow, SandboxBusy.
        """
        actor.must(Permission.STUDIES_READ)
        row = self._row(place)
        self._log.note(actor, row)
        return self._render(row, frame_number, rendition)

    def document(self, actor: Actor, place: InstancePlace) -> tuple[str, bytes] | None:
        """Media type and bytes of what a browser shows as it is: a PDF, a video; None for other instances."""
        actor.must(Permission.STUDIES_READ)
        row = self._row(place)
        if row.sop_class_uid == ENCAPSULATED_PDF_STORAGE:
            value = self.bulk_data(actor, place, "00420011")
            return "application/pdf", value.pieces[0].rstrip(b"\0")
        syntax = find_transfer_syntax(row.transfer_syntax_uid)
        if syntax is None or not syntax.video:
            return None
        is_mpeg2 = "MPEG2" in syntax.name
        video = b"".join(self.bulk_data(actor, place, "7FE00010").pieces)
        return "video/mpeg" if is_mpeg2 else "video/mp4", video

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

    def _read(self, row: InstanceRow, span: FrameSpan) -> bytes:
        if len(span.fragments) == 1:
            offset, length = span.fragments[0]
            return read_object(self._archive, row, offset, length)
        return b"".join(read_object(self._archive, row, offset, length) for offset, length in span.fragments)

    def _little_endian_frames(
        self, row: InstanceRow, index: FrameIndex, spans: Sequence[FrameSpan]
    ) -> list[bytes]:
        """Frames of a big endian data set: a frame of an odd length shares its last word with the next."""
        with opened(self._archive, row) as stored:
            position = find_pixel_data(stored.data, stored.transfer_syntax_uid, start=stored.start)
            if position is None:
                raise FrameNotFound("The instance has no pixel data in which frames can be found.")
            unit = max((row.bits_allocated or 8) // 8, 2 if position.vr == "OW" else 1)
            frames = []
            for span in spans:
                ((offset, length),) = span.fragments
                first = offset - (offset - position.value_offset) % unit
                words = stored.data[first : first + -(-(offset + length - first) // unit) * unit]
                frame = _swapped(words, unit)[offset - first : offset - first + length]
                frames.append(_aligned(frame, span, index))
        return frames

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


_UNIT_OF_VR = {
    "OW": 2,
    "US": 2,
    "SS": 2,
    "OL": 4,
    "OF": 4,
    "UL": 4,
    "SL": 4,
    "FL": 4,
    "AT": 2,
} | dict.fromkeys(("OD", "FD", "OV", "UV", "SV"), 8)


def _weight(source: FrameSource) -> int:
    return 10 + (source.index.number_of_frames if source.index.encapsulated else 0)


def _span(index: FrameIndex, frame_number: int) -> FrameSpan:
    try:
        return index.frame(frame_number)
    except IndexError:
        raise FrameNotFound(
            f"There is no frame {frame_number}: the instance has frames 1 to {index.number_of_frames}."
        ) from None


def _aligned(frame: bytes, span: FrameSpan, index: FrameIndex) -> bytes:
    """A 1-bit frame may begin inside a byte (PS3.5 section 8.1.1); it leaves beginning with its first bit."""
    if index.encapsulated or index.native_frame_bits % 8 == 0:
        return frame
    bits = index.native_frame_bits
    number = int.from_bytes(frame, "little") >> span.first_bit & ((1 << bits) - 1)
    return number.to_bytes((bits + 7) // 8, "little")


def _swapped(value: bytes, unit: int) -> bytes:
    """Big endian to little, `unit` bytes at a time; what does not fill a unit stays."""
    kind = {2: "H", 4: "I", 8: "Q"}.get(unit)
    if kind is None:
        return value
    whole = len(value) // unit * unit
    numbers = array(kind, value[:whole])
    assert numbers.itemsize == unit
    numbers.byteswap()
    return numbers.tobytes() + value[whole:]
