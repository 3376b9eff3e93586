"""Why routing refuses."""

from filmless.infra.errors import Conflict, Invalid, NotFound


class RuleRefused(Invalid):
    """A rule says something that cannot be: the message names the part."""


class RuleNotFound(NotFound):
    """There is no such rule, or it was removed."""


class RuleNameTaken(Conflict):
    """Another rule has this name."""


class TransmissionNotFound(NotFound):
    """There is no such transmission; those that ended are forgotten after a while."""


class TransitionRefused(Conflict):
    """A transmission in this state cannot do that."""


class NothingToSend(NotFound):
    """No such study, or nothing in it of what was asked for."""
