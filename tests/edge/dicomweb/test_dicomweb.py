"""DICOMweb answers as PS3.18 says: search, retrieve, store, and every refusal in plain words."""

import gzip
import json
from pathlib import Path
from typing import Any

import pydicom
import pytest
from starlette.testclient import TestClient

from filmless.edge.dicomweb import frames
from filmless.edge.dicomweb.multipart import MultipartReader, content_type_of, multipart_body
from filmless.features.archive import Archive, pieces
from filmless.infra import limits
from filmless.standards.dicom.part10 import read_part10_header
from made_instances import made_instance, store

ROOT = "/dicom-web"
STUDY = f"{ROOT}/studies/1.2.3.1"
SERIES = f"{STUDY}/series/1.2.3.1.1"
INSTANCE = f"{SERIES}/instances/1.2.3.1.1.1"
ANY_FRAME = "multipart/related; type=application/octet-stream; transfer-syntax=*"
FILES = Path(pydicom.__file__).parent / "data" / "test_files"


def parts_of(answer: Any) -> list[tuple[str, bytes]]:
    boundary = answer.headers["content-type"].rpartition("boundary=")[2]
    chunks = iter([answer.content])
    reader = MultipartReader(boundary, lambda: next(chunks, b""))
    return [(part.content_type, b"".join(part.chunks)) for part in reader.parts()]


def data_set_of(file: bytes) -> bytes:
    return file[read_part10_header(file).dataset_offset :]


def stow(client: TestClient, *files: bytes, study: str = "", **headers: str) -> Any:
    body = multipart_body("application/dicom", files)
    return client.post(
        f"{ROOT}/studies{study and '/' + study}",
        content=body,
        headers={"Content-Type": content_type_of("application/dicom"), **headers},
    )


# --- Who may ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{ROOT}/studies"),
        ("POST", f"{ROOT}/studies"),
        ("GET", f"{ROOT}/series"),
        ("GET", f"{ROOT}/instances"),
        ("GET", STUDY),
        ("POST", STUDY),
        *(
            ("GET", f"{STUDY}/{name}")
            for name in ("series", "instances", "metadata", "rendered", "thumbnail")
        ),
        ("GET", SERIES),
        *(("GET", f"{SERIES}/{name}") for name in ("instances", "metadata", "rendered", "thumbnail")),
        ("GET", INSTANCE),
        *(("GET", f"{INSTANCE}/{name}") for name in ("metadata", "rendered", "thumbnail", "frames/1")),
        *(("GET", f"{INSTANCE}/{name}") for name in ("frames/1/rendered", "bulkdata/7FE00010")),
    ],
)
def test_nothing_is_shown_to_a_stranger(
    stranger: TestClient, archive: Archive, method: str, path: str
) -> None:
    store(archive, made_instance())

    answer = stranger.request(method, path)

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_no_other_site_may_read(client: TestClient) -> None:
    answer = client.get(f"{ROOT}/studies", headers={"Origin": "https://evil.example"})

    assert not [name for name in answer.headers if name.startswith("access-control")]


# --- Search -------------------------------------------------------------------------------------------------


def test_a_study_is_found_with_its_attributes(client: TestClient, archive: Archive) -> None:
    store(archive, made_instance(1), made_instance(2), made_instance(1, series=2, Modality="SR"))

    answer = client.get(f"{ROOT}/studies", params={"PatientID": "P1", "00080020": "20260101-"})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/dicom+json"
    assert answer.headers["x-total-count"] == "1"
    assert "warning" not in answer.headers
    (study,) = answer.json()
    assert study["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Muster^Erika"}]}
    assert study["00080061"] == {"vr": "CS", "Value": ["CT", "SR"]}
    assert study["00201206"] == {"vr": "IS", "Value": [2]}
    assert study["00201208"] == {"vr": "IS", "Value": [3]}
    assert study["00081190"] == {"vr": "UR", "Value": [f"http://localhost:8000{STUDY}"]}
    pydicom.Dataset.from_json(study)


