"""The transfer syntax table beside pydicom's."""

from __future__ import annotations

from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID

from filmless.standards.dicom import transfer_syntaxes
from filmless.standards.dicom.transfer_syntaxes import TRANSFER_SYNTAXES, find_transfer_syntax

# Encodings that are not data sets, all retired.
LEFT_OUT = {"1.2.840.10008.1.2.6.1", "1.2.840.10008.1.2.6.2", "1.2.840.10008.1.20"}
NEWER = {
    "1.2.840.10008.1.2.4.110",
    "1.2.840.10008.1.2.4.111",
    "1.2.840.10008.1.2.4.112",
    "1.2.840.10008.1.2.8.1",
}


def test_every_transfer_syntax_of_the_standard_is_known() -> None:
    standard = {uid for uid, row in UID_dictionary.items() if row[1] == "Transfer Syntax"}
    assert set(TRANSFER_SYNTAXES) == (standard - LEFT_OUT) | NEWER


def test_flags_agree_with_pydicom() -> None:
    for uid, syntax in TRANSFER_SYNTAXES.items():
        if uid in NEWER:
            continue
        peer = UID(uid)
        assert syntax.explicit_vr != peer.is_implicit_VR, uid
        assert syntax.little_endian == peer.is_little_endian, uid
        assert syntax.retired == (UID_dictionary[uid][3] == "Retired"), uid
        if not syntax.referenced:  # pydicom counts pointers to elsewhere as compressed.
            assert syntax.encapsulated == peer.is_encapsulated, uid


def test_lossless_and_video_are_told_apart() -> None:
    lossless = {uid for uid, syntax in TRANSFER_SYNTAXES.items() if syntax.encapsulated and not syntax.lossy}
    assert transfer_syntaxes.HTJ2K_LOSSLESS in lossless
    assert transfer_syntaxes.JPEG_LOSSLESS_SV1 in lossless
    assert transfer_syntaxes.HTJ2K not in lossless
    assert all(syntax.lossy for syntax in TRANSFER_SYNTAXES.values() if "MPEG" in syntax.name)
    assert sum(syntax.video for syntax in TRANSFER_SYNTAXES.values()) == 18


def test_an_unknown_uid_is_none() -> None:
    assert find_transfer_syntax("1.2.3") is None
