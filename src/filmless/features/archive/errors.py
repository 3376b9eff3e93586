"""Why the archive refuses or sets aside what it was given.

What is set aside is kept, in the quarantine, until a person decides: no byte is dropped. The sender hears of
it by the code that its door has for the error.
"""

from dataclasses import dataclass

from filmless.infra.errors import Conflict, Invalid, NotFound, Unavailable


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One attribute in which what was received contradicts what is held; goes to screens, never to logs."""

    attribute: str
    held: str
    received: str


class NotDICOM(Invalid):
    """The bytes are not a DICOM file; nothing was kept."""


class UnreadableDataSet(Invalid):
    """The data set breaks off or makes no sense; kept in quarantine."""

    reason = "unreadable"


class MissingIdentifiers(Invalid):
    """A UID that places the instance in its study is absent or malformed; kept in quarantine."""

    reason = "missing_identifiers"


class DataSetDoesNotMatchSOPClass(Invalid):
    """The command announced another SOP Class or SOP Instance UID than the data set holds; quarantined."""

    reason = "announced_otherwise"


class DuplicateWithOtherContent(Conflict):
    """The SOP Instance UID is taken by an instance with other bytes; kept in quarantine."""

    reason = "duplicate_with_other_content"


class InstanceElsewhere(Conflict):
    """The instance or its series already belongs to another series or study; kept in quarantine."""

    reason = "instance_elsewhere"


class PatientMismatch(Conflict):
    """The study belongs to another patient; kept in quarantine."""

    reason = "patient_mismatch"


class DemographicsConflict(Conflict):
    """The Patient ID belongs to somebody whose name or birth date differs; kept in quarantine."""

    reason = "demographics_conflict"


class InterruptedReceive(Unavailable):
    """A receive was cut off before its commit; what was left of it was found and kept in quarantine."""

    reason = "interrupted"


class StudyNotFound(NotFound):
    """There is no such study."""


class QuarantineItemNotFound(NotFound):
    """There is no such item waiting in the quarantine."""


QuarantineCause = (
    UnreadableDataSet
    | MissingIdentifiers
    | DataSetDoesNotMatchSOPClass
    | DuplicateWithOtherContent
    | InstanceElsewhere
    | PatientMismatch
    | DemographicsConflict
    | InterruptedReceive
)
