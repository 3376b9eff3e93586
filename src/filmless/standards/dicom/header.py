"""The receiver's scan: one pass over the first bytes of a data set for what an archive indexes.

The hot path of every C-STORE. It picks the wanted elements, jumps over everything else and finds where the
pixel data begins. It never raises on bad bytes: what is wrong goes to `problems`.
Not here: the whole data set (`elements`, `json_model`), deflated data sets (inflate a prefix first).
Start at `HeaderScanner.feed`; `scan_header` for bytes that are all there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from filmless.standards.dicom import tags
from filmless.standards.dicom.character_sets import CharacterSet, character_set
from filmless.standards.dicom.dictionary import keyword_of, vr_of
from filmless.standards.dicom.elements import (
    ELEMENT,
    END_ITEM,
    ITEM,
    SHORT_VRS,
    UNDEFINED_LENGTH,
    Buffer,
    Encoding,
    MalformedDataSet,
    TruncatedDataSet,
    encoding_of,
    read_element_header,
    skip_undefined_length,
    top_level,
    walk_sequence,
)

WANTED_VALUE_BYTES_MAX = (
    65_536  # Indexed text is at most 64 characters (LO, SH); longer is damage or an attack.
)
PROBLEMS_MAX = 100  # More than that helps nobody; a hostile data set could give millions.

_TEXT, _PERSON_NAME, _BINARY_NUMBER, _TEXT_NUMBER, _PLAIN, _SEQUENCE, _RAW_SEQUENCE = range(7)

_WANTED_LIST = (
    tags.SPECIFIC_CHARACTER_SET,
    tags.IMAGE_TYPE,
    tags.SOP_CLASS_UID,
    tags.SOP_INSTANCE_UID,
    tags.STUDY_DATE,
    tags.SERIES_DATE,
    tags.ACQUISITION_DATE,
    tags.CONTENT_DATE,
    tags.ACQUISITION_DATE_TIME,
    tags.STUDY_TIME,
    tags.SERIES_TIME,
    tags.ACQUISITION_TIME,
    tags.CONTENT_TIME,
    tags.ACCESSION_NUMBER,
    tags.ISSUER_OF_ACCESSION_NUMBER_SEQUENCE,
    tags.MODALITY,
    tags.MANUFACTURER,
    tags.INSTITUTION_NAME,
    tags.REFERRING_PHYSICIAN_NAME,
    tags.TIMEZONE_OFFSET_FROM_UTC,
    tags.STATION_NAME,
    tags.STUDY_DESCRIPTION,
    tags.SERIES_DESCRIPTION,
    tags.INSTITUTIONAL_DEPARTMENT_NAME,
    tags.PERFORMING_PHYSICIAN_NAME,
    tags.NAME_OF_PHYSICIANS_READING_STUDY,
    tags.MANUFACTURER_MODEL_NAME,
    tags.PATIENT_NAME,
    tags.PATIENT_ID,
    tags.ISSUER_OF_PATIENT_ID,
    tags.PATIENT_BIRTH_DATE,
    tags.PATIENT_SEX,
    tags.PATIENT_AGE,
    tags.BODY_PART_EXAMINED,
    tags.PROTOCOL_NAME,
    tags.STUDY_INSTANCE_UID,
    tags.SERIES_INSTANCE_UID,
    tags.STUDY_ID,
    tags.SERIES_NUMBER,
    tags.ACQUISITION_NUMBER,
    tags.INSTANCE_NUMBER,
    tags.FRAME_OF_REFERENCE_UID,
    tags.LATERALITY,
    tags.IMAGE_LATERALITY,
    tags.SLICE_LOCATION,
    tags.SAMPLES_PER_PIXEL,
    tags.PHOTOMETRIC_INTERPRETATION,
    tags.PLANAR_CONFIGURATION,
    tags.NUMBER_OF_FRAMES,
    tags.ROWS,
    tags.COLUMNS,
    tags.BITS_ALLOCATED,
    tags.BITS_STORED,
    tags.HIGH_BIT,
    tags.PIXEL_REPRESENTATION,
    tags.BURNED_IN_ANNOTATION,
    tags.LOSSY_IMAGE_COMPRESSION,
    tags.PERFORMED_PROCEDURE_STEP_START_DATE,
    tags.PERFORMED_PROCEDURE_STEP_START_TIME,
    tags.PERFORMED_PROCEDURE_STEP_ID,
    tags.REQUEST_ATTRIBUTES_SEQUENCE,
)

WANTED_TAGS: Mapping[int, str] = {tag: keyword_of(tag) for tag in _WANTED_LIST}
"""What the scan picks out: tag to keyword."""

_KIND_OF_VR = {"PN": _PERSON_NAME, "US": _BINARY_NUMBER, "IS": _TEXT_NUMBER, "SQ": _SEQUENCE} | dict.fromkeys(
    ("AE", "AS", "CS", "DA", "DS", "DT", "TM", "UI"), _PLAIN
)
_KINDS = {tag: _KIND_OF_VR.get(vr_of(tag), _TEXT) for tag in _WANTED_LIST} | {
    tags.REQUEST_ATTRIBUTES_SEQUENCE: _RAW_SEQUENCE
}
_LAST_WANTED = max(_WANTED_LIST)
_SHORT_VR_BYTES = frozenset(vr.encode() for vr in SHORT_VRS)
_PIXEL_TAGS = frozenset((tags.PIXEL_DATA, tags.FLOAT_PIXEL_DATA, tags.DOUBLE_FLOAT_PIXEL_DATA))
_ISSUER_PARTS = (tags.LOCAL_NAMESPACE_ENTITY_ID, tags.UNIVERSAL_ENTITY_ID)

Span = tuple[int, int]
"""(offset, length) in bytes."""


@dataclass(frozen=True, slots=True)
class PixelDataPosition:
    """Where the pixel data element's value lies. `value_length` None: encapsulated, of undefined length.

    The Extended Offset Table (7FE0,0001), (7FE0,0002) stands before it and is noted on the way.
    """

    tag: int
    vr: str
    value_offset: int
    value_length: int | None
    extended_offsets: Span | None = None
    extended_lengths: Span | None = None

    def shifted(self, by: int) -> PixelDataPosition:
        """The same, counted from a point `by` bytes earlier (from data set start to file start)."""

        def moved(span: Span | None) -> Span | None:
            return None if span is None else (span[0] + by, span[1])

        return replace(
            self,
            value_offset=self.value_offset + by,
            extended_offsets=moved(self.extended_offsets),
            extended_lengths=moved(self.extended_lengths),
        )


@dataclass(frozen=True, slots=True)
class RawSequence:
    """A sequence as it stands in the data set, to be read by `read_items` if somebody needs it."""

    tag: int
    value: bytes
    encoding: Encoding
    characters: CharacterSet


@dataclass(slots=True)
class HeaderScan:
    """What the scan found so far. Offsets count from the start of the data set."""

    complete: bool = False
    """All wanted elements that exist have been seen, or nothing more can be read."""
    needs_bytes: int = 0
    """When not complete: feed again once the prefix has this many bytes."""
    malformed_at: int | None = None
    """Unreadable from this byte on; `problems` says why."""
    pixel_data: PixelDataPosition | None = None
    """Set when it begins within the prefix; else `find_pixel_data` looks in the whole data set."""
    problems: list[str] = field(default_factory=list)
    character_set: CharacterSet = field(default_factory=character_set)
    values: dict[int, str | int] = field(default_factory=dict)
    sequences: dict[int, RawSequence] = field(default_factory=dict)
    """Request Attributes Sequence as it stands: it is read once a series, not in every slice."""

    def text(self, tag: int) -> str:
        """The value as text; "" when absent. Several values are joined by a backslash."""
        return str(self.values.get(tag, ""))

    def number(self, tag: int) -> int | None:
        """The first value as an integer (US, IS); None when absent or not a number."""
        value = self.values.get(tag)
        return value if isinstance(value, int) else None


class HeaderScanner:
    """Scans one data set as it arrives. Not for deflated transfer syntaxes."""

    __slots__ = ("_extended", "_position", "_raw", "_scan", "_transfer_syntax_uid")

    def __init__(self, transfer_syntax_uid: str) -> None:
        self._transfer_syntax_uid = transfer_syntax_uid
        self._position = 0
        self._raw: dict[int, bytes] = {}
        self._extended: dict[int, Span] = {}
        self._scan = HeaderScan(needs_bytes=8)

    def feed(self, prefix: Buffer, *, final: bool = False) -> HeaderScan:
        """Scan on in `prefix`, which holds every byte from the start of the data set so far.

        Calling too early costs nothing: nothing is done before `needs_bytes` are there. `final`: no more
        bytes will come, so take what there is and complete.
        """
        scan = self._scan
        if scan.complete or (len(prefix) < scan.needs_bytes and not final):
            return scan
        encoding = encoding_of(self._transfer_syntax_uid, prefix)
        try:
            ended = (
                self._explicit(prefix, encoding) if encoding.explicit else self._implicit(prefix, encoding)
            )
            if not ended and final:
                self._check_end(len(prefix))
        except TruncatedDataSet as error:
            ended = False
            # Doubling keeps the total work linear when a long sequence is scanned again from its start.
            scan.needs_bytes = max(error.needs_bytes, 2 * len(prefix))
            if final:
                self._malformed(error)
        except MalformedDataSet as error:
            ended = True
            self._malformed(error)
        if ended or final:
            self._complete(encoding)
        return scan

    def _check_end(self, length: int) -> None:
        if self._position > length:
            raise TruncatedDataSet(length, "it ends inside a value")
        if self._position < length:
            self._scan.problems.append(f"{length - self._position} bytes after the last element mean nothing")

    def _malformed(self, error: MalformedDataSet) -> None:
        self._scan.malformed_at = error.position
        self._scan.problems.append(str(error))

    def _explicit(self, data: Buffer, encoding: Encoding) -> bool:
        """Walk on at the top level. True: nothing more is wanted. False: the prefix has ended."""
        unpack, kinds, raw, limit = encoding.short.unpack_from, _KINDS, self._raw, len(data)
        position, tag = self._position, 0
        try:
            while position + 8 <= limit:
                group, element, vr, length = unpack(data, position)
                tag = group << 16 | element
                value = position + 8
                if vr not in _SHORT_VR_BYTES:
                    _, vr_name, value, length = read_element_header(data, position, limit, encoding)
                    if length == UNDEFINED_LENGTH or group == 0xFFFE or group == 0x7FE0 or tag == 0:
                        length = self._unusual(data, position, (tag, vr_name, value, length), encoding)
                        if length < 0:
                            return True
                after = value + length
                if tag in kinds and self._is_kept(tag, position, after, limit):
                    raw[tag] = bytes(data[value:after])
                position = after
        finally:
            self._position = position
        self._scan.needs_bytes = position + 12
        return tag > _LAST_WANTED

    def _implicit(self, data: Buffer, encoding: Encoding) -> bool:
        """As `_explicit`, for implicit VR."""
        unpack, kinds, raw, limit = encoding.implicit.unpack_from, _KINDS, self._raw, len(data)
        position, tag = self._position, 0
        try:
            while position + 8 <= limit:
                group, element, length = unpack(data, position)
                tag = group << 16 | element
                value = position + 8
                if length == UNDEFINED_LENGTH or group == 0xFFFE or group == 0x7FE0 or tag == 0:
                    length = self._unusual(data, position, (tag, vr_of(tag), value, length), encoding)
                    if length < 0:
                        return True
                after = value + length
                if tag in kinds and self._is_kept(tag, position, after, limit):
                    raw[tag] = bytes(data[value:after])
                position = after
        finally:
            self._position = position
        self._scan.needs_bytes = position + 12
        return tag > _LAST_WANTED

    def _unusual(
        self, data: Buffer, position: int, header: tuple[int, str, int, int], encoding: Encoding
    ) -> int:
        """The length of the value of an element that is not plain. -1: stop, nothing more is wanted."""
        tag, vr, value, length = header
        undefined = length == UNDEFINED_LENGTH
        if tag >> 16 == 0xFFFE:
            raise MalformedDataSet(position, f"{tag:08X} stands outside a sequence")
        if tag == 0 and length == 0:
            return -1  # Zero padding after the data set.
        if tag in _PIXEL_TAGS:
            offsets = self._extended.get(tags.EXTENDED_OFFSET_TABLE)
            lengths = self._extended.get(tags.EXTENDED_OFFSET_TABLE_LENGTHS)
            self._scan.pixel_data = PixelDataPosition(
                tag, vr, value, None if undefined else length, offsets, lengths
            )
            return -1
        if not undefined:
            self._extended[tag] = (value, length)
            return length
        try:
            return skip_undefined_length(data, value, len(data), vr, encoding) - value
        except TruncatedDataSet:
            if tag > _LAST_WANTED:
                return -1
            raise

    def _is_kept(self, tag: int, position: int, after: int, limit: int) -> bool:
        if after - position > WANTED_VALUE_BYTES_MAX:
            self._tell(f"{WANTED_TAGS[tag]} has {after - position} bytes and was ignored")
            return False
        if after > limit:
            raise TruncatedDataSet(position, f"the value of {tag:08X} is cut short", after)
        if tag in self._raw:
            self._tell(f"{WANTED_TAGS[tag]} is there more than once; the last one counts")
        return True

    def _tell(self, problem: str) -> None:
        if len(self._scan.problems) < PROBLEMS_MAX and problem not in self._scan.problems:
            self._scan.problems.append(problem)

    def _complete(self, encoding: Encoding) -> None:
        scan, raw = self._scan, self._raw
        scan.complete, scan.needs_bytes = True, 0
        specific = raw.pop(tags.SPECIFIC_CHARACTER_SET, None)
        if specific is not None:
            named = _plain_text(specific)
            scan.character_set = character_set(named)
            scan.values[tags.SPECIFIC_CHARACTER_SET] = named
            scan.problems.extend(scan.character_set.problems)
        for tag, value in raw.items():
            kind = _KINDS[tag]
            if kind == _PLAIN:
                scan.values[tag] = _plain_text(value)
            elif kind == _BINARY_NUMBER:
                if len(value) >= 2:
                    scan.values[tag] = int.from_bytes(
                        value[:2], "little" if encoding.little_endian else "big"
                    )
            elif kind == _TEXT_NUMBER:
                self._complete_number(tag, value)
            elif kind == _SEQUENCE:
                self._complete_sequence(tag, value, encoding)
            elif kind == _RAW_SEQUENCE:
                scan.sequences[tag] = RawSequence(tag, value, encoding, scan.character_set)
            else:
                self._complete_text(tag, value, kind == _PERSON_NAME)
        self._raw = {}

    def _complete_number(self, tag: int, value: bytes) -> None:
        text = _plain_text(value).partition("\\")[0].strip()
        if not text:
            return
        try:
            number = int(text) if len(text) <= 12 else int(float(text))
        except (ValueError, OverflowError):
            try:
                number = int(float(text))  # "1.0" and "1e2" are against IS, but what they mean is plain.
            except (ValueError, OverflowError):
                self._scan.problems.append(f"{WANTED_TAGS[tag]} is not a whole number")
                return
        self._scan.values[tag] = number

    def _complete_text(self, tag: int, value: bytes, person_name: bool) -> None:
        characters = self._scan.character_set
        if value.isascii() and b"\x1b" not in value:
            text = value.decode("ascii")
        else:
            text, problem = characters.decode_checked(value, person_name=person_name)
            if problem is not None:
                self._scan.problems.append(f"{WANTED_TAGS[tag]}: {problem}")
        self._scan.values[tag] = _trimmed(text)

    def _complete_sequence(self, tag: int, value: bytes, encoding: Encoding) -> None:
        """Issuer of Accession Number: the local name, else the universal one (PS3.3 section 10.14)."""
        found: dict[int, str] = {}
        try:
            for _, inner, _, offset, length in walk_sequence(value, tag, 0, len(value), encoding):
                if inner in _ISSUER_PARTS and inner not in found:
                    found[inner] = _trimmed(self._scan.character_set.decode(value[offset : offset + length]))
        except MalformedDataSet:
            self._scan.problems.append(f"{WANTED_TAGS[tag]} cannot be read")
        issuer = next((found[part] for part in _ISSUER_PARTS if found.get(part)), "")
        if issuer:
            self._scan.values[tag] = issuer


def _trimmed(text: str) -> str:
    # PS3.5 section 6.2: leading and trailing spaces of these VRs mean nothing; in the wild NUL pads them too.
    if "\\" in text:
        return "\\".join(part.strip(" \0") for part in text.split("\\"))
    return text.strip(" \0")


def _plain_text(value: bytes) -> str:
    return _trimmed(value.decode("ascii", "replace"))


def read_items(sequence: RawSequence, wanted: Collection[int], items_max: int) -> list[dict[int, str]]:
    """The text of the wanted elements in each item, as far as the sequence can be read; never raises.

    Elements of sequences inside the items do not count.
    """
    items: list[dict[int, str]] = []
    value, depth = sequence.value, 0
    try:
        for event, tag, _, offset, length in walk_sequence(
            value, sequence.tag, 0, len(value), sequence.encoding
        ):
            if event == ITEM and depth == 0:
                if len(items) == items_max:
                    break
                items.append({})
            depth += (event == ITEM) - (event == END_ITEM)
            if event == ELEMENT and depth == 1 and tag in wanted:
                items[-1][tag] = _trimmed(sequence.characters.decode(value[offset : offset + length]))
    except MalformedDataSet:
        pass  # What was read so far is true; the whole stays in the object.
    return items


def scan_header(prefix: Buffer, transfer_syntax_uid: str, *, final: bool = True) -> HeaderScan:
    """One scan over bytes that are all there, or as many as will ever be looked at."""
    return HeaderScanner(transfer_syntax_uid).feed(prefix, final=final)


def find_pixel_data(data: Buffer, transfer_syntax_uid: str, *, start: int = 0) -> PixelDataPosition | None:
    """Look for pixel data in a whole data set that begins at `start`; touches only element headers.

    Offsets count from data[0]. None when there is none, or the data set breaks off before it.
    """
    extended: dict[int, Span] = {}
    try:
        for tag, vr, value, length in top_level(data, transfer_syntax_uid, start=start):
            if tag in _PIXEL_TAGS:
                return PixelDataPosition(
                    tag,
                    vr,
                    value,
                    None if length == UNDEFINED_LENGTH else length,
                    extended.get(tags.EXTENDED_OFFSET_TABLE),
                    extended.get(tags.EXTENDED_OFFSET_TABLE_LENGTHS),
                )
            if tag >> 16 == 0x7FE0:
                extended[tag] = (value, length)
    except MalformedDataSet:
        return None
    return None
