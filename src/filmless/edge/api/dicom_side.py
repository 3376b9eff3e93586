"""What the JSON interface asks of the DICOM side: searches of other archives, checks of connections.

One wire language never imports another, so the composition root hands the DICOM side in. Not here: fetching
a study, which is a job and needs nobody to be handed in. Start at `dicom_side_of`.
"""

from collections.abc import Iterator
from typing import Protocol

from fastapi import Request

from filmless.features.access import Actor
from filmless.features.archive import RemoteSearch, RemoteSeries, RemoteStudies
from filmless.infra.errors import Unavailable


class ConnectionFinding(Protocol):
    """What one check of a connection has found; `edge/dimse/connection_words` has the words."""

    @property
    def step(self) -> str:
        """Which check."""
        ...

    @property
    def name(self) -> str:
        """Which finding, for programs."""
        ...

    @property
    def state(self) -> str:
        """well, look, ill or skipped."""
        ...

    @property
    def seen(self) -> str:
        """What was seen, in words."""
        ...

    @property
    def advice(self) -> str:
        """What to change on which side; empty when nothing."""
        ...


class DICOMSide(Protocol):
    """`edge/dimse/remote.RemoteArchives`, as far as it is asked."""

    def find_studies(self, actor: Actor, ae_title: str, search: RemoteSearch, limit: int) -> RemoteStudies:
        """The studies of another archive that match."""
        ...

    def find_series(self, actor: Actor, ae_title: str, study_instance_uid: str) -> list[RemoteSeries]:
        """The series of one of them."""
        ...

    def check_connection(
        self, actor: Actor, ae_title: str, *, may_store: bool
    ) -> Iterator[ConnectionFinding]:
        """The findings about a node, as they come."""
        ...


class DICOMSideMissing(Unavailable):
    """This web server was started without its DICOM side."""


def dicom_side_of(request: Request) -> DICOMSide:
    """The DICOM side of this application; raises DICOMSideMissing."""
    side: DICOMSide | None = request.app.state.dicom_side
    if side is None:
        raise DICOMSideMissing("This web server cannot ask other archives.")
    return side
