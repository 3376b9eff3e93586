"""UIDs: data that must never be anything but digits and dots."""

from __future__ import annotations

import pytest

from filmless.standards.dicom import uids


@pytest.mark.parametrize("text", ["1.2.840.10008.1.1", "2.25.0", "1", "1.2.03.4", "1" * 64])
def test_a_uid_of_digits_and_single_dots_is_valid(text: str) -> None:
    assert uids.is_valid_uid(text)


@pytest.mark.parametrize(
    "text",
    ["", ".", "1.", ".1", "1..2", "../1", "1.2/3", "1.2\n", "1.2\0", " 1.2", "1.2a", "1" * 65, "1.٣", "1.2*"],
)
def test_anything_else_is_not(text: str) -> None:
    assert not uids.is_valid_uid(text)


def test_new_uids_are_valid_and_differ() -> None:
    made = {uids.new_uid() for _ in range(100)}
    assert len(made) == 100
    assert all(uids.is_valid_uid(uid) and uid.startswith("2.25.") for uid in made)


def test_our_own_names_keep_to_their_lengths() -> None:
    assert uids.is_valid_uid(uids.IMPLEMENTATION_CLASS_UID)
    assert len(uids.IMPLEMENTATION_VERSION_NAME) <= 16
