"""`filmless send`, `queue`, `route`, `prefetch` and `project`, as typed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from filmless.cli.app import app
from filmless.cli.routing import parse_window
from filmless.features.routing import TimeWindow
from filmless.infra.errors import Invalid
from made_instances import made_instance

STUDY = "1.2.3.1"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of its own with a node and a study."""
    monkeypatch.setenv("FILMLESS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FILMLESS_TIME_ZONE", "Europe/Vienna")
    monkeypatch.setenv("COLUMNS", "220")
    (tmp_path / "one.dcm").write_bytes(made_instance(1))
    for words in (
        ("migrate",),
        ("node", "add", "PACS2", "192.0.2.1", "104"),
        ("import", tmp_path / "one.dcm"),
    ):
        assert run(*words).exit_code == 0
    return tmp_path


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def sent() -> str:
    """The id of a transmission that was just queued."""
    result = run("send", STUDY, "PACS2")
    assert result.exit_code == 0, result.output
    return result.output.split("transmission ")[1].split(",")[0]


@pytest.mark.usefixtures("folder")
def test_a_study_is_queued_looked_at_cancelled_and_retried() -> None:
    transmission_id = sent()
    listed = run("queue", "list").output
    assert transmission_id in listed
    assert "command line" in listed
    assert "instances sent before: 0 of 1" in run("queue", "cancel", transmission_id).output
    assert "Nothing waits" in run("queue", "list").output
    assert transmission_id in run("queue", "list", "--state", "cancelled").output
    assert run("queue", "cancel", transmission_id).exit_code == 1
    assert run("queue", "retry", transmission_id).exit_code == 0
    assert "urgent" in run("queue", "priority", transmission_id, "urgent").output
    assert "0 transmissions" in run("queue", "retry", "--all").output


@pytest.mark.usefixtures("folder")
def test_a_paused_node_is_told_of_everywhere() -> None:
    assert "PACS2 is paused" in run("queue", "pause", "PACS2").output
    assert "The node is paused" in run("send", STUDY, "PACS2").output
    listed = run("queue", "list").output
    assert "held" in listed
    assert "filmless queue resume PACS2" in listed
    assert "PACS2 is resumed" in run("queue", "resume", "PACS2").output
    assert "whole queue is paused" in run("queue", "pause").output.replace("The ", "")
    assert "whole queue is paused" in run("queue", "list").output
    assert run("queue", "resume").exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("send", STUDY, "NOBODY"), "No node is registered"),
        (("send", "9.9", "PACS2"), "no study"),
        (("send", STUDY, "PACS2", "--priority", "soon"), "no priority 'soon'"),
        (("send", STUDY, "PACS2", "--project", "X"), "no de-identification project"),
        (("queue", "list", "--state", "lost"), "The states are"),
        (("queue", "retry"), "Name one transmission"),
        (("queue", "retry", "x", "--all"), "Name one transmission"),
        (("queue", "cancel", "x"), "no such transmission"),
        (("route", "remove", "x"), "no rule 'x'"),
        (("route", "add", "x", "PACS2", "--send-at", "doomsday"), "no weekday"),
        (("route", "add", "x", "PACS2", "--send-at", "25:00-26:00"), "HH:MM"),
        (("prefetch", "remove", "x"), "no prefetch rule 'x'"),
        (("project", "add", "x", "--keep", "everything"), "The options are"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_cannot_be_is_refused_in_plain_words(words: tuple[str, ...], said: str) -> None:
    result = run(*words)
    assert result.exit_code == 1
    assert said in " ".join(result.output.split())


@pytest.mark.usefixtures("folder")
def test_a_rule_is_added_shown_tried_removed_and_restored() -> None:
    assert "nothing is sent by itself" in run("route", "list").output
    options = (
        *("--from", "CT?", "--from", "IMPORT", "--modality", "CT", "--study", "*Thorax*", "--only-series"),
        *("--send-at", "mon-fri 20:00-06:00", "--received", "weekend", "--priority", "low", "--commit"),
    )
    assert run("route", "add", "CT at night", "PACS2", *options).exit_code == 0
    listed = " ".join(run("route", "list").output.split())
    for words in ("CT? or IMPORT", "study descriptions: *Thorax*", "weekend", "Mon-Fri 20:00-06:00", "low"):
        assert words in listed
    tried = run("route", "test", "CT at night", STUDY).output
    assert "CT Series 1: no:" in tried
    assert "Nothing would be sent." in tried
    undo = run("route", "remove", "CT at night").output.strip().rsplit(" ", 1)[1]
    assert "nothing is sent by itself" in run("route", "list").output
    assert "counts again" in run("route", "restore", undo).output
    assert run("route", "add", "all", "PACS2").exit_code == 0
    assert "To PACS2 would go: 1" in run("route", "test", "all", STUDY).output


@pytest.mark.usefixtures("folder")
def test_prefetch_rules_and_projects() -> None:
    assert "no prefetch rule" in run("prefetch", "list").output
    assert run("prefetch", "add", "priors", "PACS2", "--modality", "CT", "--priors-max", "2").exit_code == 0
    assert "2 studies" in run("prefetch", "list").output
    assert run("prefetch", "remove", "priors").exit_code == 0
    assert run("project", "add", "TRIAL-7", "--keep", "shift_dates").exit_code == 0
    assert "shift_dates" in run("project", "list").output
    assert run("send", STUDY, "PACS2", "--project", "TRIAL-7").exit_code == 0


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("", None),
        ("20:00-06:00", TimeWindow("20:00", "06:00")),
        ("weekend", TimeWindow(weekdays=(5, 6))),
        ("Mon-Fri 20:00-06:00", TimeWindow("20:00", "06:00", (0, 1, 2, 3, 4))),
        ("fri-mon", TimeWindow(weekdays=(4, 5, 6, 0))),
        ("08:00-12:00 sat,wednesday", TimeWindow("08:00", "12:00", (5, 2))),
    ],
)
def test_hours_are_read_as_people_type_them(text: str, window: TimeWindow | None) -> None:
    assert parse_window(text) == window


@pytest.mark.parametrize("text", ["m", "mon tue", "20:00-06:00 21:00-22:00", "mon-", "-fri"])
def test_hours_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_window(text)
