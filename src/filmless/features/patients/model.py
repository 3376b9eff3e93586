"""When two sets of demographics can be the same person. Pure.

A Patient ID is unique only inside its issuer, and even there mistakes happen: the wrong worklist entry, a
typed number, a re-used one. So an ID that matches is believed only while name and birth date do not speak
against it.
"""

from dataclasses import dataclass

from filmless.standards.dicom.person_name import parse_person_name


@dataclass(frozen=True, slots=True)
class Demographics:
    """Who an image says it shows; all DICOM text, empty when absent."""

    patient_id: str
    issuer_of_patient_id: str
    patient_name: str
    patient_birth_date: str
    patient_sex: str


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient as held: the row's id and the demographics."""

    ref: int
    demographics: Demographics


def contradicting_attributes(held: Demographics, received: Demographics) -> tuple[str, ...]:
    """The attributes that speak against one person; empty when nothing does.

    Birth dates that differ always do. Names that share no component do, unless the birth dates agree: people
    marry, and registrars transliterate.
    """
    held_date, received_date = held.patient_birth_date, received.patient_birth_date
    if held_date and received_date:
        return () if held_date == received_date else ("PatientBirthDate",)
    if names_may_be_one(held.patient_name, received.patient_name):
        return ()
    return ("PatientName",)


def names_may_be_one(one: str, other: str) -> bool:
    """Whether two person names (PN text) share a family or given name in some group, in any order."""
    if one == other or not one or not other:
        return True
    groups = zip(
        parse_person_name(one).components_key(), parse_person_name(other).components_key(), strict=False
    )
    comparable = [(set(filter(None, a)), set(filter(None, b))) for a, b in groups]
    comparable = [(a, b) for a, b in comparable if a and b]
    return not comparable or any(a & b for a, b in comparable)
