"""What we answer to an A-ASSOCIATE-RQ (PS3.7 Annex D, PS3.8 7.1.1): contexts, roles, window, identity.

A pure function of the request and a policy. Not here: who may connect at all; the server looks at the AE
titles first and rejects. Start at `negotiate`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from filmless.standards.dicom.uids import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    UID_CHARACTERS_MAX,
)
from filmless.standards.dicom.upper_layer.limits import OFFERED_PDU_BYTES_MAX
from filmless.standards.dicom.upper_layer.pdus import (
    AssociateAccept,
    AssociateRequest,
    ContextResult,
    PresentationContextAnswer,
    PresentationContextProposal,
)
from filmless.standards.dicom.upper_layer.user_information import (
    AsyncWindow,
    ExtendedNegotiation,
    RoleSelection,
    UserIdentity,
    UserInformation,
)


@dataclass(frozen=True, slots=True)
class SyntaxOffer:
    """How we take one abstract syntax.

    transfer_syntax_uids: what we take, best first; empty = whatever the peer proposes first.
    peer_order: take the first proposed one that we know, instead of our best.
    peer_may_be_scp: agree when the requestor proposes to be SCP (it wants C-GET to send it instances).
    sent_syntax_uids: what we can always send; where the requestor is SCP the first of these that it proposes
        is chosen, so that nothing it asks for fails for its syntax.
    """

    transfer_syntax_uids: tuple[str, ...]
    peer_order: bool = False
    peer_may_be_scp: bool = False
    sent_syntax_uids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AcceptorPolicy:
    """What we say yes to. `operations_max` 0 grants an unlimited window; hooks return None for no answer."""

    offer_for: Callable[[str], SyntaxOffer | None]
    implementation_class_uid: str = IMPLEMENTATION_CLASS_UID
    implementation_version_name: str = IMPLEMENTATION_VERSION_NAME
    pdu_bytes_max: int = OFFERED_PDU_BYTES_MAX
    operations_max: int = 1
    answer_extended: Callable[[str, bytes], bytes | None] | None = None
    answer_user_identity: Callable[[UserIdentity], bytes | None] | None = None


@dataclass(frozen=True, slots=True)
class PresentationContext:
    """An accepted presentation context, with the roles of the association requestor."""

    context_id: int
    abstract_syntax_uid: str
    transfer_syntax_uid: str
    requestor_is_scu: bool = True
    requestor_is_scp: bool = False


def negotiate(request: AssociateRequest, policy: AcceptorPolicy) -> AssociateAccept:
    """The A-ASSOCIATE-AC to `request`. It may accept no context at all; that is still an acceptance."""
    offers = {uid: _offer(uid, policy) for uid in {one.abstract_syntax_uid for one in request.contexts}}
    asked = request.user_information
    scp_uids = {role.sop_class_uid for role in asked.roles if role.scp}
    answers = tuple(
        _answer(one, offers[one.abstract_syntax_uid], is_scp=one.abstract_syntax_uid in scp_uids)
        for one in request.contexts
    )
    extended: list[ExtendedNegotiation] = []
    if policy.answer_extended is not None:
        for item in asked.extended:
            answer = policy.answer_extended(item.sop_class_uid, item.information)
            if answer is not None:
                extended.append(ExtendedNegotiation(item.sop_class_uid, answer))
    return AssociateAccept(
        request.called_ae_title,
        request.calling_ae_title,
        answers,
        UserInformation(
            policy.pdu_bytes_max,
            policy.implementation_class_uid,
            policy.implementation_version_name,
            async_window=_window(asked.async_window, policy.operations_max),
            roles=_roles(asked.roles, offers),
            extended=tuple(extended),
            user_identity_answer=_identity_answer(asked.user_identity, policy),
        ),
        request.application_context_name,
    )


def accepted_contexts(request: AssociateRequest, accept: AssociateAccept) -> dict[int, PresentationContext]:
    """The contexts both sides agreed on, by ID.

    Answers to what was never proposed are left out, whether the ID or the transfer syntax is the invention.
    Without a role item the requestor is SCU only (PS3.7 D.3.3.4).
    """
    proposals = {one.context_id: one for one in request.contexts}
    proposed = {role.sop_class_uid: role for role in request.user_information.roles}
    answered = {role.sop_class_uid: role for role in accept.user_information.roles}
    found: dict[int, PresentationContext] = {}
    for answer in accept.contexts:
        proposal = proposals.get(answer.context_id)
        if answer.result != ContextResult.ACCEPTED or proposal is None:
            continue
        if answer.transfer_syntax_uid not in proposal.transfer_syntax_uids:
            continue
        uid = proposal.abstract_syntax_uid
        scu, scp = True, False
        if uid in proposed and uid in answered:
            scu = proposed[uid].scu and answered[uid].scu
            scp = proposed[uid].scp and answered[uid].scp
        found[answer.context_id] = PresentationContext(
            answer.context_id, uid, answer.transfer_syntax_uid, requestor_is_scu=scu, requestor_is_scp=scp
        )
    return found


def _answer(
    proposal: PresentationContextProposal, offer: SyntaxOffer | None, *, is_scp: bool
) -> PresentationContextAnswer:
    proposed = proposal.transfer_syntax_uids
    # The field is not significant when the result is not acceptance, but has to hold something.
    first = proposed[0] if proposed else ""
    if offer is None:
        return PresentationContextAnswer(
            proposal.context_id, ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED, first
        )
    chosen = _chosen(proposed, offer, is_scp=is_scp)
    if chosen is None:
        return PresentationContextAnswer(
            proposal.context_id, ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED, first
        )
    return PresentationContextAnswer(proposal.context_id, ContextResult.ACCEPTED, chosen)


def _chosen(proposed: tuple[str, ...], offer: SyntaxOffer, *, is_scp: bool) -> str | None:
    """The transfer syntax for a presentation context; None when we take none of those proposed."""
    if is_scp and offer.peer_may_be_scp:
        sent = next((uid for uid in proposed if uid in offer.sent_syntax_uids), None)
        if sent is not None:
            return sent
    if not offer.transfer_syntax_uids:
        return proposed[0] if proposed and proposed[0] else None
    if offer.peer_order:
        return next((uid for uid in proposed if uid in offer.transfer_syntax_uids), None)
    return next((uid for uid in offer.transfer_syntax_uids if uid in proposed), None)


def _roles(
    asked: tuple[RoleSelection, ...], offers: dict[str, SyntaxOffer | None]
) -> tuple[RoleSelection, ...]:
    """One answer per class we take and were asked about; silence means default roles (PS3.7 D.3.3.4)."""
    answers: dict[str, RoleSelection] = {}
    for role in asked:
        uid = role.sop_class_uid
        offer = offers.get(uid)
        if offer is not None:
            answers[uid] = RoleSelection(uid, role.scu, role.scp and offer.peer_may_be_scp)
    return tuple(answers.values())


def _offer(abstract_syntax_uid: str, policy: AcceptorPolicy) -> SyntaxOffer | None:
    """The policy's offer, for what can be a UID at all: what we repeat in our answer has to fit its items."""
    if not 0 < len(abstract_syntax_uid) <= UID_CHARACTERS_MAX:
        return None
    return policy.offer_for(abstract_syntax_uid)


def _window(asked: AsyncWindow | None, operations_max: int) -> AsyncWindow | None:
    """Never more than asked, never more than we grant, both ways."""
    if asked is None:
        return None
    return AsyncWindow(
        _smaller(asked.operations_invoked_max, operations_max),
        _smaller(asked.operations_performed_max, operations_max),
    )


def _smaller(asked: int, granted: int) -> int:
    """The smaller of two windows where 0 is unlimited."""
    return min(asked, granted) if asked and granted else asked or granted


def _identity_answer(identity: UserIdentity | None, policy: AcceptorPolicy) -> bytes | None:
    """PS3.7 D.3.3.7.2: only when a positive response was asked for."""
    if identity is None or not identity.positive_response_requested or policy.answer_user_identity is None:
        return None
    return policy.answer_user_identity(identity)
