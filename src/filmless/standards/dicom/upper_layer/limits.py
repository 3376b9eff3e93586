"""Limits of the upper layer, each with its reason. Nothing is ever allocated by a length a peer declares.

Not here: how many associations a server takes, how long it waits for an idle peer; those belong to the
edge. Start at `Limits`.
"""

from __future__ import annotations

from dataclasses import dataclass

OFFERED_PDU_BYTES_MAX = 256 * 1024
"""The P-DATA-TF length we offer to take: a CT slice of 512 KiB in three PDUs; longer ones gain nothing."""

SENT_PDU_BYTES_MAX = 256 * 1024
"""The longest P-DATA-TF we send, also to a peer that says 0 = unlimited (PS3.8 D.1)."""

PEER_PDU_BYTES_MIN = 128
"""A peer that takes less would turn one slice into thousands of PDUs; real ones say 4 KiB or more."""

CONTROL_PDU_BYTES_MAX = 1024 * 1024
"""128 contexts with 40 transfer syntaxes each are 130 KiB; user identity adds at most 64 KiB."""

COMMAND_SET_BYTES_MAX = 64 * 1024
"""The largest command we know, N-GET-RQ with a long attribute list, stays under 10 KiB."""

PRESENTATION_CONTEXTS_MAX = 128
"""Odd numbers from 1 to 255 (PS3.8 9.3.2.2)."""

ARTIM_SECONDS = 30.0
"""How long a peer may take to say A-ASSOCIATE-RQ, or to close after the end (PS3.8 9.1.5)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one association; the defaults are the constants of this module."""

    control_pdu_bytes_max: int = CONTROL_PDU_BYTES_MAX
    command_set_bytes_max: int = COMMAND_SET_BYTES_MAX
    sent_pdu_bytes_max: int = SENT_PDU_BYTES_MAX
    artim_seconds: float = ARTIM_SECONDS
