"""Other archives and the connection doctor at the command line, against another Filmless in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from builders import CT_IMAGE_STORAGE, EXPLICIT_LE, a_ct_slice, encoded
from filmless.cli.app import app
from filmless.edge.dimse.admission import Admission
from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.requestor import Peer, open_association
from filmless.edge.dimse.server import DIMSEServer
from filmless.features.archive import Archive
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.infra.sandbox import Sandbox


@pytest.fixture
def other_archive(
    sqlite_database: Database, object_store: FolderObjectStore, tmp_path: Path
) -> Iterator[DIMSEServer]:
    """Another Filmless that holds one slice."""
    archive = Archive(sqlite_database, object_store)
    services = Services(archive, "OTHER", Sandbox(), tmp_path)
    server = DIMSEServer(services, Admission(sqlite_database, "OTHER", False, True), "127.0.0.1", 0)
    server.start()
    one = a_ct_slice()
    contexts = [(CT_IMAGE_STORAGE, (EXPLICIT_LE,))]
    with open_association(Peer("127.0.0.1", server.port, "OTHER", "CT1"), contexts) as sender:
        assert sender.store(CT_IMAGE_STORAGE, one.SOPInstanceUID, EXPLICIT_LE, (encoded(one),)) == 0
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _installation(other_archive: DIMSEServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILMLESS_DATA", str(tmp_path / "ours"))
    monkeypatch.setenv("COLUMNS", "250")
    run("migrate")
    run("node", "add", "OTHER", "127.0.0.1", str(other_archive.port))


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def test_a_node_is_asked_whether_it_is_there(other_archive: DIMSEServer) -> None:
    done = run("echo", "OTHER")
    assert (done.exit_code, "OTHER at 127.0.0.1" in done.output) == (0, True)
    other_archive.stop()
    assert run("echo", "OTHER").exit_code == 1
    assert run("echo", "NOBODY").exit_code == 1


def test_a_study_is_found_fetched_and_found_here() -> None:
    uid = a_ct_slice().StudyInstanceUID
    done = run("remote", "find", "OTHER", "--patient-name", "synth", "--since", "2026-01-01")
    assert (done.exit_code, uid in done.output, "Synthetic^Müller" in done.output) == (0, True, True)
    done = run("remote", "pull", "OTHER", uid)
    assert (done.exit_code, "1 instances came from OTHER" in done.output) == (0, True)
    assert run("remote", "pull", "OTHER", "1.2.3").exit_code == 1


def test_a_search_for_nothing_in_particular_is_refused() -> None:
    assert run("remote", "find", "OTHER").exit_code == 1
    assert "It has nothing that matches." in run("remote", "find", "OTHER", "--patient-id", "none").output


def test_a_check_goes_step_by_step_and_fails_when_something_is_ill(other_archive: DIMSEServer) -> None:
    done = run("check", "OTHER")
    assert "It answers C-ECHO." in done.output
    assert "only go there with your consent" in done.output
    done = run("check", "OTHER", "--store")
    assert (done.exit_code, "OTHER does not know where FILMLESS is" in done.output) == (1, True)
    other_archive.stop()
    done = run("check", "OTHER")
    assert (done.exit_code, "nothing listens on port" in done.output) == (1, True)
