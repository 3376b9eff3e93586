"""What other archives say they have, as values. Pure; nobody has checked it.

Dates, times and names are DICOM text, as it came; counts are None where the other archive gives none.
Not here: the asking (`edge/dimse/remote`), who may (`pulls`).
"""

from dataclasses import dataclass
from datetime import date

from filmless.infra.errors import Invalid

VALUE_CHARACTERS_MAX = (
    256  # LO and UI hold 64, five components of a name as much; a list of UIDs is no use here.
)


@dataclass(frozen=True, slots=True)
class RemoteSearch:
    """What a person looks for in another archive; empty parts let all pass, at least one must not be.

    `patient_name` is the beginning of a name unless it has wildcards; `modalities` are any of; both dates
    are included.
    """

    patient_name: str = ""
    patient_id: str = ""
    accession_number: str = ""
    study_date_from: date | None = None
    study_date_to: date | None = None
    modalities: tuple[str, ...] = ()
    study_instance_uid: str = ""

    def matching(self) -> dict[str, str]:
        """The keys of a C-FIND, by DICOM keyword (PS3.4 C.2.2.2); raises Invalid."""
        days = (self.study_date_from, self.study_date_to)
        dates = [day.isoformat().replace("-", "") if day else "" for day in days]
        name = self.patient_name.strip()
        keys = {
            "PatientName": f"{name}*" if name and not _has_wildcard(name) else name,
            "PatientID": self.patient_id.strip(),
            "AccessionNumber": self.accession_number.strip(),
            "StudyDate": "-".join(dates) if any(dates) else "",
            "ModalitiesInStudy": "\\".join(one.strip() for one in self.modalities if one.strip()),
            "StudyInstanceUID": self.study_instance_uid.strip(),
        }
        given = {keyword: value for keyword, value in keys.items() if value}
        if not given:
            raise Invalid("Say what to look for: another archive is not listed as a whole.")
        if any(len(value) > VALUE_CHARACTERS_MAX or not value.isprintable() for value in given.values()):
            raise Invalid("What is looked for is too long, or has characters that cannot be printed.")
        return given


@dataclass(frozen=True, slots=True)
class RemoteStudy:
    """One study of another archive, and how many of its instances we hold."""

    study_instance_uid: str
    patient_name: str
    patient_id: str
    issuer_of_patient_id: str
    patient_birth_date: str
    patient_sex: str
    study_date: str
    study_time: str
    accession_number: str
    study_description: str
    referring_physician_name: str
    modalities_in_study: tuple[str, ...]
    number_of_series: int | None
    number_of_instances: int | None
    number_of_instances_here: int

    @property
    def is_here(self) -> bool:
        """Whether we hold all of it, as far as the counts tell."""
        return self.number_of_instances_here > 0 and (
            self.number_of_instances is None or self.number_of_instances_here >= self.number_of_instances
        )


@dataclass(frozen=True, slots=True)
class RemoteStudies:
    """What a search has found; `is_whole` is false when there was more, and the search was cut off."""

    studies: tuple[RemoteStudy, ...]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class RemoteSeries:
    """One series of a study of another archive."""

    series_instance_uid: str
    modality: str
    series_number: int | None
    series_description: str
    series_date: str
    body_part_examined: str
    number_of_instances: int | None


def _has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text
