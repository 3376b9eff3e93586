"""What peers know of us, and what calling them takes: the few settings and parts that our SCU side needs.

Not here: what SCPs work with (`conversation.Services`). Start at `OurSide.peer`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from filmless.edge.dimse.peers import peer_of
from filmless.edge.dimse.requestor import Peer
from filmless.features.archive import Archive
from filmless.features.nodes import Node
from filmless.infra.settings import Settings
from filmless.infra.tls_files import TLSFiles


@dataclass(frozen=True, slots=True)
class OurSide:
    """Our AE as others see it; `dicom_tls_port` 0: none."""

    archive: Archive
    ae_title: str
    bind: str
    dicom_port: int
    dicom_tls_port: int
    tls: TLSFiles

    @classmethod
    def of(cls, settings: Settings, archive: Archive) -> Self:
        """As the administrator decided."""
        return cls(
            archive,
            settings.ae_title,
            settings.bind,
            settings.dicom_port,
            settings.dicom_tls_port,
            TLSFiles.of(settings),
        )

    def peer(self, node: Node) -> Peer:
        """How to call the node in our name; raises NodeInactive, TLSNotUsable."""
        return peer_of(node, self.ae_title, self.tls)
