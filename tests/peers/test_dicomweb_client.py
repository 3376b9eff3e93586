"""dicomweb-client, the client most Python users have, stores, finds and retrieves on a running server.

pydicom's own test files go in by STOW-RS; every one that is acknowledged must come back by WADO-RS with the
same bytes in its data set.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.encaps import generate_frames
from pydicom.uid import generate_uid

from department import Filmless, data_set_of
from made_instances import made_instance

pytestmark = pytest.mark.peer

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
MAY_FAIL = {0xC000, 0xA900, 0x0111, 0xA778, 0xA779, 0xA77B}  # Damaged on purpose, or in contradiction.


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filmless]:
    with Filmless(folder=tmp_path_factory.mktemp("dicomweb-client")) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Filmless) -> DICOMwebClient:
    session = requests.Session()
    session.trust_env = False
    session.headers.update(server.headers)
    return DICOMwebClient(f"{server.http_url}/dicom-web", session=session)


def stow(server: Filmless, file: bytes) -> tuple[int, dict[str, Any]]:
    """Store one file as its bytes are; dicomweb-client would encode it anew."""
    body = b"--B\r\nContent-Type: application/dicom\r\n\r\n" + file + b"\r\n--B--\r\n"
    session = requests.Session()
    session.trust_env = False
    answer = session.post(
        f"{server.http_url}/dicom-web/studies",
        data=body,
        headers={**server.headers, "Content-Type": "multipart/related; type=application/dicom; boundary=B"},
        timeout=60,
    )
    return answer.status_code, answer.json()


def retrieve(server: Filmless, url: str) -> bytes:
    session = requests.Session()
    session.trust_env = False
    accept = {"Accept": "application/dicom; transfer-syntax=*"}
    answer = session.get(url, headers={**server.headers, **accept}, timeout=60)
    answer.raise_for_status()
    return answer.content


def round_trip(server: Filmless, paths: list[Path]) -> int:
    """Store and fetch each file; how many were stored. Whatever is refused is refused for a good reason."""
    stored = 0
    for path in paths:
        file = path.read_bytes()
        status, answer = stow(server, file)
        if status == 200:
            url = answer["00081199"]["Value"][0]["00081190"]["Value"][0]
            assert file.endswith(data_set_of(retrieve(server, url))), path.name
            stored += 1
        else:
            assert status == 409, (path.name, answer)
            assert answer["00081198"]["Value"][0]["00081197"]["Value"][0] in MAY_FAIL, path.name
    return stored


def test_every_test_file_of_pydicom_comes_back_byte_for_byte(server: Filmless) -> None:
    paths = [path for path in sorted(FILES.rglob("*")) if path.is_file()]

    stored = round_trip(server, [path for path in paths if path.suffix not in (".py", ".json", ".zip")])

    assert stored >= 60


@pytest.mark.skipif(not DATA.is_dir(), reason="no shared/data beside the repository")
def test_every_shared_file_comes_back_byte_for_byte(server: Filmless) -> None:
    assert round_trip(server, sorted(DATA.rglob("*.dcm"))) >= 80


def test_the_client_stores_finds_and_retrieves(client: DICOMwebClient) -> None:
    datasets = [
        pydicom.dcmread(io.BytesIO(made_instance(number, study=77, PatientID="PEER"))) for number in (1, 2, 3)
    ]

    response = client.store_instances(datasets)

    assert len(response.ReferencedSOPSequence) == 3
    (study,) = client.search_for_studies(search_filters={"PatientID": "PEER"}, fields=["StudyDescription"])
    uid = study["0020000D"]["Value"][0]
    assert uid == "1.2.3.77"
    (series,) = client.search_for_series(uid)
    assert series["00201209"]["Value"] == [3]
    series_uid = series["0020000E"]["Value"][0]
    assert len(client.search_for_instances(uid, series_uid, limit=2)) == 2
    assert len(client.search_for_instances(uid, get_remaining=True, limit=2)) == 3
    assert [dataset.InstanceNumber for dataset in client.retrieve_series(uid, series_uid)] == [1, 2, 3]
    assert len(list(client.iter_study(uid))) == 3
    instance = client.retrieve_instance(uid, series_uid, "1.2.3.77.1.2")
    assert instance.PixelData == datasets[1].PixelData


def test_the_client_reads_metadata_and_bulk_values(client: DICOMwebClient) -> None:
    dataset = pydicom.dcmread(io.BytesIO(made_instance(1, study=78, PatientID="PEER2")))
    client.store_instances([dataset])
    uids = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID)

    (of_series,) = client.retrieve_series_metadata(*uids)
    (of_study,) = client.retrieve_study_metadata(uids[0])
    of_instance = client.retrieve_instance_metadata(*uids, dataset.SOPInstanceUID)

    assert of_series == of_study == of_instance
    address = client.base_url.partition("/dicom-web")[0]
    (value,) = client.retrieve_bulkdata(address + of_series["7FE00010"]["BulkDataURI"])
    assert value == dataset.PixelData


@pytest.mark.parametrize(
    ("name", "media_types"),
    [
        ("MR_small.dcm", None),
        ("MR_small.dcm", (("application/octet-stream", "1.2.840.10008.1.2.1"),)),
        ("JPEG2000.dcm", None),
        ("JPEG2000.dcm", (("image/jp2", "1.2.840.10008.1.2.4.91"),)),
        ("SC_rgb_jpeg_dcmtk.dcm", (("image/jpeg", "1.2.840.10008.1.2.4.50"),)),
        ("SC_rgb_rle_2frame.dcm", (("image/dicom-rle", "1.2.840.10008.1.2.5"),)),
    ],
)
def test_the_client_gets_frames_as_stored(
    client: DICOMwebClient, server: Filmless, name: str, media_types: Any
) -> None:
    dataset = pydicom.dcmread(FILES / name)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = generate_uid(), generate_uid()
    dataset.PatientID = f"{name} as it is"  # Some of the files claim to be the same instance.
    file = io.BytesIO()
    dataset.save_as(file)
    assert stow(server, file.getvalue())[0] == 200
    count = int(dataset.get("NumberOfFrames", 1))
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        expected = list(generate_frames(dataset.PixelData, number_of_frames=count))
    else:
        expected = [dataset.PixelData]

    frames = client.retrieve_instance_frames(
        dataset.StudyInstanceUID,
        dataset.SeriesInstanceUID,
        dataset.SOPInstanceUID,
        list(range(1, count + 1)),
        media_types,
    )

    assert [frame.rstrip(b"\0") for frame in frames] == [frame.rstrip(b"\0") for frame in expected]


def test_the_client_gets_pictures(client: DICOMwebClient, server: Filmless) -> None:
    dataset = pydicom.dcmread(FILES / "MR_small.dcm")
    stow(server, (FILES / "MR_small.dcm").read_bytes())
    uids = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)

    jpeg = client.retrieve_instance_rendered(*uids, media_types=("image/jpeg",))
    png = client.retrieve_instance_frames_rendered(*uids, [1], media_types=("image/png",))

    assert jpeg.startswith(b"\xff\xd8\xff")
    assert png.startswith(b"\x89PNG")
