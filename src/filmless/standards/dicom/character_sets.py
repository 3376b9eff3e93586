"""Specific Character Set (0008,0005): bytes of text elements to str and back (PS3.3 C.12.1.1.2, PS3.5 6.1).

All defined terms, with ISO 2022 code extensions. Damaged bytes never raise: they become U+FFFD and a problem.
Not here: trimming and splitting of values (`header`, `json_model`). Start at `character_set`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

UTF_8_TERM = "ISO_IR 192"
_ESCAPE = 0x1B

# Code elements by the bytes after ESC: (which half they fill, Python codec or multi-byte kind).
# PS3.3 tables C.12-3 and C.12-4.
_G0, _G1 = 0, 1
_JIS_X_0208, _JIS_X_0212 = "jis_x_0208", "jis_x_0212"
_KANA = "shift_jis"
_ESCAPES: dict[bytes, tuple[int, str]] = {
    b"(B": (_G0, "ascii"),
    b"(J": (_G0, "ascii"),  # ISO-IR 14 differs from ASCII only in yen and overline; real senders mean ASCII.
    b"-A": (_G1, "iso8859_1"),
    b"-B": (_G1, "iso8859_2"),
    b"-C": (_G1, "iso8859_3"),
    b"-D": (_G1, "iso8859_4"),
    b"-F": (_G1, "iso8859_7"),
    b"-G": (_G1, "iso8859_6"),
    b"-H": (_G1, "iso8859_8"),
    b"-L": (_G1, "iso8859_5"),
    b"-M": (_G1, "iso8859_9"),
    b"-T": (_G1, "iso8859_11"),
    b"-b": (_G1, "iso8859_15"),
    b")I": (_G1, _KANA),
    b"$B": (_G0, _JIS_X_0208),
    b"$@": (_G0, _JIS_X_0208),  # The 1978 edition: same codes for all that matters.
    b"$(D": (_G0, _JIS_X_0212),
    b"$)C": (_G1, "euc_kr"),
    b"$)A": (_G1, "gb2312"),
}
# Defined term number to the escape sequence that calls it in.
_ESCAPE_OF_TERM: dict[str, bytes] = {
    "6": b"(B", "13": b")I", "87": b"$B", "159": b"$(D", "149": b"$)C", "58": b"$)A", "100": b"-A",
    "101": b"-B", "109": b"-C", "110": b"-D", "126": b"-F", "127": b"-G", "138": b"-H", "144": b"-L",
    "148": b"-M", "166": b"-T", "203": b"-b",
}  # fmt: skip
# These never mix with code extensions: a byte pair may hold 0x5C or 0x1B-like trail bytes (PS3.5 6.1.2.4).
_WHOLE_CODECS = {"192": "utf_8", "GB18030": "gb18030", "GBK": "gbk"}
_CODEC_HALVES = re.compile(rb"[\x00-\x7f]+|[\x80-\xff]+")
_ESCAPE_SEQUENCE = re.compile(rb"\x1b([\x20-\x2f]+[\x30-\x7e])")
_TERM = re.compile(r"(?:ISO[ _-]?(?:2022[ _-]?)?(?:IR[ _-]?)?)?(\d{1,3}|GBK|GB18030)", re.IGNORECASE)

_DAMAGED = "it has bytes that its character set does not have"
_UNDECLARED = "it uses a character set that Specific Character Set does not name"


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """How the text of one data set is written. Get one from `character_set`, which caches them."""

    terms: tuple[str, ...]
    codec: str
    """The codec of a value without escape sequences: the first term's."""
    extended: bool
    """Whether escape sequences are expected."""
    declared: frozenset[bytes]
    problems: tuple[str, ...] = ()

    def decode(self, raw: bytes, *, person_name: bool = False) -> str:
        """The text, with U+FFFD for what cannot be read. Never raises."""
        if raw.isascii() and _ESCAPE not in raw:
            return raw.decode("ascii")
        return self.decode_checked(raw, person_name=person_name)[0]

    def decode_checked(self, raw: bytes, *, person_name: bool = False) -> tuple[str, str | None]:
        """The text and, when something had to be guessed or replaced, a problem in plain words."""
        if _ESCAPE in raw and self.codec not in _WHOLE_CODECS.values():
            return self._decode_extended(raw, person_name)
        try:
            return raw.decode(self.codec), None
        except UnicodeDecodeError:
            return self._decode_damaged(raw)

    def _decode_damaged(self, raw: bytes) -> tuple[str, str]:
        if self.codec == "ascii":
            # No character set named, but 8-bit bytes: UTF-8 when it fits (it hardly ever does by chance).
            try:
                return raw.decode("utf_8"), _UNDECLARED
            except UnicodeDecodeError:
                return raw.decode("iso8859_1"), _UNDECLARED
        return raw.decode(self.codec, "replace"), _DAMAGED

    def _decode_extended(self, raw: bytes, person_name: bool) -> tuple[str, str | None]:
        """ISO 2022: escape sequences switch G0 and G1; delimiters switch back (PS3.5 6.1.2.5.3)."""
        delimiters = b"\\^=\r\n\f\t" if person_name else b"\\\r\n\f\t"
        halves = _Halves(self.codec, delimiters)
        undeclared = False
        position = 0
        for match in _ESCAPE_SEQUENCE.finditer(raw):
            if match.start() < position:
                continue
            halves.add(raw[position : match.start()])
            known = _ESCAPES.get(match[1])
            if known is None:
                halves.damaged = True
            else:
                undeclared = undeclared or match[1] not in self.declared
                halves.switch(*known)
            position = match.end()
        halves.add(raw[position:])
        problem = _DAMAGED if halves.damaged else _UNDECLARED if undeclared else None
        return "".join(halves.text), problem


