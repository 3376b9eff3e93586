"""Why exams refuses what a modality says it did. Attributes are named by tag, never by value."""

from collections.abc import Sequence

from filmless.infra.errors import Conflict, Invalid, NotFound, Unavailable
from filmless.standards.dicom.dictionary import keyword_of


class AttributesRefused(Invalid):
    """Some attributes are not as the service asks; `tags` names them."""

    what = "Not as it must be"

    def __init__(self, tags: Sequence[int]) -> None:
        names = ", ".join(keyword_of(tag) or f"{tag:08X}" for tag in tags)
        super().__init__(f"{self.what}: {names}.")
        self.tags = tuple(tags)


class MissingAttributes(AttributesRefused):
    """Attributes that must be there are not (PS3.7 C.5, 0120H)."""

    what = "Missing"


class MissingAttributeValues(AttributesRefused):
    """Attributes that must have a value have none (PS3.7 C.5, 0121H)."""

    what = "Without a value"


class InvalidAttributeValues(AttributesRefused):
    """Attributes have values that they cannot have here (PS3.7 C.5, 0106H)."""

    what = "No possible value"


class PerformedStepExists(Conflict):
    """The SOP Instance UID belongs to a performed step already."""


class PerformedStepNotFound(NotFound):
    """There is no such performed step."""


class PerformedStepIsFinal(Conflict):
    """A performed step that is completed or discontinued takes no more changes (PS3.4 table F.7.2-2)."""


class PerformedStepBusy(Unavailable):
    """Others change the same performed step all the time."""
