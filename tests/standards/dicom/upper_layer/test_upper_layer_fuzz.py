"""Anything a peer may send: never a crash, never beyond the limits, the same whatever the chunking."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from upper_layer_builders import (
    ABORT_BYTES,
    AC_BYTES,
    ECHO_BYTES,
    RELEASE_RP_BYTES,
    RELEASE_RQ_BYTES,
    RJ_BYTES,
    RQ_BYTES,
    STORE,
    acceptor,
    conversation,
    established_requestor,
    message_bytes,
    told,
)

from filmless.standards.dicom.upper_layer import Limits, State

STORE_BYTES = message_bytes(3, STORE, [bytes(range(256)) * 3], 200)
PARTS = [
    RQ_BYTES,
    ECHO_BYTES,
    STORE_BYTES,
    RELEASE_RQ_BYTES,
    RELEASE_RP_BYTES,
    ABORT_BYTES,
    AC_BYTES,
    RJ_BYTES,
    b"\x04\0\0\0\0\x08",
    b"\x01\0\0\x0f\xff\xff",
]

TIGHT = Limits(control_pdu_bytes_max=2_000, command_set_bytes_max=1_000)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """PDUs in any order, mostly after a valid request, with a few bytes changed, lost or added."""
    parts = draw(st.lists(st.sampled_from(PARTS), max_size=6))
    if draw(st.booleans()):
        parts.insert(0, RQ_BYTES)
    wire = bytearray(b"".join(parts))
    for _ in range(draw(st.integers(0, 3))):
        if not wire:
            break
        position = draw(st.integers(0, len(wire) - 1))
        kind = draw(st.sampled_from(["change", "lose", "add", "cut"]))
        if kind == "change":
            wire[position] = draw(st.integers(0, 255))
        elif kind == "lose":
            del wire[position : position + draw(st.integers(1, 8))]
        elif kind == "add":
            wire[position:position] = draw(st.binary(min_size=1, max_size=8))
        else:
            del wire[position:]
    return bytes(wire)


@st.composite
def chunked(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    wire = draw(st.one_of(streams(), st.binary(max_size=300)))
    cuts = sorted(draw(st.lists(st.integers(0, len(wire)), max_size=12)))
    edges = [0, *cuts, len(wire)]
    return wire, [wire[start:stop] for start, stop in pairwise(edges)]


@settings(max_examples=200, deadline=None)
@given(chunked())
def test_the_acceptor_tells_and_answers_the_same_whatever_the_chunking(
    case: tuple[bytes, list[bytes]],
) -> None:
    wire, chunks = case
    assert conversation(acceptor(TIGHT), chunks) == conversation(acceptor(TIGHT), [wire])


@settings(max_examples=60, deadline=None)
@given(streams())
def test_byte_by_byte_is_the_same_as_at_once(wire: bytes) -> None:
    single = [wire[index : index + 1] for index in range(len(wire))]
    assert conversation(acceptor(TIGHT), single) == conversation(acceptor(TIGHT), [wire])


@settings(max_examples=120, deadline=None)
@given(chunked())
def test_nothing_is_kept_beyond_the_limits(case: tuple[bytes, list[bytes]]) -> None:
    _, chunks = case
    association = acceptor(TIGHT)
    conversation(association, chunks)
    assert len(association._partial) <= TIGHT.control_pdu_bytes_max + 6
    assert len(association._reader._command) <= TIGHT.command_set_bytes_max
    assert len(association._reader._header) <= 6


@settings(max_examples=120, deadline=None)
@given(st.one_of(streams(), st.binary(max_size=300)))
def test_the_requestor_survives_a_lying_peer(wire: bytes) -> None:
    association = established_requestor()
    told(association, wire)
    assert association.state in State
    association.connection_lost()
    assert association.must_close or association.state is State.STA1
