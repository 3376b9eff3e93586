"""What travels about nodes and unknown callers; the rules of `schemas` hold here too."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from filmless.features.nodes import ALL_CAPABILITIES, Capability, RefusalReason, TLSMode

ShortText = Annotated[str, Field(max_length=256, pattern=r"^[^\x00]*$")]
CertificateText = Annotated[str, Field(max_length=100_000, pattern=r"^[^\x00]*$")]
Texts = Annotated[list[ShortText], Field(max_length=64)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NodeIn(_Model):
    """What a node is to be; what is left out is as for a node of three words."""

    host: ShortText
    port: int
    description: ShortText = ""
    capabilities: list[Capability] = Field(default=sorted(ALL_CAPABILITIES))
    is_active: bool = True
    address_must_match: bool = False
    addresses: Texts = []
    tls: TLSMode = TLSMode.OFF
    certificate_pem: CertificateText = ""
    associations_max: int = 1
    preferred_transfer_syntaxes: Texts = []
    commits_on_same_association: bool = False


class NewNodeIn(NodeIn):
    """A node to be registered."""

    ae_title: ShortText


class CertificateOut(_Model):
    """A certificate as administrators compare it; the fingerprint is SHA-256, as AB:CD:…"""

    fingerprint: str
    subject: str
    not_valid_after: datetime


class CertificatesIn(_Model):
    """PEM text as somebody got it from the other side."""

    certificate_pem: CertificateText


class CertificatesOut(_Model):
    """The certificates of the text and nothing else of it, and what to compare them by."""

    certificate_pem: str
    certificates: list[CertificateOut]


class NodeOut(_Model):
    """A node as registered."""

    ae_title: str
    host: str
    port: int
    description: str
    capabilities: list[Capability]
    is_active: bool
    address_must_match: bool
    addresses: list[str]
    tls: TLSMode
    certificate_pem: str
    certificates: list[CertificateOut]
    associations_max: int
    preferred_transfer_syntaxes: list[str]
    commits_on_same_association: bool
    created_at: datetime
    updated_at: datetime


class NodesOut(_Model):
    """All nodes by AE title."""

    nodes: list[NodeOut]


class DestinationOut(_Model):
    """A node that may be sent to."""

    ae_title: str
    description: str


class DestinationsOut(_Model):
    """All nodes that may be sent to, by AE title."""

    destinations: list[DestinationOut]


class ProposedNodeOut(_Model):
    """What to begin with when a caller is to become a node."""

    ae_title: str
    host: str
    port: int


class UnknownCallerOut(_Model):
    """Somebody who was turned away; `proposed_node` is null for one that is registered or has no title."""

    calling_ae_title: str
    address: str
    called_ae_title: str
    reason: RefusalReason
    explanation: str
    certificate_fingerprint: str
    first_seen_at: datetime
    last_seen_at: datetime
    calls: int
    is_registered: bool
    proposed_node: ProposedNodeOut | None


class UnknownCallersOut(_Model):
    """Who was turned away, the latest first."""

    callers: list[UnknownCallerOut]


class OurNodeOut(_Model):
    """What the other side's administrator must know of us; `dicom_tls_port` is null where there is no TLS."""

    ae_title: str
    called_ae_title_must_match: bool
    dicom_host: str
    dicom_port: int
    dicom_tls_port: int | None
    certificate: CertificateOut | None
    certificate_pem: str
