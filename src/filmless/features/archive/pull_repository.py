"""Every SQL statement about pulls, and what we hold of studies that other archives name."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from filmless.features.archive.pull_model import (
    ENDED,
    TRANSITIONS,
    NewPull,
    Pull,
    PullCounts,
    PullEvent,
    PullMethod,
    PullState,
)
from filmless.features.archive.pull_tables import remote_pulls
from filmless.features.archive.tables import studies
from filmless.infra.database import Transaction


def insert_pull(tx: Transaction, pull_id: str, new_pull: NewPull, asked_by: str) -> None:
    """Add a pull that waits."""
    tx.execute(
        remote_pulls.insert().values(
            id=pull_id,
            ae_title=new_pull.ae_title,
            study_instance_uid=new_pull.study_instance_uid,
            series_instance_uids="\\".join(new_pull.series_instance_uids),
            method=new_pull.method.value,
            state=PullState.WAITING.value,
            attempts=0,
            completed=0,
            failed=0,
            remaining=0,
            explanation="",
            asked_by=asked_by,
            asked_at=tx.now,
        )
    )


def find_pull(tx: Transaction, pull_id: str) -> Pull | None:
    """The pull with that id."""
    row = tx.execute(sa.select(remote_pulls).where(remote_pulls.c.id == pull_id)).first()
    return None if row is None else _pull(row)


def newest_pulls(tx: Transaction, limit: int) -> list[Pull]:
    """The pulls asked for last, newest first."""
    rows = tx.execute(sa.select(remote_pulls).order_by(remote_pulls.c.id.desc()).limit(limit))
    return [_pull(row) for row in rows]


def pull_under_way(tx: Transaction, new_pull: NewPull) -> Pull | None:
    """One that asks for the same and has not ended."""
    columns = remote_pulls.c
    row = tx.execute(
        sa.select(remote_pulls)
        .where(
            columns.ended_at.is_(None),
            columns.ae_title == new_pull.ae_title,
            columns.study_instance_uid == new_pull.study_instance_uid,
            columns.series_instance_uids == "\\".join(new_pull.series_instance_uids),
        )
        .limit(1)
    ).first()
    return None if row is None else _pull(row)


def apply(tx: Transaction, pull_id: str, event: PullEvent, explanation: str = "") -> bool:
    """Let the event happen to the pull; False when its state does not allow it."""
    for (before, happens), after in TRANSITIONS.items():
        if happens is not event:
            continue
        values: dict[str, Any] = {"state": after.value, "explanation": explanation}
        if event is PullEvent.BEGIN:
            values["attempts"] = remote_pulls.c.attempts + 1
        if after in ENDED:
            values["ended_at"] = tx.now
        changed = tx.execute(
            sa.update(remote_pulls)
            .where(remote_pulls.c.id == pull_id, remote_pulls.c.state == before.value)
            .values(values)
        )
        if changed.rowcount:
            return True
    return False


def update_counts(tx: Transaction, pull_id: str, counts: PullCounts) -> bool:
    """Note how far a running pull is; False when it runs no more: somebody has stopped it."""
    changed = tx.execute(
        sa.update(remote_pulls)
        .where(remote_pulls.c.id == pull_id, remote_pulls.c.state == PullState.RUNNING.value)
        .values(completed=counts.completed, failed=counts.failed, remaining=counts.remaining)
    )
    return bool(changed.rowcount)


def delete_ended_before(tx: Transaction, moment: datetime, rows_max: int) -> None:
    """Forget old pulls, a few at a time."""
    old = sa.select(remote_pulls.c.id).where(remote_pulls.c.ended_at < moment).limit(rows_max)
    tx.execute(sa.delete(remote_pulls).where(remote_pulls.c.id.in_(old)))


def held_instances(tx: Transaction, study_instance_uids: Sequence[str]) -> dict[str, int]:
    """How many instances we hold of each of these studies; those that we do not hold are left out."""
    columns = (studies.c.study_instance_uid, studies.c.number_of_instances)
    wanted = sa.select(*columns).where(studies.c.study_instance_uid.in_(study_instance_uids))
    return {row.study_instance_uid: row.number_of_instances for row in tx.execute(wanted)}


def _pull(row: Any) -> Pull:
    return Pull(
        id=row.id,
        ae_title=row.ae_title,
        study_instance_uid=row.study_instance_uid,
        series_instance_uids=tuple(uid for uid in row.series_instance_uids.split("\\") if uid),
        method=PullMethod(row.method),
        state=PullState(row.state),
        attempts=row.attempts,
        counts=PullCounts(row.completed, row.failed, row.remaining),
        explanation=row.explanation,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        ended_at=row.ended_at,
    )
