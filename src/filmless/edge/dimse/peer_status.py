"""What a peer means by a status: from a number to words that say what to change, and where.

Tables of PS3.4 Annex C (C-FIND C.4-1, C-MOVE C.4-2, C-GET C.4-3) and PS3.7 Annex C. Peers' own comments are
not repeated: they may quote what was asked for, and that is a patient's. Not here: our own statuses
(`status`). Start at `words_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from filmless.edge.dimse.status import CANCELLED

FIND, MOVE, GET, STORE = "C-FIND", "C-MOVE", "C-GET", "C-STORE"

MOVE_DESTINATION_UNKNOWN = 0xA801

_EVERYWHERE: Mapping[int, str] = MappingProxyType(
    {
        0x0105: "it knows no such attribute",
        0x0106: "it does not accept a value that we sent",
        0x0110: "it failed while working on it; its log says why",
        0x0111: "it has an instance with this UID already",
        0x0112: "it has no such instance",
        0x0117: "it takes the UID for an invalid one",
        0x0118: "it does not know this SOP class",
        0x0122: "it does not support this SOP class",
        0x0124: "it does not allow it to our AE title {ours}; permit it there",
        0x0210: "it takes our message for a repeated one",
        0x0211: "it does not support this operation",
        0x0212: "it does not understand our message",
        0x0213: "it has no resources left",
        CANCELLED: "it was cancelled",
    }
)
_PARTICULAR: Mapping[tuple[str, int], str] = MappingProxyType(
    {
        (FIND, 0xA700): "it has no resources left for a query; try later",
        (FIND, 0xA900): "it says that our query does not fit the information model",
        (MOVE, 0xA701): "it has no resources left to count what matches; try later",
        (MOVE, 0xA702): "it could not send what it found; see that it can reach {destination}",
        (MOVE, MOVE_DESTINATION_UNKNOWN): (
            "it does not know where {destination} is; register our AE title {destination} there, "
            "with the address and the DICOM port of this server"
        ),
        (MOVE, 0xA900): "it says that our request does not fit the information model",
        (MOVE, 0xB000): "it could not send all of it to {destination}",
        (GET, 0xA701): "it has no resources left to count what matches; try later",
        (GET, 0xA702): "it could not send what it found on this association",
        (GET, 0xA900): "it says that our request does not fit the information model",
        (GET, 0xB000): "it could not send all of it",
        (STORE, 0xA700): "it has no room left, or no other resources",
        (STORE, 0xA900): "it says that the data set does not fit its SOP class",
    }
)
_RANGES: Mapping[str, tuple[tuple[range, str], ...]] = MappingProxyType(
    {
        FIND: ((range(0xC000, 0xD000), "it is unable to do it; its log says why"),),
        MOVE: ((range(0xC000, 0xD000), "it is unable to do it; its log says why"),),
        GET: ((range(0xC000, 0xD000), "it is unable to do it; its log says why"),),
        STORE: (
            (range(0xA700, 0xA800), "it has no room left, or refuses it"),
            (range(0xA900, 0xAA00), "it says that the data set does not fit its SOP class"),
            (range(0xC000, 0xD000), "it does not understand the data set"),
        ),
    }
)


def words_of(operation: str, status: int, *, ours: str = "ours", destination: str = "us") -> str:
    """Why the peer did not do it, as half a sentence about "it"; the number at its end.

    `operation`: FIND, MOVE, GET or STORE. `ours`: the AE title that we call with; `destination`: the one that
    instances were to go to.
    """
    words = _PARTICULAR.get((operation, status)) or _EVERYWHERE.get(status)
    if words is None:
        words = next((text for codes, text in _RANGES[operation] if status in codes), "it gives no reason")
    return f"{words.format(ours=ours, destination=destination)} (status {status:04X})"
