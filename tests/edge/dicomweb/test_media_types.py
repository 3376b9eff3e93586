"""Accept headers of real viewers and clients are understood."""

import pytest

from filmless.edge.dicomweb.media_types import media_type_of_frames, parameters_of, parse_accept, takes_json


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("multipart/related; type=application/octet-stream; transfer-syntax=*",
         [("application/octet-stream", True, "*")]),
        ('multipart/related; type="image/jls"; transfer-syntax=1.2.840.10008.1.2.4.80; q=0.5, image/png',
         [("image/png", False, None), ("image/jls", True, "1.2.840.10008.1.2.4.80")]),
        ('multipart/related;type="application/dicom";transfer-syntax="*"',
         [("application/dicom", True, "*")]),
        ("MULTIPART/RELATED; TYPE=Image/JPEG", [("image/jpeg", True, None)]),
        ("multipart/related", [("*/*", True, None)]),
        ("application/dicom; q=0, */*", [("*/*", False, None)]),
        ("", [("*/*", True, None), ("*/*", False, None)]),
        ("nonsense", []),
        ('a/b; x="1,2;3", c/d; q=high', [("a/b", False, None), ("c/d", False, None)]),
    ],
)  # fmt: skip
def test_accept_is_read_best_first(header: str, expected: list[tuple[str, bool, str | None]]) -> None:
    found = [(read.media_type, read.is_multipart, read.transfer_syntax) for read in parse_accept(header)]

    assert found == expected


@pytest.mark.parametrize(
    ("header", "welcome"),
    [
        ("application/dicom+json", True),
        ("application/dicom+json, application/json", True),
        ("application/json", True),
        ("*/*", True),
        ("application/*", True),
        ("", True),
        ("application/dicom+xml", False),
        ('multipart/related; type="application/dicom+xml"', False),
        ("image/*", False),
    ],
)
def test_json_is_sent_to_those_who_take_it(header: str, welcome: bool) -> None:
    assert takes_json(header) is welcome


def test_parameters_keep_what_quotes_hold() -> None:
    assert parameters_of('multipart/related; boundary="a;b,c"; Type=application/dicom') == (
        "multipart/related",
        {"boundary": "a;b,c", "type": "application/dicom"},
    )


@pytest.mark.parametrize(
    ("transfer_syntax_uid", "media_type"),
    [
        ("1.2.840.10008.1.2.1", "application/octet-stream"),
        ("1.2.840.10008.1.2.4.50", "image/jpeg"),
        ("1.2.840.10008.1.2.4.70", "image/jpeg"),
        ("1.2.840.10008.1.2.4.80", "image/jls"),
        ("1.2.840.10008.1.2.4.90", "image/jp2"),
        ("1.2.840.10008.1.2.4.92", "image/jpx"),
        ("1.2.840.10008.1.2.4.201", "image/jphc"),
        ("1.2.840.10008.1.2.5", "image/dicom-rle"),
        ("1.2.840.10008.1.2.4.100", "video/mpeg"),
        ("1.2.840.10008.1.2.4.102.1", "video/mp4"),
        ("1.2.840.10008.1.2.4.107", "video/H265"),
        ("1.2.3.4", "application/octet-stream"),
    ],
)
def test_frames_have_the_name_that_the_standard_gives(transfer_syntax_uid: str, media_type: str) -> None:
    assert media_type_of_frames(transfer_syntax_uid) == media_type
