"""Which instances of a request are not committed, and why: for the person who must do something about it."""

from collections.abc import Sequence

from filmless.features.access import Actor, Permission
from filmless.features.commitment import repository
from filmless.features.commitment.errors import CommitmentNotFound
from filmless.features.commitment.model import FailedInstance
from filmless.infra.database import Database


def list_failures(database: Database, actor: Actor, request_id: str) -> Sequence[FailedInstance]:
    """What failed of a request, asked of us or by us. Raises CommitmentNotFound, NotPermitted."""
    actor.must(Permission.STUDIES_READ)
    with database.read() as tx:
        failures = repository.find_failures(tx, request_id)
    if failures is None:
        raise CommitmentNotFound("There is no such commitment request.")
    return failures
