"""Person names and the keys they are found by."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmless.standards.dicom.person_name import NameComponents, normalise_text, parse_person_name


def test_groups_and_components_are_told_apart() -> None:
    name = parse_person_name("Yamada^Tarou^^Dr^Jr=山田^太郎=やまだ^たろう")
    assert name.alphabetic == NameComponents("Yamada", "Tarou", "", "Dr", "Jr")
    assert name.ideographic.family == "山田"
    assert name.phonetic.given == "たろう"


@pytest.mark.parametrize(
    ("text", "written", "shown"),
    [
        ("Doe^John^^^", "Doe^John", "Doe, John"),
        ("Doe^John=", "Doe^John", "Doe, John"),
        ("=山田^太郎", "=山田^太郎", "山田, 太郎"),
        (" Doe ^ John ", "Doe^John", "Doe, John"),
        ("Doe", "Doe", "Doe"),
        ("^John", "^John", "John"),
        ("Doe^John^Q^Dr^Jr^more", "Doe^John^Q^Dr^Jr^more", "Doe, John Q"),
        ("", "", ""),
        ("^^^^", "", ""),
    ],
)
def test_written_and_shown(text: str, written: str, shown: str) -> None:
    name = parse_person_name(text)
    assert str(name) == written
    assert name.display() == shown
    assert bool(name) == bool(written)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Müller^Jörg", "muller^jorg"),
        ("MÜLLER^JÖRG^^^", "muller^jorg"),
        ("Strauß^Inge", "strauss^inge"),
        ("Łukasz^Øre", "lukasz^ore"),
        ("O'Brien^Mary  Ann", "o'brien^mary ann"),
        ("Ямада^Йозеф", "ямада^иозеф"),
        ("=山田^太郎=ﾔﾏﾀﾞ", "=山田^太郎=ヤマダ"),
        ("홍^길동", "홍^길동"),
        ("ﾀﾞ", "ダ"),
    ],
)
def test_matching_keys_ignore_case_accents_and_padding(text: str, key: str) -> None:
    assert parse_person_name(text).matching_key() == key


def test_voiced_kana_is_another_letter_not_an_accent() -> None:
    assert normalise_text("ハ") != normalise_text("バ")


@settings(deadline=None)
@given(st.text(max_size=40))
def test_keys_are_stable(text: str) -> None:
    key = normalise_text(text)
    assert normalise_text(key) == key
    parse_person_name(text).matching_key()