@pytest.mark.parametrize(
    ("path", "uids"),
    [
        ("/studies", ["1.2.3.1", "1.2.3.2"]),
        ("/series", ["1.2.3.1.1", "1.2.3.1.2", "1.2.3.2.1"]),
        ("/instances", ["1.2.3.1.1.1", "1.2.3.1.1.2", "1.2.3.1.2.1", "1.2.3.2.1.1"]),
        ("/studies/1.2.3.1/series", ["1.2.3.1.1", "1.2.3.1.2"]),
        ("/studies/1.2.3.1/instances", ["1.2.3.1.1.1", "1.2.3.1.1.2", "1.2.3.1.2.1"]),
        ("/studies/1.2.3.1/series/1.2.3.1.1/instances", ["1.2.3.1.1.1", "1.2.3.1.1.2"]),
        ("/studies/1.2.3.1/series/1.2.3.2.1/instances", []),
        ("/studies/1.2.3.99/series", []),
    ],
)
def test_each_search_has_its_level(client: TestClient, archive: Archive, path: str, uids: list[str]) -> None:
    store(
        archive,
        made_instance(1),
        made_instance(2),
        made_instance(1, series=2),
        made_instance(1, study=2, StudyDate="20260129"),
    )
    tag = {"studies": "0020000D", "series": "0020000E", "instances": "00080018"}[path.rpartition("/")[2]]

    answer = client.get(ROOT + path)

    assert answer.status_code == 200
    assert [row[tag]["Value"][0] for row in answer.json()] == uids
    for row in answer.json():
        pydicom.Dataset.from_json(row)


def test_limit_and_offset_page_and_a_cut_is_told(
    client: TestClient, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(archive, *(made_instance(study=number) for number in range(1, 6)))

    page = client.get(f"{ROOT}/studies", params={"limit": 2, "offset": 4})
    assert (len(page.json()), page.headers["x-total-count"]) == (1, "5")
    assert "warning" not in client.get(f"{ROOT}/studies", params={"limit": 2}).headers
    assert client.get(f"{ROOT}/studies", params={"offset": 50}).json() == []
    assert client.get(f"{ROOT}/studies", params={"limit": 0}).json() == []
    monkeypatch.setattr(limits, "QUERY_RESULTS_MAX", 3)
    cut = client.get(f"{ROOT}/studies", params={"limit": 1000})
    assert len(cut.json()) == 3
    assert cut.headers["warning"].startswith("299 ")
    assert "2 additional results" in cut.headers["warning"]


def test_keys_that_are_not_matched_are_named(client: TestClient, archive: Archive) -> None:
    store(archive, made_instance())

    answer = client.get(
        f"{ROOT}/studies?OperatorsName=X&00400275.00400009=Y&includefield=all&fuzzymatching=true"
    )

    assert len(answer.json()) == 1
    assert "OperatorsName" in answer.headers["warning"]


def test_studies_are_found_by_modality_as_some_clients_ask(client: TestClient, archive: Archive) -> None:
    store(archive, made_instance(study=1), made_instance(study=2, Modality="MR"))

    (study,) = client.get(f"{ROOT}/studies?00080060=MR").json()

    assert study["0020000D"]["Value"] == ["1.2.3.2"]


@pytest.mark.parametrize(
    "query",
    ["StudyDate=soon", "limit=-1", "limit=many", "offset=9999999999", "NoSuchThing=1", "orderby=ShoeSize",
     "offset=99999999", "PatientID=%00"],
)  # fmt: skip
def test_a_search_that_makes_no_sense_is_refused_in_plain_words(client: TestClient, query: str) -> None:
    answer = client.get(f"{ROOT}/studies?{query}")

    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_xml_is_not_offered(client: TestClient) -> None:
    answer = client.get(f"{ROOT}/studies", headers={"Accept": "application/dicom+xml"})

    assert answer.status_code == 406


# --- Metadata ----------------------------------------------------------------------------------------------


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

    assert client.get(f"{SERIES}/metadata", headers={"If-None-Match": tag}).status_code == 304
    store(archive, made_instance(2))
    assert client.get(f"{SERIES}/metadata", headers={"If-None-Match": tag}).status_code == 200


# --- Frames and bulk values --------------------------------------------------------------------------------


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


# --- Instances ----------------------------------------------------------------------------------------------


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


# --- Pictures -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [STUDY, SERIES, INSTANCE, f"{INSTANCE}/frames/1"])
@pytest.mark.parametrize("kind", ["rendered", "thumbnail"])
def test_pictures_are_made_at_every_level(client: TestClient, archive: Archive, path: str, kind: str) -> None:
    store(archive, made_instance())

    answer = client.get(f"{path}/{kind}", headers={"Accept": "image/*"})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content.startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("window=40,400,linear&viewport=64,64&quality=50", 200),
        ("window=40,400,linear-exact&viewport=64,64,,,,", 200),
        ("viewport=64,64,1,1,2,2&accept=image/png", 200),
        ("window=40,0", 400),
        ("window=a,b", 400),
        ("window=nan,1", 400),
        ("window=1", 400),
        ("window=1,2,wavy", 400),
        ("viewport=0,0", 400),
        ("viewport=99999,1", 400),
        ("viewport=1,2,3", 400),
        ("viewport=1e400,2", 400),
        ("quality=0", 400),
        ("quality=ten", 400),
        ("accept=image/gif", 406),
    ],
)
def test_a_picture_is_made_as_asked(client: TestClient, archive: Archive, query: str, status: int) -> None:
    store(archive, made_instance())

    answer = client.get(f"{INSTANCE}/rendered?{query}")

    assert answer.status_code == status


