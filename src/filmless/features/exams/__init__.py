"""Exams: what the modalities say they did; performed procedure steps (MPPS).

A performed step is kept whole, as it was reported, and linked to the scheduled steps that it names, which
follow it (`following`). Not here: the wire (`edge/dimse/performed_step.py`), the images (`archive`). Start at
`service.create_performed_step`. Invariant: a step that is completed or discontinued is never changed.
"""

from filmless.features.exams.attribute_rules import RULES, Rule
from filmless.features.exams.changes import PerformedStepNews, PerformedStepReader
from filmless.features.exams.errors import (
    AttributesRefused,
    InvalidAttributeValues,
    MissingAttributes,
    MissingAttributeValues,
    PerformedStepBusy,
    PerformedStepExists,
    PerformedStepIsFinal,
    PerformedStepNotFound,
)
from filmless.features.exams.events import (
    PerformedStepCompleted,
    PerformedStepDiscontinued,
    PerformedStepStarted,
)
from filmless.features.exams.model import (
    PerformedSeries,
    PerformedStatus,
    PerformedStep,
    Reference,
    Remark,
)
from filmless.features.exams.service import (
    OFFSET_MAX,
    PerformedFilter,
    create_performed_step,
    find_performed_steps,
    get_performed_attributes,
    get_performed_step,
    set_performed_step,
)

__all__ = [
    "OFFSET_MAX",
    "RULES",
    "AttributesRefused",
    "InvalidAttributeValues",
    "MissingAttributeValues",
    "MissingAttributes",
    "PerformedFilter",
    "PerformedSeries",
    "PerformedStatus",
    "PerformedStep",
    "PerformedStepBusy",
    "PerformedStepCompleted",
    "PerformedStepDiscontinued",
    "PerformedStepExists",
    "PerformedStepIsFinal",
    "PerformedStepNews",
    "PerformedStepNotFound",
    "PerformedStepReader",
    "PerformedStepStarted",
    "Reference",
    "Remark",
    "Rule",
    "create_performed_step",
    "find_performed_steps",
    "get_performed_attributes",
    "get_performed_step",
    "set_performed_step",
]
