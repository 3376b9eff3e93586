"""What is answered to a request, as tables: contexts, roles, window, extended negotiation, identity."""

from __future__ import annotations

import dataclasses

import pytest
from upper_layer_builders import CT_IMAGE, EXPLICIT_LE, IMPLICIT_LE, REQUEST, VERIFICATION

from filmless.standards.dicom.upper_layer import (
    AcceptorPolicy,
    AssociateRequest,
    AsyncWindow,
    ContextResult,
    ExtendedNegotiation,
    PresentationContextProposal,
    RoleSelection,
    SyntaxOffer,
    UserIdentity,
    UserInformation,
    accepted_contexts,
    negotiate,
)
from filmless.standards.dicom.upper_layer.pdus import decode_pdu, encode_pdu

JPEG_2000 = "1.2.840.10008.1.2.4.90"
OURS = SyntaxOffer((EXPLICIT_LE, IMPLICIT_LE))
THEIRS = SyntaxOffer((EXPLICIT_LE, IMPLICIT_LE), peer_order=True)
ANY = SyntaxOffer(())

CONTEXTS: dict[str, tuple[tuple[str, ...], SyntaxOffer | None, ContextResult, str]] = {
    "class unknown": ((IMPLICIT_LE,), None, ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED, IMPLICIT_LE),
    "syntax unknown": ((JPEG_2000,), OURS, ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED, JPEG_2000),
    "our best wins": ((JPEG_2000, IMPLICIT_LE, EXPLICIT_LE), OURS, ContextResult.ACCEPTED, EXPLICIT_LE),
    "our second": ((JPEG_2000, IMPLICIT_LE), OURS, ContextResult.ACCEPTED, IMPLICIT_LE),
    "their first we know": (
        (JPEG_2000, IMPLICIT_LE, EXPLICIT_LE),
        THEIRS,
        ContextResult.ACCEPTED,
        IMPLICIT_LE,
    ),
    "any": ((JPEG_2000, IMPLICIT_LE), ANY, ContextResult.ACCEPTED, JPEG_2000),
    "none proposed": ((), ANY, ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED, ""),
}


def asking(information: UserInformation = UserInformation(0), *syntaxes: str) -> AssociateRequest:
    contexts = (PresentationContextProposal(7, CT_IMAGE, syntaxes or (EXPLICIT_LE,)),)
    return dataclasses.replace(REQUEST, contexts=contexts, user_information=information)


@pytest.mark.parametrize("name", CONTEXTS)
def test_each_context_gets_its_answer(name: str) -> None:
    proposed, offer, result, syntax = CONTEXTS[name]
    request = dataclasses.replace(REQUEST, contexts=(PresentationContextProposal(7, CT_IMAGE, proposed),))
    accept = negotiate(request, AcceptorPolicy(lambda uid: offer))
    (answer,) = accept.contexts
    assert (answer.context_id, answer.result, answer.transfer_syntax_uid) == (7, result, syntax)
    assert bool(accepted_contexts(request, accept)) is (result == ContextResult.ACCEPTED)


def test_the_offer_is_looked_up_by_abstract_syntax() -> None:
    offers = {VERIFICATION: ANY}
    accept = negotiate(REQUEST, AcceptorPolicy(offers.get))
    assert [answer.result for answer in accept.contexts] == [0, 3]


def test_ae_titles_are_returned_as_received() -> None:
    accept = negotiate(REQUEST, AcceptorPolicy(lambda uid: ANY))
    assert (accept.called_ae_title, accept.calling_ae_title) == ("FILMLESS", "CT1")


ROLES: dict[str, tuple[RoleSelection | None, bool, bool, tuple[bool, bool]]] = {
    # proposed, may the peer be SCP, is there an answer, (requestor is SCU, is SCP)
    "no role item": (None, True, False, (True, False)),
    "both, granted": (RoleSelection(CT_IMAGE, True, True), True, True, (True, True)),
    "SCP only, granted": (RoleSelection(CT_IMAGE, False, True), True, True, (False, True)),
    "SCP not granted": (RoleSelection(CT_IMAGE, True, True), False, True, (True, False)),
    "for a class not proposed": (RoleSelection("1.2.3", True, True), True, False, (True, False)),
}


@pytest.mark.parametrize("name", ROLES)
def test_roles_are_granted_as_the_offer_says(name: str) -> None:
    proposed, may_be_scp, answered, expected = ROLES[name]
    request = asking(UserInformation(0, roles=() if proposed is None else (proposed,)))
    accept = negotiate(request, AcceptorPolicy(lambda uid: SyntaxOffer((), peer_may_be_scp=may_be_scp)))
    assert bool(accept.user_information.roles) is answered
    context = accepted_contexts(request, accept)[7]
    assert (context.requestor_is_scu, context.requestor_is_scp) == expected


