"""DICOM JSON beside pydicom's, on every file, and the values behind BulkDataURIs."""

from __future__ import annotations

import base64
import struct
import warnings
from typing import Any

import orjson
import pytest
from dicom_files import DicomFile, all_files, oracle, pydicom_file
from element_bytes import CLOSE_ITEM, CLOSE_SEQUENCE, OPEN_ITEM, explicit, implicit

from filmless.standards.dicom.elements import UNDEFINED_LENGTH
from filmless.standards.dicom.json_model import dataset_to_json, find_bulk_value, json_text
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE

Attributes = dict[str, Any]

DAMAGED = {"MR_truncated.dcm", "rtplan_truncated.dcm", "DICOMDIR-nooffset"}
PIXEL_DATA = ("7FE00008", "7FE00009", "7FE00010")


def as_json(data: bytes, syntax: str = EXPLICIT_LE, **options: Any) -> Attributes:
    made = dataset_to_json(data, syntax, bulk_data_uri="bulk", **options)
    return dict(orjson.loads(made.body))


def differences(ours: Attributes, theirs: Attributes, path: str = "") -> list[str]:
    """What is not the same, without the differences we stand by."""
    found = []
    for tag in sorted(set(ours) | set(theirs)):
        mine, peer = ours.get(tag), theirs.get(tag)
        if mine is None:
            # PS3.18 F.2.2: no group lengths; trailing padding (FFFC,FFFC) means nothing (PS3.10 7.2); an
            # item's own character set is gone, as all text is UTF-8.
            if not (tag.endswith("0000") or tag == "FFFCFFFC" or (tag == "00080005" and path)):
                found.append(f"{path}{tag} only in pydicom's")
        elif peer is None:
            # pydicom leaves out what it calls invalid: numbers of more than 16 characters, IS "1A".
            if mine["vr"] not in ("DS", "IS", "SQ"):
                found.append(f"{path}{tag} only in ours")
        elif tag == "00080005":
            if mine != {"vr": "CS", "Value": ["ISO_IR 192"]}:
                found.append("character set")
        elif mine["vr"] == "SQ" and peer["vr"] == "SQ":
            items, peers = mine.get("Value", []), peer.get("Value", [])
            if len(items) != len(peers):
                found.append(f"{path}{tag} has {len(items)} items, not {len(peers)}")
            for number, (item, other) in enumerate(zip(items, peers, strict=False), 1):
                found += differences(item, other, f"{path}{tag}/{number}/")
        elif normal(tag, mine) != normal(tag, peer) and not private_known_to_pydicom(tag, mine):
            found.append(f"{path}{tag}: {mine} is not {peer}")
    return found


def normal(tag: str, attribute: Attributes) -> Attributes:
    if "BulkDataURI" in attribute or (tag in PIXEL_DATA and attribute.get("InlineBinary")):
        return {"vr": attribute["vr"], "BulkDataURI": ""}
    values = attribute.get("Value")
    if values is None:
        return attribute
    # pydicom keeps idle spaces and says "" where F.2.5 says null; names of delimiters only are empty.
    values = [value.strip() or None if isinstance(value, str) else value for value in values]
    values = [None if value == {"Alphabetic": "^^^^"} else value for value in values]
    if values == [None]:
        return {"vr": attribute["vr"]}
    return {"vr": attribute["vr"], "Value": values}


def private_known_to_pydicom(tag: str, mine: Attributes) -> bool:
    """pydicom has a dictionary of private elements; we say UN for those in implicit VR."""
    return int(tag[:4], 16) % 2 == 1 and mine["vr"] == "UN"


@pytest.mark.parametrize("file", all_files(), ids=lambda file: file.path.name)
def test_every_file_says_what_pydicom_says(file: DicomFile) -> None:
    made = dataset_to_json(file.data, file.transfer_syntax_uid, bulk_data_uri="bulk", start=file.start)
    ours = orjson.loads(made.body)
    if file.path.name in DAMAGED:
        assert made.problems
        return
    assert made.problems == ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data_set = oracle(file)
        # pydicom calls everything from the threshold on bulk; we everything above ours.
        theirs = data_set.to_json_dict(1025, lambda element: "", suppress_invalid_tags=True)
    assert differences(ours, theirs) == []


def test_a_damaged_tail_leaves_what_was_readable() -> None:
    file = pydicom_file("rtplan_truncated.dcm")
    made = dataset_to_json(file.data, file.transfer_syntax_uid, bulk_data_uri="bulk", start=file.start)
    ours = orjson.loads(made.body)
    assert ours["00100010"]["Value"] == [{"Alphabetic": "Last^First^mid^pre"}]
    assert "cut short" in made.problems[0]


