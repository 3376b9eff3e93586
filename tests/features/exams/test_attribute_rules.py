"""PS3.4 table F.7.2-1, row by row: what N-CREATE, N-SET and the final state ask of each attribute."""

from collections.abc import Iterator

import pytest

from filmless.features.exams import (
    RULES,
    AttributesRefused,
    InvalidAttributeValues,
    MissingAttributes,
    MissingAttributeValues,
    Rule,
)
from filmless.features.exams.attribute_rules import changed, created
from filmless.standards.dicom.data_set import DataSet, Element
from filmless.standards.dicom.dictionary import vr_of
from worklist_builders import a_series, data_set, ended, started

Path = tuple[Rule, ...]


def paths(rules: tuple[Rule, ...] = RULES, above: Path = ()) -> Iterator[Path]:
    """Every row with the sequences it is in."""
    for rule in rules:
        yield (*above, rule)
        yield from paths(rule.items, (*above, rule))


def name_of(path: Path) -> str:
    return ">".join(rule.keyword for rule in path)


def filled() -> DataSet:
    """An N-CREATE in which every sequence that has rows for its items has an item."""
    reference = {"ReferencedSOPClassUID": "1.2.3", "ReferencedSOPInstanceUID": "1.2.4"}
    whole = started(
        ReferencedPatientSequence=[reference],
        PerformedSeriesSequence=[a_series(1, 1, ReferencedNonImageCompositeSOPInstanceSequence=[reference])],
    )
    whole.items(0x00400270)[0].set_items(0x00081110, [data_set(reference)])
    return whole


def holder(whole: DataSet, path: Path) -> DataSet:
    """The data set that has the row's attribute."""
    for rule in path[:-1]:
        whole = whole.items(rule.tag)[0]
    return whole


CREATED = list(paths())
OF_TYPE = {need: [path for path in CREATED if path[-1].create == need] for need in "123"}


def test_the_table_has_all_rows_of_the_standard() -> None:
    assert len({name_of(path) for path in CREATED}) == len(CREATED)
    assert len(OF_TYPE["1"]) == 18
    assert {path[0].keyword for path in CREATED if path[-1].final == "1"} == {
        "PerformedProcedureStepStatus",
        "PerformedProcedureStepEndDate",
        "PerformedProcedureStepEndTime",
        "PerformedSeriesSequence",
    }
    assert created(filled()) == filled()


@pytest.mark.parametrize("path", OF_TYPE["1"], ids=name_of)
def test_type_1_must_be_there_and_have_a_value(path: Path) -> None:
    tag = path[-1].tag
    whole = filled()
    del holder(whole, path).elements[tag]
    with pytest.raises(MissingAttributes) as missing:
        created(whole)
    assert missing.value.tags == (tag,)
    whole = filled()
    holder(whole, path).set(tag, None)
    with pytest.raises(MissingAttributeValues) as empty:
        created(whole)
    assert empty.value.tags == (tag,)


@pytest.mark.parametrize("path", OF_TYPE["2"], ids=name_of)
def test_type_2_may_be_empty_and_is_made_when_it_is_left_out(path: Path) -> None:
    tag = path[-1].tag
    for leave_out in (True, False):
        whole = filled()
        if leave_out:
            holder(whole, path).elements.pop(tag, None)
        else:
            holder(whole, path).set(tag, None)
        made = holder(created(whole), path)
        assert tag in made
        assert made.is_empty(tag)


@pytest.mark.parametrize("path", OF_TYPE["3"], ids=name_of)
def test_type_3_may_be_absent(path: Path) -> None:
    whole = filled()
    holder(whole, path).elements.pop(path[-1].tag, None)
    assert path[-1].tag not in holder(created(whole), path)


def another_value(rule: Rule) -> Element:
    made = DataSet()
    if vr_of(rule.tag) == "SQ":
        made.set_items(rule.tag, [data_set(StudyInstanceUID="7.7.7")])
    else:
        made.set(rule.tag, {"DA": "20000101", "TM": "0101", "UI": "7.7.7"}.get(vr_of(rule.tag), "OTHER"))
    element = made.element(rule.tag)
    assert element
    return element


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.change == "-"], ids=lambda rule: rule.keyword
)
def test_what_n_set_may_not_change_stays_and_is_named(rule: Rule) -> None:
    held = created(filled())
    modifications = DataSet()
    modifications.elements[rule.tag] = another_value(rule)
    assert changed(held, modifications) == (held, (rule.tag,))
    same = DataSet()
    if rule.tag in held:
        same.elements[rule.tag] = held.elements[rule.tag]
    assert changed(held, same) == (held, ())