@pytest.mark.parametrize(
    ("asked", "granted", "expected"),
    [
        (None, 5, None),
        (AsyncWindow(1, 1), 5, AsyncWindow(1, 1)),
        (AsyncWindow(10, 3), 5, AsyncWindow(5, 3)),
        (AsyncWindow(0, 0), 5, AsyncWindow(5, 5)),
        (AsyncWindow(10, 0), 0, AsyncWindow(10, 0)),
    ],
)
def test_the_window_is_the_smaller_one(
    asked: AsyncWindow | None, granted: int, expected: AsyncWindow | None
) -> None:
    request = asking(UserInformation(0, async_window=asked))
    accept = negotiate(request, AcceptorPolicy(lambda uid: ANY, operations_max=granted))
    assert accept.user_information.async_window == expected


def test_extended_negotiation_is_answered_by_the_hook_or_not_at_all() -> None:
    asked = (ExtendedNegotiation(CT_IMAGE, b"\1"), ExtendedNegotiation(VERIFICATION, b"\2"))
    request = asking(UserInformation(0, extended=asked))
    silent = negotiate(request, AcceptorPolicy(lambda uid: ANY))
    assert silent.user_information.extended == ()
    answers = {CT_IMAGE: b"\0"}
    spoken = negotiate(
        request, AcceptorPolicy(lambda uid: ANY, answer_extended=lambda uid, _: answers.get(uid))
    )
    assert spoken.user_information.extended == (ExtendedNegotiation(CT_IMAGE, b"\0"),)


@pytest.mark.parametrize(("wanted", "expected"), [(True, b"server ticket"), (False, None)])
def test_a_user_identity_is_answered_only_when_an_answer_is_wanted(
    wanted: bool, expected: bytes | None
) -> None:
    identity = UserIdentity(3, b"ticket", positive_response_requested=wanted)
    policy = AcceptorPolicy(lambda uid: ANY, answer_user_identity=lambda _: b"server ticket")
    accept = negotiate(asking(UserInformation(0, user_identity=identity)), policy)
    assert accept.user_information.user_identity_answer == expected


def test_a_request_stuffed_with_repeated_items_still_gets_an_answer_that_fits() -> None:
    roles = (RoleSelection(CT_IMAGE, True, True),) * 1900
    request = asking(UserInformation(0, roles=roles))
    accept = negotiate(request, AcceptorPolicy(lambda uid: ANY))
    assert accept.user_information.roles == (RoleSelection(CT_IMAGE, True, False),)
    assert decode_pdu(2, encode_pdu(accept)[6:]) == accept


@pytest.mark.parametrize("uid", ["", "1" * 65, "1" * 60_000])
def test_what_cannot_be_a_uid_is_no_class_of_ours(uid: str) -> None:
    contexts = (PresentationContextProposal(1, uid, (EXPLICIT_LE,)),)
    request = dataclasses.replace(REQUEST, contexts=contexts)
    (answer,) = negotiate(request, AcceptorPolicy(lambda uid: ANY)).contexts
    assert answer.result == ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED


SENT = [
    ("it receives: what we can send", (JPEG_2000, IMPLICIT_LE, EXPLICIT_LE), True, IMPLICIT_LE),
    ("it receives only what we may have", (JPEG_2000,), True, JPEG_2000),
    ("it sends: its own order", (JPEG_2000, IMPLICIT_LE), False, JPEG_2000),
]


@pytest.mark.parametrize(("why", "proposed", "receives", "chosen"), SENT, ids=[row[0] for row in SENT])
def test_who_receives_is_offered_what_we_can_send(
    why: str, proposed: tuple[str, ...], receives: bool, chosen: str
) -> None:
    contexts = (PresentationContextProposal(1, CT_IMAGE, proposed),)
    roles = (RoleSelection(CT_IMAGE, False, True),) if receives else ()
    request = dataclasses.replace(asking(UserInformation(0, roles=roles)), contexts=contexts)
    offer = SyntaxOffer((), peer_may_be_scp=True, sent_syntax_uids=(EXPLICIT_LE, IMPLICIT_LE))
    (answer,) = negotiate(request, AcceptorPolicy(lambda uid: offer)).contexts
    assert answer.transfer_syntax_uid == chosen
