"""A running Filmless as its neighbours see it: `running_server`, and what DICOMweb says it holds.

The servers are real processes started by the command line on a folder of the test's own. Not here: any import
of the product. Used by the tests of `faults` and `peers`, whose conftest.py hands out the fixture.
"""

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # The sender and the process handling are those of the benchmarks.

from bench.filmless_server import Filmless  # noqa: E402

PAGE = 500


@pytest.fixture(scope="session")
def prepared_server(tmp_path_factory: pytest.TempPathFactory) -> Filmless:
    """A Filmless that was prepared and never started: the folder that others begin with."""
    server = Filmless(folder=tmp_path_factory.mktemp("prepared"))
    server.prepare()
    return server


@pytest.fixture
def running_server(prepared_server: Filmless, tmp_path: Path) -> Iterator[Filmless]:
    """Filmless with all its roles, on an empty archive, killed at the end."""
    with Filmless(folder=tmp_path, prepared=prepared_server) as server:
        yield server


def data_set_of(part10: bytes) -> bytes:
    """What follows the file meta information (PS3.10 §7.1) of a DICOM file."""
    assert part10[128:132] == b"DICM"
    assert part10[132:140] == b"\x02\0\0\0UL\x04\0"
    return part10[144 + struct.unpack_from("<I", part10, 140)[0] :]


class DICOMwebClient:
    """QIDO and WADO with a token, no more than the tests ask."""

    def __init__(self, server: Filmless) -> None:
        self._http = httpx.Client(
            base_url=f"{server.http_url}/dicom-web", headers=server.headers, timeout=60, trust_env=False
        )

    def __enter__(self) -> "DICOMwebClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def find_instances(self, study: str) -> list[tuple[str, str, str]]:
        """Study, series and SOP Instance UIDs of all instances of a study; all pages."""
        found: list[tuple[str, str, str]] = []
        while True:
            parameters = {"limit": str(PAGE), "offset": str(len(found))}
            answer = self._http.get(f"/studies/{study}/instances", params=parameters)
            rows = answer.raise_for_status().json() if answer.status_code != 204 else []
            uids = [
                tuple(row[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018")) for row in rows
            ]
            found += uids
            if len(rows) < PAGE:
                return found

    def retrieve(self, study: str, series: str, instance: str) -> bytes:
        """The Part 10 file of one instance as it is kept (WADO-RS, any transfer syntax)."""
        accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
        path = f"/studies/{study}/series/{series}/instances/{instance}"
        answer = self._http.get(path, headers={"Accept": accept}).raise_for_status()
        boundary = answer.headers["content-type"].split("boundary=")[1].split(";")[0].strip('"')
        parts = answer.content.split(b"--" + boundary.encode())
        assert len(parts) == 3  # Before, the one part, after.
        body = parts[1].split(b"\r\n\r\n", 1)[1]
        assert body.endswith(b"\r\n")
        return body[:-2]
