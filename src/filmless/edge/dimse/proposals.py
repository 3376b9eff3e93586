"""Which presentation contexts to propose for what is to be sent, and which one then takes an instance.

Pure. For each SOP class the stored transfer syntaxes are proposed one by one, so that the peer can take each,
and after them what everything that is no video can be turned into. Not here: turning it
(`features/archive/transcoding`), sending it (`sending`). Start at `propose`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from filmless.features.archive import TRANSCODING_TARGETS, choose_syntax
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, IMPLICIT_LE, find_transfer_syntax
from filmless.standards.dicom.upper_layer import PRESENTATION_CONTEXTS_MAX, PresentationContext

Kind = tuple[str, str]
"""SOP class UID and stored transfer syntax UID."""

Proposal = tuple[str, tuple[str, ...]]
"""Abstract syntax UID and transfer syntax UIDs of one presentation context."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What one association proposes, and which kinds of instances it is for."""

    kinds: frozenset[Kind]
    proposals: tuple[Proposal, ...]


def propose(
    kinds: Iterable[Kind], preferred: Sequence[str] = (), contexts_max: int = PRESENTATION_CONTEXTS_MAX
) -> list[Offer]:
    """Offers that together are for all kinds, each with at most `contexts_max` presentation contexts.

    `preferred`: transfer syntaxes that the peer would rather have than what is stored.
    """
    offers: list[Offer] = []
    covered: set[Kind] = set()
    proposals: dict[Proposal, None] = {}
    for kind in sorted(set(kinds)):
        more = [one for one in _proposals_for(kind, preferred) if one not in proposals]
        if len(proposals) + len(more) > contexts_max:
            offers.append(Offer(frozenset(covered), tuple(proposals)))
            covered, proposals = set(), {}
            more = _proposals_for(kind, preferred)
        covered.add(kind)
        proposals.update(dict.fromkeys(more))
    if covered:
        offers.append(Offer(frozenset(covered), tuple(proposals)))
    return offers


def _proposals_for(kind: Kind, preferred: Sequence[str]) -> list[Proposal]:
    sop_class_uid, stored = kind
    syntax = find_transfer_syntax(stored)
    proposed: list[Proposal] = [(sop_class_uid, (stored,))]
    if syntax is None or syntax.video or syntax.referenced:
        return proposed  # It goes as it is, or not at all.
    wanted = (uid for uid in preferred if uid in TRANSCODING_TARGETS)
    for uid in dict.fromkeys((*wanted, EXPLICIT_LE, IMPLICIT_LE)):
        if uid != stored:
            proposed.append((sop_class_uid, (uid,)))
    # For the rare peer that takes only compressed images; it chooses.
    proposed.append((sop_class_uid, TRANSCODING_TARGETS))
    return proposed


class Accepted:
    """What a peer takes: for each SOP class, transfer syntax to presentation context ID."""

    def __init__(self, contexts: Iterable[PresentationContext], preferred: Sequence[str] = ()) -> None:
        """`contexts`: those on which we may send; `preferred`: what the peer would rather have."""
        self._preferred = preferred
        self._by_class: dict[str, dict[str, int]] = {}
        for context in contexts:
            syntaxes = self._by_class.setdefault(context.abstract_syntax_uid, {})
            syntaxes.setdefault(context.transfer_syntax_uid, context.context_id)

    def syntaxes_of(self, sop_class_uid: str) -> Mapping[str, int]:
        """The transfer syntaxes in which the peer takes this class."""
        return self._by_class.get(sop_class_uid, {})

    def choose(self, kind: Kind) -> tuple[int, str] | None:
        """Presentation context ID and transfer syntax for an instance; None when there is no way."""
        syntaxes = self.syntaxes_of(kind[0])
        chosen = choose_syntax(kind[1], syntaxes, self._preferred)
        return None if chosen is None else (syntaxes[chosen], chosen)


def names_of(transfer_syntax_uids: Sequence[str]) -> str:
    """Transfer syntaxes by name, for a comment that a person reads."""
    found = (find_transfer_syntax(uid) for uid in transfer_syntax_uids)
    return ", ".join(syntax.name for syntax in found if syntax) or "none that we know"
