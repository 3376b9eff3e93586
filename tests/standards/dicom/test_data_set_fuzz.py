"""Real files with bytes changed, cut out or repeated: nothing but our own error comes out, and soon."""

from __future__ import annotations

import orjson
from dicom_files import DicomFile, all_files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filmless.standards.dicom import transfer_syntaxes
from filmless.standards.dicom.elements import MalformedDataSet, inflate, top_level, walk
from filmless.standards.dicom.frames import FrameLayout, build_frame_index, frame_bytes
from filmless.standards.dicom.header import HeaderScanner, find_pixel_data, scan_header
from filmless.standards.dicom.json_model import dataset_to_json, find_bulk_value
from filmless.standards.dicom.part10 import read_part10_header

BYTES_MAX = 12_000  # Small files mutate more densely; the structures are the same.
SEEDS = [file for file in all_files() if len(file.data_set) <= BYTES_MAX]
SYNTAXES = [
    transfer_syntaxes.IMPLICIT_LE,
    transfer_syntaxes.EXPLICIT_LE,
    transfer_syntaxes.EXPLICIT_BE,
    transfer_syntaxes.JPEG_BASELINE,
    transfer_syntaxes.RLE_LOSSLESS,
    "1.2.3",
]
# Bytes that matter to a parser: lengths, item tags, delimiters, escapes, VRs.
TELLING = [
    b"\xff\xff\xff\xff", b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0", b"\x00\x00\x00\x00",
    b"\x00", b"\xff", b"SQ\x00\x00", b"UN\x00\x00", b"OB\x00\x00", b"\x1b$B", b"\x1b", b"\\",
    b"\xe0\x7f\x10\x00", b"\x08\x00\x05\x00", b"\xff\xff\xff\x7f", b"\x28\x00\x08\x00",
]  # fmt: skip

MUTATION = st.tuples(
    st.integers(0, BYTES_MAX),
    st.sampled_from(["replace", "insert", "delete", "cut"]),
    st.sampled_from(TELLING) | st.binary(min_size=1, max_size=6),
)


def mutated(data: bytes, mutations: list[tuple[int, str, bytes]]) -> bytes:
    changed = bytearray(data)
    for where, how, what in mutations:
        at = where % (len(changed) + 1)
        if how == "replace":
            changed[at : at + len(what)] = what
        elif how == "insert":
            changed[at:at] = what
        elif how == "delete":
            del changed[at : at + len(what)]
        else:
            del changed[max(at, 1) :]
    return bytes(changed)


def exercise(data: bytes, syntax: str) -> None:
    """Everything a stored object goes through."""
    for events in (walk(data, syntax), top_level(data, syntax)):
        try:
            for event in events:
                assert 0 <= event[-2] <= len(data) + 12
        except MalformedDataSet as error:
            stopped_at = error.position
        else:
            stopped_at = len(data)
        assert 0 <= stopped_at <= len(data)
    scan = scan_header(data, syntax)
    assert scan.complete
    scanner = HeaderScanner(syntax)
    for size in (0, len(data) // 2, len(data)):
        scanner.feed(data[:size])
    assert scanner.feed(data, final=True).complete
    made = dataset_to_json(data, syntax, bulk_data_uri="bulk")
    assert isinstance(orjson.loads(made.body), dict)
    find_bulk_value(data, syntax, "00081140/1/00081150")
    position = find_pixel_data(data, syntax)
    if position is not None:
        try:
            index = build_frame_index(data, position, FrameLayout.from_scan(scan), syntax)
        except MalformedDataSet:
            return
        assert len(frame_bytes(data, index.frame(1))) <= len(data)
        assert len(frame_bytes(data, index.frame(index.number_of_frames))) <= len(data)


@settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SEEDS), st.lists(MUTATION, min_size=1, max_size=6), st.sampled_from([None, *SYNTAXES]))
def test_mutated_files_never_crash(
    file: DicomFile, mutations: list[tuple[int, str, bytes]], syntax: str | None
) -> None:
    exercise(mutated(file.data_set, mutations), syntax or file.transfer_syntax_uid)


@settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300), st.sampled_from(SYNTAXES))
def test_random_bytes_never_crash(data: bytes, syntax: str) -> None:
    exercise(data, syntax)


@settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(TELLING) | st.binary(max_size=4), max_size=80), st.sampled_from(SYNTAXES))
def test_telling_bytes_in_any_order_never_crash(parts: list[bytes], syntax: str) -> None:
    exercise(b"\x08\x00\x05\x00CS\x02\x00A " + b"".join(parts), syntax)


@settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SEEDS), st.lists(MUTATION, min_size=1, max_size=6))
def test_mutated_file_heads_give_a_header_or_our_error(
    file: DicomFile, mutations: list[tuple[int, str, bytes]]
) -> None:
    raw = mutated(file.raw[:600], mutations)
    try:
        header = read_part10_header(raw)
    except MalformedDataSet:
        return
    assert 0 <= header.dataset_offset <= len(raw)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_inflating_anything_gives_bytes_or_our_error(data: bytes) -> None:
    try:
        assert len(inflate(data, 10_000, whole=False)) <= 10_000
    except MalformedDataSet as error:
        assert error.problem  # noqa: PT017  Either outcome is right.
