"""Why the list of peers refuses."""

from filmless.infra.errors import Conflict, NotFound


class NodeNotFound(NotFound):
    """No peer is registered under this AE title."""


class AETitleTaken(Conflict):
    """A peer is registered under this AE title already."""


class NodeInactive(Conflict):
    """The peer is switched off: nothing is sent to it, nothing taken from it."""


class UnknownCallerNotFound(NotFound):
    """Nobody of this AE title and address is on the list of those who were turned away."""
