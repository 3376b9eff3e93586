"""A small data set as Python values: identifiers of queries, attribute lists of DIMSE-N services.

`decode_data_set` reads bytes into a `DataSet`, `encode_data_set` writes one. Text is str whatever character
set it came in; decimal and integer strings, dates and times stay the text they are; padding is trimmed.
Not here: whole composite objects with pixel data (they are streamed and walked in place: `elements`,
`header`, `json_model`), the command set (`upper_layer`). Everything read is bounded. Start at `DataSet`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from filmless.standards.dicom import tags
from filmless.standards.dicom.character_sets import UTF_8_TERM, CharacterSet
from filmless.standards.dicom.character_sets import character_set as find_character_set
from filmless.standards.dicom.data_set_values import (
    CannotCarry,
    Order,
    Scalar,
    Value,
    chosen_vr,
    fitting,
    read_values,
    split_text,
    write_values,
)
from filmless.standards.dicom.dictionary import vr_of
from filmless.standards.dicom.elements import (
    DEPTH_MAX,
    ELEMENT,
    END_ITEM,
    END_SEQUENCE,
    FRAGMENTS,
    ITEM,
    SEQUENCE,
    UNDEFINED_LENGTH,
    VR_FORMS,
    Buffer,
    Encoding,
    InflateLimit,
    MalformedDataSet,
    TruncatedDataSet,
    encoding_of,
    holds_fragments,
    inflate,
    top_level,
    walk,
    walk_sequence,
)
from filmless.standards.dicom.elements import ENCODING_IMPLICIT_LE as IMPLICIT_LE_HEADERS
from filmless.standards.dicom.transfer_syntaxes import find_transfer_syntax

EVENTS_MAX = 1_000_000  # A storage commitment of 100,000 instances has about 400,000.
SHORT_VALUE_BYTES_MAX = 65_534  # PS3.5 section 7.1.2: a 16-bit length, even.


@dataclass(slots=True)
class Element:
    """One element: `values` of a plain one (empty: zero length), or `items` of a sequence; never both."""

    vr: str
    values: list[Scalar] | None = None
    items: list[DataSet] | None = None


class DataSet:
    """Elements by tag, in ascending order when iterated. Compare two with `==`."""

    __slots__ = ("elements",)

    def __init__(self) -> None:
        self.elements: dict[int, Element] = {}

    def __contains__(self, tag: int) -> bool:
        return tag in self.elements

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self.elements))

    def __len__(self) -> int:
        return len(self.elements)

    def __delitem__(self, tag: int) -> None:
        del self.elements[tag]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DataSet) and self.elements == other.elements

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        # Tags only: a data set in a log or traceback must not show a patient.
        return f"DataSet({', '.join(f'{tag:08X}' for tag in self)})"

    def element(self, tag: int) -> Element | None:
        """The element, or None."""
        return self.elements.get(tag)

    def texts(self, tag: int) -> list[str]:
        """The values as text: numbers in decimal, attribute tags in eight hexadecimal digits; no bytes."""
        element = self.elements.get(tag)
        if element is None or not element.values:
            return []
        if element.vr == "AT":
            return [f"{int(value):08X}" for value in element.values]
        return [str(value) for value in element.values if not isinstance(value, bytes)]

    def text(self, tag: int, default: str = "") -> str:
        """The values joined with backslashes; `default` when there are none."""
        return "\\".join(self.texts(tag)) or default

    def number(self, tag: int) -> int | None:
        """The first value as a whole number, or None when it is not one."""
        element = self.elements.get(tag)
        if element is None or not element.values:
            return None
        try:
            return int(element.values[0])
        except (ValueError, OverflowError):
            return None

    def items(self, tag: int) -> list[DataSet]:
        """The items of a sequence; none when it is empty, absent or no sequence."""
        element = self.elements.get(tag)
        return element.items if element is not None and element.items is not None else []

    def set(self, tag: int, value: Value, vr: str | None = None) -> None:
        """Put in an element; None or "" make it zero length, an empty sequence if its VR is SQ.

        The VR is the dictionary's unless given. Text is split at backslashes where the VR has several values.
        Raises ValueError when the value does not fit the VR.
        """
        vr = vr or vr_of(tag)
        if vr == "SQ":
            if value is not None and value != "":
                raise ValueError(f"{tag:08X} is a sequence: its items are set with set_items.")
            self.elements[tag] = Element("SQ", items=[])
            return
        vr = chosen_vr(vr)
        if value is None or value == b"":
            values: Sequence[Scalar] = []
        elif isinstance(value, str):
            values = split_text(value, vr)
        elif isinstance(value, int | float | bytes):
            values = [value]
        else:
            values = value
        self.elements[tag] = Element(vr, [fitting(one, vr) for one in values])

    def set_items(self, tag: int, items: Sequence[DataSet]) -> None:
        """Put in a sequence with these items."""
        self.elements[tag] = Element("SQ", items=list(items))

    def is_empty(self, tag: int) -> bool:
        """Whether the element is absent or has zero length: universal matching (PS3.4 C.2.2.2.3)."""
        element = self.elements.get(tag)
        return element is None or not (element.items or element.values)

    @property
    def character_set(self) -> str:
        """Specific Character Set as it is written, values joined with backslashes; "" when there is none."""
        return self.text(tags.SPECIFIC_CHARACTER_SET)


# Decoding


def decode_data_set(
    data: bytes,
    transfer_syntax_uid: str,
    *,
    bytes_max: int,
    depth_max: int = DEPTH_MAX,
    events_max: int = EVENTS_MAX,
) -> DataSet:
    """The data set these bytes hold. Raises MalformedDataSet, also beyond a limit.

    `bytes_max` bounds the bytes, inflated if need be; `depth_max` the nesting of sequences (at most 64);
    `events_max` elements, items and their ends. Encapsulated pixel data is refused. Group lengths are left
    out: they are retired, and would be wrong in any answer. An element of VR UN is
    read with the dictionary's VR where it has one.
    """
    syntax = find_transfer_syntax(transfer_syntax_uid)
    if syntax is not None and syntax.deflated:
        try:
            data = inflate(data, bytes_max)
        except InflateLimit as error:
            raise MalformedDataSet(0, f"it inflates to more than {bytes_max} bytes") from error
    if len(data) > bytes_max:
        raise MalformedDataSet(0, f"it has more than {bytes_max} bytes")
    order = ">" if syntax is not None and not syntax.little_endian else "<"
    reader = _Reader(data, find_character_set(""), order, depth_max, events_max)
    reader.read(walk(data, transfer_syntax_uid, elements_max=events_max))
    return reader.root


def decode_elements(
    data: Buffer, transfer_syntax_uid: str, wanted: Collection[int], *, start: int = 0, bytes_max: int
) -> tuple[DataSet, int]:
    """Some top-level elements of a data set that may be large, or cut short; what cannot be read is left out.

    Also how many bytes of it are needed to go on: 0 when all that is wanted was passed, or it is damaged. A
    sequence comes whole; an element of more than `bytes_max` bytes is left out, and so is encapsulated pixel
    data. `data` is not deflated.
    """
    encoding = encoding_of(transfer_syntax_uid, data, start)
    order = "<" if encoding.little_endian else ">"
    reader = _Reader(data, find_character_set(""), order, DEPTH_MAX, EVENTS_MAX)
    # What says how others are to be read is read too.
    needed = {*wanted, tags.SPECIFIC_CHARACTER_SET, tags.PIXEL_REPRESENTATION}
    last, needs_bytes = max(wanted, default=0), 0
    try:
        for tag, vr, offset, length in top_level(data, transfer_syntax_uid, start=start):
            if tag > last:
                break
            if offset + length > len(data) and length != UNDEFINED_LENGTH:
                continue  # It is cut short, as the next turn tells.
            if tag in needed and (length <= bytes_max or length == UNDEFINED_LENGTH):
                _decode_top_level(reader, tag, vr, offset, length, encoding)
    except TruncatedDataSet as error:
        needs_bytes = max(error.needs_bytes, len(data) + 1)
    except MalformedDataSet:
        pass  # What came before it is no worse for that.
    found = DataSet()
    found.elements = {tag: element for tag, element in reader.root.elements.items() if tag in wanted}
    return found, needs_bytes


def _decode_top_level(
    reader: _Reader, tag: int, vr: str, offset: int, length: int, encoding: Encoding
) -> None:
    if length != UNDEFINED_LENGTH and vr != "SQ":
        reader.element(tag, vr, offset, length)
    elif not holds_fragments(tag, vr):
        reader.sequence(tag, vr, offset)
        inner = IMPLICIT_LE_HEADERS if vr == "UN" else encoding
        try:
            reader.read(walk_sequence(reader.data, tag, offset, length, inner, reader.events_max))
        except MalformedDataSet:
            del reader.root.elements[tag]  # The half of it that could be read is not what it is.
            raise
        reader.open.pop()


@dataclass(slots=True)
class _Level:
    """What holds for one data set being read: where elements go, their character set and byte order."""

    data_set: DataSet
    text: CharacterSet
    order: Order


class _Reader:
    """Turns the events of one walk into data sets."""

    __slots__ = ("data", "depth_max", "events_max", "levels", "open", "root")

    def __init__(
        self, data: Buffer, text: CharacterSet, order: Order, depth_max: int, events_max: int
    ) -> None:
        self.data = data
        self.depth_max = depth_max
        self.events_max = events_max
        self.root = DataSet()
        self.levels = [_Level(self.root, text, order)]
        self.open: list[tuple[list[DataSet], Order]] = []

    def read(self, events: Iterator[tuple[int, int, str, int, int]]) -> None:
        for event, tag, vr, offset, length in events:
            if event == ELEMENT:
                if tag & 0xFFFF:
                    self.element(tag, vr, offset, length)
            elif event == ITEM:
                outer, (items, order) = self.levels[-1], self.open[-1]
                item = DataSet()
                items.append(item)
                self.levels.append(_Level(item, outer.text, order))
            elif event == END_ITEM:
                self.levels.pop()
            elif event == SEQUENCE:
                self.sequence(tag, vr, offset)
            elif event == END_SEQUENCE:
                self.open.pop()
            elif event == FRAGMENTS:
                raise MalformedDataSet(offset, "it holds encapsulated pixel data")

    def sequence(self, tag: int, vr: str, offset: int) -> None:
        level = self.levels[-1]
        items: list[DataSet] = []
        level.data_set.elements[tag] = Element("SQ", items=items)
        # PS3.5 section 6.2.2 note 4: a sequence written as UN is in implicit little endian.
        self.open.append((items, "<" if vr == "UN" else level.order))
        if len(self.open) > self.depth_max:
            raise MalformedDataSet(offset, f"sequences are nested more than {self.depth_max} deep")

    def element(self, tag: int, vr: str, offset: int, length: int) -> None:
        level = self.levels[-1]
        order = level.order
        if vr == "UN":
            known = vr_of(tag)
            if known == "SQ":
                self.hidden_sequence(tag, offset, length)
                return
            if known != "UN":
                vr, order = known, "<"
        vr = "SS" if vr == "US or SS" and self.is_signed() else chosen_vr(vr)
        raw = bytes(self.data[offset : offset + length])
        level.data_set.elements[tag] = Element(vr, read_values(raw, vr, level.text, order))
        if tag == tags.SPECIFIC_CHARACTER_SET:
            level.text = find_character_set(level.data_set.character_set)

    def is_signed(self) -> bool:
        """Whether Pixel Representation, here or further out, says that pixels are signed (PS3.5 A.1)."""
        found = (level.data_set.number(tags.PIXEL_REPRESENTATION) for level in reversed(self.levels))
        return next((value for value in found if value is not None), 0) == 1

    def hidden_sequence(self, tag: int, offset: int, length: int) -> None:
        """A sequence of the dictionary written as UN of defined length: in implicit little endian."""
        if len(self.open) >= self.depth_max:
            raise MalformedDataSet(offset, f"sequences are nested more than {self.depth_max} deep")
        items: list[DataSet] = []
        level = self.levels[-1]
        level.data_set.elements[tag] = Element("SQ", items=items)
        if not length:
            return
        value = self.data[offset : offset + length]
        inner = _Reader(value, level.text, "<", self.depth_max - len(self.open), self.events_max)
        inner.open.append((items, "<"))
        inner.read(walk_sequence(value, tag, 0, length, IMPLICIT_LE_HEADERS, self.events_max))


# Encoding


def encode_data_set(
    data_set: DataSet, transfer_syntax_uid: str, *, character_set: str | None = None
) -> bytes:
    """The data set in a transfer syntax without pixel compression, its sequences of defined length.

    Text is in `character_set` (a Specific Character Set, values joined with backslashes; None: the data
    set's own) when that can carry all of it, in items too; else in ISO_IR 192. (0008,0005) says which, and is
    left out when none was asked and all is ASCII. Items get none of their own. Raises ValueError for a value
    that its VR cannot hold.
    """
    syntax = find_transfer_syntax(transfer_syntax_uid)
    explicit = syntax is None or syntax.explicit_vr
    order = ">" if syntax is not None and not syntax.little_endian else "<"
    asked = data_set.character_set if character_set is None else character_set
    if find_character_set(asked).problems:
        asked = ""  # A term nobody knows is not repeated.
    try:
        encoded = _Writer(explicit, order, asked).whole(data_set)
    except CannotCarry:
        encoded = _Writer(explicit, order, UTF_8_TERM).whole(data_set)
    if syntax is None or not syntax.deflated:
        return encoded
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = deflater.compress(encoded) + deflater.flush()
    return deflated + b"\0" * (len(deflated) & 1)  # PS3.5 annex A.5: padded to an even length.


class _Writer:
    """Encodes data sets one way: VR form, byte order and character set."""

    __slots__ = ("explicit", "header", "item", "long", "order", "specific")

    def __init__(self, explicit: bool, order: Order, specific: str) -> None:
        self.explicit = explicit
        self.order = order
        self.specific = specific
        self.header = struct.Struct(order + "HH2sH")
        self.item = struct.Struct(order + "HHI")
        self.long = struct.Struct(order + "HH2sHI")

    def whole(self, data_set: DataSet) -> bytes:
        own = DataSet()
        own.elements = {**data_set.elements}
        own.elements.pop(tags.SPECIFIC_CHARACTER_SET, None)
        if self.specific:
            own.set(tags.SPECIFIC_CHARACTER_SET, self.specific)
        return self.level(own)

    def level(self, data_set: DataSet) -> bytes:
        parts: list[bytes] = []
        for tag in data_set:
            if not tag & 0xFFFF:
                continue  # A group length (PS3.5 section 7.2, retired) would be that of another encoding.
            element = data_set.elements[tag]
            if element.items is not None:
                value = self.sequence(element.items)
            else:
                value = write_values(element.values or [], element.vr, self.specific, self.order)
            parts.append(self.element_header(tag, element.vr, len(value)))
            parts.append(value)
        return b"".join(parts)

    def element_header(self, tag: int, vr: str, length: int) -> bytes:
        group, element = tag >> 16, tag & 0xFFFF
        if not self.explicit:
            return self.item.pack(group, element, length)
        code = vr.encode()
        if VR_FORMS[code][1]:
            return self.long.pack(group, element, code, 0, length)
        if length > SHORT_VALUE_BYTES_MAX:
            # PS3.5 section 6.2.2 note 2: a value too long for its VR's 16-bit length goes as UN.
            return self.long.pack(group, element, b"UN", 0, length)
        return self.header.pack(group, element, code, length)

    def sequence(self, items: list[DataSet]) -> bytes:
        parts: list[bytes] = []
        for item in items:
            if tags.SPECIFIC_CHARACTER_SET in item:
                inner = DataSet()
                inner.elements = {**item.elements}
                del inner.elements[tags.SPECIFIC_CHARACTER_SET]
                item = inner
            encoded = self.level(item)
            parts.append(self.item.pack(tags.ITEM >> 16, tags.ITEM & 0xFFFF, len(encoded)))
            parts.append(encoded)
        return b"".join(parts)
