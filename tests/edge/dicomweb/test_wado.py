"""Metadata, frames, bulk values and instances come as they are stored, in a form that the client takes."""

import gzip
import json

import pydicom
import pytest
from dicomweb_requests import ANY_FRAME, FILES, INSTANCE, ROOT, SERIES, STUDY, data_set_of, parts_of
from starlette.testclient import TestClient

from filmless.edge.dicomweb import frames
from filmless.features.archive import Archive, pieces
from made_instances import made_instance, store


@pytest.mark.parametrize(("path", "count"), [(STUDY, 2), (SERIES, 2), (INSTANCE, 1)])
def test_metadata_is_json_of_all_instances(
    client: TestClient, archive: Archive, path: str, count: int
) -> None:
    store(archive, made_instance(1), made_instance(2))

    answer = client.get(f"{path}/metadata", headers={"Accept": "application/dicom+json"})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/dicom+json"
    assert len(answer.json()) == count
    pydicom.Dataset.from_json(answer.json()[0], lambda tag, vr, uri: client.get(
        uri, headers={"Accept": "application/octet-stream"}).content)  # fmt: skip


def test_metadata_is_compressed_only_for_those_who_take_it(client: TestClient, archive: Archive) -> None:
    store(archive, made_instance())

    with client.stream("GET", f"{SERIES}/metadata", headers={"Accept-Encoding": "gzip"}) as packed:
        raw = b"".join(packed.iter_raw())
        assert packed.headers["content-encoding"] == "gzip"
    plain = client.get(f"{SERIES}/metadata", headers={"Accept-Encoding": "gzip;q=0"})

    assert "content-encoding" not in plain.headers
    assert json.loads(gzip.decompress(raw)) == plain.json()


def test_unchanged_metadata_is_not_sent_again(client: TestClient, archive: Archive) -> None:
    store(archive, made_instance(1))
    tag = client.get(f"{SERIES}/metadata").headers["etag"]

    for held in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        assert client.get(f"{SERIES}/metadata", headers={"If-None-Match": held}).status_code == 304
    store(archive, made_instance(2))
    assert client.get(f"{SERIES}/metadata", headers={"If-None-Match": tag}).status_code == 200


def test_a_frame_comes_as_stored(client: TestClient, archive: Archive) -> None:
    store(archive, made_instance())

    answer = client.get(f"{INSTANCE}/frames/1", headers={"Accept": ANY_FRAME})

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith('multipart/related; type="application/octet-stream"')
    assert "immutable" in answer.headers["cache-control"]
    ((content_type, frame),) = parts_of(answer)
    assert content_type == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
    assert frame == pydicom.dcmread(pydicom.filebase.DicomBytesIO(made_instance())).PixelData


JPEG_2000 = "/".join(
    f"{name}/{uid}"
    for name, uid in zip(
        ("studies", "series", "instances"),
        (lambda dataset: (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID))(
            pydicom.dcmread(FILES / "MR_small_jp2klossless.dcm", stop_before_pixels=True)
        ),
        strict=True,
    )
)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90"),
        ("*/*", "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90"),
        (ANY_FRAME, "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90"),
        ("image/jp2", "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90"),
        ('multipart/related; type="image/*"', "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90"),
        ("multipart/related; type=image/jphc, multipart/related; type=image/jp2; q=0.1",
         "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90"),
        ("application/octet-stream", "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"),
        ('multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1',
         "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"),
        ("image/jpeg", None),
        ("multipart/related; type=image/jp2; transfer-syntax=1.2.840.10008.1.2.4.91", None),
        ("text/html", None),
    ],
)  # fmt: skip
def test_a_compressed_frame_comes_in_a_form_that_the_client_takes(
    client: TestClient, archive: Archive, accept: str, expected: str | None
) -> None:
    store(archive, (FILES / "MR_small_jp2klossless.dcm").read_bytes())

    answer = client.get(f"{ROOT}/{JPEG_2000}/frames/1", headers={"Accept": accept})

    if expected is None:
        assert answer.status_code == 406
        assert "image/jp2" in answer.json()["detail"]
        return
    assert answer.status_code == 200
    if answer.headers["content-type"].startswith("multipart/"):
        ((content_type, frame),) = parts_of(answer)
    else:
        content_type, frame = answer.headers["content-type"], answer.content
    assert content_type == expected
    if "octet-stream" in expected:
        assert frame == pydicom.dcmread(FILES / "MR_small.dcm").PixelData


