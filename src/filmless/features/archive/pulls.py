"""Other archives: who may search them and fetch from them, and the record of it.

Searching leaves a Query record that names the node (PS3.15 A.5.3.10), fetching one that instances begin to
be transferred (A.5.3.4); the instances themselves are recorded as they come. Not here: the asking itself,
which is DICOM's (`edge/dimse/remote`). Start at `ask_pull`.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from filmless.features.access import Actor, Permission
from filmless.features.archive import pull_repository
from filmless.features.archive.pull_model import ENDED, NewPull, Pull, PullCounts, PullEvent
from filmless.features.archive.stores import ReadableArchive
from filmless.features.audit import AuditEvent, record
from filmless.features.nodes import Node, NodeInactive, get_node
from filmless.infra import limits
from filmless.infra.database import Transaction
from filmless.infra.errors import Conflict, NotFound
from filmless.infra.ids import new_id
from filmless.infra.jobs import enqueue

PULL_STUDY = "pull-study"  # Kind of job.


class PullNotFound(NotFound):
    """There is no such pull, or it ended long ago."""


class PullHasEnded(Conflict):
    """What has ended cannot be stopped."""


def begin_remote_query(
    archive: ReadableArchive, actor: Actor, ae_title: str, level: str, matching: Mapping[str, str]
) -> Node:
    """The node that is to be searched, after the search was recorded.

    Raises NodeNotFound, NodeInactive. What is found leaves the other archive's house, not ours.
    """
    actor.must(Permission.REMOTE_QUERY)
    node = _active_node(archive, ae_title)
    details = {"ae_title": node.ae_title, "level": level, "matching": dict(matching)}
    with archive.database.transaction() as tx:
        record(tx, actor, AuditEvent.QUERY, action="E", details=details)
    return node


def count_held_instances(
    archive: ReadableArchive, actor: Actor, study_instance_uids: Sequence[str]
) -> dict[str, int]:
    """How many instances we hold of studies that another archive named; belongs to a remote query."""
    actor.must(Permission.REMOTE_QUERY)
    held: dict[str, int] = {}
    with archive.database.read() as tx:
        for start in range(0, len(study_instance_uids), limits.QUERY_RESULTS_MAX):
            some = study_instance_uids[start : start + limits.QUERY_RESULTS_MAX]
            held |= pull_repository.held_instances(tx, some)
    return held


def ask_pull(
    archive: ReadableArchive, actor: Actor, new_pull: NewPull, *, in_background: bool = True
) -> Pull:
    """Have a study fetched; asking twice for what is under way gives that.

    Not `in_background`: the caller fetches it at once. Raises Invalid, NodeNotFound, NodeInactive.
    """
    actor.must(Permission.REMOTE_QUERY)
    actor.must(Permission.STUDIES_STORE)
    wanted = new_pull.checked()
    node = _active_node(archive, wanted.ae_title)
    with archive.database.transaction() as tx:
        under_way = pull_repository.pull_under_way(tx, wanted)
        if under_way is not None:
            return under_way
        old = tx.now - timedelta(seconds=limits.PULL_KEEP_SECONDS)
        pull_repository.delete_ended_before(tx, old, limits.TRIM_ROWS_MAX)
        pull_id = new_id()
        pull_repository.insert_pull(tx, pull_id, wanted, actor.name)
        if in_background:
            _enqueue(tx, pull_id)
        record(
            tx,
            actor,
            AuditEvent.BEGIN_TRANSFERRING_INSTANCES,
            action="E",
            study_instance_uid=wanted.study_instance_uid,
            details={"ae_title": node.ae_title, "series_instance_uids": wanted.series_instance_uids},
        )
        pull = pull_repository.find_pull(tx, pull_id)
    assert pull is not None  # It was inserted in this transaction.
    return pull


def list_pulls(
    archive: ReadableArchive, actor: Actor, limit: int = limits.QUERY_RESULTS_DEFAULT
) -> list[Pull]:
    """The pulls asked for last, newest first."""
    actor.must(Permission.REMOTE_QUERY)
    with archive.database.read() as tx:
        return pull_repository.newest_pulls(tx, limit)


def get_pull(archive: ReadableArchive, actor: Actor, pull_id: str) -> Pull:
    """One pull; raises PullNotFound."""
    actor.must(Permission.REMOTE_QUERY)
    with archive.database.read() as tx:
        pull = pull_repository.find_pull(tx, pull_id)
    if pull is None:
        raise PullNotFound("There is no such pull. Those that ended a month ago are forgotten.")
    return pull


def stop_pull(archive: ReadableArchive, actor: Actor, pull_id: str) -> Pull:
    """Fetch no more; what has come stays. Raises PullNotFound, PullHasEnded."""
    pull = get_pull(archive, actor, pull_id)
    with archive.database.transaction() as tx:
        if not pull_repository.apply(tx, pull.id, PullEvent.STOP):
            raise PullHasEnded("This pull has ended already.")
    return get_pull(archive, actor, pull_id)


def begin_connection_check(archive: ReadableArchive, actor: Actor, ae_title: str, *, may_store: bool) -> Node:
    """The node whose connection is to be examined, after that was recorded; raises NodeNotFound."""
    actor.must(Permission.NODES_MANAGE)
    node = get_node(archive.database, ae_title)
    details = {"ae_title": node.ae_title, "purpose": "connection check", "sends_test_image": may_store}
    with archive.database.transaction() as tx:
        record(tx, actor, AuditEvent.QUERY, action="E", details=details)
    return node


# --- For the job -----------------------------------------------------------------------------------------


def begin_pull(archive: ReadableArchive, pull_id: str) -> Pull | None:
    """The pull, now running; None when there is nothing to do any more."""
    with archive.database.transaction() as tx:
        pull_repository.apply(tx, pull_id, PullEvent.BEGIN)
        pull = pull_repository.find_pull(tx, pull_id)
    return None if pull is None or pull.state in ENDED else pull


def note_pull_progress(archive: ReadableArchive, pull_id: str, counts: PullCounts) -> bool:
    """Note how far it is; False when somebody has stopped it."""
    with archive.database.transaction() as tx:
        return pull_repository.update_counts(tx, pull_id, counts)


def end_pull_attempt(
    archive: ReadableArchive, pull_id: str, event: PullEvent, counts: PullCounts, explanation: str = ""
) -> None:
    """Write down how an attempt ended, unless somebody has stopped the pull meanwhile."""
    with archive.database.transaction() as tx:
        pull_repository.update_counts(tx, pull_id, counts)
        pull_repository.apply(tx, pull_id, event, explanation)


def postpone_pull(archive: ReadableArchive, pull_id: str, seconds: float) -> None:
    """Let the job run again later: there was no place for it."""
    with archive.database.transaction() as tx:
        _enqueue(tx, pull_id, seconds)


def _enqueue(tx: Transaction, pull_id: str, delay_seconds: float = 0) -> None:
    enqueue(
        tx,
        PULL_STUDY,
        {"pull_id": pull_id},
        unique_key=f"{PULL_STUDY}:{pull_id}",
        delay_seconds=delay_seconds,
    )


def _active_node(archive: ReadableArchive, ae_title: str) -> Node:
    node = get_node(archive.database, ae_title)
    if not node.is_active:
        raise NodeInactive(f"The node {node.ae_title} is switched off.")
    return node
