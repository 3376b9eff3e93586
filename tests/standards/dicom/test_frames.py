"""Frame indexes beside pydicom's frames, and every way an encoder can cut frames into fragments."""

from __future__ import annotations

import struct
import warnings

import pytest
from dicom_files import DicomFile, all_files, oracle, pydicom_file
from element_bytes import ITEM_HEADER
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.encaps import generate_frames

from filmless.standards.dicom import tags, transfer_syntaxes
from filmless.standards.dicom.elements import MalformedDataSet
from filmless.standards.dicom.frames import FrameIndex, FrameLayout, build_frame_index, frame_bytes
from filmless.standards.dicom.header import PixelDataPosition, find_pixel_data, scan_header

JPEG, J2K, HTJ2K, RLE = (
    transfer_syntaxes.JPEG_BASELINE,
    transfer_syntaxes.JPEG_2000,
    transfer_syntaxes.HTJ2K,
    transfer_syntaxes.RLE_LOSSLESS,
)
WITHOUT_FRAMES = {"MR_truncated.dcm"}


def index_of(file: DicomFile) -> FrameIndex | None:
    position = find_pixel_data(file.data, file.transfer_syntax_uid, start=file.start)
    layout = FrameLayout.from_scan(scan_header(file.data_set, file.transfer_syntax_uid))
    if position is None or layout.rows == 0:
        return None
    return build_frame_index(file.data, position, layout, file.transfer_syntax_uid)


@pytest.mark.parametrize("file", all_files(), ids=lambda file: file.path.name)
def test_frames_are_the_bytes_pydicom_takes_for_them(file: DicomFile) -> None:
    if file.path.name in WITHOUT_FRAMES:
        with pytest.raises(MalformedDataSet, match="shorter than one frame"):
            index_of(file)
        return
    index = index_of(file)
    if index is None:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data_set = oracle(file)
        frames = int(data_set.get("NumberOfFrames") or 1) if file.path.name != "badVR.dcm" else 1
        if index.encapsulated:
            expected = list(generate_frames(data_set.PixelData, number_of_frames=frames))
            found = [frame_bytes(file.data, index.frame(number)) for number in range(1, frames + 1)]
            # pydicom cuts frames to their Extended Offset Table lengths too; both may keep the pad byte.
            assert [frame.rstrip(b"\0") for frame in found] == [frame.rstrip(b"\0") for frame in expected]
        else:
            assert index.number_of_frames == frames
            for number in (1, frames):
                span = index.frame(number)
                start = (number - 1) * index.native_frame_bits // 8
                assert frame_bytes(file.data, span) == data_set.PixelData[start : start + span.length]
    assert FrameIndex.from_bytes(index.to_bytes()).frame(frames) == index.frame(frames)


def item(value: bytes) -> bytes:
    return ITEM_HEADER.pack(0xFFFE, 0xE000, len(value)) + value


DELIMITER = ITEM_HEADER.pack(0xFFFE, 0xE0DD, 0)


def offsets(fragments: list[bytes], firsts: list[int]) -> bytes:
    """A Basic Offset Table pointing at the fragments with these indexes."""
    starts = [sum(8 + len(fragment) for fragment in fragments[:first]) for first in firsts]
    return struct.pack(f"<{len(starts)}I", *starts)


def jpeg(body: bytes) -> bytes:
    return b"\xff\xd8\xff\xe0" + body + b"\xff\xd9"


def j2k(body: bytes) -> bytes:
    return b"\xff\x4f\xff\x51" + body + b"\xff\xd9"


A, B = jpeg(b"aaaaaa"), jpeg(b"bbbb")
CUT_A = [A[:6], A[6:]]
CUT_B = [B[:6], B[6:]]

