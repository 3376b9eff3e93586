"""Synthetic CT slices, encoded by hand: a scanner's header of about 90 elements, and 16-bit pixels.

One `Series` is one study with one series of one invented patient. Slices differ in SOP Instance UID and
Instance Number only, and both have fixed places, so that a sender can patch them instead of keeping hundreds
of megabytes of messages. Not here: any DICOM library. Start at `Series`.
"""

import random
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
IMPLEMENTATION_CLASS_UID = "2.25.110000000000000000000000000000000001"

_LONG_VRS = frozenset(("OB", "OW", "SQ", "UN", "UT"))  # PS3.5 §7.1.2: these carry a 32-bit length.
_NUMBER_DIGITS = 6


def uid_bytes(uid: str) -> bytes:
    """The UID padded to even length with NUL (PS3.5 §9.1)."""
    return uid.encode() + b"\0" * (len(uid) % 2)


def element(tag: int, vr: str, value: str | int | bytes) -> bytes:
    """One explicit little-endian data element; integers are US."""
    if isinstance(value, int):
        raw = struct.pack("<H", value)
    elif isinstance(value, str):
        raw = uid_bytes(value) if vr == "UI" else value.encode() + b" " * (len(value) % 2)
    else:
        raw = value
    start = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    if vr in _LONG_VRS:
        return start + struct.pack("<HI", 0, len(raw)) + raw
    return start + struct.pack("<H", len(raw)) + raw


def _item(*elements: bytes) -> bytes:
    body = b"".join(elements)
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(body)) + body


def _code(value: str, scheme: str, meaning: str) -> bytes:
    return _item(
        element(0x00080100, "SH", value),
        element(0x00080102, "SH", scheme),
        element(0x00080104, "LO", meaning),
    )


