"""`filmless import`: folders, zips, DICOMDIRs; what was interrupted goes on."""

import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from builders import a_ct_slice, part10
from filmless.cli.app import app
from filmless.cli.import_sources import ImportList, find_sources


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty, migrated installation that the environment names."""
    monkeypatch.setenv("FILMLESS_DATA", str(tmp_path / "data"))
    assert CliRunner().invoke(app, ["migrate"]).exit_code == 0
    return tmp_path


def run_import(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["import", *arguments])


def a_folder(parent: Path, slices: int = 3) -> Path:
    folder = parent / "disc"
    (folder / "sub").mkdir(parents=True)
    for number in range(1, slices + 1):
        (folder / "sub" / f"IM{number}").write_bytes(part10(a_ct_slice(number)))
    (folder / "README.TXT").write_text("Not an image.")
    return folder


def counts(result: Result) -> dict[str, int]:
    """The closing table as a dict."""
    found = {}
    for line in result.stdout.splitlines():
        words, _, number = line.strip().rpartition(" ")
        if number.isdigit():
            found[words.strip()] = int(number)
    return found


def test_a_folder_is_imported_with_all_below_it(installation: Path) -> None:
    result = run_import(str(a_folder(installation)))
    assert result.exit_code == 0
    assert counts(result) == {"stored": 3, "not DICOM": 1}


def test_the_same_folder_again_stores_nothing_twice(installation: Path) -> None:
    folder = a_folder(installation)
    run_import(str(folder))
    assert counts(run_import(str(folder))) == {"already stored": 3, "not DICOM": 1}


def test_a_zip_is_imported_without_a_path_of_it_on_disk(installation: Path) -> None:
    path = installation / "disc.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../outside/IM1", part10(a_ct_slice(1)))
        archive.writestr("DICOMDIR", b"a directory")
    before = {file for file in installation.rglob("*") if "data" not in file.parts}
    assert counts(run_import(str(path))) == {"stored": 1}
    assert {file for file in installation.rglob("*") if "data" not in file.parts} == before


def test_a_damaged_member_is_named_and_the_rest_imported(installation: Path) -> None:
    path = installation / "disc.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("IM1", part10(a_ct_slice(1)))
        archive.writestr("IM2", part10(a_ct_slice(2)))
    data = bytearray(path.read_bytes())
    place = data.rfind(b"CT Kopf", 0, len(data) - 400)
    data[place : place + 7] = b"XXXXXXX"  # The checksum of the zip notices.
    path.write_bytes(data)
    result = run_import(str(path))
    assert (result.exit_code, counts(result)) == (1, {"stored": 1, "failed": 1})
    assert "IM" in result.stderr


def test_what_contradicts_is_counted_as_kept_in_quarantine(installation: Path) -> None:
    folder = a_folder(installation, slices=1)
    (folder / "again").write_bytes(part10(a_ct_slice(1, StudyDescription="changed")))
    assert counts(run_import(str(folder)))["kept in quarantine"] == 1


def test_an_interrupted_import_goes_on_with_what_is_missing(installation: Path) -> None:
    folder = a_folder(installation)
    done = ImportList(installation / "data" / "imports", folder)
    sources = find_sources(folder)
    done.add(sources[0])
    again = ImportList(installation / "data" / "imports", folder)
    assert [source in again for source in sources] == [True, False, False, False]
    assert counts(run_import(str(folder)))["already stored"] == 1


def test_a_finished_import_leaves_no_list(installation: Path) -> None:
    run_import(str(a_folder(installation)))
    assert list((installation / "data" / "imports").iterdir()) == []


def test_a_link_that_leads_out_of_the_folder_is_not_followed(installation: Path) -> None:
    folder = a_folder(installation, slices=1)
    (installation / "secret.dcm").write_bytes(part10(a_ct_slice(9)))
    (folder / "link.dcm").symlink_to(installation / "secret.dcm")
    assert counts(run_import(str(folder)))["stored"] == 1


def test_a_path_that_is_not_there_is_said_plainly(installation: Path) -> None:
    result = run_import(str(installation / "nothing"))
    assert result.exit_code == 2
    assert "does not exist" in result.output
