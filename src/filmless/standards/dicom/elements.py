"""Walking the elements of a data set in place: tags, VRs, offsets; nothing is copied or allocated.

Not here: values (`json_model`, `character_sets`), the receiver's one-pass scan (`header`), file meta
(`part10`). Start at `walk`. Lengths from the wire are only compared with what is there, never allocated.
Nesting is followed with a bounded stack, not recursion.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from filmless.standards.dicom import tags
from filmless.standards.dicom.dictionary import VR_BY_TAG, vr_of
from filmless.standards.dicom.transfer_syntaxes import find_transfer_syntax

Buffer = bytes | bytearray | memoryview | mmap.mmap

UNDEFINED_LENGTH = 0xFFFFFFFF
DEPTH_MAX = 64  # Real structured reports nest about 15 deep; DICOM JSON must still fit orjson's 254 levels.
ELEMENTS_MAX = 4_000_000  # A whole-slide image with 100,000 tiles has about 1.5 million.
FIRST_VALUE_BYTES_MAX = 65_536  # The first element of a data set is a group length, a UID, a character set.

ELEMENT, SEQUENCE, ITEM, END_ITEM, END_SEQUENCE, FRAGMENTS = range(6)

Event = tuple[int, int, str, int, int]
"""(event, tag, VR, value offset, value length); SEQUENCE, ITEM, FRAGMENTS may have UNDEFINED_LENGTH."""

# PS3.5 section 7.1.2: these VRs have two reserved bytes and a 32-bit length in explicit VR.
LONG_VRS = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")
SHORT_VRS = (
    "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT",
    "PN", "SH", "SL", "SS", "ST", "TM", "UI", "UL", "US",
)  # fmt: skip
VR_FORMS: dict[bytes, tuple[str, bool]] = {
    **{vr.encode(): (vr, True) for vr in LONG_VRS},
    **{vr.encode(): (vr, False) for vr in SHORT_VRS},
}
"""VR bytes to (VR, whether its length has 32 bits)."""

# PS3.5 annex A.4: these VRs with undefined length hold fragments; every other one holds items of elements.
_FRAGMENT_VRS = ("OB", "OW", "OB or OW", "OF", "OD", "OL", "OV")


class MalformedDataSet(ValueError):
    """The bytes are not a data set from `position` on; `problem` says why, without any value."""

    def __init__(self, position: int, problem: str) -> None:
        super().__init__(f"The data set cannot be read at byte {position}: {problem}.")
        self.position = position
        self.problem = problem


class TruncatedDataSet(MalformedDataSet):
    """The bytes end in the middle of something that began at `position`. It takes `needs_bytes` to go on."""

    def __init__(self, position: int, problem: str, needs_bytes: int = 0) -> None:
        super().__init__(position, problem)
        self.needs_bytes = needs_bytes


class InflateLimit(ValueError):
    """A deflated data set inflates to more than the caller allows: a bomb, or a very large study object."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How element headers are written: explicit or implicit VR, and the byte order."""

    explicit: bool
    short: struct.Struct
    long: struct.Struct
    implicit: struct.Struct
    little_endian: bool = True


def _encoding(explicit: bool, order: str) -> Encoding:
    structs = struct.Struct(order + "HH2sH"), struct.Struct(order + "I"), struct.Struct(order + "HHI")
    return Encoding(explicit, *structs, little_endian=order == "<")


ENCODING_IMPLICIT_LE = _encoding(False, "<")
ENCODING_EXPLICIT_LE = _encoding(True, "<")
ENCODING_EXPLICIT_BE = _encoding(True, ">")


