"""A scheduled step as a worklist item (PS3.4 K.6.1.2), and a worklist item as a step to be scheduled. Pure.

Start at `worklist_item`. Not here: which items a query matches (`standards/dicom/attribute_matching`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from filmless.features.scheduling.attributes import (
    ATTRIBUTES,
    HANDED_ON,
    HANDED_ON_IN_STEP,
    Attribute,
    Form,
    Place,
    known_tag,
)
from filmless.features.scheduling.model import (
    Code,
    ImagingRequest,
    NewStep,
    PatientDetails,
    RequestedProcedure,
    ScheduledStep,
    StepDetails,
)
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet, Element
from filmless.standards.dicom.data_set_values import split_text
from filmless.standards.dicom.dictionary import vr_of

_CODE_VALUE = known_tag("CodeValue")
_CODING_SCHEME_DESIGNATOR = known_tag("CodingSchemeDesignator")
_CODING_SCHEME_VERSION = known_tag("CodingSchemeVersion")
_CODE_MEANING = known_tag("CodeMeaning")
_LONG_CODE_VALUE = known_tag("LongCodeValue")
_STATUS = known_tag("ScheduledProcedureStepStatus")

# Looked up once: a worklist is some hundred items of fifty attributes.
_BY_PLACE = {place: [(one, one.tag, one.vr) for one in ATTRIBUTES if one.place is place] for place in Place}
_OWN_TAGS = frozenset(one.tag for one in ATTRIBUTES) | {
    tags.SPECIFIC_CHARACTER_SET,
    tags.SCHEDULED_PROCEDURE_STEP_SEQUENCE,
}


def _nothing(keywords: Iterable[str]) -> dict[int, Element]:
    empty = DataSet()
    for keyword in keywords:
        empty.set(known_tag(keyword), None)
    return empty.elements


# Shared by all items, and never changed: a supported attribute is answered, even without a value.
_ROOT_WITHOUT_VALUES = _nothing(HANDED_ON)
_STEP_WITHOUT_VALUES = _nothing(HANDED_ON_IN_STEP)


def worklist_item(held: ScheduledStep) -> DataSet:
    """All attributes we have or could have of the step; those without a value are of zero length."""
    details = held.details
    others = details.other_attributes
    root, step = DataSet(), DataSet()
    root.elements = {**_ROOT_WITHOUT_VALUES, **others.elements}
    step.elements = {**_STEP_WITHOUT_VALUES}
    for item in others.items(tags.SCHEDULED_PROCEDURE_STEP_SEQUENCE):
        step.elements.update(item.elements)
    for place, part in _parts(details):
        target = step if place is Place.STEP else root
        for attribute, tag, vr in _BY_PLACE[place]:
            target.elements[tag] = _element(attribute, vr, getattr(part, attribute.field))
    step.set(_STATUS, held.status.value)
    root.set_items(tags.SCHEDULED_PROCEDURE_STEP_SEQUENCE, [step])
    return root


def step_of(item: DataSet) -> NewStep:
    """What a worklist item of another system says, to be scheduled here; its status is left out.

    Nothing is checked: `service.schedule_step` does. An item without Scheduled Procedure Step Sequence gives
    a step without modality, place and time.
    """
    steps = item.items(tags.SCHEDULED_PROCEDURE_STEP_SEQUENCE)
    step = steps[0] if steps else DataSet()
    read: dict[Place, dict[str, Any]] = {place: {} for place in Place}
    for attribute in ATTRIBUTES:
        source = step if attribute.place is Place.STEP else item
        read[attribute.place][attribute.field] = _value_in(source, attribute)
    others = _others(item)
    if other_of_step := _others(step):
        others.set_items(tags.SCHEDULED_PROCEDURE_STEP_SEQUENCE, [other_of_step])
    return NewStep(
        PatientDetails(**read[Place.PATIENT]),
        ImagingRequest(**read[Place.REQUEST]),
        RequestedProcedure(**read[Place.PROCEDURE]),
        StepDetails(**read[Place.STEP]),
        others,
    )


def _parts(details: NewStep) -> Sequence[tuple[Place, object]]:
    return [(place, getattr(details, place.value)) for place in Place]


def _element(attribute: Attribute, vr: str, value: Any) -> Element:
    if attribute.form is Form.TEXT:
        return Element(vr, split_text(value, vr))
    if attribute.form is Form.CODES:
        return Element(vr, items=[_code_item(code) for code in value])
    if attribute.form is Form.ISSUER:
        return Element(vr, items=[_issuer_item(value)] if value else [])
    if attribute.form is Form.TEXTS:
        return Element(vr, list(value))
    return Element(vr, [] if value is None else [value])


def _value_in(source: DataSet, attribute: Attribute) -> Any:
    tag = attribute.tag
    if attribute.form is Form.CODES:
        return tuple(_code_of(item) for item in source.items(tag))
    if attribute.form is Form.ISSUER:
        return next((item.text(tags.LOCAL_NAMESPACE_ENTITY_ID) for item in source.items(tag)), "")
    if attribute.form is Form.TEXTS:
        return tuple(text for text in source.texts(tag) if text)
    return source.number(tag) if attribute.form is Form.NUMBER else source.text(tag)


def _code_item(code: Code) -> DataSet:
    item = DataSet()
    # PS3.3 section 8.1: a value of more than 16 characters is a Long Code Value.
    item.set(_CODE_VALUE if len(code.code_value) <= 16 else _LONG_CODE_VALUE, code.code_value)
    item.set(_CODING_SCHEME_DESIGNATOR, code.coding_scheme_designator)
    if code.coding_scheme_version:
        item.set(_CODING_SCHEME_VERSION, code.coding_scheme_version)
    item.set(_CODE_MEANING, code.code_meaning)
    return item


def _code_of(item: DataSet) -> Code:
    return Code(
        item.text(_CODE_VALUE) or item.text(_LONG_CODE_VALUE),
        item.text(_CODING_SCHEME_DESIGNATOR),
        item.text(_CODE_MEANING),
        item.text(_CODING_SCHEME_VERSION),
    )


def _issuer_item(issuer: str) -> DataSet:
    item = DataSet()
    item.set(tags.LOCAL_NAMESPACE_ENTITY_ID, issuer)
    return item


def _others(source: DataSet) -> DataSet:
    """What has a value and no field of ours; private attributes and file meta information stay behind."""
    others = DataSet()
    for tag in source:
        if tag in _OWN_TAGS or tag == _STATUS or source.is_empty(tag) or vr_of(tag) == "UN" or tag >> 16 < 8:
            continue
        others.elements[tag] = source.elements[tag]
    return others


assert all(
    attribute.field in {field.name for field in dataclasses.fields(kind)}
    for place, kind in zip(
        Place, (PatientDetails, ImagingRequest, RequestedProcedure, StepDetails), strict=True
    )
    for attribute, _, _ in _BY_PLACE[place]
)  # Every row of the table names a field that exists.
