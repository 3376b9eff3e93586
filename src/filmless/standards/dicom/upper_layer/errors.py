"""What can go wrong in the upper layer, as exceptions. A peer's fault never leaves `Association` as one.

`ProtocolError` is turned into an A-ABORT and an `Aborted` event by the association; `CommandSetError` becomes
one on the way. `NotAllowedNow` is our own caller's fault, or a peer that ended the association first.
"""

from __future__ import annotations

from enum import IntEnum


class AbortSource(IntEnum):
    """Who aborts (PS3.8 Table 9-26)."""

    SERVICE_USER = 0
    SERVICE_PROVIDER = 2


class AbortReason(IntEnum):
    """Why the provider aborts (PS3.8 Table 9-26)."""

    NOT_SPECIFIED = 0
    UNRECOGNIZED_PDU = 1
    UNEXPECTED_PDU = 2
    UNRECOGNIZED_PDU_PARAMETER = 4
    UNEXPECTED_PDU_PARAMETER = 5
    INVALID_PDU_PARAMETER = 6


class ProtocolError(Exception):
    """The peer sent what PS3.7 or PS3.8 does not allow; `reason` goes into the A-ABORT."""

    def __init__(self, explanation: str, reason: AbortReason = AbortReason.INVALID_PDU_PARAMETER) -> None:
        super().__init__(explanation)
        self.explanation = explanation
        self.reason = reason


class CommandSetError(ProtocolError):
    """A command set that cannot be decoded, or lacks an element every command has (PS3.7 6.3, 9.3)."""


class NotAllowedNow(Exception):
    """PS3.8 Table 9-10 has no entry for this request in the present state; the message names both."""