def encoding_of(transfer_syntax_uid: str, data: Buffer = b"", start: int = 0) -> Encoding:
    """The encoding a transfer syntax declares, put right when the first element of `data` shows otherwise.

    Some archives label implicit VR data as explicit or the reverse; the VR bytes of the first element tell.
    A syntax nobody knows is read as explicit little endian, as PS3.5 annex A.4 asks of every newer one.
    """
    syntax = find_transfer_syntax(transfer_syntax_uid)
    if syntax is not None and not syntax.little_endian:
        return ENCODING_EXPLICIT_BE
    explicit = syntax is None or syntax.explicit_vr
    if len(data) - start >= 8:
        vr = bytes(data[start + 4 : start + 6])
        if not explicit and vr in VR_FORMS:
            return ENCODING_EXPLICIT_LE
        length = int.from_bytes(data[start + 4 : start + 8], "little")
        if explicit and not vr.isalpha() and length <= FIRST_VALUE_BYTES_MAX:
            return ENCODING_IMPLICIT_LE
    return ENCODING_EXPLICIT_LE if explicit else ENCODING_IMPLICIT_LE


def read_element_header(
    data: Buffer, position: int, end: int, encoding: Encoding
) -> tuple[int, str, int, int]:
    """Tag, VR, value offset and value length of the element at `position`. Raises TruncatedDataSet.

    Item and delimitation tags come back with VR "". In explicit VR an element without VR letters is read
    as implicit (seen inside sequences of converted files), an unknown VR as PS3.5 section 6.2.2 foresees.
    """
    if position + 8 > end:
        raise TruncatedDataSet(position, "it ends inside an element header", position + 8)
    if not encoding.explicit:
        group, element, length = encoding.implicit.unpack_from(data, position)
        tag = group << 16 | element
        if group == 0xFFFE:
            return tag, "", position + 8, length
        return tag, VR_BY_TAG.get(tag) or vr_of(tag), position + 8, length
    group, element, vr_bytes, length = encoding.short.unpack_from(data, position)
    tag = group << 16 | element
    form = VR_FORMS.get(vr_bytes)
    if form is not None and not form[1]:
        return tag, form[0], position + 8, length
    if form is None:
        if group == 0xFFFE or not (vr_bytes.isalpha() and vr_bytes.isupper()):
            length = encoding.implicit.unpack_from(data, position)[2]
            return tag, "" if group == 0xFFFE else vr_of(tag), position + 8, length
        if length != 0:  # An unknown VR whose reserved bytes are not zero: an old 16-bit length.
            return tag, "UN", position + 8, length
        form = ("UN", True)
    if position + 12 > end:
        raise TruncatedDataSet(position, "it ends inside an element header", position + 12)
    return tag, form[0], position + 12, encoding.long.unpack_from(data, position + 8)[0]


def holds_fragments(tag: int, vr: str) -> bool:
    """Whether this element, having undefined length, holds fragments rather than items of elements."""
    return vr in _FRAGMENT_VRS or tag == tags.PIXEL_DATA


def _inner_encoding(vr: str, encoding: Encoding) -> Encoding:
    # PS3.5 section 6.2.2 note 4 (CP-246): UN of undefined length is a sequence in implicit little endian.
    return ENCODING_IMPLICIT_LE if vr == "UN" else encoding


def skip_undefined_length(data: Buffer, position: int, end: int, vr: str, encoding: Encoding) -> int:
    """The offset just after an element of undefined length whose value begins at `position`.

    Works for sequences and fragments alike. Raises TruncatedDataSet, MalformedDataSet.
    """
    encodings = [_inner_encoding(vr, encoding)]
    started = position
    while True:
        tag, vr, value, length = read_element_header(data, position, end, encodings[-1])
        if tag == tags.SEQUENCE_DELIMITATION_ITEM:
            encodings.pop()
            position = value
            if not encodings:
                return position
        elif length == UNDEFINED_LENGTH:
            position = value
            if tag != tags.ITEM:
                encodings.append(_inner_encoding(vr, encodings[-1]))
                if len(encodings) > DEPTH_MAX:
                    raise MalformedDataSet(position, f"sequences are nested more than {DEPTH_MAX} deep")
        else:
            position = value + (0 if tag == tags.ITEM_DELIMITATION_ITEM else length)
            if position > end:
                raise TruncatedDataSet(started, "it ends inside a sequence", position)


