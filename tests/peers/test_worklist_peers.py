"""DCMTK and pynetdicom ask for the worklist and report performed steps; DCMTK's own server is the oracle.

The files and queries that DCMTK ships as examples are served by its `wlmscpfs` and taken over by `filmless
worklist import`: `findscu -W` must get the same from both. Names come back in every character set asked for.
"""

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pydicom
import pytest
from bench.filmless_server import run_command
from bench.processes import ServerProcess, free_ports
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, Association
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    ModalityPerformedProcedureStep,
    ModalityPerformedProcedureStepRetrieve,
    ModalityWorklistInformationFind,
)

from department import Filmless

pytestmark = [pytest.mark.peer, pytest.mark.slow]

EXAMPLES = Path("/usr/share/doc/dcmtk/examples")
SECONDS_MAX = 60
needs_dcmtk = pytest.mark.skipif(
    shutil.which("wlmscpfs") is None or shutil.which("dump2dcm") is None,
    reason="needs DCMTK (apt-get install dcmtk)",
)
needs_examples = pytest.mark.skipif(
    not (EXAMPLES / "wlistdb").exists(), reason="needs the worklist examples of Debian's DCMTK package"
)

STEP = "(0040,0100) SQ\n(fffe,e000) -\n{keys}\n(fffe,e00d) -\n(fffe,e0dd) -\n"
ALL_OF_STEP = "\n".join(
    f"({tag}) {vr} []"
    for tag, vr in (
        ("0008,0060", "CS"), ("0032,1070", "LO"), ("0040,0001", "AE"), ("0040,0002", "DA"),
        ("0040,0003", "TM"), ("0040,0006", "PN"), ("0040,0007", "LO"), ("0040,0009", "SH"),
        ("0040,0010", "SH"), ("0040,0011", "SH"),
    )
)  # fmt: skip
ROOT = (
    "(0008,0050) SH []\n(0010,0010) PN []\n(0010,0020) LO []\n(0010,0030) DA []\n(0010,0040) CS []\n"
    "(0010,2000) LO []\n(0010,2110) LO []\n(0020,000d) UI []\n(0032,1032) PN []\n(0032,1060) LO []\n"
    "(0040,1001) SH []\n(0040,1003) SH []\n"
)


def asking(root: str = "", step: str = "") -> str:
    """A query for everything, with other values for some keys, as text for dump2dcm."""
    lines = {line[:11]: line for line in ROOT.splitlines()} | {line[:11]: line for line in root.splitlines()}
    keys = {line[:11]: line for line in ALL_OF_STEP.splitlines()}
    keys |= {line[:11]: line for line in step.splitlines()}
    return "\n".join(lines.values()) + "\n" + STEP.format(keys="\n".join(keys.values()))


OURS = {
    "everything": asking(),
    "one patient": asking("(0010,0020) LO [HF]"),
    "a name": asking("(0010,0010) PN [HAYDN*]"),
    "a name in the middle": asking("(0010,0010) PN [*WOLFGANG*]"),
    "a name of one letter more": asking("(0010,0010) PN [MOZAR?^WOLFGANG^AMADEUS]"),
    "an accession number": asking("(0008,0050) SH [00004]"),
    "a modality": asking("", "(0008,0060) CS [CT]"),
    "a modality of nobody": asking("", "(0008,0060) CS [MG]"),
    "a station": asking("", "(0040,0001) AE [AA32]"),
    "the second station of several": asking("", "(0040,0001) AE [NN77]"),
    "a day": asking("", "(0040,0002) DA [19960406]"),
    "a year": asking("", "(0040,0002) DA [19960101-19961231]"),
    "from a day on": asking("", "(0040,0002) DA [19960501-]"),
    "up to a day": asking("", "(0040,0002) DA [-19951206]"),
    "an afternoon": asking("", "(0040,0003) TM [120000-180000]"),
    "an exact time": asking("", "(0040,0003) TM [160700]"),
    "a physician": asking("", "(0040,0006) PN [JOHN*]"),
    "two keys": asking("(0010,0020) LO [HF]", "(0008,0060) CS [CR]"),
    "a procedure": asking("(0040,1001) SH [RP472]"),
}


def command(*words: str | Path) -> str:
    """Run a program of DCMTK; its output."""
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def dump2dcm(text: str, folder: Path, name: str, encoding: str = "utf-8") -> Path:
    dump, made = folder / f"{name}.dump", folder / f"{name}.dcm"
    dump.write_text(text, encoding=encoding)
    command("dump2dcm", "+te", dump, made)
    return made


