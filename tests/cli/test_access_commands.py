"""`filmless user`, `token` and `node`, as typed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from filmless.cli.app import app

GOOD_PASSWORD = "four plain words here"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of its own, migrated."""
    monkeypatch.setenv("FILMLESS_DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    assert run("migrate").exit_code == 0
    return tmp_path


def run(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, list(words), input=typed)


def add_anna() -> Result:
    options = ("--role", "administrator", "--display-name", "Anna [bold]Example", "--password-stdin")
    return run("user", "add", "Anna", *options, typed=GOOD_PASSWORD + "\n")


def test_a_user_is_added_with_the_password_of_standard_input_and_listed(folder: Path) -> None:
    assert "Added administrator anna." in add_anna().output
    listed = run("user", "list").output
    assert "Anna [bold]Example" in listed
    assert "active" in listed


def test_a_password_typed_twice_differently_is_asked_again(folder: Path) -> None:
    typed = f"{GOOD_PASSWORD}\nanother\n{GOOD_PASSWORD}\n{GOOD_PASSWORD}\n"
    assert run("user", "add", "bert", "--role", "radiologist", typed=typed).exit_code == 0


@pytest.mark.parametrize("typed", ["", "\n", "short\n"])
def test_a_refused_password_is_one_plain_line_and_exit_code_1(folder: Path, typed: str) -> None:
    refused = run("user", "add", "anna", "--role", "administrator", "--password-stdin", typed=typed)
    assert refused.exit_code == 1
    assert "Error:" in refused.output
    assert "Traceback" not in refused.output
    assert "anna" not in run("user", "list").output


def test_a_user_gets_a_new_password_and_is_disabled(folder: Path) -> None:
    add_anna()
    assert run("user", "disable", "anna").exit_code == 1  # The last administrator.
    run("user", "add", "bert", "--role", "administrator", "--password-stdin", typed=GOOD_PASSWORD)
    assert run("user", "set-password", "bert", "--password-stdin", typed="other plain words").exit_code == 0
    assert run("user", "disable", "bert").exit_code == 0
    assert "disabled" in run("user", "list").output


def test_a_token_is_printed_alone_on_its_line_and_can_be_revoked(folder: Path) -> None:
    add_anna()
    made = run("token", "create", "--user", "anna", "--label", "bench", "--days", "30")
    (secret,) = made.output.split()
    assert secret.startswith("flm_")
    listed = run("token", "list").output
    assert "usable" in listed
    assert secret not in listed
    token_id = next(word for word in listed.split() if len(word) == 26)
    assert run("token", "revoke", token_id).exit_code == 0
    assert "revoked" in run("token", "list", "--user", "ANNA").output
    assert run("token", "create", "--user", "nobody").exit_code == 1


def test_a_node_is_added_listed_and_removed(folder: Path) -> None:
    assert run("node", "add", "CT1", "ct1.example.org", "104", "--description", "room 1").exit_code == 0
    assert run("node", "add", "CT1", "elsewhere", "104").exit_code == 1
    assert "ct1.example.org" in run("node", "list").output
    assert run("node", "remove", "CT1").exit_code == 0
    assert run("node", "remove", "CT1").exit_code == 1