def test_a_document_is_shown_as_what_it_is(client: TestClient, archive: Archive) -> None:
    document = made_instance(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1",
        EncapsulatedDocument=b"%PDF-1.7 " + b"x" * 2001,
        MIMETypeOfEncapsulatedDocument="application/pdf",
    )
    store(archive, document)

    answer = client.get(f"{INSTANCE}/rendered", headers={"Accept": "application/pdf"})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content == b"%PDF-1.7 " + b"x" * 2001


# --- Store --------------------------------------------------------------------------------------------------


def test_stored_instances_are_named_and_retrievable(client: TestClient) -> None:
    files = [made_instance(1), made_instance(2)]

    answer = stow(client, *files)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/dicom+json"
    response = pydicom.Dataset.from_json(answer.json())
    assert [item.ReferencedSOPInstanceUID for item in response.ReferencedSOPSequence] == [
        "1.2.3.1.1.1",
        "1.2.3.1.1.2",
    ]
    assert "FailedSOPSequence" not in response
    assert response.RetrieveURL == f"http://localhost:8000{STUDY}"
    for item, file in zip(response.ReferencedSOPSequence, files, strict=True):
        assert item.ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.2"
        sent = client.get(item.RetrieveURL, headers={"Accept": "application/dicom"}).content
        assert (
            sent[read_part10_header(sent).dataset_offset :] == file[read_part10_header(file).dataset_offset :]
        )


def test_storing_the_same_twice_is_a_success(client: TestClient) -> None:
    assert [stow(client, made_instance()).status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"InstanceNumber": 7}, 0x0111),
        ({"number": 2, "PatientID": "P2", "PatientName": "Else^Someone"}, 0xA778),
        ({"StudyInstanceUID": "not a uid", "number": 3}, 0xA900),
    ],
)
def test_what_contradicts_is_told_with_its_reason(
    client: TestClient, changes: dict[str, Any], reason: int
) -> None:
    stow(client, made_instance())

    answer = stow(client, made_instance(**changes), made_instance(9))

    assert answer.status_code == 202
    response = pydicom.Dataset.from_json(answer.json())
    assert [item.FailureReason for item in response.FailedSOPSequence] == [reason]
    assert len(response.ReferencedSOPSequence) == 1


def test_an_instance_of_another_study_is_not_stored_there(client: TestClient) -> None:
    answer = stow(client, made_instance(), study="1.2.3.99")

    assert answer.status_code == 409
    response = pydicom.Dataset.from_json(answer.json())
    assert response.FailedSOPSequence[0].FailureReason == 0xA901
    assert response.FailedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.3.1.1.1"
    assert client.get(f"{ROOT}/studies").json() == []
    assert stow(client, made_instance(), study="1.2.3.1").status_code == 200


def test_one_file_alone_is_stored_too(client: TestClient) -> None:
    answer = client.post(
        f"{ROOT}/studies", content=made_instance(), headers={"Content-Type": "application/dicom"}
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("text/plain", b"hello", 415),
        ("", b"hello", 415),
        ('multipart/related; type="application/dicom+json"; boundary=B', b"--B--", 415),
        ('multipart/related; type="application/dicom"', b"--B--", 400),
        ('multipart/related; type="application/dicom"; boundary=B', b"", 400),
        ('multipart/related; type="application/dicom"; boundary=B', b"--B--", 400),
        ('multipart/related; type="application/dicom"; boundary=B', b"--B\r\n\r\nDIC", 400),
        ("multipart/related; boundary=B", b"--B\r\nContent-Type: text/xml\r\n\r\n<x/>\r\n--B--", 415),
        ("multipart/related; boundary=B", b"--B\r\n\r\nrubbish\r\n--B--", 409),
        ("application/dicom", b"", 409),
    ],
)
def test_a_body_that_cannot_be_stored_is_refused(
    client: TestClient, content_type: str, body: bytes, status: int
) -> None:
    answer = client.post(f"{ROOT}/studies", content=body, headers={"Content-Type": content_type})

    assert answer.status_code == status


def test_a_body_that_breaks_off_keeps_what_was_whole(client: TestClient) -> None:
    whole = multipart_body("application/dicom", [made_instance(1), made_instance(2)])
    headers = {"Content-Type": content_type_of("application/dicom")}

    answer = client.post(f"{ROOT}/studies", content=whole[: len(whole) - 100], headers=headers)

    assert answer.status_code == 202
    response = pydicom.Dataset.from_json(answer.json())
    assert [item.ReferencedSOPInstanceUID for item in response.ReferencedSOPSequence] == ["1.2.3.1.1.1"]
    assert len(client.get(f"{ROOT}/instances").json()) == 1