def findscu(port: int, query: Path, called: str, folder: Path) -> list[Dataset]:
    """What `findscu -W` is answered, as its files have it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    words = ("-W", "-X", "-od", folder, "-aet", "FINDSCU", "-aec", called, "127.0.0.1", str(port), query)
    command("findscu", *words)
    return [pydicom.dcmread(path, force=True) for path in sorted(folder.glob("rsp*.dcm"))]


def told(answers: list[Dataset]) -> list[str]:
    """The answers as comparable text: what we add unasked and how it is encoded left out."""
    found = []
    for answer in answers:
        bare = Dataset()
        bare.update({element.tag: element for element in answer if element.tag.group != 2})
        bare.pop("SpecificCharacterSet", None)
        found.append(json.dumps(bare.to_json_dict(), sort_keys=True, ensure_ascii=False))
    return sorted(found)


@pytest.fixture(scope="module")
def worklist_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DCMTK's example worklist as a folder for wlmscpfs."""
    folder = tmp_path_factory.mktemp("wlistdb")
    (folder / "OFFIS").mkdir()
    (folder / "OFFIS" / "lockfile").touch()
    for dump in sorted((EXAMPLES / "wlistdb/OFFIS").glob("*.dump")):
        command("dump2dcm", "-g", "+te", dump, folder / "OFFIS" / f"{dump.stem}.wl")
    return folder


def wait_until_answering(port: int, process: ServerProcess) -> None:
    """Return when the port accepts; fail when the process ends first."""
    deadline = time.monotonic() + SECONDS_MAX
    while process.is_running and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            threading.Event().wait(0.05)
        else:
            return
    pytest.fail(f"It does not listen: {process.log.read_text()}")


