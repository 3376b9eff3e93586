"""The demonstration department: always the same, nobody real, and images that say what they must."""

import io
import itertools
import warnings
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy
import pydicom
import pytest
from PIL import Image

from filmless.cli.demo import demo_instances, pydicom_images
from filmless.cli.demo.acquisitions import Department, abdomen_us, brain_mr, head_ct
from filmless.cli.demo.attributes import Study, derived_uid
from filmless.cli.demo.people import PEOPLE
from filmless.cli.demo.studies import PLAN
from filmless.standards.dicom.object_rendering import render_object, thumbnail_of_object
from filmless.standards.dicom.rendering import Rendition

FIRST_STUDIES = 3  # A head CT, an echocardiography, a chest radiograph: seconds, not the whole department.


@pytest.fixture(scope="module")
def first_instances() -> list[Any]:
    return list(itertools.takewhile(lambda each: each.study_number <= FIRST_STUDIES, demo_instances()))


def read(part10: bytes) -> Any:
    return pydicom.dcmread(io.BytesIO(part10))


def picture(encoded: bytes) -> Any:
    return numpy.asarray(Image.open(io.BytesIO(encoded)).convert("L"))


def test_a_second_run_makes_the_very_same_bytes(first_instances: list[Any]) -> None:
    again = itertools.islice(demo_instances(), len(first_instances))
    assert [each.part10_bytes for each in again] == [each.part10_bytes for each in first_instances]


@pytest.mark.parametrize("changed", [{"seed": 2}, {"last_day": date(2026, 11, 27)}], ids=str)
def test_another_department_has_other_uids(first_instances: list[Any], changed: dict[str, Any]) -> None:
    other = read(next(demo_instances(**changed)).part10_bytes)
    one = read(first_instances[0].part10_bytes)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
        assert getattr(one, keyword) != getattr(other, keyword)


def test_every_sop_instance_is_one_of_a_kind(first_instances: list[Any]) -> None:
    uids = [read(each.part10_bytes).SOPInstanceUID for each in first_instances]
    assert len(set(uids)) == len(uids)
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in uids)


def test_a_study_and_a_series_agree_with_themselves(first_instances: list[Any]) -> None:
    seen: dict[tuple[str, str], set[Any]] = defaultdict(set)
    for each in first_instances:
        dataset = read(each.part10_bytes)
        for level, uid, keywords in (
            ("study", dataset.StudyInstanceUID, ("StudyDate", "AccessionNumber", "PatientID", "PatientName")),
            ("series", dataset.SeriesInstanceUID, ("Modality", "SeriesNumber", "StudyInstanceUID", "Rows")),
            ("patient", dataset.PatientID, ("PatientName", "PatientBirthDate", "PatientSex")),
        ):
            seen[level, uid].add(tuple(str(dataset.get(keyword)) for keyword in keywords))
    assert all(len(values) == 1 for values in seen.values())


def test_there_are_forty_people_and_all_are_plainly_invented() -> None:
    assert [person.patient_id for person in PEOPLE] == [f"DEMO-{number:04}" for number in range(1, 41)]
    assert len({person.name for person in PEOPLE}) == 40
    assert {person.sex for person in PEOPLE} == {"F", "M", "O"}
    assert len({person.character_set for person in PEOPLE}) >= 11


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.patient_id)
def test_a_name_survives_its_character_set(person: Any) -> None:
    study = Study(7, person, date(2026, 11, 20), "101500", "Kidney", "ABDOMEN", person.patient_id)
    part10 = next(abdomen_us(Department(1), study, numpy.random.default_rng(1), None))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert str(read(part10).PatientName) == person.name
    expect = person.character_set[0] if len(person.character_set) == 1 else list(person.character_set)
    assert (read(part10).get("SpecificCharacterSet") or ()) == expect or (not expect)


def test_ages_fit_the_birth_dates(first_instances: list[Any]) -> None:
    for each in first_instances:
        dataset = read(each.part10_bytes)
        years = int(dataset.StudyDate) // 10000 - int(dataset.PatientBirthDate) // 10000
        assert int(dataset.PatientAge[:3]) in (years, years - 1)


def a_series(acquire: Callable[..., Any]) -> list[Any]:
    study = Study(1, PEOPLE[0], date(2026, 11, 20), "101500", "Head", "HEAD", "test")
    return [read(part10) for part10 in acquire(Department(1), study, numpy.random.default_rng(1), None)]


def test_ct_slices_lie_at_equal_steps_in_one_frame_of_reference() -> None:
    slices = a_series(head_ct)
    places = [each.ImagePositionPatient for each in slices]
    assert {(place[0], place[1]) for place in places} == {(-114.975, -114.975)}
    assert {round(b[2] - a[2], 3) for a, b in itertools.pairwise(places)} == {4.5}
    assert [each.InstanceNumber for each in slices] == list(range(1, 29))
    assert len({each.FrameOfReferenceUID for each in slices}) == 1


def test_ct_numbers_are_those_of_tissue() -> None:
    study = Study(1, PEOPLE[0], date(2026, 11, 20), "101500", "Head", "HEAD", "test")
    slices = head_ct(Department(1), study, numpy.random.default_rng(1), None)
    middle = next(itertools.islice(slices, 14, None))
    assert read(middle).RescaleIntercept == -1024
    shown = picture(render_object(middle, 1, Rendition(media_type="image/png")))
    assert shown[0, 0] == 0  # Air.
    assert 60 < numpy.median(shown[230:280, 160:200]) < 200  # Brain is grey in a brain window.
    assert shown.max() == 255  # Bone.


def test_an_mr_study_has_three_contrasts_of_the_same_head() -> None:
    instances = a_series(brain_mr)
    series = defaultdict(list)
    for each in instances:
        series[each.SeriesDescription].append(each)
    assert sorted(series) == ["FLAIR axial", "T1 axial", "T2 axial"]
    assert {len(each) for each in series.values()} == {22}
    assert len({each.FrameOfReferenceUID for each in instances}) == 1
    assert len({each.file_meta.TransferSyntaxUID for each in instances}) == 3


def test_every_modality_of_the_first_studies_has_a_picture(first_instances: list[Any]) -> None:
    for _, group in itertools.groupby(first_instances, key=lambda each: each.study_number):
        thumbnail = picture(thumbnail_of_object(next(group).part10_bytes, 128))
        assert thumbnail.std() > 20


def test_the_plan_images_everybody_and_nobody_twice_in_one_go() -> None:
    assert {planned.person for planned in PLAN} == {person.number for person in PEOPLE}
    keys = [(planned.person, planned.days_ago, planned.kind) for planned in PLAN]
    assert len(set(keys)) == len(keys)
    assert 300 < max(planned.days_ago for planned in PLAN) <= 365
    assert all(PEOPLE[planned.person - 1].sex == "F" for planned in PLAN if planned.kind == "mammogram")


def test_derived_uids_are_uuids_in_disguise() -> None:
    assert derived_uid("a", 1) == derived_uid("a", 1)
    assert derived_uid("a", 1) != derived_uid("a", 2)
    assert int(derived_uid("a").removeprefix("2.25.")) < 1 << 128


def test_pydicoms_own_images_come_once_each_and_can_be_stored() -> None:
    images = list(pydicom_images())
    assert len(images) > 30
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        uids = [read(data).SOPInstanceUID for _, data in images]
    assert len(set(uids)) == len(uids)