VALUES = [
    (b"IS", b"12 ", [12]),
    (b"IS", b"-3\\+4\\ 5 \\", [-3, 4, 5, None]),
    (b"IS", b"1.0 ", [1]),
    (b"IS", b"1A", ["1A"]),
    (b"IS", b"1_0 ", ["1_0"]),
    (b"IS", b"99999999999999999999", [1e20]),
    (b"DS", b"1.50\\-2e3\\.5", [1.5, -2000.0, 0.5]),
    (b"DS", b"NaN ", ["NaN"]),
    (b"DS", b"--1 ", ["--1"]),
    (b"CS", b"A \\B\\", ["A", "B", None]),
    (b"UI", b"1.2.3\0", ["1.2.3"]),
    (b"LO", b"  ", None),
    (b"LO", b"", None),
    (b"LT", b" A\\B ", [" A\\B"]),
    (b"UT", b"A\\B ", ["A\\B"]),
    (
        b"PN",
        b"A^B=C^D=E^F\\G ",
        [{"Alphabetic": "A^B", "Ideographic": "C^D", "Phonetic": "E^F"}, {"Alphabetic": "G"}],
    ),
    (b"PN", b"=C^D", [{"Ideographic": "C^D"}]),
    (b"AT", b"\x10\0\x20\0\x18\0\x50\0", ["00100020", "00180050"]),
    (b"US", b"\1\0\xff\xff", [1, 65535]),
    (b"SS", b"\xff\xff", [-1]),
    (b"US", b"\1\0\xff", [1]),
    (b"FL", struct.pack("<2f", 1.5, float("inf")), [1.5, "inf"]),
    (b"FD", struct.pack("<2d", float("nan"), float("-inf")), ["NaN", "-inf"]),
    (b"SL", b"\xff\xff\xff\xff", [-1]),
]


@pytest.mark.parametrize(("vr", "raw", "values"), VALUES)
def test_values_by_vr(vr: bytes, raw: bytes, values: list[object] | None) -> None:
    expected: Attributes = {"vr": vr.decode()}
    if values is not None:
        expected["Value"] = values
    assert as_json(explicit(0x00091010, vr, raw)) == {"00091010": expected}


def test_integers_javascript_cannot_hold_are_text() -> None:
    raw = struct.pack("<2Q", 7, 2**60)
    data = struct.pack("<HH2sHI", 0x09, 0x1010, b"UV", 0, 16) + raw
    assert as_json(data)["00091010"]["Value"] == [7, str(2**60)]


def test_long_binary_values_go_behind_a_uri_and_short_ones_stay() -> None:
    data = explicit(0x00091010, b"OB", b"12") + explicit(0x00091011, b"OB", b"x" * 1026)
    made = as_json(data)
    assert made["00091010"] == {"vr": "OB", "InlineBinary": base64.b64encode(b"12").decode()}
    assert made["00091011"] == {"vr": "OB", "BulkDataURI": "bulk/00091011"}


def test_pixel_data_is_always_behind_a_uri() -> None:
    assert as_json(explicit(0x7FE00010, b"OW", b"12"))["7FE00010"] == {
        "vr": "OW",
        "BulkDataURI": "bulk/7FE00010",
    }


def test_big_endian_words_become_little_endian_in_inline_binary() -> None:
    data = struct.pack(">HH2sHI", 0x09, 0x1010, b"OW", 0, 4) + b"\1\2\3\4"
    inline = as_json(data, EXPLICIT_BE)["00091010"]["InlineBinary"]
    assert base64.b64decode(inline) == b"\2\1\4\3"


@pytest.mark.parametrize(("signed", "vr", "value"), [(b"\1\0", "SS", -1), (b"\0\0", "US", 65535)])
def test_us_or_ss_follows_pixel_representation(signed: bytes, vr: str, value: int) -> None:
    data = implicit(0x00280103, signed) + implicit(0x00280106, b"\xff\xff")
    assert as_json(data, IMPLICIT_LE)["00280106"] == {"vr": vr, "Value": [value]}


def test_an_items_own_character_set_holds_inside_it_only() -> None:
    item = OPEN_ITEM + explicit(0x00080005, b"CS", b"ISO_IR 192") + explicit(0x00080104, b"LO", "é".encode())
    data = explicit(0x00080005, b"CS", b"ISO_IR 100") + explicit(0x00081030, b"LO", b"\xe9 ")
    data += explicit(0x00081032, b"SQ", item + CLOSE_ITEM + CLOSE_SEQUENCE, UNDEFINED_LENGTH)
    data += explicit(0x0008103E, b"LO", b"\xe9 ")
    made = as_json(data)
    assert made["00081030"]["Value"] == made["0008103E"]["Value"] == ["é"]
    assert made["00081032"]["Value"] == [{"00080104": {"vr": "LO", "Value": ["é"]}}]


