"""movescu, getscu, storescp (DCMTK) and pynetdicom retrieve; what arrives is read by them, not by us.

What our codecs write is read by DCMTK's and pydicom's decoders: two opinions that are not ours.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy
import pydicom
import pytest
from bench.processes import free_ports
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pynetdicom import AE, StoragePresentationContexts, build_role, evt

from builders import CT_IMAGE_STORAGE, ROOT, a_ct_slice, part10
from filmless.edge.dimse.requestor import Peer
from filmless.features.access import system_actor
from filmless.features.archive import Archive, receive_part10
from filmless.features.nodes import NewNode, add_node
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.standards.dicom import transfer_syntaxes as ts
from filmless.standards.dicom.sop_classes import PATIENT_ROOT_MOVE, STUDY_ROOT_GET, STUDY_ROOT_MOVE
from querying_peer import answering

pytestmark = pytest.mark.peer

ME = system_actor("test")
SECONDS_MAX = 60
STUDY = f"{ROOT}.1"

needs_dcmtk = pytest.mark.skipif(
    shutil.which("movescu") is None, reason="needs DCMTK (apt-get install dcmtk)"
)


@pytest.fixture
def archive(sqlite_database: Database, object_store: FolderObjectStore) -> Archive:
    """Two studies of one patient; the first with two series."""
    archive = Archive(sqlite_database, object_store)
    for one in (a_ct_slice(1), a_ct_slice(2), a_ct_slice(1, series=2), a_ct_slice(1, study=2)):
        receive_part10(archive, ME, "TEST", [part10(one)])
    return archive


@pytest.fixture
def us(archive: Archive) -> Iterator[Peer]:
    with answering(archive) as peer:
        yield peer


def keep(archive: Archive, name: str) -> Dataset:
    """Store one of pydicom's files; returns it as pydicom reads it."""
    path = Path(str(get_testdata_file(name)))
    receive_part10(archive, ME, "TEST", [path.read_bytes()])
    return pydicom.dcmread(path)


