"""Why the archive cannot show what was asked for."""

from filmless.infra.errors import Invalid, NotFound


class QueryNotUnderstood(Invalid):
    """A key of the query has a value that no such attribute can have."""


class RetrievalNotUnderstood(Invalid):
    """The identifier of a retrieval does not say which instances are meant."""


class PatientAmbiguous(RetrievalNotUnderstood):
    """Several people have the Patient ID of the retrieval, and no issuer says whose it is."""


class SeriesNotFound(NotFound):
    """There is no such series in that study."""


class InstanceNotFound(NotFound):
    """There is no such instance in that series and study."""


class FrameNotFound(NotFound):
    """The instance has no frame of that number, or no frames at all."""


class BulkDataNotFound(NotFound):
    """The instance has no element at that path."""


class NothingToShow(NotFound):
    """The instance, series or study has no picture."""


class CannotTranscode(Invalid):
    """The instance cannot be put into the transfer syntax that is wanted; as it is stored it is whole."""


class ObjectDamaged(Invalid):
    """What is stored cannot be read as what it says it is; the bytes themselves are still there."""
