"""Receive an instance: stream it to the object store, then index it, then say so.

One verb behind three doors: C-STORE, STOW and file import. While bytes arrive, nothing is done but write and
hash; the header is read from the first bytes when the data set is whole. Order of a success: fdatasync of the
object, fsync of its folder, commit of the index, answer.
"""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import wait

from blake3 import blake3

from filmless.features.access import Actor, Permission
from filmless.features.archive.archive import Archive
from filmless.features.archive.errors import NotDICOM, QuarantineCause
from filmless.features.archive.header_values import received_instance, scan_object, scan_prefix
from filmless.features.archive.indexing import Submission
from filmless.features.archive.model import ReceiveContext, StoredBytes, StoreOutcome, StoreStatus
from filmless.infra import limits, metrics
from filmless.infra.errors import FilmlessError, Invalid, NotPermitted, OverLimit
from filmless.infra.object_store.base import Buffer
from filmless.standards.dicom import tags
from filmless.standards.dicom.elements import MalformedDataSet, TruncatedDataSet
from filmless.standards.dicom.header import HeaderScan
from filmless.standards.dicom.part10 import FileMeta, read_part10_header, write_part10_header
from filmless.standards.dicom.sop_classes import MEDIA_STORAGE_DIRECTORY, is_storage
from filmless.standards.dicom.uids import is_valid_uid

FIRST_LOOK_BYTES = 16 * limits.KIB  # The header of a CT slice is 2-6 KiB; more is read from the object.
FILE_HEAD_BYTES = 512  # Enough to tell a DICOM file from another: preamble, prefix, first elements.

_STORED, _ALREADY_STORED, _QUARANTINED, _REFUSED = (
    metrics.INSTANCES.labels(outcome) for outcome in ("stored", "already_stored", "quarantined", "refused")
)


class Reception:
    """One instance on its way in. Ends by `finish` or `abandon`."""

    def __init__(self, archive: Archive, actor: Actor, context: ReceiveContext) -> None:
        self._archive = archive
        self._actor = actor
        self._context = context
        header = write_part10_header(
            FileMeta(
                sop_class_uid=context.sop_class_uid,
                sop_instance_uid=context.sop_instance_uid,
                transfer_syntax_uid=context.transfer_syntax_uid,
                source_ae_title=context.source_ae_title,
                receiving_ae_title=context.receiving_ae_title,
            )
        )
        self._data_set_offset = len(header)
        self._unwritten_header: bytes | None = header
        self._hasher = blake3()
        self._unhashed = len(header)  # The digest is of what was sent, without the header that we write.
        self._prefix = b""
        self._writer = archive.object_store.create(self._hash)

    def write(self, buffers: Sequence[Buffer]) -> None:
        """Append bytes of the data set; raises Unavailable (disk full) or OverLimit, then `abandon`."""
        if len(self._prefix) < FIRST_LOOK_BYTES:
            for buffer in buffers:
                self._prefix += bytes(buffer[: FIRST_LOOK_BYTES - len(self._prefix)])
        if self._unwritten_header is not None:
            buffers = (self._unwritten_header, *buffers)
            self._unwritten_header = None
        self._writer.write(buffers)
        if self._writer.size_bytes > limits.INSTANCE_BYTES_MAX:
            raise OverLimit(f"The instance is larger than {limits.INSTANCE_BYTES_MAX} bytes.")

    def finish(self) -> StoreOutcome:
        """Make the instance durable, index it, and return only then.

        Raises an error of `features/archive/errors.py` when the instance was set aside, Unavailable when it
        could not be made durable; then nothing of it is visible and the sender should try again.
        """
        whole_at = time.perf_counter()
        if self._unwritten_header is not None:
            self.write(())
        self._writer.seal()
        stored = StoredBytes(
            self._writer.object_id, self._writer.size_bytes, self._data_set_offset, self._hasher.digest()
        )
        durable = self._archive.syncing.submit(self._writer.sync)
        try:
            whole = len(self._prefix) == stored.object_bytes - stored.data_set_offset
            scan = scan_prefix(self._prefix, self._context.transfer_syntax_uid, final=whole)
            if not self._archive.object_store.syncs_quickly:
                durable.result()  # Not while the index is locked for others.
            if not scan.complete:
                durable.result()  # The rest of the header is read from the object.
                scan = scan_object(self._archive.object_store, stored, self._context.transfer_syntax_uid)
            submission = Submission(self._actor, received_instance(scan, self._context, stored), durable)
        except BaseException:
            wait([durable])
            self._writer.abandon()
            raise
        answer = self._archive.committer.commit(submission)
        if durable.exception() is not None:
            self._writer.abandon()  # Not durable, so not committed either.
        # Otherwise the object stays, whatever the answer: a commit of unknown outcome may have named it.
        metrics.STORE_SECONDS.observe(time.perf_counter() - whole_at)
        if isinstance(answer, FilmlessError):
            (_QUARANTINED if isinstance(answer, QuarantineCause) else _REFUSED).inc()
            raise answer
        (_STORED if answer.status is StoreStatus.STORED else _ALREADY_STORED).inc()
        metrics.RECEIVED_BYTES.inc(self._writer.size_bytes)
        return answer

    def _hash(self, run: memoryview) -> None:
        self._hasher.update(run[self._unhashed :])
        self._unhashed = max(0, self._unhashed - len(run))

    def abandon(self) -> None:
        """Give up: remove what was written. Safe to call at any time before `finish`."""
        self._writer.abandon()


