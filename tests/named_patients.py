"""Patients with names in every character set of DICOM, and files that hold them. Nobody is called that."""

import struct

from builders import a_ct_slice, part10
from filmless.standards.dicom.character_sets import encode

NAMES: list[tuple[str, str]] = [
    ("", "Adams^John"),
    ("ISO_IR 100", "Müller^Jörg"),
    ("ISO_IR 101", "Wałęsa^Łukasz"),
    ("ISO_IR 109", "Ĉapelo^Ĝoĝo"),
    ("ISO_IR 110", "Bērziņš^Jānis"),
    ("ISO_IR 144", "Люкceмбypг^Роза"),
    ("ISO_IR 127", "قباني^لنزار"),
    ("ISO_IR 126", "Διονυσιος^Νίκος"),
    ("ISO_IR 138", "שרון^דבורה"),
    ("ISO_IR 148", "Çavuşoğlu^Işıl"),
    ("ISO_IR 166", "สมชาย^ใจดี"),
    ("ISO_IR 203", "Œuvré^Žofie"),
    ("ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
    ("ISO_IR 192", "Wang^XiaoDong=王^小東"),
    ("GB18030", "Wang^XiaoDong=王^小东"),
    ("GBK", "Wang^XiaoDong=王^小东"),
    ("\\ISO 2022 IR 100", "Müller^Jörg"),
    ("\\ISO 2022 IR 101", "Wałęsa^Łukasz"),
    ("\\ISO 2022 IR 144", "Люкceмбypг^Роза"),
    ("\\ISO 2022 IR 126\\ISO 2022 IR 144", "Διονυσιος^Роза"),
    ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ("ISO 2022 IR 13\\ISO 2022 IR 87", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
    ("\\ISO 2022 IR 87\\ISO 2022 IR 159", "Yamada^Tarou=山田^丂"),
    ("\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동"),
    ("\\ISO 2022 IR 58", "Zhang^XiaoDong=张^小东"),
]
"""Every defined term of PS3.3 C.12.1.1.2, some together, with a name that they can carry."""

TERMS = [term for term, _ in NAMES]


def named_instance(name: str, term: str) -> bytes:
    """A CT slice as a DICOM file whose patient has that name, written in that character set."""
    raw, used = encode(name, term, person_name=True)
    assert used == term, f"{term} cannot carry its name"
    one = a_ct_slice(1)
    for keyword in ("SpecificCharacterSet", "ReferringPhysicianName"):
        del one[keyword]
    one.PatientName = "X" * len(raw)
    encoded = part10(one)
    pad = len(raw) & 1
    found = encoded.index(b"PN" + struct.pack("<H", len(raw) + pad) + b"X" * len(raw))
    value = raw + b" " * pad
    encoded = encoded[: found + 4] + value + encoded[found + 4 + len(value) :]
    if not term:
        return encoded
    first = encoded.index(struct.pack("<HH2s", 0x0008, 0x0016, b"UI"))
    declared = term.encode() + b" " * (len(term) & 1)
    element = struct.pack("<HH2sH", 0x0008, 0x0005, b"CS", len(declared)) + declared
    return encoded[:first] + element + encoded[first:]
