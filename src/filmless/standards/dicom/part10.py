"""The head of a DICOM file (PS3.10 section 7): preamble, prefix and File Meta Information.

Writes it for a data set as received; reads it from a prefix of any file, also from files without it.
Not here: the data set itself, and files on disk. Start at `write_part10_header`, `read_part10_header`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from filmless.standards.dicom.elements import (
    ENCODING_EXPLICIT_LE,
    ENCODING_IMPLICIT_LE,
    VR_FORMS,
    Buffer,
    MalformedDataSet,
    TruncatedDataSet,
    read_element_header,
)
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE
from filmless.standards.dicom.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

PREAMBLE_BYTES = 128
DATA_SET_PROBE_BYTES = 8
META_BYTES_MAX = 1_048_576  # Ours has about 300 bytes; private information in (0002,0102) may be larger.
META_VALUE_BYTES_MAX = 1_024  # A UID has 64 characters, an AE title 16.

_PREFIX = b"DICM"
_NOT_DICOM = "it is not a DICOM file: no DICM prefix and no data element where one must be"


@dataclass(frozen=True, slots=True)
class FileMeta:
    """File Meta Information. AE titles are optional: "" leaves them out (PS3.10 table 7.1-1)."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    implementation_class_uid: str = IMPLEMENTATION_CLASS_UID
    implementation_version_name: str = IMPLEMENTATION_VERSION_NAME
    source_ae_title: str = ""
    sending_ae_title: str = ""
    receiving_ae_title: str = ""


@dataclass(frozen=True, slots=True)
class Part10Header:
    """What stands before the data set. `dataset_offset`: where the data set begins, from the file's start."""

    meta: FileMeta
    dataset_offset: int
    has_preamble: bool
    problems: tuple[str, ...] = ()


_FIELDS: dict[int, tuple[str, bytes]] = {
    0x00020002: ("sop_class_uid", b"UI"),
    0x00020003: ("sop_instance_uid", b"UI"),
    0x00020010: ("transfer_syntax_uid", b"UI"),
    0x00020012: ("implementation_class_uid", b"UI"),
    0x00020013: ("implementation_version_name", b"SH"),
    0x00020016: ("source_ae_title", b"AE"),
    0x00020017: ("sending_ae_title", b"AE"),
    0x00020018: ("receiving_ae_title", b"AE"),
}


def write_part10_header(meta: FileMeta) -> bytes:
    """Zero preamble, DICM and group 0002 in explicit little endian; the data set follows it unchanged.

    Raises UnicodeEncodeError for text outside ASCII: UIDs and AE titles are checked before they come here.
    """
    parts = [b"\x02\x00\x01\x00OB\x00\x00\x02\x00\x00\x00\x00\x01"]
    for tag, (name, vr) in _FIELDS.items():
        value = str(getattr(meta, name)).encode("ascii")
        if value:
            value += (b"\0" if vr == b"UI" else b" ") * (len(value) % 2)
            parts.append(struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value)
    group = b"".join(parts)
    return b"\0" * PREAMBLE_BYTES + _PREFIX + struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(group)) + group


def read_part10_header(prefix: Buffer) -> Part10Header:
    """File meta and the data set's offset, from the first bytes of a file.

    Files without preamble, or without any file meta, are read too; their transfer syntax is then guessed from
    the first element, and the SOP UIDs are "". Raises TruncatedDataSet with `needs_bytes` when the prefix is
    too short to tell, MalformedDataSet when it is no DICOM.
    """
    problems: list[str] = []
    start = PREAMBLE_BYTES + 4
    if len(prefix) < start:
        raise TruncatedDataSet(0, "it is too short to hold a preamble", start + 512)
    has_preamble = bytes(prefix[PREAMBLE_BYTES:start]) == _PREFIX
    if not has_preamble:
        start = 4 if bytes(prefix[:4]) == _PREFIX else 0
        problems.append("it has no 128-byte preamble with DICM after it")
    values, position = _read_meta(prefix, start, problems)
    guess = _guess_transfer_syntax(prefix, position)
    if guess is None and not values:
        raise MalformedDataSet(position, _NOT_DICOM)
    if not values.get("transfer_syntax_uid"):
        problems.append("its file meta names no transfer syntax; it was guessed")
        values["transfer_syntax_uid"] = guess or IMPLICIT_LE
    for name in (
        "sop_class_uid",
        "sop_instance_uid",
        "implementation_class_uid",
        "implementation_version_name",
    ):
        values.setdefault(name, "")
    return Part10Header(FileMeta(**values), position, has_preamble, tuple(problems))


def _read_meta(prefix: Buffer, start: int, problems: list[str]) -> tuple[dict[str, str], int]:
    """The values of group 0002 and the offset after it. The group's own length is not believed."""
    values: dict[str, str] = {}
    position = start
    while True:
        if position + 8 > len(prefix):
            if position == len(prefix) and values:
                return values, position  # Nothing after the file meta: an empty data set.
            raise TruncatedDataSet(position, "the file meta is not complete", position + 512)
        if bytes(prefix[position : position + 2]) != b"\x02\x00":
            return values, position
        # PS3.10 asks for explicit VR; some old writers used implicit, as their data sets.
        explicit = bytes(prefix[position + 4 : position + 6]) in VR_FORMS
        encoding = ENCODING_EXPLICIT_LE if explicit else ENCODING_IMPLICIT_LE
        tag, _, value, length = read_element_header(prefix, position, len(prefix), encoding)
        if value + length - start > META_BYTES_MAX:
            raise MalformedDataSet(position, f"its file meta is longer than {META_BYTES_MAX} bytes")
        if value + length > len(prefix):
            raise TruncatedDataSet(position, "the file meta is not complete", value + length + 512)
        if tag in _FIELDS:
            name = _FIELDS[tag][0]
            if length <= META_VALUE_BYTES_MAX:
                values[name] = bytes(prefix[value : value + length]).decode("ascii", "replace").strip(" \0")
            else:
                problems.append(f"file meta element {tag:08X} is too long and was ignored")
        position = value + length


def _guess_transfer_syntax(prefix: Buffer, position: int) -> str | None:
    """The plain transfer syntax the element at `position` is written in, or None when it is no element."""
    head = bytes(prefix[position : position + DATA_SET_PROBE_BYTES])
    if len(head) < DATA_SET_PROBE_BYTES:
        return None
    group_le, group_be = int.from_bytes(head[:2], "little"), int.from_bytes(head[:2], "big")
    # A data set begins with group 0008, rarely with 0004 (DICOMDIR) or 0010; read the wrong way round these
    # would be groups no data set begins with.
    little = 0 < group_le <= 0x00FF
    if not little and not 0 < group_be <= 0x00FF:
        return None
    if head[4:6] in VR_FORMS:
        return EXPLICIT_LE if little else EXPLICIT_BE
    if not little or int.from_bytes(head[4:8], "little") > 0xFFFF:
        return None  # The first element is short in every real file; a long one means other content.
    return IMPLICIT_LE


_TIFF = (
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"MM\0+",
)  # PS3.10 section 7.1 foresees TIFF in the preamble; + is BigTIFF.


def sanitised_preamble(preamble: bytes) -> bytes:
    """The preamble for a file that leaves the house: zeros and TIFF stay, everything else becomes zeros.

    What else stands there may be a program that a viewer of DICOM does not see (CVE-2019-11687).
    """
    if len(preamble) == PREAMBLE_BYTES and preamble.startswith(_TIFF):
        return preamble
    return b"\0" * PREAMBLE_BYTES
