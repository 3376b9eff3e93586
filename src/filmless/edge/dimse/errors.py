"""How an association can fail, each a kind of `infra/errors.py`. Messages name peers, never patients."""

from __future__ import annotations

from filmless.infra.errors import Invalid, NotPermitted, Unavailable


class PeerUnreachable(Unavailable):
    """No connection could be opened: nobody listens there, the name is unknown, or TLS failed."""


class TLSHandshakeFailed(NotPermitted):
    """A caller on the TLS port speaks no TLS that is safe enough, or one side's certificate is not trusted.

    `reason` is what OpenSSL calls it.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class AssociationRejected(NotPermitted):
    """The peer rejected the association for good; result, source and reason of PS3.8 Table 9-21."""

    def __init__(self, message: str, result: int, source: int, reason: int) -> None:
        super().__init__(message)
        self.result = result
        self.source = source
        self.reason = reason


class PeerBusy(Unavailable):
    """The peer rejected the association for now; trying later may work."""


class AssociationAborted(Unavailable):
    """The association ended without release, from either side or because the connection broke."""


class PeerNotReading(AssociationAborted):
    """The peer did not take what we sent within the time we give it."""


class RequestTimedOut(Unavailable):
    """The peer did not answer within the time we give it; the association was aborted."""


class ContextNotAccepted(NotPermitted):
    """The peer did not accept this SOP class with this transfer syntax."""


class TooManyContexts(Invalid):
    """An association carries at most 128 presentation contexts (PS3.8 9.3.2.2)."""
