"""A clock for tests: it stands still until it is told to move."""

from datetime import UTC, datetime, timedelta


class FrozenClock:
    """Stands at 2026-01-31 09:00 UTC until `advance` or `set` moves it."""

    def __init__(self, instant: datetime = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)) -> None:
        self._instant = instant

    def now(self) -> datetime:
        """The instant it stands at."""
        return self._instant

    def advance(self, seconds: float) -> None:
        """Move it forward."""
        self._instant += timedelta(seconds=seconds)

    def set(self, instant: datetime) -> None:
        """Put it somewhere else; the instant must be aware."""
        assert instant.tzinfo is not None
        self._instant = instant