def top_level(
    data: Buffer, transfer_syntax_uid: str, *, start: int = 0, end: int | None = None
) -> Iterator[tuple[int, str, int, int]]:
    """Tag, VR, value offset and value length of each top-level element; sequences are jumped over.

    Raises MalformedDataSet after the last readable element. An element of undefined length is given before
    its end has been looked for.
    """
    limit = len(data) if end is None else min(end, len(data))
    yield from _level(data, start, limit, encoding_of(transfer_syntax_uid, data, start))


def _level(data: Buffer, start: int, end: int, encoding: Encoding) -> Iterator[tuple[int, str, int, int]]:
    position = start
    while position < end:
        tag, vr, value, length = read_element_header(data, position, end, encoding)
        if tag == 0 and length == 0:
            return  # Zero padding after the data set.
        yield tag, vr, value, length
        if length == UNDEFINED_LENGTH:
            position = skip_undefined_length(data, value, end, vr, encoding)
        elif value + length > end:
            raise TruncatedDataSet(position, f"the value of {tag:08X} is cut short", value + length)
        else:
            position = value + length


@dataclass(slots=True)
class _Open:
    """A sequence or item being walked. `bound`: no byte at or after it belongs inside."""

    is_sequence: bool
    tag: int
    bound: int
    defined: bool
    outer: Encoding


class _Walker:
    """The state of one walk: a stack of open sequences and items, never deeper than DEPTH_MAX sequences."""

    __slots__ = ("data", "encoding", "end", "position", "stack")

    def __init__(self, data: Buffer, start: int, end: int, encoding: Encoding) -> None:
        self.data = data
        self.position = start
        self.end = end
        self.encoding = encoding
        self.stack: list[_Open] = []

    def bound(self) -> int:
        return self.stack[-1].bound if self.stack else self.end

    def close(self) -> Event:
        closed = self.stack.pop()
        self.encoding = closed.outer
        return (END_SEQUENCE if closed.is_sequence else END_ITEM, closed.tag, "", self.position, 0)

    def open(self, is_sequence: bool, tag: int, value: int, length: int) -> None:
        if len(self.stack) >= 2 * DEPTH_MAX:
            raise MalformedDataSet(self.position, f"sequences are nested more than {DEPTH_MAX} deep")
        defined = length != UNDEFINED_LENGTH
        bound = value + length if defined else self.bound()
        if bound > self.bound():
            raise self.overrun(tag, value + length)
        self.stack.append(_Open(is_sequence, tag, bound, defined, self.encoding))
        self.position = value

    def overrun(self, tag: int, needs: int) -> MalformedDataSet:
        if needs > self.end:
            return TruncatedDataSet(self.position, f"the value of {tag:08X} is cut short", needs)
        return MalformedDataSet(self.position, f"the value of {tag:08X} is longer than what holds it")

    def next(self) -> Event | None:
        """The next event, or None at the end of the data set."""
        while True:  # Again only after superfluous delimiters.
            top = self.stack[-1] if self.stack else None
            if top is not None and top.defined and self.position >= top.bound:
                return self.close()
            if top is None and self.position >= self.end:
                return None
            if top is not None and top.is_sequence:
                event = self.next_item(top)
            else:
                event = self.next_element(top)
            if event is not None:
                return event

    def next_item(self, sequence: _Open) -> Event | None:
        tag, _, value, length = read_element_header(self.data, self.position, sequence.bound, self.encoding)
        if tag == tags.ITEM:
            self.open(False, sequence.tag, value, length)
            return (ITEM, sequence.tag, "", value, length)
        if tag == tags.SEQUENCE_DELIMITATION_ITEM:
            self.position = value
            # A delimiter in a sequence of defined length is superfluous; its own end closes it.
            return None if sequence.defined else self.close()
        problem = f"sequence {sequence.tag:08X} holds {tag:08X} where an item must be"
        raise MalformedDataSet(self.position, problem)

    def next_element(self, item: _Open | None) -> Event | None:
        bound = item.bound if item else self.end
        tag, vr, value, length = read_element_header(self.data, self.position, bound, self.encoding)
        if tag >> 16 == 0xFFFE:
            return self.end_of_item(item, tag, value)
        if tag == 0 and length == 0 and item is None:
            self.position = self.end  # Zero padding after the data set.
            return None
        if length == UNDEFINED_LENGTH and holds_fragments(tag, vr):
            return self.fragments(tag, vr, value)
        if vr == "SQ" or length == UNDEFINED_LENGTH:
            self.open(True, tag, value, length)
            if length == UNDEFINED_LENGTH:
                self.encoding = _inner_encoding(vr, self.encoding)
            return (SEQUENCE, tag, vr, value, length)
        if value + length > bound:
            raise self.overrun(tag, value + length)
        self.position = value + length
        return (ELEMENT, tag, vr, value, length)

    def end_of_item(self, item: _Open | None, tag: int, value: int) -> Event | None:
        if item is None or tag == tags.ITEM:
            raise MalformedDataSet(self.position, f"{tag:08X} stands outside a sequence")
        if tag == tags.ITEM_DELIMITATION_ITEM:
            self.position = value
            return None if item.defined else self.close()
        if item.defined:
            raise MalformedDataSet(self.position, f"{tag:08X} stands inside an item of defined length")
        return self.close()  # The item's delimiter is missing; the sequence's own delimiter is read next.

    def fragments(self, tag: int, vr: str, value: int) -> Event:
        try:
            self.position = skip_undefined_length(self.data, value, self.bound(), vr, self.encoding)
        except TruncatedDataSet:
            # Files without the closing delimiter exist; what the fragments hold is for `frames` to judge.
            self.position = self.bound()
        return (FRAGMENTS, tag, vr, value, UNDEFINED_LENGTH)


