"""A full disk costs the sender an A700 and nobody anything else: no lie, no half instance, no restart.

The folder in question lies on a small tmpfs, mounted by root. It fills up between two instances (the server
sees it coming) and in the middle of one (it cannot), below the images or below the index.
"""

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bench.ct import Series
from bench.dicom_client import Sender

from department import DICOMwebClient, Filmless, data_set_of

pytestmark = [pytest.mark.fault, pytest.mark.slow]

DISK_BYTES = 768 << 20  # More than the reserve below which the server refuses by itself.
OUT_OF_RESOURCES = 0xA700


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """An empty tmpfs of DISK_BYTES."""
    folder = tmp_path / "small-disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs root and a kernel that lets it mount a tmpfs")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(params=["images", "index", "both"])
def server_on_small_disk(
    request: pytest.FixtureRequest, prepared_server: Filmless, small_disk: Path, tmp_path: Path
) -> Iterator[Filmless]:
    """Filmless with its images, its index, or both on the small disk."""
    elsewhere = tmp_path / "roomy-disk"
    elsewhere.mkdir()
    images = small_disk if request.param in ("images", "both") else elsewhere
    index = small_disk if request.param in ("index", "both") else elsewhere
    settings = {
        "FILMLESS_DATA": str(index / "data"),
        "FILMLESS_OBJECT_STORE_URL": (images / "objects").as_uri(),
    }
    with Filmless(settings, folder=tmp_path, prepared=prepared_server) as server:
        yield server


class Ballast:
    """A file that takes all room that is left, until it is removed."""

    def __init__(self, disk: Path) -> None:
        self._path = disk / "ballast"

    def fill(self) -> None:
        """Leave not one page."""
        with self._path.open("ab", buffering=0) as file:
            piece = 64 << 20
            while piece:
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, piece)
                except OSError:
                    piece //= 2 if piece > 4096 else 4096

    def remove(self) -> None:
        """Make the room free again."""
        self._path.unlink()


def connect(server: Filmless, series: Series) -> Sender:
    """An association that is ready to send."""
    sender = Sender(server.dicom_address, series, server.ae_title)
    sender.prepare()
    return sender


@pytest.mark.parametrize("in_the_middle", [False, True])
def test_a_full_disk_is_told_and_survived(
    server_on_small_disk: Filmless, small_disk: Path, *, in_the_middle: bool
) -> None:
    server, series, ballast = server_on_small_disk, Series(Series.new_run(), 1), Ballast(small_disk)
    sender = connect(server, series)
    stored = {number for number in range(5) if sender.store(number) == 0}
    assert stored == set(range(5))
    processes = server.process.family()

    halfway: Callable[[], None] | None = ballast.fill if in_the_middle else None
    if not in_the_middle:
        ballast.fill()
    statuses = {sender.store(5, halfway), *(sender.store(number) for number in range(6, 16))}
    assert statuses == {OUT_OF_RESOURCES}

    ballast.remove()
    after = {number for number in range(16, 20) if sender.store(number) == 0}
    assert after == set(range(16, 20))  # On the same association: the server never went away.
    sender.release()
    assert server.process.family() == processes
    with DICOMwebClient(server) as client:
        numbers = {series.sop_instance_uid(number): number for number in range(20)}
        listed = client.find_instances(series.study_instance_uid)
        assert {numbers[instance] for _, _, instance in listed} == stored | after
        for study, series_uid, instance in listed:
            received = data_set_of(client.retrieve(study, series_uid, instance))
            assert received == series.data_set(numbers[instance])


def test_what_was_refused_is_stored_when_it_is_sent_again(
    server_on_small_disk: Filmless, small_disk: Path
) -> None:
    server, series, ballast = server_on_small_disk, Series(Series.new_run(), 1), Ballast(small_disk)
    sender = connect(server, series)
    assert sender.store(0) == 0
    ballast.fill()
    assert sender.store(1) == OUT_OF_RESOURCES
    ballast.remove()
    assert sender.store(1) == 0
    with contextlib.suppress(OSError):
        sender.release()
