"""What `filmless doctor` says of TLS, of certificates that end, and of those who were turned away."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from filmless.cli.app import app
from filmless.features.access import system_actor
from filmless.features.nodes import NewNode, Refusal, RefusalReason, add_node, note_refusals
from filmless.infra.clock import SystemClock
from filmless.infra.database import Database
from filmless.infra.migrations import migrate
from made_certificates import MadeCertificate

CONSOLE = system_actor("console")


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Of an installation of its own, where nobody serves."""
    settings = {"DATA": str(tmp_path), "HTTP_PORT": "1", "DICOM_PORT": "1", "DICOM_TLS_PORT": "1"}
    for name, value in settings.items():
        monkeypatch.setenv(f"FILMLESS_{name}", value)
    monkeypatch.setenv("COLUMNS", "250")
    made = Database(f"sqlite:///{tmp_path / 'filmless.sqlite3'}", SystemClock())
    migrate(made)
    return made


def says(database: Database, what: str) -> str:
    """The state of the row that says so."""
    database.close()
    lines = CliRunner().invoke(app, ["doctor"]).output.splitlines()
    return next((line.split("│")[1].strip() for line in lines if what in line), "nothing")


def test_with_nobody_serving_there_is_no_tls(database: Database) -> None:
    assert says(database, "No DICOM over TLS on port 1.") == "look"


def test_tls_may_be_switched_off(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILMLESS_DICOM_TLS_PORT", "0")
    assert says(database, "DICOM over TLS is switched off.") == "well"


def test_a_certificate_of_ours_that_cannot_be_used_is_ill(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILMLESS_DICOM_TLS_CERTIFICATE", "missing.pem")
    assert says(database, "FILMLESS_DICOM_TLS_CERTIFICATE") == "ill"


ENDS = [(90, "ill", "ends on"), (20, "look", "ends on")]  # Days since its beginning; it is good for 30.


@pytest.mark.parametrize(("age_days", "state", "words"), ENDS)
def test_a_bound_certificate_that_ends_is_told(
    database: Database, age_days: int, state: str, words: str
) -> None:
    pem = MadeCertificate.of("CT1", age_days=age_days).pem
    add_node(database, CONSOLE, NewNode("CT1", "localhost", 104, certificate_pem=pem))
    assert says(database, f"The certificate bound to CT1 {words}") == state


def test_without_bound_certificates_none_ends(database: Database) -> None:
    assert says(database, "No certificate that is bound to a node ends soon.") == "well"


def test_who_was_turned_away_is_counted_but_not_the_doctor_itself(database: Database) -> None:
    ourselves = Refusal("FILMLESS", "127.0.0.1", "FILMLESS", RefusalReason.UNKNOWN_NODE)
    note_refusals(database, {ourselves: 1})
    assert says(database, "No DICOM caller is waiting to be let in.") == "well"
    note_refusals(database, {Refusal("CT1", "192.0.2.1", "FILMLESS", RefusalReason.UNKNOWN_NODE): 1})
    assert says(database, "DICOM callers that were turned away: 1.") == "look"
