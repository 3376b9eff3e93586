"""What a rule is about: conditions against series, hours, and what a rule may say."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from filmless.features.routing import Conditions, Delivery, NewRule, RuleRefused, TimeWindow
from filmless.features.routing.model import SeriesFacts, failed_conditions, matches, matches_any
from filmless.infra.errors import Invalid

VIENNA = ZoneInfo("Europe/Vienna")
# Saturday, 31 January 2026, 10:00 in Vienna.
RECEIVED_AT = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)

CHEST = SeriesFacts(
    calling_ae_titles=frozenset({"CT1"}),
    modality="CT",
    station_name="CT-ER",
    study_description="CT Thorax nativ",
    series_description="Lunge 1.0 B70f",
    referring_physician_name="Haus^Gregor",
    body_part_examined="CHEST",
    study_received_at=RECEIVED_AT,
)


@pytest.mark.parametrize(
    ("conditions", "failed"),
    [
        ({}, ()),
        ({"modalities": ("CT",)}, ()),
        ({"modalities": ("MR", "CT")}, ()),
        ({"modalities": ("MR",)}, ("modalities",)),
        ({"calling_ae_titles": ("CT1",)}, ()),
        ({"calling_ae_titles": ("ct1",)}, ("calling_ae_titles",)),
        ({"calling_ae_titles": ("CT?",)}, ()),
        ({"station_names": ("ct-*",)}, ()),
        ({"station_names": ("CT",)}, ("station_names",)),
        ({"study_descriptions": ("*thorax*",)}, ()),
        ({"study_descriptions": ("thorax",)}, ("study_descriptions",)),
        ({"series_descriptions": ("Lunge ?.? *",)}, ()),
        ({"series_descriptions": ("Lunge [0-9]*",)}, ("series_descriptions",)),
        ({"referring_physician_names": ("haus*",)}, ()),
        ({"body_parts_examined": ("CHEST", "LUNG")}, ()),
        ({"body_parts_examined": ("ABDOMEN",)}, ("body_parts_examined",)),
        (
            {"modalities": ("MR",), "calling_ae_titles": ("MR1",)},
            ("calling_ae_titles", "modalities"),
        ),
        ({"received_within": TimeWindow("08:00", "11:00", (5,))}, ()),
        ({"received_within": TimeWindow("08:00", "10:00", (5,))}, ("received_within",)),
        ({"received_within": TimeWindow("08:00", "11:00", (0, 1, 2, 3, 4))}, ("received_within",)),
    ],
)
def test_a_series_meets_conditions(conditions: dict[str, Any], failed: tuple[str, ...]) -> None:
    assert failed_conditions(Conditions(**conditions), CHEST, VIENNA) == failed
    assert matches(Conditions(**conditions), CHEST, VIENNA) == (not failed)


def test_one_sender_of_several_is_enough() -> None:
    facts = replace(CHEST, calling_ae_titles=frozenset({"CT1", "CT2"}))
    assert not failed_conditions(Conditions(calling_ae_titles=("CT2",)), facts, VIENNA)


def test_a_pattern_of_stars_is_done_at_once() -> None:
    assert not matches_any(("*a" * 60 + "b",), "a" * 1000)


@pytest.mark.parametrize(
    ("window", "instant", "is_open"),
    [
        # Local times of Vienna, which is an hour ahead of UTC in winter and two in summer.
        (TimeWindow("20:00", "06:00"), (2026, 1, 31, 19, 0), True),
        (TimeWindow("20:00", "06:00"), (2026, 1, 31, 18, 59), False),
        (TimeWindow("20:00", "06:00"), (2026, 1, 31, 4, 59), True),
        (TimeWindow("20:00", "06:00"), (2026, 1, 31, 5, 0), False),
        (TimeWindow("20:00", "06:00"), (2026, 7, 31, 18, 0), True),
        (TimeWindow(), (2026, 1, 31, 12, 0), True),
        (TimeWindow("22:00", "06:00", (4,)), (2026, 1, 31, 4, 0), True),  # Saturday, of Friday's night.
        (TimeWindow("22:00", "06:00", (5,)), (2026, 1, 31, 4, 0), False),
        (TimeWindow("00:00", "00:00", (6,)), (2026, 1, 31, 22, 59), False),
        (TimeWindow("00:00", "00:00", (6,)), (2026, 1, 31, 23, 0), True),
    ],
)
def test_a_window_is_open(window: TimeWindow, instant: tuple[int, ...], *, is_open: bool) -> None:
    assert window.is_open(datetime(*instant, tzinfo=UTC), VIENNA) is is_open  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("window", "opens_at"),
    [
        (TimeWindow(), RECEIVED_AT),
        (TimeWindow("09:00", "11:00"), RECEIVED_AT),
        (TimeWindow("20:00", "06:00"), datetime(2026, 1, 31, 19, 0, tzinfo=UTC)),
        (TimeWindow("09:00", "09:30"), datetime(2026, 2, 1, 8, 0, tzinfo=UTC)),
        (TimeWindow("09:00", "09:30", (5,)), datetime(2026, 2, 7, 8, 0, tzinfo=UTC)),
    ],
)
def test_a_window_opens_next(window: TimeWindow, opens_at: datetime) -> None:
    assert window.opens_at(RECEIVED_AT, VIENNA) == opens_at


@pytest.mark.parametrize(
    "rule",
    [
        NewRule("", Delivery(("PACS2",))),
        NewRule("x" * 81, Delivery(("PACS2",))),
        NewRule("two\nlines", Delivery(("PACS2",))),
        NewRule("nowhere", Delivery(())),
        NewRule("long title", Delivery(("SEVENTEEN-LETTERS",))),
        NewRule("never quiet", Delivery(("PACS2",), quiet_seconds=-1)),
        NewRule("no day", Delivery(("PACS2",), send_within=TimeWindow("20:00", "06:00", ()))),
        NewRule("no time", Delivery(("PACS2",), send_within=TimeWindow("25:00", "06:00"))),
        NewRule("many", Delivery(("PACS2",)), Conditions(modalities=tuple(map(str, range(65))))),
        NewRule("wide", Delivery(("PACS2",)), Conditions(station_names=("x" * 129,))),
        NewRule("no copy", Delivery(("PACS2",), project="TRIAL", request_commitment=True)),
    ],
    ids=lambda rule: rule.name[:12],
)
def test_a_rule_that_cannot_be_is_refused(rule: NewRule) -> None:
    with pytest.raises(Invalid):
        rule.checked()


def test_a_rule_is_tidied_up() -> None:
    rule = NewRule(" to PACS2 ", Delivery((" PACS2", "PACS2 ")), Conditions(modalities=("CT ", "", "CT")))
    assert rule.checked() == NewRule("to PACS2", Delivery(("PACS2",)), Conditions(modalities=("CT",)))


def test_what_contradicts_itself_is_refused_in_words() -> None:
    with pytest.raises(RuleRefused, match="no storage commitment"):
        Delivery(("PACS2",), project="TRIAL", request_commitment=True).checked()