# (fragments, offset table, transfer syntax, frames declared, frames found, problem)
CASES = {
    "one fragment per frame, no table": ([A, B], b"", JPEG, 2, [A, B], None),
    "one fragment per frame, table": ([A, B], offsets([A, B], [0, 1]), JPEG, 2, [A, B], None),
    "cut frames, table": (CUT_A + CUT_B, offsets(CUT_A + CUT_B, [0, 2]), JPEG, 2, [A, B], None),
    "cut frames, no table, start markers": (CUT_A + CUT_B, b"", JPEG, 2, [A, B], None),
    "cut frames, no table, one frame": ([A[:6], A[6:], b"\0\0"], b"", JPEG, 1, [A + b"\0\0"], None),
    "cut JPEG 2000, no table": (
        [j2k(b"aaaa")[:6], j2k(b"aaaa")[6:], j2k(b"bb")], b"", J2K, 2, [j2k(b"aaaa"), j2k(b"bb")], None,
    ),
    "cut HTJ2K, no table": (
        [j2k(b"aaaa")[:6], j2k(b"aaaa")[6:], j2k(b"bb")], b"", HTJ2K, 2, [j2k(b"aaaa"), j2k(b"bb")], None,
    ),
    "unknown codec, equal cuts": (
        [b"a1", b"a2", b"b1", b"b2"], b"", "1.2.3", 2, [b"a1a2", b"b1b2"], None,
    ),
    "end markers only": ([b"xx", b"y\xff\xd9", b"zz", b"zz", b"z\xff\xd9"], b"", "1.2.3", 2,
                         [b"xxy\xff\xd9", b"zzzzz\xff\xd9"], None),
    "RLE, never joined": ([b"r" * 64, b"s" * 64], b"", RLE, 1, [b"r" * 64, b"s" * 64], "2 are there"),
    "table with a wrong number": ([A, B], offsets([A, B], [0]), JPEG, 2, [A, B], "one entry per frame"),
    "table beside the fragments": ([A, B], struct.pack("<2I", 0, 5), JPEG, 2, [A, B], "points beside"),
    "table counted from the table": ([A, B], struct.pack("<2I", 16, 40), JPEG, 2, [A, B], "points beside"),
    "too few frames": ([A], b"", JPEG, 3, [A], "3 frames, 1 are there"),
    "video, one stream": ([b"m1", b"m2"], b"", "1.2.840.10008.1.2.4.102", 300, [b"m1m2"], None),
}  # fmt: skip


def layout(frames: int) -> FrameLayout:
    return FrameLayout(rows=2, columns=2, number_of_frames=frames, samples_per_pixel=1, bits_allocated=8)


@pytest.mark.parametrize("what", CASES)
def test_encapsulated_frames(what: str) -> None:
    fragments, table, syntax, declared, expected, problem = CASES[what]
    data = b"head" + item(table) + b"".join(map(item, fragments)) + DELIMITER
    index = build_frame_index(
        data, PixelDataPosition(tags.PIXEL_DATA, "OB", 4, None), layout(declared), syntax
    )
    found = [frame_bytes(data, index.frame(number)) for number in range(1, index.number_of_frames + 1)]
    assert found == expected
    assert [problem] == [problem] if problem is None else any(problem in told for told in index.problems)
    assert problem is not None or index.problems == ()


def test_the_extended_offset_table_is_followed() -> None:
    starts, lengths = struct.pack("<2Q", 0, 8 + len(A)), struct.pack("<2Q", len(A), len(B) - 1)
    data = starts + lengths + item(b"") + item(A) + item(B) + DELIMITER
    position = PixelDataPosition(tags.PIXEL_DATA, "OB", 32, None, (0, 16), (16, 16))
    index = build_frame_index(data, position, layout(2), JPEG)
    assert [frame_bytes(data, index.frame(number)) for number in (1, 2)] == [A, B[:-1]]
    wrong = build_frame_index(struct.pack("<2Q", 0, 3) + data[16:], position, layout(2), JPEG)
    assert [frame_bytes(data, wrong.frame(number)) for number in (1, 2)] == [A, B]
    assert "Extended Offset Table" in wrong.problems[0]


@pytest.mark.parametrize(
    ("tail", "problem"),
    [
        (item(A) + item(B)[:-3], "cut short"),
        (item(A) + item(B), "no closing delimiter"),
        (item(A) + item(B) + b"\x10\0\x20\0\1\0\0\0", "not a fragment"),
    ],
)
def test_damaged_ends_are_told(tail: bytes, problem: str) -> None:
    data = item(b"") + tail
    index = build_frame_index(data, PixelDataPosition(tags.PIXEL_DATA, "OB", 0, None), layout(2), JPEG)
    assert any(problem in told for told in index.problems)
    assert frame_bytes(data, index.frame(1)) == A


