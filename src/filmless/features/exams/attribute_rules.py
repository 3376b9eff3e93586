"""What the attributes of a performed step must be: PS3.4 table F.7.2-1, and the checks made from it.

Type 1 is asked for strictly. An attribute of type 2 that a modality left out is created with zero length
instead: many leave them out, and a refused message would hold up the exam for nothing. Codes are kept as they
come. Start at RULES; `created` and `changed` are what the verbs use. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from filmless.features.exams.errors import (
    InvalidAttributeValues,
    MissingAttributes,
    MissingAttributeValues,
)
from filmless.features.exams.model import PerformedStatus
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet
from filmless.standards.dicom.dates import parse_date, parse_time
from filmless.standards.dicom.dictionary import tag_of
from filmless.standards.dicom.uids import is_valid_uid


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: the type in N-CREATE, in N-SET ("-": not allowed), and when the step ends ("": as before)."""

    keyword: str
    create: str
    change: str
    final: str = ""
    items: tuple[Rule, ...] = ()

    @property
    def tag(self) -> int:
        """The attribute's tag."""
        tag = tag_of(self.keyword)
        assert tag is not None  # The table below holds keywords of PS3.6 only.
        return tag


def _fixed(create: str, *keywords: str, items: tuple[Rule, ...] = ()) -> tuple[Rule, ...]:
    """Rows that N-SET may not touch."""
    return tuple(Rule(keyword, create, "-", items=items) for keyword in keywords)


_REFERENCED = _fixed("1", "ReferencedSOPClassUID", "ReferencedSOPInstanceUID")
_MADE = tuple(Rule(keyword, "1", "1") for keyword in ("ReferencedSOPClassUID", "ReferencedSOPInstanceUID"))

