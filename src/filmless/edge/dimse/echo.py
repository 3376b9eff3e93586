"""C-ECHO SCP (PS3.4 Annex A): we are here, and we speak DICOM."""

from filmless.edge.dimse.status import SUCCESS
from filmless.standards.dicom.upper_layer import CommandSet


class EchoExchange:
    """One C-ECHO."""

    def __init__(self, request: CommandSet) -> None:
        self._request = request

    def receive(self, data: memoryview) -> None:
        """C-ECHO has no data set; bytes of a confused peer are dropped."""

    def finish(self) -> CommandSet:
        """Success."""
        return self._request.response(SUCCESS)

    def abandon(self) -> None:
        """Nothing was kept."""
