"""DICOM peers as values: who they are, where they live, what they may ask of us. Pure.

Not here: looking names up, connections and certificates of ours (`edge/dimse`). Start at `NewNode`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from types import MappingProxyType
from typing import NewType

from filmless.features.access import Permission
from filmless.features.nodes.certificates import checked_certificates, fingerprints_of
from filmless.infra.errors import Invalid
from filmless.standards.dicom.transfer_syntaxes import find_transfer_syntax

AE_TITLE_CHARACTERS_MAX = 16  # PS3.5 table 6.2-1, AE.
HOST_CHARACTERS_MAX = 253  # RFC 1035 2.3.4, written out with dots.
DESCRIPTION_CHARACTERS_MAX = 256  # A sentence: what it is, where it stands, whom to call.
ADDRESSES_MAX = 32  # A cluster of gateways has some; whole subnets are written as one network.
ASSOCIATIONS_MAX_MAX = 16  # More than this at once gains nothing and brings workstations to their knees.
TRANSFER_SYNTAXES_MAX = 16  # A wish list, best first; a presentation context carries each.

AETitle = NewType("AETitle", str)
"""An Application Entity title that `parse_ae_title` has accepted."""

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%\w+)?")


class Capability(StrEnum):
    """A service of ours that a peer may use."""

    STORE = "store"
    FIND = "find"
    RETRIEVE = "retrieve"
    WORKLIST = "worklist"
    PERFORMED_STEPS = "performed_steps"
    COMMITMENT = "commitment"


class TLSMode(StrEnum):
    """Whether a peer speaks TLS. `off`: we call it in clear text. `on`: we call it over TLS; it may call us
    on either port. `required`: TLS both ways, and it is turned away on the plain port.
    """

    OFF = "off"
    ON = "on"
    REQUIRED = "required"


ALL_CAPABILITIES = frozenset(Capability)

PERMISSION_OF: Mapping[Capability, Permission] = MappingProxyType(
    {
        Capability.STORE: Permission.STUDIES_STORE,
        Capability.FIND: Permission.STUDIES_READ,
        Capability.RETRIEVE: Permission.STUDIES_RETRIEVE,
        Capability.WORKLIST: Permission.WORKLIST_READ,
        Capability.PERFORMED_STEPS: Permission.PERFORMED_STEPS_WRITE,
        Capability.COMMITMENT: Permission.STUDIES_COMMIT,
    }
)
"""What each capability lets a peer's actor do."""


def parse_ae_title(text: str) -> AETitle:
    """The AE title without the spaces around it, which mean nothing (PS3.5 6.2, VR AE).

    Raises Invalid unless 1 to 16 characters of ASCII remain, none of them a control character or a backslash.
    """
    title = text.strip(" ")
    if not 1 <= len(title) <= AE_TITLE_CHARACTERS_MAX:
        raise Invalid(f"An AE title has 1 to {AE_TITLE_CHARACTERS_MAX} characters.")
    if "\\" in title or not all(" " <= character <= "~" for character in title):
        raise Invalid("An AE title has printable ASCII characters only, and no backslash.")
    return AETitle(title)