RULES: tuple[Rule, ...] = (
    # Performed Procedure Step Relationship.
    Rule(
        "ScheduledStepAttributesSequence",
        "1",
        "-",
        items=(
            *_fixed("1", "StudyInstanceUID"),
            *_fixed("2", "ReferencedStudySequence", items=_REFERENCED),
            *_fixed(
                "2",
                "AccessionNumber",
                "RequestedProcedureID",
                "RequestedProcedureDescription",
                "ScheduledProcedureStepID",
                "ScheduledProcedureStepDescription",
                "ScheduledProtocolCodeSequence",
            ),
            *_fixed(
                "3",
                "IssuerOfAccessionNumberSequence",
                "PlacerOrderNumberImagingServiceRequest",
                "OrderPlacerIdentifierSequence",
                "FillerOrderNumberImagingServiceRequest",
                "OrderFillerIdentifierSequence",
                "RequestedProcedureCodeSequence",
            ),
        ),
    ),
    *_fixed("2", "PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *_fixed("2", "ReferencedPatientSequence", items=_REFERENCED),
    *_fixed(
        "3",
        "IssuerOfPatientID",
        "IssuerOfPatientIDQualifiersSequence",
        "OtherPatientIDsSequence",
        "AdmissionID",
        "IssuerOfAdmissionIDSequence",
        "ServiceEpisodeID",
        "IssuerOfServiceEpisodeIDSequence",
        "ServiceEpisodeDescription",
    ),
    # Performed Procedure Step Information.
    *_fixed("1", "PerformedProcedureStepID", "PerformedStationAETitle"),
    *_fixed("2", "PerformedStationName", "PerformedLocation"),
    *_fixed("1", "PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime"),
    Rule("PerformedProcedureStepStatus", "1", "3", "1"),
    Rule("PerformedProcedureStepDescription", "2", "3"),
    Rule("PerformedProcedureTypeDescription", "2", "3"),
    Rule("ProcedureCodeSequence", "2", "3"),
    Rule("ReasonForPerformedProcedureCodeSequence", "3", "3"),
    Rule("PerformedProcedureStepEndDate", "2", "3", "1"),
    Rule("PerformedProcedureStepEndTime", "2", "3", "1"),
    Rule("CommentsOnThePerformedProcedureStep", "3", "3"),
    Rule("PerformedProcedureStepDiscontinuationReasonCodeSequence", "3", "3"),
    # Image Acquisition Results.
    *_fixed("1", "Modality"),
    *_fixed("2", "StudyID"),
    Rule("PerformedProtocolCodeSequence", "2", "3"),
    Rule(
        "PerformedSeriesSequence",
        "2",
        "3",
        "1",
        items=(
            Rule("PerformingPhysicianName", "2", "2", "2"),
            Rule("ProtocolName", "1", "1", "1"),
            Rule("OperatorsName", "2", "2", "2"),
            Rule("SeriesInstanceUID", "1", "1", "1"),
            Rule("SeriesDescription", "2", "2", "2"),
            Rule("RetrieveAETitle", "2", "2", "2"),
            Rule("ArchiveRequested", "3", "3"),
            Rule("ReferencedImageSequence", "2", "2", items=_MADE),
            Rule("ReferencedNonImageCompositeSOPInstanceSequence", "2", "2", items=_MADE),
        ),
    ),
)
"""Everything the table names; all other attributes may come and go (3/3)."""

STATUS = next(rule.tag for rule in RULES if rule.keyword == "PerformedProcedureStepStatus")
PERFORMED_SERIES = next(rule.tag for rule in RULES if rule.keyword == "PerformedSeriesSequence")
_UNCHANGEABLE = frozenset(rule.tag for rule in RULES if rule.change == "-")
_DATES = {"PerformedProcedureStepStartDate", "PerformedProcedureStepEndDate"}
_TIMES = {"PerformedProcedureStepStartTime", "PerformedProcedureStepEndTime"}
_UIDS = {
    "StudyInstanceUID", "SeriesInstanceUID", "ReferencedSOPClassUID", "ReferencedSOPInstanceUID",
}  # fmt: skip


def created(attributes: DataSet) -> DataSet:
    """What an N-CREATE makes: its attributes, with those of type 2 that were left out of zero length.

    Raises MissingAttributes, MissingAttributeValues, InvalidAttributeValues.
    """
    _refuse(_problems(attributes, RULES))
    whole = _with_type_2(attributes, RULES)
    if whole.text(STATUS) != PerformedStatus.IN_PROGRESS:
        raise InvalidAttributeValues([STATUS])  # PS3.4 F.7.2.1.3.
    return whole


def changed(held: DataSet, modifications: DataSet) -> tuple[DataSet, tuple[int, ...]]:
    """What an N-SET makes of the attributes held, and the tags of those it may not change and wanted to.

    A sequence is replaced as a whole (PS3.4 F.7.2.2.2); an attribute sent again as it is changes nothing.
    Raises as `created` does, and when the step ends without what it must then have.
    """
    rules = [rule for rule in RULES if rule.tag in modifications]
    _refuse(_problems(modifications, [rule for rule in rules if rule.change != "-"]))
    sent = _with_type_2(modifications, rules)
    merged = DataSet()
    merged.elements = {**held.elements}
    ignored = []
    for tag in sent:
        if tag in _UNCHANGEABLE:
            if held.element(tag) != sent.element(tag):
                ignored.append(tag)
        elif tag != tags.SPECIFIC_CHARACTER_SET:
            merged.elements[tag] = sent.elements[tag]
    if merged.text(STATUS) not in set(PerformedStatus):
        raise InvalidAttributeValues([STATUS])
    status = PerformedStatus(merged.text(STATUS))
    if status is not PerformedStatus.IN_PROGRESS:
        _check_final(merged, status)
    return merged, tuple(ignored)


def _check_final(whole: DataSet, status: PerformedStatus) -> None:
    """PS3.4 F.7.2.2.2: what must be there when the step ends.

    Its note 2 asks for a series even of a step that was discontinued. Modalities give up before the first
    image and send none; they are believed.
    """
    absent: list[int] = []
    empty: list[int] = []
    for rule in RULES:
        if rule.final != "1" or not whole.is_empty(rule.tag):
            continue
        if rule.tag == PERFORMED_SERIES and status is PerformedStatus.DISCONTINUED:
            continue
        (empty if rule.tag in whole else absent).append(rule.tag)
    if absent:
        raise MissingAttributes(absent)
    if empty:
        raise MissingAttributeValues(empty)


def _with_type_2(attributes: DataSet, rules: Sequence[Rule]) -> DataSet:
    whole = DataSet()
    whole.elements = {**attributes.elements}
    for rule in rules:
        if rule.create == "2" and rule.tag not in whole:
            whole.set(rule.tag, None)
        elif rule.items and (items := whole.items(rule.tag)):
            whole.set_items(rule.tag, [_with_type_2(item, rule.items) for item in items])
    return whole


@dataclass(frozen=True, slots=True)
class _Problem:
    kind: type[MissingAttributes | MissingAttributeValues | InvalidAttributeValues]
    tag: int


def _problems(attributes: DataSet, rules: Sequence[Rule]) -> Iterator[_Problem]:
    for rule in rules:
        tag = rule.tag
        if rule.create == "1" and tag not in attributes:
            yield _Problem(MissingAttributes, tag)
        elif rule.create == "1" and attributes.is_empty(tag):
            yield _Problem(MissingAttributeValues, tag)
        elif not _is_possible(rule.keyword, attributes.text(tag)):
            yield _Problem(InvalidAttributeValues, tag)
        for item in attributes.items(tag) if rule.items else ():
            yield from _problems(item, rule.items)


def _is_possible(keyword: str, text: str) -> bool:
    if "\0" in text:
        return False
    if keyword in _DATES:
        return parse_date(text).problem is None
    if keyword in _TIMES:
        return parse_time(text).problem is None
    return keyword not in _UIDS or not text or is_valid_uid(text)


def _refuse(problems: Iterator[_Problem]) -> None:
    """Raise the first kind of problem there is, naming every attribute that has it."""
    found = list(problems)
    for kind in (MissingAttributes, MissingAttributeValues, InvalidAttributeValues):
        if found_tags := dict.fromkeys(problem.tag for problem in found if problem.kind is kind):
            raise kind(tuple(found_tags))
