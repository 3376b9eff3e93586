"""De-identification of a data set by the Basic Application Level Confidentiality Profile (PS3.15 Annex E).

    deidentify(data, transfer_syntax_uid, Project(name="TRIAL-7", secret=key))

Attributes are dummied, emptied, removed or get new UIDs as table E.1-1 says, in sequences too; private
attributes, overlays and curves go. UIDs, pseudonyms and date shifts come from the project's secret, so that
all instances of a study stay together without a list being kept, and nobody without the secret gets back.
Pixels are copied untouched: what may show a name in them is refused, see `MayShowIdentity`.
"""

import hashlib
import hmac
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import cache

from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet, Element, decode_data_set, encode_data_set
from filmless.standards.dicom.data_set_values import BYTES_VRS
from filmless.standards.dicom.deidentification_table import TABLE
from filmless.standards.dicom.dictionary import tag_of
from filmless.standards.dicom.elements import (
    UNDEFINED_LENGTH,
    Buffer,
    TruncatedDataSet,
    encoding_of,
    inflate,
    read_element_header,
    skip_undefined_length,
)
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, find_transfer_syntax

HEADER_BYTES_MAX = 64 << 20  # Attributes before Pixel Data; enhanced multi-frame headers reach some MiB.
INFLATED_BYTES_MAX = 256 << 20  # Deflate shrinks up to 1000 times; it is meant for reports.
SHIFT_DAYS_MAX = 3650  # Ten years: ages in the study stay roughly what they were, calendars do not.
DUMMY_TEXT = "REMOVED"  # Fits every text VR of table E.1-1.


class Option(StrEnum):
    """Options of the profile (PS3.15 E.3); the value is the code of CID 7050 that says so in the object."""

    RETAIN_FULL_DATES = "113106"
    SHIFT_DATES = "113107"
    RETAIN_PATIENT_CHARACTERISTICS = "113108"
    RETAIN_UIDS = "113110"


_MEANINGS = {
    "113100": "Basic Application Confidentiality Profile",
    "113106": "Retain Longitudinal Temporal Information Full Dates Option",
    "113107": "Retain Longitudinal Temporal Information Modified Dates Option",
    "113108": "Retain Patient Characteristics Option",
    "113110": "Retain UIDs Option",
}


class MayShowIdentity(ValueError):
    """The pixels or the document may show who the patient is, and nobody has looked at them."""


@dataclass(frozen=True, slots=True)
class Project:
    """For whom identities are removed. The same secret gives the same pseudonyms, UIDs and shifts."""

    name: str
    secret: bytes = field(repr=False)
    options: frozenset[Option] = frozenset()

    def __post_init__(self) -> None:
        if {Option.RETAIN_FULL_DATES, Option.SHIFT_DATES} <= self.options:
            raise ValueError("Dates are either kept or shifted, not both.")


@dataclass(frozen=True, slots=True)
class Deidentified:
    """The data set in the transfer syntax it came in, and under which UID it goes."""

    data: bytes
    sop_instance_uid: str


def deidentify(data: Buffer, transfer_syntax_uid: str, project: Project) -> Deidentified:
    """Remove the identity from one data set (no file meta information).

    Raises MalformedDataSet, InflateLimit, MayShowIdentity.
    """
    syntax = find_transfer_syntax(transfer_syntax_uid)
    deflated = syntax is not None and syntax.deflated
    if deflated:
        data, transfer_syntax_uid = inflate(data, INFLATED_BYTES_MAX), EXPLICIT_LE
    end_of_header, pixels = _pixel_data(data, transfer_syntax_uid)
    header = decode_data_set(bytes(data[:end_of_header]), transfer_syntax_uid, bytes_max=HEADER_BYTES_MAX)
    _refuse_what_may_show_identity(header)
    _Cleaner(project, header).clean()
    encoded = encode_data_set(header, transfer_syntax_uid) + pixels
    if deflated:
        deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        encoded = deflater.compress(encoded) + deflater.flush()
        encoded += b"\0" * (len(encoded) & 1)
    return Deidentified(encoded, header.text(tags.SOP_INSTANCE_UID))


def uid_in(project: Project, uid: str) -> str:
    """The UID that takes the place of this one in the project."""
    return uid if Option.RETAIN_UIDS in project.options else _replaced_uid(uid, project.secret)


