"""What was stored comes out: byte for byte, frame for frame, and only to those who may see it."""

import io
from pathlib import Path
from typing import Any

import numpy
import pydicom
import pytest
import sqlalchemy as sa
from pydicom.encaps import generate_frames
from pydicom.uid import UID

from filmless.features.archive import (
    Archive,
    BulkDataNotFound,
    FrameNotFound,
    InstancePlace,
    NothingToShow,
    StoreOutcome,
    Viewing,
    get_instance,
    list_instances,
    part10_chunks,
)
from filmless.infra.database import Database
from filmless.infra.errors import Invalid, NotFound, NotPermitted, Unavailable
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.infra.sandbox import Sandbox
from filmless.standards.dicom.part10 import read_part10_header
from filmless.standards.dicom.rendering import Rendition
from made_instances import NOBODY, READER, made_instance, pydicom_files, store

PLACE = InstancePlace("1.2.3.1", "1.2.3.1.1", "1.2.3.1.1.1")


@pytest.fixture
def archive(sqlite_database: Database, object_store: FolderObjectStore) -> Archive:
    return Archive(sqlite_database, object_store)


@pytest.fixture
def viewing(archive: Archive, sandbox: Sandbox) -> Viewing:
    return Viewing(archive, sandbox)


def data_set_of(file: bytes) -> bytes:
    return file[read_part10_header(file).dataset_offset :]


def stored(archive: Archive, path: Path) -> StoreOutcome | None:
    """Receive the file; None for those of pydicom's files that are no sound instances."""
    try:
        (outcome,) = store(archive, path.read_bytes())
    except Invalid:
        return None
    return outcome


def place_of(outcome: StoreOutcome) -> InstancePlace:
    return InstancePlace(outcome.study_instance_uid, outcome.series_instance_uid, outcome.sop_instance_uid)


@pytest.mark.parametrize("path", pydicom_files())
def test_the_data_set_comes_back_as_it_was_received(archive: Archive, path: Path) -> None:
    outcome = stored(archive, path)
    if outcome is None:
        return  # Refused, so nothing was promised.
    place = place_of(outcome)

    row = get_instance(
        archive, READER, place.study_instance_uid, place.series_instance_uid, place.sop_instance_uid
    )
    file = b"".join(part10_chunks(archive, row))

    assert data_set_of(file) == data_set_of(path.read_bytes())
    assert len(file) == row.object_bytes
    assert read_part10_header(file).meta.sop_instance_uid == place.sop_instance_uid


