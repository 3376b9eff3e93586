"""Dates and times as devices write them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmless.standards.dicom.dates import (
    Parsed,
    format_date,
    format_time,
    parse_date,
    parse_date_range,
    parse_datetime,
    parse_time,
    parse_time_range,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20240131", "2024-01-31"),
        ("20240131 ", "2024-01-31"),
        ("2024.01.31", "2024-01-31"),
        ("2024-01-31", "2024-01-31"),
        ("20240229", "2024-02-29"),
        ("", None),
        ("\0\0", None),
    ],
)
def test_dates(text: str, value: str | None) -> None:
    assert parse_date(text) == Parsed(value)


@pytest.mark.parametrize(
    "text", ["20240230", "20241301", "00000000", "2024", "20240131120000", "yesterday", "٢٠٢٤٠١٣١"]
)
def test_what_is_no_date_is_a_problem(text: str) -> None:
    assert parse_date(text).value is None
    assert "not a date" in str(parse_date(text).problem)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("142530", "14:25:30"),
        ("142530.123456", "14:25:30.123456"),
        ("142530.120000", "14:25:30.12"),
        ("142530.1234567", "14:25:30.123456"),
        ("1425", "14:25:00"),
        ("14", "14:00:00"),
        ("14:25:30", "14:25:30"),
        ("235960", "23:59:59"),
        (" 142530 ", "14:25:30"),
        ("", None),
    ],
)
def test_times(text: str, value: str | None) -> None:
    assert parse_time(text) == Parsed(value)


@pytest.mark.parametrize("text", ["24", "1460", "142561", "1", "14253", "noon", "14.5"])
def test_what_is_no_time_is_a_problem(text: str) -> None:
    assert parse_time(text).value is None
    assert "not a time" in str(parse_time(text).problem)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20240131142530.5+0200", "2024-01-31T14:25:30.5+02:00"),
        ("20240131142530", "2024-01-31T14:25:30"),
        ("202401311425-0500", "2024-01-31T14:25:00-05:00"),
        ("20240131", "2024-01-31"),
        ("2024", "2024"),
        ("", None),
    ],
)
def test_datetimes(text: str, value: str | None) -> None:
    assert parse_datetime(text) == Parsed(value)


@pytest.mark.parametrize("text", ["20240132", "2024013125", "20240131.5", "20241", "soon"])
def test_what_is_no_datetime_is_a_problem(text: str) -> None:
    assert parse_datetime(text).problem


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20240101-20241231", ("2024-01-01", "2024-12-31")),
        ("20240101-", ("2024-01-01", None)),
        ("-20241231", (None, "2024-12-31")),
        ("20240101", ("2024-01-01", "2024-01-01")),
        ("2024-01-01", ("2024-01-01", "2024-01-01")),
        ("", None),
    ],
)
def test_date_ranges(text: str, value: object) -> None:
    assert parse_date_range(text) == Parsed(value)


def test_time_ranges() -> None:
    assert parse_time_range("0800-1200") == Parsed(("08:00:00", "12:00:00"))
    assert parse_time_range("0800-").value == ("08:00:00", None)
    assert parse_time_range("08").value == ("08:00:00", "08:00:00")


@pytest.mark.parametrize("text", ["-", "2024-", "20240101-20240231", "20240101-20240102-20240103", "x-y"])
def test_what_is_no_range_is_a_problem(text: str) -> None:
    assert parse_date_range(text).value is None
    assert parse_date_range(text).problem


def test_iso_goes_back_to_dicom() -> None:
    assert format_date("2024-01-31") == "20240131"
    assert format_time("14:25:30.5") == "142530.5"


@pytest.mark.parametrize(
    "parse", [parse_date, parse_time, parse_datetime, parse_date_range, parse_time_range]
)
@settings(deadline=None)
@given(text=st.text(max_size=30))
def test_no_text_whatever_raises(parse: Callable[[str], Parsed[object]], text: str) -> None:
    parsed = parse(text)
    assert parsed.value is None or parsed.problem is None