def _pixel_data(data: Buffer, transfer_syntax_uid: str) -> tuple[int, bytes]:
    """Where the header ends, and group 7FE0 as it is; what follows that is padding or a signature."""
    encoding = encoding_of(transfer_syntax_uid, data)
    position, header_end, end = 0, None, len(data)
    while position < len(data):
        tag, vr, value, length = read_element_header(data, position, len(data), encoding)
        if tag >> 16 == _PIXEL_GROUP and header_end is None:
            header_end = position
        elif tag >> 16 > _PIXEL_GROUP or (tag, length) == (0, 0):
            end = position
            break
        if length == UNDEFINED_LENGTH:
            position = skip_undefined_length(data, value, len(data), vr, encoding)
        elif value + length > len(data):
            raise TruncatedDataSet(position, f"the value of {tag:08X} is cut short", value + length)
        else:
            position = value + length
    return (end, b"") if header_end is None else (header_end, bytes(data[header_end:end]))


def _refuse_what_may_show_identity(header: DataSet) -> None:
    """Nobody has looked at the pixels: only what a modality draws no text into may pass unseen."""
    sop_class_uid = header.text(tags.SOP_CLASS_UID)
    if sop_class_uid.startswith(_DOCUMENTS):
        raise MayShowIdentity("A document may name the patient; it is not de-identified.")
    burned_in = header.text(_tag("BurnedInAnnotation")).upper()
    if burned_in == "YES" or (burned_in != "NO" and sop_class_uid.startswith(_PHOTOGRAPHED)):
        raise MayShowIdentity("The image may have text burned in; somebody must look at it first.")


class _Cleaner:
    """Removes the identity from one header, in place."""

    def __init__(self, project: Project, header: DataSet) -> None:
        self._header = header
        self._secret = project.secret
        self._options = project.options
        issuer, patient_id = header.text(tags.ISSUER_OF_PATIENT_ID), header.text(tags.PATIENT_ID)
        # Without a Patient ID nobody else is known to be the same person: the study is the person.
        self._person = f"{issuer}|{patient_id}" if patient_id else header.text(tags.STUDY_INSTANCE_UID)
        self._project_name = project.name
        self._shift = timedelta(
            days=1 + int.from_bytes(self._keyed("shift", self._person)[:4]) % SHIFT_DAYS_MAX
        )

    def clean(self) -> None:
        """Do what the profile says and note in the object that it was done (PS3.15 E.1.1)."""
        self._level(self._header, dummies=False)
        header, pseudonym = self._header, self._pseudonym()
        header.set(tags.PATIENT_ID, pseudonym)
        header.set(tags.PATIENT_NAME, pseudonym)
        header.set(_tag("PatientIdentityRemoved"), "YES")
        codes = ["113100", *sorted(option.value for option in self._options)]
        header.set(_tag("DeidentificationMethod"), "Filmless: " + ", ".join(codes))
        header.set_items(_tag("DeidentificationMethodCodeSequence"), [_code(code) for code in codes])
        kept = Option.RETAIN_FULL_DATES in self._options
        modified = Option.SHIFT_DATES in self._options
        temporal = "UNMODIFIED" if kept else "MODIFIED" if modified else "REMOVED"
        header.set(_tag("LongitudinalTemporalInformationModified"), temporal)

    def _level(self, data_set: DataSet, *, dummies: bool) -> None:
        """One data set or item; `dummies`: free text in it stands for a report, and is dummied throughout."""
        for tag in list(data_set):
            element = data_set.elements[tag]
            action = _action(tag, element.vr)
            if action and not self._is_retained(tag, element):
                self._act(data_set, tag, element, action)
            elif element.items is not None:
                for item in element.items:
                    self._level(item, dummies=dummies)
            elif dummies and element.vr in _FREE_TEXT:
                element.values = _dummy(element.vr)
            elif element.vr in ("DA", "DT") and Option.SHIFT_DATES in self._options:
                element.values = [self._shifted(str(value)) for value in element.values or []]

    def _is_retained(self, tag: int, element: Element) -> bool:
        if element.vr in ("DA", "TM", "DT") and tag not in _BIRTH:
            return bool(self._options & {Option.RETAIN_FULL_DATES, Option.SHIFT_DATES})
        if element.vr == "UI":
            return Option.RETAIN_UIDS in self._options
        return tag in _CHARACTERISTICS and Option.RETAIN_PATIENT_CHARACTERISTICS in self._options

    def _act(self, data_set: DataSet, tag: int, element: Element, action: str) -> None:
        if element.items is not None:
            if action == "D" and tag in _REPORTS:
                for item in element.items:
                    self._level(item, dummies=True)
            elif "U" in action:
                for item in element.items:
                    self._level(item, dummies=False)
            elif action in ("Z", "X/Z"):
                element.items = []
            else:
                del data_set[tag]
        elif "U" in action:
            element.values = [self._new_uid(str(value)) for value in element.values or []]
        elif "D" in action:
            element.values = _dummy(element.vr) if element.values else []
        elif "Z" in action:
            element.values = []
        else:
            del data_set[tag]

    def _shifted(self, text: str) -> str:
        """DA or DT, earlier by the shift of this person; what is no date becomes the dummy."""
        try:
            day = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
        except ValueError:
            return _DUMMY_DATE
        return (max(day, date.min + self._shift) - self._shift).strftime("%Y%m%d").rjust(8, "0") + text[8:]

    def _new_uid(self, uid: str) -> str:
        return _replaced_uid(uid, self._secret)

    def _pseudonym(self) -> str:
        name = "".join(char for char in self._project_name.upper() if char.isalnum() or char in "-_")[:16]
        return f"{name}-{self._keyed('person', self._person)[:6].hex().upper()}"

    def _keyed(self, purpose: str, text: str) -> bytes:
        return _keyed(self._secret, purpose, text)


