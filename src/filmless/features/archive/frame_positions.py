"""Where each frame of an instance lies in its object; found once, kept in the index."""

from filmless.features.archive import repository_read
from filmless.features.archive.read_errors import FrameNotFound
from filmless.features.archive.rows import InstanceRow
from filmless.features.archive.stored_object import OpenedObject, is_deflated, opened
from filmless.features.archive.stores import ReadableArchive
from filmless.infra import limits
from filmless.standards.dicom.elements import Buffer, MalformedDataSet
from filmless.standards.dicom.frames import FrameIndex, FrameLayout, build_frame_index
from filmless.standards.dicom.header import HeaderScan, PixelDataPosition, find_pixel_data, scan_header


def index_frames(stored: OpenedObject) -> FrameIndex | None:
    """The frames of an opened object, counted from `stored.data[0]`; None when it has none to be found."""
    position, scan = find_pixels(stored.data, stored.start, stored.transfer_syntax_uid)
    if position is None:
        return None
    try:
        layout = FrameLayout.from_scan(scan)
        return build_frame_index(stored.data, position, layout, stored.transfer_syntax_uid)
    except MalformedDataSet:
        return None


def get_frame_index(archive: ReadableArchive, row: InstanceRow) -> FrameIndex:
    """The frames of the instance, from the index or else from the object; raises FrameNotFound for none.

    Those of a deflated data set count from the start of what it inflates to, and are not kept.
    """
    with archive.database.read() as tx:
        saved = repository_read.get_frame_index(tx, row.ref)
    if saved is not None:
        return FrameIndex.from_bytes(saved)
    with opened(archive, row) as stored:
        index = index_frames(stored)
    if index is None:
        raise FrameNotFound("The instance has no pixel data in which frames can be found.")
    if not is_deflated(row):
        with archive.database.transaction() as tx:
            repository_read.save_frame_indexes(tx, [(row.ref, index.to_bytes())])
    return index


def find_pixels(
    data: Buffer, start: int, transfer_syntax_uid: str
) -> tuple[PixelDataPosition | None, HeaderScan]:
    """Where the pixel data of the data set at `start` lies, counted from `data[0]`, and its header."""
    whole = memoryview(data)
    view = whole[start : start + limits.PART10_PREFIX_BYTES]
    scan = scan_header(view, transfer_syntax_uid, final=False)
    while not scan.complete and len(view) < len(whole) - start:
        wanted = min(max(scan.needs_bytes, 4 * len(view)), limits.HEADER_BYTES_MAX)
        if wanted <= len(view):
            break
        view = whole[start : start + wanted]
        scan = scan_header(view, transfer_syntax_uid, final=False)
    if not scan.complete:
        scan = scan_header(view, transfer_syntax_uid, final=True)
    if scan.pixel_data is not None:
        return scan.pixel_data.shifted(start), scan
    return find_pixel_data(data, transfer_syntax_uid, start=start), scan
