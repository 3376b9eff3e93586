"""DCMTK's `storescu` as it comes: the sender that half of the world's tools are, with no setting changed.

Each sender is one process with one association and its own folder of files. The clock runs from the start of
the first process to the end of the last, as somebody at the prompt would see it. Start at `send_folders`.
"""

import shutil
import subprocess
import time
from pathlib import Path

from bench.ct import Series
from bench.dicom_client import ClientError, Rate


def is_installed() -> bool:
    """Whether DCMTK's storescu is on the path."""
    return shutil.which("storescu") is not None


def command(address: tuple[str, int], called_ae_title: str, folder: Path) -> list[str]:
    """The command line of one sender."""
    return ["storescu", "-aec", called_ae_title, address[0], str(address[1]), "+sd", str(folder)]


def send_folders(
    address: tuple[str, int], called_ae_title: str, series: list[Series], count: int, work: Path
) -> Rate:
    """Write `count` slices of each series to files, then send all folders at once.

    Raises ClientError when a sender did not end well.
    """
    folders = [work / f"sender{number}" for number in range(len(series))]
    for folder, one in zip(folders, series, strict=True):
        one.write_files(folder, count)
    began = time.monotonic()
    senders = [
        subprocess.Popen(
            command(address, called_ae_title, folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for folder in folders
    ]
    outputs = [sender.communicate()[0] for sender in senders]
    seconds = time.monotonic() - began
    for folder in folders:
        shutil.rmtree(folder)
    for sender, output in zip(senders, outputs, strict=True):
        if sender.returncode != 0 or b"Store Failed" in output:
            raise ClientError(
                f"storescu ended with {sender.returncode}: {output[-500:].decode(errors='replace')}"
            )
    return Rate(count * len(series), seconds, len(series[0].data_set(0)))
