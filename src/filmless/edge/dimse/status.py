"""From an error to a DIMSE status: this door's one table (PS3.7 Annex C, PS3.4 Table B.2-1).

The most specific class wins. What is not here is our own mistake: Processing Failure.
"""

from collections.abc import Mapping

from filmless.features import archive, commitment, exams
from filmless.infra import errors

SUCCESS = 0x0000
ATTRIBUTE_LIST_ERROR = 0x0107
PROCESSING_FAILURE = 0x0110
NO_SUCH_INSTANCE = 0x0112
NO_SUCH_EVENT_TYPE = 0x0113
NO_SUCH_ACTION_TYPE = 0x0123
UNRECOGNIZED_OPERATION = 0x0211
IDENTIFIER_DOES_NOT_MATCH = 0xA900
CANCELLED = 0xFE00
PENDING = 0xFF00
PENDING_WITH_UNSUPPORTED_KEYS = 0xFF01

STATUS_OF: dict[type[errors.FilmlessError], int] = {
    # Kinds.
    errors.Invalid: 0xC000,
    errors.NotFound: 0x0112,
    errors.Conflict: 0x0111,
    errors.NotPermitted: 0x0124,
    errors.NotSignedIn: 0x0124,
    errors.OverLimit: 0xA700,
    errors.Unavailable: 0xA700,
    # Particular errors with a code of their own; A77x as dcm4chee-arc answers them.
    archive.MissingIdentifiers: 0xA900,
    archive.DataSetDoesNotMatchSOPClass: 0xA900,
    archive.PatientMismatch: 0xA778,
    archive.DemographicsConflict: 0xA779,
    archive.InstanceElsewhere: 0xA77B,
}

NORMALIZED_STATUS_OF: dict[type[errors.FilmlessError], int] = {
    errors.Invalid: 0x0115,  # Invalid argument value.
    errors.NotFound: 0x0112,
    errors.Conflict: 0x0110,
    errors.NotPermitted: 0x0124,
    errors.NotSignedIn: 0x0124,
    errors.OverLimit: 0x0213,  # Resource limitation.
    errors.Unavailable: 0x0213,
    exams.InvalidAttributeValues: 0x0106,
    exams.PerformedStepExists: 0x0111,
    exams.MissingAttributes: 0x0120,
    exams.MissingAttributeValues: 0x0121,
    commitment.TransactionUnknown: 0x0115,  # The instance that 0112 would be about is the well-known one.
}
"""The same for DIMSE-N services, whose statuses are others (PS3.7 Annex C.5)."""


def status_of(error: BaseException) -> int:
    """The DIMSE status for an error."""
    return _status_in(STATUS_OF, error)


def normalized_status_of(error: BaseException) -> int:
    """The status of a DIMSE-N service for an error."""
    return _status_in(NORMALIZED_STATUS_OF, error)


def comment_of(error: BaseException) -> str:
    """The Error Comment (0000,0902), at most 64 characters, for an error."""
    if isinstance(error, errors.FilmlessError):
        first_sentence = error.message.split(". ")[0].rstrip(".")
        return first_sentence[:64]
    return "An error of ours, written to the log"


def _status_in(table: Mapping[type[errors.FilmlessError], int], error: BaseException) -> int:
    return next((table[kind] for kind in type(error).__mro__ if kind in table), PROCESSING_FAILURE)