@pytest.mark.parametrize("data", [b"", item(b""), item(b"") + DELIMITER, DELIMITER, b"\xff" * 20])
def test_no_frame_at_all_is_an_error(data: bytes) -> None:
    with pytest.raises(MalformedDataSet):
        build_frame_index(data, PixelDataPosition(tags.PIXEL_DATA, "OB", 0, None), layout(1), JPEG)


class TestNative:
    def index(self, size: int, **changes: int | str) -> FrameIndex:
        described = {
            "rows": 3,
            "columns": 3,
            "number_of_frames": 2,
            "samples_per_pixel": 1,
            "bits_allocated": 8,
        }
        native = FrameLayout(**(described | changes))  # type: ignore[arg-type]
        position = PixelDataPosition(tags.PIXEL_DATA, "OW", 10, size)
        return build_frame_index(bytes(10 + size), position, native, transfer_syntaxes.EXPLICIT_LE)

    def test_odd_frames_follow_each_other_without_padding(self) -> None:
        index = self.index(18)
        assert [index.frame(number).fragments for number in (1, 2)] == [((10, 9),), ((19, 9),)]
        assert index.problems == ()

    def test_one_bit_frames_may_begin_inside_a_byte(self) -> None:
        index = self.index(4, number_of_frames=3, bits_allocated=1)
        spans = [index.frame(number) for number in (1, 2, 3)]
        assert [(span.fragments[0], span.first_bit) for span in spans] == [
            ((10, 2), 0),
            ((11, 2), 1),
            ((12, 2), 2),
        ]

    def test_half_chrominance_takes_two_bytes_a_pixel(self) -> None:
        index = self.index(
            32,
            rows=4,
            columns=4,
            number_of_frames=1,
            samples_per_pixel=3,
            photometric_interpretation="YBR_FULL_422",
        )
        assert index.frame(1).length == 32

    @pytest.mark.parametrize(
        ("size", "frames", "problem"),
        [
            (17, 1, "2 frames, 1 are there"),
            (18, 2, None),
            (19, 2, None),
            (40, 2, "longer than its frames"),
        ],
    )
    def test_declared_and_real_length_are_compared(self, size: int, frames: int, problem: str | None) -> None:
        index = self.index(size)
        assert index.number_of_frames == frames
        assert problem is None or problem in index.problems[0]

    @pytest.mark.parametrize(
        "changes", [{"rows": 0}, {"columns": 65535, "rows": 65535}, {"number_of_frames": 10**9}]
    )
    def test_impossible_layouts_are_refused(self, changes: dict[str, int]) -> None:
        with pytest.raises(MalformedDataSet):
            self.index(18, **changes)


def test_frame_numbers_count_from_one() -> None:
    index = FrameIndex.native(0, 8, 2)
    for number in (0, 3, -1):
        with pytest.raises(IndexError, match="frames are 1 to 2"):
            index.frame(number)


def test_a_shifted_index_counts_from_the_file() -> None:
    file = pydicom_file("MR_small_RLE.dcm")
    inside = scan_header(file.data_set, file.transfer_syntax_uid)
    assert inside.pixel_data is not None
    made = build_frame_index(
        file.data_set, inside.pixel_data, FrameLayout.from_scan(inside), file.transfer_syntax_uid
    )
    assert made.shifted(file.start).spans == index_of(file).spans  # type: ignore[union-attr]


class TestStoredForm:
    def test_is_small(self) -> None:
        fragments = [(20_000 * number, 19_990) for number in range(1000)]
        stored = FrameIndex.encapsulated_of([[fragment] for fragment in fragments], []).to_bytes()
        assert len(stored) < 6 * 1000
        assert FrameIndex.from_bytes(stored).frame(1000).fragments == (fragments[-1],)

    @settings(deadline=None)
    @given(st.binary(max_size=60))
    def test_damage_gives_its_own_error(self, raw: bytes) -> None:
        for stored in (raw, b"\1\0" + raw, b"\1\1" + raw):
            try:
                FrameIndex.from_bytes(stored)
            except ValueError as error:
                assert "build it again" in str(error)  # noqa: PT017  Either outcome is right.