def run(*words: str) -> str:
    """Run a command to its good end; what it said."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout + done.stderr


def keys(*texts: str) -> list[str]:
    return [word for text in texts for word in ("-k", text)]


def arrived(folder: Path) -> dict[str, Dataset]:
    """What is in the folder, by SOP Instance UID."""
    found = [pydicom.dcmread(path, force=True) for path in folder.iterdir()]
    return {str(one.SOPInstanceUID): one for one in found}


@contextmanager
def storescp(archive: Archive, folder: Path, *options: str) -> Iterator[None]:
    """DCMTK's receiver, registered as ARCHIVE."""
    (port,) = free_ports(1)
    command = ["storescp", "-od", str(folder), *options, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    add_node(archive.database, ME, NewNode("ARCHIVE", "127.0.0.1", port))
    try:
        wait_for(port)
        yield
    finally:
        process.kill()
        process.wait()


def wait_for(port: int) -> None:
    """Return when the port answers an echo: storescp needs a moment to listen."""
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        done = subprocess.run(["echoscu", "127.0.0.1", str(port)], capture_output=True, check=False)
        if done.returncode == 0:
            return
    raise TimeoutError


def movescu(us: Peer, *words: str) -> str:
    address = (us.host, str(us.port))
    return run("movescu", "-v", "-aec", "FILMLESS", "-aem", "ARCHIVE", *words, *address)


def getscu(us: Peer, folder: Path, *words: str) -> str:
    return run("getscu", "-v", "-aec", "FILMLESS", "-od", str(folder), *words, us.host, str(us.port))


# --- DCMTK: C-MOVE -----------------------------------------------------------------------------------------

LEVELS = [
    ("-P", keys("QueryRetrieveLevel=PATIENT", "PatientID=TEST-1"), 4),
    ("-P", keys("QueryRetrieveLevel=STUDY", "PatientID=TEST-1", f"StudyInstanceUID={STUDY}"), 3),
    ("-O", keys("QueryRetrieveLevel=STUDY", "PatientID=TEST-1", f"StudyInstanceUID={STUDY}"), 3),
    ("-S", keys("QueryRetrieveLevel=STUDY", f"StudyInstanceUID={STUDY}"), 3),
    ("-S", keys("QueryRetrieveLevel=SERIES", f"StudyInstanceUID={STUDY}", f"SeriesInstanceUID={STUDY}.1"), 2),
    ("-S", keys("QueryRetrieveLevel=IMAGE", f"StudyInstanceUID={STUDY}", f"SeriesInstanceUID={STUDY}.1",
                f"SOPInstanceUID={STUDY}.1.1"), 1),
]  # fmt: skip
LEVEL_IDS = ["patient", "study of patient", "study, no series", "study", "series", "image"]


@needs_dcmtk
@pytest.mark.parametrize(("model", "wanted", "count"), LEVELS, ids=LEVEL_IDS)
def test_movescu_moves_every_level_to_storescp(
    archive: Archive, us: Peer, tmp_path: Path, model: str, wanted: list[str], count: int
) -> None:
    folder = tmp_path / "arrived"
    folder.mkdir()
    with storescp(archive, folder):
        said = movescu(us, model, *wanted)
    assert "Received Final Move Response (Success)" in said
    assert len(arrived(folder)) == count


@needs_dcmtk
def test_movescu_moves_to_itself(archive: Archive, us: Peer, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    add_node(archive.database, ME, NewNode("ARCHIVE", "127.0.0.1", port))
    wanted = keys("QueryRetrieveLevel=STUDY", f"StudyInstanceUID={STUDY}")
    said = movescu(us, "-S", "+P", str(port), "-od", str(tmp_path / "."), *wanted)
    assert "Received Final Move Response (Success)" in said


@needs_dcmtk
def test_movescu_hears_of_an_unknown_destination(us: Peer) -> None:
    wanted = keys("QueryRetrieveLevel=STUDY", f"StudyInstanceUID={STUDY}")
    command = ["movescu", "-v", "-S", "-aec", "FILMLESS", "-aem", "NOBODY", *wanted, us.host, str(us.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert "MoveDestinationUnknown" in done.stderr + done.stdout


# Options of storescp that restrict what it takes, and what then arrives.
RESTRICTED = [
    ("+xi", ts.IMPLICIT_LE),
    ("+xe", ts.EXPLICIT_LE),
    ("+xb", ts.EXPLICIT_BE),
]


@needs_dcmtk
@pytest.mark.parametrize("name", ["MR_small_RLE.dcm", "JPEG2000.dcm", "SC_rgb_rle.dcm"])
@pytest.mark.parametrize(("option", "syntax"), RESTRICTED, ids=[row[0] for row in RESTRICTED])
def test_a_restricted_storescp_gets_what_it_takes(
    archive: Archive, us: Peer, tmp_path: Path, option: str, syntax: str, name: str
) -> None:
    original = keep(archive, name)
    folder = tmp_path / "arrived"
    folder.mkdir()
    wanted = keys("QueryRetrieveLevel=STUDY", f"StudyInstanceUID={original.StudyInstanceUID}")
    with storescp(archive, folder, option):
        said = movescu(us, "-S", *wanted)
    assert "Received Final Move Response (Success)" in said
    (one,) = arrived(folder).values()
    if option != "+xb":  # It prefers big endian and takes what comes first: we propose little endian first.
        assert one.file_meta.TransferSyntaxUID == syntax
    assert numpy.array_equal(raw(one), raw(original))


@needs_dcmtk
def test_storescp_that_takes_everything_gets_the_stored_bytes(
    archive: Archive, us: Peer, tmp_path: Path
) -> None:
    original = keep(archive, "MR_small_jp2klossless.dcm")
    folder = tmp_path / "arrived"
    folder.mkdir()
    wanted = keys("QueryRetrieveLevel=STUDY", f"StudyInstanceUID={original.StudyInstanceUID}")
    with storescp(archive, folder, "+xa"):
        movescu(us, "-S", *wanted)
    (one,) = arrived(folder).values()
    assert one.file_meta.TransferSyntaxUID == ts.JPEG_2000_LOSSLESS
    assert one.PixelData == original.PixelData


def raw(data_set: Dataset) -> Any:
    return pydicom.pixels.pixel_array(data_set, raw=True)


# --- DCMTK: C-GET ------------------------------------------------------------------------------------------


@needs_dcmtk
@pytest.mark.parametrize(("model", "wanted", "count"), LEVELS, ids=LEVEL_IDS)
def test_getscu_gets_every_level(us: Peer, tmp_path: Path, model: str, wanted: list[str], count: int) -> None:
    said = getscu(us, tmp_path, model, *wanted)
    assert "Received C-GET Response (Success)" in said or "(Success)" in said
    assert len([one for one in tmp_path.iterdir() if one.name.startswith("CT")]) == count


# What getscu prefers, and DCMTK's own decoder for it ("" where pydicom has one). Of implicit it proposes
# nothing but a last choice, whatever it is told; `test_pynetdicom_gets` has that.
PREFERRED = [
    ("+xe", ts.EXPLICIT_LE, ""),
    ("+xb", ts.EXPLICIT_BE, ""),
    ("+xd", ts.DEFLATED_EXPLICIT_LE, ""),
    ("+xr", ts.RLE_LOSSLESS, "dcmdrle"),
    ("+xs", ts.JPEG_LOSSLESS_SV1, "dcmdjpeg"),
    ("+xt", ts.JPEG_LS_LOSSLESS, "dcmdjpls"),
    ("+xv", ts.JPEG_2000_LOSSLESS, ""),
]
IMAGES = [
    "CT_small.dcm",  # 16 bits, signed.
    "MR_small.dcm",
    "SC_rgb_small_odd.dcm",  # Colour by pixel.
    "SC_rgb_rle_2frame.dcm",  # Two frames.
    "examples_ybr_color.dcm",  # YBR, thirty frames.
    "examples_palette.dcm",
]


@needs_dcmtk
@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize(("option", "syntax", "decoder"), PREFERRED, ids=[row[0] for row in PREFERRED])
def test_what_we_write_in_every_syntax_is_read_by_others(
    archive: Archive, us: Peer, tmp_path: Path, option: str, syntax: str, decoder: str, name: str
) -> None:
    original = keep(archive, name)
    folder = tmp_path / "arrived"
    folder.mkdir()
    wanted = keys("QueryRetrieveLevel=STUDY", f"StudyInstanceUID={original.StudyInstanceUID}")
    getscu(us, folder, "-S", option, "+B", *wanted)
    (path,) = [one for one in folder.iterdir() if str(original.SOPInstanceUID) in one.name]
    came = pydicom.dcmread(path)
    assert came.file_meta.TransferSyntaxUID == syntax
    if decoder:
        plain = tmp_path / "plain.dcm"
        # Without conversion of colours: what was stored is what counts.
        run(decoder, *(("+cn",) if decoder == "dcmdjpeg" else ()), str(path), str(plain))
        came = pydicom.dcmread(plain)
    assert numpy.array_equal(raw(came), raw(original))


@needs_dcmtk
def test_getscu_without_a_class_gets_the_rest(archive: Archive, us: Peer, tmp_path: Path) -> None:
    unknown = a_ct_slice(9, SOPClassUID="1.2.840.10008.5.1.4.1.1.9999")
    receive_part10(archive, ME, "TEST", [part10(unknown)])
    wanted = keys("QueryRetrieveLevel=STUDY", f"StudyInstanceUID={STUDY}")
    folder = tmp_path / "arrived"
    folder.mkdir()
    command = ["getscu", "-v", "-S", "-aec", "FILMLESS", "-od", str(folder), *wanted, us.host, str(us.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert "SubOperationsCompleteOneOrMoreFailures" in done.stdout + done.stderr
    assert len(list(folder.iterdir())) == 3


# --- pynetdicom --------------------------------------------------------------------------------------------


def identifier(**values: str) -> Dataset:
    data_set = Dataset()
    for keyword, value in values.items():
        setattr(data_set, keyword, value)
    return data_set


def test_pynetdicom_moves_to_its_own_storage_scp(archive: Archive, us: Peer) -> None:
    received: list[Dataset] = []

    def on_store(event: evt.Event) -> int:
        received.append(event.dataset)
        return 0

    scp = AE("ARCHIVE")
    scp.add_supported_context(CT_IMAGE_STORAGE)
    server = scp.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, on_store)])
    assert server is not None
    try:
        port = server.socket.getsockname()[1]
        add_node(archive.database, ME, NewNode("ARCHIVE", "127.0.0.1", port))
        ae = AE("ASKER")
        ae.add_requested_context(PATIENT_ROOT_MOVE)
        association = ae.associate(us.host, us.port, ae_title="FILMLESS")
        wanted = identifier(QueryRetrieveLevel="PATIENT", PatientID="TEST-1")
        responses = list(association.send_c_move(wanted, "ARCHIVE", PATIENT_ROOT_MOVE))
        association.release()
    finally:
        server.shutdown()
    status, _ = responses[-1]
    assert status is not None
    assert status.Status == 0x0000
    assert status.NumberOfCompletedSuboperations == 4
    assert responses[0][0].Status == 0xFF00
    assert {str(one.StudyInstanceUID) for one in received} == {STUDY, f"{ROOT}.2"}
    assert received[0].PixelData == a_ct_slice(1).PixelData


def test_pynetdicom_reads_the_list_of_what_failed(archive: Archive, us: Peer) -> None:
    scp = AE("ARCHIVE")
    scp.add_supported_context("1.2.840.10008.1.1")
    server = scp.start_server(("127.0.0.1", 0), block=False)
    assert server is not None
    try:
        add_node(archive.database, ME, NewNode("ARCHIVE", "127.0.0.1", server.socket.getsockname()[1]))
        ae = AE("ASKER")
        ae.add_requested_context(STUDY_ROOT_MOVE)
        association = ae.associate(us.host, us.port, ae_title="FILMLESS")
        wanted = identifier(QueryRetrieveLevel="STUDY", StudyInstanceUID=STUDY)
        *_, (status, failed) = association.send_c_move(wanted, "ARCHIVE", STUDY_ROOT_MOVE)
        association.release()
    finally:
        server.shutdown()
    assert status.Status == 0xA702
    assert status.NumberOfFailedSuboperations == 3
    assert failed is not None
    assert len(failed.FailedSOPInstanceUIDList) == 3


def test_pynetdicom_gets(us: Peer) -> None:
    received: list[Dataset] = []

    def on_store(event: evt.Event) -> int:
        received.append(event.dataset)
        return 0

    ae = AE("ASKER")
    ae.add_requested_context(STUDY_ROOT_GET)
    ae.add_requested_context(CT_IMAGE_STORAGE, ts.IMPLICIT_LE)
    roles = [build_role(CT_IMAGE_STORAGE, scp_role=True)]
    handlers: Any = [(evt.EVT_C_STORE, on_store)]
    association = ae.associate(us.host, us.port, ae_title="FILMLESS", ext_neg=roles, evt_handlers=handlers)
    wanted = identifier(QueryRetrieveLevel="STUDY", StudyInstanceUID=STUDY)
    *_, (status, _) = association.send_c_get(wanted, STUDY_ROOT_GET)
    association.release()
    assert status.Status == 0x0000
    assert status.NumberOfCompletedSuboperations == 3
    assert [str(one.SOPInstanceUID) for one in received] == [f"{STUDY}.1.1", f"{STUDY}.1.2", f"{STUDY}.2.1"]
    assert received[0].PixelData == a_ct_slice(1).PixelData


def test_pynetdicom_gets_with_a_hundred_contexts(us: Peer) -> None:
    ae = AE("ASKER")
    contexts = StoragePresentationContexts[:120]
    ae.add_requested_context(STUDY_ROOT_GET)
    for context in contexts:
        ae.add_requested_context(context.abstract_syntax)
    roles = [build_role(context.abstract_syntax, scp_role=True) for context in contexts]
    handlers: Any = [(evt.EVT_C_STORE, lambda event: 0)]
    association = ae.associate(us.host, us.port, ae_title="FILMLESS", ext_neg=roles, evt_handlers=handlers)
    wanted = identifier(QueryRetrieveLevel="STUDY", StudyInstanceUID=STUDY)
    *_, (status, _) = association.send_c_get(wanted, STUDY_ROOT_GET)
    association.release()
    assert status.Status == 0x0000
