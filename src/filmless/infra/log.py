"""Structured log: events with ids, never names.

Text for a terminal, JSON lines for a collector. A processor withholds every key that could carry data of a
patient, and tracebacks tell where something failed but not what a library said about the data it failed on:
logs are read by people and machines that have no business with it. Start at `configure_log`, `get_logger`.
"""

import io
import logging
import sys
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, TextIO, cast

import structlog

from filmless.infra.errors import FilmlessError

FORBIDDEN_KEYS = frozenset(
    {
        "patient_name",
        "patient_id",
        "patient_birth_date",
        "patient_sex",
        "accession_number",
        "study_description",
        "referring_physician_name",
        "password",
        "token",
    }
)
# The interpreter words these from the names in our code. A ValueError or KeyError quotes the value instead.
PLAIN_ERRORS = (FilmlessError, NameError, AttributeError, ImportError, TypeError, MemoryError, RecursionError)
CHAIN_MAX = 10  # Errors behind an error that are printed.

Event = MutableMapping[str, Any]


def configure_log(log_format: str, role: str) -> None:
    """Set up logging for one process; `log_format` is `text` or `json`, `role` is in every line.

    Lines of libraries that log with the standard library go the same way, from warnings on.
    """
    # The role belongs to the process, not to a context: each thread starts with an empty one.
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _Role(role),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_patient_data,
        _format_error,
    ]
    structlog.configure(
        processors=[*shared, _renderer(log_format)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Stderr())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(_Stderr())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(log_format)],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def get_logger() -> Any:
    """A logger for events such as `log.info("association_opened", association=…)`."""
    return structlog.get_logger()


def error_text(error: BaseException) -> str:
    """A traceback without what it was about: where each error rose, its type, and the messages of our own.

    Causes come first, as Python prints them.
    """
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and len(chain) < CHAIN_MAX:
        chain.append(current)
        hidden = current.__suppress_context__
        current = current.__cause__ or (None if hidden else current.__context__)
    return "\n".join(_one_error_text(each) for each in reversed(chain))


class _Role:
    def __init__(self, role: str) -> None:
        self._role = role

    def __call__(self, _: Any, __: str, event: Event) -> Event:
        event.setdefault("role", self._role)
        return event


def _renderer(log_format: str) -> Any:
    if log_format == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=32)


class _Stderr(io.TextIOBase):
    """Standard error as it is when a line is written: who replaced it since keeps no closed stream in us."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def _without_patient_data(_: Any, __: str, event: Event) -> Event:
    for key in FORBIDDEN_KEYS.intersection(event):
        event[key] = "[withheld]"
    return event


def _format_error(_: Any, __: str, event: Event) -> Event:
    given = event.pop("exc_info", None)
    if not given:
        return event
    if isinstance(given, BaseException):
        error: BaseException | None = given
    elif isinstance(given, tuple):
        error = given[1]
    else:
        error = sys.exc_info()[1]
    if error is not None:
        event["exception"] = error_text(error)
    return event


def _one_error_text(error: BaseException) -> str:
    trace: TracebackType | None = error.__traceback__
    lines = ["Traceback (most recent call last):\n", *traceback.format_tb(trace)] if trace else []
    said = str(error) if isinstance(error, PLAIN_ERRORS) else "[message withheld]"
    if isinstance(error, OSError):
        said = f"{error.errno} {error.strerror}" if error.errno else said
    return "".join(lines) + f"{type(error).__qualname__}: {said}"
