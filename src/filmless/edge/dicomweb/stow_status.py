"""From an error to a Failure Reason (0008,1197): this door's one table, the codes of C-STORE (PS3.4 B.2.3).

The most specific class wins. What is not here is our own mistake: Processing Failure.
"""

from filmless.features import archive
from filmless.infra import errors

PROCESSING_FAILURE = 0x0110
STUDY_MISMATCH = 0xA901  # Another study than the address names; as MS dicom-server answers.

FAILURE_REASON_OF: dict[type[errors.FilmlessError], int] = {
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


def failure_reason_of(error: BaseException) -> int:
    """The Failure Reason for an error."""
    for kind in type(error).__mro__:
        if kind in FAILURE_REASON_OF:
            return FAILURE_REASON_OF[kind]
    return PROCESSING_FAILURE
