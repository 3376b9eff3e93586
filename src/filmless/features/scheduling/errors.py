"""Why scheduling refuses."""

from filmless.infra.errors import Conflict, Invalid, NotFound


class StepNotFound(NotFound):
    """There is no such scheduled step."""


class StepRefused(Invalid):
    """An attribute of the step is missing, or is not what its kind of attribute may hold."""


class StepNotInState(Conflict):
    """What was asked cannot happen to a step in this state."""


class StepChangedMeanwhile(Conflict):
    """Somebody else changed the step since it was read."""


class NumberTaken(Conflict):
    """The accession number, Study Instance UID or step ID belongs to something else already."""


class StepExists(NumberTaken):
    """The very step is there already: same patient, procedure and Scheduled Procedure Step ID."""


class WorklistQueryNotUnderstood(Invalid):
    """A key of the worklist query, `tag`, has a value that its kind of attribute cannot have."""

    def __init__(self, message: str, tag: int) -> None:
        super().__init__(message)
        self.tag = tag
