"""UIDs: whether one is well formed, how we make new ones, the few that every module needs.

Not here: SOP classes (`sop_classes`) and transfer syntaxes (`transfer_syntaxes`).
A UID is data, never a path and never a permission: knowing one gives no access.
"""

from __future__ import annotations

import re
import uuid

UID_CHARACTERS_MAX = 64  # PS3.5 section 9.1.

_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)

IMPLEMENTATION_CLASS_UID = "2.25.294861033873506452714406719330926385741"
"""Names this implementation in file meta and association negotiation (PS3.7 D.3.3.2). Never changes."""

IMPLEMENTATION_VERSION_NAME = "FILMLESS_0_1"
"""At most 16 characters (PS3.7 D.3.3.2.3)."""

APPLICATION_CONTEXT_NAME = "1.2.840.10008.3.1.1.1"
STORAGE_COMMITMENT_PUSH_MODEL_INSTANCE = "1.2.840.10008.1.20.1.1"
UPS_GLOBAL_SUBSCRIPTION_INSTANCE = "1.2.840.10008.5.1.4.34.5"
UPS_FILTERED_GLOBAL_SUBSCRIPTION_INSTANCE = "1.2.840.10008.5.1.4.34.5.1"


def is_valid_uid(text: str) -> bool:
    """Whether `text` is a UID we accept: 1 to 64 characters, digits parted by single dots.

    Leading zeros in a component break PS3.5 section 9.1, but real devices send them and they harm nobody.
    """
    return len(text) <= UID_CHARACTERS_MAX and _UID.fullmatch(text) is not None


def new_uid() -> str:
    """A UID nobody else will ever make: a random UUID under root 2.25 (PS3.5 annex B.2)."""
    return f"2.25.{uuid.uuid4().int}"
