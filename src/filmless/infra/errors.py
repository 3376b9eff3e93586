"""The few kinds of error, and nothing else.

Every error that a feature raises on purpose is one of these kinds; each door has one table from kind to
its own code (`edge/dimse/status.py`, `edge/http/problems.py`). Anything else that escapes is our bug.

FilmlessError
├── Invalid        the request or the data is wrong; sending it again unchanged cannot work
├── NotSignedIn    nobody is asking: sign in first
├── NotPermitted   somebody is asking, and may not
├── NotFound       there is no such thing, or none that the asker may know of
├── Conflict       it contradicts what we hold
├── OverLimit      too much, too large, too often
└── Unavailable    we cannot right now (disk full, database gone); trying later may work

Messages say what happened, to what, and what to do. They carry identifiers of ours, never a name or any
other datum of a patient: messages reach logs, peers and screens.
"""


class FilmlessError(Exception):
    """Base of all errors raised on purpose; `message` is fit for the person or peer who asked."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Invalid(FilmlessError):
    """The request or the data is wrong; sending it again unchanged cannot work."""


class NotSignedIn(FilmlessError):
    """Nobody is asking: sign in first."""


class NotPermitted(FilmlessError):
    """Somebody is asking, and may not."""


class NotFound(FilmlessError):
    """There is no such thing, or none that the asker may know of."""


class Conflict(FilmlessError):
    """It contradicts what we hold."""


class OverLimit(FilmlessError):
    """Too much, too large, or too often; `retry_after_seconds` tells when to come back, where that helps."""

    def __init__(self, message: str, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(FilmlessError):
    """We cannot right now (disk full, database gone); trying later may work."""


KINDS: tuple[type[FilmlessError], ...] = (
    Invalid,
    NotSignedIn,
    NotPermitted,
    NotFound,
    Conflict,
    OverLimit,
    Unavailable,
)
