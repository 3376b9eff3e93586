"""Control PDUs: bytes of real software, every sub-item both ways, and the oddities of devices."""

from __future__ import annotations

import dataclasses
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upper_layer_builders import ACCEPT, CT_IMAGE, EXPLICIT_LE, REQUEST, RQ_BYTES

from filmless.standards.dicom.upper_layer import (
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    AsyncWindow,
    CommonExtendedNegotiation,
    ExtendedNegotiation,
    PresentationContextAnswer,
    PresentationContextProposal,
    ProtocolError,
    RoleSelection,
    UserIdentity,
    UserInformation,
)
from filmless.standards.dicom.upper_layer.pdus import (
    Abort,
    ControlPDU,
    ReleaseReply,
    ReleaseRequest,
    decode_ae_title,
    decode_pdu,
    encode_ae_title,
    encode_pdu,
)

# A-ASSOCIATE-RQ as DCMTK's echoscu sends it.
ECHOSCU_RQ = bytes.fromhex(
    "0100000000cd00010000414e592d534350202020202020202020"
    "4543484f534355202020202020202020" + "00" * 32 + "10000015312e322e3834302e31303030382e332e312e312e31"
    "2000002e0100000030000011312e322e3834302e31303030382e312e31"
    "40000011312e322e3834302e31303030382e312e32"
    "5000003a5100000400004000" + "5200001b312e322e3237362e302e373233303031302e332e302e332e362e30"
    "5500000f4f464649535f44434d544b5f333630"
)

EVERYTHING = UserInformation(
    pdu_bytes_max=16384,
    implementation_class_uid="1.2.3.4",
    implementation_version_name="VERSION_1",
    async_window=AsyncWindow(5, 0),
    roles=(RoleSelection(CT_IMAGE, True, False), RoleSelection("1.2.840.10008.5.1.4.1.1.4", False, True)),
    extended=(ExtendedNegotiation(CT_IMAGE, b"\x02\x00\x03\x00\x01\x00"), ExtendedNegotiation("1.2", b"")),
    common_extended=(
        CommonExtendedNegotiation("1.2.3", "1.2.840.10008.4.2", ("1.2.3.4", "1.2.3.5")),
        CommonExtendedNegotiation("1.2.4", "1.2.840.10008.4.2"),
    ),
    user_identity=UserIdentity(2, b"operator", b"secret", positive_response_requested=True),
    user_identity_answer=b"ticket",
)


def decoded(wire: bytes) -> ControlPDU:
    assert int.from_bytes(wire[2:6], "big") == len(wire) - 6
    return decode_pdu(wire[0], wire[6:])


def test_the_request_of_echoscu_is_read() -> None:
    request = decoded(ECHOSCU_RQ)
    assert request == AssociateRequest(
        "ANY-SCP",
        "ECHOSCU",
        (PresentationContextProposal(1, "1.2.840.10008.1.1", ("1.2.840.10008.1.2",)),),
        UserInformation(16384, "1.2.276.0.7230010.3.0.3.6.0", "OFFIS_DCMTK_360"),
    )
    assert encode_pdu(request) == ECHOSCU_RQ


CANNED = {
    "A-ASSOCIATE-RJ": (AssociateReject(2, 3, 1), "03000000000400020301"),
    "A-RELEASE-RQ": (ReleaseRequest(), "05000000000400000000"),
    "A-RELEASE-RP": (ReleaseReply(), "06000000000400000000"),
    "A-ABORT": (Abort(2, 6), "07000000000400000206"),
}


@pytest.mark.parametrize("name", CANNED)
def test_short_pdus_are_these_bytes(name: str) -> None:
    pdu, wire = CANNED[name]
    assert encode_pdu(pdu) == bytes.fromhex(wire)
    assert decoded(bytes.fromhex(wire)) == pdu


@pytest.mark.parametrize("base", [REQUEST, ACCEPT], ids=["request", "accept"])
def test_every_sub_item_survives_the_wire(base: AssociateRequest | AssociateAccept) -> None:
    pdu = dataclasses.replace(base, user_information=EVERYTHING)
    assert decoded(encode_pdu(pdu)) == pdu


def test_pdus_of_pynetdicom_survive_a_round_trip() -> None:
    items = pytest.importorskip("pynetdicom.tests.encoded_pdu_items")
    names = [name for name in dir(items) if name.startswith(("a_associate", "a_release", "a_abort"))]
    assert names
    for name in names:
        wire = getattr(items, name)  # One of them states a wrong length; what follows its header is right.
        pdu = decode_pdu(wire[0], wire[6:])
        assert decoded(encode_pdu(pdu)) == pdu, name


