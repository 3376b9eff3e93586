"""Addresses of the made instances, and requests that the tests of DICOMweb share."""

from pathlib import Path
from typing import Any

import pydicom
from starlette.testclient import TestClient

from filmless.edge.dicomweb.multipart import MultipartReader, content_type_of, multipart_body
from filmless.standards.dicom.part10 import read_part10_header

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