@dataclass(frozen=True, slots=True)
class NewNode:
    """A peer to be registered, or what a registered one is to become; AE titles are case-sensitive.

    `addresses`: beside `host`, addresses and networks (`192.0.2.0/24`) from which it may call, looked at when
    `address_must_match`. `certificate_pem`: the peer's own certificate; during a renewal the old and the new.
    `associations_max`: at once, when we send to it. `preferred_transfer_syntaxes`: best first; none means as
    stored. `commits_on_same_association`: storage commitment results are reported on the association of the
    request while that is open (PS3.4 J.3.2), not on one of ours.
    """

    ae_title: str
    host: str
    port: int
    description: str = ""
    capabilities: frozenset[Capability] = ALL_CAPABILITIES
    is_active: bool = True
    address_must_match: bool = False
    addresses: tuple[str, ...] = ()
    tls: TLSMode = TLSMode.OFF
    certificate_pem: str = ""
    associations_max: int = 1
    preferred_transfer_syntaxes: tuple[str, ...] = ()
    commits_on_same_association: bool = False

    def checked(self) -> "NewNode":
        """The same in the form that is kept; raises Invalid naming the part that is wrong."""
        host, description = self.host.strip(), self.description.strip()
        if len(host) > HOST_CHARACTERS_MAX or not _HOST.fullmatch(host):
            raise Invalid("The host is neither a host name nor an IP address.")
        if not 1 <= self.port <= 65535:
            raise Invalid("A port is a number from 1 to 65535.")
        if len(description) > DESCRIPTION_CHARACTERS_MAX or (description and not description.isprintable()):
            raise Invalid(f"A description has at most {DESCRIPTION_CHARACTERS_MAX} characters in one line.")
        if not 1 <= self.associations_max <= ASSOCIATIONS_MAX_MAX:
            raise Invalid(f"A node is sent to over 1 to {ASSOCIATIONS_MAX_MAX} associations at once.")
        return replace(
            self,
            ae_title=parse_ae_title(self.ae_title),
            host=host,
            description=description,
            addresses=_checked_addresses(self.addresses),
            certificate_pem=checked_certificates(self.certificate_pem),
            preferred_transfer_syntaxes=_checked_transfer_syntaxes(self.preferred_transfer_syntaxes),
        )


@dataclass(frozen=True, slots=True)
class Node(NewNode):
    """A DICOM peer we know: all that was registered, in its checked form, and since when."""

    ae_title: AETitle
    created_at: datetime = field(kw_only=True)
    updated_at: datetime = field(kw_only=True)

    @property
    def permissions(self) -> frozenset[Permission]:
        """What it may do; nothing while it is switched off."""
        if not self.is_active:
            return frozenset()
        return frozenset(PERMISSION_OF[capability] for capability in self.capabilities)

    @property
    def certificate_fingerprints(self) -> tuple[str, ...]:
        """SHA-256 of the certificates it may show, in hexadecimal; empty: none is bound to it."""
        return fingerprints_of(self.certificate_pem)

    def may_call_from(self, address: str, host_addresses: Collection[str]) -> bool:
        """Whether a call from this IP address can be its own; `host_addresses` are those of its host."""
        if not self.address_must_match:
            return True
        caller = _without_scope(address)
        if caller is None:
            return False
        if any(caller == _without_scope(known) for known in host_addresses):
            return True
        return any(caller in _network(text) for text in self.addresses)


@dataclass(frozen=True, slots=True)
class Destination:
    """A peer as those see it who may send to it but not administer it."""

    ae_title: AETitle
    description: str


def _without_scope(text: str) -> IPv4Address | IPv6Address | None:
    """The address to compare; ::ffff:192.0.2.1 is 192.0.2.1, the interface after % does not count."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text, strict=False)


def _checked_addresses(texts: Collection[str]) -> tuple[str, ...]:
    if len(texts) > ADDRESSES_MAX:
        raise Invalid(
            f"A node calls from at most {ADDRESSES_MAX} more addresses; write a network as 192.0.2.0/24."
        )
    try:
        networks = [_network(text.strip()) for text in texts]
    except ValueError:
        raise Invalid(
            "An address is written as 192.0.2.1 or 2001:db8::1, a network as 192.0.2.0/24."
        ) from None
    return tuple(
        dict.fromkeys(
            str(network.network_address) if network.num_addresses == 1 else str(network)
            for network in networks
        )
    )


def _checked_transfer_syntaxes(uids: Collection[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(uid.strip() for uid in uids))
    if len(found) > TRANSFER_SYNTAXES_MAX:
        raise Invalid(f"A node prefers at most {TRANSFER_SYNTAXES_MAX} transfer syntaxes.")
    if not all(find_transfer_syntax(uid) for uid in found):
        raise Invalid("A transfer syntax is given by its UID, such as 1.2.840.10008.1.2.1.")
    return found
