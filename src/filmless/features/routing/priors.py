"""Which earlier studies a radiologist wants beside a new one, and whence. Pure.

A prior counts for the body part it shows, its modality, its side and its age: the same region first, the
same kind of image next, newer before older. What scores nothing is not fetched. Start at `relevant_priors`.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from filmless.features.nodes import parse_ae_title
from filmless.features.routing.errors import RuleRefused
from filmless.features.routing.model import (
    DESTINATIONS_MAX,
    checked_name,
    checked_patterns,
    checked_position,
    matches_any,
)
from filmless.standards.dicom.dates import parse_date

PRIORS_MAX_MAX = 20  # Nobody reads more beside one exam; each may be a gigabyte.
YEARS_MAX_MAX = 100  # A lifetime.
BODY_PART_POINTS = 8  # As much as all that follows together: another region is another question.
MODALITY_POINTS = 4
LATERALITY_POINTS = 3
NEWER_POINTS_MAX = 1.0  # Falls to nothing over AGE_YEARS; settles what is otherwise equal.
AGE_YEARS = 10.0

# Modalities that show much the same: a prior CT is worth something beside a PET/CT.
RELATED_MODALITIES = (
    frozenset({"CR", "DX", "RF", "RG"}),
    frozenset({"CT", "PT"}),
    frozenset({"MR", "CT"}),
    frozenset({"MG", "US"}),
    frozenset({"XA", "RF"}),
)
RELATED_MODALITY_POINTS = 2

# Words of body parts and descriptions, by region. Body Part Examined (PS3.16 annex L) is often empty or
# wrong, and descriptions come in the department's language: English, German and French roots.
REGIONS: dict[str, tuple[str, ...]] = {
    "head": (
        "head",
        "skull",
        "brain",
        "kopf",
        "schadel",
        "hirn",
        "cerebr",
        "crane",
        "tete",
        "crani",
        "neuro",
    ),
    "neck": ("neck", "hals", "cou ", "carotis", "carotid", "thyroid", "schilddruse"),
    "chest": ("chest", "thorax", "lung", "poumon", "rippe", "ribs", "heart", "herz", "coeur", "cardia"),
    "breast": ("breast", "mamma", "mammo", "brust"),
    "abdomen": ("abdom", "liver", "leber", "foie", "kidney", "niere", "pancrea", "oberbauch", "bauch"),
    "pelvis": ("pelvi", "becken", "bassin", "prostat", "uterus", "bladder", "blase"),
    "spine": ("spine", "wirbel", "lws", "hws", "bws", "cspine", "tspine", "lspine", "lumb", "rachis", "sakr"),
    "hip": ("hip", "huft", "hanche"),
    "knee": ("knee", "knie", "genou"),
    "ankle": ("ankle", "sprung", "cheville"),
    "foot": ("foot", "fuss", "pied", "zehe", "toe"),
    "shoulder": ("shoulder", "schulter", "epaule", "clavicle"),
    "elbow": ("elbow", "ellbogen", "coude"),
    "wrist": ("wrist", "handgelenk", "poignet"),
    "hand": ("hand", "finger"),
    "leg": ("leg", "femur", "tibia", "unterschenkel", "oberschenkel", "jambe"),
    "arm": ("arm", "humerus", "unterarm", "radius", "ulna", "bras"),
}
_LEFT = re.compile(r"\b(left|links|li|gauche|lt)\b")
_RIGHT = re.compile(r"\b(right|rechts|re|droite?|rt)\b")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a prefetch rule fetches. Empty patterns let every scheduled step pass."""

    archives: tuple[str, ...]  # AE titles of nodes that are asked, in this order.
    modalities: tuple[str, ...] = ()  # Of the scheduled step; patterns, as in routing rules.
    procedures: tuple[str, ...] = ()  # Its procedure or protocol, code or text.
    priors_max: int = 3
    years_max: int = 5
    same_modality_only: bool = False
    same_body_part_only: bool = True

    def checked(self) -> "Wanted":
        """The same, trimmed; raises RuleRefused naming what is wrong, Invalid for no AE title."""
        archives = tuple(dict.fromkeys(parse_ae_title(title) for title in self.archives))
        if not 1 <= len(archives) <= DESTINATIONS_MAX:
            raise RuleRefused(f"A prefetch rule asks 1 to {DESTINATIONS_MAX} archives.")
        if not 1 <= self.priors_max <= PRIORS_MAX_MAX:
            raise RuleRefused(f"A prefetch rule fetches 1 to {PRIORS_MAX_MAX} studies.")
        if not 1 <= self.years_max <= YEARS_MAX_MAX:
            raise RuleRefused(f"A prefetch rule looks back 1 to {YEARS_MAX_MAX} years.")
        return Wanted(
            archives,
            checked_patterns("modalities", self.modalities),
            checked_patterns("procedures", self.procedures),
            self.priors_max,
            self.years_max,
            self.same_modality_only,
            self.same_body_part_only,
        )


@dataclass(frozen=True, slots=True)
class NewPrefetchRule:
    """A prefetch rule as somebody writes it; of several that match, the first by position counts."""

    name: str
    wanted: Wanted
    is_active: bool = True
    position: int = 100

    def checked(self) -> "NewPrefetchRule":
        """The same, trimmed; raises RuleRefused, Invalid."""
        return NewPrefetchRule(
            checked_name(self.name), self.wanted.checked(), self.is_active, checked_position(self.position)
        )


