"""Character sets beside pydicom, on its files and on the standard's own examples."""

from __future__ import annotations

import warnings

import pytest
from dicom_files import DicomFile, all_files, oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.multival import MultiValue

from filmless.standards.dicom.character_sets import character_set, encode
from filmless.standards.dicom.elements import top_level

CHARSET_FILES = [file for file in all_files() if "charset" in str(file.path)]
TERMS = [
    "", "ISO_IR 100", "ISO_IR 101", "ISO_IR 109", "ISO_IR 110", "ISO_IR 144", "ISO_IR 127", "ISO_IR 126",
    "ISO_IR 138", "ISO_IR 148", "ISO_IR 203", "ISO_IR 13", "ISO_IR 166", "ISO_IR 192", "GB18030", "GBK",
    "\\ISO 2022 IR 87", "\\ISO 2022 IR 149", "\\ISO 2022 IR 58", "ISO 2022 IR 13\\ISO 2022 IR 87",
    "ISO 2022 IR 6\\ISO 2022 IR 87\\ISO 2022 IR 159", "ISO 2022 IR 100\\ISO 2022 IR 144", "KLINGON", "\\",
]  # fmt: skip


@pytest.mark.parametrize("file", CHARSET_FILES, ids=lambda file: file.path.name)
def test_every_text_of_the_charset_files_reads_as_pydicom_reads_it(file: DicomFile) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data_set = oracle(file)
        terms = data_set.get("SpecificCharacterSet", "")
        characters = character_set(terms if isinstance(terms, str) else list(terms))
        for tag, vr, offset, length in top_level(file.data, file.transfer_syntax_uid, start=file.start):
            if vr not in ("PN", "LO", "SH", "LT", "ST", "UT", "UC"):
                continue
            value = data_set[tag].value
            raw = file.data[offset : offset + length]
            text, problem = characters.decode_checked(raw, person_name=vr == "PN")
            said = "\\".join(map(str, value)) if isinstance(value, MultiValue) else str(value or "")
            assert text.rstrip(" \0=") == said.rstrip(" \0="), hex(tag)
            assert problem is None


# PS3.5 annexes H, I and J, and senders who bend the rules.
EXAMPLES = [
    ("\\ISO 2022 IR 87",
     b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
     "Yamada^Tarou=山田^太郎=やまだ^たろう", None),
    ("ISO 2022 IR 13\\ISO 2022 IR 87", b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J",
     "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎", None),
    ("\\ISO 2022 IR 149", b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7",
     "Hong^Gildong=洪^吉洞", None),
    ("\\ISO 2022 IR 58", b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab",
     "Zhang^XiaoDong=张^小东", None),
    ("ISO 2022 IR 100\\ISO 2022 IR 144", b"Buc^J\xe9r\xf4me=\x1b-L\xbb\xee\xda", "Buc^Jérôme=Люк", None),
    ("ISO_IR 100", b"M\xfcller", "Müller", None),
    ("ISO_IR 192", "Müller^Jörg".encode(), "Müller^Jörg", None),
    ("ISO IR 192", "Müller^Jörg".encode(), "Müller^Jörg", None),
    ("", "Müller".encode(), "Müller", "not name"),
    ("", b"M\xfcller", "Müller", "not name"),
    ("ISO 2022 IR 149", b"\xfb\xf3", "洪", None),
    ("\\ISO 2022 IR 149", b"\xfb\xf3", "洪", None),
    ("ISO_IR 100", b"\x1b$B;3ED\x1b(B", "山田", "not name"),
    ("ISO_IR 192", b"M\xffller", "M\ufffdller", "does not have"),
    ("\\ISO 2022 IR 87", b"\x1b$B;3E", "山\ufffd", "does not have"),
    ("\\ISO 2022 IR 87", b"A\x1bB", "A\x1bB", None),
    ("\\ISO 2022 IR 87", b"\x1b$B;3\r\nED", "山\r\nED", None),
    ("GB18030", b"\xcd\xf5^\xd0\xa1\xb6\xab", "王^小东", None),
]  # fmt: skip


@pytest.mark.parametrize(("terms", "raw", "text", "problem"), EXAMPLES)
def test_examples_read_as_they_should(terms: str, raw: bytes, text: str, problem: str | None) -> None:
    read, told = character_set(terms).decode_checked(raw, person_name=True)
    assert read == text
    assert (problem is None) == (told is None)
    assert problem is None or problem in str(told)


def test_a_backslash_byte_inside_a_two_byte_character_is_not_a_delimiter() -> None:
    # 0x3D 0x5C in JIS X 0208 and 0x95 0x5C in GB18030 are each one character.
    assert len(character_set("\\ISO 2022 IR 87").decode(b"\x1b$B=\\\x1b(B")) == 1
    assert "\\" not in character_set("GB18030").decode(b"\x95\x5c")


def test_a_delimiter_brings_the_first_character_set_back() -> None:
    characters = character_set("ISO 2022 IR 100\\ISO 2022 IR 144")
    assert characters.decode(b"\x1b-L\xbb\\\xe9") == "Л\\é"
    assert characters.decode(b"\x1b-L\xbb^\xe9", person_name=True) == "Л^é"
    assert characters.decode(b"\x1b-L\xbb^\xbb", person_name=False) == "Л^Л"


@pytest.mark.parametrize(("terms", "raw", "text", "problem"), EXAMPLES)
def test_what_was_read_can_be_written_and_read_again(
    terms: str, raw: bytes, text: str, problem: str | None
) -> None:
    written, used = encode(text, terms, person_name=True)
    assert character_set(used).decode(written, person_name=True) == text


@pytest.mark.parametrize(
    ("text", "wanted", "used"),
    [
        ("Smith", "", ""),
        ("Müller", "ISO_IR 100", "ISO_IR 100"),
        ("Müller", "", "ISO_IR 192"),
        ("Люк", "ISO_IR 100", "ISO_IR 192"),
        ("山田", "\\ISO 2022 IR 87", "\\ISO 2022 IR 87"),
        ("山田", "\\ISO 2022 IR 149", "\\ISO 2022 IR 149"),
        ("Смит 山", "\\ISO 2022 IR 144\\ISO 2022 IR 87", "\\ISO 2022 IR 144\\ISO 2022 IR 87"),
        ("😀", "ISO 2022 IR 13\\ISO 2022 IR 87", "ISO_IR 192"),
        ("😀", "GB18030", "GB18030"),
        ("😀", "GBK", "ISO_IR 192"),
    ],
)
def test_text_goes_in_the_wanted_set_when_that_can_carry_it(text: str, wanted: str, used: str) -> None:
    assert encode(text, wanted)[1] == used


@settings(deadline=None)
@given(st.sampled_from(TERMS), st.binary(max_size=60), st.booleans())
def test_no_bytes_whatever_raise(terms: str, raw: bytes, person_name: bool) -> None:
    text = character_set(terms).decode(raw, person_name=person_name)
    text.encode("utf_8")


@settings(deadline=None)
@given(st.sampled_from(TERMS), st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_text_survives_writing_and_reading(terms: str, text: str) -> None:
    text = text.replace("\x1b", "")
    written, used = encode(text, terms)
    assert character_set(used).decode(written) == text