SETTABLE = [rule for rule in RULES if rule.change == "3" and rule.keyword != "PerformedProcedureStepStatus"]


@pytest.mark.parametrize("rule", SETTABLE, ids=lambda rule: rule.keyword)
def test_what_n_set_may_change_is_changed(rule: Rule) -> None:
    held = created(filled())
    modifications = DataSet()
    if rule.items:
        modifications.set_items(rule.tag, [data_set(a_series(9))])
    else:
        modifications.elements[rule.tag] = another_value(rule)
    merged, ignored = changed(held, modifications)
    assert ignored == ()
    assert merged.element(rule.tag) == modifications.element(rule.tag)
    assert {tag for tag in merged if merged.element(tag) != held.element(tag)} == {rule.tag}


def test_other_attributes_come_and_go(sqlite_database: object) -> None:
    held = created(started(BodyPartExamined="HEAD"))
    merged, _ = changed(held, data_set(BodyPartExamined="NECK", EntranceDoseInmGy="1.5"))
    assert (merged.text(0x00180015), merged.text(0x00408302)) == ("NECK", "1.5")


def test_a_data_set_sent_whole_once_more_is_no_error() -> None:
    sent = started(PatientName=None)
    held = created(sent)
    again = started(PatientName=None)
    again.elements.update(ended().elements)
    _, ignored = changed(held, again)
    assert ignored == ()


ITEMS = [path for path in CREATED if path[0].keyword == "PerformedSeriesSequence" and len(path) > 1]


@pytest.mark.parametrize("path", [path for path in ITEMS if path[-1].create == "1"], ids=name_of)
def test_items_that_n_set_brings_are_held_to_the_same_rules(path: Path) -> None:
    whole = filled()
    del holder(whole, path).elements[path[-1].tag]
    modifications = DataSet()
    modifications.elements[path[0].tag] = whole.elements[path[0].tag]
    with pytest.raises(MissingAttributes) as missing:
        changed(created(filled()), modifications)
    assert missing.value.tags == (path[-1].tag,)


ENDS = ["PerformedProcedureStepEndDate", "PerformedProcedureStepEndTime", "PerformedSeriesSequence"]


@pytest.mark.parametrize("status", ["COMPLETED", "DISCONTINUED"])
@pytest.mark.parametrize("keyword", ENDS)
def test_the_end_needs_what_the_final_state_asks(status: str, keyword: str) -> None:
    held = created(started())
    lacking = ended(status, **{keyword: None})
    if (status, keyword) == ("DISCONTINUED", "PerformedSeriesSequence"):
        changed(held, lacking)  # Given up before the first image.
        return
    with pytest.raises(MissingAttributeValues):
        changed(held, lacking)
    del held.elements[next(rule.tag for rule in RULES if rule.keyword == keyword)]
    with pytest.raises(MissingAttributes):
        changed(held, lacking)


def test_what_was_set_before_counts_at_the_end() -> None:
    held, _ = changed(created(started()), ended("IN PROGRESS"))
    merged, _ = changed(held, data_set(PerformedProcedureStepStatus="COMPLETED"))
    assert merged.text(0x00400252) == "COMPLETED"


IMPOSSIBLE = [
    {"PerformedProcedureStepStatus": "COMPLETED"},
    {"PerformedProcedureStepStatus": "READY"},
    {"PerformedProcedureStepStartDate": "20261301"},
    {"PerformedProcedureStepStartTime": "9999"},
    {"PerformedProcedureStepID": "a\0b"},
    {"ScheduledStepAttributesSequence": [{"StudyInstanceUID": "1.2.x"}]},
]


@pytest.mark.parametrize("values", IMPOSSIBLE, ids=str)
def test_impossible_values_are_named(values: dict[str, object]) -> None:
    with pytest.raises(InvalidAttributeValues):
        created(started(**values))


@pytest.mark.parametrize("status", ["", "READY", "in progress"])
def test_n_set_knows_three_statuses(status: str) -> None:
    with pytest.raises(AttributesRefused):
        changed(created(started()), data_set(PerformedProcedureStepStatus=status))
