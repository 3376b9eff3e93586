"""Why the list of peers refuses."""

from filmless.infra.errors import Conflict, NotFound


class NodeNotFound(NotFound):
    """No peer is registered under this AE title."""


class AETitleTaken(Conflict):
    """A peer is registered under this AE title already."""
