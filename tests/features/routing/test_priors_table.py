"""Which priors are fetched: a table of candidates, scored."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from filmless.features.routing import Candidate, NewPrefetchRule, RuleRefused, UpcomingStep, Wanted
from filmless.features.routing.priors import is_for, regions_of, relevant_priors, side_of
from filmless.infra.errors import Invalid

TODAY = date(2026, 1, 31)
CHEST_CT = UpcomingStep("P1", "TESTS", "CT", "CT Thorax nativ", "CHEST")
KNEE = UpcomingStep("P1", "TESTS", "MR", "MR Knie links", "KNEE", "L")
WANTED = Wanted(("OLDPACS",))

CANDIDATES = {
    "ct chest new": Candidate("ct chest new", "20250601", ("CT",), "CT Thorax"),
    "ct chest old": Candidate("ct chest old", "20220601", ("CT",), "CT Lunge mit KM"),
    "xray chest": Candidate("xray chest", "20251201", ("DX",), "Thorax pa"),
    "pet": Candidate("pet", "20250101", ("PT", "CT"), "PET/CT", ("CHEST", "ABDOMEN")),
    "ct chest ancient": Candidate("ct chest ancient", "20100101", ("CT",), "CT Thorax"),
    "ct head": Candidate("ct head", "20260101", ("CT",), "CT Schädel"),
    "us thyroid": Candidate("us thyroid", "20260101", ("US",), "Schilddrüse"),
    "unnamed ct": Candidate("unnamed ct", "20250101", ("CT",), ""),
    "undated chest": Candidate("undated chest", "", ("DX",), "Chest"),
    "knee left": Candidate("knee left", "20240101", ("MR",), "MR Knie links"),
    "knee right": Candidate("knee right", "20250101", ("MR",), "MR Knie rechts"),
    "knee xray": Candidate("knee xray", "20250101", ("DX",), "Knie li a.p./seitl."),
}


@pytest.mark.parametrize(
    ("step", "changes", "expected"),
    [
        (CHEST_CT, {}, ["ct chest new", "pet", "ct chest old"]),
        (
            CHEST_CT,
            {"priors_max": 20},
            ["ct chest new", "pet", "ct chest old", "xray chest", "undated chest", "unnamed ct"],
        ),
        (CHEST_CT, {"priors_max": 1}, ["ct chest new"]),
        (CHEST_CT, {"years_max": 1, "priors_max": 2}, ["ct chest new", "xray chest"]),
        (
            CHEST_CT,
            {"same_modality_only": True, "priors_max": 20},
            ["ct chest new", "pet", "ct chest old", "unnamed ct"],
        ),
        (KNEE, {"priors_max": 2}, ["knee left", "knee xray"]),
        (KNEE, {"priors_max": 3, "same_modality_only": True}, ["knee left", "knee right"]),
    ],
)
def test_the_priors_that_matter(step: UpcomingStep, changes: dict[str, Any], expected: list[str]) -> None:
    wanted = replace(WANTED, **changes)
    found = relevant_priors(CANDIDATES.values(), step, wanted, TODAY)
    assert [prior.study_instance_uid for prior in found][: len(expected)] == expected
    assert len(found) <= wanted.priors_max


def test_another_region_comes_last_where_it_may_come_at_all() -> None:
    wanted = replace(WANTED, priors_max=20, same_body_part_only=False)
    found = [
        prior.study_instance_uid for prior in relevant_priors(CANDIDATES.values(), CHEST_CT, wanted, TODAY)
    ]
    assert found.index("ct head") > found.index("xray chest")
    assert "us thyroid" not in found


def test_the_study_itself_is_no_prior_of_its_own() -> None:
    step = replace(CHEST_CT, study_instance_uid="ct chest new")
    found = relevant_priors(CANDIDATES.values(), step, WANTED, TODAY)
    assert "ct chest new" not in [prior.study_instance_uid for prior in found]


def test_a_study_that_two_archives_have_counts_once() -> None:
    twice = [CANDIDATES["xray chest"], replace(CANDIDATES["xray chest"], study_description="")]
    assert len(relevant_priors(twice, CHEST_CT, WANTED, TODAY)) == 1


@pytest.mark.parametrize(
    ("texts", "regions"),
    [
        (("CT Schädel",), {"head"}),
        (("MR HWS",), {"spine"}),
        (("Thorax/Abdomen",), {"chest", "abdomen"}),
        (("RX Poumon",), {"chest"}),
        (("Fuß links",), {"foot"}),
        (("Hüfte rechts", "HIP"), {"hip"}),
        (("Charm bracelet",), set()),
        (("",), set()),
    ],
)
def test_regions_are_read_in_three_languages(texts: tuple[str, ...], regions: set[str]) -> None:
    assert regions_of(*texts) == regions


@pytest.mark.parametrize(
    ("laterality", "text", "side"),
    [("L", "rechts", "L"), ("", "Knie re.", "R"), ("", "both knees left and right", ""), ("B", "", "")],
)
def test_sides(laterality: str, text: str, side: str) -> None:
    assert side_of(laterality, text) == side


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"modalities": ("CT", "MR")}, True),
        ({"modalities": ("MR",)}, False),
        ({"procedures": ("*thorax*",)}, True),
        ({"procedures": ("CT Abdomen*",)}, False),
    ],
)
def test_a_rule_is_about_a_step(changes: dict[str, Any], *, expected: bool) -> None:
    assert is_for(replace(WANTED, **changes), CHEST_CT) is expected


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(()),
        Wanted(("A\\B",)),
        Wanted(("OLDPACS",), priors_max=0),
        Wanted(("OLDPACS",), priors_max=21),
        Wanted(("OLDPACS",), years_max=0),
    ],
)
def test_a_prefetch_rule_that_cannot_be_is_refused(wanted: Wanted) -> None:
    with pytest.raises(Invalid):
        NewPrefetchRule("priors", wanted).checked()
    with pytest.raises(RuleRefused):
        NewPrefetchRule("", WANTED).checked()
