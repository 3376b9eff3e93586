"""When two sets of demographics can be one person."""

import pytest

from filmless.features.patients import Demographics, contradicting_attributes

ONE_PERSON = [
    ("the same", ("Doe^Jane", "19700101"), ("Doe^Jane", "19700101")),
    ("case and accents", ("MÜLLER^JÖRG", ""), ("Muller^Jorg", "")),
    ("swapped components", ("Jane^Doe", ""), ("Doe^Jane", "")),
    ("a middle name more", ("Doe^Jane^A", ""), ("Doe^Jane", "")),
    ("a new family name", ("Doe^Jane", ""), ("Miller^Jane", "")),
    ("other name, same birth date", ("Doe^Jane", "19700101"), ("Roe^Maria", "19700101")),
    ("no name on one side", ("", ""), ("Doe^Jane", "")),
    ("another script for the second group", ("Yamada^Tarou=山田^太郎", ""), ("=山田^太郎", "")),
]
OTHER_PERSON = [
    ("another birth date", ("Doe^Jane", "19700101"), ("Doe^Jane", "19700102"), "PatientBirthDate"),
    ("nothing of the name shared", ("Doe^Jane", ""), ("Roe^Maria", ""), "PatientName"),
    ("a birth date on one side does not help", ("Doe^Jane", "19700101"), ("Roe^Maria", ""), "PatientName"),
]


def demographics(name_and_birth_date: tuple[str, str]) -> Demographics:
    name, birth_date = name_and_birth_date
    return Demographics("TEST-1", "TESTS", name, birth_date, "")


@pytest.mark.parametrize(("why", "held", "received"), ONE_PERSON, ids=[row[0] for row in ONE_PERSON])
def test_these_may_be_one_person(why: str, held: tuple[str, str], received: tuple[str, str]) -> None:
    assert contradicting_attributes(demographics(held), demographics(received)) == ()
    assert contradicting_attributes(demographics(received), demographics(held)) == ()


@pytest.mark.parametrize(
    ("why", "held", "received", "attribute"), OTHER_PERSON, ids=[row[0] for row in OTHER_PERSON]
)
def test_these_are_not_taken_for_one_person(
    why: str, held: tuple[str, str], received: tuple[str, str], attribute: str
) -> None:
    assert contradicting_attributes(demographics(held), demographics(received)) == (attribute,)
