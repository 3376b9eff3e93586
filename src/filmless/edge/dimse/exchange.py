"""One request with its data set, as the server sees it: bytes arrive, then one response goes out."""

from typing import Protocol

from filmless.edge.dimse.status import UNRECOGNIZED_OPERATION
from filmless.standards.dicom.upper_layer import CommandSet


class Exchange(Protocol):
    """A request under way."""

    def receive(self, data: memoryview) -> None:
        """Take bytes of the data set; the view is valid only during the call. Must not raise."""
        ...

    def finish(self) -> CommandSet:
        """The data set is whole (or there is none): the response to send."""
        ...

    def abandon(self) -> None:
        """The association ended before the data set did."""
        ...


class UnknownOperation:
    """A request that we do not serve: its data set is read and dropped, the answer says so (0211)."""

    def __init__(self, request: CommandSet) -> None:
        self._request = request

    def receive(self, data: memoryview) -> None:
        """Drop the bytes."""

    def finish(self) -> CommandSet:
        """Unrecognized Operation."""
        return self._request.response(UNRECOGNIZED_OPERATION)

    def abandon(self) -> None:
        """Nothing was kept."""