def expected_frames(path: Path) -> list[bytes]:
    """The frames of a file as pydicom finds them, in little endian."""
    dataset = pydicom.dcmread(path)
    count = int(dataset.get("NumberOfFrames") or 1)
    if UID(dataset.file_meta.TransferSyntaxUID).is_encapsulated:
        return list(generate_frames(dataset.PixelData, number_of_frames=count))
    value = dataset.PixelData
    if not dataset.file_meta.TransferSyntaxUID.is_little_endian and dataset["PixelData"].VR == "OW":
        unit = max(2, dataset.BitsAllocated // 8)
        value = numpy.frombuffer(value, f">u{unit}").astype(f"<u{unit}").tobytes()
    samples = dataset.SamplesPerPixel
    if dataset.PhotometricInterpretation == "YBR_FULL_422":
        samples = 2
    bits = dataset.Rows * dataset.Columns * samples * dataset.BitsAllocated
    if bits % 8:
        number = int.from_bytes(value, "little")
        return [
            (number >> (bits * frame) & ((1 << bits) - 1)).to_bytes((bits + 7) // 8, "little")
            for frame in range(count)
        ]
    return [value[bits // 8 * frame : bits // 8 * (frame + 1)] for frame in range(count)]


@pytest.mark.parametrize("path", pydicom_files())
def test_frames_are_those_that_pydicom_finds(archive: Archive, viewing: Viewing, path: Path) -> None:
    outcome = stored(archive, path)
    if outcome is None:
        return  # Refused, so nothing was promised.
    place = place_of(outcome)
    try:
        expected = expected_frames(path)
    except Exception:  # noqa: BLE001 - pydicom raises whatever it likes where there are no frames to find.
        return
    try:
        source = viewing.source(READER, place)
    except FrameNotFound:
        assert len(expected[0]) == 0 or "PixelData" not in pydicom.dcmread(path, stop_before_pixels=False)
        return

    pieces = viewing.frames(source, range(1, source.index.number_of_frames + 1))
    frames = [piece.read() for piece in pieces]

    for found, wanted in zip(frames, expected, strict=False):
        assert found.rstrip(b"\0") == wanted.rstrip(b"\0")
    assert len(frames) == len(expected)


def test_a_frame_beyond_the_last_is_not_found(archive: Archive, viewing: Viewing) -> None:
    store(archive, made_instance())
    source = viewing.source(READER, PLACE)

    for number in (0, 2, -1, 10**9):
        with pytest.raises(FrameNotFound):
            viewing.frames(source, [number])


def test_an_instance_without_pixels_has_no_frames(archive: Archive, viewing: Viewing) -> None:
    dataset = pydicom.dcmread(io.BytesIO(made_instance()))
    del dataset.PixelData, dataset.Rows, dataset.Columns
    file = io.BytesIO()
    pydicom.dcmwrite(file, dataset)
    store(archive, file.getvalue())

    with pytest.raises(FrameNotFound):
        viewing.source(READER, PLACE)


def test_pixels_shorter_than_declared_are_no_frame(archive: Archive, viewing: Viewing) -> None:
    store(archive, made_instance(Rows=60000, Columns=60000))

    with pytest.raises(FrameNotFound):
        viewing.source(READER, PLACE)


@pytest.mark.parametrize(
    ("name", "syntax"),
    [
        ("JPEG2000.dcm", "1.2.840.10008.1.2.4.91"),
        ("MR_small_RLE.dcm", "1.2.840.10008.1.2.5"),
        ("MR_small_jpeg_ls_lossless.dcm", "1.2.840.10008.1.2.4.80"),
    ],
)
def test_compressed_frames_are_decoded_in_the_sandbox_when_asked(
    archive: Archive, viewing: Viewing, name: str, syntax: str
) -> None:
    path = Path(pydicom.__file__).parent / "data" / "test_files" / name
    outcome = stored(archive, path)
    assert outcome is not None
    source = viewing.source(READER, place_of(outcome))
    assert source.transfer_syntax_uid == syntax

    (piece,) = viewing.decoded_frames(source, [1])
    frame = piece.read()

    row = source.row
    assert len(frame) == (row.rows or 0) * (row.columns or 0) * 2
    if "MR_small" in name:
        plain = pydicom.dcmread(path.with_name("MR_small.dcm"))
        assert frame == plain.PixelData


def test_bulk_values_are_found_by_their_path(archive: Archive, viewing: Viewing) -> None:
    item = pydicom.Dataset()
    item.WaveformBitsAllocated = 16
    item.WaveformData = bytes(range(256)) * 16
    item["WaveformData"].VR = "OW"
    store(archive, made_instance(WaveformSequence=[item]))

    def value_at(path: str) -> bytes:
        (piece,) = viewing.bulk_data(READER, PLACE, path).pieces
        return piece.read()

    assert value_at("54000100/1/54001010") == item.WaveformData
    assert value_at("7FE00010") == numpy.arange(24, dtype="<u2").tobytes()
    for path in ("00091001", "54000100/2/54001010", "../../etc/passwd", "", "7FE00010/1"):
        with pytest.raises(BulkDataNotFound):
            viewing.bulk_data(READER, PLACE, path)


def test_a_preamble_that_makes_the_file_a_program_is_blanked_on_the_way_out(archive: Archive) -> None:
    store(archive, made_instance())
    row = get_instance(archive, READER, *vars_of(PLACE))
    path = archive.object_store.local_path(row.object_id)
    assert path is not None
    with open(path, "r+b") as file:  # As if it had come with it: ingest writes a clean one.
        file.write(b"MZ" + b"\x90" * 126)

    file_out = b"".join(part10_chunks(archive, row))

    assert file_out[:132] == bytes(128) + b"DICM"


def vars_of(place: InstancePlace) -> tuple[str, str, str]:
    return place.study_instance_uid, place.series_instance_uid, place.sop_instance_uid


def test_instances_are_listed_in_order_of_series_and_number(archive: Archive) -> None:
    store(archive, made_instance(2, series=2), made_instance(1, series=2), made_instance(1, series=1))

    of_study = list_instances(archive, READER, "1.2.3.1")
    assert [row.sop_instance_uid for row in of_study] == ["1.2.3.1.1.1", "1.2.3.1.2.1", "1.2.3.1.2.2"]
    of_series = list_instances(archive, READER, "1.2.3.1", "1.2.3.1.2")
    assert [row.sop_instance_uid for row in of_series] == ["1.2.3.1.2.1", "1.2.3.1.2.2"]


@pytest.mark.parametrize("at", range(3))
def test_an_instance_is_only_found_by_all_three_of_its_uids(
    archive: Archive, viewing: Viewing, at: int
) -> None:
    store(archive, made_instance(), made_instance(study=2))
    uids = list(vars_of(PLACE))
    uids[at] = ["1.2.3.2", "1.2.3.2.1", "1.2.3.2.1.1"][at]
    place = InstancePlace(*uids)

    for ask in (
        lambda: get_instance(archive, READER, *uids),
        lambda: viewing.source(READER, place),
        lambda: viewing.bulk_data(READER, place, "7FE00010"),
        lambda: viewing.instance_thumbnail(READER, place),
        lambda: viewing.rendered(READER, place, None, Rendition()),
        lambda: viewing.document(READER, place),
    ):
        with pytest.raises(NotFound):
            ask()


def test_who_may_not_read_gets_nothing(archive: Archive, viewing: Viewing) -> None:
    store(archive, made_instance())
    viewing.source(READER, PLACE)  # Remembered, and still asked for.

    for ask in (
        lambda: get_instance(archive, NOBODY, *vars_of(PLACE)),
        lambda: list_instances(archive, NOBODY, "1.2.3.1"),
        lambda: viewing.source(NOBODY, PLACE),
        lambda: viewing.bulk_data(NOBODY, PLACE, "7FE00010"),
        lambda: viewing.instance_thumbnail(NOBODY, PLACE),
        lambda: viewing.series_thumbnail(NOBODY, "1.2.3.1", "1.2.3.1.1"),
        lambda: viewing.study_thumbnail(NOBODY, "1.2.3.1"),
        lambda: viewing.rendered(NOBODY, PLACE, None, Rendition()),
        lambda: viewing.rendered_of(NOBODY, "1.2.3.1", None, Rendition()),
        lambda: viewing.document(NOBODY, PLACE),
    ):
        with pytest.raises(NotPermitted):
            ask()


def test_pictures_and_thumbnails_are_made_at_every_level(archive: Archive, viewing: Viewing) -> None:
    store(archive, made_instance())
    pictures = [
        viewing.rendered(READER, PLACE, 1, Rendition()),
        viewing.rendered_of(READER, "1.2.3.1", "1.2.3.1.1", Rendition()),
        viewing.rendered_of(READER, "1.2.3.1", None, Rendition()),
        viewing.instance_thumbnail(READER, PLACE),
        viewing.series_thumbnail(READER, "1.2.3.1", "1.2.3.1.1"),
        viewing.study_thumbnail(READER, "1.2.3.1"),
    ]

    assert all(picture.startswith(b"\xff\xd8\xff") for picture in pictures)
    assert viewing.rendered(READER, PLACE, None, Rendition(media_type="image/png")).startswith(b"\x89PNG")


def test_pixels_that_cannot_be_decoded_are_an_error_in_plain_words(
    archive: Archive, viewing: Viewing
) -> None:
    store(archive, made_instance(Rows=60000, Columns=60000))

    with pytest.raises(NothingToShow):
        viewing.rendered(READER, PLACE, None, Rendition())


def test_a_lost_object_is_an_alarm_not_a_not_found(archive: Archive, viewing: Viewing) -> None:
    store(archive, made_instance())
    row = get_instance(archive, READER, *vars_of(PLACE))
    archive.object_store.delete(row.object_id)

    with pytest.raises(Unavailable):
        viewing.source(READER, PLACE)
    with pytest.raises(Unavailable):
        next(part10_chunks(archive, row))


def audited(archive: Archive, event: str) -> list[Any]:
    with archive.database.read() as tx:
        return list(
            tx.execute(
                sa.text("SELECT study_instance_uid, patient_ref FROM audit_records WHERE event = :event"),
                {"event": event},
            )
        )


def test_frames_leave_one_record_for_each_person_and_study_in_five_minutes(
    archive: Archive, viewing: Viewing, clock: Any
) -> None:
    store(archive, made_instance(1), made_instance(2))
    other = InstancePlace("1.2.3.1", "1.2.3.1.1", "1.2.3.1.1.2")

    for _ in range(10):
        viewing.source(READER, PLACE)
        viewing.source(READER, other)
    assert len(audited(archive, "110103")) == 1
    clock.advance(301)
    viewing.source(READER, PLACE)
    records = audited(archive, "110103")
    assert len(records) == 2
    assert {record[0] for record in records} == {"1.2.3.1"}
    assert all(record[1] is not None for record in records)


def test_instances_that_leave_are_on_record_before_they_do(archive: Archive) -> None:
    store(archive, made_instance(1), made_instance(2))
    before = len(audited(archive, "110104"))

    list_instances(archive, READER, "1.2.3.1")

    assert len(audited(archive, "110104")) == before + 1