@dataclass(frozen=True, slots=True)
class PrefetchRule:
    """A prefetch rule that is kept. A removed one can be restored."""

    id: str
    name: str
    wanted: Wanted
    is_active: bool
    position: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class UpcomingStep:
    """The exam for which priors are wanted. Texts as scheduled; empty when unknown."""

    patient_id: str
    issuer_of_patient_id: str
    modality: str
    procedure: str  # Code, protocol and description, whatever is known, in one text.
    body_part_examined: str = ""
    laterality: str = ""  # L, R or empty.
    study_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A study that an archive has of the patient, as C-FIND tells it."""

    study_instance_uid: str
    study_date: str  # DA; empty when unknown.
    modalities: tuple[str, ...]
    study_description: str
    body_parts_examined: tuple[str, ...] = ()
    laterality: str = ""

    @property
    def names_region(self) -> bool:
        """Whether its description or body parts say what of the body it shows."""
        return bool(regions_of(self.study_description, *self.body_parts_examined))

    def with_body_parts(self, body_parts_examined: tuple[str, ...]) -> "Candidate":
        """The same, now that its series were asked."""
        return replace(self, body_parts_examined=body_parts_examined)


@dataclass(frozen=True, slots=True)
class Prior:
    """A candidate that is worth fetching; higher scores first."""

    study_instance_uid: str
    score: float


def is_for(wanted: Wanted, step: UpcomingStep) -> bool:
    """Whether the rule is about such a step."""
    return all(
        not patterns or matches_any(patterns, value)
        for patterns, value in ((wanted.modalities, step.modality), (wanted.procedures, step.procedure))
    )


def relevant_priors(
    candidates: Iterable[Candidate], step: UpcomingStep, wanted: Wanted, today: date
) -> list[Prior]:
    """The candidates worth fetching, best first, at most `wanted.priors_max`; each study once.

    A study without a date, or of the future, is as old as the rule allows: it comes last, but it may come.
    """
    best: dict[str, Prior] = {}
    for candidate in candidates:
        if candidate.study_instance_uid in ("", step.study_instance_uid):
            continue
        score = _score(candidate, step, wanted, today)
        held = best.get(candidate.study_instance_uid)
        if score is not None and (held is None or score > held.score):
            best[candidate.study_instance_uid] = Prior(candidate.study_instance_uid, score)
    ordered = sorted(best.values(), key=lambda prior: (-prior.score, prior.study_instance_uid))
    return ordered[: wanted.priors_max]


def regions_of(*texts: str) -> frozenset[str]:
    """The regions of the body that body parts and descriptions name."""
    folded = _folded(*texts)
    return frozenset(
        region
        for region, roots in REGIONS.items()
        if any(re.search(rf"(?<![a-z]){re.escape(root)}", folded) for root in roots)
    )


def side_of(laterality: str, *texts: str) -> str:
    """L, R, or empty when unknown or both."""
    if laterality in ("L", "R"):
        return laterality
    folded = _folded(*texts)
    left, right = bool(_LEFT.search(folded)), bool(_RIGHT.search(folded))
    return "L" if left and not right else "R" if right and not left else ""


def _score(candidate: Candidate, step: UpcomingStep, wanted: Wanted, today: date) -> float | None:
    """Points, or None when it is not to be fetched."""
    years = _years_before(candidate.study_date, today)
    if years is not None and years > wanted.years_max:
        return None
    modality = _modality_points(candidate.modalities, step.modality)
    if wanted.same_modality_only and modality < MODALITY_POINTS:
        return None
    ours = regions_of(step.body_part_examined, step.procedure)
    theirs = regions_of(candidate.study_description, *candidate.body_parts_examined)
    same_region = bool(ours & theirs)
    # Where one side tells no region, nothing can be held against the study.
    if wanted.same_body_part_only and ours and theirs and not same_region:
        return None
    points = float(modality + (BODY_PART_POINTS if same_region else 0))
    if points == 0:
        return None
    side = side_of(step.laterality, step.procedure, step.body_part_examined)
    their_side = side_of(candidate.laterality, candidate.study_description)
    if side and their_side:
        points += LATERALITY_POINTS if side == their_side else -LATERALITY_POINTS
    newness = 0.0 if years is None else max(0.0, 1.0 - years / AGE_YEARS)
    return points + NEWER_POINTS_MAX * newness


def _modality_points(theirs: Sequence[str], ours: str) -> int:
    if ours in theirs:
        return MODALITY_POINTS
    related = any(ours in family and family & set(theirs) for family in RELATED_MODALITIES)
    return RELATED_MODALITY_POINTS if related else 0


def _years_before(study_date: str, today: date) -> float | None:
    parsed = parse_date(study_date).value
    if parsed is None:
        return None
    days = (today - date.fromisoformat(parsed)).days
    return days / 365.25 if days >= 0 else None


def _folded(*texts: str) -> str:
    """Lower case without accents, words apart: ä is a, ß is ss."""
    decomposed = unicodedata.normalize("NFKD", " ".join(texts).casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character)) + " "
