"""Scheduling: what is to be done when and on which station; the modality worklist is answered from it.

A request (accession number) has procedures (one study each), a procedure has steps (one worklist item each).
Not here: what the modalities say they did (`exams`, which tells by `record_progress`); rooms, calendars and
orders, which come with the department. Start at `service.schedule_step` and `worklist.iterate_worklist`.
Invariant: an accession number belongs to one patient, a Study Instance UID to one procedure.
"""

from filmless.features.scheduling.attributes import (
    ATTRIBUTES,
    HANDED_ON,
    HANDED_ON_IN_STEP,
    Attribute,
    Place,
)
from filmless.features.scheduling.changes import StepNews, StepReader
from filmless.features.scheduling.errors import (
    NumberTaken,
    StepChangedMeanwhile,
    StepExists,
    StepNotFound,
    StepNotInState,
    StepRefused,
    WorklistQueryNotUnderstood,
)
from filmless.features.scheduling.events import PatientArrived, StepCancelled, StepChanged, StepScheduled
from filmless.features.scheduling.model import (
    OPEN_STATUSES,
    TRANSITIONS,
    Code,
    ImagingRequest,
    NewStep,
    PatientDetails,
    RequestedProcedure,
    ScheduledStep,
    StepDetails,
    StepEvent,
    StepStatus,
    WorklistView,
    status_after,
)
from filmless.features.scheduling.service import (
    OFFSET_MAX,
    StepFilter,
    arrive,
    cancel_step,
    change_step,
    find_referenced_steps,
    find_scheduled_steps,
    get_step,
    lock_steps,
    move_on,
    record_progress,
    schedule_step,
)
from filmless.features.scheduling.worklist import (
    WORKLIST_RULES,
    iterate_worklist,
    list_worklist_views,
    set_worklist_view,
)
from filmless.features.scheduling.worklist_item import step_of, worklist_item

__all__ = [
    "ATTRIBUTES",
    "HANDED_ON",
    "HANDED_ON_IN_STEP",
    "OFFSET_MAX",
    "OPEN_STATUSES",
    "TRANSITIONS",
    "WORKLIST_RULES",
    "Attribute",
    "Code",
    "ImagingRequest",
    "NewStep",
    "NumberTaken",
    "PatientArrived",
    "PatientDetails",
    "Place",
    "RequestedProcedure",
    "ScheduledStep",
    "StepCancelled",
    "StepChanged",
    "StepChangedMeanwhile",
    "StepDetails",
    "StepEvent",
    "StepExists",
    "StepFilter",
    "StepNews",
    "StepNotFound",
    "StepNotInState",
    "StepReader",
    "StepRefused",
    "StepScheduled",
    "StepStatus",
    "WorklistQueryNotUnderstood",
    "WorklistView",
    "arrive",
    "cancel_step",
    "change_step",
    "find_referenced_steps",
    "find_scheduled_steps",
    "get_step",
    "iterate_worklist",
    "list_worklist_views",
    "lock_steps",
    "move_on",
    "record_progress",
    "schedule_step",
    "set_worklist_view",
    "status_after",
    "step_of",
    "worklist_item",
]