class _Halves:
    """The two active code elements while one value is decoded."""

    def __init__(self, initial: str, delimiters: bytes) -> None:
        self.initial = initial
        self.delimiter = re.compile(b"([" + re.escape(delimiters) + b"])")
        self.text: list[str] = []
        self.damaged = False
        self.reset()

    def reset(self) -> None:
        self.g0, self.g1 = "ascii", self.initial

    def switch(self, half: int, codec: str) -> None:
        if half == _G0:
            self.g0 = codec
        else:
            self.g1 = codec

    def add(self, raw: bytes) -> None:
        for run in _CODEC_HALVES.findall(raw):
            if run[0] & 0x80:
                self.decode(run, "iso8859_1" if self.g1 == "ascii" else self.g1)
                self.damaged = self.damaged or self.g1 == "ascii"
            elif self.g0 == "ascii":
                self.text.append(run.decode("ascii"))
                if self.delimiter.search(run):
                    self.reset()
            else:
                self.add_double_byte(run)

    def add_double_byte(self, run: bytes) -> None:
        # Control characters are single bytes even here, and end the code extension: a sender that forgot
        # to switch back before a line end is understood. Other bytes, 0x5C too, are halves of a character.
        for part in re.split(rb"([\x00-\x20])", run):
            if part and part[0] <= 0x20:
                self.text.append(part.decode("ascii"))
                if part[0] < 0x20:
                    self.reset()
            elif part and self.g0 == "ascii":
                self.text.append(part.decode("ascii"))
            elif part:
                lead = b"\x8f" if self.g0 == _JIS_X_0212 else b""
                pairs = bytes(byte | 0x80 for byte in part)
                euc = b"".join(lead + pairs[i : i + 2] for i in range(0, len(pairs), 2))
                self.decode(euc, "euc_jp")

    def decode(self, raw: bytes, codec: str) -> None:
        try:
            self.text.append(raw.decode(codec))
        except UnicodeDecodeError:
            self.text.append(raw.decode(codec, "replace"))
            self.damaged = True


def _term_number(term: str) -> str | None:
    match = _TERM.fullmatch(term.strip())
    if match is None:
        return None
    number = match[1].upper()
    return number if number in _ESCAPE_OF_TERM or number in _WHOLE_CODECS else None


