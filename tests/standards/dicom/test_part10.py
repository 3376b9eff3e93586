"""The head of DICOM files, written for pydicom to read and read as pydicom reads it."""

from __future__ import annotations

import io
import warnings

import pydicom
import pytest
from dicom_files import DicomFile, all_files, oracle, pydicom_file
from element_bytes import explicit, implicit

from filmless.standards.dicom import transfer_syntaxes
from filmless.standards.dicom.elements import MalformedDataSet, TruncatedDataSet
from filmless.standards.dicom.part10 import (
    FileMeta,
    read_part10_header,
    sanitised_preamble,
    write_part10_header,
)
from filmless.standards.dicom.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

META = FileMeta(
    sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
    sop_instance_uid="1.2.3.4.5",
    transfer_syntax_uid=transfer_syntaxes.EXPLICIT_LE,
    source_ae_title="CT1",
    sending_ae_title="CT1",
    receiving_ae_title="FILMLESS",
)


def test_what_we_write_pydicom_reads() -> None:
    file = io.BytesIO(write_part10_header(META) + explicit(0x00100020, b"LO", b"P1"))
    data_set = pydicom.dcmread(file)
    assert data_set.PatientID == "P1"
    meta = data_set.file_meta
    assert meta.MediaStorageSOPInstanceUID == "1.2.3.4.5"
    assert meta.TransferSyntaxUID == transfer_syntaxes.EXPLICIT_LE
    assert meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert meta.ImplementationVersionName == IMPLEMENTATION_VERSION_NAME
    assert (meta.SourceApplicationEntityTitle, meta.ReceivingApplicationEntityTitle) == ("CT1", "FILMLESS")
    assert meta.FileMetaInformationVersion == b"\0\1"


def test_what_we_write_we_read() -> None:
    written = write_part10_header(META)
    header = read_part10_header(written + explicit(0x00100020, b"LO", b"P1"))
    assert header.meta == META
    assert header.dataset_offset == len(written)
    assert header.has_preamble
    assert header.problems == ()


@pytest.mark.parametrize("file", all_files(), ids=lambda file: file.path.name)
def test_the_head_of_every_file_is_read_as_pydicom_reads_it(file: DicomFile) -> None:
    header = read_part10_header(file.raw)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        meta = oracle(file).file_meta
    assert header.meta.sop_class_uid == meta.get("MediaStorageSOPClassUID", "")
    assert header.meta.sop_instance_uid == meta.get("MediaStorageSOPInstanceUID", "")
    if "TransferSyntaxUID" in meta:
        assert header.meta.transfer_syntax_uid == meta.TransferSyntaxUID
    else:
        assert any("guessed" in problem or "no 128-byte preamble" in problem for problem in header.problems)


@pytest.mark.parametrize("size", [0, 4, 131, 132, 140, 200, 300])
def test_a_prefix_that_is_too_short_says_how_much_it_needs(size: int) -> None:
    raw = pydicom_file("CT_small.dcm").raw
    with pytest.raises(TruncatedDataSet) as short:
        read_part10_header(raw[:size])
    assert short.value.needs_bytes > size


BARE = [
    (explicit(0x00080005, b"CS", b"ISO_IR 100"), transfer_syntaxes.EXPLICIT_LE),
    (implicit(0x00080005, b"ISO_IR 100"), transfer_syntaxes.IMPLICIT_LE),
    (b"\0\x08\0\5CS\0\2AB", transfer_syntaxes.EXPLICIT_BE),
]


@pytest.mark.parametrize(("data", "syntax"), BARE)
def test_a_data_set_without_a_head_is_recognised(data: bytes, syntax: str) -> None:
    header = read_part10_header(data + bytes(200))
    assert (header.meta.transfer_syntax_uid, header.dataset_offset, header.has_preamble) == (syntax, 0, False)
    assert header.problems


@pytest.mark.parametrize(
    "content",
    [
        b"MZ" + bytes(400),
        b"\x89PNG\r\n\x1a\n" + bytes(400),
        b"%PDF-1.7 " * 60,
        b"<html>" * 90,
        b"\xff" * 500,
        bytes(500),
    ],
)
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(MalformedDataSet):
        read_part10_header(content)


def test_an_endless_file_meta_is_refused() -> None:
    with pytest.raises(MalformedDataSet, match="longer than"):
        read_part10_header(bytes(128) + b"DICM" + explicit(0x00020102, b"OB", b"", 4_000_000_000))


@pytest.mark.parametrize(
    ("preamble", "kept"),
    [
        (bytes(128), True),
        (b"II*\0" + bytes(124), True),
        (b"MM\0*" + bytes(124), True),
        (b"MZ" + bytes(126), False),
        (b"\x7fELF" + bytes(124), False),
        (b"#!/bin/sh" + bytes(119), False),
        (b"PK\3\4" + bytes(124), False),
        (b"something else" + bytes(114), False),
    ],
)
def test_a_hostile_preamble_never_leaves(preamble: bytes, kept: bool) -> None:
    assert sanitised_preamble(preamble) == (preamble if kept else bytes(128))