def _replaced_uid(uid: str, secret: bytes) -> str:
    """PS3.5 B.2: 2.25 and a number of 128 bits. UIDs that DICOM itself defines name no person."""
    if uid.startswith("1.2.840.10008."):
        return uid
    return f"2.25.{int.from_bytes(_keyed(secret, 'uid', uid)[:16])}"


def _keyed(secret: bytes, purpose: str, text: str) -> bytes:
    return hmac.digest(secret, f"{purpose}|{text}".encode(), hashlib.sha256)


# --- The table ---------------------------------------------------------------------------------------------

_PIXEL_GROUP = 0x7FE0
_DUMMY_DATE = "19000101"
_DUMMIES: Mapping[str, str] = {
    "DA": _DUMMY_DATE,
    "DT": _DUMMY_DATE,
    "TM": "000000",
    "AS": "000Y",
    "DS": "0",
    "IS": "0",
}
_FREE_TEXT = frozenset({"LT", "ST", "UT", "UC", "PN", "DA", "DT"})
# Encapsulated PDF, CDA, STL and the like; ultrasound, secondary capture, photographs and slides: labelled.
_DOCUMENTS = "1.2.840.10008.5.1.4.1.1.104."
_PHOTOGRAPHED = tuple(f"1.2.840.10008.5.1.4.1.1.{branch}" for branch in ("3.", "6.", "7"))


def _tag(keyword: str) -> int:
    tag = tag_of(keyword)
    assert tag is not None  # Of the dictionary we ship.
    return tag


_BIRTH = frozenset(
    {_tag("PatientBirthDate"), _tag("PatientBirthTime")}
)  # No option of the profile keeps them.
_REPORTS = frozenset(map(_tag, ("ContentSequence", "GraphicAnnotationSequence")))
_CHARACTERISTICS = frozenset(
    map(
        _tag,
        (
            *("PatientSex", "PatientAge", "PatientSize", "PatientWeight", "EthnicGroup"),
            *("SmokingStatus", "PregnancyStatus", "PatientSexNeutered"),
        ),
    )
)


@cache
def _actions() -> Mapping[int, str]:
    rows = (line.split() for line in TABLE.split("\n") if line)
    return {int(row[0], 16): row[1] for row in rows}


def _action(tag: int, vr: str) -> str:
    """The action of table E.1-1; "" for what it leaves alone.

    Private attributes, curves and overlays go; a name that is not in the table is emptied.
    """
    group = tag >> 16
    if group & 1 or group & 0xFF00 in (0x5000, 0x6000):
        return "X"
    return _actions().get(tag, "Z" if vr == "PN" else "")


def _dummy(vr: str) -> list[str | int | float | bytes]:
    """A value that means nothing; none for binary VRs."""
    if vr in BYTES_VRS or vr in ("US", "SS", "UL", "SL", "FL", "FD", "AT", "UV", "SV"):
        return []
    return [_DUMMIES.get(vr, DUMMY_TEXT)]


def _code(value: str) -> DataSet:
    """One item of De-identification Method Code Sequence, from CID 7050."""
    item = DataSet()
    item.set(_tag("CodeValue"), value)
    item.set(_tag("CodingSchemeDesignator"), "DCM")
    item.set(_tag("CodeMeaning"), _MEANINGS[value])
    return item
