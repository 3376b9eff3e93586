"""The multipart reader gives the parts whatever the chunks, and refuses what is no such message."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmless.edge.dicomweb.multipart import (
    BOUNDARY,
    PART_HEADER_BYTES_MAX,
    MultipartDamaged,
    MultipartReader,
    content_type_of,
    multipart_body,
)


def source(body: bytes, chunk_bytes: int) -> Callable[[], bytes]:
    position = 0

    def read() -> bytes:
        nonlocal position
        chunk = body[position : position + chunk_bytes]
        position += len(chunk)
        return chunk

    return read


def read(body: bytes, chunk_bytes: int = 1 << 16, boundary: str = "B") -> list[tuple[str, bytes]]:
    reader = MultipartReader(boundary, source(body, chunk_bytes))
    return [(part.content_type, b"".join(part.chunks)) for part in reader.parts()]


@given(
    st.lists(
        st.binary(max_size=200) | st.sampled_from([b"\r\n--", b"--B", b"\r\n--C", b"\r\n\r\n"]), max_size=4
    ),
    st.integers(1, 300),
)
def test_parts_come_out_as_they_went_in_whatever_the_chunks(parts: list[bytes], chunk_bytes: int) -> None:
    if not parts:
        return
    body = multipart_body("application/dicom", parts)

    found = read(body, chunk_bytes, BOUNDARY)

    assert found == [("application/dicom", part) for part in parts]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"--B\r\n\r\nbare\r\n--B--", [("", b"bare")]),
        (b"\r\n--B\r\n\r\nbare\r\n--B--\r\n", [("", b"bare")]),
        (b"for old mail readers\r\n--B  \r\nContent-Type: a/b\r\n\r\nx\r\n--B--ignored", [("a/b", b"x")]),
        (b"--B\r\ncontent-TYPE:a/b\r\nX-Other: 1\r\n\r\n\r\n--B--", [("a/b", b"")]),
        (b"--B\r\n\r\n1\r\n--B\r\n\r\n2\r\n--B--", [("", b"1"), ("", b"2")]),
        (b"--B--\r\n", []),
    ],
)
@pytest.mark.parametrize("chunk_bytes", [1, 7, 1000])
def test_odd_but_lawful_messages_are_read(
    body: bytes, expected: list[tuple[str, bytes]], chunk_bytes: int
) -> None:
    assert read(body, chunk_bytes) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not multipart at all",
        b"--B",
        b"--B\r\n",
        b"--B\r\nContent-Type: a/b",
        b"--B\r\n\r\nhalf a part",
        b"--B\r\n\r\npart\r\n--B",
        b"--Bogus\r\n\r\npart\r\n--Bogus--",
        b"--B\r\n" + b"X" * (2 * PART_HEADER_BYTES_MAX),
    ],
)
def test_a_message_that_breaks_off_or_breaks_the_rules_is_refused(body: bytes) -> None:
    with pytest.raises(MultipartDamaged):
        read(body)


@pytest.mark.parametrize("boundary", ["", "x" * 71, "ümlaut"])
def test_a_boundary_that_none_can_be_is_refused(boundary: str) -> None:
    with pytest.raises(MultipartDamaged):
        MultipartReader(boundary, source(b"", 1))


def test_a_part_that_nobody_reads_is_skipped() -> None:
    body = multipart_body("a/b", [b"first", b"second"])
    parts = MultipartReader(BOUNDARY, source(body, 3)).parts()

    next(parts)

    assert b"".join(next(parts).chunks) == b"second"


def test_memory_stays_at_one_chunk() -> None:
    chunk = bytes(1 << 16)
    chunks = iter([b"--B\r\n\r\n", *[chunk] * 50, b"\r\n--B--"])
    reader = MultipartReader("B", lambda: next(chunks, b""))

    sizes = [len(piece) for part in reader.parts() for piece in part.chunks]

    assert sum(sizes) == 50 * len(chunk)
    assert max(sizes) <= len(chunk) + 16


def test_the_content_type_names_the_boundary_that_is_used() -> None:
    assert content_type_of("image/jphc") == f'multipart/related; type="image/jphc"; boundary={BOUNDARY}'
