"""Lines of log: the role in each, a patient's data in none."""

import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from filmless.infra.errors import Unavailable
from filmless.infra.log import FORBIDDEN_KEYS, configure_log, error_text, get_logger


@pytest.fixture(autouse=True)
def untouched_logging() -> Iterator[None]:
    """Leave the logging of the other tests as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_the_role_is_in_each_line_of_each_thread(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log("json", "dimse")
    log = get_logger()
    log.info("here")
    thread = threading.Thread(target=lambda: log.info("there"))
    thread.start()
    thread.join()
    logging.getLogger("library").warning("elsewhere")
    assert [(line["event"], line["role"]) for line in lines(capsys)] == [
        ("here", "dimse"),
        ("there", "dimse"),
        ("elsewhere", "dimse"),
    ]


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.parametrize("key", sorted(FORBIDDEN_KEYS))
def test_no_key_of_a_patient_or_a_secret_is_printed(
    capsys: pytest.CaptureFixture[str], log_format: str, key: str
) -> None:
    configure_log(log_format, "web")
    get_logger().info("stored", **{key: "Doe^Jane"})
    printed = capsys.readouterr().err
    assert "Doe" not in printed
    assert "withheld" in printed


def fail_on_data() -> None:
    try:
        int("Doe^Jane")
    except ValueError as error:
        raise Unavailable("The index is away.") from error


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_traceback_tells_where_and_not_about_whom(
    capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    configure_log(log_format, "web")
    try:
        fail_on_data()
    except Unavailable:
        get_logger().exception("failed")
    printed = capsys.readouterr().err
    assert "Unavailable: The index is away." in printed
    assert "ValueError: [message withheld]" in printed
    assert "in fail_on_data" in printed
    assert "invalid literal" not in printed


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyError("Doe^Jane"), "KeyError: [message withheld]"),
        (
            AttributeError("'Header' has no attribute 'rows'"),
            "AttributeError: 'Header' has no attribute 'rows'",
        ),
        (OSError(28, "No space left on device", "/data/Doe"), "OSError: 28 No space left on device"),
    ],
)
def test_a_message_is_shown_where_it_cannot_quote_data(error: Exception, text: str) -> None:
    assert error_text(error) == text
