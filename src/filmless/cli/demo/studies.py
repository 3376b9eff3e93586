"""The studies of the demonstration department: who was imaged when, how, and with what to find.

Not here: attributes (`attributes`), anatomy (`head`, `chest`, `flat`, `ultrasound`), people (`people`).
Start at `demo_instances`; the department is the table `PLAN`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy

from filmless.cli.demo import acquisitions
from filmless.cli.demo.acquisitions import Department
from filmless.cli.demo.attributes import Study, day_before
from filmless.cli.demo.people import PEOPLE

LAST_DAY = date(2026, 11, 20)  # Fixed, so that a second run sends the very same bytes.


@dataclass(frozen=True, slots=True)
class DemoInstance:
    """One instance to send. `study_number` counts from 1 to `total`, the number of studies."""

    part10_bytes: bytes = field(repr=False)
    label: str
    study_number: int
    total: int


@dataclass(frozen=True, slots=True)
class Planned:
    """A line of the plan: the patient's number, days before the last day, kind, what there is to find."""

    person: int
    days_ago: int
    kind: str
    finding: str | None = None


_KINDS: dict[str, tuple[str, str, Callable[..., Iterator[bytes]]]] = {
    "chest DX": ("Chest PA", "CHEST", acquisitions.chest_dx),
    "chest DX lateral": ("Chest PA and lateral", "CHEST", acquisitions.chest_dx_lateral),
    "chest CR": ("Chest AP bedside", "CHEST", acquisitions.chest_cr),
    "head CT": ("CT head without contrast", "HEAD", acquisitions.head_ct),
    "head CT thin": ("CT head trauma, brain and bone", "HEAD", acquisitions.head_ct_thin),
    "chest CT": ("CT chest with contrast, thin slices", "CHEST", acquisitions.chest_ct_thin),
    "chest CT survey": ("CT chest follow-up", "CHEST", acquisitions.chest_ct_survey),
    "brain MR": ("MR brain", "BRAIN", acquisitions.brain_mr),
    "echo": ("Echocardiography", "HEART", acquisitions.echocardiography),
    "echo colour map": ("Echocardiography, tinted", "HEART", acquisitions.echocardiography_palette),
    "abdomen US": ("Ultrasound right kidney", "ABDOMEN", acquisitions.abdomen_us),
    "mammogram": ("Screening mammography", "BREAST", acquisitions.mammography),
}

PLAN: tuple[Planned, ...] = (
    Planned(1, 0, "head CT", "bleed"),
    Planned(5, 0, "echo"),
    Planned(3, 0, "chest DX", "nodule"),
    Planned(9, 1, "brain MR", "plaques"),
    Planned(8, 1, "chest CR", "pacemaker"),
    Planned(6, 1, "chest CT", "nodule"),
    Planned(11, 1, "mammogram"),
    Planned(2, 2, "brain MR"),
    Planned(10, 2, "abdomen US"),
    Planned(12, 2, "chest DX lateral"),
    Planned(15, 3, "echo colour map"),
    Planned(17, 4, "head CT", "infarct"),
    Planned(33, 5, "head CT thin"),
    Planned(19, 6, "chest CT survey", "effusion"),
    Planned(16, 8, "chest DX"),
    Planned(18, 9, "abdomen US"),
    Planned(20, 12, "brain MR"),
    Planned(23, 14, "echo"),
    Planned(22, 15, "chest DX", "pneumonia"),
    Planned(1, 16, "chest CR"),
    Planned(24, 19, "mammogram"),
    Planned(25, 23, "head CT"),
    Planned(22, 29, "chest DX", "pneumonia"),
    Planned(26, 33, "abdomen US"),
    Planned(13, 37, "chest CT survey"),
    Planned(27, 41, "mammogram"),
    Planned(28, 48, "chest DX"),
    Planned(29, 55, "brain MR"),
    Planned(30, 62, "chest DX"),
    Planned(31, 70, "abdomen US"),
    Planned(32, 77, "head CT", "infarct"),
    Planned(34, 84, "brain MR"),
    Planned(35, 91, "chest DX lateral"),
    Planned(36, 99, "mammogram"),
    Planned(37, 106, "chest CR"),
    Planned(38, 114, "abdomen US"),
    Planned(39, 121, "echo"),
    Planned(40, 131, "chest DX"),
    Planned(4, 142, "chest DX"),
    Planned(7, 153, "abdomen US"),
    Planned(14, 165, "brain MR"),
    Planned(21, 177, "echo"),
    Planned(3, 183, "chest DX"),
    Planned(6, 190, "chest DX"),
    Planned(9, 201, "brain MR", "plaques"),
    Planned(19, 219, "chest DX", "effusion"),
    Planned(12, 236, "chest DX"),
    Planned(8, 255, "chest CR", "pacemaker"),
    Planned(25, 270, "chest DX"),
    Planned(17, 288, "head CT"),
    Planned(24, 301, "abdomen US"),
    Planned(13, 322, "chest DX"),
    Planned(32, 340, "chest CR", "nodule"),
    Planned(2, 355, "chest DX"),
)
"""The department, latest first; the same day again needs another kind of study."""


def demo_instances(seed: int = 1, last_day: date = LAST_DAY) -> Iterator[DemoInstance]:
    """Yield every instance of the department, made on the way, study by study, the latest study first.

    The same `seed` and `last_day` give the same bytes; others give other UIDs, so nothing is ever sent twice
    with other content. Takes about 300 MiB of memory.
    """
    department = Department(seed)
    for number, planned in enumerate(PLAN, start=1):
        description, body_part, acquire = _KINDS[planned.kind]
        person = PEOPLE[planned.person - 1]
        key = f"{seed}/{last_day:%Y%m%d}/{person.patient_id}/{planned.days_ago}/{planned.kind}"
        # A hash that is the same in every process, unlike Python's own.
        random = numpy.random.default_rng(zlib.crc32(key.encode()))
        day = day_before(last_day, planned.days_ago)
        time = f"{int(random.integers(7, 18)):02}{int(random.integers(60)):02}{int(random.integers(60)):02}"
        study = Study(number, person, day, time, description, body_part, key)
        label = f"{description}, {person.patient_id}, {day:%Y-%m-%d}"
        acquired: Iterator[Any] = acquire(department, study, random, planned.finding)
        for part10_bytes in acquired:
            yield DemoInstance(part10_bytes, label, number, len(PLAN))
