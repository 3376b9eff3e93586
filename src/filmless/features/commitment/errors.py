"""Why the commitment feature refuses."""

from filmless.infra.errors import Conflict, Invalid, NotFound


class CommitmentRequestMalformed(Invalid):
    """A request or report without a Transaction UID, without instances, or with a UID that is none."""


class TransactionUnknown(NotFound):
    """A report about a transaction that we never asked for, or asked for too long ago."""


class CommitmentNotFound(NotFound):
    """There is no such request or notice; finished ones are forgotten after a while."""


class NothingToRetry(Conflict):
    """The request or notice is under way or done."""


class SubscriberNotFound(NotFound):
    """This node is not told of available studies."""
