"""`filmless node` and `filmless tls`, as typed."""

import os
import ssl
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from filmless.cli.app import app
from filmless.features.nodes import Refusal, RefusalReason, describe_certificates, note_refusals
from filmless.infra.clock import SystemClock
from filmless.infra.database import Database
from filmless.infra.tls_files import spelled
from made_certificates import MadeCertificate


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of its own, migrated."""
    monkeypatch.setenv("FILMLESS_DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "220")
    assert run("migrate").exit_code == 0
    return tmp_path


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def shown(ae_title: str = "CT1") -> dict[str, str]:
    """The rows of `node show`."""
    lines = [line.split("│") for line in run("node", "show", ae_title).output.splitlines() if "│" in line]
    return {cells[1].strip(): cells[2].strip() for cells in lines}


def turn_away(folder: Path, *refusals: Refusal) -> None:
    database = Database(f"sqlite:///{folder / 'filmless.sqlite3'}", SystemClock())
    note_refusals(database, dict.fromkeys(refusals, 2))
    database.close()


def test_three_words_register_a_node_that_may_do_everything(folder: Path) -> None:
    assert "Added CT1 at ct1.example.org:104." in run("node", "add", "CT1", "ct1.example.org", "104").output
    rows = shown()
    assert (rows["may"], rows["calls from"], rows["TLS"], rows["prefers"]) == (
        "all",
        "anywhere",
        "off",
        "as stored",
    )


def test_every_option_is_kept_and_shown(folder: Path) -> None:
    device = MadeCertificate.of("CT1")
    _, pem = device.files(folder, "device")
    options = (
        *("--description", "room [1]", "--may", "store, worklist", "--off", "--check-address"),
        *("--address", "192.0.2.0/24", "--address", "2001:db8::1", "--tls", "required"),
        *("--certificate", pem, "--associations", "3", "--transfer-syntax", "1.2.840.10008.1.2.4.90"),
        "--commit-on-same",
    )
    assert run("node", "add", "CT1", "ct1", "104", *options).exit_code == 0
    rows = shown()
    assert rows["description"] == "room [1]"
    assert rows["may"] == "store, worklist"
    assert rows["state"] == "switched off"
    assert rows["calls from"] == "ct1, 192.0.2.0/24, 2001:db8::1"
    assert rows["TLS"] == "required"
    assert spelled(device.fingerprint) in rows["certificate CN=CT1"]
    assert rows["associations when sending"] == "3"
    assert rows["prefers"] == "1.2.840.10008.1.2.4.90"
    assert rows["commitment results"] == "on its association"
    listed = run("node", "list").output
    assert "required, bound" in listed
    assert "switched off" in listed


EDITS = [
    (("--port", "11112"), "host and port", "ct1, 11112"),
    (("--host", "192.0.2.1"), "host and port", "192.0.2.1, 104"),
    (("--may", "nothing"), "may", "nothing"),
    (("--may", "all"), "may", "all"),
    (("--on",), "state", "on"),
    (("--off",), "state", "switched off"),
    (("--any-address",), "calls from", "anywhere"),
    (("--check-address", "--address", ""), "calls from", "ct1"),
    (("--tls", "on"), "TLS", "on"),
    (("--transfer-syntax", ""), "prefers", "as stored"),
    (("--commit-on-new",), "commitment results", "on a new one"),
    (("--description", ""), "description", ""),
]


@pytest.mark.parametrize(("options", "row", "value"), EDITS, ids=lambda it: str(it)[:40])
def test_what_is_named_is_changed_and_the_rest_left(
    folder: Path, options: tuple[str, ...], row: str, value: str
) -> None:
    first = ("--description", "room 1", "--check-address", "--address", "192.0.2.9", "--may", "store")
    run("node", "add", "CT1", "ct1", "104", *first, "--transfer-syntax", "1.2.840.10008.1.2.1")
    before = shown()
    assert run("node", "edit", "CT1", *options).exit_code == 0
    after = shown()
    assert after.pop(row) == value
    before.pop(row)
    follows = {"since", "calls from"} if "--host" in options else {"since"}
    assert {**after, **dict.fromkeys(follows)} == {**before, **dict.fromkeys(follows)}


def test_colons_stay_colons(folder: Path) -> None:
    options = ("--description", "room :AB:", "--check-address", "--address", "2001:ab::1")
    run("node", "add", "CT1", "2001:ab:0::2", "104", *options)
    assert shown()["description"] == "room :AB:"
    assert shown()["calls from"] == "2001:ab:0::2, 2001:ab::1"


def test_a_bound_certificate_is_taken_away(folder: Path) -> None:
    _, pem = MadeCertificate.of("CT1").files(folder, "device")
    run("node", "add", "CT1", "ct1", "104", "--certificate", pem)
    assert "certificate CN=CT1" in shown()
    run("node", "edit", "CT1", "--certificate", "none")
    assert "certificate CN=CT1" not in shown()


REFUSED = [
    ("add", "CT1", "no host", "104"),
    ("add", "CT1", "ct1", "0"),
    ("add", "CT1", "ct1", "104", "--may", "everything"),
    ("add", "CT1", "ct1", "104", "--address", "everywhere"),
    ("add", "CT1", "ct1", "104", "--certificate", "no-such-file.pem"),
    ("edit", "CT9", "--port", "105"),
    ("show", "CT9"),
    ("remove", "CT9"),
    ("forget", "CT9", "192.0.2.9"),
]


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_a_refusal_is_one_plain_line_and_exit_code_1(folder: Path, words: tuple[str, ...]) -> None:
    refused = run("node", *words)
    assert refused.exit_code == 1
    assert "Error:" in refused.output
    assert "Traceback" not in refused.output


def test_who_was_turned_away_is_listed_with_a_command_that_is_safe_to_copy(folder: Path) -> None:
    hostile = Refusal("$(reboot) [red]", "192.0.2.9", "OTHER", RefusalReason.UNKNOWN_NODE)
    turn_away(folder, hostile)
    output = run("node", "unknown").output
    assert "$(reboot) [red]" in output
    assert "filmless node add '$(reboot) [red]' 192.0.2.9 104" in output
    assert "Nobody has registered this AE title." in output
    assert run("node", "forget", "$(reboot) [red]", "192.0.2.9").exit_code == 0
    assert "reboot" not in run("node", "unknown").output


def test_our_certificate_is_shown_and_handed_out_without_its_key(folder: Path) -> None:
    exported = run("tls", "export").output
    assert "PRIVATE" not in exported
    assert ssl.PEM_cert_to_DER_cert(exported)
    shown_tls = run("tls", "show").output
    assert spelled(describe_certificates(exported)[0].fingerprint) in shown_tls
    assert "2762" in shown_tls
    file = folder / "for-the-ct.pem"
    assert run("tls", "export", file).exit_code == 0
    assert file.read_text() == exported
    assert run("tls", "export", folder / "no" / "folder.pem").exit_code == 1


def test_the_certificate_that_the_settings_name_is_ours(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital = MadeCertificate.of("pacs.example.org")
    key, certificate = hospital.files(folder, "hospital")
    monkeypatch.setenv("FILMLESS_DICOM_TLS_CERTIFICATE", os.fspath(certificate))
    monkeypatch.setenv("FILMLESS_DICOM_TLS_KEY", os.fspath(key))
    assert run("tls", "export").output == hospital.pem
    assert spelled(hospital.fingerprint) in run("tls", "show").output
    monkeypatch.setenv("FILMLESS_DICOM_TLS_CERTIFICATE", "missing.pem")
    assert "FILMLESS_DICOM_TLS_CERTIFICATE" in run("tls", "show").output
