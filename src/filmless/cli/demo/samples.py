"""The real test images that the pydicom package carries: odd, old and instructive files.

Not here: the synthetic department (`studies`). Start at `pydicom_images`.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pydicom

_NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_NO_INSTANCES = ("1.2.840.10008.1.3.10",)  # A DICOMDIR lists instances and is none.


def pydicom_images() -> Iterator[tuple[str, bytes]]:
    """Yield (file name, Part 10 bytes) of each test file that can be stored as an instance.

    Several of them share a SOP Instance UID with other bytes (one image in many transfer syntaxes); each UID
    comes once, so that an archive need not quarantine any.
    """
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    seen: set[str] = set()
    for path in sorted(folder.glob("*.dcm")):
        data = path.read_bytes()
        uid = _instance_uid(data)
        if uid is not None and uid not in seen:
            seen.add(uid)
            yield path.name, data


def _instance_uid(data: bytes) -> str | None:
    """The SOP Instance UID, or None for what is no storable instance."""
    if data[128:132] != b"DICM":
        return None
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(io.BytesIO(data))
            if any(not dataset.get(keyword) for keyword in _NEEDED):
                return None
            syntax, media_class = dataset.file_meta.get("TransferSyntaxUID"), dataset.SOPClassUID
    except Exception:  # noqa: BLE001 - files damaged on purpose fail in as many ways.
        return None
    finally:
        logger.setLevel(level)
    return None if syntax is None or media_class in _NO_INSTANCES else str(dataset.SOPInstanceUID)