def walk(
    data: Buffer,
    transfer_syntax_uid: str,
    *,
    start: int = 0,
    end: int | None = None,
    elements_max: int = ELEMENTS_MAX,
) -> Iterator[Event]:
    """Every element, sequence and item from `start`, in order, as events. Raises MalformedDataSet.

    SEQUENCE and ITEM are followed by what they hold and by END_ITEM, END_SEQUENCE. FRAGMENTS gives the offset
    of the first item of encapsulated pixel data. VRs of implicit data sets are those of the dictionary, with
    ambiguous ones such as "US or SS" left for the reader to decide.
    """
    limit = len(data) if end is None else min(end, len(data))
    walker = _Walker(data, start, limit, encoding_of(transfer_syntax_uid, data, start))
    for _ in range(elements_max):
        event = walker.next()
        if event is None:
            return
        yield event
    raise MalformedDataSet(walker.position, f"it has more than {elements_max} elements")


def walk_sequence(
    data: Buffer, tag: int, start: int, length: int, encoding: Encoding, elements_max: int = ELEMENTS_MAX
) -> Iterator[Event]:
    """The events inside one sequence whose value begins at `start`. Raises MalformedDataSet.

    `length` may be UNDEFINED_LENGTH; the closing delimiter may be there or not when it is not.
    """
    walker = _Walker(data, start, len(data), encoding)
    walker.open(True, tag, start, length)
    for _ in range(elements_max):
        event = walker.next()
        if event is None or (event[0] == END_SEQUENCE and not walker.stack):
            return
        yield event
    raise MalformedDataSet(walker.position, f"it has more than {elements_max} elements")


def inflate(data: Buffer, bytes_max: int, *, whole: bool = True) -> bytes:
    """The explicit little endian data set inside a deflated one (PS3.5 annex A.5).

    Whatever can be inflated is returned, so a prefix gives a prefix. Beyond `bytes_max` bytes: InflateLimit
    when `whole`, else the first `bytes_max` bytes. Raises MalformedDataSet when the bytes are not deflated.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(data, bytes_max + 1)
    except zlib.error:
        raise MalformedDataSet(0, "it is not deflated as its transfer syntax says") from None
    if len(inflated) > bytes_max:
        if whole:
            raise InflateLimit(f"The deflated data set holds more than {bytes_max} bytes.")
        return inflated[:bytes_max]
    return inflated