@dataclass(frozen=True)
class Series:
    """A CT series. `run` and `sender` make its UIDs unlike those of every other run and sender."""

    run: int
    sender: int
    rows: int = 512
    columns: int = 512

    @staticmethod
    def new_run() -> int:
        """A number of at most 14 digits that no earlier run used."""
        return random.SystemRandom().randrange(10**13, 10**14)

    @property
    def patient_id(self) -> str:
        """Patient ID, the same for all slices."""
        return f"B{self.run:014d}{self.sender:03d}"

    @property
    def study_instance_uid(self) -> str:
        """Study Instance UID."""
        return self._uid(2, 0)

    @property
    def series_instance_uid(self) -> str:
        """Series Instance UID."""
        return self._uid(3, 0)

    def sop_instance_uid(self, number: int) -> str:
        """SOP Instance UID of a slice; all have the same length."""
        return self._uid(1, number)

    def data_set(self, number: int) -> bytes:
        """The encoded data set of a slice, explicit little endian."""
        head, pixels = self._template
        return head % self._places(number) + pixels

    def patched_places(self, data_set: bytes) -> tuple[int, int]:
        """Offsets of the digits that differ between slices: of SOP Instance UID and Instance Number."""
        digits = b"%0*d" % (_NUMBER_DIGITS, 0)
        uid = data_set.index(uid_bytes(self.sop_instance_uid(0)))
        number = data_set.index(element(0x00200013, "IS", digits))
        return uid + len(self.sop_instance_uid(0)) - _NUMBER_DIGITS, number + 8

    def write_files(self, folder: Path, count: int) -> None:
        """Write slices 0..count-1 as Part 10 files."""
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            path = folder / f"ct{number:06d}.dcm"
            path.write_bytes(self._part10_header(number) + self.data_set(number))

    def _uid(self, kind: int, number: int) -> str:
        return f"2.25.{kind}{self.run:014d}{self.sender:03d}{number:0{_NUMBER_DIGITS}d}"

    def _places(self, number: int) -> tuple[bytes, bytes]:
        return uid_bytes(self.sop_instance_uid(number)), b"%0*d" % (_NUMBER_DIGITS, number)

    def _part10_header(self, number: int) -> bytes:
        meta = b"".join(
            (
                element(0x00020001, "OB", b"\0\1"),
                element(0x00020002, "UI", CT_IMAGE_STORAGE),
                element(0x00020003, "UI", self.sop_instance_uid(number)),
                element(0x00020010, "UI", EXPLICIT_LE),
                element(0x00020012, "UI", IMPLEMENTATION_CLASS_UID),
            )
        )
        return b"\0" * 128 + b"DICM" + element(0x00020000, "UL", struct.pack("<I", len(meta))) + meta

    @cached_property
    def _template(self) -> tuple[bytes, bytes]:
        noise = random.Random(self.sender).randbytes(self.rows * 2)  # One column of noise, rolled row by row.
        line = (noise * 2)[: self.columns * 2].ljust(self.columns * 2, b"\1")
        lines = [line[shift:] + line[:shift] for shift in range(0, self.columns * 2, 2)]
        pixels = b"".join(lines[row % len(lines)] for row in range(self.rows))
        pixels = bytes(value & 0x0F if index & 1 else value for index, value in enumerate(pixels))
        head = b"".join(self._elements())
        marks = (uid_bytes(self.sop_instance_uid(0)), b"0" * _NUMBER_DIGITS)
        head = head.replace(b"%", b"%%").replace(marks[0], b"%s", 1)
        number = element(0x00200013, "IS", marks[1])
        head = head.replace(number, number[:8] + b"%s", 1)
        return head, element(0x7FE00010, "OW", pixels)

    def _elements(self) -> list[bytes]:
        return [*self._identification(), *self._acquisition(), *self._geometry()]

    def _identification(self) -> list[bytes]:
        e = element
        return [
            e(0x00080005, "CS", "ISO_IR 100"),
            e(0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
            e(0x00080012, "DA", "20261124"),
            e(0x00080013, "TM", "101500.120000"),
            e(0x00080016, "UI", CT_IMAGE_STORAGE),
            e(0x00080018, "UI", self.sop_instance_uid(0)),
            e(0x00080020, "DA", "20261124"),
            e(0x00080021, "DA", "20261124"),
            e(0x00080022, "DA", "20261124"),
            e(0x00080023, "DA", "20261124"),
            e(0x00080030, "TM", "101233.000000"),
            e(0x00080031, "TM", "101412.000000"),
            e(0x00080032, "TM", "101455.310000"),
            e(0x00080033, "TM", "101456.020000"),
            e(0x00080050, "SH", f"A{self.run % 10**9:09d}{self.sender:03d}"),
            e(0x00080060, "CS", "CT"),
            e(0x00080070, "LO", "Filmless Test Instruments"),
            e(0x00080080, "LO", "Synthetic General Hospital"),
            e(0x00080081, "ST", "1 Example Road, Nowhere"),
            e(0x00080090, "PN", "Referrer^Rita^^Dr"),
            e(0x00081010, "SH", "CT1"),
            e(0x00081030, "LO", "CT Thorax with contrast"),
            e(0x00081032, "SQ", _code("CTTHORAX", "99FILMLESS", "CT Thorax with contrast")),
            e(0x0008103E, "LO", "Thorax 1.0 B70f"),
            e(0x00081040, "LO", "Radiology"),
            e(0x00081050, "PN", "Reader^Robin^^Dr"),
            e(0x00081070, "PN", "Operator^Olga"),
            e(0x00081090, "LO", "Synthetic 64"),
            e(
                0x00081110,
                "SQ",
                _item(
                    e(0x00081150, "UI", "1.2.840.10008.3.1.2.3.1"),
                    e(0x00081155, "UI", self._uid(4, 0)),
                ),
            ),
            e(0x00100010, "PN", f"Bench^Sender{self.sender:03d}"),
            e(0x00100020, "LO", self.patient_id),
            e(0x00100021, "LO", "FILMLESS-BENCH"),
            e(0x00100030, "DA", "19610412"),
            e(0x00100040, "CS", "F"),
            e(0x00101010, "AS", "065Y"),
            e(0x00101020, "DS", "1.68"),
            e(0x00101030, "DS", "71.5"),
            e(0x00102180, "SH", "Baker"),
        ]

    def _acquisition(self) -> list[bytes]:
        e = element
        return [
            e(0x00180010, "LO", "Iodine 350"),
            e(0x00180015, "CS", "CHEST"),
            e(0x00180022, "CS", "HELICAL MODE"),
            e(0x00180050, "DS", "1.0"),
            e(0x00180060, "DS", "120"),
            e(0x00180090, "DS", "500"),
            e(0x00181000, "LO", "SN0001"),
            e(0x00181020, "LO", "1.0.0"),
            e(0x00181030, "LO", "Thorax_Routine"),
            e(0x00181041, "DS", "80"),
            e(0x00181100, "DS", "380"),
            e(0x00181110, "DS", "1040"),
            e(0x00181111, "DS", "570"),
            e(0x00181120, "DS", "0"),
            e(0x00181130, "DS", "150"),
            e(0x00181140, "CS", "CW"),
            e(0x00181150, "IS", "500"),
            e(0x00181151, "IS", "210"),
            e(0x00181152, "IS", "105"),
            e(0x00181160, "SH", "FLAT"),
            e(0x00181170, "IS", "25"),
            e(0x00181190, "DS", "1.2"),
            e(0x00181200, "DA", "20261101"),
            e(0x00181201, "TM", "060000"),
            e(0x00181210, "SH", "B70f"),
            e(0x00185100, "CS", "HFS"),
            e(0x00189305, "FD", struct.pack("<d", 0.5)),
            e(0x00189306, "FD", struct.pack("<d", 0.6)),
            e(0x00189307, "FD", struct.pack("<d", 38.4)),
            e(0x00189309, "FD", struct.pack("<d", 46.0)),
            e(0x00189310, "FD", struct.pack("<d", 46.0)),
            e(0x00189311, "FD", struct.pack("<d", 1.2)),
            e(0x00189345, "FD", struct.pack("<d", 7.1)),
        ]

    def _geometry(self) -> list[bytes]:
        e = element
        return [
            e(0x0020000D, "UI", self.study_instance_uid),
            e(0x0020000E, "UI", self.series_instance_uid),
            e(0x00200010, "SH", "S1"),
            e(0x00200011, "IS", "3"),
            e(0x00200012, "IS", "1"),
            e(0x00200013, "IS", "0" * _NUMBER_DIGITS),
            e(0x00200032, "DS", "-190.0\\-190.0\\-250.0"),
            e(0x00200037, "DS", "1\\0\\0\\0\\1\\0"),
            e(0x00200052, "UI", self._uid(5, 0)),
            e(0x00201040, "LO", ""),
            e(0x00201041, "DS", "-250.0"),
            e(0x00204000, "LT", "Synthetic image: no patient was harmed."),
            e(0x00280002, "US", 1),
            e(0x00280004, "CS", "MONOCHROME2"),
            e(0x00280010, "US", self.rows),
            e(0x00280011, "US", self.columns),
            e(0x00280030, "DS", "0.7421875\\0.7421875"),
            e(0x00280100, "US", 16),
            e(0x00280101, "US", 12),
            e(0x00280102, "US", 11),
            e(0x00280103, "US", 0),
            e(0x00281050, "DS", "40\\-600"),
            e(0x00281051, "DS", "400\\1200"),
            e(0x00281052, "DS", "-1024"),
            e(0x00281053, "DS", "1"),
            e(0x00281055, "LO", "MEDIASTINUM\\LUNG"),
            e(
                0x00400275,
                "SQ",
                _item(
                    e(0x00400007, "LO", "CT Thorax with contrast"),
                    e(0x00400009, "SH", "SPS0001"),
                    e(0x00401001, "SH", "RP0001"),
                ),
            ),
        ]
