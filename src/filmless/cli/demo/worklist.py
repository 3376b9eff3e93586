"""What the demonstration department has to do today and tomorrow: steps for its invented patients.

The same on every run of one day, so that a second run adds nothing. Start at `demo_steps`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from filmless.cli.demo.people import ISSUER, PEOPLE, PERFORMING_PHYSICIANS, REFERRING_PHYSICIANS
from filmless.features.scheduling import (
    ImagingRequest,
    NewStep,
    PatientDetails,
    RequestedProcedure,
    StepDetails,
)

# Patient's number, days from today, start, modality, station AE title, what, body part.
_PLAN = (
    (1, 0, "0830", "CT", "CT1", "CT head follow-up", "HEAD"),
    (15, 0, "0915", "US", "US1", "Echocardiography", "HEART"),
    (13, 0, "1000", "CT", "CT1", "CT chest with contrast", "CHEST"),
    (9, 0, "1030", "MR", "MR1", "MR brain", "BRAIN"),
    (23, 0, "1115", "DX", "DX1", "Chest PA", "CHEST"),
    (27, 0, "1300", "MG", "MG1", "Screening mammography", "BREAST"),
    (36, 0, "1430", "MR", "MR1", "MR knee right", "KNEE"),
    (20, 1, "0900", "MR", "MR1", "MR brain", "BRAIN"),
    (3, 1, "0945", "CT", "CT1", "CT chest, nodule", "CHEST"),
    (11, 1, "1030", "MG", "MG1", "Screening mammography", "BREAST"),
)


def demo_steps(today: date) -> Iterator[NewStep]:
    """The steps of today and tomorrow; numbers are made from the day."""
    for number, (person_number, days, start, modality, station, what, body_part) in enumerate(_PLAN, start=1):
        person = PEOPLE[person_number - 1]
        day = today + timedelta(days=days)
        key = f"{day:%y%m%d}{number:02}"
        yield NewStep(
            PatientDetails(person.name, person.patient_id, ISSUER, person.birth_date, person.sex),
            ImagingRequest(
                accession_number=f"DEMO{key}",
                referring_physician_name=REFERRING_PHYSICIANS[number % len(REFERRING_PHYSICIANS)],
                requesting_physician=REFERRING_PHYSICIANS[number % len(REFERRING_PHYSICIANS)],
            ),
            RequestedProcedure(
                requested_procedure_id=f"RP{key}",
                requested_procedure_description=what,
                requested_procedure_priority="ROUTINE",
            ),
            StepDetails(
                modality=modality,
                scheduled_station_ae_titles=(station,),
                start_date=f"{day:%Y%m%d}",
                start_time=f"{start}00",
                scheduled_procedure_step_id=f"S{key}",
                scheduled_station_name=station,
                scheduled_performing_physician_name=PERFORMING_PHYSICIANS[number % 2],
                description=what,
                body_part_examined=body_part,
            ),
        )
