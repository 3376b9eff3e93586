"""The queue against others' receivers: DCMTK's storescp is killed in mid-way, Orthanc counts what it has."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pydicom
import pytest
from bench.orthanc import Orthanc, is_installed
from bench.processes import free_ports
from pydicom.errors import InvalidDicomError

from filmless.features import routing
from filmless.features.routing import State
from routing_house import ME, ROOT, House, house, sandbox

__all__ = ["house", "sandbox"]  # Fixtures.

pytestmark = pytest.mark.peer

SECONDS_MAX = 60  # Only to end a test that hangs.
SLICES = 120


@contextmanager
def storescp(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """DCMTK's receiver, listening."""
    if shutil.which("storescp") is None:
        pytest.skip("needs DCMTK (apt-get install dcmtk)")
    folder.mkdir()
    command = ["storescp", "-od", str(folder), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + SECONDS_MAX
        while subprocess.run(
            ["echoscu", "127.0.0.1", str(port)], capture_output=True, check=False
        ).returncode:
            assert time.monotonic() < deadline
        yield process
    finally:
        process.kill()
        process.wait()


def arrived(folder: Path) -> set[str]:
    """UIDs of the files in the folder; not of one that broke off before its UID."""
    found: set[str] = set()
    for path in folder.iterdir():
        with suppress(InvalidDicomError, EOFError, AttributeError):
            found.add(str(pydicom.dcmread(path).SOPInstanceUID))
    return found


def kill_when_some_have_come(process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    pause = threading.Event()  # Never set.
    while sum(1 for _ in folder.iterdir()) < 10 and time.monotonic() < deadline:
        pause.wait(0.002)
    process.kill()


def test_storescp_that_is_killed_in_mid_way_and_started_again_gets_everything(
    house: House, tmp_path: Path
) -> None:
    house.holds(SLICES)
    (port,) = free_ports(1)
    house.knows("ARCHIVE", port)
    first, second = tmp_path / "first", tmp_path / "second"
    with storescp(first, port) as process:
        sent = house.sends()
        killer = threading.Thread(target=kill_when_some_have_come, args=(process, first))
        killer.start()
        house.works()
        killer.join()
    held = house.now(sent)
    assert held.state is State.WAITING
    assert 0 < held.instances_sent < SLICES
    house.works(3600)  # Still down.
    with storescp(second, port):
        house.works(3600)
    done = house.now(sent)
    assert (done.state, done.instances_sent) == (State.DONE, SLICES)
    assert arrived(first) | arrived(second) == {f"{ROOT}.1.1.{number}" for number in range(1, SLICES + 1)}
    # What was acknowledged did not come again; of what was under way nobody can know.
    assert len(arrived(second)) == SLICES - held.instances_sent


def test_orthanc_gets_by_rule_what_came_and_what_came_late(house: House) -> None:
    if not is_installed():
        pytest.skip("needs Orthanc (apt-get install orthanc orthanc-dicomweb)")
    with Orthanc() as server:
        house.knows(server.ae_title, server.dicom_address[1])
        rule = routing.NewRule("all", routing.Delivery((server.ae_title,), quiet_seconds=10))
        routing.add_rule(house.database, ME, rule)
        for first, expected in ((1, 3), (4, 6)):
            house.holds(3, first=first)
            house.works()
            house.works(11)
            assert instances_in(server) == expected
    rows, total = routing.find_transmissions(house.database, ME, routing.TransmissionFilter(), 10, 0)
    assert [(row.state, row.instances) for row in rows] == [(State.DONE, 3), (State.DONE, 3)]
    assert total == 2


def instances_in(server: Orthanc) -> int:
    host, port = server.http_address
    with urllib.request.urlopen(f"http://{host}:{port}/statistics", timeout=10) as answer:
        return int(json.load(answer)["CountInstances"])
