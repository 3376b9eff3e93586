"""`filmless worklist`: adding, listing, cancelling, views, files of other systems; and the demo's steps."""

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from filmless.cli.app import app
from filmless.cli.demo import demo_steps
from filmless.features.scheduling import StepExists, StepFilter, find_scheduled_steps, schedule_step
from filmless.infra.database import Database
from filmless.standards.dicom.data_set import DataSet, encode_data_set
from filmless.standards.dicom.part10 import FileMeta, write_part10_header
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, IMPLICIT_LE
from worklist_builders import DESK, data_set

ITEM = {
    "SpecificCharacterSet": "ISO_IR 100",
    "PatientName": "Müller^Jürgen",
    "PatientID": "P-9",
    "AccessionNumber": "X-1",
    "StudyInstanceUID": "1.2.3.9",
    "RequestedProcedureDescription": "MR knee",
    "RequestedProcedureID": "RP9",
    "PatientComments": "kept",
    "ScheduledProcedureStepSequence": [
        {
            "Modality": "MR",
            "ScheduledStationAETitle": ["MR1", "MR2"],
            "ScheduledProcedureStepStartDate": "20991231",
            "ScheduledProcedureStepStartTime": "0815",
            "ScheduledProcedureStepID": "S9",
        }
    ],
}


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty, migrated installation that the environment names."""
    monkeypatch.setenv("FILMLESS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "300")
    assert CliRunner().invoke(app, ["migrate"]).exit_code == 0
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["worklist", *arguments])


def a_file(folder: Path, name: str, item: DataSet, syntax: str = EXPLICIT_LE, meta: bool = True) -> Path:
    encoded = encode_data_set(item, syntax)
    header = write_part10_header(FileMeta("1.2.276.0.7230010.3.1.0.1", "1.2.3", syntax)) if meta else b""
    path = folder / name
    path.write_bytes(header + encoded)
    return path


def test_a_step_is_added_listed_and_cancelled(installation: Path) -> None:
    added = run("add", "P-1", "Probe^Maria", "CT", "CT1", "CT head", "--at", "2099-12-31 08:30")
    assert added.exit_code == 0, added.output
    step_id = added.output.split()[1].strip(",")
    listed = run("list").output
    for text in (step_id, "20991231 0830", "SCHEDULED", "CT1", "P-1", "Probe^Maria", "CT head"):
        assert text in listed
    assert step_id not in run("list", "--to", "2099-12-30").output
    assert step_id not in run("list", "--station", "MR1").output
    assert run("cancel", step_id, "--reason", "trial over").exit_code == 0
    assert "Nothing is to be done." in run("list").output
    assert "CANCELED" in run("list", "--all").output


def test_a_step_starts_now_unless_said_otherwise(installation: Path) -> None:
    assert run("add", "P-1", "Probe^Maria", "CT", "CT1", "CT head").exit_code == 0
    assert "P-1" in run("list").output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "P", "N", "ct", "CT1", "x"], "Modality is not in capitals"),
        (["add", "P", "N", "CT", "CT1", "x", "--at", "soon"], "YYYY-MM-DD HH:MM"),
        (["list", "--from", "soon"], "YYYY-MM-DD"),
        (["cancel", "nowhere", "--reason", "x"], "no such scheduled step"),
    ],
)
def test_what_is_wrong_is_said(installation: Path, arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert said in " ".join(result.output.split())


def test_worklist_files_are_taken_over_once(installation: Path) -> None:
    folder = installation / "OFFIS"
    folder.mkdir()
    item = data_set(ITEM)
    a_file(folder, "one.wl", item)
    a_file(
        folder,
        "two.wl",
        data_set({**ITEM, "StudyInstanceUID": "1.2.4", "AccessionNumber": "X-2"}),
        IMPLICIT_LE,
    )
    bare = a_file(
        installation,
        "bare",
        data_set({**ITEM, "StudyInstanceUID": "1.2.5", "AccessionNumber": "X-3"}),
        meta=False,
    )
    (folder / "lockfile").touch()
    first = run("import", str(folder), str(bare))
    assert (first.exit_code, first.output.strip()) == (0, "3 taken over, 0 there already, 0 refused.")
    again = run("import", str(folder))
    assert (again.exit_code, again.output.strip()) == (0, "0 taken over, 2 there already, 0 refused.")
    listed = run("list").output
    assert listed.count("Müller^Jürgen") == 3
    assert "MR1, MR2" in listed


def test_a_file_that_cannot_be_taken_over_is_named_and_the_others_are(installation: Path) -> None:
    good = a_file(installation, "good.wl", data_set(ITEM))
    no_step = a_file(
        installation,
        "nothing.wl",
        data_set({**ITEM, "AccessionNumber": "X-5", "ScheduledProcedureStepSequence": []}),
    )
    rubbish = installation / "rubbish.wl"
    rubbish.write_bytes(b"not DICOM at all")
    large = installation / "large.wl"
    large.write_bytes(bytes((1 << 20) + 1))
    result = run("import", str(rubbish), str(no_step), str(large), str(good))
    assert result.exit_code == 1
    said = " ".join(result.output.split())
    assert "1 taken over, 0 there already, 3 refused." in said
    assert "Modality is needed" in said
    assert "Müller" not in said


def test_a_view_is_decided_on(installation: Path) -> None:
    result = run("view", "CT1", "--status", "ARRIVED", "--own-station-only")
    assert result.output.strip() == "CT1 sees its own steps that are ARRIVED."
    assert "Everybody else sees all steps" in run("view", "").output


def test_the_demo_department_has_work_for_two_days_and_nothing_twice(sqlite_database: Database) -> None:
    today = date(2026, 11, 24)
    for step in demo_steps(today):
        schedule_step(sqlite_database, DESK, step)
    for step in demo_steps(today):
        with pytest.raises(StepExists):
            schedule_step(sqlite_database, DESK, step)
    found, total = find_scheduled_steps(sqlite_database, DESK, StepFilter(), 100, 0)
    assert total == 10
    assert {one.details.step.start_date for one in found} == {"20261124", "20261125"}
    assert any("山下" in one.details.patient.patient_name for one in found)
    tomorrow = [schedule_step(sqlite_database, DESK, step) for step in demo_steps(date(2026, 11, 25))]
    assert len(tomorrow) == 10
