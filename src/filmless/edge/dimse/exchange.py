"""One request with its data set, as the server sees it: bytes arrive, then one or more responses go out.

`IdentifierExchange` is the base of every service whose request is small and read whole: queries, retrievals,
the N-services. Not here: what the answers are. Start at `Exchange`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

from filmless.edge.dimse.conversation import Conversation
from filmless.edge.dimse.status import UNRECOGNIZED_OPERATION, comment_of, status_of
from filmless.infra import limits
from filmless.infra.errors import FilmlessError, Invalid, OverLimit
from filmless.infra.log import get_logger
from filmless.standards.dicom.data_set import DataSet, decode_data_set, encode_data_set
from filmless.standards.dicom.elements import InflateLimit, MalformedDataSet
from filmless.standards.dicom.upper_layer import BytesLike, CommandSet, PresentationContext

_log = get_logger()


class IdentifierNotUnderstood(Invalid):
    """The data set of the request cannot be read."""


class IdentifierTooLarge(OverLimit):
    """The data set of the request is larger than any honest one."""


@dataclass(frozen=True, slots=True)
class Message:
    """One DIMSE message to send; `data` is its data set, encoded as the presentation context says.

    `more_follows`: another is about to come, and both may go out together.
    """

    command: CommandSet
    data: Iterable[BytesLike] | None = None
    more_follows: bool = False


class Exchange(Protocol):
    """A request under way."""

    def receive(self, data: memoryview) -> None:
        """Take bytes of the data set; the view is valid only during the call. Must not raise."""
        ...

    def finish(self) -> Iterable[Message]:
        """The data set is whole (or there is none): the responses, each sent as it comes, the final one last.

        Raises only what ends the association: AssociationAborted, PeerNotReading.
        """
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

    def finish(self) -> Iterable[Message]:
        """Unrecognized Operation."""
        return (Message(self._request.response(UNRECOGNIZED_OPERATION)),)

    def abandon(self) -> None:
        """Nothing was kept."""


class ReceivedIdentifier:
    """The data set of a small request as it comes in: kept whole up to a limit, then decoded."""

    def __init__(self, context: PresentationContext, bytes_max: int = limits.IDENTIFIER_BYTES_MAX) -> None:
        self._context = context
        self._bytes_max = bytes_max
        self._received = bytearray()
        self._is_too_large = False

    def receive(self, data: memoryview) -> None:
        """Keep the bytes; what is beyond the limit is read and dropped."""
        if len(self._received) + len(data) > self._bytes_max:
            self._is_too_large = True
            self._received.clear()
        elif not self._is_too_large:
            self._received += data

    def decode(self, *, has_data_set: bool) -> DataSet:
        """The data set; raises IdentifierTooLarge, IdentifierNotUnderstood."""
        if self._is_too_large:
            raise IdentifierTooLarge("The data set of the request is too large.")
        if not has_data_set:
            return DataSet()
        try:
            return decode_data_set(
                bytes(self._received),
                self._context.transfer_syntax_uid,
                bytes_max=self._bytes_max,
            )
        except (MalformedDataSet, InflateLimit) as error:
            raise IdentifierNotUnderstood("The data set of the request cannot be read.") from error


class IdentifierExchange:
    """A request whose data set is decoded whole before it is answered; subclasses write `respond`."""

    bytes_max: ClassVar[int] = limits.IDENTIFIER_BYTES_MAX
    """The largest data set that is read; what is decoded takes some ten times as much memory."""

    def __init__(self, conversation: Conversation, request: CommandSet, context: PresentationContext) -> None:
        self.conversation = conversation
        self.request = request
        self.context = context
        self._received = ReceivedIdentifier(context, self.bytes_max)

    def respond(self, identifier: DataSet) -> Iterable[Message]:
        """The responses to the request; may raise any FilmlessError, which becomes the final response."""
        raise NotImplementedError

    def status_of(self, error: BaseException) -> int:
        """The status for an error; a service with codes of its own overrides it."""
        return status_of(error)

    def reply(
        self, status: int, data_set: DataSet | None = None, **values: int | str | Iterable[int]
    ) -> Message:
        """A response to the request; further command elements by their name in `CommandSet`."""
        if data_set is None:
            return Message(self.request.response(status, has_data_set=False, **values))
        data = encode_data_set(data_set, self.context.transfer_syntax_uid)
        return Message(self.request.response(status, has_data_set=True, **values), (data,))

    def receive(self, data: memoryview) -> None:
        """Keep the bytes, up to a limit; what is beyond it is read and dropped."""
        self._received.receive(data)

    def finish(self) -> Iterator[Message]:
        """Decode the data set, give what `respond` gives; an error becomes the final response."""
        try:
            yield from self.respond(self._received.decode(has_data_set=self.request.has_data_set))
        except Exception as error:
            if self.conversation.is_over:
                raise  # Nobody is there to be answered.
            if isinstance(error, FilmlessError):
                _log.info(
                    "request_refused", error=type(error).__name__, status=f"{self.status_of(error):04X}"
                )
            else:
                _log.error("request_failed", exc_info=error)
            yield self.reply(self.status_of(error), error_comment=comment_of(error))

    def abandon(self) -> None:
        """Nothing was kept."""
