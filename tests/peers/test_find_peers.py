"""findscu (DCMTK) and pynetdicom ask; what they got is read by them and by pydicom, not by us."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation

from builders import ROOT, a_ct_slice, part10
from filmless.edge.dimse.requestor import Peer
from filmless.features.access import system_actor
from filmless.features.archive import Archive, receive_part10
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.standards.dicom.sop_classes import PATIENT_ROOT_FIND, PATIENT_STUDY_ONLY_FIND, STUDY_ROOT_FIND
from filmless.standards.dicom.transfer_syntaxes import (
    DEFLATED_EXPLICIT_LE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
)
from named_patients import NAMES, TERMS, named_instance
from querying_peer import answering

pytestmark = pytest.mark.peer

ME = system_actor("test")
SECONDS_MAX = 60
ATTEMPTS_MAX = 5  # See `asked`.
INSTANCES_CANCELLED = 150

REQUESTED = "RequestAttributesSequence[0].RequestedProcedureID=RP1"

needs_dcmtk = pytest.mark.skipif(
    shutil.which("findscu") is None, reason="needs DCMTK (apt-get install dcmtk)"
)


@pytest.fixture
def archive(sqlite_database: Database, object_store: FolderObjectStore) -> Archive:
    return Archive(sqlite_database, object_store)


@pytest.fixture
def peer(archive: Archive) -> Iterator[Peer]:
    with answering(archive) as peer:
        yield peer


def fill(archive: Archive) -> None:
    requested = Dataset()
    requested.RequestedProcedureID, requested.ScheduledProcedureStepID = "RP1", "SPS1"
    other = Dataset()
    other.PatientID, other.IssuerOfPatientID = "OTHER-7", "ELSEWHERE"
    for one in (
        a_ct_slice(1, RequestAttributesSequence=[requested], OtherPatientIDsSequence=[other]),
        a_ct_slice(2),
        a_ct_slice(1, series=2, Modality="SR"),
        a_ct_slice(1, study=2, StudyDate="20250101"),
        a_ct_slice(1, study=3, PatientID="TEST-2", PatientName="Other^Person"),
    ):
        receive_part10(archive, ME, "TEST", [part10(one)])


def findscu(peer: Peer, folder: Path, *words: str) -> tuple[list[Dataset], str]:
    """The answers that findscu wrote to files, and what it said."""
    command = ["findscu", "-v", "-aec", "FILMLESS", "-X", "-od", str(folder), *words]
    done = subprocess.run(
        [*command, peer.host, str(peer.port)],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return [pydicom.dcmread(path) for path in sorted(folder.glob("rsp*.dcm"))], done.stderr + done.stdout


def keys(*texts: str) -> list[str]:
    return [word for text in texts for word in ("-k", text)]


# --- DCMTK -------------------------------------------------------------------------------------------------


@needs_dcmtk
@pytest.mark.parametrize("syntax", ["-x=", "-xe", "-xb", "-xd", "-xi"])
def test_findscu_finds_studies_in_every_transfer_syntax(
    archive: Archive, peer: Peer, tmp_path: Path, syntax: str
) -> None:
    fill(archive)
    texts = ("PatientName=synth*", "StudyDate=20260101-", "StudyInstanceUID", "PatientAge")
    wanted = keys("QueryRetrieveLevel=STUDY", *texts)
    (found,), said = findscu(peer, tmp_path, "-S", syntax, *wanted)
    assert (str(found.PatientName), found.StudyDate) == ("Synthetic^Müller", "20260131")
    assert found.StudyInstanceUID == f"{ROOT}.1"
    assert found.PatientAge in (None, "")
    assert found.RetrieveAETitle == "FILMLESS"
    assert "Received Final Find Response (Success)" in said


@needs_dcmtk
@pytest.mark.parametrize(
    ("model", "wanted", "count"),
    [
        ("-P", keys("QueryRetrieveLevel=PATIENT", "PatientID", "NumberOfPatientRelatedStudies"), 2),
        ("-P", keys("QueryRetrieveLevel=STUDY", "PatientID=TEST-1", "StudyInstanceUID"), 2),
        ("-O", keys("QueryRetrieveLevel=STUDY", "PatientID=TEST-1", "StudyInstanceUID"), 2),
        ("-S", keys("QueryRetrieveLevel=SERIES", f"StudyInstanceUID={ROOT}.1", "Modality=SR"), 1),
        ("-S", keys("QueryRetrieveLevel=IMAGE", f"SeriesInstanceUID={ROOT}.1.1", "SOPInstanceUID"), 2),
        ("-S", keys("QueryRetrieveLevel=SERIES", "AccessionNumber=ACC1", REQUESTED), 1),
        ("-S", keys("QueryRetrieveLevel=STUDY", "PatientID=NOBODY"), 0),
    ],
)  # fmt: skip
def test_findscu_finds_at_every_level(
    archive: Archive, peer: Peer, tmp_path: Path, model: str, wanted: list[str], count: int
) -> None:
    fill(archive)
    found, said = findscu(peer, tmp_path, model, *wanted)
    assert len(found) == count
    assert "Received Final Find Response (Success)" in said


@needs_dcmtk
def test_findscu_gets_sequences_as_it_asked_for_them(archive: Archive, peer: Peer, tmp_path: Path) -> None:
    fill(archive)
    wanted = keys(
        "QueryRetrieveLevel=STUDY",
        f"StudyInstanceUID={ROOT}.1",
        "RequestAttributesSequence[0].RequestedProcedureID",
        "OtherPatientIDsSequence[0].PatientID",
        "ProcedureCodeSequence[0].CodeValue",
    )
    (found,), _ = findscu(peer, tmp_path, "-S", *wanted)
    assert [item.RequestedProcedureID for item in found.RequestAttributesSequence] == ["RP1"]
    assert [item.to_json_dict() for item in found.OtherPatientIDsSequence] == [
        {"00100020": {"vr": "LO", "Value": ["OTHER-7"]}}
    ]
    assert list(found.ProcedureCodeSequence) == []


@needs_dcmtk
def test_findscu_can_cancel(archive: Archive, peer: Peer, tmp_path: Path) -> None:
    for number in range(1, INSTANCES_CANCELLED + 1):  # Answers of 60 KiB: they do not fit between us at once.
        one = a_ct_slice(number, PatientComments="x" * 60_000)
        receive_part10(archive, ME, "TEST", [part10(one)])
    wanted = keys("QueryRetrieveLevel=IMAGE", f"StudyInstanceUID={ROOT}.1", "PatientComments")
    found, said = findscu(peer, tmp_path, "-S", "--cancel", "2", *wanted)
    assert "Received Final Find Response (Cancel: MatchingTerminatedDueToCancelRequest)" in said
    assert 2 <= len(found) < INSTANCES_CANCELLED


@needs_dcmtk
def test_findscu_is_told_what_is_wrong(peer: Peer, tmp_path: Path) -> None:
    _, said = findscu(peer, tmp_path, "-S", "-d", *keys("PatientID=X"))
    assert "0xa900" in said.lower()
    assert "Query/Retrieve Level is missing" in said


# DCMTK does not know the one, and on the C library's iconv it cannot do the other; pydicom reads that.
DCMTK_NAMES = [(term, name) for term, name in NAMES if "203" not in term and "87" not in term]


@needs_dcmtk
@pytest.mark.parametrize(("stored", "name"), DCMTK_NAMES, ids=[repr(term) for term, _ in DCMTK_NAMES])
def test_dcmtk_reads_the_name_in_its_own_character_set(
    archive: Archive, peer: Peer, tmp_path: Path, stored: str, name: str
) -> None:
    receive_part10(archive, ME, "TEST", [named_instance(name, stored)])
    wanted = keys(f"SpecificCharacterSet={stored}", "QueryRetrieveLevel=STUDY", "PatientName")
    findscu(peer, tmp_path, "-S", *wanted)
    subprocess.run(["dcmconv", "+U8", "rsp0001.dcm", "utf8.dcm"], check=True, cwd=tmp_path)
    assert str(pydicom.dcmread(tmp_path / "utf8.dcm").PatientName).rstrip("=") == name


# --- pynetdicom --------------------------------------------------------------------------------------------


@contextmanager
def pynetdicom_association(
    peer: Peer, model: str, syntax: str = EXPLICIT_LE, options: bytes | None = None
) -> Iterator[Association]:
    ae = AE("PYNETDICOM")
    ae.add_requested_context(model, syntax)
    items: list[Any] = []
    if options is not None:
        item = SOPClassExtendedNegotiation()
        item.sop_class_uid, item.service_class_application_information = UID(model), options
        items.append(item)
    association = ae.associate(peer.host, peer.port, ae_title="FILMLESS", ext_neg=items)
    assert association.is_established
    yield association
    association.release()


def asked(association: Association, model: str, identifier: Dataset) -> tuple[list[Dataset], int]:
    """The answers and the final status.

    pynetdicom's own thread now and then takes the first response off its queue before the one that asked
    does, for that thread may pass its checkpoint while it is being closed; then we ask again.
    """
    answers: list[Any] = []
    for _ in range(ATTEMPTS_MAX):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom says of odd character sets what it thinks of them.
            answers = list(association.send_c_find(identifier, model))
        if len(answers) > 1 or answers[0][0].Status != 0x0000:
            break
    return [data_set for _, data_set in answers if data_set is not None], answers[-1][0].Status


@pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE, DEFLATED_EXPLICIT_LE])
@pytest.mark.parametrize("model", [PATIENT_ROOT_FIND, STUDY_ROOT_FIND, PATIENT_STUDY_ONLY_FIND])
def test_pynetdicom_finds_studies(archive: Archive, peer: Peer, syntax: str, model: str) -> None:
    fill(archive)
    identifier = Dataset()
    identifier.QueryRetrieveLevel, identifier.PatientID = "STUDY", "TEST-1"
    identifier.StudyInstanceUID = identifier.ModalitiesInStudy = ""
    identifier.NumberOfStudyRelatedInstances = None
    with pynetdicom_association(peer, model, syntax) as association:
        found, status = asked(association, model, identifier)
        assert association.acceptor.sop_class_extended == {}
    assert status == 0x0000
    assert {str(one.StudyInstanceUID): int(one.NumberOfStudyRelatedInstances) for one in found} == {
        f"{ROOT}.1": 3,
        f"{ROOT}.2": 1,
    }


def test_pynetdicom_negotiates_relational_and_fuzzy_queries(archive: Archive, peer: Peer) -> None:
    fill(archive)
    identifier = Dataset()
    identifier.QueryRetrieveLevel, identifier.Modality, identifier.PatientName = "IMAGE", "CT", "Mueler"
    with pynetdicom_association(peer, STUDY_ROOT_FIND, options=b"\1\0\1\0\1") as association:
        found, status = asked(association, STUDY_ROOT_FIND, identifier)
        assert association.acceptor.sop_class_extended == {STUDY_ROOT_FIND: b"\1\0\1\0\0"}
    assert (status, len(found)) == (0x0000, 3)
    with pynetdicom_association(peer, STUDY_ROOT_FIND, options=b"\0\0\1") as association:
        _, status = asked(association, STUDY_ROOT_FIND, identifier)
        assert association.acceptor.sop_class_extended == {STUDY_ROOT_FIND: b"\0\0\1"}
    assert status == 0xA900


@pytest.mark.parametrize(("stored", "name"), NAMES, ids=[f"stored in {term!r}" for term in TERMS])
def test_pydicom_reads_the_name_in_every_character_set_it_knows(
    archive: Archive, peer: Peer, stored: str, name: str
) -> None:
    receive_part10(archive, ME, "TEST", [named_instance(name, stored)])
    with pynetdicom_association(peer, STUDY_ROOT_FIND) as association:
        for term in TERMS:
            if term.endswith(("203", "58")):
                continue  # pydicom does not know the one, and leaves the other's escapes in the text.
            identifier = Dataset()
            identifier.QueryRetrieveLevel, identifier.PatientName = "STUDY", ""
            identifier.SpecificCharacterSet = term.split("\\")
            found, status = asked(association, STUDY_ROOT_FIND, identifier)
            assert (status, len(found)) == (0x0000, 1), term
            assert str(found[0].PatientName).rstrip("=") == name, term