@pytest.fixture(scope="module")
def oracle(worklist_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of DCMTK's worklist server."""
    (port,) = free_ports(1)
    words = ["wlmscpfs", "-s", "-dfp", str(worklist_files), str(port)]
    process = ServerProcess(words, {}, tmp_path_factory.mktemp("wlmscpfs") / "log")
    try:
        wait_until_answering(port, process)
        yield port
    finally:
        process.kill()


@pytest.fixture(scope="module")
def department(prepared_server: Filmless, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filmless]:
    """A Filmless with all its roles."""
    with Filmless(folder=tmp_path_factory.mktemp("worklist"), prepared=prepared_server) as server:
        yield server


@pytest.fixture(scope="module")
def taken_over(department: Filmless, worklist_files: Path) -> Filmless:
    """The same, with DCMTK's example worklist taken over."""
    said = run_command(department.environment, "worklist", "import", str(worklist_files))
    assert said.strip() == "10 taken over, 0 there already, 0 refused."
    return department


@needs_dcmtk
@needs_examples
@pytest.mark.parametrize("name", OURS)
def test_findscu_gets_from_us_what_dcmtk_tells(
    taken_over: Filmless, oracle: int, tmp_path: Path, name: str
) -> None:
    query = dump2dcm(OURS[name], tmp_path, "query")
    expected = findscu(oracle, query, "OFFIS", tmp_path / "theirs")
    found = findscu(taken_over.dicom_address[1], query, "FILMLESS", tmp_path / "ours")
    assert told(found) == told(expected)
    assert (name == "a modality of nobody") == (not expected)
    assert all(answer.SpecificCharacterSet and answer.StudyInstanceUID for answer in found)


@needs_dcmtk
@needs_examples
@pytest.mark.parametrize("name", [f"wlistqry{number}" for number in range(13)])
def test_the_example_queries_of_dcmtk_find_the_same_patients(
    taken_over: Filmless, oracle: int, tmp_path: Path, name: str
) -> None:
    query = tmp_path / "query.dcm"
    command("dump2dcm", "+te", EXAMPLES / f"wlistqry/{name}.dump", query)
    expected = findscu(oracle, query, "OFFIS", tmp_path / "theirs")
    found = findscu(taken_over.dicom_address[1], query, "FILMLESS", tmp_path / "ours")
    assert sorted(str(one.PatientName) for one in found) == sorted(str(one.PatientName) for one in expected)


NAMES = {
    "japanese": ("Yamada^Tarou=山田^太郎=やまだ^たろう", "\\ISO 2022 IR 87"),
    "japanese as UTF-8": ("Yamada^Tarou=山田^太郎=やまだ^たろう", "ISO_IR 192"),
    "cyrillic": ("Кузнецова^Людмила", "ISO_IR 144"),
    "german": ("Müller^Jürgen", "ISO_IR 100"),
    "greek": ("Παπαδοπούλου^Ελένη", "ISO_IR 126"),
    "korean": ("Kim^Minseo=金^旻序=김^민서", "\\ISO 2022 IR 149"),
}


def schedule(department: Filmless, patient_id: str, name: str) -> dict[str, Any]:
    """A step put in over HTTP."""
    body = {
        "patient": {"patient_id": patient_id, "patient_name": name},
        "procedure": {"requested_procedure_description": "CT head"},
        "step": {
            "modality": "CT",
            "scheduled_station_ae_titles": ["CT1"],
            "start_date": "2099-01-31",
            "start_time": "10:15",
        },
    }
    url = f"{department.http_url}/api/worklist"
    answer = httpx.post(url, json=body, headers=department.headers, timeout=SECONDS_MAX, trust_env=False)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def state_of(department: Filmless, step_id: str) -> str:
    url = f"{department.http_url}/api/worklist/{step_id}"
    answer = httpx.get(url, headers=department.headers, timeout=SECONDS_MAX, trust_env=False)
    return str(answer.json()["status"])


@needs_dcmtk
@pytest.mark.parametrize("which", NAMES)
def test_findscu_gets_names_of_every_script_undamaged(
    department: Filmless, tmp_path: Path, which: str
) -> None:
    name, terms = NAMES[which]
    schedule(department, which, name)
    dump = f"(0008,0005) CS {terms}\n(0010,0010) PN []\n(0010,0020) LO [{which}]\n"
    query = dump2dcm(dump, tmp_path, "query", "ascii")
    answers = findscu(department.dicom_address[1], query, "FILMLESS", tmp_path / "answers")
    assert answers
    for answer in answers:
        assert str(answer.PatientName) == name
        written = answer["SpecificCharacterSet"].value
        assert (written if isinstance(written, str) else "\\".join(written)) == terms


@needs_dcmtk
def test_findscu_asks_with_a_name_in_another_script(department: Filmless, tmp_path: Path) -> None:
    schedule(department, "asked", "Suzuki^Hanako=鈴木^花子")
    for terms, name, encoding in (
        ("ISO_IR 192", "鈴木*", "utf-8"),
        ("ISO_IR 192", "Suzuki^Hanako=鈴木^花子", "utf-8"),
        ("\\ISO 2022 IR 87", "=鈴木*".encode("iso2022_jp").decode("latin-1"), "latin-1"),
    ):
        dump = f"(0008,0005) CS {terms}\n(0010,0010) PN [{name}]\n(0010,0020) LO []\n"
        query = dump2dcm(dump, tmp_path, "query", encoding)
        answers = findscu(department.dicom_address[1], query, "FILMLESS", tmp_path / "answers")
        assert [answer.PatientID for answer in answers] == ["asked"], terms


@pytest.fixture
def association(department: Filmless) -> Iterator[Association]:
    entity = AE("PYNETDICOM")
    for context in (
        ModalityWorklistInformationFind,
        ModalityPerformedProcedureStep,
        ModalityPerformedProcedureStepRetrieve,
    ):
        entity.add_requested_context(context)
    association = entity.associate(*department.dicom_address, ae_title="FILMLESS")
    assert association.is_established
    yield association
    association.release()


def worklist_query(patient_id: str) -> Dataset:
    keys = Dataset()
    keys.PatientID = patient_id
    keys.PatientName = keys.AccessionNumber = keys.RequestedProcedureID = keys.PatientBirthDate = ""
    step = Dataset()
    step.ScheduledProcedureStepID = step.Modality = step.ScheduledProcedureStepDescription = ""
    keys.ScheduledProcedureStepSequence = [step]
    return keys


def find_one(association: Association, patient_id: str) -> Dataset:
    responses = list(association.send_c_find(worklist_query(patient_id), ModalityWorklistInformationFind))
    assert [response.Status for response, _ in responses] == [0xFF00, 0x0000]
    return responses[0][1]


def begun(entry: Dataset) -> Dataset:
    """N-CREATE attributes as pynetdicom's documentation makes them from a worklist entry."""
    made = Dataset()
    made.PerformedProcedureStepID = "PPS1"
    made.PerformedStationAETitle = "CT1"
    made.PerformedStationName = made.PerformedLocation = ""
    made.PerformedProcedureStepStartDate, made.PerformedProcedureStepStartTime = "20990131", "101600"
    made.PerformedProcedureStepStatus = "IN PROGRESS"
    made.PerformedProcedureStepDescription = made.PerformedProcedureTypeDescription = "description"
    made.PerformedProcedureCodeSequence = []
    made.PerformedProcedureStepEndDate = made.PerformedProcedureStepEndTime = None
    made.PatientName, made.PatientID = entry.PatientName, entry.PatientID
    made.PatientBirthDate, made.PatientSex = entry.PatientBirthDate, ""
    made.ReferencedPatientSequence = []
    step = Dataset()
    step.StudyInstanceUID = entry.StudyInstanceUID
    step.ReferencedStudySequence = []
    step.AccessionNumber, step.RequestedProcedureID = entry.AccessionNumber, entry.RequestedProcedureID
    step.RequestedProcedureDescription = ""
    step.ScheduledProcedureStepID = entry.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID
    step.ScheduledProcedureStepDescription = ""
    made.ScheduledStepAttributesSequence = [step]
    made.Modality, made.StudyID = "CT", "S1"
    made.PerformedProtocolCodeSequence = made.PerformedSeriesSequence = []
    return made


def done() -> Dataset:
    """N-SET modifications that complete a step."""
    changes = Dataset()
    changes.PerformedProcedureStepStatus = "COMPLETED"
    changes.PerformedProcedureStepEndDate, changes.PerformedProcedureStepEndTime = "20990131", "102000"
    series = Dataset()
    series.PerformingPhysicianName = series.OperatorsName = series.SeriesDescription = ""
    series.ProtocolName, series.SeriesInstanceUID, series.RetrieveAETitle = "HEAD", generate_uid(), "FILMLESS"
    image = Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", generate_uid()
    series.ReferencedImageSequence = [image]
    series.ReferencedNonImageCompositeSOPInstanceSequence = []
    changes.PerformedSeriesSequence = [series]
    return changes


def test_pynetdicom_walks_an_exam_from_the_worklist_to_its_end(
    department: Filmless, association: Association
) -> None:
    step_id = schedule(department, "walk", "Probe^Maria")["id"]
    entry = find_one(association, "walk")
    uid = generate_uid()
    status, _ = association.send_n_create(begun(entry), ModalityPerformedProcedureStep, uid)
    assert status.Status == 0x0000
    assert state_of(department, step_id) == "STARTED"
    assert len(list(association.send_c_find(worklist_query("walk"), ModalityWorklistInformationFind))) == 1
    status, _ = association.send_n_create(begun(entry), ModalityPerformedProcedureStep, uid)
    assert status.Status == 0x0111
    status, _ = association.send_n_set(done(), ModalityPerformedProcedureStep, uid)
    assert status.Status == 0x0000
    assert state_of(department, step_id) == "COMPLETED"
    status, _ = association.send_n_set(done(), ModalityPerformedProcedureStep, uid)
    assert (status.Status, status.ErrorID) == (0x0110, 0xA710)
    status, whole = association.send_n_get([], ModalityPerformedProcedureStepRetrieve, uid)
    assert (status.Status, whole.PerformedProcedureStepStatus) == (0x0000, "COMPLETED")
    assert whole.PerformedSeriesSequence[0].ReferencedImageSequence[0].ReferencedSOPClassUID.endswith("1.1.2")


def test_pynetdicom_is_told_what_is_missing(department: Filmless, association: Association) -> None:
    schedule(department, "missing", "Probe^Maria")
    attributes = begun(find_one(association, "missing"))
    del attributes.Modality
    status, _ = association.send_n_create(attributes, ModalityPerformedProcedureStep, generate_uid())
    assert status.Status == 0x0120
    status, _ = association.send_n_set(done(), ModalityPerformedProcedureStep, generate_uid())
    assert status.Status == 0x0112


def test_a_wrong_entry_returns_to_the_worklist(department: Filmless, association: Association) -> None:
    step_id = schedule(department, "wrong", "Probe^Maria")["id"]
    uid = generate_uid()
    attributes = begun(find_one(association, "wrong"))
    association.send_n_create(attributes, ModalityPerformedProcedureStep, uid)
    changes = done()
    changes.PerformedProcedureStepStatus = "DISCONTINUED"
    changes.PerformedSeriesSequence = []
    reason = Dataset()
    reason.CodeValue, reason.CodingSchemeDesignator = "110514", "DCM"
    reason.CodeMeaning = "Incorrect worklist entry selected"
    changes.PerformedProcedureStepDiscontinuationReasonCodeSequence = [reason]
    status, _ = association.send_n_set(changes, ModalityPerformedProcedureStep, uid)
    assert status.Status == 0x0000
    assert state_of(department, step_id) == "SCHEDULED"
    find_one(association, "wrong")