def begin_receive(archive: Archive, actor: Actor, context: ReceiveContext) -> Reception:
    """Begin to receive one instance.

    Raises NotPermitted, Invalid (a UID that is none; a SOP class that is not stored here), Unavailable.
    """
    actor.must(Permission.STUDIES_STORE)
    for uid, name in (
        (context.sop_class_uid, "SOP Class UID"),
        (context.sop_instance_uid, "SOP Instance UID"),
        (context.transfer_syntax_uid, "Transfer Syntax UID"),
    ):
        if not is_valid_uid(uid):
            raise Invalid(f"The {name} is missing or is not a UID.")
    if not archive.accept_unknown_sop_classes and not is_storage(context.sop_class_uid):
        raise NotPermitted(f"Instances of SOP Class {context.sop_class_uid} are not stored here.")
    return Reception(archive, actor, context)


def end_transfers(archive: Archive, actor: Actor) -> None:
    """Say that the sender is done for now; raises NotPermitted, Unavailable.

    Optional for correctness: what is not said is recorded with the sender's next instance.
    """
    actor.must(Permission.STUDIES_STORE)
    archive.committer.end_transfers(actor)


def receive_part10(
    archive: Archive, actor: Actor, source_ae_title: str, chunks: Iterable[Buffer]
) -> StoreOutcome:
    """Receive one DICOM file (PS3.10), streamed; raises NotDICOM, else as `Reception.finish` does."""
    stream = iter(chunks)
    prefix = bytearray()
    context, data_set_offset = _context_of_file(prefix, stream, source_ae_title)
    reception = begin_receive(archive, actor, context)
    try:
        reception.write((memoryview(prefix)[data_set_offset:],))
        for chunk in stream:
            reception.write((chunk,))
    except BaseException:
        reception.abandon()
        raise
    return reception.finish()


def _context_of_file(
    prefix: bytearray, stream: Iterable[Buffer], source_ae_title: str
) -> tuple[ReceiveContext, int]:
    """Read on into `prefix` until the file says what it is; returns that and where its data set begins."""
    ended = False
    while len(prefix) < FILE_HEAD_BYTES and not ended:
        ended = not _read_on(prefix, stream)
    while True:
        try:
            header = read_part10_header(bytes(prefix))
            break
        except TruncatedDataSet as error:
            if ended or len(prefix) > limits.HEADER_BYTES_MAX:
                raise NotDICOM("The file is not DICOM, or breaks off in its first bytes.") from error
            ended = not _read_on(prefix, stream)
        except MalformedDataSet as error:
            raise NotDICOM("The file is not DICOM.") from error
    meta, offset = header.meta, header.dataset_offset
    scan = _scan_file(prefix, offset, stream, meta.transfer_syntax_uid)
    # What the data set says of itself counts; file meta information is written by whoever wrote the file.
    sop_class_uid = scan.text(tags.SOP_CLASS_UID) or meta.sop_class_uid
    sop_instance_uid = scan.text(tags.SOP_INSTANCE_UID) or meta.sop_instance_uid
    if sop_class_uid == MEDIA_STORAGE_DIRECTORY:
        raise NotDICOM("A DICOMDIR lists instances and is none itself. Send the files that it lists.")
    if not is_valid_uid(sop_class_uid) or not is_valid_uid(sop_instance_uid):
        raise NotDICOM("The file has no SOP Class UID and SOP Instance UID: it is not a DICOM instance.")
    return ReceiveContext(sop_class_uid, sop_instance_uid, meta.transfer_syntax_uid, source_ae_title), offset


def _scan_file(
    prefix: bytearray, offset: int, stream: Iterable[Buffer], transfer_syntax_uid: str
) -> HeaderScan:
    """Scan as much of the data set as has been read, reading on until the SOP UIDs have been passed."""
    ended = False
    while True:
        scan = scan_prefix(bytes(memoryview(prefix)[offset:]), transfer_syntax_uid, final=ended)
        if (
            scan.complete
            or scan.text(tags.SOP_INSTANCE_UID)
            or ended
            or len(prefix) > limits.HEADER_BYTES_MAX
        ):
            return scan
        wanted = offset + max(
            scan.needs_bytes, 2 * (len(prefix) - offset)
        )  # Doubling: few looks at long ones.
        while len(prefix) < wanted and not ended:
            ended = not _read_on(prefix, stream)


def _read_on(prefix: bytearray, stream: Iterable[Buffer]) -> bool:
    for chunk in stream:
        prefix += chunk
        return True
    return False