TITLES = {
    "padded with spaces": (b"CT1             ", "CT1"),
    "leading spaces": (b"   CT1          ", "CT1"),
    "padded with NUL": (b"CT1" + bytes(13), "CT1"),
    "NUL then rubbish": (b"CT1\0\xff\xfe\xfd" + bytes(9), "CT1"),
    "inner space": (b"CT ROOM 1       ", "CT ROOM 1"),
    "empty": (b" " * 16, ""),
}


@pytest.mark.parametrize("name", TITLES)
def test_ae_titles_lose_their_padding(name: str) -> None:
    raw, title = TITLES[name]
    assert decode_ae_title(raw) == title


def test_an_ae_title_of_17_characters_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ValueError, match="16 is the most"):
        encode_ae_title("A" * 17)


def test_uids_padded_like_data_elements_are_understood() -> None:
    padded = dataclasses.replace(
        REQUEST, contexts=(PresentationContextProposal(1, CT_IMAGE + "\0", (EXPLICIT_LE + "\0", "1.2 ")),)
    )
    request = decoded(encode_pdu(padded))
    assert isinstance(request, AssociateRequest)
    assert request.contexts == (PresentationContextProposal(1, CT_IMAGE, (EXPLICIT_LE, "1.2")),)


def test_unknown_items_and_sub_items_are_skipped() -> None:
    unknown = b"\x7f\x00\x00\x03abc"
    wire = encode_pdu(dataclasses.replace(REQUEST, user_information=UserInformation(0)))
    # The user information item is last and holds only sub-items 51H and 52H.
    head, information = wire[:-16], wire[-16:]
    information = information[:2] + (12 + len(unknown)).to_bytes(2, "big") + unknown + information[4:]
    assert decode_pdu(1, head[6:] + unknown + information) == decoded(wire)


def test_a_rejected_context_may_come_without_its_transfer_syntax() -> None:
    answer = dataclasses.replace(ACCEPT, contexts=(PresentationContextAnswer(1, 3, ""),))
    wire = bytearray(encode_pdu(answer))
    assert decode_pdu(2, bytes(wire[6:])) == answer


def test_a_kerberos_identity_may_leave_out_the_secondary_field() -> None:
    sub_item = b"\x58\x00\x00\x0a\x03\x01\x00\x06ticket"
    wire = encode_pdu(dataclasses.replace(REQUEST, user_information=UserInformation(0)))
    information = b"\x50\x00" + len(sub_item).to_bytes(2, "big") + sub_item
    request = decode_pdu(1, wire[6:-16] + information)
    assert isinstance(request, AssociateRequest)
    assert request.user_information.user_identity == UserIdentity(3, b"ticket", b"", True)


def test_secrets_stay_out_of_repr() -> None:
    text = repr(dataclasses.replace(REQUEST, user_information=EVERYTHING))
    assert "operator" not in text
    assert "secret" not in text
    assert "ticket" not in text


def many_contexts(ids: list[int]) -> AssociateRequest:
    contexts = tuple(PresentationContextProposal(number, CT_IMAGE, (EXPLICIT_LE,)) for number in ids)
    return dataclasses.replace(REQUEST, contexts=contexts)


def test_128_contexts_are_taken() -> None:
    request = many_contexts(list(range(1, 256, 2)))
    assert decoded(encode_pdu(request)) == request


@pytest.mark.parametrize("ids", [[*range(1, 256, 2), 1], [2], [0], [1, 1]])
def test_context_ids_are_odd_unique_and_at_most_128(ids: list[int]) -> None:
    with pytest.raises(ProtocolError, match="context"):
        decoded(encode_pdu(many_contexts(ids)))


@pytest.mark.parametrize("length", range(0, len(RQ_BYTES) - 6, 7))
def test_a_request_cut_short_is_read_or_refused_but_nothing_else(length: int) -> None:
    with suppress(ProtocolError):
        decode_pdu(1, RQ_BYTES[6 : 6 + length])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 8), st.binary(max_size=400))
def test_random_bodies_are_read_or_refused_but_nothing_else(pdu_type: int, body: bytes) -> None:
    with suppress(ProtocolError):
        decode_pdu(pdu_type, body)