@lru_cache(maxsize=256)
def _character_set(specific: str) -> CharacterSet:
    terms = tuple(term.strip(" \0") for term in specific.split("\\"))
    problems: list[str] = []
    numbers: list[str] = []
    for term in terms:
        number = _term_number(term) if term else "6"
        if number is None:
            problems.append("Specific Character Set names a term that DICOM does not have")
        else:
            numbers.append(number)
    numbers = numbers or ["6"]
    whole = next((number for number in numbers if number in _WHOLE_CODECS), None)
    if whole is not None:
        return CharacterSet(terms, _WHOLE_CODECS[whole], False, frozenset(), tuple(problems))
    declared = {_ESCAPE_OF_TERM[number] for number in numbers} | {b"(B"}
    if b")I" in declared or b"$B" in declared or b"$(D" in declared:
        declared |= {b"(J", b"$@"}
    half, codec = _ESCAPES[_ESCAPE_OF_TERM[numbers[0]]]
    if half == _G0:
        # The G1 half is empty until an escape sequence fills it. Korean and Chinese senders that name their
        # set but leave out the escape sequences mean that set.
        sets = [_ESCAPES[_ESCAPE_OF_TERM[number]] for number in numbers[1:]]
        codec = next((name for which, name in sets if which == _G1), "ascii")
    return CharacterSet(terms, codec, len(numbers) > 1, frozenset(declared), tuple(problems))


def character_set(specific: str | Sequence[str] = "") -> CharacterSet:
    """The character set that these values of Specific Character Set name; "" is plain ASCII.

    Misspelt terms of real devices ("ISO-IR 100", "ISO IR 192") are understood; unknown ones are left out and
    named in `.problems`.
    """
    return _character_set(specific if isinstance(specific, str) else "\\".join(specific))


def encode(text: str, specific: str = "", *, person_name: bool = False) -> tuple[bytes, str]:
    """The bytes of `text` and the Specific Character Set they are in: the wanted one, else ISO_IR 192.

    Code extensions are used as PS3.5 6.1.2.5.3 asks: ASCII again before every delimiter and at the end.
    """
    if text.isascii():
        return text.encode("ascii"), specific
    wanted = character_set(specific)
    if wanted.codec in _WHOLE_CODECS.values():
        try:
            return text.encode(wanted.codec), specific
        except UnicodeEncodeError:
            return text.encode("utf_8", "replace"), UTF_8_TERM
    encoded = _encode_extended(text, wanted, "\\^=\r\n\f\t" if person_name else "\\\r\n\f\t")
    if encoded is None:
        return text.encode("utf_8", "replace"), UTF_8_TERM
    return encoded, specific


def _encode_extended(text: str, wanted: CharacterSet, delimiters: str) -> bytes | None:
    numbers = [_term_number(term) if term else "6" for term in wanted.terms]
    escapes = [_ESCAPE_OF_TERM[number] for number in numbers if number in _ESCAPE_OF_TERM] or [b"(B"]
    half, codec = _ESCAPES[escapes[0]]
    initial_g1, initial_codec = (escapes[0], codec) if half == _G1 else (b"", "ascii")
    base_g0 = b"(J" if escapes[0] == b")I" else b"(B"
    out = bytearray()
    g0, g1 = base_g0, initial_g1
    for char in text:
        if char.isascii():
            if g0 != base_g0:
                out += b"\x1b" + base_g0
                g0 = base_g0
            out += char.encode("ascii")
            if char in delimiters:
                g1 = initial_g1
            continue
        found = _encode_char(char, initial_g1, initial_codec, escapes[1:])
        if found is None:
            return None
        escape, code = found
        if escape not in (g0, g1):
            out += b"\x1b" + escape
            if _ESCAPES[escape][0] == _G0:
                g0 = escape
            else:
                g1 = escape
        out += code
    return bytes(out if g0 == base_g0 else out + b"\x1b" + base_g0)


def _encode_char(char: str, g1: bytes, g1_codec: str, usable: list[bytes]) -> tuple[bytes, bytes] | None:
    """(the escape that must be active, the bytes in its code element); None when no set has it."""
    for escape, codec in ((g1, g1_codec), *((escape, _ESCAPES[escape][1]) for escape in usable)):
        code = _code(char, codec) if codec != "ascii" else None
        if code is not None:
            return escape, code
    return None


def _code(char: str, codec: str) -> bytes | None:
    try:
        if codec == _JIS_X_0208:
            code = char.encode("euc_jp")
            return bytes(byte & 0x7F for byte in code) if len(code) == 2 and code[0] != 0x8E else None
        if codec == _JIS_X_0212:
            code = char.encode("euc_jp")
            return bytes(byte & 0x7F for byte in code[1:]) if len(code) == 3 else None
        code = char.encode(codec)
    except UnicodeEncodeError:
        return None
    if codec == _KANA and len(code) != 1:
        return None
    return code
