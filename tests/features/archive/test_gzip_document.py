"""Text that is joined while compressed must decompress to the texts joined."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmless.features.archive.gzip_document import Deflated, deflate, gzip_member, joined


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_parts_joined_while_compressed_decompress_to_their_texts_joined(texts: list[bytes]) -> None:
    document = joined(deflate(text) for text in texts)
    kept = Deflated.from_bytes(document.to_bytes())

    assert gzip.decompress(gzip_member(kept)) == b"".join(texts)
    assert kept.length == sum(map(len, texts))


@pytest.mark.parametrize("size", [0, 1, 65_535, 3_000_000])
def test_size_does_not_matter(size: int) -> None:
    text = bytes(range(256)) * (size // 256 + 1)
    document = joined([deflate(text[:size]), deflate(b","), deflate(text[:size])])

    assert gzip.decompress(gzip_member(document)) == text[:size] + b"," + text[:size]


def test_documents_joined_may_be_joined_again() -> None:
    inner = joined([deflate(b"a" * 1000), deflate(b"b" * 1000)])

    whole = joined([deflate(b"["), inner, deflate(b","), inner, deflate(b"]")])

    expected = b"[" + b"a" * 1000 + b"b" * 1000 + b"," + b"a" * 1000 + b"b" * 1000 + b"]"
    assert gzip.decompress(gzip_member(whole)) == expected
