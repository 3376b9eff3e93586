"""DICOM peers as values. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from filmless.infra.errors import Invalid

AE_TITLE_CHARACTERS_MAX = 16  # PS3.5 table 6.2-1, AE.
HOST_CHARACTERS_MAX = 253  # RFC 1035 2.3.4, written out with dots.
DESCRIPTION_CHARACTERS_MAX = 256  # A sentence: what it is, where it stands, whom to call.

AETitle = NewType("AETitle", str)
"""An Application Entity title that `parse_ae_title` has accepted."""

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%\w+)?")


def parse_ae_title(text: str) -> AETitle:
    """The AE title without the spaces around it, which mean nothing (PS3.5 6.2, VR AE).

    Raises Invalid unless 1 to 16 characters of ASCII remain, none of them a control character or a backslash.
    """
    title = text.strip(" ")
    if not 1 <= len(title) <= AE_TITLE_CHARACTERS_MAX:
        raise Invalid(f"An AE title has 1 to {AE_TITLE_CHARACTERS_MAX} characters.")
    if "\\" in title or not all(" " <= character <= "~" for character in title):
        raise Invalid("An AE title has printable ASCII characters only, and no backslash.")
    return AETitle(title)


@dataclass(frozen=True, slots=True)
class NewNode:
    """A peer to be registered; AE titles are case-sensitive."""

    ae_title: str
    host: str
    port: int
    description: str = ""

    def checked(self) -> "NewNode":
        """The same with the spaces around its parts removed; raises Invalid naming the part that is wrong."""
        host, description = self.host.strip(), self.description.strip()
        if len(host) > HOST_CHARACTERS_MAX or not _HOST.fullmatch(host):
            raise Invalid("The host is neither a host name nor an IP address.")
        if not 1 <= self.port <= 65535:
            raise Invalid("A port is a number from 1 to 65535.")
        if len(description) > DESCRIPTION_CHARACTERS_MAX or (description and not description.isprintable()):
            raise Invalid(f"A description has at most {DESCRIPTION_CHARACTERS_MAX} characters in one line.")
        return NewNode(parse_ae_title(self.ae_title), host, self.port, description)


@dataclass(frozen=True, slots=True)
class Node:
    """A DICOM peer we know."""

    ae_title: AETitle
    host: str
    port: int
    description: str
    created_at: datetime