class TestFindBulkValue:
    WAVE = b"w" * 2000
    ITEM = OPEN_ITEM + explicit(0x54001010, b"OW", WAVE) + CLOSE_ITEM
    EMPTY = OPEN_ITEM + CLOSE_ITEM
    DATA = explicit(0x54000100, b"SQ", EMPTY + ITEM + CLOSE_SEQUENCE, UNDEFINED_LENGTH) + explicit(
        0x7FE00010, b"OW", b"1234"
    )

    def test_every_uri_leads_to_its_value(self) -> None:
        made = as_json(self.DATA)
        assert made["54000100"]["Value"][1]["54001010"]["BulkDataURI"] == "bulk/54000100/2/54001010"
        found = find_bulk_value(self.DATA, EXPLICIT_LE, "54000100/2/54001010")
        assert found is not None
        assert self.DATA[found.offset : found.offset + found.length] == self.WAVE
        pixels = find_bulk_value(self.DATA, EXPLICIT_LE, "7FE00010")
        assert pixels is not None
        assert self.DATA[pixels.offset :][: pixels.length] == b"1234"

    def test_a_sequence_that_came_as_unknown_is_looked_into(self) -> None:
        inner = OPEN_ITEM + implicit(0x54001010, self.WAVE) + CLOSE_ITEM
        for length in (UNDEFINED_LENGTH, None):
            value = inner + (CLOSE_SEQUENCE if length else b"")
            data = explicit(0x54000100, b"UN", value, length)
            assert as_json(data)["54000100"]["Value"][0]["54001010"]["BulkDataURI"].endswith("/1/54001010")
            found = find_bulk_value(data, EXPLICIT_LE, "54000100/1/54001010")
            assert found is not None
            assert data[found.offset : found.offset + found.length] == self.WAVE

    @pytest.mark.parametrize(
        "path",
        ["", "../7FE00010", "7fe00010", "54000100", "54000100/1/54001010", "54000100/9/54001010",
         "54000100/0/54001010", "00100020", "7FE00010/1/00100020", "54000100/2",
         "/".join(["00081140/1"] * 200)],
    )  # fmt: skip
    def test_a_path_to_nothing_gives_nothing(self, path: str) -> None:
        found = find_bulk_value(self.DATA, EXPLICIT_LE, path)
        assert found is None or path == "54000100"

    @pytest.mark.parametrize("file", all_files(), ids=lambda file: file.path.name)
    def test_every_uri_of_every_file_leads_somewhere(self, file: DicomFile) -> None:
        made = dataset_to_json(file.data, file.transfer_syntax_uid, bulk_data_uri="bulk", start=file.start)

        def uris(attributes: Attributes) -> list[str]:
            found = []
            for attribute in attributes.values():
                if "BulkDataURI" in attribute:
                    found.append(attribute["BulkDataURI"])
                if attribute["vr"] == "SQ":
                    for item in attribute.get("Value", []):
                        found += uris(item)
            return found

        for uri in uris(orjson.loads(made.body)):
            path = uri.removeprefix("bulk/")
            value = find_bulk_value(file.data, file.transfer_syntax_uid, path, start=file.start)
            assert value is not None, path
            assert 0 < value.offset <= value.offset + value.length <= len(file.data)


@pytest.mark.parametrize(
    ("vr", "text", "attribute"),
    [
        ("LO", "", {"vr": "LO"}),
        ("CS", "CT\\MR", {"vr": "CS", "Value": ["CT", "MR"]}),
        ("PN", "A^B=山", {"vr": "PN", "Value": [{"Alphabetic": "A^B", "Ideographic": "山"}]}),
        ("IS", "7", {"vr": "IS", "Value": [7]}),
        ("DS", "7.5", {"vr": "DS", "Value": [7.5]}),
        ("LT", "A\\B", {"vr": "LT", "Value": ["A\\B"]}),
    ],
)
def test_indexed_text_becomes_an_attribute(vr: str, text: str, attribute: Attributes) -> None:
    assert json_text(vr, text) == attribute


def test_a_text_without_any_value_has_no_value_in_json() -> None:
    assert json_text("PN", "^^^^") == {"vr": "PN"}
    assert json_text("LO", "\\") == {"vr": "LO"}
    assert json_text("LO", "a\\") == {"vr": "LO", "Value": ["a", None]}