@pytest.mark.parametrize(
    ("numbers", "status"),
    [
        ("1", 200),
        ("1,1", 200),
        ("2", 404),
        ("0", 404),
        ("x", 400),
        ("1," * 2000, 400),
        ("-1", 404),
        ("1%2C1", 200),
    ],
)
def test_frames_are_asked_for_by_number(
    client: TestClient, archive: Archive, numbers: str, status: int
) -> None:
    store(archive, made_instance())

    answer = client.get(f"{INSTANCE}/frames/{numbers}", headers={"Accept": ANY_FRAME})

    assert answer.status_code == status


@pytest.mark.parametrize("accept", [ANY_FRAME, "application/octet-stream"])
@pytest.mark.parametrize("path", ["frames/1", "frames/2,1", "bulkdata/7FE00010"])
def test_what_is_too_large_to_hold_is_streamed(
    client: TestClient, archive: Archive, monkeypatch: pytest.MonkeyPatch, accept: str, path: str
) -> None:
    monkeypatch.setattr(frames, "WHOLE_BYTES_MAX", 10)
    monkeypatch.setattr(pieces, "CHUNK_BYTES", 16)
    pixels = bytes(range(96))
    store(archive, made_instance(NumberOfFrames=2, PixelData=pixels))

    answer = client.get(f"{INSTANCE}/{path}", headers={"Accept": accept})

    if "2,1" in path and "multipart" not in accept:
        assert answer.status_code == 406
        return
    assert answer.status_code == 200
    found = [part for _, part in parts_of(answer)] if "multipart" in accept else [answer.content]
    assert (
        found
        == {
            "frames/1": [pixels[:48]],
            "frames/2,1": [pixels[48:], pixels[:48]],
            "bulkdata/7FE00010": [pixels],
        }[path]
    )


def test_bulk_values_come_alone_or_in_parts(client: TestClient, archive: Archive) -> None:
    item = pydicom.Dataset()
    item.WaveformBitsAllocated = 16
    item.add_new("WaveformData", "OW", b"wave" * 500)
    store(archive, made_instance(WaveformSequence=[item]))
    path = f"{INSTANCE}/bulkdata/54000100/1/54001010"

    assert client.get(path, headers={"Accept": "application/octet-stream"}).content == b"wave" * 500
    assert parts_of(client.get(path, headers={"Accept": ANY_FRAME}))[0][1] == b"wave" * 500
    assert client.get(path, headers={"Accept": "image/png"}).status_code == 406
    assert client.get(f"{INSTANCE}/bulkdata/00091001").status_code == 404
    assert client.get(f"{INSTANCE}/bulkdata/../../../../etc/passwd").status_code == 404


def test_an_instance_comes_alone_or_in_parts_as_stored(client: TestClient, archive: Archive) -> None:
    file = made_instance()
    store(archive, file)

    alone = client.get(INSTANCE, headers={"Accept": "application/dicom"})
    ((content_type, part),) = parts_of(
        client.get(INSTANCE, headers={"Accept": 'multipart/related; type="application/dicom"'})
    )

    assert alone.content == part
    assert data_set_of(part) == data_set_of(file)
    assert content_type == "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
    assert alone.headers["content-disposition"] == "attachment"
    assert alone.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("path", "count"), [(STUDY, 3), (SERIES, 2)])
def test_a_study_or_series_comes_in_parts(
    client: TestClient, archive: Archive, path: str, count: int
) -> None:
    store(archive, made_instance(1), made_instance(2), made_instance(1, series=2))

    answer = client.get(
        path, headers={"Accept": "multipart/related; type=application/dicom; transfer-syntax=*"}
    )

    parts = parts_of(answer)
    assert len(parts) == count
    assert int(answer.headers["content-length"]) == len(answer.content)
    for _, part in parts:
        pydicom.dcmread(pydicom.filebase.DicomBytesIO(part))


@pytest.mark.parametrize(
    "accept",
    ["image/jpeg", "application/dicom+xml", "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50"],
)
def test_what_is_not_stored_so_is_not_sent_so(client: TestClient, archive: Archive, accept: str) -> None:
    store(archive, made_instance())

    assert client.get(INSTANCE, headers={"Accept": accept}).status_code == 406


@pytest.mark.parametrize(
    "path",
    [
        f"{ROOT}/studies/1.2.3.9",
        f"{ROOT}/studies/1.2.3.9/metadata",
        f"{STUDY}/series/1.2.3.2.1",
        f"{STUDY}/series/1.2.3.2.1/metadata",
        f"{STUDY}/series/1.2.3.2.1/thumbnail",
        f"{SERIES}/instances/1.2.3.2.1.1",
        f"{SERIES}/instances/1.2.3.2.1.1/frames/1",
        f"{SERIES}/instances/1.2.3.2.1.1/rendered",
        f"{ROOT}/nothing",
    ],
)
def test_what_is_not_there_is_not_found(client: TestClient, archive: Archive, path: str) -> None:
    store(archive, made_instance(study=1), made_instance(study=2))

    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
