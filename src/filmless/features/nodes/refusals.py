"""Why callers are turned away, and who was, as values. Pure. What becomes of them: `callers`."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from filmless.features.nodes.model import AE_TITLE_CHARACTERS_MAX

ADDRESS_CHARACTERS_MAX = 64  # An IPv6 address with its interface has 55.


class RefusalReason(StrEnum):
    """Why a caller was turned away."""

    UNKNOWN_NODE = "unknown_node"
    NO_CALLING_AE_TITLE = "no_calling_ae_title"
    CALLED_AE_TITLE = "called_ae_title"
    INACTIVE = "inactive"
    ADDRESS = "address"
    TLS_REQUIRED = "tls_required"
    CERTIFICATE = "certificate"
    OUR_CERTIFICATE = "our_certificate"
    TLS_HANDSHAKE = "tls_handshake"

    @property
    def explanation(self) -> str:
        """What it means and what to do, in plain words."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    RefusalReason.UNKNOWN_NODE: "Nobody has registered this AE title. Add the node to let it in.",
    RefusalReason.NO_CALLING_AE_TITLE: "It does not say its AE title. Set one on the device.",
    RefusalReason.CALLED_AE_TITLE: "It calls us by another name. Correct the called AE title on the device.",
    RefusalReason.INACTIVE: "This node is switched off. Switch it on to let it in.",
    RefusalReason.ADDRESS: "It calls from an address that is not the node's. Add it, if it is the node.",
    RefusalReason.TLS_REQUIRED: "This node must call over TLS, and called in clear text.",
    RefusalReason.CERTIFICATE: "Its certificate is not known here, or not the node's, or it showed none.",
    RefusalReason.OUR_CERTIFICATE: "It does not trust our certificate. Give it to the device.",
    RefusalReason.TLS_HANDSHAKE: "No TLS connection: it speaks none that is safe enough.",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One caller turned away; titles as sent, the address without its port, "" for what it did not show."""

    calling_ae_title: str
    address: str
    called_ae_title: str
    reason: RefusalReason
    certificate_fingerprint: str = ""

    def cleaned(self) -> "Refusal":
        """The same, fit for tables, logs and screens: printable ASCII, nothing longer than it may be."""
        return replace(
            self,
            calling_ae_title=_cleaned(self.calling_ae_title, AE_TITLE_CHARACTERS_MAX),
            address=_cleaned(self.address, ADDRESS_CHARACTERS_MAX),
            called_ae_title=_cleaned(self.called_ae_title, AE_TITLE_CHARACTERS_MAX),
        )


@dataclass(frozen=True, slots=True)
class UnknownCaller:
    """Somebody who was turned away: the last refusal, since when, how often."""

    last: Refusal
    first_seen_at: datetime
    last_seen_at: datetime
    calls: int


def _cleaned(text: str, characters_max: int) -> str:
    cut = text.strip(" ")[:characters_max]
    return "".join(character if " " <= character <= "~" else "?" for character in cut)
